"""From what the caller names (a file, a schema, a dialect) to frictionless' own Schema and Resource.

Belongs here: reading the schema and building the resource exactly as `frictionless validate` would. Does not
belong here: judging anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from frictionless import Dialect, FrictionlessException, Package, Resource, Schema
from frictionless.resources import TableResource

from glane.errors import CallError

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
    """Give the (closed) resource that frictionless would validate for this request. Raises NotATableError."""
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
    if schema is not None:
        options["schema"] = schema
    if encoding:
        options["encoding"] = encoding
    if dialect:
        options["dialect"] = Dialect.from_descriptor(dialect)
    resource: Any = Resource(**options)
    if schema is not None:
        # A schema file is validated on its own, by the standard its `$schema` names; within a resource it would be
        # validated again, by the standard of the resource (which has no `$schema`, and so would be the first).
        profile = schema.to_descriptor().get("$schema")
        resource._datapackage_version = Schema.effective_datapackage_version({"$schema": profile}, None)
    if not isinstance(resource, TableResource):
        raise NotATableError(
            f"{path.name} is not a table that can be validated: its extension names no tabular format.",
            "Give it the extension of its format (.csv, .xlsx, .ods, .json, .parquet).",
        )
    return resource


def _foreign(name: str, table: ForeignTable) -> TableResource:
    path, schema = table if isinstance(table, tuple) else (table, None)
    resource = _resource(path, None if schema is None else read_schema(schema))
    resource.name = name
    return resource
