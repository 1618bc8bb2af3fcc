"""Keys: which rows have the value that an earlier row had, found through 64-bit hashes in bounded memory.

Belongs here: hashing a key's cells so that equal values have equal hashes, and the index of hashes seen. Does not
belong here: deciding that two values are equal (the engine compares the values themselves before it says so).

Ten million keys take 12 bytes each here (hash and row), where a dict of the values takes some 150.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.conform.buffers import Positions, booleans, numbers, scalar, strings, take
from schemas.conform.columns import Column

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.uint32]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_NULL = 0x5851F42D4C957F2D
_TABLED = 64
_CANONICAL_INTEGER = "^-?[0-9]{1,18}$"
_MERGED = 16
_MOST_BITS = 28


def mix(values: Hashes) -> Hashes:
    """Spread the bits (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_MIX[0])
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_MIX[1])
    return values ^ (values >> np.uint64(31))


class Hasher:
    """Hashes of the values in one field of a key. Tables are random: nobody can prepare cells that collide."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._missing = strings(sorted(column.missing))
        self._zero = scalar("0")
        random = np.random.default_rng()
        self._table = random.integers(0, 1 << 64, _TABLED * 256, np.uint64)
        self._turns = random.integers(0, 1 << 64, 16, np.uint64) | np.uint64(1)
        # A short cell must hash alike beside a long one and alone: its bytes are never turned.
        self._turns[0] = 1

    def hashes(self, cells: Any, wrong: Positions) -> tuple[Hashes, npt.NDArray[np.bool_]]:
        """Give each cell's hash, and whether it has no value (missing, or of the wrong type)."""
        column = self._column
        if column.type not in ("string", "any"):
            return self._integers(cells) if column.type == "integer" else self._by_value(cells)
        null = booleans(pc.is_in(cells, value_set=self._missing)).copy()
        for position, text in zip(wrong.tolist(), take(cells, wrong).to_pylist(), strict=True):
            null[position] = column.read(text)[0] is None
        return self._texts(cells), null

    def _texts(self, cells: Any) -> Hashes:
        """Tabulation hashing: the sum of a random number for each byte at each place."""
        offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
        offsets = offsets.astype(np.int64)
        lengths = np.diff(offsets)
        buffer = cells.buffers()[2]
        content = np.frombuffer(buffer, np.uint8)[offsets[0] : offsets[-1]] if buffer else np.zeros(0, np.uint8)
        place = np.arange(len(content)) - np.repeat(offsets[:-1] - offsets[0], lengths)
        parts = self._table[(place & (_TABLED - 1)) * 256 + content]
        if len(place) and place.max() >= _TABLED:
            parts *= self._turn(place // _TABLED)
        sums = np.zeros(len(content) + 1, np.uint64)
        np.cumsum(parts, out=sums[1:])
        bounds = offsets - offsets[0]
        return mix(sums[bounds[1:]] - sums[bounds[:-1]] + lengths.astype(np.uint64) * np.uint64(_GOLDEN))

    def _turn(self, turns: Positions) -> Hashes:
        while turns.max() >= len(self._turns):
            more = np.random.default_rng(len(self._turns)).integers(0, 1 << 64, len(self._turns), np.uint64)
            self._turns = np.concatenate((self._turns, more | np.uint64(1)))
        return self._turns[turns]

    def _integers(self, cells: Any) -> tuple[Hashes, npt.NDArray[np.bool_]]:
        """Integers written the usual way are their own hash; the others are read by frictionless."""
        usual = pc.match_substring_regex(cells, pattern=_CANONICAL_INTEGER)
        if len(self._missing):
            usual = pc.and_not(usual, pc.is_in(cells, value_set=self._missing))
        values = numbers(pc.cast(pc.if_else(usual, cells, self._zero), pa.int64()), np.int64)
        hashes = mix(values.view(np.uint64))
        null = np.zeros(len(cells), bool)
        odd = np.flatnonzero(~booleans(usual))
        if len(odd):
            hashes[odd], null[odd] = self._by_value(take(cells, odd))
        return hashes, null

    def _by_value(self, cells: Any) -> tuple[Hashes, npt.NDArray[np.bool_]]:
        """Hash the values themselves with Python's hash, which is equal where they are."""
        encoded = pc.dictionary_encode(cells)
        hashes = np.zeros(len(encoded.dictionary), np.uint64)
        null = np.zeros(len(encoded.dictionary), bool)
        for index, text in enumerate(encoded.dictionary.to_pylist()):
            value = self._column.read(text)[0]
            null[index] = value is None
            hashes[index] = _number(value)
        where = numbers(encoded.indices, np.int32)
        return mix(hashes)[where], null[where]


def _number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -(1 << 63) <= value < 1 << 63:
        return value & _MASK
    try:
        return hash(value) & _MASK
    except TypeError:
        return 0  # A signalling NaN has no hash. It equals nothing, and the comparison will say so.


def combine(fields: Sequence[tuple[Hashes, npt.NDArray[np.bool_]]]) -> tuple[Hashes, npt.NDArray[np.bool_]]:
    """Give the hash of the fields together, and where none of them has a value."""
    if len(fields) == 1:
        return fields[0]
    together = np.zeros(len(fields[0][0]), np.uint64)
    empty = np.ones(len(together), bool)
    for hashes, null in fields:
        together = mix(together * np.uint64(_GOLDEN) + np.where(null, np.uint64(_NULL), hashes))
        empty &= null
    return together, empty


class KeyIndex:
    """The hashes seen so far, each with the last row that had it.

    A bit a hash says "never seen" at once; the few that may have been are looked for in sorted runs, which are merged
    by sixteens, so that all are sorted only a handful of times.
    """

    def __init__(self, expected: int) -> None:
        bits = min(max(16, (expected * 16).bit_length()), _MOST_BITS)
        self._shift = np.uint64(64 - bits)
        self._seen = np.zeros(1 << (bits - 3), np.uint8)
        self._levels: list[list[tuple[Hashes, Rows]]] = [[]]

    def add(self, hashes: Hashes, rows: Rows) -> Rows:
        """Add rows in ascending order; give, for each, the last earlier row with the same hash, or 0."""
        order = np.argsort(hashes, kind="stable")
        hashes, ranked = hashes[order], rows[order]
        same = hashes[1:] == hashes[:-1]
        before = np.zeros(len(hashes), np.uint32)
        before[1:][same] = ranked[:-1][same]
        first = np.flatnonzero(np.concatenate((np.ones(min(1, len(hashes)), bool), ~same)))
        place = hashes[first] >> self._shift
        byte, bit = (place >> np.uint64(3)).view(np.int64), np.uint8(1) << (place & np.uint64(7)).astype(np.uint8)
        suspect = first[(self._seen[byte] & bit) != 0]
        if len(suspect):
            before[suspect] = self._find(hashes[suspect])
        self._mark(byte, bit)
        last = np.append(first[1:] - 1, len(hashes) - 1) if len(hashes) else first
        self._insert(0, (hashes[last], ranked[last]))
        result = np.empty_like(before)
        result[order] = before
        return result

    def _mark(self, byte: Positions, bit: npt.NDArray[np.uint8]) -> None:
        """Set the bits. The bytes are ascending, so that those of one byte can be joined at once."""
        if len(byte):
            start = np.flatnonzero(np.concatenate((np.ones(1, bool), byte[1:] != byte[:-1])))
            self._seen[byte[start]] |= np.bitwise_or.reduceat(bit, start)

    def _find(self, hashes: Hashes) -> Rows:
        found = np.zeros(len(hashes), np.uint32)
        for level in self._levels:
            for run, rows in level:
                at = np.searchsorted(run, hashes)
                at[at == len(run)] = 0
                hit = run[at] == hashes
                found[hit] = np.maximum(found[hit], rows[at[hit]])
        return found

    def _insert(self, depth: int, run: tuple[Hashes, Rows]) -> None:
        if not len(run[0]):
            return
        level = self._levels[depth]
        level.append(run)
        if len(level) < _MERGED:
            return
        hashes = np.concatenate([one for one, _ in level])
        rows = np.concatenate([one for _, one in level])
        self._levels[depth] = []
        order = np.argsort(hashes, kind="stable")
        hashes, rows = hashes[order], rows[order]
        last = np.append(hashes[1:] != hashes[:-1], True)
        if depth + 1 == len(self._levels):
            self._levels.append([])
        self._insert(depth + 1, (hashes[last], rows[last]))
