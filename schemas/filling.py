"""Rows in the spreadsheet for a partner: what we publish for it, or what became of its file, to change and send back.

Belongs here: writing rows so that they read again as the very same text, their notes, and the protected ids. Does not
belong here: the spreadsheet itself (template.py), reading it again (sources/returned.py).
"""

import contextlib
import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter

from glane.errors import DataError
from schemas.dataset import Severity

ROWS_MAX = 1_048_575
CELL_MAX = 32_767
_COLOURS: Mapping[str, str] = {"error": "#F8C9C4", "warning": "#FCE8B2", "info": "#DDE7F3"}
_PROTECTED: Mapping[str, bool] = dict.fromkeys(
    ("insert_rows", "delete_rows", "sort", "autofilter", "format_cells", "format_columns", "format_rows"), True
)


class FillingError(DataError):
    """Rows that no workbook can hold: too many, or a cell that is too long."""


@dataclass(frozen=True)
class Note:
    """What is said of one cell, and how bad it is."""

    severity: Severity
    said: str


@dataclass(frozen=True)
class Filling:
    """What stands in a workbook that is not empty: the `rows` of the partner `source`, by field, and `notes` by row
    (from 0) and field. `more` are fields that this partner fills beside those that all are asked for; `made_at` is
    when the rows said so (ISO 8601). `cleaned` says that they are those of a file that the partner sent."""

    source: str
    rows: Sequence[Mapping[str, str | None]]
    made_at: str
    more: Collection[str] = ()
    notes: Mapping[tuple[int, str], Note] = field(default_factory=dict)
    cleaned: bool = False


def check_fits(filling: Filling) -> None:
    """Raises FillingError where a workbook cannot hold the rows as they are."""
    if len(filling.rows) > ROWS_MAX:
        raise FillingError(
            f"{len(filling.rows)} rows are more than a spreadsheet holds ({ROWS_MAX}).",
            "Work with the partner's own file.",
        )
    for number, row in enumerate(filling.rows, start=2):
        for name, text in row.items():
            if text and len(text) > CELL_MAX:
                raise FillingError(
                    f"Row {number}, {name}: the text has {len(text)} letters, a cell of a spreadsheet {CELL_MAX}.",
                    "Shorten the text in the partner's own file.",
                )


def fill(
    book: xlsxwriter.Workbook, sheet: Any, kinds: Mapping[str, str], filling: Filling, key: Collection[str]
) -> None:
    """Write the rows under the names of the columns (`kinds`: their types, in order), and protect the cells of `key`
    that are filled."""
    open_forms = {name: _form(book, kind) for name, kind in kinds.items()}
    wrong = {(severity, name): _form(book, kinds[name], _COLOURS[severity]) for severity in _COLOURS for name in kinds}
    held = book.add_format({"num_format": "@", "bg_color": "#D9D9D9", "font_color": "#595959", "locked": True})
    for column, (name, kind) in enumerate(kinds.items()):
        sheet.set_column(column, column, min(40, max(12, len(name) + 2)), open_forms[name])
        for number, row in enumerate(filling.rows):
            note = filling.notes.get((number, name))
            text = row.get(name) or ""
            # An id that does not stand is the partner's to correct.
            form = wrong[note.severity, name] if note else held if name in key and text else None
            _write(sheet, number + 1, column, text, kind, form)
            if note:
                sheet.write_comment(number + 1, column, note.said, {"x_scale": 2.2, "y_scale": 1.6})
    sheet.autofilter(0, 0, max(1, len(filling.rows)), len(kinds) - 1)
    sheet.protect("", dict(_PROTECTED))


def _form(book: xlsxwriter.Workbook, kind: str, colour: str | None = None) -> Any:
    # As text, or Excel takes the zeros off postcodes and telephone numbers.
    written = "yyyy-mm-dd" if kind == "date" else "General" if kind in ("number", "integer") else "@"
    return book.add_format({"num_format": written, "locked": False, **({"bg_color": colour} if colour else {})})


def _write(sheet: Any, row: int, column: int, text: str, kind: str, form: Any) -> None:
    day, number = _day(text) if kind == "date" else None, _number(text) if kind in ("number", "integer") else None
    if not text:
        if form is not None:
            sheet.write_blank(row, column, None, form)
    elif day is not None:
        sheet.write_datetime(row, column, day, form)
    elif number is not None:
        sheet.write_number(row, column, number, form)
    else:
        sheet.write_string(row, column, text, form)


def _day(text: str) -> datetime.date | None:
    with contextlib.suppress(ValueError):
        day = datetime.date.fromisoformat(text)
        # Spreadsheets count their days from 1900, and the first two months of it differently.
        return day if day.isoformat() == text and day >= datetime.date(1900, 3, 1) else None
    return None


def _number(text: str) -> float | None:
    """The number that is read again as this very text; a workbook keeps 16 digits."""
    with contextlib.suppress(ValueError, OverflowError):
        number = float(text)
        read = float(f"{number:.16G}")
        written = str(int(read)) if read.is_integer() and abs(read) < 1e15 else repr(read)
        return number if written == text else None
    return None
