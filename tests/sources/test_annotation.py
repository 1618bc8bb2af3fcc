"""Their own file back: sent again unchanged it changes nothing, and a cell that is corrected in it is corrected."""

import datetime
import io
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from glane.text import Text
from schemas.judge import judge
from schemas.judgement import LINE, Judgement, Problem
from sources import annotation
from sources.annotation import annotate, is_annotated
from sources.declaration import FileFormat, Source
from sources.fields import FieldMapping
from sources.formats.reading import Part
from sources.mapping import map_rows
from sources.read import Reading, Record, read
from sources.testing import SAMPLE_DATE
from tests.sources.test_samples import DATASETS, declared, every_source, outcome, reading

DAY = datetime.date.fromisoformat(SAMPLE_DATE)


def sent_again(source: Source, path: Path) -> tuple[Reading, Judgement]:
    dataset, table = DATASETS[source.dataset], outcome(source.name)[0]
    found = read(path, source.line.format)
    mapped = map_rows(source, table, found, snapshot_date=SAMPLE_DATE)
    return found, judge(dataset, table, mapped.rows, questions=mapped.questions, today=DAY)


def without_lines(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    return rows.drop(LINE).rows()


@every_source
def test_sent_again_unchanged_it_changes_nothing(name: str, tmp_path: Path) -> None:
    source, before = declared(name), outcome(name)[2]
    path = tmp_path / "annotated.xlsx"
    path.write_bytes(annotate(reading(name), before.problems, source.line.map, "fr"))
    found, after = sent_again(source, path)
    assert without_lines(after.rows) == without_lines(before.rows)
    said = [[(p.rule, p.field, p.message.fr, p.suggestion) for p in one.problems] for one in (before, after)]
    # Where a duplicate repeats an earlier row, the line that it names is that of the file that was sent.
    assert [s for s in said[1] if "ligne" not in s[2]] == [s for s in said[0] if "ligne" not in s[2]]
    assert (after.rows_in, after.to_correct, after.on_hold) == (before.rows_in, before.to_correct, before.on_hold)
    assert set(found.columns) <= set(reading(name).columns)


@every_source
def test_every_problem_is_told_at_its_cell_and_on_the_list(name: str) -> None:
    problems = outcome(name)[2].problems
    book = openpyxl.load_workbook(io.BytesIO(annotate(reading(name), problems, declared(name).line.map, "en")))
    sheet, listed = book.worksheets
    notes = [cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment]
    assert all(any(problem.message.en in note for note in notes) for problem in problems if problem.line)
    assert listed.max_row - 1 == len(problems)
    coloured = {cell.row for row in sheet.iter_rows(min_row=2) for cell in row if cell.fill.fill_type == "solid"}
    assert len(coloured) == len({problem.line for problem in problems if problem.line})


def test_a_cell_that_is_corrected_in_it_is_corrected(tmp_path: Path) -> None:
    name = "inclusion_sites/hub-rives-de-loire"
    source, before = declared(name), outcome(name)[2]
    path = tmp_path / "annotated.xlsx"
    path.write_bytes(annotate(reading(name), before.problems, source.line.map, "fr"))
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    error = next(p for p in before.problems if p.severity == "error" and p.field == "code_postal")
    row = next(row for row, record in enumerate(reading(name).records, start=2) if record.line == error.line)
    sheet.cell(row, names.index("CP") + 1, "49000")
    # A program that opens and saves it keeps the mark.
    book.save(path)
    assert is_annotated(path)
    _, after = sent_again(source, path)
    assert [p for p in after.problems if p.field == "code_postal" and p.line == row] == []
    assert (
        len([p for p in after.problems if p.field == "code_postal"])
        == len([p for p in before.problems if p.field == "code_postal"]) - 1
    )


def problem(line: int, field: str | None) -> Problem:
    return Problem(line, field, "rule", "error", "x", Text(fr="Non", en="No"), suggestion="y")


def test_a_long_file_comes_back_with_its_wrong_rows_only_and_is_not_taken_for_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotation, "ROWS_MAX", 3)
    records = [Record(line, {"Nom": f"n{line}"}) for line in range(2, 12)]
    mapping = {"nom": FieldMapping(column="Nom")}
    path = tmp_path / "annotated.xlsx"
    path.write_bytes(annotate(Reading(("Nom",), records), [problem(4, "nom"), problem(0, None)], mapping, "en"))
    sheet, listed = openpyxl.load_workbook(path).worksheets
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [["Nom"], ["n4"]]
    assert listed["A1"].value.startswith("Your file is long")
    assert not is_annotated(path)


def test_cells_that_a_spreadsheet_would_spoil_come_back_as_they_were(tmp_path: Path) -> None:
    cells: dict[str, object] = {
        "formula": "=1+1",
        "link": "https://a.example",
        "zeros": "01000",
        "many": ["a", "b|c"],
        "true": True,
        "day": datetime.date(2026, 11, 2),
        "old": datetime.date(1815, 6, 18),
        "number": 12.5,
        "long": 10**16,
        "none": None,
    }
    path = tmp_path / "annotated.xlsx"
    path.write_bytes(annotate(Reading(tuple(cells), [Record(2, cells)]), [], {}, "fr"))
    (record,) = read(path, FileFormat(kind="csv")).records
    assert record.cells == {**cells, "old": "1815-06-18", "long": "10000000000000000", "none": ""}


def test_a_row_of_several_files_is_told_with_the_name_of_its_own(tmp_path: Path) -> None:
    reading = Reading(
        ("Nom",), [Record(2, {"Nom": "A"}), Record(4, {"Nom": "?"})], parts=(Part("a.csv", 0), Part("b.csv", 2))
    )
    path = tmp_path / "annotated.xlsx"
    path.write_bytes(annotate(reading, [problem(4, "nom")], {"nom": FieldMapping(column="Nom")}, "en"))
    book = openpyxl.load_workbook(path)
    comment = book["Your file"]["A3"].comment
    assert comment is not None
    assert comment.text.startswith("Line 2 (b.csv) of your file")
    assert book["To correct"]["A2"].value == "2 (b.csv)"
