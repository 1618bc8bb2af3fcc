"""A chunk examined: which of its rows must be judged one by one, and the hashes of its keys.

Belongs here: everything about a chunk that needs no other chunk, so that chunks are examined side by side. Does not
belong here: the order of rows, earlier rows, and the wording of errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from schemas.conform.buffers import NOWHERE, Positions, booleans, numbers, strings, take
from schemas.conform.chunks import Chunk
from schemas.conform.keys import Hasher, Hashes, combine
from schemas.conform.parsing import Parsed, parse
from schemas.conform.plan import Key, Plan, Reference, keyed
from schemas.conform.rows import Lookup, comparable

_REMEMBERED = 100_000
_Hashed: TypeAlias = tuple[Hashes, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Examined:
    """What a chunk's examination found. Rows are counted from the chunk's first."""

    chunk: Chunk
    count: int
    suspects: dict[int, list[int] | None]
    """Rows to judge: the fields known to be wrong (the others are proven), or None where nothing is known."""
    cells: dict[int, list[str]]
    """The cells of the suspects."""
    keys: dict[tuple[int, ...], tuple[Hashes, Positions]]
    """For the fields of each key, the hashes of the rows that have a value, and those rows, ascending."""


class Examiner:
    """Examines the chunks of one file. May be used by several threads: what it remembers is only ever added to."""

    def __init__(self, plan: Plan, lookups: Sequence[Lookup]) -> None:
        self._plan = plan
        self._lookups = lookups
        self._checked = [field for field, column in enumerate(plan.columns) if not column.anything_goes]
        # An empty line reaches us as a row of empty cells; a required cell gives it away, else it must be looked for.
        self._blanks_hide = not any(column.required and "" in column.missing for column in plan.columns)
        self._parsed = sorted({*self._checked, *keyed(plan)} or {0})
        self._hashers = {field: Hasher(plan.columns[field]) for key in plan.keys for field in key.fields}
        self._blank = strings(sorted({""}.union(*(column.missing for column in plan.columns))))
        self._found: list[set[tuple[str, ...]]] = [set() for _ in plan.references]

    def examine(self, chunk: Chunk) -> Examined:
        """Examine one chunk. Raises Unprovable."""
        delimiter = self._plan.delimiter
        chunk.check(delimiter)
        parsed = parse(chunk, delimiter, len(self._plan.columns), self._parsed)
        wrong = {field: self._plan.columns[field].wrong(parsed.columns[field]) for field in self._checked}
        suspects: dict[int, list[int] | None] = {}
        for field, positions in wrong.items():
            for row in parsed.rows[positions].tolist():
                fields = suspects.setdefault(row, [])
                if fields is not None:
                    fields.append(field)
        hashed = {key.fields: self._hash(key, parsed, wrong) for key in self._plan.keys}
        for key in self._plan.keys:
            if key.primary:
                for row in parsed.rows[hashed[key.fields][1]].tolist():
                    suspects.setdefault(row, [])
        for reference, lookup, found in zip(self._plan.references, self._lookups, self._found, strict=True):
            for row in parsed.rows[_lost(self._plan, reference, lookup, found, parsed)].tolist():
                suspects.setdefault(row, [])
        if self._blanks_hide:
            suspects.update(dict.fromkeys(parsed.rows[self._perhaps_blank(parsed)].tolist()))
        suspects.update(dict.fromkeys(parsed.ragged.tolist()))
        rows = sorted(suspects)
        cells = dict(zip(rows, chunk.rows(rows, delimiter), strict=True)) if rows else {}
        keys = {fields: _with_value(one, parsed.rows) for fields, one in hashed.items()}
        if len(parsed.ragged):
            ragged = [cells[row] for row in parsed.ragged.tolist()]
            for key in self._plan.keys:
                more = _with_value(self._hash_ragged(key, ragged), parsed.ragged)
                keys[key.fields] = _in_order(_with_value(hashed[key.fields], parsed.rows), more)
        return Examined(chunk, parsed.count, suspects, cells, keys)

    def _perhaps_blank(self, parsed: Parsed) -> Positions:
        """Give the entries whose parsed cells are all empty or missing."""
        left: Positions = np.arange(len(parsed.rows))
        for cells in parsed.columns.values():
            if not len(left):
                break
            some = cells if len(left) == len(cells) else take(cells, left)
            left = left[booleans(pc.is_in(some, value_set=self._blank))]
        return left

    def _hash(self, key: Key, parsed: Parsed, wrong: dict[int, Positions]) -> _Hashed:
        fields = ((field, parsed.columns[field], wrong.get(field, NOWHERE)) for field in key.fields)
        return combine([self._hashers[field].hashes(cells, positions) for field, cells, positions in fields])

    def _hash_ragged(self, key: Key, rows: list[list[str]]) -> _Hashed:
        parts = []
        for field in key.fields:
            texts = [row[field] if field < len(row) else "" for row in rows]
            hashes, null = self._hashers[field].hashes(strings(texts), np.arange(len(texts)))
            parts.append((hashes, null | np.array([field >= len(row) for row in rows])))
        return combine(parts)


def _with_value(hashed: _Hashed, rows: Positions) -> tuple[Hashes, Positions]:
    hashes, empty = hashed
    return (hashes[~empty], rows[~empty]) if empty.any() else (hashes, rows)


def _in_order(one: tuple[Hashes, Positions], other: tuple[Hashes, Positions]) -> tuple[Hashes, Positions]:
    hashes, rows = np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))
    order = np.argsort(rows, kind="stable")
    return hashes[order], rows[order]


def _lost(plan: Plan, reference: Reference, lookup: Lookup, found: set[tuple[str, ...]], parsed: Parsed) -> Positions:
    """Give the entries whose reference leads nowhere. `found` remembers texts whose values are in the lookup."""
    encoded = [pc.dictionary_encode(parsed.columns[field]) for field in reference.fields]
    texts = [column.dictionary.to_pylist() for column in encoded]
    combined: Any = np.zeros(len(parsed.rows), np.int64)
    for column, values in zip(encoded, texts, strict=True):
        combined = combined * max(1, len(values)) + numbers(column.indices, np.int32)
    distinct, inverse = np.unique(combined, return_inverse=True)
    lost = np.zeros(len(distinct), bool)
    for at, code in enumerate(distinct.tolist()):
        cells = []
        for values in reversed(texts):
            code, index = divmod(code, max(1, len(values)))
            cells.append(values[index])
        texts_here = tuple(reversed(cells))
        if texts_here in found:
            continue
        read = tuple(
            plan.columns[field].read(text)[0] for field, text in zip(reference.fields, texts_here, strict=True)
        )
        lost[at] = any(value is not None for value in read) and comparable(read) not in lookup
        if not lost[at] and len(found) < _REMEMBERED:
            found.add(texts_here)
    return np.flatnonzero(lost[inverse])
