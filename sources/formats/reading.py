"""What every reader of a format gives, and the rules of a table that hold whatever the format.

Belongs here: Record, Reading, ReadError, the text of a typed cell, and turning rows under a header into records.
Does not belong here: how one format is opened; each stands in its own module beside this one.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path

from glane.errors import DataError
from glane.text import Text


class ReadError(DataError):
    """A partner's file that cannot be read as a whole: names the file, the line if there is one, and the remedy.

    A file that raises this has not been read at all: it is never taken for an empty one.
    """

    def __init__(self, path: Path, what: str, remedy: str, *, line: int | None = None) -> None:
        self.line = line
        self._said = what
        super().__init__(f"{path.name}{f', line {line}' if line else ''}: {what}", remedy)

    def of(self, name: str) -> "ReadError":
        """The same error, calling the file by the partner's own `name` (in the store it has only a hash)."""
        return ReadError(Path(name), self._said, self.remedy, line=self.line)


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a partner's file: its line in that file, and its cells by column, typed where the format has types."""

    line: int
    cells: dict[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """One of several files that are read as one table: its name, and the number of the line before its first."""

    name: str
    before: int


@dataclass(frozen=True)
class Reading:
    """A partner's file, read. `blank` rows were skipped; `sure` (0 to 1) says how sure a detection is. `parts` are the
    files of an archive that are read together, in their order: lines go on counting from one to the next. `header` is
    the row of the names and `decimal` the sign before the decimals, where they were seen; `notes` say what in the file
    was not taken for a row, or was put in order so as to be read."""

    columns: tuple[str, ...]
    records: Sequence[Record]
    blank: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    detected: bool = False
    sure: float | None = None
    parts: tuple[Part, ...] = ()
    header: int | None = None
    decimal: str | None = None
    notes: tuple[Text, ...] = ()

    @cached_property
    def lines(self) -> Sequence[int]:
        """The line of each record, in their order."""
        kept: Sequence[int] | None = getattr(self.records, "lines", None)
        return kept if kept is not None else [record.line for record in self.records]

    def record(self, line: int) -> Record | None:
        """The record that stands on a line of the file."""
        number = bisect_left(self.lines, line)
        return self.records[number] if number < len(self.lines) and self.lines[number] == line else None

    def place(self, line: int) -> tuple[str | None, int]:
        """Where a line stands for whoever looks: in which of several files (None where there is one), and its number
        there."""
        number = bisect_left([part.before for part in self.parts], line)
        part = self.parts[number - 1] if number else None
        return (part.name, line - part.before) if part is not None else (None, line)


def collapse(name: object) -> str:
    """The name of a column as declarations write it: runs of white space (no-break ones too) become one space."""
    return " ".join(as_text(name).replace("\ufeff", "").split())


def as_text(value: object) -> str:
    """The text of a typed cell, the same on every machine: 75001.0 is "75001", dates are ISO, true is "true".

    A list becomes its filled parts joined by `|`. Text is stripped of white space at both ends, no-break spaces too.
    """
    match value:
        case str():
            return value.strip()
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if math.isnan(value):
                return ""
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            midnight = value.time() == time() and value.tzinfo is None
            return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case list() | tuple():
            return "|".join(as_parts(value))
    return str(value).strip()


def as_parts(value: object) -> list[str]:
    """The filled texts in a typed cell: those of a list (of lists) in order, else the cell's own text if filled."""
    if isinstance(value, list | tuple):
        return [part for item in value for part in as_parts(item)]
    text = as_text(value)
    return [text] if text else []


def tabulate(
    path: Path, header: Sequence[object], header_line: int, rows: Iterable[tuple[int, Sequence[object]]], hint: str
) -> tuple[tuple[str, ...], list[Record], int]:
    """Give the columns, the records and the number of blank rows under a `header`; `rows` come with their lines.

    A short row is filled with empty cells (spreadsheets leave out the last empty ones). A column without a name is
    called `column 13` where a cell in it is filled, so that it shows among the unmapped ones. Raises ReadError where
    the header is blank or doubled, and where a row is wider than the header; `hint` is added to that remedy.
    """
    names = [collapse(name) for name in header]
    _check_header(path, names, header_line)
    unnamed = {position: f"column {position + 1}" for position, name in enumerate(names) if not name}
    filled: set[int] = set()
    records: list[Record] = []
    blank = 0
    for line, row in rows:
        beyond = next((position for position in range(len(names), len(row)) if as_text(row[position])), None)
        if beyond is not None:
            raise ReadError(
                path,
                f"cell {beyond + 1} ({as_text(row[beyond])[:40]!r}) is one too many; the header on line {header_line} "
                f"has {len(names)}.",
                f"Give the column a name or remove the cell.{hint}",
                line=line,
            )
        if not any(as_text(cell) for cell in row):
            blank += 1
            continue
        filled.update(position for position in unnamed if position < len(row) and as_text(row[position]))
        width = len(row)
        cells = {name: row[position] if position < width else "" for position, name in enumerate(names) if name}
        cells.update((unnamed[position], row[position]) for position in unnamed if position < width)
        records.append(Record(line, cells))
    columns = [name or unnamed[position] for position, name in enumerate(names) if name or position in filled]
    return tuple(columns), records, blank


def _check_header(path: Path, names: Sequence[str], line: int) -> None:
    if not any(names):
        raise ReadError(
            path,
            "the names of the columns were expected here, and the row is blank.",
            "Put the names of the columns in this row, or say in source.yaml which row holds them (format: header).",
            line=line,
        )
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name and name in seen:
            raise ReadError(
                path,
                f"the column {name!r} is doubled (columns {seen[name]} and {position}).",
                "Rename or remove one of the two; where the names stand over two rows, say so in source.yaml (format: "
                "header_rows).",
                line=line,
            )
        seen[name] = position
