"""One row, judged: the errors frictionless gives it, in frictionless' order.

Belongs here: the order of errors in a row, as frictionless 5.21 has it (resources/table.py, table/row.py). Does not
belong here: which rows need judging, and where an earlier row with the same key is looked up.

The order is a matter of when frictionless reads a cell: the fields of keys come first, as each key is looked up, but
the first key error makes it read all the rest before the error is noted. The `_Row` below does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from sys import intern
from typing import Any, TypeAlias

from schemas.conform import plan as kinds
from schemas.conform.errors import ErrorLog
from schemas.conform.plan import Key, Plan, Reference

Previous: TypeAlias = Callable[[int, Any], int]
"""From a key (its index in the plan) and its value: the last earlier row that has it, or 0."""
Lookup: TypeAlias = Container[tuple[Any, ...]]
"""The values a reference may take."""

_ALL_NONE = 'cells composing the primary keys are all "None"'


class Judge:
    """Judges rows one by one and logs what is wrong."""

    def __init__(self, plan: Plan, log: ErrorLog, lookups: Sequence[Lookup], typed: bool = False) -> None:
        """`typed` says that cells are not all strings (a spreadsheet's)."""
        self._typed = typed
        self._plan = plan
        self._log = log
        self._lookups = lookups

    def judge(self, number: int, cells: Sequence[Any], wrong: Sequence[int] | None, previous: Previous) -> None:
        """Judge one row. `wrong` names the fields with an error, ascending, where the others are proven."""
        row = _Row(self._plan, cells, wrong)
        for index, key in enumerate(self._plan.keys):
            if key.primary:
                self._primary(row, index, key, previous)
            else:
                self._unique(row, index, key, previous)
        for reference, lookup in zip(self._plan.references, self._lookups, strict=True):
            self._foreign(row, reference, lookup)
        row.finish()
        if row.errors:
            kept = self._log.keep_row(["" if cell is None else str(cell) for cell in cells] if self._typed else cells)
            for kind, note, cell, field_number, details in row.errors:
                self._log.add(kind, number, kept, intern(note), cell, field_number, details)

    def _unique(self, row: _Row, index: int, key: Key, previous: Previous) -> None:
        field = key.fields[0]
        value = row.value(field)
        match = 0 if value is None else previous(index, value)
        if match:
            row.finish()
            row.note(kinds.UNIQUE, f"the same as in the row at position {match}", str(value), field + 1)

    def _primary(self, row: _Row, index: int, key: Key, previous: Previous) -> None:
        values = tuple(row.value(field) for field in key.fields)
        if all(value is None for value in values):
            row.finish()
            row.note(kinds.PRIMARY, _ALL_NONE)
            return
        match = previous(index, values)
        if match:
            row.finish()
            row.note(kinds.PRIMARY, f"the same as in the row at position {match}")

    def _foreign(self, row: _Row, reference: Reference, lookup: Lookup) -> None:
        values = tuple(row.value(field) for field in reference.fields)
        if all(value is None for value in values) or comparable(values) in lookup:
            return
        row.finish()
        names, table = ", ".join(reference.names), reference.table
        said = ", ".join(str(value) for value in values)
        there = ", ".join(reference.table_fields)
        note = f'for "{names}": values "{said}" not found in the lookup table "{table}" as "{there}"'
        details = {
            "fieldNames": list(reference.names),
            "fieldCells": ["" if value is None else str(value) for value in values],
            "referenceName": table,
            "referenceFieldNames": list(reference.table_fields),
        }
        row.note(kinds.FOREIGN, note, details=details)


def comparable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give the values so that they can be looked up: lists, objects and signalling NaN (which Python cannot hash,
    and on which frictionless fails) as they are written."""
    try:
        hash(values)
    except TypeError:
        return tuple(repr(value) for value in values)
    return values


def self_equal(values: tuple[Any, ...]) -> bool:
    """Say whether each value equals itself (NaN does not, and so is never a key that came before)."""
    return all(equal(value, value) for value in values)


def equal(one: Any, other: Any) -> bool:
    """Say whether two values are equal, where asking may fail (a signalling NaN equals nothing)."""
    try:
        return bool(one == other)
    except ArithmeticError:
        return False


class _Row:
    """A row being read, as far as it has been read."""

    def __init__(self, plan: Plan, cells: Sequence[Any], wrong: Sequence[int] | None) -> None:
        self._columns = plan.columns
        self._cells = cells
        # An empty line is no row of empty cells, though Arrow reads it as one.
        proven = wrong is not None and len(cells) == len(plan.columns)
        self._wrong = wrong if wrong is not None and proven else range(len(plan.columns))
        self._values: dict[int, Any] = {}
        self._finished = False
        self.errors: list[tuple[int, str, str, int, dict[str, Any] | None]] = []

    def note(
        self, kind: int, note: str, cell: str = "", field_number: int = 0, details: dict[str, Any] | None = None
    ) -> None:
        self.errors.append((kind, note, cell, field_number, details))

    def value(self, field: int) -> Any:
        """Read a cell, once; note what is wrong with it."""
        if field in self._values:
            return self._values[field]
        source = self._cells[field] if field < len(self._cells) else None
        value, notes = self._columns[field].judge(source)
        if notes:
            for name, note in notes.items():
                if name == "type":
                    self.note(kinds.TYPE, note, str(source), field + 1)
            for name, note in notes.items():
                if name != "type":
                    self.note(kinds.CONSTRAINT, note, str(source), field + 1)
        self._values[field] = value
        return value

    def finish(self) -> None:
        """Read what is left of the row; note extra and missing cells, or that all is blank."""
        if self._finished:
            return
        self._finished = True
        for field in self._wrong:
            self.value(field)
        width, length = len(self._columns), len(self._cells)
        for field in range(width, length):
            self.note(kinds.EXTRA, "", str(self._cells[field]), field + 1)
        for field in range(length, width):
            self.note(kinds.MISSING, "", "", field + 1)
        if self._is_blank():
            self.errors = [(kinds.BLANK, "", "", 0, None)]

    def _is_blank(self) -> bool:
        cells = zip(self._columns, self._cells, strict=False)
        return all(cell is None or str(cell) in column.missing for column, cell in cells)
