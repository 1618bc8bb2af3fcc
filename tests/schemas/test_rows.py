"""Rows are kept with the verdict that let them through, and no others are ever given back."""

import datetime
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from glane.store import FolderStore, Store
from schemas.dataset import Dataset
from schemas.judge import judge
from schemas.judgement import LINE, Verdict
from schemas.rows import VerdictError, judged, judged_key, keep, last_good, parquet_bytes, stand
from tests.schemas.material import good, places, rows_of

TODAY = datetime.date(2026, 11, 21)
NOW = "2026-11-21T22:00:00Z"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return places(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path / "store")


def kept(store: Store, dataset: Dataset, rows: list[dict[str, str | None]], snapshot: str = "s1") -> Verdict:
    table = dataset.main
    judgement = judge(dataset, table, rows_of(table.fields, rows), today=TODAY)
    return keep(store, dataset, table, "mill", judgement, snapshot=snapshot, mapped_by="m1", judged_at=NOW)


def test_the_last_good_rows_come_back_with_their_verdict(store: Store, dataset: Dataset) -> None:
    verdict = kept(store, dataset, [good(), good(id="b", name=None), good(id="c", consent="pending")])
    assert verdict == Verdict(
        dataset="places",
        table="places",
        partner="mill",
        snapshot="s1",
        rows_sha256=verdict.rows_sha256,
        judged_by=dataset.fingerprint,
        mapped_by="m1",
        judged_at=NOW,
        rows_in=3,
        passed=1,
        to_correct=1,
        on_hold=1,
    )
    found = last_good(store, "places", "mill")
    assert found is not None
    rows, again = found
    assert again == verdict
    assert_frame_equal(rows, rows_of(dataset.main.fields, [good()]))


def test_nothing_kept_is_nothing_found(store: Store) -> None:
    assert last_good(store, "places", "mill") is None
    assert judged(store, "places", "mill", judged_key("s", "m", "d"), today=TODAY) is None


def test_the_same_rows_give_the_same_bytes(dataset: Dataset) -> None:
    table = dataset.main
    rows = rows_of(table.fields, [good(id=str(n), latitude=None) for n in range(5000)])
    pieces = pl.concat([rows[:1234], rows[1234:]], rechunk=False)
    assert parquet_bytes(pieces, table) == parquet_bytes(rows, table)
    assert parquet_bytes(rows[:0], table) == parquet_bytes(rows.clear(), table)


def test_another_snapshot_becomes_the_last_good_one(store: Store, dataset: Dataset) -> None:
    kept(store, dataset, [good()])
    verdict = kept(store, dataset, [good(), good(id="b")], snapshot="s2")
    found = last_good(store, "places", "mill")
    assert found is not None
    assert (found[1], found[0].height) == (verdict, 2)


def test_unchanged_rows_under_unchanged_rules_are_not_judged_again(store: Store, dataset: Dataset) -> None:
    verdict = kept(store, dataset, [good()])
    kept(store, dataset, [good(), good(id="b")], snapshot="s2")
    found = judged(store, "places", "mill", judged_key("s1", "m1", dataset.fingerprint), today=TODAY)
    assert found is not None
    assert found[1] == verdict
    stand(store, "places", "mill", judged_key("s1", "m1", dataset.fingerprint))
    last = last_good(store, "places", "mill")
    assert last is not None
    assert last[1] == verdict


def test_the_key_changes_with_the_bytes_the_mapping_and_the_rules() -> None:
    keys = {judged_key(*parts) for parts in (("s", "m", "d"), ("s2", "m", "d"), ("s", "m2", "d"), ("s", "m", "d2"))}
    assert len(keys) == 4
    assert judged_key("s", "m", "d") in keys


def test_rows_that_time_may_change_are_judged_again_on_their_day(store: Store, dataset: Dataset) -> None:
    verdict = kept(store, dataset, [good(updated="2026-12-24")])
    key = judged_key("s1", "m1", dataset.fingerprint)
    assert verdict.valid_until == "2026-12-24"
    assert judged(store, "places", "mill", key, today=datetime.date(2026, 12, 23)) is not None
    assert judged(store, "places", "mill", key, today=datetime.date(2026, 12, 24)) is None


def _parquet(store: Store, dataset: Dataset) -> str:
    return f"rows/places/mill/{judged_key('s1', 'm1', dataset.fingerprint)}.parquet"


def test_rows_that_are_not_those_of_the_verdict_are_refused_with_a_remedy(store: Store, dataset: Dataset) -> None:
    kept(store, dataset, [good()])
    forged = rows_of(dataset.main.fields, [good(name="forged")])
    store.write(_parquet(store, dataset), parquet_bytes(forged, dataset.main))
    with pytest.raises(VerdictError, match="their SHA-256 is") as caught:
        last_good(store, "places", "mill")
    assert caught.value.remedy.startswith("Run `glane run places --source mill`")
    assert judged(store, "places", "mill", judged_key("s1", "m1", dataset.fingerprint), today=TODAY) is None


def test_a_missing_file_or_an_unreadable_verdict_is_refused(store: Store, dataset: Dataset) -> None:
    verdict = kept(store, dataset, [good()])
    record = _parquet(store, dataset).replace(".parquet", ".json")
    for value in ({"dataset": "places"}, asdict(verdict) | {"passed": 7}, asdict(verdict) | {"partner": "other"}, []):
        store.write_json(record, value)
        with pytest.raises(VerdictError):
            last_good(store, "places", "mill")
    store.write_json(record, asdict(verdict))
    store.local(_parquet(store, dataset)).unlink()
    with pytest.raises(VerdictError, match="a file is missing"):
        last_good(store, "places", "mill")
    store.write_json("rows/places/mill/latest.json", {"oops": 1})
    with pytest.raises(VerdictError, match=r"latest\.json names no rows"):
        last_good(store, "places", "mill")


def test_a_kill_before_the_pointer_leaves_the_last_good_rows(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    first = kept(store, dataset, [good()])
    pointer = store.read("rows/places/mill/latest.json")
    kept(store, dataset, [good(id="b")], snapshot="s2")
    store.write("rows/places/mill/latest.json", pointer)  # as a kill between the two writes would leave it
    found = last_good(store, "places", "mill")
    assert found is not None
    assert found[1] == first


def test_what_is_kept_can_be_checked_with_other_tools(store: Store, dataset: Dataset) -> None:
    verdict = kept(store, dataset, [good()])
    path = store.local(_parquet(store, dataset))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == verdict.rows_sha256
    assert json.loads(path.with_suffix(".json").read_text()) == asdict(verdict)
    assert pl.read_parquet(path).schema == dict.fromkeys(dataset.main.fields, pl.String) | {LINE: pl.Int64}
