"""A row of a version and the lines of partners' files that it came of; or what became of an id that is not there.

Belongs here: looking into versions. Does not belong here: what the partners' rows said (choosing.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
from rapidfuzz import fuzz, process

from glane.errors import CallError
from glane.store import Store
from publish.about import PROVENANCE
from publish.diff import descriptor_of, key_of, schemas_of, whole_csv
from publish.feed import WITHDRAWN
from publish.formats.delimited import read_csv
from publish.merge import SEPARATOR
from publish.version import Version, listed, load_line, path_of
from schemas.dataset import Dataset

_NEAREST = 5
_LOOKED_BACK = 100
"""Versions that are searched for an id that no list of withdrawn ones names: a row that had gone into another."""


class UnknownRowError(CallError):
    """No row of the version has this id; says what became of it, or which ids are near."""


@dataclass(frozen=True)
class Line:
    """One line of a partner's file that a published row came of: the id that it brought, the SHA-256 of the snapshot,
    and whether the published row counts as its."""

    partner: str
    own: str
    line: int
    snapshot: str
    stands: bool


@dataclass(frozen=True)
class Row:
    """A published row: its cells, the fields of its table in their order, and the table whose rows partners bring
    (`base`, another one where the row's table is derived), with the lines that it came of."""

    table: str
    id: str
    cells: Mapping[str, str | None]
    base: str
    lines: tuple[Line, ...]


def find(store: Store, version: Version, dataset: Dataset, identifier: str, table: str | None = None) -> Row:
    """The row of `version` that is known as `identifier`, also by the id of a row that went into it; in `table`, else
    in the first table that has it. Raises UnknownRowError, CallError for a table that the version has not got,
    VersionError."""
    schemas = schemas_of(descriptor_of(store, version))
    if table is not None and table not in schemas:
        raise CallError(
            f"{dataset.name} {version.version} has no table {table!r}.", f"It has: {', '.join(sorted(schemas))}."
        )
    bases = {one.name: one.line.derived_from or one.name for one in dataset.tables}
    trail = _provenance(store, version)
    for name in [table] if table is not None else list(schemas):
        base = bases.get(name, name)
        mine = trail.filter(pl.col("table") == base)
        published = _published_as(mine, identifier)
        cells = _cells(whole_csv(store, version, name), key_of(schemas[name]), published)
        if cells is not None:
            # A link is made of an organisation's row, and has no partner of its own.
            of = str(cells["organisation"]) if name in {one.name for one in dataset.linked} else published
            return Row(name, published, cells, base, tuple(_lines(mine, of)))
    raise UnknownRowError(*_what_became(store, version, identifier, table))


def aliases_of(store: Store, version: Version) -> dict[str, dict[str, str]]:
    """For each table the id that stands, of each id whose row went into another."""
    gone = _provenance(store, version).filter(pl.col("own") != pl.col("id")).select("table", "own", "id").collect()
    found: dict[str, dict[str, str]] = {}
    for table, own, identifier in gone.iter_rows():
        found.setdefault(table, {})[own] = identifier
    return found


def _provenance(store: Store, version: Version) -> pl.LazyFrame:
    lines = pl.scan_parquet(path_of(store, version, version.file(PROVENANCE)))
    # Versions made before rows told their own id say it of those alone that kept it.
    return lines if "own" in lines.collect_schema() else lines.with_columns(pl.col("id").alias("own"))


def _published_as(lines: pl.LazyFrame, identifier: str) -> str:
    """The id that a row is published under which is known as `identifier`: that one itself, where a row has it."""
    ids = set(_known_as(lines, identifier).select("id").collect()["id"])
    return identifier if identifier in ids or not ids else min(ids)


def _known_as(lines: pl.LazyFrame, identifier: str) -> pl.LazyFrame:
    return lines.filter((pl.col("id") == identifier) | (pl.col("own") == identifier))


def _cells(csv: Path, key: tuple[str, ...], identifier: str) -> dict[str, str | None] | None:
    named = pl.concat_str(list(key), separator=SEPARATOR) == identifier
    found = pl.scan_csv(csv, infer_schema=False, null_values=[""]).filter(named).head(1).collect()
    return dict(found.row(0, named=True)) if found.height else None


def _lines(lines: pl.LazyFrame, identifier: str) -> Iterator[Line]:
    for row in lines.filter(pl.col("id") == identifier).sort("partner", "line", "own").collect().iter_rows(named=True):
        yield Line(row["partner"], row["own"], int(row["line"]), row["snapshot"], bool(row["stands"]))


def _what_became(store: Store, version: Version, identifier: str, table: str | None) -> tuple[str, str]:
    """What is said of an id that no row of `version` has, and what to do."""
    dataset, where = version.dataset, f"{version.dataset} {version.version}"
    gone = _withdrawn(store, version, identifier)
    if gone is not None:
        former = _before(store, dataset, gone["version"])
        what = f"{identifier!r} left {dataset} with version {gone['version']}, on {gone['withdrawn']}."
        return what, f"It was last in {former}: glane trace {dataset} {identifier} --version {former}"
    others = (line for line in reversed(listed(store, dataset)) if line.version != version.version)
    for line in islice(others, _LOOKED_BACK):
        lines = _provenance(store, load_line(store, dataset, line))
        if _known_as(lines, identifier).head(1).collect().height:
            remedy = f"It is in {line.version}: glane trace {dataset} {identifier} --version {line.version}"
            return f"No row of {where} is {identifier!r}.", remedy
    mine = _provenance(store, version).filter(pl.lit(table is None) | (pl.col("table") == (table or "")))
    known = sorted({one for column in mine.select("id", "own").collect().iter_columns() for one in column})
    near = [name for name, *_ in process.extract(identifier, known, scorer=fuzz.ratio, limit=_NEAREST)]
    what = f"No row of {where} is {identifier!r}, nor of another version."
    return what, f"The nearest: {', '.join(near) or 'none'}."


def _withdrawn(store: Store, version: Version, identifier: str) -> Mapping[str, Any] | None:
    files = {file.path: file for file in version.files}
    if WITHDRAWN not in files:
        return None
    gone = read_csv(path_of(store, version, files[WITHDRAWN])).filter(pl.col("key") == identifier)
    return gone.row(0, named=True) if gone.height else None


def _before(store: Store, dataset: str, number: str) -> str:
    """The version that `number` followed."""
    return next((line.previous or number for line in listed(store, dataset) if line.version == number), number)
