"""The DataStore table of a CSV resource: typed from the schema, brought forward by delta or loaded whole.

Belongs here: columns and records as the DataStore takes them, moving a table from one version to the next. Does not
belong here: when this happens, and what the resource says meanwhile (publication.py).
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from publish.ckan.api import Api
from publish.ckan.faults import NotThereError, PortalError
from publish.delta import Difference
from publish.values import typed
from schemas.dataset import Table

CHUNK = 2_000
"""Rows in one call: about a megabyte of JSON for the widest of our tables."""

SMALL = 10_000
"""Up to so many changed rows, a delta is cheaper than a reload (design, 4)."""

_COLUMNS: dict[type[pl.DataType], str] = {
    pl.Int64: "int8",
    pl.Float64: "numeric",
    pl.Boolean: "bool",
    pl.Date: "date",
    pl.Datetime: "timestamp",
}


@dataclass(frozen=True)
class Loadable:
    """A table as the DataStore takes it: its columns with their data dictionary, rows, and key."""

    columns: tuple[dict[str, Any], ...]
    rows: pl.DataFrame
    key: tuple[str, ...]

    def records(self, rows: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
        """`rows` in chunks of records."""
        for start in range(0, rows.height, CHUNK):
            yield rows.slice(start, CHUNK).to_dicts()


def loadable(table: Table, rows: pl.DataFrame) -> Loadable:
    """Make a table's published `rows` (text) ready: a column has its schema's type if PostgreSQL can hold all of it.

    Numbers and dates travel as they are written, so that 48.850 stays 48.850.
    """
    shaped = typed(table, rows)
    columns, cells = [], []
    for name in table.published_fields:
        kind = _COLUMNS.get(type(shaped[name].dtype), "text")
        columns.append({"id": name, "type": kind, "info": _dictionary(table.field(name))})
        cells.append(shaped[name] if kind == "bool" else rows[name])
    return Loadable(tuple(columns), pl.DataFrame(cells), table.primary_key)


def content_of(load: Loadable, csv_sha256: str) -> str:
    """What a table holds, as its resource says it: changes with any cell, type or word of the dictionary."""
    shape = json.dumps([load.columns, load.key], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{csv_sha256}\n{shape}".encode()).hexdigest()


def reload(api: Api, resource: str, load: Loadable) -> None:
    """Make the table anew with all rows. Raises PortalError."""
    with contextlib.suppress(NotThereError):
        api.write("datastore_delete", {"resource_id": resource, "force": True}, done=lambda: _gone(api, resource))
    _create(api, resource, load)
    for records in load.records(load.rows):
        _upsert(api, resource, records)
    _check(api, resource, load)


def move(api: Api, resource: str, load: Loadable, difference: Difference) -> None:
    """Bring the table forward over `difference`, whose new end is `load`. Raises PortalError."""
    touched = pl.concat([difference.changed.select(load.key), difference.added.select(load.key)]).unique()
    for records in load.records(load.rows.join(touched, on=list(load.key), how="semi")):
        _upsert(api, resource, records)
    (key,) = load.key
    gone = difference.removed[key].to_list()
    for start in range(0, len(gone), CHUNK):
        filters = {key: gone[start : start + CHUNK]}
        api.write("datastore_delete", {"resource_id": resource, "force": True, "filters": filters}, done=_never)
    _check(api, resource, load)


def movable(load: Loadable, difference: Difference | None) -> bool:
    """Whether a delta is the cheaper way: one key field, and few rows."""
    if difference is None or len(load.key) != 1:
        return False
    return difference.added.height + difference.rows_changed + difference.removed.height <= SMALL


def _create(api: Api, resource: str, load: Loadable) -> None:
    data = {"resource_id": resource, "force": True, "fields": list(load.columns), "primary_key": list(load.key)}
    api.write("datastore_create", data, done=_never)


def _upsert(api: Api, resource: str, records: list[dict[str, Any]]) -> None:
    data = {"resource_id": resource, "force": True, "method": "upsert", "records": records}
    api.write("datastore_upsert", data, done=_never)


def _never() -> None:
    """These calls give the same outcome when made twice: a lost answer is made good by calling again."""


def _gone(api: Api, resource: str) -> bool | None:
    return True if api.find("datastore_search", resource_id=resource, limit=0) is None else None


def _check(api: Api, resource: str, load: Loadable) -> None:
    total = api.read("datastore_search", resource_id=resource, limit=0)["total"]
    if total != load.rows.height:
        raise PortalError(
            f"The DataStore table {resource} has {total} rows instead of {load.rows.height}.",
            "Run again: it will be loaded whole. If it stays so, a loader of the portal fights over the table.",
        )


def _dictionary(field: dict[str, Any]) -> dict[str, str]:
    labels = [field.get("title", field["name"]), field.get("title_en", "")]
    notes = [field.get("description", ""), field.get("description_en", "")]
    return {"label": " · ".join(filter(None, labels)), "notes": "\n\n".join(filter(None, notes))}
