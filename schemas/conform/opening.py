"""From what the caller names (a file, a schema, a dialect) to frictionless' own Schema and Resource.

Belongs here: reading the schema and building the resource exactly as `frictionless validate` would. Does not
belong here: judging anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from frictionless import Dialect, FrictionlessException, Package, Resource, Schema
from frictionless.resources import TableResource

from glane.errors import CallError
from schemas.conform.bounds import find_excess

SchemaLike: TypeAlias = Schema | Mapping[str, Any] | Path | str
ForeignTable: TypeAlias = Path | tuple[Path, SchemaLike]


class SchemaError(CallError):
    """The Table Schema cannot be read or is not one."""


class NotATableError(CallError):
    """The file's format is none that holds rows."""


@dataclass(frozen=True)
class Request:
    """What is asked: one file, one schema, and what is pinned about the file."""

    path: Path
    schema: Schema
    encoding: str | None = None
    dialect: dict[str, Any] | None = None
    foreign: Mapping[str, ForeignTable] = field(default_factory=dict)

    @cached_property
    def excess(self) -> tuple[str, str] | None:
        """What of the file asks too much, looked at once, and what to do (bounds.py)."""
        return find_excess(self.path, len(self.schema.fields))


def read_schema(schema: SchemaLike) -> Schema:
    """Give the schema as frictionless reads it (a caller's own is not touched). Raises SchemaError."""
    try:
        if isinstance(schema, Schema):
            return schema
        return Schema.from_descriptor(dict(schema) if isinstance(schema, Mapping) else str(schema))
    except FrictionlessException as exception:
        reasons = "; ".join(reason.note for reason in exception.reasons) or exception.error.note
        raise SchemaError(
            f"The Table Schema is not valid: {reasons}.", "Correct the schema, then validate again."
        ) from exception


def open_resource(request: Request) -> TableResource:
    """Give the (closed) resource that frictionless would validate for this request. Raises NotATableError, also for a
    file that its reader would not survive (bounds.py)."""
    if request.excess:
        raise NotATableError(f"{request.path.name} is not checked. {request.excess[0]}", request.excess[1])
    resource = _resource(request.path, request.schema.to_copy(), request.encoding, request.dialect)
    if request.foreign:
        if resource.name in request.foreign:
            raise CallError(
                f"The foreign table {resource.name!r} has the name of the file itself.", "Rename the foreign table."
            )
        Package(resources=[resource, *(_foreign(*item) for item in request.foreign.items())])
    return resource


def _resource(
    path: Path, schema: Schema | None, encoding: str | None = None, dialect: dict[str, Any] | None = None
) -> TableResource:
    options: dict[str, Any] = {"path": path.name, "basepath": str(path.parent)}
    suffix = path.suffix.lower()
    if suffix == ".geojson":
        options = {"name": _name(path), "data": _properties(path)}
    if schema is not None:
        options["schema"] = schema
    if encoding:
        options["encoding"] = encoding
    if dialect:
        options["dialect"] = Dialect.from_descriptor(dialect)
    # Frictionless takes a .json file for metadata unless it is told that it is a table.
    resource: Any = TableResource(**options) if suffix in (".json", ".geojson") else Resource(**options)
    if schema is not None:
        # A schema file is validated on its own, by the standard its `$schema` names; within a resource it would be
        # validated again, by the standard of the resource (which has no `$schema`, and so would be the first).
        profile = schema.to_descriptor().get("$schema")
        resource._datapackage_version = Schema.effective_datapackage_version({"$schema": profile}, None)
    if not isinstance(resource, TableResource):
        raise NotATableError(
            f"{path.name} is not a table that can be validated: its extension names no tabular format.",
            "Give it the extension of its format (.csv, .xlsx, .ods, .json, .geojson, .parquet).",
        )
    return resource


def _name(path: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()) or "table"


def _properties(path: Path) -> list[dict[str, Any]]:
    """The properties of each feature of a GeoJSON file, typed as written; frictionless knows no such format."""
    try:
        content = json.loads(path.read_bytes())
        rows = [feature["properties"] or {} for feature in content["features"]]
        columns = dict.fromkeys(name for row in rows for name in row.keys())  # noqa: SIM118 (a list is no row)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"{path.name} is no GeoJSON feature collection ({type(error).__name__}: {error})."
        raise NotATableError(what, "Export it again as a FeatureCollection whose features have properties.") from error
    return [{name: row.get(name) for name in columns} for row in rows]


def _foreign(name: str, table: ForeignTable) -> TableResource:
    path, schema = table if isinstance(table, tuple) else (table, None)
    resource = _resource(path, None if schema is None else read_schema(schema))
    resource.name = name
    return resource
