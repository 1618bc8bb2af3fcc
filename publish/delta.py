"""What changed between two versions of a table, as files that a reader can apply: apply(delta, old) == new.

Belongs here: comparing two tables by their key, the delta's files and header, applying them. Does not belong here:
what a change weighs (number.py) or how it is told (changelog.py).

A delta of a table is a header `<table>.delta.json` (from, to, key, counts, SHA-256 of both ends and of each file)
and up to three canonical CSV files beside it: `added` (whole rows), `changed` (key, field, old, new) and `removed`
(keys and nothing else: a withdrawn row must not come back by its delta).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from glane.errors import DataError
from glane.store import sha256_of
from publish.formats.delimited import read_csv, to_csv

PARTS = ("added", "changed", "removed")
_CHANGE = ("field", "old", "new")


class DeltaError(DataError):
    """A delta that does not fit: damaged, or made for another version than the one at hand."""


@dataclass(frozen=True)
class Difference:
    """What changed between two tables: `added` rows, `changed` cells (key, field, old, new), `removed` keys."""

    key: tuple[str, ...]
    added: pl.DataFrame
    changed: pl.DataFrame
    removed: pl.DataFrame

    @property
    def rows_changed(self) -> int:
        """How many rows have at least one changed cell."""
        return self.changed.select(self.key).unique().height

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.added.height or self.changed.height or self.removed.height)


def compare(key: Sequence[str], old: pl.DataFrame, new: pl.DataFrame) -> Difference:
    """What makes `new` of `old`, two tables of text columns in which the columns `key` name a row once.

    Where the columns themselves differ, the cells of a new column are changed cells; a column that is gone is in no
    delta: the header names the columns of both ends.
    """
    keys = list(key)
    changed = [_changed(keys, name, old, new) for name in new.columns if name not in keys]
    nothing = pl.DataFrame(schema=dict.fromkeys([*keys, *_CHANGE], pl.String))
    order = {name: position for position, name in enumerate(new.columns)}
    cells = pl.concat([nothing, *changed])
    ordered = cells.sort(*keys, pl.col("field").replace_strict(order, return_dtype=pl.Int64)) if cells.height else cells
    return Difference(
        tuple(keys),
        new.join(old, on=keys, how="anti").sort(keys),
        ordered,
        old.select(keys).join(new, on=keys, how="anti").sort(keys),
    )


def _changed(keys: list[str], name: str, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The changed cells of one column; column by column, so that memory holds two columns and not two tables."""
    before = old.select(*keys, (pl.col(name) if name in old.columns else pl.lit(None, pl.String)).alias("old"))
    both = before.join(new.select(*keys, pl.col(name).alias("new")), on=keys)
    found = both.filter(pl.col("old").ne_missing(pl.col("new")))
    return found.select(*keys, pl.lit(name).alias("field"), "old", "new")


def write_delta(
    folder: Path, table: str, difference: Difference, *, ends: tuple[str, str], old: Path, new: Path
) -> dict[str, Any]:
    """Write the delta of `table` between two canonical CSVs into `folder`; gives the header that was written.

    `ends` are the numbers of the two versions. A part without rows has no file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, Any]] = {}
    for part in PARTS:
        frame: pl.DataFrame = getattr(difference, part)
        if frame.height:
            name, data = f"{table}.{part}.csv", to_csv(frame)
            (folder / name).write_bytes(data)
            files[part] = {"path": name, "bytes": len(data), "sha256": _sha256(data)}
    header = {
        "table": table,
        "from": {"version": ends[0], "sha256": sha256_of(old), "columns": _columns(old)},
        "to": {"version": ends[1], "sha256": sha256_of(new), "columns": _columns(new)},
        "key": list(difference.key),
        "rows": {
            "added": difference.added.height,
            "changed": difference.rows_changed,
            "removed": difference.removed.height,
        },
        "files": files,
    }
    (folder / f"{table}.delta.json").write_text(
        json.dumps(header, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    return header


def apply_delta(header_path: Path, old: bytes) -> bytes:
    """The new canonical CSV, made of the `old` one and the delta whose header is `header_path`.

    Raises DeltaError if `old` is not the file that the delta starts from (a gap, a wrong base), if a file of the
    delta is missing or damaged, or if the outcome is not the file that the header promises.
    """
    header = _read_header(header_path)
    start, end = header["from"], header["to"]
    if _sha256(old) != start["sha256"]:
        raise DeltaError(
            f"This file is not version {start['version']} of {header['table']}, from which the delta starts.",
            f"Apply the deltas in order, without a gap, or download version {end['version']} whole.",
        )
    parts = {part: _read_part(header_path.parent, header, part) for part in header["files"]}
    keys, columns = header["key"], end["columns"]
    rows = read_csv(old)
    if "removed" in parts:
        rows = rows.join(parts["removed"], on=keys, how="anti")
    new_columns = [pl.lit(None, pl.String).alias(name) for name in columns if name not in rows.columns]
    rows = rows.with_columns(new_columns).select(columns)
    if "changed" in parts:
        for (name,), cells in parts["changed"].group_by("field", maintain_order=True):
            rows = _with_cells(rows, keys, str(name), cells)
    if "added" in parts:
        rows = pl.concat([rows, parts["added"].select(columns)])
    new = to_csv(rows.sort(keys))
    if _sha256(new) != end["sha256"]:
        raise DeltaError(
            f"Applying the delta did not give version {end['version']} of {header['table']}.",
            f"Download version {end['version']} whole, and report this.",
        )
    return new


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(path.read_bytes())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DeltaError(f"{path} cannot be read as a delta's header.", "Name a <table>.delta.json.") from error
    if not isinstance(header, dict) or not {"table", "from", "to", "key", "files"} <= header.keys():
        raise DeltaError(f"{path} is not the header of a delta.", "Name a <table>.delta.json.")
    return header


def _with_cells(rows: pl.DataFrame, keys: list[str], name: str, cells: pl.DataFrame) -> pl.DataFrame:
    told = rows.join(
        cells.select(*keys, pl.col("new").alias("_new"), pl.lit(value=True).alias("_told")),
        on=keys,
        how="left",
        maintain_order="left",
    )
    cell = pl.when(pl.col("_told")).then(pl.col("_new")).otherwise(pl.col(name))
    return told.with_columns(cell.alias(name)).drop("_new", "_told")


def _read_part(folder: Path, header: dict[str, Any], part: str) -> pl.DataFrame:
    line = header["files"][part]
    try:
        data = (folder / line["path"]).read_bytes()
    except FileNotFoundError as error:
        raise DeltaError(f"{line['path']} is missing beside the delta's header.", "Download it again.") from error
    if _sha256(data) != line["sha256"]:
        raise DeltaError(f"{line['path']} is damaged: its SHA-256 is not the header's.", "Download it again.")
    return read_csv(data)


def _columns(path: Path) -> list[str]:
    return pl.read_csv(path, infer_schema=False, n_rows=0).columns


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
