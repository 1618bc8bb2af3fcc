"""The Table Schema's part of a judgement: rows through the exact engine, and its errors as problems.

Belongs here: the canonical CSV that the engine reads, and the way back from its row numbers to the partner's lines.
Does not belong here: the engine (conform/), the words (sentences.py), what a dataset asks beyond its schema (rules/,
terms.py).
"""

import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from glane.errors import DataError
from schemas.conform import ErrorRecord, validate
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, WHOLE_FILE, Found, Problem
from schemas.sentences import sentence_for

CANONICAL = {"headerRows": [1], "csv": {"delimiter": ",", "quoteChar": '"', "doubleQuote": True}}
"""The dialect of the CSV that Glane itself writes; nothing about it is left to be guessed."""


_EARLIER_ROW = re.compile(r'row at position "?(\d+)')


class ConformityError(DataError):
    """The engine could not judge the rows one by one."""


def conformity_problems(
    dataset: Dataset, table: Table, rows: pl.DataFrame, known: Mapping[str, pl.DataFrame]
) -> list[Found]:
    """Give a problem for every error that frictionless finds in `rows`, at the partner's own lines.

    Foreign keys are judged against the tables in `known` alone (their rows, by table name): the others cannot be
    known before all partners' rows are together. Raises ConformityError.
    """
    if rows.is_empty():
        return []
    schema = schema_without_unknown_keys(table, known)
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        path = Path(folder) / f"{table.name}.csv"
        write_canonical(rows.select(table.fields), path)
        foreign = {name: _foreign(dataset, name, known[name], Path(folder)) for name in _references(schema)}
        report = validate(path, schema, encoding="utf-8", dialect=CANONICAL, foreign=foreign)
    if report.stats.rows != rows.height:
        notes = "; ".join(error.note or error.message for error in report.errors if error.row_number is None)
        raise ConformityError(
            f"The rows of {dataset.name}/{table.name} could not be read one by one: {notes or 'rows are missing'}.",
            "Look for control characters or a cell of more than 100,000 characters in the file.",
        )
    return problems_from(report.errors, table.schema, rows)


def write_canonical(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as CSV the way Glane does: UTF-8, commas, one line feed a row, null as an empty cell."""
    rows.write_csv(path, quote_style="necessary", line_terminator="\n")


def problems_from(
    errors: Iterable[ErrorRecord], schema: Mapping[str, Any], rows: pl.DataFrame, first_row: int = 2
) -> list[Found]:
    """Turn the engine's errors under `schema` into problems at the lines of the partner's file.

    `rows` holds the rows judged, the engine's row `first_row` first: their `_line`, and their cells as written.
    """
    lines = rows[LINE].to_list()
    columns = {name: rows[name].to_list() for name in rows.columns if name != LINE}
    found = []
    for error in errors:
        index = WHOLE_FILE if error.row_number is None else error.row_number - first_row
        cell = error.cell
        if index >= 0 and error.field_name in columns:
            cell = columns[error.field_name][index]
        said = sentence_for(error, schema, cell)
        if cell is None and index >= 0 and said.field in columns:
            cell = columns[said.field][index]
        line = lines[index] if index >= 0 else 1
        problem = Problem(
            line,
            said.field,
            said.rule,
            "error",
            cell,
            said.message,
            said.suggestion,
            said.remedy,
            repeats=_repeated(error, lines, first_row),
        )
        found.append((index, problem))
    return _said_once(found)


def _repeated(error: ErrorRecord, lines: list[int], first_row: int) -> int | None:
    """The partner's line of the earlier row that a duplicate repeats."""
    match = _EARLIER_ROW.search(error.note) if error.type in ("primary-key", "unique-error") else None
    return lines[int(match[1]) - first_row] if match else None


def _said_once(found: list[Found]) -> list[Found]:
    """Leave out what repeats another problem of the same cell: an id is required, unique and the primary key."""
    rules: dict[tuple[int, str | None], set[str]] = {}
    for index, problem in found:
        rules.setdefault((index, problem.field), set()).add(problem.rule)

    def repeats(index: int, problem: Problem) -> bool:
        beside = rules[index, problem.field]
        if problem.rule == "primary-key":
            return "constraint-required" in beside or "blank-row" in rules.get((index, None), ())
        return problem.rule == "unique-error" and "primary-key" in beside

    return [(index, problem) for index, problem in found if not repeats(index, problem)]


def schema_without_unknown_keys(table: Table, known: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """The table's schema with the foreign keys that refer to a table in `known` alone."""
    keys = [key for key in table.schema.get("foreignKeys", []) if key["reference"].get("resource", "") in known]
    schema = {name: value for name, value in table.schema.items() if name != "foreignKeys"}
    return {**schema, "foreignKeys": keys} if keys else schema


def _references(schema: Mapping[str, Any]) -> list[str]:
    return sorted({key["reference"]["resource"] for key in schema.get("foreignKeys", [])})


def _foreign(dataset: Dataset, name: str, rows: pl.DataFrame, folder: Path) -> tuple[Path, dict[str, Any]]:
    fields = [field for field in dataset.table(name).schema["fields"] if field["name"] in rows.columns]
    path = folder / f"foreign-{name}.csv"
    write_canonical(rows.select([field["name"] for field in fields]), path)
    # Only the values are looked up here: constraints and keys of that table were judged when its own rows were.
    return path, {"fields": [{k: v for k, v in field.items() if k != "constraints"} for field in fields]}
