"""The file in chunks of whole rows, each proven to be read by Arrow as Python's csv module reads it.

Belongs here: cutting, the proof of structure (characters, quoting), and taking single rows out of a chunk. Does not
belong here: what the cells mean.

Python's csv module and Arrow agree on well-formed text: UTF-8, no NUL, no lone carriage return, and each quote
either opening a cell (after a delimiter or a line end), closing one (before a delimiter or a line end), or doubled.
Everything else (`a"b`, `"a"b`) they may read differently, and is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from schemas.conform.buffers import NOWHERE, Positions
from schemas.conform.plan import Unprovable

CHUNK = 8 << 20
_LONGEST_ROW = 64 << 20
_STRIDE = 1 << 19
_BOM = b"\xef\xbb\xbf"
_QUOTE, _LINE_FEED, _RETURN = ord('"'), ord("\n"), ord("\r")


Bytes: TypeAlias = bytes | bytearray


@dataclass(frozen=True)
class Chunk:
    """Whole rows of the file: their bytes (which nobody changes), where the quotes are, and where they begin."""

    data: Bytes
    quotes: Positions
    offset: int

    def check(self, delimiter: str) -> None:
        """Prove that Arrow and Python read the same cells here. Raises Unprovable."""
        data = self.data
        if b"\0" in data:
            raise Unprovable("the file has NUL characters")
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            raise Unprovable("the file has carriage returns that end no line")
        offsets = np.array([0, len(data)], np.int64)
        text = pa.LargeStringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(data))
        try:
            text.validate(full=True)
        except pa.ArrowInvalid as error:
            raise Unprovable("the file is not UTF-8 throughout") from error
        self._check_quotes(delimiter)

    def _check_quotes(self, delimiter: str) -> None:
        quotes = self.quotes
        if len(quotes) & 1:
            raise Unprovable("a quoted cell is never closed")
        opening, closing = quotes[0::2], quotes[1::2]
        if len(opening) and opening[0] == 0:
            opening = opening[1:]
        if len(closing) and closing[-1] == len(self.data) - 1:
            closing = closing[:-1]
        beside = np.zeros(256, bool)
        beside[[ord(delimiter), _LINE_FEED, _RETURN, _QUOTE]] = True
        characters = np.frombuffer(self.data, np.uint8)
        if not (beside[characters[opening - 1]].all() and beside[characters[closing + 1]].all()):
            raise Unprovable("a cell has quotes that do not enclose it")

    @cached_property
    def starts(self) -> Positions:
        """Where each row begins; the last entry is where the last row ends."""
        ends = _places(self.data, _LINE_FEED) + 1
        if len(self.quotes):
            ends = ends[(np.searchsorted(self.quotes, ends) & 1) == 0]
        if not len(ends) or ends[-1] != len(self.data):
            ends = np.append(ends, len(self.data))
        return np.concatenate((np.zeros(1, np.int64), ends))

    def rows(self, positions: Sequence[int], delimiter: str) -> list[list[str]]:
        """Read these rows (ascending, counted from the chunk's first) with Python's csv module."""
        where = np.array(positions, np.int64)
        bounds = zip(self.starts[where].tolist(), self.starts[where + 1].tolist(), strict=True)
        text = b"".join(self.data[start:end] for start, end in bounds)
        rows = list(csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter))
        if len(rows) != len(positions):
            raise Unprovable("a row does not end where it seems to")
        return rows


def cut(path: Path, delimiter: str, size: int = CHUNK) -> Iterator[tuple[Bytes, Chunk | None]]:
    """Read the file; give every byte of it, in order, and the chunk of whole rows those bytes are.

    The header is checked, and is no chunk. Raises Unprovable if a row is longer than anyone writes.
    """
    rest, offset, header = b"", 0, True
    with path.open("rb", buffering=0) as file:
        while True:
            # Each byte is written once: into the buffer that becomes the chunk.
            data = bytearray(len(rest) + size)
            data[: len(rest)] = rest
            with memoryview(data) as view, view[len(rest) :] as empty:
                read = file.readinto(empty)
            if not read:
                break
            del data[len(rest) + read :]
            if header:
                rows = _header_end(data, delimiter)
                if rows:
                    yield data[:rows], None
                    del data[:rows]
                    offset, header = rows, False
            quotes = NOWHERE if header else _places(data, _QUOTE)
            end = 0 if header else _last_row_end(data, quotes)
            rest = bytes(data[end:])
            if len(rest) > _LONGEST_ROW:
                raise Unprovable("a row is longer than 64 MiB")
            if end:
                del data[end:]
                yield data, Chunk(data, quotes[: np.searchsorted(quotes, end)], offset)
                offset += end
    if header:
        _check_alone(rest.removeprefix(_BOM), delimiter)
    yield rest, None if header or not rest else Chunk(rest, _places(rest, _QUOTE), offset)


def _check_alone(data: bytes, delimiter: str) -> None:
    Chunk(data, _places(data, _QUOTE), 0).check(delimiter)


def _header_end(data: bytearray, delimiter: str) -> int:
    """Give where the header ends, the byte-order mark before it included, or 0 if it does not end here."""
    mark = len(_BOM) if data.startswith(_BOM) else 0
    text = bytes(data[mark:])
    end = _first_row_end(text, _places(text, _QUOTE))
    if not end:
        return 0
    _check_alone(text[:end], delimiter)
    return mark + end


def read_again(path: Path, offset: int, length: int) -> Chunk:
    """Read a chunk a second time."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(length)
    return Chunk(data, _places(data, _QUOTE), offset)


def _places(data: Bytes, character: int) -> Positions:
    if character == _QUOTE and b'"' not in data:
        return NOWHERE
    characters = np.frombuffer(data, np.uint8)
    # In strides that fit the processor's cache: twice as fast as at once.
    found = [
        np.flatnonzero(characters[start : start + _STRIDE] == character) + start
        for start in range(0, len(characters), _STRIDE)
    ]
    return np.concatenate(found) if found else NOWHERE


def _first_row_end(data: bytes, quotes: Positions) -> int:
    end = data.find(b"\n") + 1
    while end and np.searchsorted(quotes, end) & 1:
        end = data.find(b"\n", end) + 1
    return end


def _last_row_end(data: Bytes, quotes: Positions) -> int:
    end = data.rfind(b"\n") + 1
    while end and np.searchsorted(quotes, end) & 1:
        end = data.rfind(b"\n", 0, end - 1) + 1
    return end
