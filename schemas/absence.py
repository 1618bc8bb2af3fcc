"""Rows that are no longer in a partner's newest file: they stay published for a grace period, then they leave.

Belongs here: which rows are absent after a file and since when, until when they stay, what a partner is told of them,
and their place in the store:

    rows/<dataset>/<partner>/absent-<since>-<sha256>.parquet   the rows of one snapshot that are missing since one day
    rows/<dataset>/<partner>/absent-<since>-<sha256>.json      the verdict that let them through
    rows/<dataset>/<partner>/absent.json                       which of these there are; written last

Does not belong here: which row of a file is which (sources/identity), whether a source has such a period
(pipelines/gracing.py), publishing (publish/).

A row that is in the file is not absent, whatever is wrong with it: it is to be corrected or on hold, and leaves at
once. Nor is one that only the mapping lost: the partner's bytes are the same.
"""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from glane.declaration import Declared
from glane.store import Store
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, Verdict
from schemas.rows import VerdictError, parquet_bytes, read_rows, rows_folder, write_rows

_SHOWN = 5


@dataclass(frozen=True)
class Absent:
    """The rows (fields + `_line`) that a partner's file lacks `since` a day and that its snapshot of before had; the
    verdict that let these through, and the ISO day on which that snapshot was first received."""

    rows: pl.DataFrame
    verdict: Verdict
    snapshot_date: str
    since: datetime.date

    @property
    def key(self) -> str:
        """What they are kept under; other rows are kept elsewhere, so that what is listed is never overwritten."""
        return f"absent-{self.since}-{self.verdict.rows_sha256}"

    def leave_on(self, grace: int) -> datetime.date:
        """The first day on which they are not published any more, after `grace` days of absence."""
        return self.since + datetime.timedelta(days=grace)

    def over(self, grace: int, today: datetime.date) -> bool:
        """Whether their grace period is over."""
        return today >= self.leave_on(grace)


class Leaving(Declared):
    """What a partner is told of rows that are no longer in its file: how many, what the first of them are called,
    since when they are missing and on which day they leave (ISO days)."""

    rows: int
    named: tuple[str, ...]
    since: str
    leave_on: str


@dataclass(frozen=True)
class Standing:
    """The last good rows of a partner before a new file, their verdict, and the day their snapshot was received."""

    rows: pl.DataFrame
    verdict: Verdict
    snapshot_date: str


def absent_after(
    table: Table, kept: Sequence[Absent], standing: Standing | None, present: pl.DataFrame, snapshot: str
) -> tuple[tuple[Absent, ...], pl.DataFrame | None]:
    """What is absent once a partner sent the bytes `snapshot`, of which all rows read, right or wrong, are `present`.

    Gives those of `kept` that did not come back, and the rows of `standing` that are missing for the first time (None:
    none are). Only rows of `table` can be: a partner that feeds another table now has no row to come back to.
    """
    theirs = [one for one in kept if one.verdict.table == table.name and fits(one.rows, table)]
    still = [narrowed(one, missing(one.rows, present, table), table) for one in theirs]
    after = tuple(one for one in still if one.rows.height)
    if standing is None or standing.verdict.table != table.name or standing.verdict.snapshot == snapshot:
        return after, None
    gone = missing(standing.rows, present, table)
    for one in after:
        gone = missing(gone, one.rows, table)
    return after, gone if gone.height else None


def absent_since(standing: Standing, rows: pl.DataFrame, table: Table, since: datetime.date) -> Absent:
    """`rows` of the last good ones as absent from the day `since` on."""
    return narrowed(Absent(rows, standing.verdict, standing.snapshot_date, since), rows, table)


def fits(rows: pl.DataFrame, table: Table) -> bool:
    """Whether rows that were judged some time ago have the fields of `table` as it is declared now."""
    return tuple(rows.columns) == (*table.fields, LINE)


def missing(rows: pl.DataFrame, present: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Those of `rows` whose primary key is not among that of `present`."""
    key = list(table.primary_key)
    there = present.select(pl.col(name).cast(pl.String) for name in key).unique()
    return rows.drop_nulls(key).join(there, on=key, how="anti", maintain_order="left")


def narrowed(one: Absent, rows: pl.DataFrame, table: Table) -> Absent:
    """The same with some of its rows alone, and the verdict bound to these."""
    count = rows.height
    bound = replace(
        one.verdict,
        rows_sha256=hashlib.sha256(parquet_bytes(rows, table)).hexdigest(),
        rows_in=count,
        passed=count,
        to_correct=0,
        on_hold=0,
    )
    return replace(one, rows=rows, verdict=bound)


def leaving(absent: Sequence[Absent], table: Table, grace: int, today: datetime.date) -> tuple[Leaving, ...]:
    """What the partner is told of rows that are still published on the day `today`, the first to leave first."""
    told = []
    for one in sorted(absent, key=lambda one: (one.since, one.key)):
        if not one.over(grace, today):
            named = tuple(_name(row, table) for row in one.rows.head(_SHOWN).iter_rows(named=True))
            leave_on = one.leave_on(grace).isoformat()
            told.append(Leaving(rows=one.rows.height, named=named, since=one.since.isoformat(), leave_on=leave_on))
    return tuple(told)


def _name(row: dict[str, Any], table: Table) -> str:
    key = "|".join(str(row[name]) for name in table.primary_key)
    likeness, point = table.line.merge.likeness, table.line.geometry
    name = likeness.name if likeness is not None else point.name if point is not None else None
    called = row.get(name) if name in table.published_fields else None
    return f"{called} ({key})" if called else key


def kept_absent(store: Store, dataset: str, partner: str) -> tuple[Absent, ...]:
    """The absent rows of a partner, those among them whose time is over. Raises VerdictError where they are not the
    ones that were kept."""
    folder = rows_folder(dataset, partner)
    found: Any = store.read_json(f"{folder}/absent.json")
    try:
        absent = []
        for line in found["absent"] if found is not None else ():
            rows, verdict = read_rows(store, dataset, partner, line["rows"])
            absent.append(Absent(rows, verdict, line["snapshot_date"], datetime.date.fromisoformat(line["since"])))
        # Where a person was forgotten, nothing may be left of them.
        return tuple(one for one in absent if one.rows.height)
    except (KeyError, TypeError, ValueError, VerdictError) as error:
        raise VerdictError(
            f"The rows that are no longer in the file of {dataset}/{partner} cannot be trusted: {error}",
            f"Bring {store.where(folder)}/absent*.* back from a backup; or remove absent.json there, and these rows "
            "leave with the next version.",
        ) from error


def keep_absent(store: Store, dataset: Dataset, partner: str, absent: Sequence[Absent]) -> None:
    """Keep `absent` as all the absent rows of a partner; nothing is written where they are those that the store has.

    What is listed is whole at any moment, and what is not listed any more goes. Raises StoreError.
    """
    folder = rows_folder(dataset.name, partner)
    lines = [
        {"rows": one.key, "since": one.since.isoformat(), "snapshot_date": one.snapshot_date}
        for one in sorted(absent, key=lambda one: one.key)
    ]
    listed: Any = store.read_json(f"{folder}/absent.json")
    if not lines and listed is None:
        return
    there = set(store.list(folder))
    stand: set[str] = set()
    for one in absent:
        stand |= {f"{one.key}.parquet", f"{one.key}.json"}
        verdict = store.read_json(f"{folder}/{one.key}.json") if f"{one.key}.json" in there else None
        if verdict != asdict(one.verdict):
            write_rows(store, one.key, parquet_bytes(one.rows, dataset.table(one.verdict.table)), one.verdict)
    if listed != {"absent": lines}:
        store.write_json(f"{folder}/absent.json", {"absent": lines})
    for name in sorted(there - stand):
        if name.startswith("absent-"):
            store.remove(f"{folder}/{name}")
