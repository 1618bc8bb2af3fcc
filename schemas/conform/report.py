"""What a validation says: a `Report`, and the light error records in it.

Belongs here: the values handed to whoever asked for a validation, and their exact rendering as a Frictionless
report. Does not belong here: finding errors, severities, or words for partners (schemas/rules, schemas/report).

The keys and values are those of frictionless 5.21's own report (`frictionless validate FILE --schema S --json`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Engine = Literal["columnar", "frictionless"]


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """One error, as frictionless words it. What does not apply to its type is None (`row_number` of a label)."""

    type: str
    title: str
    description: str
    message: str
    tags: tuple[str, ...]
    note: str
    row_number: int | None = None
    field_name: str | None = None
    field_number: int | None = None
    cell: str | None = None
    cells: tuple[str, ...] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """The keys that only some types have: labels, rowNumbers, label, fieldNames, fieldCells, referenceName ..."""

    def to_frictionless(self) -> dict[str, Any]:
        """Give the error as the entry frictionless writes in `tasks[].errors`."""
        known: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "message": self.message,
            "tags": list(self.tags),
            "note": self.note,
            "cells": None if self.cells is None else list(self.cells),
            "rowNumber": self.row_number,
            "cell": self.cell,
            "fieldName": self.field_name,
            "fieldNumber": self.field_number,
        }
        return {key: value for key, value in known.items() if value is not None} | dict(self.details)


@dataclass(frozen=True, slots=True)
class Stats:
    """What was counted: 0 and None where frictionless does not say (a file that could not be opened)."""

    errors: int
    bytes: int = 0
    rows: int = 0
    fields: int = 0
    md5: str | None = None
    sha256: str | None = None


@runtime_checkable
class RowNumbers(Protocol):
    """Errors that can name their rows without being rendered."""

    def row_numbers(self) -> set[int]:
        """Give the numbers of the rows with errors."""


@dataclass(frozen=True)
class Report:
    """The verdict on one file under one schema.

    `engine` says who judged: `columnar` (rows proven valid by columns, the others by frictionless' own cell
    readers) or `frictionless` (the whole file); `fallback` then says why. Both give the same report.
    """

    valid: bool
    stats: Stats
    errors: Sequence[ErrorRecord]
    warnings: tuple[str, ...]
    engine: Engine
    fallback: str | None
    name: str
    place: str
    labels: tuple[str, ...]
    seconds: float
    type: str = "table"

    def wrong_rows(self) -> set[int]:
        """Give the numbers of the rows that have at least one error (the header is row 1)."""
        if isinstance(self.errors, RowNumbers):
            return self.errors.row_numbers()
        return {error.row_number for error in self.errors if error.row_number is not None}

    def to_frictionless(self) -> dict[str, Any]:
        """Give the JSON-able descriptor that frictionless' `report.to_descriptor()` gives for the same file."""
        counts = {"errors": self.stats.errors, "warnings": len(self.warnings), "seconds": self.seconds}
        measured = {
            "md5": self.stats.md5,
            "sha256": self.stats.sha256,
            "bytes": self.stats.bytes,
            "fields": self.stats.fields,
            "rows": self.stats.rows,
        }
        task = {
            "name": self.name,
            "type": self.type,
            "valid": self.valid,
            "place": self.place,
            "labels": list(self.labels),
            "stats": counts | {key: value for key, value in measured.items() if value},
            "warnings": list(self.warnings),
            "errors": [error.to_frictionless() for error in self.errors],
        }
        return {
            "valid": self.valid,
            "stats": {"tasks": 1} | counts,
            "warnings": [],
            "errors": [],
            "tasks": [task],
        }
