"""Comparing two files while reading them says exactly what comparing two tables in memory says."""

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.delta import Difference, compare
from publish.formats.delimited import to_csv
from publish.streaming import compare_files
from tests.publish.test_delta import KEY, tables

_lines = st.sampled_from(["", "x", "a\nb", '"', 'é,"\n"', "\r\n", "\n"])


@st.composite
def long_cells(draw: st.DrawFn) -> pl.DataFrame:
    """Tables whose cells hold line ends and quotes, which a canonical CSV spreads over several lines."""
    table = draw(tables(["a"]))
    cells = [draw(_lines) or None for _ in range(table.height)]
    return table.with_columns(pl.Series("b", cells, dtype=pl.String))


def compared(old: pl.DataFrame, new: pl.DataFrame) -> Difference:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("old.csv", "new.csv")]
        for path, table in zip(paths, (old, new), strict=True):
            path.write_bytes(to_csv(table))
        return compare_files(KEY, *paths)


def same(one: Difference, other: Difference) -> bool:
    parts = ("added", "changed", "removed")
    return one.key == other.key and all(getattr(one, part).equals(getattr(other, part)) for part in parts)


@settings(max_examples=150, deadline=None)
@given(old=long_cells(), new=long_cells())
def test_files_compare_as_tables_do(old: pl.DataFrame, new: pl.DataFrame) -> None:
    assert same(compared(old, new), compare(KEY, old, new))


@settings(max_examples=60, deadline=None)
@given(old=long_cells(), new=long_cells(), seed=st.integers(0, 99))
def test_files_that_are_not_sorted_compare_all_the_same(old: pl.DataFrame, new: pl.DataFrame, seed: int) -> None:
    old, new = old.sample(fraction=1, shuffle=True, seed=seed), new.sample(fraction=1, shuffle=True, seed=seed + 1)
    assert same(compared(old, new), compare(KEY, old, new))


@settings(max_examples=40, deadline=None)
@given(old=tables(["a", "b"]), new=tables(["c", "a"]))
def test_files_with_other_columns_compare_as_tables_do(old: pl.DataFrame, new: pl.DataFrame) -> None:
    assert same(compared(old, new), compare(KEY, old, new))


def test_a_cell_of_any_length_is_compared() -> None:
    long = pl.DataFrame({"k1": ["a", "b"], "k2": ["1", "1"], "a": ["x" * 200_000, "y"]})
    other = long.with_columns(pl.Series("k2", ["2", "1"]))
    assert same(compared(long, other), compare(KEY, long, other))
