"""A partner's own file back, as a workbook: the wrong cells coloured, each with a note that says what to write instead.

Belongs here: writing that workbook, and reading it when the partner sends it again: whatever the source declares, it
reads as the file that it was made of. Does not belong here: finding what is wrong (schemas/), the report in words.
"""

import contextlib
import datetime
import json
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from schemas.judgement import Problem
from schemas.phrases import words_in
from sources.declaration import FileFormat
from sources.fields import FieldMapping
from sources.formats.reading import Reading, Record
from sources.formats.sheets import read_sheet

ROWS_MAX = 10_000
"""Beyond so many rows only those with something to correct are in the workbook; it says so."""

NOTES_MAX = 10_000
"""Notes in one workbook; beyond, cells are coloured and the second sheet goes on."""

_MARK = "Glane annotated"
_CREATED = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_CELL_MAX = 32_767
_COLOURS = {"error": "#F8C9C4", "warning": "#FCE8B2", "info": "#DDE7F3"}
_RANK = ("error", "warning", "info")


@dataclass(frozen=True)
class _Note:
    """What is said of one cell of their file: its line (and in which of several files, in words) and column there."""

    line: int
    place: str
    column: str
    cell: str
    severity: str
    said: str
    remedy: str


def annotate(
    reading: Reading, problems: Sequence[Problem], mappings: Mapping[str, FieldMapping], language: str
) -> bytes:
    """The workbook (XLSX): `reading` with what was found in it; `mappings` say which of their columns a field is.

    A problem of a field that is made of several columns stands at the first of them, one of a whole row at its first
    cell. The same input gives the same bytes.
    """
    words = words_in("workbook", language)
    notes = [_note(problem, reading, mappings, language) for problem in problems]
    by_cell: dict[tuple[int, str], list[_Note]] = defaultdict(list)
    for note in notes:
        by_cell[note.line, note.column].append(note)
    whole = len(reading.records) <= ROWS_MAX
    wrong = {note.line for note in notes}
    records = reading.records if whole else [record for record in reading.records if record.line in wrong]
    data = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(data, {**options, "remove_timezone": True}) as book:
        book.set_properties({"created": _CREATED})
        # What is not whole must not be taken back for the whole.
        book.set_custom_property(_MARK, "whole" if whole else "part")
        _their_rows(book, reading.columns, records, by_cell, words)
        _list(book, notes, words, whole=whole)
    return data.getvalue()


def is_annotated(path: Path) -> bool:
    """Whether the file is a whole workbook of annotate(), whatever its name; spreadsheet programs keep the mark."""
    with contextlib.suppress(zipfile.BadZipFile, KeyError, OSError), zipfile.ZipFile(path) as archive:
        properties = archive.read("docProps/custom.xml")
        return _MARK.encode() in properties and b">whole<" in properties
    return False


def read_annotated(path: Path, declared: FileFormat) -> Reading:
    """The records of a workbook of annotate(), as the partner corrected them. Raises ReadError."""
    reading = read_sheet(path, declared.model_copy(update={"kind": "xlsx", "sheet": None, "header": 1}))
    records = [Record(record.line, {n: _value(cell) for n, cell in record.cells.items()}) for record in reading.records]
    return replace(reading, records=records)


def _value(cell: object) -> object:
    """A cell as the partner's format had it: a list travels as JSON."""
    if isinstance(cell, str) and cell.startswith("["):
        with contextlib.suppress(ValueError):
            found = json.loads(cell)
            return found if isinstance(found, list) else cell
    return cell


def _note(problem: Problem, reading: Reading, mappings: Mapping[str, FieldMapping], language: str) -> _Note:
    mapping = mappings.get(problem.field or "")
    columns = [name for name in mapping.columns if name in reading.columns] if mapping is not None else []
    remedy = problem.remedy[language] if problem.remedy is not None else ""
    if problem.suggestion:
        remedy = words_in("workbook", language)["write"].format(problem.suggestion)
    cell = problem.cell or ""
    file, line = reading.place(problem.line)
    place = f"{line} ({file})" if file is not None else str(line)
    return _Note(
        problem.line, place, columns[0] if columns else "", cell, problem.severity, problem.message[language], remedy
    )


def _their_rows(
    book: Any,
    columns: Sequence[str],
    records: Sequence[Record],
    notes: Mapping[tuple[int, str], Sequence[_Note]],
    words: Mapping[str, str],
) -> None:
    sheet = book.add_worksheet(words["sheet"])
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4"})
    forms = {one: book.add_format({"bg_color": colour}) for one, colour in _COLOURS.items()}
    days = {one: book.add_format({"bg_color": c, "num_format": "yyyy-mm-dd"}) for one, c in _COLOURS.items()}
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(len(columns) - 1, 0), 18)
    for number, name in enumerate(columns):
        sheet.write_string(0, number, name, bold)
    told = 0
    for row, record in enumerate(records, start=1):
        for number, name in enumerate(columns):
            found = [*notes.get((record.line, name), ()), *(notes.get((record.line, ""), ()) if number == 0 else ())]
            worst = min((note.severity for note in found), key=_RANK.index, default=None)
            cell = record.cells.get(name)
            dated = isinstance(cell, datetime.date)
            form = None if worst is None else days[worst] if dated else forms[worst]
            _write(sheet, row, number, cell, form or (day if dated else None))
            if found and told < NOTES_MAX:
                told += 1
                lines = [
                    words["line"].format(found[0].place),
                    *(part for n in found for part in (n.said, n.remedy) if part),
                ]
                sheet.write_comment(row, number, "\n".join(lines), {"x_scale": 2.2, "y_scale": 1.6})


def _write(sheet: Any, row: int, column: int, cell: object, form: Any) -> None:
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell, form)
    elif isinstance(cell, int | float) and abs(cell) < 1e15:
        sheet.write_number(row, column, cell, form)
    elif isinstance(cell, datetime.date) and cell.year >= 1900:
        sheet.write_datetime(row, column, cell, form)
    elif cell is None or cell == "":
        sheet.write_blank(row, column, None, form)
    else:
        text = json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else str(cell)
        sheet.write_string(row, column, text[:_CELL_MAX], form)


def _list(book: Any, notes: Sequence[_Note], words: Mapping[str, str], *, whole: bool) -> None:
    sheet = book.add_worksheet(words["list"])
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    start = 0
    if not whole:
        sheet.write_string(0, 0, words["part"], bold)
        start = 2
    for number, (word, width) in enumerate(zip(words["head"].split("|"), (8, 24, 24, 60, 60), strict=True)):
        sheet.write_string(start, number, word, bold)
        sheet.set_column(number, number, width)
    for row, note in enumerate(sorted(notes, key=lambda note: note.line), start=start + 1):
        _write(sheet, row, 0, int(note.place) if note.place.isdecimal() else note.place, None)
        for number, text in ((1, note.column), (2, note.cell), (3, note.said), (4, note.remedy)):
            sheet.write_string(row, number, text[:_CELL_MAX], wrapped)
