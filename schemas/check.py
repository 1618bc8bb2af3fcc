"""Checking a file as it is: `glane check FILE --dataset D[/table]` and `glane check FILE --schema S`.

Belongs here: reading such a file row by row with the lines a person sees, and putting both answers together: the
engine's report, and the partner's. Does not belong here: partners' own formats and columns, which a source maps.
"""

import csv
import datetime
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from frictionless import Dialect, FrictionlessException
from frictionless.formats.csv import CsvControl
from frictionless.resources import TableResource

from glane.text import Text
from schemas.conform import Progress, Report, validate
from schemas.conform.opening import Request, SchemaLike, open_resource, read_schema
from schemas.conformity import problems_from, schema_without_unknown_keys
from schemas.dataset import Dataset, Table
from schemas.judge import combined, judge_beyond_schema, judgement_of
from schemas.judgement import LINE, WHOLE_FILE, Found, Judgement
from schemas.report import About, SourceReport, judged_report


@dataclass(frozen=True)
class _File:
    """The rows of a file under the names of its columns, and the engine's number of the first."""

    columns: tuple[str, ...]
    rows: pl.DataFrame
    first_row: int


def check_against_dataset(
    path: Path,
    dataset: Dataset,
    table: Table,
    *,
    today: datetime.date | None = None,
    progress: Progress | None = None,
) -> tuple[Report, SourceReport]:
    """Judge the file at `path` as it is under a dataset's table: the exact report of its Table Schema, and the answer
    a partner reads, with term lists and rules.

    Columns may stand in any order, and those of no field are left alone; those that Glane fills itself (`provided`)
    need not be there, and their cells may be empty. Foreign keys are not looked up, for the other tables are not at
    hand. Raises SchemaError and NotATableError.
    """
    now = datetime.datetime.now(datetime.UTC)
    today = today or now.date()
    schema = schema_without_unknown_keys(table, {})
    file = _read(path, schema)
    filled = {name for name in table.fields if name not in table.asked or name in table.line.provided}
    asked_for = [
        _may_be_empty(field) if field["name"] in filled else field
        for field in schema["fields"]
        if field["name"] in file.columns or field["name"] not in filled
    ]
    schema["fields"] = _in_order_of(file.columns, asked_for)
    report = validate(path, schema, progress=progress)
    by_schema = _for_every_row(problems_from(report.errors, schema, file.rows, file.first_row), file.rows)
    asked, valid_until = _asked(table, file, today)
    judgement = judgement_of(file.rows, combined(by_schema, asked), {}, valid_until)
    about = About(
        dataset=dataset.name,
        table=table.name,
        partner=path.name,
        title=Text(fr=path.name, en=path.name),
        organisation=path.name,
    )
    unmapped = [name for name in file.columns if name and name not in table.fields]
    return report, judged_report(about, _moment(now), judgement, unmapped=unmapped)


def _may_be_empty(field: dict[str, Any]) -> dict[str, Any]:
    constraints = {name: value for name, value in field.get("constraints", {}).items() if name != "required"}
    return {**field, "constraints": constraints}


def _for_every_row(found: list[Found], rows: pl.DataFrame) -> list[Found]:
    """What was found, a missing column being told of each row: without what is required, none may be published."""
    lines = rows[LINE].to_list()
    told: list[Found] = []
    for index, problem in found:
        if index == WHOLE_FILE and problem.rule == "missing-label" and lines:
            told += [(row, replace(problem, line=line)) for row, line in enumerate(lines)]
        else:
            told.append((index, problem))
    return told


def _in_order_of(columns: Sequence[str], fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields in the order of a file's columns, for the engine matches them by place.

    A column of no field stands for the missing field whose name it nearly has, or takes anything; a missing field
    that may be empty is not asked for. Where columns have no name, or one name twice, nothing can be told apart: the
    fields stay as they are.
    """
    if not all(columns) or len(set(columns)) < len(columns):
        return fields
    missing = {field["name"]: field for field in fields if field["name"] not in columns}
    known = {field["name"]: field for field in fields if field["name"] in columns}
    placed = []
    for name in columns:
        near = difflib.get_close_matches(name, missing, n=1, cutoff=0.75) if name not in known else []
        placed.append(known.get(name) or (missing.pop(near[0]) if near else {"name": name, "type": "any"}))
    required = [field for field in missing.values() if field.get("constraints", {}).get("required")]
    return [*placed, *required]


def check_against_schema(
    path: Path, schema: SchemaLike, *, progress: Progress | None = None
) -> tuple[Report, SourceReport]:
    """Judge the file at `path` as it is under a Table Schema alone. Raises SchemaError and NotATableError."""
    descriptor = read_schema(schema).to_descriptor()
    # First, for it knows a schema that cannot be used.
    report = validate(path, schema, progress=progress)
    file = _read(path, descriptor)
    found = problems_from(report.errors, descriptor, file.rows, file.first_row)
    judgement: Judgement = judgement_of(file.rows, found, {}, None)
    name = str(descriptor.get("name") or "schema")
    title = Text(fr=path.name, en=path.name)
    about = About(dataset=name, table=name, partner=path.name, title=title, organisation=path.name)
    return report, judged_report(about, _moment(datetime.datetime.now(datetime.UTC)), judgement)


def _asked(table: Table, file: _File, today: datetime.date) -> tuple[list[Found], datetime.date | None]:
    """What rules and term lists find in the rows that are not blank; a column that is not there is not asked for."""
    missing = [name for name in table.fields if name not in file.columns]
    rows = file.rows.with_columns([pl.lit(None, pl.String).alias(name) for name in missing])
    rows = rows.select(*table.fields, LINE).with_row_index("_row")
    filled = rows.filter(pl.any_horizontal([pl.col(name).is_not_null() for name in table.fields]))
    numbers = filled["_row"].to_list()
    _, asked = judge_beyond_schema(table, filled.drop("_row"), today)
    found = [(numbers[index], problem) for index, problem in asked.found if problem.field not in missing]
    return found, asked.valid_until


def _read(path: Path, schema: Mapping[str, Any]) -> _File:
    """Read the file as the engine does. A file that it cannot open has no rows here; its report says why."""
    resource = open_resource(Request(path, read_schema(schema)))
    try:
        with resource:
            labels = [str(label) for label in resource.labels]
            first_row = _first_row(resource)
            records = [list(cells) for cells in resource.cell_stream][first_row - 1 :]
            lines = _lines(path, resource, len(records), first_row)
    except FrictionlessException:
        return _File((), pl.DataFrame(schema={LINE: pl.Int64}), 2)
    columns: dict[str, list[str | None]] = {}
    for position, label in enumerate(labels):
        if label not in columns:
            columns[label] = [_text(record[position]) if position < len(record) else None for record in records]
    columns.pop(LINE, None)
    # Built with its lines: a header without a single name still has rows under it.
    kinds = {**dict.fromkeys(columns, pl.String), LINE: pl.Int64}
    rows = pl.DataFrame({**columns, LINE: list(lines)}, schema=kinds)
    return _File(tuple(labels), rows, first_row)


def _first_row(resource: TableResource) -> int:
    dialect: Dialect = resource.dialect
    return dialect.header_rows[-1] + 1 if dialect.header and dialect.header_rows else 1


def _lines(path: Path, resource: TableResource, count: int, first_row: int) -> Sequence[int]:
    """The line on which each record starts: a quoted cell may hold line breaks. Elsewhere than in CSV a record is a
    row of the sheet."""
    if resource.format not in ("csv", "tsv"):
        return range(first_row, first_row + count)
    starts: list[int] = []
    with path.open(encoding=resource.encoding, newline="") as text:
        reader = csv.reader(text, dialect=CsvControl.from_dialect(resource.dialect).to_python())
        before = 0
        for _ in reader:
            starts.append(before + 1)
            before = reader.line_num
    return starts[first_row - 1 : first_row - 1 + count]


def _text(cell: object) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return str(cell)


def _moment(now: datetime.datetime) -> str:
    return now.isoformat(timespec="seconds").replace("+00:00", "Z")
