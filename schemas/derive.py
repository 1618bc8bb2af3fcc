"""Tables derived from others: the rows of a table that also satisfy a stricter schema.

Belongs here: choosing those rows, and why the others were left out. Does not belong here: merging and publishing.
"""

from collections import Counter
from dataclasses import dataclass

import polars as pl

from glane.errors import CallError
from schemas.dataset import Dataset, Table
from schemas.judge import judge
from schemas.judgement import LINE


@dataclass(frozen=True)
class Reason:
    """Why rows were left out: the rule they break, in which field, and how many do."""

    field: str | None
    rule: str
    rows: int


@dataclass(frozen=True)
class Derived:
    """The rows of a derived table (its fields alone), how many of the base were left out, and why, most first.

    A row may be left out for several reasons, so that their counts may add up to more than `left_out`.
    """

    rows: pl.DataFrame
    left_out: int
    reasons: tuple[Reason, ...]


def derive(dataset: Dataset, table: Table, rows: pl.DataFrame) -> Derived:
    """Give the rows of the base table that satisfy the derived `table`; fields that the base lacks stay empty.

    Raises CallError if the table is not derived from any.
    """
    if table.line.derived_from is None:
        raise CallError(f"The table {dataset.name}/{table.name} is not derived.", "Give a table with 'derived_from'.")
    empty = [pl.lit(None, pl.String).alias(name) for name in table.fields if name not in rows.columns]
    fields = rows.with_columns(empty).select(table.fields)
    judgement = judge(dataset, table, fields.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(LINE)))
    why = [p for p in judgement.problems if p.severity == "error" or p.rule == "published_when"]
    counted = Counter((field, rule) for field, rule, _ in {(p.field, p.rule, p.line) for p in why})
    reasons = [Reason(field, rule, count) for (field, rule), count in counted.items()]
    return Derived(
        judgement.rows.drop(LINE),
        fields.height - judgement.passed,
        tuple(sorted(reasons, key=lambda reason: (-reason.rows, reason.field or "", reason.rule))),
    )
