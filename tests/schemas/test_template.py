"""The spreadsheet for partners without a developer: whoever follows it sends a file that is right."""

import datetime
import hashlib
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.text import Language
from schemas.check import check_against_dataset
from schemas.dataset import Dataset, Table, load_datasets
from schemas.filling import Filling, FillingError, Note, _day, _number
from schemas.template import ROWS, template
from schemas.template_mark import SHEET
from sources.formats.reading import as_text

ROOT = Path(__file__).parents[2]
DATASETS = load_datasets(ROOT / "schemas")
TABLES = [(dataset, table) for dataset in DATASETS.values() for table in dataset.contributed]
EACH = pytest.mark.parametrize(("dataset", "table"), TABLES, ids=[f"{d.name}/{t.name}" for d, t in TABLES])


def opened(dataset: Dataset, table: Table, language: Language = "fr") -> Any:
    return openpyxl.load_workbook(io.BytesIO(template(dataset, table, language)))


def example(table: Table, name: str) -> object:
    """What a person would write in this cell, from the schema's own example."""
    field = table.field(name)
    written = str(field.get("example", ""))
    if field["type"] == "date" and written:
        return datetime.datetime.fromisoformat(written)
    if field["type"] in ("number", "integer") and written:
        return float(written)
    return written or None


@EACH
@pytest.mark.parametrize("language", ["fr", "en"])
def test_filled_as_it_says_it_is_right(dataset: Dataset, table: Table, language: Language, tmp_path: Path) -> None:
    book = opened(dataset, table, language)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    assert sheet.max_row == 1
    for row in (2, 3):
        for column, name in enumerate(names, start=1):
            sheet.cell(row, column, example(table, name))
        sheet.cell(row, names.index(table.primary_key[0]) + 1, f"un-hub--{row}")
    path = tmp_path / "rempli.xlsx"
    book.save(path)
    report, answer = check_against_dataset(path, dataset, table, today=datetime.date(2026, 11, 22))
    assert [error.message for error in report.errors] == []
    assert [problem.message.en for problem in answer.of_severity("error")] == []
    assert answer.counts is not None
    assert answer.counts.passed + answer.counts.on_hold == 2


@EACH
def test_what_glane_fills_itself_may_stay_empty(dataset: Dataset, table: Table, tmp_path: Path) -> None:
    book = opened(dataset, table)
    sheet = book.worksheets[0]
    for column, cell in enumerate(sheet[1], start=1):
        sheet.cell(2, column, None if cell.value in table.line.provided else example(table, cell.value))
    path = tmp_path / "rempli.xlsx"
    book.save(path)
    report, answer = check_against_dataset(path, dataset, table, today=datetime.date(2026, 11, 22))
    assert ([error.message for error in report.errors], answer.of_severity("error")) == ([], [])


@EACH
def test_every_field_is_there_explained_and_those_that_are_required_show(dataset: Dataset, table: Table) -> None:
    book = opened(dataset, table)
    sheet, help_sheet, *_ = book.worksheets
    names = [cell.value for cell in sheet[1]]
    assert names == list(table.asked)
    assert all(cell.comment is not None and len(cell.comment.text) > 10 for cell in sheet[1])
    required = {name for name in names if table.field(name).get("constraints", {}).get("required")}
    assert {cell.value for cell in sheet[1] if cell.font.bold} == (required | set(table.primary_key)) - {
        *table.line.provided
    }
    told = {row[0].value: row[3].value for row in help_sheet.iter_rows(min_row=4)}
    assert list(told) == names
    assert all(told.values())


@EACH
def test_every_list_can_be_chosen_from(dataset: Dataset, table: Table) -> None:
    book = opened(dataset, table)
    sheet, _, lists, _ = book.worksheets
    names = [cell.value for cell in sheet[1]]
    offered: dict[str, list[str]] = {}
    for rule in sheet.data_validations.dataValidation:
        if rule.type == "list" and "!" in rule.formula1:
            (area,) = rule.sqref.ranges
            assert (area.min_row, area.max_row, area.min_col) == (2, ROWS + 1, area.max_col)
            place = rule.formula1.split("!")[1].replace("$", "")
            offered[names[area.min_col - 1]] = [str(cell.value) for (cell,) in lists[place]]
    expected = {name: list(table.terms[line.list]) for name, line in table.line.terms.items() if name in names}
    assert {name: terms for name, terms in offered.items() if name in expected} == expected


def test_the_same_declarations_give_the_same_bytes() -> None:
    dataset, table = TABLES[0]
    made = {hashlib.sha256(template(dataset, table, "en")).hexdigest() for _ in range(2)}
    assert len(made) == 1


ROW = {"id": "un-hub--7", "nom": "Le Fil", "code_postal": "01000", "latitude": "46.2", "date_maj": "2026-11-02"}


def filled(*rows: dict[str, str], **more: Any) -> Any:
    dataset = DATASETS["inclusion_sites"]
    filling = Filling("un-hub", rows, "2026-11-22T06:00:00+00:00", **more)
    return openpyxl.load_workbook(io.BytesIO(template(dataset, dataset.main, "fr", filling)))


def test_rows_stand_in_it_with_their_ids_protected_and_all_else_free() -> None:
    book = filled(ROW)
    sheet = book.worksheets[0]
    cells = {name.value: cell for name, cell in zip(sheet[1], sheet[2], strict=True) if cell.value is not None}
    assert {name: cell.value for name, cell in cells.items()} == {
        **ROW,
        "latitude": 46.2,
        "date_maj": datetime.datetime.fromisoformat("2026-11-02"),
    }
    assert {name: cell.protection.locked for name, cell in cells.items()} == {name: name == "id" for name in ROW}
    assert cells["id"].fill.start_color.rgb == "FFD9D9D9"
    # A row is added below: its cells are free, that of the id too, which stays empty.
    free = [sheet.column_dimensions[cell.column_letter] for cell in sheet[1]]
    assert all(not column.protection.locked for column in free)
    allowed = sheet.protection
    assert (allowed.sheet, allowed.password) == (True, None)
    assert not any((allowed.insertRows, allowed.deleteRows, allowed.sort, allowed.autoFilter, allowed.formatColumns))
    assert sheet.auto_filter.ref is not None
    assert "ne change jamais" in sheet["A1"].comment.text
    assert not sheet["A1"].font.bold


def test_a_cell_to_correct_shows_with_what_to_write() -> None:
    sheet = filled(ROW, notes={(0, "nom"): Note("error", "Non")}).worksheets[0]
    names = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, names.index("nom") + 1)
    assert (cell.comment.text, cell.fill.start_color.rgb, cell.protection.locked) == ("Non", "FFF8C9C4", False)


def test_it_carries_a_mark_that_nobody_sees() -> None:
    for book, source in ((opened(*TABLES[0]), None), (filled(ROW), "un-hub")):
        sheet = book.worksheets[-1]
        assert (sheet.title, sheet.sheet_state) == (SHEET, "veryHidden")
        told = {row[0].value: row[1].value for row in sheet.iter_rows()}
        assert told["source"] == source


def test_what_no_spreadsheet_can_hold_is_refused() -> None:
    with pytest.raises(FillingError, match="Row 2, nom: the text has 40000 letters"):
        filled({**ROW, "nom": "x" * 40_000})


@given(st.sampled_from(["number", "integer", "date", "string"]), st.text("0123456789.-+eE ", max_size=24))
def test_a_cell_reads_again_as_the_very_text_that_was_written(kind: str, text: str) -> None:
    read = as_text(_day(text) if kind == "date" else _number(text) if kind in ("number", "integer") else None)
    assert read in ("", text)


def test_postcodes_keep_their_zeros() -> None:
    dataset = DATASETS["inclusion_sites"]
    sheet = opened(dataset, dataset.main).worksheets[0]
    names = [cell.value for cell in sheet[1]]
    letter = sheet.cell(1, names.index("code_postal") + 1).column_letter
    assert sheet.column_dimensions[letter].number_format == "@"
