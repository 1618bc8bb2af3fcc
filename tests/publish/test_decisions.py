"""What a steward decided holds through every import, until the source says something else: then it is a question."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.declaration import DeclarationError
from publish.deciding import Applied, apply, in_words
from publish.decisions import COLUMNS, Decisions, read_decisions
from publish.merge import merge
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, Cells, contribute, declare

ONE_TABLE = DECLARATION[: DECLARATION.index("  - name: national")]
TODAY = datetime.date(2026, 11, 22)
FIL: Cells = {"id": "a--1", "nom": "Le Fil", "code_postal": "49000", "places": "12"}
QUAI: Cells = {"id": "a--2", "nom": "Le Quai", "code_postal": "44000"}
FIL_AGAIN: Cells = {"id": "b--7", "nom": "le fil", "code_postal": "49000"}


def written(folder: Path, *lines: dict[str, str]) -> Path:
    path = folder / "essai.csv"
    rows = [",".join(line.get(name, "") for name in COLUMNS) for line in lines]
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def line(kind: str, identifier: str, **more: str) -> dict[str, str]:
    return {"kind": kind, "id": identifier, "by": "hub", "on": "2026-11-20", "why": "vu sur place", **more}


def correction(identifier: str, field: str, seen: str, value: str, **more: str) -> dict[str, str]:
    return line("correction", identifier, field=field, seen=seen, value=value, **more)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas", declaration=ONE_TABLE)


def decided(dataset: Dataset, decisions: Decisions, *rows: Cells, today: datetime.date = TODAY) -> Applied:
    by_partner: dict[str, list[Cells]] = {}
    for row in rows:
        by_partner.setdefault(str(row["id"])[0], []).append(row)
    contributions = [contribute(dataset, partner, mine) for partner, mine in by_partner.items()]
    return apply(dataset, {"sites": merge(dataset.main, contributions)}, decisions, today)


def cells(done: Applied, *names: str) -> list[tuple[Any, ...]]:
    return done.merged["sites"].rows.select(names).rows()


def questions(done: Applied) -> list[tuple[int, str, str | None]]:
    return [(one.decision.line, one.why, one.now) for one in done.questions]


def test_a_correction_holds_while_the_source_says_what_was_seen_and_is_a_question_once_it_changes(
    dataset: Dataset, tmp_path: Path
) -> None:
    decisions = read_decisions(written(tmp_path, correction("a--1", "nom", "Le Fil", "Le Fil d'Ariane")), ["sites"])
    done = decided(dataset, decisions, FIL, QUAI)
    assert cells(done, "id", "nom") == [("a--1", "Le Fil d'Ariane"), ("a--2", "Le Quai")]
    assert (done.applied, done.questions, done.held) == (decisions.all, (), ())

    moved = decided(dataset, decisions, {**FIL, "nom": "La Bobine"}, QUAI)
    assert cells(moved, "id", "nom") == [("a--1", "La Bobine"), ("a--2", "Le Quai")]
    assert (moved.applied, questions(moved)) == ((), [(2, "changed", "La Bobine")])

    corrected = decided(dataset, decisions, {**FIL, "nom": "Le Fil d'Ariane"}, QUAI)
    assert questions(corrected) == [(2, "fulfilled", "Le Fil d'Ariane")]
    assert questions(decided(dataset, decisions, QUAI)) == [(2, "gone", None)]


def test_corrections_follow_one_another_fill_what_is_empty_and_empty_what_is_wrong(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        correction("a--1", "nom", "Le Fil", "La Bobine"),
        correction("a--1", "nom", "La Bobine", "Le Rouet"),
        correction("a--1", "places", "12", ""),
        correction("a--2", "places", "", "40"),
    )
    done = decided(dataset, read_decisions(path, ["sites"]), FIL, QUAI)
    assert cells(done, "id", "nom", "places") == [("a--1", "Le Rouet", None), ("a--2", "Le Quai", "40")]
    assert [one.line for one in done.applied] == [2, 3, 4, 5]
    assert done.questions == ()


def test_a_decision_on_a_row_that_went_into_another_is_on_the_one_that_stands(dataset: Dataset, tmp_path: Path) -> None:
    path = written(tmp_path, correction("b--7", "places", "12", "14"))
    done = decided(dataset, read_decisions(path, ["sites"]), FIL, FIL_AGAIN)
    assert cells(done, "id", "places") == [("a--1", "14")]


def test_a_withdrawn_row_leaves_with_all_that_went_into_it_and_nobody_is_named(
    dataset: Dataset, tmp_path: Path
) -> None:
    decisions = read_decisions(written(tmp_path, line("withdrawal", "b--7")), ["sites"])
    done = decided(dataset, decisions, FIL, FIL_AGAIN, QUAI)
    assert cells(done, "id") == [("a--2",)]
    assert done.merged["sites"].provenance["id"].to_list() == ["a--2"]
    assert [(one.partner, one.problem.line, one.problem.rule, one.problem.cell) for one in done.held] == [
        ("a", 2, "withdrawn", None),
        ("b", 2, "withdrawn", None),
    ]
    assert questions(decided(dataset, decisions, QUAI)) == [(2, "gone", None)]


def test_decisions_on_two_rows_are_told_and_those_on_a_row_that_nobody_brings_are_questions(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        line("different", "a--1", other="a--2"),
        line("same", "a--1", other="b--7"),
        line("same", "a--1", other="a--99"),
        line("different", "c--1", other="a--2"),
    )
    done = decided(dataset, read_decisions(path, ["sites"]), FIL, FIL_AGAIN, QUAI)
    assert [one.line for one in done.applied] == [3, 2]
    assert questions(done) == [(4, "one_gone", None), (5, "one_gone", None)]
    assert in_words(done.questions[0]).en == (
        "Decisions, line 4, a--1 or a--99: one of the two is not published. Correct the id, or take the decision out."
    )


def test_a_decision_ends_on_its_day_and_says_so(dataset: Dataset, tmp_path: Path) -> None:
    path = written(tmp_path, correction("a--1", "nom", "Le Fil", "La Bobine", until="2026-11-22"))
    decisions = read_decisions(path, ["sites"])
    assert cells(decided(dataset, decisions, FIL), "nom") == [("La Bobine",)]
    late = decided(dataset, decisions, FIL, today=TODAY + datetime.timedelta(days=1))
    assert (cells(late, "nom"), questions(late)) == ([("Le Fil",)], [(2, "ended", None)])


def faults(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(DeclarationError) as caught:
        read_decisions(path, ["sites", "visites"])
    return [(fault.line, fault.key, f"{fault.what} {fault.remedy}") for fault in caught.value.faults]


def test_a_file_that_is_wrong_is_told_line_by_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        line("merge", "a--1"),
        line("same", "a--1", other="a--1"),
        line("withdrawal", "a--1", field="nom", on="20/11/2026"),
        correction("a--1", "nom", "x", "x", table="lieux", by="jeanne@example.org"),
        line("different", "a--1", why=""),
    )
    assert faults(path) == [
        (2, "kind", "'merge' is no kind of decision. Write one of same, different, correction, withdrawal, forgotten."),
        (3, "other", "It is the same id twice. Name two rows."),
        (4, "field", "A decision 'withdrawal' has no field. Leave the cell empty."),
        (4, "on", "'20/11/2026' is no day. Write it as YYYY-MM-DD, as in 2027-01-31."),
        (5, "table", "There is no table 'lieux'. Write one of sites, visites."),
        (5, "value", "It changes nothing: 'seen' and 'value' are alike. Write the right value."),
        (5, "by", "This names a person. Write a role: who decided stands in a public file."),
        (6, "other", "Nothing stands here. A decision 'different' needs id, other, by, on, why."),
        (6, "why", "Nothing stands here. A decision 'different' needs id, other, by, on, why."),
    ]


def test_decisions_that_contradict_one_another_are_told(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        line("same", "a--1", other="b--1"),
        line("same", "b--1", other="c--1"),
        line("different", "a--1", other="c--1"),
        correction("a--2", "nom", "Le Fil", "La Bobine"),
        correction("a--2", "nom", "Le Fil", "Le Rouet"),
        correction("a--3", "nom", "un", "deux"),
        correction("a--3", "nom", "deux", "trois"),
        correction("a--3", "nom", "trois", "un"),
        line("different", "a--1", other="c--1", table="visites"),
    )
    assert faults(path) == [
        (
            4,
            "kind",
            "a--1 and c--1 are said to be different here, and the same on other lines. "
            "Decide which holds, and take the other out.",
        ),
        (6, "id", "Line 5 decides this of a--2 already. Keep the one that holds."),
        (
            9,
            "value",
            "The corrections of nom of a--3 lead back to 'trois'. Keep the line that holds, and take the others out.",
        ),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind,id\nsame,a\n", "The columns are kind, id. Write kind,table,id,other"),
        ("", "The columns are not there."),
        (",".join(COLUMNS) + "\nsame,,a,b,,,,hub,2026-11-20,,why, and more\n", "There are more cells than columns."),
        (",".join(COLUMNS) + '\nsame,,"a\n', "The file cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_table_of_decisions_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "essai.csv"
    path.write_text(text, encoding="utf-8")
    ((_, _, told),) = faults(path)
    assert said in told


def test_without_a_file_there_are_no_decisions(tmp_path: Path) -> None:
    assert read_decisions(tmp_path / "essai.csv", ["sites"]).all == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (correction("a--1", "name", "Le Fil", "x"), (2, "field", "The table sites has no field 'name'.")),
        (correction("a--1", "id", "a--1", "a--9"), (2, "field", "'id' is the id of a row, which never changes.")),
    ],
)
def test_what_cannot_be_corrected_is_told(
    dataset: Dataset, tmp_path: Path, wrong: dict[str, str], said: tuple[int, str, str]
) -> None:
    decisions = read_decisions(written(tmp_path, wrong), ["sites"])
    with pytest.raises(DeclarationError) as caught:
        decided(dataset, decisions, FIL)
    assert [(fault.line, fault.key, fault.what) for fault in caught.value.faults] == [said]


def test_a_correction_publishes_nothing_that_the_schema_refuses(dataset: Dataset, tmp_path: Path) -> None:
    path = written(
        tmp_path, correction("a--1", "code_postal", "49000", "Angers"), correction("a--1", "places", "12", "14")
    )
    with pytest.raises(DeclarationError) as caught:
        decided(dataset, read_decisions(path, ["sites"]), FIL)
    ((at, key, what),) = [(fault.line, fault.key, fault.what) for fault in caught.value.faults]
    assert (at, key) == (2, "value")
    assert what == "code_postal: 'Angers'. This text does not have the expected form."


@settings(deadline=None, max_examples=24)
@given(st.permutations(range(4)))
def test_the_order_of_the_lines_changes_nothing(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("decisions")
    dataset = declare(folder / "schemas", declaration=ONE_TABLE)
    lines = [
        correction("a--1", "nom", "Le Fil", "La Bobine"),
        correction("a--1", "nom", "La Bobine", "Le Rouet"),
        correction("a--1", "places", "12", ""),
        line("withdrawal", "a--2"),
    ]
    path = written(folder, *(lines[number] for number in order))
    done = decided(dataset, read_decisions(path, ["sites"]), FIL, QUAI)
    assert cells(done, "id", "nom", "places") == [("a--1", "Le Rouet", None)]
    assert sorted(one.line for one in done.applied) == [2, 3, 4, 5]
