"""Term lists: the wrong term is named with its place and the nearest right one; only synonyms apply by themselves."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dataset import TermLine
from schemas.terms import TermList, apply_terms, fold, judge_cell
from tests.schemas.material import good, places, rows_of

TERMS = TermList(
    (
        "Gratuit",
        "Gratuit sous condition",
        "Payant",
        "Étudiants",
        "Familles et/ou enfants",
        "Langues étrangères (anglais)",
        "Langues étrangères (autres)",
        "Too worn out",
    ),
    {"Free of charge": "Gratuit", "Item too worn out": "Too worn out"},
)
LINE = TermLine(list="charges", separator="|")


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("gratuit", "Gratuit"),
        (" Gratuit ", "Gratuit"),
        ("GRATUIT SOUS CONDITIONS", "Gratuit sous condition"),
        ("Etudiant", "Étudiants"),
        ("étudiants", "Étudiants"),
        ("Familles et\u2010ou enfant", "Familles et/ou enfants"),
        ("langues etrangeres anglais", "Langues étrangères (anglais)"),
        ("Payannt", "Payant"),
        ("free of charge!", "Gratuit"),
        ("Famille\ufffds et/ou enfants", "Familles et/ou enfants"),
        ("\ufffdtudiants", "Étudiants"),
        ("Tarif libre", None),
        ("", None),
        ("///", None),
    ],
)
def test_the_nearest_term_is_found_despite_accents_case_hyphens_plural_and_typos(
    written: str, near: str | None
) -> None:
    assert TERMS.nearest(written) == near


def test_a_wrong_term_is_named_with_its_place_and_what_to_write() -> None:
    cell, remarks = judge_cell("Payant|Gratui|Tarif libre", LINE, TERMS)
    assert cell == "Payant|Gratui|Tarif libre"
    assert [(r.position, r.suggestion, r.severity) for r in remarks] == [(2, "Gratuit", None), (3, None, None)]
    assert remarks[0].phrase.wrong.en == "“Gratui” is not on this column's list."
    assert remarks[0].phrase.write.fr.startswith("Écrivez « Gratuit », si c'est bien ce que vous voulez dire ;")


def test_a_suggestion_alone_changes_nothing() -> None:
    cell, remarks = judge_cell("gratuit", LINE, TERMS)
    assert (cell, [r.suggestion for r in remarks]) == ("gratuit", ["Gratuit"])


def test_a_synonym_is_applied_and_told_as_information() -> None:
    cell, remarks = judge_cell("Free of  charge|Payant|Gratuit", LINE, TERMS)
    assert cell == "Gratuit|Payant"
    assert [(r.severity, r.suggestion, r.position) for r in remarks] == [("info", "Gratuit", 1)]


@pytest.mark.parametrize(
    ("cell", "right", "severity"),
    [
        ("|Gratuit", "Gratuit", None),
        ("Gratuit||Payant", "Gratuit|Payant", None),
        ("Payant|Payant", "Payant", "warning"),
    ],
)
def test_an_empty_or_doubled_value_is_told_with_the_cell_to_write(cell: str, right: str, severity: str | None) -> None:
    kept, remarks = judge_cell(cell, LINE, TERMS)
    assert (kept, [(r.suggestion, r.severity, r.position) for r in remarks]) == (cell, [(right, severity, None)])


def test_a_field_without_separator_holds_one_term() -> None:
    _, remarks = judge_cell("Gratuit|Payant", TermLine(list="charges"), TERMS)
    assert [r.position for r in remarks] == [None]


def test_rows_come_back_with_synonyms_replaced_and_their_own_lines(tmp_path: Path) -> None:
    table = places(tmp_path).main
    cells = ["classes|Access", "Access", None, "Acces", "classes|Access"]
    rows, found = apply_terms(table, rows_of(table.fields, [good(services=cell) for cell in cells], [2, 5, 9, 10, 11]))
    assert rows["services"].to_list() == ["Learning|Access", "Access", None, "Acces", "Learning|Access"]
    assert rows.schema["services"] == pl.String
    assert [(i, p.line, p.severity, p.suggestion, p.position) for i, p in sorted(found, key=lambda f: f[0])] == [
        (0, 2, "info", "Learning", 1),
        (3, 10, "error", "Access", None),
        (4, 11, "info", "Learning", 1),
    ]


@given(st.lists(st.sampled_from([*TERMS.terms, *TERMS.synonyms]), min_size=1, max_size=5))
def test_a_cell_of_terms_and_synonyms_becomes_one_of_terms_and_stays_so(values: list[str]) -> None:
    cell, _ = judge_cell("|".join(values), LINE, TERMS)
    assert set(cell.split("|")) == {TERMS.synonyms.get(value, value) for value in values}
    again, remarks = judge_cell(cell, LINE, TERMS)
    assert again == cell
    assert all(remark.severity == "warning" for remark in remarks)


@given(st.text())
def test_folding_twice_is_folding_once_or_shorter(text: str) -> None:
    assert len(fold(fold(text))) <= len(fold(text))
