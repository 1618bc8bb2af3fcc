"""Deltas: apply(delta, old) == new byte for byte, for any two tables; nothing else is accepted."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.delta import DeltaError, Difference, apply_delta, compare, write_delta
from publish.formats.delimited import read_csv, to_csv

KEY = ("k1", "k2")
_text = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('",\n|; '), max_size=4)
_cell = _text.map(lambda text: text or None)


@st.composite
def tables(draw: st.DrawFn, names: list[str]) -> pl.DataFrame:
    keys = draw(st.lists(st.tuples(st.sampled_from("abcé"), st.sampled_from("12")), unique=True, max_size=8))
    rows = [[*key, *(draw(_cell) for _ in names)] for key in sorted(keys)]
    return pl.DataFrame(rows, schema=dict.fromkeys([*KEY, *names], pl.String), orient="row")


def written(folder: Path, old: pl.DataFrame, new: pl.DataFrame) -> tuple[Path, bytes, bytes, dict[str, Any]]:
    before, after = to_csv(old), to_csv(new)
    (folder / "old.csv").write_bytes(before)
    (folder / "new.csv").write_bytes(after)
    difference = compare(KEY, old, new)
    header = write_delta(
        folder, "t", difference, ends=("1.0.0", "1.1.0"), old=folder / "old.csv", new=folder / "new.csv"
    )
    return folder / "t.delta.json", before, after, header


@settings(max_examples=150, deadline=None)
@given(old=tables(["a", "b"]), new=tables(["a", "b"]))
def test_applying_the_delta_to_the_old_file_gives_the_new_one(old: pl.DataFrame, new: pl.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        delta, before, after, _ = written(Path(folder), old, new)
        assert apply_delta(delta, before) == after


@settings(max_examples=50, deadline=None)
@given(old=tables(["a", "b"]), new=tables(["c", "a"]))
def test_it_also_holds_where_columns_come_go_and_move(old: pl.DataFrame, new: pl.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        delta, before, after, _ = written(Path(folder), old, new)
        assert apply_delta(delta, before) == after


@settings(max_examples=50, deadline=None)
@given(table=tables(["a", "b"]))
def test_a_canonical_csv_reads_back_as_it_was_written(table: pl.DataFrame) -> None:
    assert read_csv(to_csv(table)).equals(table)


def frame(rows: list[tuple[str, str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys([*KEY, "a"], pl.String), orient="row")


OLD = frame([("a", "1", "x"), ("b", "1", "y"), ("c", "1", "secret")])
NEW = frame([("a", "1", None), ("b", "1", "y"), ("d", "1", "z")])


def test_the_files_say_what_changed_and_a_withdrawn_row_leaves_its_key_only(tmp_path: Path) -> None:
    *_, header = written(tmp_path, OLD, NEW)
    assert (tmp_path / "t.added.csv").read_text() == "k1,k2,a\nd,1,z\n"
    assert (tmp_path / "t.changed.csv").read_text() == "k1,k2,field,old,new\na,1,a,x,\n"
    assert (tmp_path / "t.removed.csv").read_text() == "k1,k2\nc,1\n"
    assert header["rows"] == {"added": 1, "changed": 1, "removed": 1}
    assert (header["from"]["version"], header["to"]["version"]) == ("1.0.0", "1.1.0")
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.glob("t.*"))


def test_nothing_changed_leaves_a_header_and_no_file(tmp_path: Path) -> None:
    *_, header = written(tmp_path, OLD, OLD)
    assert header["files"] == {}
    assert compare(KEY, OLD, OLD).empty


def test_a_wrong_base_a_damaged_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    delta, before, after, _ = written(tmp_path, OLD, NEW)
    with pytest.raises(DeltaError, match=r"not version 1\.0\.0 of t"):
        apply_delta(delta, after)
    (tmp_path / "t.added.csv").write_text("k1,k2,a\nd,1,w\n")
    with pytest.raises(DeltaError, match=r"t\.added\.csv is damaged"):
        apply_delta(delta, before)
    (tmp_path / "t.added.csv").unlink()
    with pytest.raises(DeltaError, match=r"t\.added\.csv is missing"):
        apply_delta(delta, before)


def test_a_row_with_two_changed_cells_is_one_changed_row() -> None:
    old = OLD.with_columns(pl.lit("p").alias("b"))
    new = OLD.with_columns(pl.lit("q").alias("b"), pl.lit("r").alias("a"))
    difference: Difference = compare(KEY, old, new)
    assert (difference.changed.height, difference.rows_changed) == (6, 3)
