"""The errors found so far, kept light: columns of numbers and strings, rendered one by one when asked for.

Belongs here: keeping errors in order and in little memory, and rendering each as an ErrorRecord. Does not belong
here: finding them.

Frictionless keeps one object an error with all the row's cells in it (578 MB for 78,824 errors on a file of a
million rows); here a row's cells are kept once, compressed with their neighbours.
"""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import pyarrow as pa

from schemas.conform.report import ErrorRecord

_BATCH = 256
_CODEC = "zstd"


@dataclass(frozen=True, slots=True)
class Kind:
    """What all errors of one type share, read from frictionless' own class."""

    type: str
    title: str
    description: str
    template: str
    tags: tuple[str, ...]


class _Blank(dict[str, Any]):
    """What a template names and an error lacks is left blank (frictionless does so too)."""

    def __missing__(self, key: str) -> str:
        return ""


class KeptRows:
    """Rows' cells, by the order they came in, compressed a few hundred at a time."""

    def __init__(self) -> None:
        self._packed: list[tuple[bytes, int]] = []
        self._open: list[Sequence[str]] = []
        self._last: tuple[int, list[Sequence[str]]] = (-1, [])

    def keep(self, cells: Sequence[str]) -> int:
        """Keep one row; give the number to ask for it by."""
        if len(self._open) == _BATCH:
            raw = marshal.dumps(self._open)
            self._packed.append((pa.compress(raw, codec=_CODEC, asbytes=True), len(raw)))
            self._open = []
        self._open.append(cells)
        return len(self._packed) * _BATCH + len(self._open) - 1

    def cells(self, number: int) -> tuple[str, ...]:
        """Give the row's cells as frictionless writes them in an error."""
        batch, position = divmod(number, _BATCH)
        if batch == len(self._packed):
            row = self._open[position]
        else:
            if self._last[0] != batch:
                packed, size = self._packed[batch]
                unpacked = pa.decompress(packed, size, codec=_CODEC, asbytes=True)
                self._last = (batch, marshal.loads(unpacked))
            row = self._last[1][position]
        return tuple(row)


class ErrorLog(Sequence[ErrorRecord]):
    """Errors in the order frictionless gives them. Written by the engine, read by everyone."""

    def __init__(self, kinds: Sequence[Kind], field_names: Sequence[str]) -> None:
        self._kinds = kinds
        self._names = field_names
        self._kind = bytearray()
        self._row = array("Q")
        self._field = array("L")
        self._kept = array("Q")
        self._cell: list[str] = []
        self._note: list[str] = []
        self._whole: dict[int, ErrorRecord] = {}
        self._details: dict[int, dict[str, Any]] = {}
        self._rows = KeptRows()

    def keep_row(self, cells: Sequence[str]) -> int:
        """Keep the cells of a row that has errors; give the number that `add` wants."""
        return self._rows.keep(cells)

    def add(
        self,
        kind: int,
        row_number: int,
        kept: int,
        note: str,
        cell: str = "",
        field_number: int = 0,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Add one error of a row; `field_number` 0 means the error is the row's, not a cell's."""
        if details:
            self._details[len(self._kind)] = details
        self._kind.append(kind)
        self._row.append(row_number)
        self._field.append(field_number)
        self._kept.append(kept)
        self._cell.append(cell)
        self._note.append(note)

    def add_whole(self, records: Iterable[ErrorRecord]) -> None:
        """Add errors that frictionless itself made (of the header, of the file)."""
        for record in records:
            self._whole[len(self._kind)] = record
            self.add(0, 0, 0, record.note)

    def truncate(self, length: int) -> None:
        """Keep the first errors only, as frictionless does at its limit."""
        del self._kind[length:], self._row[length:], self._field[length:], self._kept[length:]
        del self._cell[length:], self._note[length:]

    def row_numbers(self) -> set[int]:
        """Give the numbers of the rows with errors, without rendering any."""
        return {number for number in self._row if number}

    def __len__(self) -> int:
        return len(self._kind)

    def __iter__(self) -> Iterator[ErrorRecord]:
        return (self._render(index) for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> ErrorRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ErrorRecord]: ...
    def __getitem__(self, index: int | slice) -> ErrorRecord | Sequence[ErrorRecord]:
        if isinstance(index, slice):
            return [self._render(one) for one in range(*index.indices(len(self)))]
        return self._render(range(len(self))[index])

    def _render(self, index: int) -> ErrorRecord:
        if index in self._whole:
            return self._whole[index]
        kind = self._kinds[self._kind[index]]
        number = self._field[index]
        name = self._names[number - 1] if 0 < number <= len(self._names) else ""
        cell, note, row = self._cell[index], self._note[index], self._row[index]
        known: dict[str, Any] = {"rowNumber": row, "note": note}
        if number:
            known |= {"cell": cell, "fieldName": name, "fieldNumber": number}
        return ErrorRecord(
            type=kind.type,
            title=kind.title,
            description=kind.description,
            message=kind.template.format_map(_Blank(known)),
            tags=kind.tags,
            note=note,
            row_number=row,
            field_name=name if number else None,
            field_number=number or None,
            cell=cell if number else None,
            cells=self._rows.cells(self._kept[index]),
            details=self._details.get(index, {}),
        )
