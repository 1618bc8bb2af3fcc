"""The spreadsheet for a partner without a developer: the fields of a table, with lists to choose from and what each is.

Belongs here: `glane template`: making the workbook from the Table Schema and the term lists. Does not belong here: the
rows in it (filling.py), judging one that was filled (check.py: its columns are the table's own fields).

The first sheet is the table: one row of names, and nothing under it, for whatever stands there is a row. Explanations
and examples are comments on the names, messages on the cells, and a sheet of their own.
"""

import csv
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from schemas.dataset import Dataset, Table
from schemas.filling import Filling, check_fits, fill
from schemas.phrases import words_in
from schemas.template_mark import SHEET, mark_of
from schemas.term_lists import terms_path

ROWS = 2_000
"""Rows under the names that are prepared; more may be filled, without help."""

_CREATED = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_MESSAGE = 255
_TITLE = 32


@dataclass(frozen=True)
class _Column:
    """One field as the workbook shows it."""

    name: str
    title: str
    description: str
    example: str
    kind: str
    required: bool
    terms: tuple[str, ...]
    separator: str | None
    list: str | None
    minimum: float | None
    maximum: float | None


def template(dataset: Dataset, table: Table, language: str, filling: Filling | None = None) -> bytes:
    """The workbook (XLSX) for `table`, in `language`, empty or with the rows of `filling`: the same bytes on every
    machine for the same rows and declarations.

    The ids of the rows that stand in it are protected (without a password); all else may be changed. It carries a mark
    (template_mark.py), by which it is known when it comes back. Raises FillingError.
    """
    words, data = words_in("template", language), BytesIO()
    asked = [name for name in table.fields if name in table.asked or (filling and name in filling.more)]
    columns = [_column(table, name, language) for name in asked]
    mark = mark_of(dataset, table, language)
    if filling is not None:
        check_fits(filling)
        mark = mark_of(dataset, table, language, source=filling.source, made_at=filling.made_at)
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        book.set_properties({"title": dataset.line.title[language], "created": _CREATED})
        sheet = book.add_worksheet(table.name[:31])
        about = "" if filling is None else words["cleaned"] if filling.cleaned else words["filled"]
        _help(book, book.add_worksheet(words["help"]), columns, words, about)
        ranges = _lists(book, book.add_worksheet(words["lists"]), table, columns, language)
        last = ROWS if filling is None else max(ROWS, len(filling.rows) + ROWS // 2)
        if filling is not None and len(table.primary_key) == 1:
            columns = [
                replace(one, required=False, description=words["id"]) if one.name in table.primary_key else one
                for one in columns
            ]
        _table(book, sheet, columns, ranges, words, last)
        if filling is not None:
            fill(book, sheet, {one.name: one.kind for one in columns}, filling, table.primary_key)
        hidden = book.add_worksheet(SHEET)
        for row, line in enumerate(mark.lines):
            hidden.write_row(row, 0, line)
        hidden.very_hidden()
    return data.getvalue()


def _column(table: Table, name: str, language: str) -> _Column:
    field = table.field(name)
    constraints: Mapping[str, Any] = field.get("constraints", {})
    term = table.line.terms.get(name)
    own = tuple(str(value) for value in constraints.get("enum", ()))
    return _Column(
        name,
        _in(field, "title", language) or name,
        _in(field, "description", language),
        str(field.get("example", "")),
        str(field.get("type", "string")),
        name not in table.line.provided and (bool(constraints.get("required")) or name in table.primary_key),
        tuple(table.terms[term.list]) if term else own,
        term.separator if term else None,
        term.list if term else (name if own else None),
        constraints.get("minimum"),
        constraints.get("maximum"),
    )


def _in(field: Mapping[str, Any], key: str, language: str) -> str:
    # A schema says it in one language without a suffix; to those whose language it lacks, in English.
    names = (f"{key}_{language}", key) if language == "fr" else (f"{key}_{language}", f"{key}_en", key)
    return next((str(field[name]) for name in names if field.get(name)), "")


def _table(
    book: xlsxwriter.Workbook,
    sheet: Any,
    columns: Sequence[_Column],
    ranges: Mapping[str, str],
    words: Mapping[str, str],
    last: int,
) -> None:
    plain = book.add_format({"bg_color": "#E8EEF4", "border": 1})
    required = book.add_format({"bg_color": "#CFE0F0", "border": 1, "bold": True})
    # As text, or Excel takes the zeros off postcodes and telephone numbers.
    text, date = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 1)
    for number, column in enumerate(columns):
        told = _told(column, words)
        form = date if column.kind == "date" else None if column.kind in ("number", "integer") else text
        sheet.set_column(number, number, min(40, max(12, len(column.name) + 2)), form)
        sheet.write_string(0, number, column.name, required if column.required else plain)
        sheet.write_comment(0, number, "\n\n".join([column.title, *told]), {"x_scale": 2.5, "y_scale": 2})
        rule = _validation(column, ranges, words)
        message = {"input_title": column.title[:_TITLE], "input_message": "\n".join(told)[:_MESSAGE]}
        sheet.data_validation(1, number, last, number, {**rule, **message})


def _told(column: _Column, words: Mapping[str, str]) -> list[str]:
    several = words["several"].format(column.separator) if column.separator else ""
    example = words["example"].format(column.example) if column.example else ""
    return [part for part in (column.description, several, example) if part]


def _validation(column: _Column, ranges: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Any]:
    if column.list is not None and ranges.get(column.list):
        # Several terms in one cell are no term of the list: Excel then asks, and does not refuse.
        kind = "information" if column.separator else "stop"
        source = f"={ranges[column.list]}"
        return {"validate": "list", "source": source, "error_type": kind, "error_message": words["wrong_list"]}
    if column.kind == "boolean":
        return {"validate": "list", "source": ["true", "false"], "error_message": words["wrong_list"]}
    if column.kind == "date":
        first, last = datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)
        bounds = {"criteria": "between", "minimum": first, "maximum": last}
        return {"validate": "date", **bounds, "error_message": words["wrong_date"]}
    if column.kind in ("number", "integer") and column.minimum is not None and column.maximum is not None:
        said = words["wrong_number"].format(column.minimum, column.maximum)
        kind = "decimal" if column.kind == "number" else "integer"
        bounds = {"criteria": "between", "minimum": column.minimum, "maximum": column.maximum}
        return {"validate": kind, **bounds, "error_message": said}
    return {"validate": "any"}


def _help(
    book: xlsxwriter.Workbook, sheet: Any, columns: Sequence[_Column], words: Mapping[str, str], about: str
) -> None:
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.merge_range(0, 0, 0, 5, words["intro"], wrapped)
    sheet.set_row(0, 50)
    if about:
        sheet.merge_range(1, 0, 1, 5, about, wrapped)
        sheet.set_row(1, 120)
    for number, (word, width) in enumerate(zip(words["columns"].split("|"), (26, 26, 12, 70, 30, 24), strict=True)):
        sheet.write_string(2, number, word, bold)
        sheet.set_column(number, number, width)
    for row, column in enumerate(columns, start=3):
        told = (column.name, column.title, words["required"] if column.required else "")
        for number, cell in enumerate((*told, column.description, column.example, column.list or "")):
            sheet.write_string(row, number, cell, wrapped)


def _lists(
    book: xlsxwriter.Workbook, sheet: Any, table: Table, columns: Sequence[_Column], language: str
) -> dict[str, str]:
    """Write every list, its terms and what they mean; gives where the terms of each stand."""
    bold, words = book.add_format({"bold": True}), words_in("template", language)
    ranges: dict[str, str] = {}
    for column in columns:
        if column.list is None or column.list in ranges or not column.terms:
            continue
        at = 2 * len(ranges)
        sheet.write_string(0, at, f"{column.list}: {words['term']}", bold)
        sheet.write_string(0, at + 1, words["meaning"], bold)
        sheet.set_column(at, at + 1, 34)
        labels = _labels(table, column.list, language)
        for row, term in enumerate(column.terms, start=1):
            sheet.write_string(row, at, term)
            sheet.write_string(row, at + 1, labels.get(term, ""))
        name = xl_col_to_name(at, col_abs=True)
        place = f"{name}$2:{name}${len(column.terms) + 1}"
        ranges[column.list] = f"'{words['lists']}'!{place}"
    return ranges


def _labels(table: Table, name: str, language: str) -> dict[str, str]:
    """What each term means, as its list says; terms of a schema's own `enum` say it by themselves."""
    path = terms_path(table.schema_path.parent, name)
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["term"]: row.get(language) or row["en"] for row in csv.DictReader(file)}
