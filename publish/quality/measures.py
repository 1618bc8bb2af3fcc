"""Measures of a version's rows: how filled and how old they are, and what merging found.

Belongs here: rows -> the figures of report.py. Does not belong here: where rows are (places.py), what
is wrong with partners' rows (wrong.py).
"""

import datetime
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import polars as pl

from publish.contribution import Contribution
from publish.merge import Merged
from publish.quality.report import (
    AGES,
    Ages,
    Completeness,
    Copies,
    Dates,
    Duplicates,
    Fill,
    Likeness,
    PartnerAges,
    PartnerFill,
    RepeatedId,
    SharedRows,
    Waiting,
)
from schemas.dataset import Table

_AGE = "_age"


def completeness(
    table: Table, rows: pl.DataFrame, contributions: Sequence[Contribution], before: Completeness | None
) -> Completeness:
    """How filled the published `rows` of a table are, and the rows that each of its `contributions` brought: of the
    fields that a partner may fill, for Glane fills the others itself."""
    names = [name for name in table.asked if name in table.published_fields]
    shares = {one.field: one.filled / before.rows for one in before.fields} if before and before.rows else {}

    def change(name: str, filled: int) -> float | None:
        return round(filled / rows.height - shares[name], 4) if rows.height and name in shares else None

    fields = tuple(Fill(field=name, filled=n, change=change(name, n)) for name, n in _filled(rows, names).items())
    partners = tuple(
        PartnerFill(
            partner=one.partner,
            rows=one.rows.height,
            filled={name: n for name, n in _filled(one.rows, names).items() if n},
        )
        for one in contributions
    )
    return Completeness(rows=rows.height, fields=fields, partners=partners)


def _filled(rows: pl.DataFrame, names: Sequence[str]) -> dict[str, int]:
    counts = rows.select(pl.col(name).count() for name in names)
    return {name: int(counts[name][0]) for name in names}


def dates(
    table: Table, rows: pl.DataFrame, contributions: Sequence[Contribution], today: datetime.date
) -> Dates | None:
    """How old the published `rows` of a table say that they are, and those that each contribution brought; None where
    the table has no field for that."""
    field = table.line.origin.of if table.line.origin else table.line.merge.newest
    if field is None:
        return None
    partners = [
        PartnerAges(partner=one.partner, **_ages(table, field, one.rows, today).model_dump()) for one in contributions
    ]
    return Dates(field=field, partners=tuple(partners), **_ages(table, field, rows, today).model_dump())


def _ages(table: Table, field: str, rows: pl.DataFrame, today: datetime.date) -> Ages:
    origin = table.line.origin
    # A date of more than ten signs is a moment: its day counts.
    given = pl.col(field).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if origin is not None:
        given = pl.when(pl.col(origin.field).ne_missing(pl.lit(origin.provided))).then(given)
    days = rows.select((pl.lit(today) - given).dt.total_days().alias(_AGE))[_AGE].drop_nulls()
    counts = Counter(bisect_left(AGES, age) for age in days)
    median = days.median()
    return Ages(
        rows=tuple(counts[number] for number in range(len(AGES) + 1)),
        undated=rows.height - days.len(),
        median=None if median is None else round(float(str(median))),
    )


def duplicates(part: Merged) -> Duplicates:
    """What merging found in one table."""
    lines = part.provenance
    groups = lines.group_by("id").agg(pl.len(), pl.col("partner").unique().sort())
    several = groups.filter(pl.col("len") > 1)
    shared: Counter[tuple[str, str]] = Counter()
    for partners in several["partner"]:
        shared.update(combinations(partners, 2))
    return Duplicates(
        rows_of_several=several.height,
        merged=lines.filter(~pl.col("stands")).height,
        most_in_one=int(str(groups["len"].max() or 0)),
        shared=tuple(SharedRows(partners=pair, rows=count) for pair, count in sorted(shared.items())),
    )


def likeness(merged: Mapping[str, Merged]) -> dict[str, Likeness]:
    """Of the rows that are alike, by table: how many pairs wait for a person, for each two partners; which partner
    gives one id to many rows, and which two say the same word for word."""
    found = {}
    for name, part in merged.items():
        if part.matched is None:
            continue
        pairs = part.matched.questions.group_by("partner_a", "partner_b").len("pairs").sort("partner_a", "partner_b")
        found[name] = Likeness(
            waiting=tuple(Waiting(**line) for line in pairs.iter_rows(named=True)),
            repeated_ids=tuple(RepeatedId(partner=one.partner, rows=one.rows) for one in part.matched.repeated),
            copies=tuple(Copies(partners=one.partners, rows=one.rows) for one in part.matched.copied),
        )
    return found
