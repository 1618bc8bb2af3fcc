"""Whose values a partner's published rows hold: what it brought and what others gave make the published row."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.merge import merge
from publish.others import values_of_others
from schemas.dataset import Dataset
from schemas.report_values import Others
from tests.publish.material import Cells, contribute, declare


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return declare(tmp_path_factory.mktemp("schemas"))


def test_a_partner_is_told_whose_values_are_published_in_its_row_and_why(dataset: Dataset) -> None:
    old: Cells = {"id": "a--1", "nom": "Médiathèque", "code_postal": "49000", "date_maj": "2024-01-01", "places": "12"}
    new: Cells = {"id": "b--9", "nom": "MEDIATHEQUE", "code_postal": "49000", "date_maj": "2026-01-01"}
    parts = [contribute(dataset, "a", [old]), contribute(dataset, "b", [new])]
    told, shared = values_of_others(dataset.main, parts, merge(dataset.main, parts))
    assert shared == {"a": 1, "b": 1}
    assert told["a"] == [
        Others(id="b--9", line=2, field=name, theirs=old[name], published=new[name], by=("B",), why="preferred")
        for name in dataset.main.fields
        if old.get(name) and new.get(name) and old[name] != new[name]
    ]
    assert told["b"] == [
        Others(id="b--9", line=2, field="places", theirs=None, published="12", by=("A",), why="filled")
    ]


def test_rows_that_are_nobody_else_s_hold_nobody_else_s_values(dataset: Dataset) -> None:
    parts = [
        contribute(dataset, "a", [{"id": "a--1", "nom": "Un", "code_postal": "49000"}]),
        contribute(dataset, "b", [{"id": "b--1", "nom": "Deux", "code_postal": "49000"}]),
    ]
    assert values_of_others(dataset.main, parts, merge(dataset.main, parts)) == ({}, {})


CELL = st.none() | st.sampled_from(["1", "2", "3"])
ROWS = st.lists(st.tuples(st.sampled_from("xyz"), CELL, CELL, CELL), max_size=4)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), ROWS, min_size=1))
def test_what_it_brought_and_what_others_gave_is_what_is_published(
    tmp_path_factory: pytest.TempPathFactory, brought: dict[str, list[tuple[str, str | None, str | None, str | None]]]
) -> None:
    dataset = _dataset(tmp_path_factory)
    table, credited = dataset.main, {"source", "attribution", "licence"}
    parts = [
        contribute(
            dataset,
            partner,
            [
                {
                    "id": f"{partner}--{n}",
                    "nom": name,
                    "code_postal": "49000",
                    "places": a,
                    "date_maj": b,
                    "latitude": c,
                }
                for n, (name, a, b, c) in enumerate(rows)
            ],
        )
        for partner, rows in sorted(brought.items())
    ]
    merged = merge(table, parts)
    told, _ = values_of_others(table, parts, merged)
    published = {row["id"]: row for row in merged.rows.iter_rows(named=True)}
    for part in parts:
        given = {(one.id, one.line, one.field): one for one in told.get(part.partner, [])}
        for row in part.rows.iter_rows(named=True):
            head = merged.aliases.get(row["id"], row["id"])
            others = merged.provenance.filter((pl.col("id") == head) & (pl.col("partner") != part.partner))
            if not others.height:
                continue
            for field in set(table.published_fields) - credited:
                found = given.pop((head, row["_line"], field), None)
                assert published[head][field] == (found.published if found else row[field])
                assert found is None or (found.theirs == row[field] and part.partner.title() not in found.by)
        assert not given


_KEPT: list[Dataset] = []


def _dataset(factory: pytest.TempPathFactory) -> Dataset:
    if not _KEPT:
        _KEPT.append(declare(Path(factory.mktemp("law"))))
    return _KEPT[0]
