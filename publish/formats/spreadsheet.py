"""XLSX: the table for people who open it in a spreadsheet.

Belongs here: writing it so that a postcode keeps its zero and the bytes stay the same. Does not belong here: the
template that partners fill in (schemas/).
"""

import datetime
from pathlib import Path

import polars as pl
import xlsxwriter
import xlsxwriter.worksheet
from xlsxwriter.exceptions import FileCreateError

from glane.errors import DataError
from publish.values import typed
from schemas.dataset import Table

# Excel's own limits (its specification): a longer text or sheet does not open.
_CELL_MAX, _ROWS_MAX, _NAME_MAX = 32_767, 1_048_575, 31
_CREATED = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


class SpreadsheetError(DataError):
    """A table that no spreadsheet can hold."""


def write_xlsx(table: Table, rows: pl.DataFrame, path: Path) -> None:
    """Write the published fields of `rows` on one sheet: header frozen, text as text, numbers and dates typed.

    A text longer than a spreadsheet's cell may be is cut and ends with an ellipsis; the CSV has it whole. Raises
    SpreadsheetError if the table has more rows than a sheet.
    """
    if rows.height > _ROWS_MAX:
        raise SpreadsheetError(
            f"{table.name} has {rows.height} rows; a sheet holds {_ROWS_MAX}.",
            "Take 'xlsx' out of the table's formats in dataset.yaml.",
        )
    try:
        _write(table, rows, path)
    except FileCreateError as error:
        # What the disk refused, as every other writer says it.
        cause = error.args[0] if error.args else None
        raise (cause if isinstance(cause, OSError) else OSError(str(error))) from error


def _write(table: Table, rows: pl.DataFrame, path: Path) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(
        path, {**options, "strings_to_numbers": False, "remove_timezone": True, "tmpdir": str(path.parent)}
    ) as book:
        book.set_properties({"created": _CREATED})
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet(table.name[:_NAME_MAX])
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(table.published_fields):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(typed(table, rows).iter_rows(), start=1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(
                        number, column, value if len(value) <= _CELL_MAX else value[: _CELL_MAX - 1] + "…"
                    )
                elif isinstance(value, bool):
                    sheet.write_boolean(number, column, value)
                elif isinstance(value, (int, float)):
                    sheet.write_number(number, column, value)
                elif isinstance(value, datetime.datetime):
                    sheet.write_datetime(number, column, value, moment)
                elif isinstance(value, datetime.date):
                    _write_day(sheet, number, column, value, day)


def _write_day(
    sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, value: datetime.date, form: object
) -> None:
    # A spreadsheet's calendar begins in 1900; an older day stands as text.
    if value.year >= 1900:
        sheet.write_datetime(row, column, value, form)
    else:
        sheet.write_string(row, column, value.isoformat())
