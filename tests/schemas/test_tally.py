"""Counts of what was found wrong, kept over time, so that a steward sees what the vocabulary lacks."""

from pathlib import Path

import pytest

from glane.store import FolderStore, Store
from schemas.dataset import Dataset
from schemas.judge import judge
from schemas.tally import (
    MOST_KEPT,
    MOST_TERMS,
    RejectedTerm,
    RuleCount,
    Tally,
    TermCount,
    keep_tally,
    rejected_terms,
    rule_counts,
    tallies,
    tally,
)
from tests.schemas.material import good, places, rows_of

DAY = "2026-11-21T06:00:00+00:00"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return places(tmp_path / "schemas")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path / "store")


def counted(dataset: Dataset, *services: str, at: str = DAY, judged: str = "1", **cells: str) -> Tally:
    rows = [good(id=str(number), services=cell, **cells) for number, cell in enumerate(services)]
    return tally(judge(dataset, dataset.main, rows_of(dataset.main.fields, rows)), dataset.main, at=at, judged=judged)


def test_only_terms_that_no_list_knows_are_rejected_ones(dataset: Dataset) -> None:
    found = counted(dataset, "Learning|Cooking", "Cooking", "classes", "Access||Repair", "Access|Access", "lerning")
    assert found.terms == (
        TermCount(field="services", term="Cooking", count=2),
        TermCount(field="services", term="lerning", count=1, nearest="Learning"),
    )


def test_each_rule_is_counted_by_severity_and_field(dataset: Dataset) -> None:
    found = counted(dataset, "Cooking", "Access", site="example")
    assert found.rows_in == 2
    assert set(found.rules) == {
        RuleCount(rule="url", severity="error", count=2, field="site"),
        RuleCount(rule="terms", severity="error", count=1, field="services"),
    }
    assert counted(dataset, "Access").rules == ()


def test_counts_are_kept_oldest_first_and_their_number_is_bounded(dataset: Dataset, store: Store) -> None:
    for number in range(MOST_KEPT + 3):
        keep_tally(store, "places", "a", counted(dataset, "Cooking", at=f"{2000 + number}", judged=str(number)))
    kept = tallies(store, "places", "a")
    assert [one.judged for one in kept] == [str(number) for number in range(3, MOST_KEPT + 3)]
    assert tallies(store, "places", "nobody") == ()


def test_the_same_judgement_over_again_is_not_counted_twice(dataset: Dataset, store: Store) -> None:
    keep_tally(store, "places", "a", counted(dataset, "Cooking"))
    keep_tally(store, "places", "a", counted(dataset, "Cooking", at="2026-11-22T06:00:00+00:00"))
    assert [one.at for one in tallies(store, "places", "a")] == [DAY]


def test_a_steward_sees_what_the_vocabulary_lacks_by_whom_and_since_when(dataset: Dataset, store: Store) -> None:
    keep_tally(store, "places", "a", counted(dataset, "Access", at="2026-01-01", judged="1"))
    keep_tally(store, "places", "a", counted(dataset, "Cooking", at="2026-02-01", judged="2"))
    keep_tally(store, "places", "a", counted(dataset, "Cooking", "Cooking", "lerning", at="2026-03-01", judged="3"))
    keep_tally(store, "places", "b", counted(dataset, "Cooking", at="2026-04-01", judged="4"))
    keep_tally(store, "places", "left", counted(dataset, "Dancing", at="2026-04-01", judged="5"))
    assert rejected_terms(store, "places", ["a", "b", "new"]) == (
        RejectedTerm("services", "Cooking", 3, 1, ("a", "b"), "2026-02-01", None),
        RejectedTerm("services", "lerning", 1, 0, ("a",), "2026-03-01", "Learning"),
    )
    assert list(rule_counts(store, "places", ["a", "b", "new"])) == ["a", "b"]


def test_a_steward_reads_how_often_a_rule_spoke_whatever_the_field(dataset: Dataset, store: Store) -> None:
    counts = [RuleCount(rule="url", severity="error", count=n, field=name) for name, n in (("site", 2), ("page", 3))]
    other = RuleCount(rule="terms", severity="warning", count=4)
    keep_tally(store, "places", "a", counted(dataset, "Access").model_copy(update={"rules": (*counts, other)}))
    assert rule_counts(store, "places", ["a"]) == {
        "a": (RuleCount(rule="url", severity="error", count=5), RuleCount(rule="terms", severity="warning", count=4))
    }


def test_a_term_that_partners_no_longer_write_is_gone_from_the_list(dataset: Dataset, store: Store) -> None:
    keep_tally(store, "places", "a", counted(dataset, "Cooking", judged="1"))
    keep_tally(store, "places", "a", counted(dataset, "Access", judged="2"))
    assert rejected_terms(store, "places", ["a"]) == ()


def test_a_column_of_free_text_does_not_flood_the_counts(dataset: Dataset) -> None:
    found = counted(dataset, *(f"Zz{number:04}" + "z" * 500 for number in range(MOST_TERMS + 7)))
    assert (len(found.terms), found.more_terms) == (MOST_TERMS, 7)
    assert max(len(one.term) for one in found.terms) == 120


def test_a_term_with_a_line_separator_in_it_is_read_back(dataset: Dataset, store: Store) -> None:
    keep_tally(store, "places", "a", counted(dataset, "Coo\u2028king"))
    assert [one.term for one in tallies(store, "places", "a")[0].terms] == ["Coo\u2028king"]


def test_a_line_that_another_glane_wrote_is_left_out(dataset: Dataset, store: Store) -> None:
    keep_tally(store, "places", "a", counted(dataset, "Cooking"))
    path = store.local("reports/places/a/counts.jsonl")
    path.write_bytes(b'{"at": "2020"}\nnot json\n' + path.read_bytes())
    assert [one.at for one in tallies(store, "places", "a")] == [DAY]
