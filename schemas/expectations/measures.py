"""Figures of a table's columns: values, shares, and how they moved between two versions. Pure.

Belongs here: counting. Does not belong here: what is expected (declaration.py), nor the figures that Great Expectations
counts itself (great.py).
"""

from collections.abc import Mapping

import polars as pl

from schemas.expectations.declaration import Values

WHOLE = Values()
"""The cell as it stands."""


def values(cells: pl.Series, meant: Values = WHOLE) -> pl.Series:
    """The values in `cells`, each once for every row that it stands in; empty cells give none."""
    value = pl.col("value")
    said = pl.DataFrame({"value": cells.cast(pl.String)}).with_row_index("row").drop_nulls("value")
    if meant.separator is not None:
        said = said.with_columns(value.str.split(meant.separator)).explode("value")
    value = value.str.strip_chars()
    if meant.first is not None:
        value = value.str.head(meant.first)
    return said.with_columns(value).filter(pl.col("value") != "").unique(["row", "value"], maintain_order=True)["value"]


def shares(cells: pl.Series, meant: Values = WHOLE) -> dict[str, float]:
    """For each value, most frequent first, the share of rows that it stands in, of the rows that say anything."""
    filled = cells.len() - cells.null_count()
    counts = values(cells, meant).value_counts(name="count").sort("count", "value", descending=[True, False])
    return {value: count / filled for value, count in counts.rename({cells.name: "value"}, strict=False).iter_rows()}


def null_share(cells: pl.Series) -> float:
    """The share of rows that say nothing; 0 of no rows."""
    return cells.null_count() / cells.len() if cells.len() else 0.0


def lost_values(now: pl.Series, before: pl.Series, meant: Values = WHOLE) -> list[str]:
    """The values that stood in `before` and are nowhere in `now`, sorted."""
    return sorted(set(values(before, meant)) - set(values(now, meant)))


def largest_move(now: Mapping[str, float], before: Mapping[str, float]) -> tuple[str, float, float] | None:
    """The value whose share moved most, with its share before and now; None where there are no values."""
    moves = sorted(set(now) | set(before), key=lambda value: (-abs(now.get(value, 0) - before.get(value, 0)), value))
    return (moves[0], before.get(moves[0], 0.0), now.get(moves[0], 0.0)) if moves else None


def emptied(now: pl.DataFrame, before: pl.DataFrame, fields: tuple[str, ...]) -> list[str]:
    """Those of `fields` (the ones declared now) that said something before and say nothing now, or are not there.

    A column that the schema no longer declares is announced by that, and not named here. The 119 columns that
    openfoodfacts-server #11450 lost without anybody noticing are why this is asked of every version.
    """
    had = [name for name in fields if name in before.columns and before[name].null_count() < before.height]
    return [name for name in had if name not in now.columns or now[name].null_count() == now.height]
