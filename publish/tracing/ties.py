"""Why the rows of one published row were taken for one thing: a decision, a declared key, or their likeness.

Belongs here: each pair of them, and what speaks for it. Does not belong here: deciding it (matching/, merge.py).

What a value tells depends on how many rows of its partner share it, so that a score is worked out among all rows of the
table that are still there.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import polars as pl

from glane.text import Text
from publish.decisions import Decisions
from publish.matching.engine import KEY
from publish.matching.explain import explain
from publish.matching.score import scored
from publish.matching.told import PARTNER as MATCHED_PARTNER
from publish.matching.told import ROW, told
from publish.merge import key_of
from publish.survival import fold
from schemas.dataset import Table

Why = Literal["decision", "key", "likeness"]


@dataclass(frozen=True)
class Tie:
    """What makes the rows `a` and `b` one: the decision on `line` of the file, the `fields` of a declared key that say
    the same, or `score` points of likeness, which `said` explains. `enough` says whether that alone makes them one."""

    a: str
    b: str
    why: Why
    fields: tuple[str, ...] = ()
    line: int | None = None
    score: float | None = None
    said: tuple[Text, ...] = ()
    enough: bool = True


def ties(
    table: Table,
    rows: Mapping[str, Mapping[str, str | None]],
    every: Sequence[tuple[str, pl.DataFrame]],
    decisions: Decisions,
    day: datetime.date,
) -> list[Tie]:
    """What makes the `rows` (by own id) one. `every` are the rows of all partners, with their names; `decisions` those
    that held on `day`."""
    found = [*_decided(table, rows, decisions, day), *_keyed(table, rows)]
    likeness = table.line.merge.likeness
    if likeness is None or len(rows) < 2:
        return found
    named = {name for _, name in likeness.named()}
    point = table.line.geometry
    fields = sorted(named | ({point.latitude, point.longitude} if point else set()))
    known = told(_told_of(table, fields, every), likeness, point)
    numbers = dict(known.filter(pl.col(KEY).is_in(list(rows))).select(KEY, ROW).iter_rows())
    pairs = pl.DataFrame(
        sorted((min(a, b), max(a, b)) for a, b in combinations(numbers.values(), 2)),
        schema={"a": pl.UInt32, "b": pl.UInt32},
        orient="row",
    )
    names = {number: own for own, number in numbers.items()}
    for pair in scored(known, pairs).iter_rows(named=True):
        score = float(pair["score"])
        if score >= likeness.ask_from:
            enough = score >= likeness.same_from and not pair["against"]
            a, b = names[pair["a"]], names[pair["b"]]
            found.append(Tie(a, b, "likeness", score=score, said=explain(pair, likeness), enough=enough))
    return found


def _decided(table: Table, rows: Mapping[str, object], decisions: Decisions, day: datetime.date) -> list[Tie]:
    same = decisions.standing(table.name, "same", day)
    return [Tie(one.id, one.other, "decision", line=one.line) for one in same if {one.id, one.other} <= set(rows)]


def _keyed(table: Table, rows: Mapping[str, Mapping[str, str | None]]) -> list[Tie]:
    found = []
    for same in table.line.merge.same:
        cells = pl.DataFrame(
            [{"_own": own, **{name: row.get(name) for name in same}} for own, row in rows.items()],
            schema=dict.fromkeys(("_own", *same), pl.String),
        )
        keyed = cells.select("_own", *(fold(pl.col(name)).alias(f"_{at}") for at, name in enumerate(same))).drop_nulls()
        for (a, *one), (b, *other) in combinations(keyed.iter_rows(), 2):
            if one == other:
                found.append(Tie(a, b, "key", fields=tuple(same)))
    return found


def _told_of(table: Table, fields: Sequence[str], every: Sequence[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    key = key_of(table).alias(KEY)
    frames = [rows.select(key, pl.lit(partner).alias(MATCHED_PARTNER), *fields) for partner, rows in every]
    return pl.concat(frames).unique(KEY, keep="first", maintain_order=True)
