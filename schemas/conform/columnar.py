"""The columnar engine: chunks examined side by side, their doubtful rows judged in order.

Belongs here: the order of things (threads, rows, keys, limits) and the report. Does not belong here: proofs about
columns, rows or structure, each of which has a module.

Arrow was chosen by measurement (docs/validation.md): its CSV reader is the one that tells rows with too few or too
many cells from the others, it converts only the columns there is something to prove of, and its kernels run without
Python's lock.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.conform.buffers import Positions
from schemas.conform.chunks import CHUNK, Chunk, cut, read_again
from schemas.conform.errors import ErrorLog
from schemas.conform.examine import Examined, Examiner
from schemas.conform.keys import Hashes, KeyIndex
from schemas.conform.plan import Plan, Unprovable
from schemas.conform.rows import Judge, Lookup, equal, self_equal

Progress = Callable[[int, int], None]

_FIRST_ROW = 2
_THREADS = 2
_LIKELY_ROW = 64
"""Bytes: rows are rarely shorter, so a file's size bounds what the key index must hold."""


class LimitReached(Exception):  # noqa: N818 - a stop, not an error
    """As many errors as were asked for; `rows` were read."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


@dataclass(frozen=True)
class Doubt:
    """A row said to have the key of an earlier one because their hashes are equal: the values are still to compare."""

    key: int
    earlier: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Judged:
    """What the engine counted."""

    rows: int
    bytes: int
    md5: str | None
    sha256: str | None


class ColumnarEngine:
    """Judges one file. Raises Unprovable as soon as something is outside the proof, LimitReached at the limit."""

    def __init__(self, path: Path, plan: Plan, log: ErrorLog, lookups: Sequence[Lookup], limit: int | None) -> None:
        self._path, self._plan, self._log, self._limit = path, plan, log, limit
        self._judge = Judge(plan, log, lookups)
        self._examiner = Examiner(plan, lookups)
        self._size = path.stat().st_size
        # A primary key is often a unique field too: what is found for the one holds for the other.
        self._indexes = {key.fields: KeyIndex(self._size // _LIKELY_ROW) for key in plan.keys}
        self._rows = 0
        self._chunks: list[tuple[int, int, int]] = []
        self._doubts: list[Doubt] = []

    def run(self, progress: Progress | None = None) -> Judged:
        """Judge the whole file."""
        digests = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        done = 0
        with ThreadPoolExecutor(1) as hashing, ThreadPoolExecutor(_THREADS) as examining:
            try:
                for size, examined in self._examined(hashing, examining, digests):
                    self._settle(examined)
                    done += size
                    if progress:
                        progress(done, self._size)
            except BaseException:
                hashing.shutdown(wait=False, cancel_futures=True)
                examining.shutdown(wait=False, cancel_futures=True)
                raise
        self._resolve()
        if progress:
            progress(self._size, self._size)
        return Judged(self._rows, self._size, digests[0].hexdigest(), digests[1].hexdigest())

    def _examined(
        self, hashing: ThreadPoolExecutor, examining: ThreadPoolExecutor, digests: Any
    ) -> Iterator[tuple[int, Examined]]:
        """Give the chunks examined, in the order of the file, with a few under way at any time."""
        under_way: deque[tuple[int, Future[Examined]]] = deque()
        hashed: deque[Future[None]] = deque()

        def digest(block: bytes | bytearray) -> None:
            for one in digests:
                one.update(block)

        for block, chunk in cut(self._path, self._plan.delimiter, CHUNK):
            hashed.append(hashing.submit(digest, block))
            if len(hashed) > _THREADS + 1:
                hashed.popleft().result()
            if chunk is None:
                continue
            under_way.append((len(chunk.data), examining.submit(self._examiner.examine, chunk)))
            if len(under_way) > _THREADS:
                size, future = under_way.popleft()
                yield size, future.result()
        for size, future in under_way:
            yield size, future.result()
        for digested in hashed:
            digested.result()

    def _settle(self, examined: Examined) -> None:
        """Judge a chunk's doubtful rows, now that all earlier rows are known."""
        first, chunk = self._rows + _FIRST_ROW, examined.chunk
        if self._limit and examined.count and len(self._log) >= self._limit:
            raise LimitReached(self._rows + 1)
        self._chunks.append((first, chunk.offset, len(chunk.data)))
        found = {fields: self._match(index, *examined.keys[fields], first) for fields, index in self._indexes.items()}
        matches = [found[key.fields] for key in self._plan.keys]
        cells = dict(examined.cells)
        more = sorted({row for match in matches for row in match} - cells.keys())
        if more:
            cells.update(zip(more, chunk.rows(more, self._plan.delimiter), strict=True))
        doubts: list[Doubt] = []
        for row in sorted(cells):

            def previous(key: int, value: Any, row: int = row) -> int:
                earlier = matches[key].get(row, 0)
                values = value if self._plan.keys[key].primary else (value,)
                if not earlier or not self_equal(values):
                    return 0
                doubts.append(Doubt(key, earlier, values))
                return earlier

            self._judge.judge(first + row, cells[row], examined.suspects.get(row, []), previous)
            if self._limit and len(self._log) >= self._limit:
                self._rows += row + 1
                self._check(chunk, first, [doubt for doubt in doubts if doubt.earlier >= first])
                self._doubts.extend(doubt for doubt in doubts if doubt.earlier < first)
                self._resolve()
                raise LimitReached(self._rows)
        self._check(chunk, first, [doubt for doubt in doubts if doubt.earlier >= first])
        self._doubts.extend(doubt for doubt in doubts if doubt.earlier < first)
        self._rows += examined.count

    def _match(self, index: KeyIndex, hashes: Hashes, rows: Positions, first: int) -> dict[int, int]:
        """Give the chunk's rows whose hash came before, and the row it last came in."""
        earlier = index.add(hashes, (rows + first).astype(np.uint32))
        hit = np.flatnonzero(earlier)
        return dict(zip(rows[hit].tolist(), earlier[hit].tolist(), strict=True))

    def _resolve(self) -> None:
        """Compare the values behind equal hashes, reading again the chunks the earlier rows are in."""
        starts = np.array([first for first, _, _ in self._chunks])
        by_chunk: dict[int, list[Doubt]] = {}
        for doubt in self._doubts:
            by_chunk.setdefault(int(np.searchsorted(starts, doubt.earlier, "right")) - 1, []).append(doubt)
        for index, doubts in sorted(by_chunk.items()):
            first, offset, length = self._chunks[index]
            self._check(read_again(self._path, offset, length), first, doubts)
        self._doubts = []

    def _check(self, chunk: Chunk, first: int, doubts: list[Doubt]) -> None:
        if not doubts:
            return
        rows = sorted({doubt.earlier - first for doubt in doubts})
        cells = dict(zip(rows, chunk.rows(rows, self._plan.delimiter), strict=True))
        for doubt in doubts:
            there = cells[doubt.earlier - first]
            for field, value in zip(self._plan.keys[doubt.key].fields, doubt.values, strict=True):
                source = there[field] if field < len(there) else None
                if not equal(self._plan.columns[field].read(source)[0], value):
                    raise Unprovable("two different keys have the same hash")
