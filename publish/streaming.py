"""What changed between two canonical CSV files, found while reading both once, side by side.

Belongs here: finding the records that are not the same bytes in both files. Does not belong here: which of their
cells differ (delta.py).

Both files are sorted by their key, and most records are the same: two equal records cost one comparison of bytes and
no parsing. Only what differs is kept, so memory follows the change and not the table. The order is relied on for
speed alone: every record is either matched with an equal one or kept, whatever the order, and the kept ones are
compared by key. Unsorted files cost memory, never a wrong answer.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl

from publish.delta import Difference, compare
from publish.formats.delimited import read_csv

_BUFFER = 1 << 20


def compare_files(key: Sequence[str], old: Path, new: Path) -> Difference:
    """As delta.compare(), for two canonical CSV files in which the columns `key` name a row once."""
    with old.open("rb", _BUFFER) as before, new.open("rb", _BUFFER) as after:
        header, other = next(_records(before), b""), next(_records(after), b"")
        if header != other:
            # Then no two records are the same bytes: a change of columns is a MAJOR version, and rare.
            return compare(key, read_csv(old), read_csv(new))
        positions = _positions(header, key)
        gone, come = _unmatched(_Side(before, positions), _Side(after, positions))
    return compare(key, *(read_csv(header + b"".join(records)) for records in (gone, come)))


class _Side:
    """One of the two files: the record at hand, its key (read only when asked for), and those without an equal."""

    def __init__(self, file: BinaryIO, positions: Sequence[int]) -> None:
        self._records, self._positions = _records(file), positions
        self.unmatched: list[bytes] = []
        self.step()

    def step(self) -> None:
        """Go to the next record; None at the end."""
        self.record = next(self._records, None)
        self._key: tuple[str, ...] | None = None

    def keep(self) -> None:
        """Keep the record at hand as one without an equal, and go to the next."""
        assert self.record is not None, "there is a record at hand"
        self.unmatched.append(self.record)
        self.step()

    @property
    def key(self) -> tuple[str, ...]:
        """The key of the record at hand. Code points sort as their UTF-8 bytes do, by which the files are sorted."""
        if self._key is None:
            assert self.record is not None, "there is a record at hand"
            cells = _cells(self.record)
            self._key = tuple(cells[position] for position in self._positions)
        return self._key


def _unmatched(old: _Side, new: _Side) -> tuple[list[bytes], list[bytes]]:
    """The records of each side that the other does not have, byte for byte, at the same place in the order of keys."""
    while old.record is not None and new.record is not None:
        if old.record == new.record:
            old.step()
            new.step()
        elif old.key == new.key:
            old.keep()
            new.keep()
        elif old.key < new.key:
            old.keep()
        else:
            new.keep()
    for side in (old, new):
        while side.record is not None:
            side.keep()
    return old.unmatched, new.unmatched


def _records(file: BinaryIO) -> Iterator[bytes]:
    """The records of a canonical CSV as bytes: a line, or several while a quoted cell goes over its end."""
    for line in file:
        record = line
        while record.count(b'"') % 2 and (more := next(file, b"")):
            record += more
        yield record


def _positions(header: bytes, key: Sequence[str]) -> list[int]:
    names = _cells(header)
    return [names.index(name) for name in key]


def _cells(record: bytes) -> list[str]:
    try:
        return next(csv.reader([record.decode()]))
    except csv.Error:
        # Python's reader takes no cell longer than 128 KiB; polars does, at the cost of a frame a record.
        return [cell or "" for cell in pl.read_csv(record, has_header=False, infer_schema=False).row(0)]
