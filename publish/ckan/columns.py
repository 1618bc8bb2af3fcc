"""A table as the DataStore takes it: columns typed from its Table Schema, with their data dictionary, and records.

Belongs here: what PostgreSQL and CKAN can hold, and what becomes of what they cannot. Does not belong here: calling
the portal (datastore.py).

A column has its schema's type if PostgreSQL can hold every one of its cells; otherwise it is text, as it was written.
Only NUL, which PostgreSQL holds nowhere, is shown as U+FFFD: the CSV has the cell as it is.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from glane.errors import DataError
from publish.diff import key_of
from publish.values import typed_by

CHUNK = 2_000
"""Rows in one call: about a megabyte of JSON for the widest of our tables."""

MOST_COLUMNS = 1_598
"""PostgreSQL's 1,600, of which CKAN takes two for itself."""

LONGEST_NAME = 63
"""Bytes in the name of a column: PostgreSQL cuts a longer one, and two may become the same."""

_COLUMNS: dict[type[pl.DataType], str] = {
    pl.Int64: "int8",
    pl.Float64: "numeric",
    pl.Boolean: "bool",
    pl.Date: "date",
    pl.Datetime: "timestamp",
}
_DIGITS = 1_000
"""Characters of a number, and its exponent at most: PostgreSQL holds more, but nothing that more would mean."""


class UnholdableError(DataError):
    """The DataStore cannot hold such a table at all."""


@dataclass(frozen=True)
class Loadable:
    """A table as the DataStore takes it: its columns with their data dictionary, rows, and key."""

    columns: tuple[dict[str, Any], ...]
    rows: pl.DataFrame
    key: tuple[str, ...]

    @property
    def types(self) -> dict[str, str]:
        """The type of each column, in their order."""
        return {column["id"]: column["type"] for column in self.columns}

    def has_shape_of(self, other: "Loadable") -> bool:
        """Whether rows of `other` fit into this table: the same names and types in the same order, the same key."""
        return list(self.types.items()) == list(other.types.items()) and self.key == other.key

    def records(self, rows: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
        """`rows` in chunks of records."""
        for start in range(0, rows.height, CHUNK):
            yield rows.slice(start, CHUNK).to_dicts()


def loadable(schema: Mapping[str, Any], rows: pl.DataFrame) -> Loadable:
    """Make a table's published `rows` (text) ready, by its published Table Schema.

    Numbers and dates travel as they are written, so that 48.850 stays 48.850; moments travel in UTC, since the column
    knows no time zone.
    """
    fields: list[dict[str, Any]] = list(schema["fields"])
    shaped = typed_by(fields, rows)
    columns, cells = [], []
    for field in fields:
        name = field["name"]
        kind, series = _column(rows[name], shaped[name])
        columns.append({"id": name, "type": kind, "info": _dictionary(field)})
        cells.append(series)
    return Loadable(tuple(columns), pl.DataFrame(cells), key_of(schema))


def check_holdable(table: str, load: Loadable) -> None:
    """Raise UnholdableError if the DataStore cannot hold the columns of `load`."""
    remedy = "Set `datastore: off` in dataset.yaml: the files are published all the same, without a DataStore table."
    if len(load.columns) > MOST_COLUMNS:
        what = f"The table {table} has {len(load.columns):,} columns; a DataStore table holds {MOST_COLUMNS:,}."
        raise UnholdableError(what, f"Split it into tables that share a key. Or: {remedy}")
    for name in (str(column["id"]) for column in load.columns):
        if len(name.encode()) > LONGEST_NAME:
            what = f"The name of the field {table}.{name} has {len(name.encode())} bytes; the DataStore holds"
            raise UnholdableError(f"{what} {LONGEST_NAME}.", f"Shorten it in the Table Schema. Or: {remedy}")
        if not name or name != name.strip() or name.startswith("_") or '"' in name or not name.isprintable():
            what = f"The DataStore takes no column called {table}.{name!r}: a name may not begin with _, nor hold a"
            raise UnholdableError(
                f"{what} double quote, outer spaces or signs that do not print.",
                f"Rename the field in the Table Schema. Or: {remedy}",
            )


def content_of(load: Loadable, csv_sha256: str) -> str:
    """What a table holds, as its resource says it: changes with any cell, type or word of the dictionary."""
    shape = json.dumps([load.columns, load.key], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{csv_sha256}\n{shape}".encode()).hexdigest()


def _column(written: pl.Series, shaped: pl.Series) -> tuple[str, pl.Series]:
    """The type of a column, and its cells as they travel."""
    kind = _COLUMNS.get(type(shaped.dtype), "text")
    if kind == "bool":
        return kind, shaped
    if kind == "int8" or (kind == "numeric" and _within(written)) or (kind == "date" and _in_calendar(shaped)):
        return kind, written
    if kind == "timestamp" and _in_calendar(shaped):
        return kind, shaped.dt.strftime("%Y-%m-%dT%H:%M:%S%.f").alias(written.name)
    return "text", written.str.replace_all("\0", "\ufffd", literal=True)


def _within(numbers: pl.Series) -> bool:
    """Whether every number is one that PostgreSQL can write out: neither too long nor of an absurd exponent."""
    exponents = numbers.str.extract(r"[eE]([+-]?[0-9]+)$").cast(pl.Int64, strict=False)
    far = numbers.str.contains(r"[eE][+-]?[0-9]{5,}$") | (exponents.abs() > _DIGITS)
    return not ((numbers.str.len_bytes() > _DIGITS) | far.fill_null(False)).any()


def _in_calendar(days: pl.Series) -> bool:
    """Whether every day is of the years 1 to 9999: the year 0 is none to PostgreSQL, and five digits no ISO date."""
    return bool(days.dt.year().is_between(1, 9999).fill_null(True).all())


def _dictionary(field: Mapping[str, Any]) -> dict[str, str]:
    labels = [field.get("title", field["name"]), field.get("title_en", "")]
    notes = [field.get("description", ""), field.get("description_en", "")]
    return {"label": " · ".join(filter(None, labels)), "notes": "\n\n".join(filter(None, notes))}
