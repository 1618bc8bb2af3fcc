"""Tables made from another table of the dataset: the rows of it that satisfy a stricter schema.

Belongs here: choosing those rows. Does not belong here: judging itself (schemas/judge.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from schemas.dataset import Dataset, Table
from schemas.judge import judge
from schemas.judgement import LINE


@dataclass(frozen=True)
class Derived:
    """The rows of a derived table, sorted by its primary key, and how many rows of its base did not fit."""

    rows: pl.DataFrame
    left_out: int


def derive(dataset: Dataset, table: Table, tables: Mapping[str, pl.DataFrame]) -> Derived:
    """Make `table` from the merged rows of the table it is derived from (design: the national standard's 32 columns).

    A field that the base does not have is empty. A row that does not conform is left out, not in error: the base
    table publishes it.
    """
    base = tables[str(table.line.derived_from)]
    rows = base.select(
        *(pl.col(name) if name in base.columns else pl.lit(None, pl.String).alias(name) for name in table.fields)
    ).with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(LINE))
    judgement = judge(dataset, table, rows, known_keys=dict(tables))
    return Derived(
        judgement.rows.select(table.fields).sort(*table.primary_key), judgement.to_correct + judgement.on_hold
    )
