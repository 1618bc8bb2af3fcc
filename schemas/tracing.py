"""What became of one row's cells on their way, step by step: the steps, and those of the gate and the term lists.

Belongs here: the Step that every room tells its part with, and one row through the gate (personal/) and the synonyms of
its lists (terms.py). Does not belong here: mapping a row (sources/tracing.py), merging it (publish/tracing.py).

One row is looked at by itself. What the gate does to a whole column, because of another row of the file, is in the
partner's answer (`held`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.dataset import Table
from schemas.judgement import LINE
from schemas.personal.decisions import PersonalCount
from schemas.personal.gate import Personal, gate
from schemas.terms import apply_terms

Cells = Mapping[str, str | None]


@dataclass(frozen=True)
class Step:
    """One thing that was done to a cell: `what` did it (a cleaner by its name, "terms", "personal", "merge" ...), what
    the cell said before and after (None: nothing), and `because` where there is more to say of it."""

    what: str
    before: str | None
    after: str | None
    because: str | None = None


Steps = dict[str, list[Step]]
"""The steps of each field, in their order."""


def held_fields(counts: Collection[PersonalCount]) -> frozenset[str]:
    """The fields that the gate held back in every row of a file, as the partner's answer says."""
    return frozenset(one.field for one in counts if one.outcome == "hold-field")


def through_the_gate(
    table: Table, cells: Cells, line: int, personal: Personal, held: Collection[str]
) -> tuple[Cells | None, Steps]:
    """One mapped row behind the gate and the synonyms of its term lists, and what these did to its cells.

    `held` are the fields that were held back because of some row of the file. None where the row itself is on hold
    under today's declarations.
    """
    row = frame_of(table, cells, line)
    kept = gate(table, row, personal).rows
    if not kept.height:
        return None, {}
    kept = kept.with_columns(pl.lit(None, pl.String).alias(name) for name in table.fields if name in held)
    listed = apply_terms(table, kept)[0]
    steps: Steps = {}
    for what, before, after in (("personal", row, kept), ("synonyms", kept, listed)):
        for name in table.fields:
            was, became = before[name][0], after[name][0]
            if was != became:
                because = "held" if what == "personal" and name in held else None
                steps.setdefault(name, []).append(Step(what, was, became, because))
    return cells_of(table, listed), steps


def frame_of(table: Table, cells: Cells, line: int) -> pl.DataFrame:
    """One row as it travels between rooms."""
    schema = {**dict.fromkeys(table.fields, pl.String), LINE: pl.Int64}
    return pl.DataFrame([{**{name: cells.get(name) or None for name in table.fields}, LINE: line}], schema=schema)


def cells_of(table: Table, row: pl.DataFrame) -> dict[str, str | None]:
    """The cells of a frame of one row."""
    return dict(zip(table.fields, row.select(table.fields).row(0), strict=True))
