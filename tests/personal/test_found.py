"""What is found of persons: all of the plain cases, few of the innocent ones, the same in a column as in a cell."""

import re
import subprocess
import sys
from itertools import groupby, pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.personal import labelled, scores
from schemas.personal.finding import COVER, Context, apart, covered, masked
from schemas.personal.search import search_column, search_text
from schemas.personal.vocabulary import first_names, folded_first_names, is_about_people, mail_providers

CELLS = labelled()
# Floors, a little below what make bench-personal prints: with hard cases and hard innocents.
PRECISION = {"email": 0.90, "mobile": 0.96, "name": 0.80, "national-id": 1.0, "bank-account": 1.0}
RECALL = {"email": 0.90, "mobile": 0.88, "name": 0.80, "national-id": 0.80, "bank-account": 0.85}


def found_in(text: str, context: Context = Context()) -> list[tuple[str, str]]:  # noqa: B008
    return [(one.kind, text[one.start : one.end]) for one in search_text(text, context)]


def test_no_plain_case_is_missed_and_no_plain_innocent_is_taken() -> None:
    plain = [cell for cell in CELLS if cell.how == "plain"]
    wrong = [cell for cell in plain if (cell.kind not in cell.found if cell.kind else cell.found)]
    assert wrong == []
    assert min(sum(cell.kind == kind for cell in plain) for kind in PRECISION) >= 7
    assert len(CELLS) >= 450


def test_precision_and_recall_stay_above_their_floors_the_hard_cases_counted() -> None:
    found = scores(CELLS)
    assert {kind: score for kind, score in found.items() if score.precision < PRECISION[kind]} == {}
    assert {kind: score for kind, score in found.items() if score.recall < RECALL[kind]} == {}


def test_a_column_is_searched_as_each_of_its_cells() -> None:
    about = sorted({(cell.country, cell.column) for cell in CELLS})
    for country, column in about:
        context = Context(country, column, is_about_people(column))
        texts = [cell.cell for cell in CELLS] * 2
        one_by_one = {text: found for text in texts if (found := search_text(text, context))}
        assert search_column(pl.Series(texts), context) == one_by_one


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Appeler Jeanne Martin au 06 12 34 56 78", [("name", "Jeanne Martin"), ("mobile", "06 12 34 56 78")]),
        ("jean point dupont arobase orange point fr", [("email", "jean point dupont arobase orange point fr")]),
        ("contact@lieu.example ; jean.dupont@orange.fr", [("email", "jean.dupont@orange.fr")]),
        ("https://lieu.example/?email=luc.girard%40gmail.com", [("email", "luc.girard%40gmail.com")]),
        ("MJC Jean Macé, animée par Mme Petit", [("name", "Mme Petit")]),
        ("mairie.dupont@orange.fr, 12 rue Jean Martin, 02 41 22 33 44", []),
    ],
)
def test_what_is_found_is_the_part_of_the_text_that_is_personal(text: str, found: list[tuple[str, str]]) -> None:
    assert found_in(text) == found


def test_a_belgian_mobile_is_one_where_numbers_are_belgian() -> None:
    assert found_in("0470 12 34 56", Context("BE")) == [("mobile", "0470 12 34 56")]
    assert found_in("0470 12 34 56", Context("FR")) == []


def test_a_column_of_people_is_known_by_its_header_and_an_address_of_theirs_is_no_name() -> None:
    assert [is_about_people(header) for header in ("Nom du référent", "contactName", "courriel_contact", "nom")] == [
        True,
        True,
        False,
        False,
    ]


@given(st.lists(st.sampled_from([cell.cell for cell in CELLS]), max_size=6), st.sampled_from([" ", " ; ", "\n", " - "]))
def test_what_is_covered_shows_no_whole_finding_and_keeps_the_rest(cells: list[str], between: str) -> None:
    text = between.join(cells)
    found = search_text(text, Context())
    assert list(found) == sorted(apart(found), key=lambda one: one.start)
    rest = "".join(
        text[a:b] for a, b in zip([0, *(f.end for f in found)], [*(f.start for f in found), len(text)], strict=True)
    )
    assert masked(text, found).replace(COVER, "") == rest.replace(COVER, "")
    for one in found:
        whole = text[one.start : one.end]
        shown = covered(whole, [type(one)(one.kind, 0, len(whole), one.why, one.sureness)])
        assert COVER in shown
        # No more is shown than first letters, and the last digit of a number that its owner looks for.
        assert max(len(run) for run in re.split(rf"{COVER}|[@ ]", shown)) <= 2


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text: str) -> None:
    spans = [(one.start, one.end) for one in search_text(text, Context("BE", "contact", people=True))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(after[0] >= before[1] for before, after in pairwise(spans))


def test_the_lists_are_lists_of_what_they_say() -> None:
    assert len(folded_first_names()) > 1_500
    assert [name for name in first_names() if not re.fullmatch(r"[A-ZÀ-ÞÍ][\w-]+", name)] == []
    assert [domain for domain in mail_providers() if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain)] == []


def test_the_labelled_cells_are_each_there_once() -> None:
    keys = sorted((cell.country, cell.column, cell.cell) for cell in CELLS)
    assert [key for key, same in groupby(keys) if len(list(same)) > 1] == []


def test_the_bench_prints_its_figures_and_ends_with_one_line_of_json() -> None:
    command = [sys.executable, "-m", "bench.personal", "--rows", "500", "--columns", "6"]
    root = Path(__file__).parents[2]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0].split() == ["kind", "cells", "precision", "recall", "plain", "recall"]
    assert '"plain_missed": 0' in told[-1]
