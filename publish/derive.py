"""Tables made from another table of the dataset: the rows of it that satisfy a stricter schema, or its links.

Belongs here: making them, and choosing those rows. Does not belong here: judging itself (schemas/judge.py), finding
links (links.py).
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from glane.store import Store
from publish.decisions import Decisions
from publish.links import Linked, link
from publish.merge import Merged
from publish.neighbours import neighbours
from schemas.dataset import Dataset, Table
from schemas.judge import judge
from schemas.judgement import LINE


@dataclass(frozen=True)
class Derived:
    """The rows of a derived table, sorted by its primary key, and how many rows of its base did not fit."""

    rows: pl.DataFrame
    left_out: int


@dataclass(frozen=True)
class Tables:
    """All tables of a dataset: their rows, how many rows did not fit into a derived one, and the links of each table
    that holds some."""

    rows: Mapping[str, pl.DataFrame]
    left_out: Mapping[str, int]
    linked: Mapping[str, Linked]


def all_tables(
    dataset: Dataset, merged: Mapping[str, Merged], store: Store, decisions: Decisions, today: datetime.date
) -> Tables:
    """The tables of `dataset`: those that were merged, and those that are made of them. Raises VersionError where a
    version of another dataset cannot be read, DeclarationError for a decision that cannot be about a link."""
    rows = {name: part.rows for name, part in merged.items()}
    left_out, linked = dict[str, int](), dict[str, Linked]()
    for table in dataset.tables:
        base = table.line.derived_from
        if table.line.links and base is not None:
            others = neighbours(store, table.line.links)
            linked[table.name] = link(table, dataset.table(base), merged[base], others, decisions, today)
            rows[table.name] = linked[table.name].rows
        elif base is not None:
            derived = derive(dataset, table, rows)
            rows[table.name], left_out[table.name] = derived.rows, derived.left_out
    return Tables(rows, left_out, linked)


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
