"""Pairs of rows that may be one thing, for a person to look at side by side.

Belongs here: what is shown of a pair, and why it is asked. Does not belong here: finding them (matching/), the decision
(decisions.py), the terminal (pipelines/cli/review.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from glane.text import Text
from publish.contribution import Contribution
from publish.matching.explain import explain
from publish.matching.score import PARTS
from publish.merge import Merged, key_of
from schemas.dataset import Dataset, Table
from schemas.merging import Likeness


@dataclass(frozen=True)
class Suggestion:
    """Two rows (own ids `a` and `b`) of two partners that are alike: the `score`, the points of each part that spoke
    for or against and `why` in sentences, the `metres` between them, and every field that one of them fills, with both
    cells. Of a link across datasets `b` is `dataset/table/id`, and `relation` what a is to it."""

    table: str
    a: str
    b: str
    partners: tuple[str, str]
    score: float
    parts: tuple[tuple[str, float], ...]
    why: tuple[Text, ...]
    metres: float | None
    fields: tuple[tuple[str, str, str], ...]
    relation: str = ""


def suggestions(
    dataset: Dataset, contributions: Sequence[Contribution], merged: Mapping[str, Merged]
) -> list[Suggestion]:
    """What waits for a person in all tables, most alike first. `contributions` are those that were merged."""
    found: list[Suggestion] = []
    for table in dataset.merged:
        matched, likeness = merged[table.name].matched, table.line.merge.likeness
        if matched is None or likeness is None or not matched.questions.height:
            continue
        rows = _by_own_id(table, contributions)
        found += [_within(table, likeness, pair, rows) for pair in matched.questions.iter_rows(named=True)]
    return found


def suggestion(
    table: str,
    pair: Mapping[str, object],
    likeness: Likeness,
    *,
    ends: tuple[str, str],
    partners: tuple[str, str],
    cells: Iterable[tuple[str, str, str]],
    relation: str = "",
) -> Suggestion:
    """What is shown of a `pair` (a line of matching.score.scored): the rows `ends`, their partners, their `cells` by
    field, side by side."""
    points = {name: float(str(pair.get(name) or 0)) for name in PARTS}
    return Suggestion(
        table=table,
        a=ends[0],
        b=ends[1],
        partners=partners,
        score=float(str(pair["score"])),
        parts=tuple((name, round(value, 1)) for name, value in points.items() if abs(value) >= 0.05),
        why=explain(pair, likeness),
        metres=None if pair["metres"] is None else float(str(pair["metres"])),
        fields=tuple(cell for cell in cells if cell[1] or cell[2]),
        relation=relation,
    )


def _by_own_id(table: Table, contributions: Sequence[Contribution]) -> dict[str, Mapping[str, object]]:
    mine = [one.rows.with_columns(key_of(table).alias("_id")) for one in contributions if one.table == table.name]
    return {str(row["_id"]): row for row in pl.concat(mine).iter_rows(named=True)}


def _within(
    table: Table, likeness: Likeness, pair: Mapping[str, object], rows: Mapping[str, Mapping[str, object]]
) -> Suggestion:
    a, b = str(pair["a"]), str(pair["b"])
    own = {*table.primary_key, *table.line.provided}
    return suggestion(
        table.name,
        pair,
        likeness,
        ends=(a, b),
        partners=(str(pair["partner_a"]), str(pair["partner_b"])),
        cells=(
            (name, str(rows[a][name] or ""), str(rows[b][name] or ""))
            for name in table.published_fields
            if name not in own
        ),
    )
