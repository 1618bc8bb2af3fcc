"""What the merge made of a few rows, worked out again over them alone, is what it made of them among all."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.merge import Merged, merge
from publish.tracing.choosing import Candidate, Chosen, merged_again
from publish.tracing.found import Line, Row
from schemas.dataset import Dataset
from schemas.judgement import LINE
from tests.publish.material import Cells, contribute, declare

RULES: dict[str, Any] = {
    "same": [["nom", "code_postal"]],
    "newest": "date_maj",
    "trust": ["ville", "asso"],
    "owner": "attribution",
    "unite": ["consentement"],
    "fields": {"places": ["complete", "trust"]},
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return _with_rules(declare(tmp_path_factory.mktemp("schemas")))


def _with_rules(dataset: Dataset) -> Dataset:
    rules = dataset.main.line.merge.model_copy(update=RULES)
    main = replace(dataset.main, line=dataset.main.line.model_copy(update={"merge": rules}))
    return replace(dataset, tables=(main, *dataset.tables[1:]))


def traced(dataset: Dataset, rows: dict[str, list[Cells]]) -> tuple[Merged, dict[str, tuple[Any, dict[str, Chosen]]]]:
    """The rows merged, and each published row worked out again over the rows that it came of."""
    parts = [contribute(dataset, partner, mine) for partner, mine in rows.items()]
    found, again = merge(dataset.main, parts), {}
    aliases = {dataset.main.name: dict(found.aliases)}
    for (identifier,), group in found.provenance.group_by("id"):
        lines = tuple(
            Line(one["partner"], one["own"], one["line"], one["snapshot"], one["stands"])
            for one in group.iter_rows(named=True)
        )
        brought = [
            replace(part, rows=part.rows.filter((pl.col("id") == line.own) & (pl.col(LINE) == line.line)))
            for line in lines
            for part in parts
            if part.partner == line.partner
        ]
        row = Row(dataset.main.name, str(identifier), {}, dataset.main.name, lines)
        again[str(identifier)] = merged_again(dataset.main, row, brought, aliases)
    return found, again


def test_each_candidate_is_told_in_its_order_with_what_decided_against_it(dataset: Dataset) -> None:
    site: Cells = {"nom": "Le Fil", "code_postal": "49000"}
    _, again = traced(
        dataset,
        {
            "asso": [{"id": "asso--1", **site, "date_maj": "2026-01-01", "places": "12", "consentement": "b|a"}],
            "hub": [{"id": "hub--1", **site, "date_maj": "2026-01-01", "places": "9", "consentement": "c"}],
            "ville": [{"id": "ville--1", **site, "date_maj": "2020-01-01", "places": "10", "latitude": "47.0"}],
        },
    )
    cells, chosen = again["asso--1"]
    assert (cells["places"], cells["consentement"], cells["latitude"]) == ("10", "a|b|c", "47.0")
    assert chosen["date_maj"] == Chosen(
        "first",
        ("owner", "newest", "trust"),
        (
            Candidate("asso", "asso--1", "2026-01-01", True),
            Candidate("hub", "hub--1", "2026-01-01", False, "trust"),
            Candidate("ville", "ville--1", "2020-01-01", False, "newest"),
        ),
        "2026-01-01",
    )
    assert chosen["places"].candidates == (
        Candidate("ville", "ville--1", "10", True),
        Candidate("asso", "asso--1", "12", False, "trust"),
        Candidate("hub", "hub--1", "9", False, "complete"),
    )
    assert [(one.partner, one.stood) for one in chosen["consentement"].candidates] == [
        ("asso", True),
        ("hub", True),
        ("ville", False),
    ]
    assert (chosen["consentement"].how, chosen["latitude"].how, chosen["id"].how) == ("united", "point", "id")


CELL = st.none() | st.sampled_from(["1", "22", "3"])
ROW = st.tuples(st.sampled_from("xy"), CELL, CELL, CELL, CELL, st.none() | st.sampled_from(["Asso", "Ville"]))


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(["asso", "hub", "ville"]), st.lists(ROW, max_size=3), min_size=1))
def test_every_row_is_worked_out_again_and_its_first_candidate_is_what_stands(
    tmp_path_factory: pytest.TempPathFactory, brought: dict[str, list[tuple[str | None, ...]]]
) -> None:
    dataset = _once(tmp_path_factory)
    names = ("nom", "places", "date_maj", "latitude", "longitude", "attribution")
    found, again = traced(
        dataset,
        {
            partner: [
                {"id": f"{partner}--{number}", "code_postal": "49000", **dict(zip(names, row, strict=True))}
                for number, row in enumerate(rows)
            ]
            for partner, rows in brought.items()
        },
    )
    published = {row["id"]: row for row in found.rows.iter_rows(named=True)}
    assert {name: cells for name, (cells, _) in again.items()} == published
    for cells, chosen in again.values():
        for name, one in chosen.items():
            stood = [candidate.cell for candidate in one.candidates if candidate.stood]
            united = {part for cell in stood for part in (cell or "").split("|")}
            assert one.how == "united" or set(stood) <= {cells[name]}
            assert one.how != "united" or united == set(filter(None, (cells[name] or "").split("|")))
            assert one.cell == cells[name]
            assert cells[name] is None or stood


_KEPT: list[Dataset] = []


def _once(factory: pytest.TempPathFactory) -> Dataset:
    if not _KEPT:
        _KEPT.append(_with_rules(declare(Path(factory.mktemp("law")))))
    return _KEPT[0]
