"""One column of a chunk: which of its cells are wrong.

Belongs here: choosing between a kernel and frictionless' own cell reader, and remembering what the reader said. Does
not belong here: rows, keys, and the wording of errors.

Where most cells differ, a kernel proves what it can and the reader is asked about the rest; where values repeat, the
reader is asked once a value, which is exact whatever the type, the format or the expression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from schemas.conform.buffers import NOWHERE, Positions, booleans, numbers, strings, take
from schemas.conform.kernels import Kernel

Read: TypeAlias = Callable[[Any], tuple[Any, dict[str, str] | None]]
"""Frictionless' cell reader: from a cell to its value and what is wrong with it."""
_SAMPLE = 4096
_REPEATS = 0.5
"""Below this share of distinct values in a sample, asking once a value is cheaper than a kernel."""
_REMEMBERED = 100_000
"""Values remembered as valid, a column."""
_REMEMBERED_WRONG = 10_000


@dataclass
class Column:
    """What there is to check in one field, and what was learnt of it so far."""

    number: int
    name: str
    type: str
    read: Read
    missing: frozenset[str]
    required: bool
    kernels: list[Kernel] | None
    _valid: set[str] = field(default_factory=set)
    _wrong: dict[str, tuple[Any, dict[str, str]]] = field(default_factory=dict)
    _by_value: bool | None = None
    _lookalikes: Any = None

    def __post_init__(self) -> None:
        if self.kernels is not None and self.required:
            missing = strings(sorted(self.missing))
            proven = booleans(self._kernel_answers(missing)) if len(missing) else np.zeros(0, bool)
            self._lookalikes = take(missing, np.flatnonzero(proven))

    @property
    def anything_goes(self) -> bool:
        """Say whether no cell of this column can be wrong."""
        return self.kernels == [] and not self.required

    def judge(self, cell: Any) -> tuple[Any, dict[str, str] | None]:
        """Read a cell as `read` does, without asking again about one that was just found wrong."""
        known = self._wrong.get(cell) if type(cell) is str else None
        return known or self.read(cell)

    def wrong(self, cells: Any) -> Positions:
        """Give the positions of the cells frictionless finds an error in. `cells` is a string array, no nulls."""
        if self._by_value is None:
            sample = cells.slice(0, _SAMPLE)
            distinct = pc.count_distinct(sample).as_py() / max(1, len(sample))
            self._by_value = self.kernels is None or distinct < _REPEATS
        if self._by_value:
            return self._wrong_by_value(cells)
        unproven = np.flatnonzero(~self._proven(cells))
        if not len(unproven):
            return NOWHERE
        return unproven[self._wrong_by_value(take(cells, unproven))]

    def _proven(self, cells: Any) -> npt.NDArray[np.bool_]:
        proven = self._kernel_answers(cells)
        if self._lookalikes is not None and len(self._lookalikes):
            proven = pc.and_not(proven, pc.is_in(cells, value_set=self._lookalikes))
        return booleans(proven)

    def _kernel_answers(self, cells: Any) -> Any:
        if not self.kernels:
            return pc.is_valid(cells)
        proven = self.kernels[0](cells)
        for kernel in self.kernels[1:]:
            proven = pc.and_(proven, kernel(cells))
        return proven

    def _wrong_by_value(self, cells: Any) -> Positions:
        encoded = pc.dictionary_encode(cells)
        values = encoded.dictionary.to_pylist()
        wrong = [index for index, value in enumerate(values) if value not in self._valid and not self._accepts(value)]
        if not wrong:
            return NOWHERE
        is_wrong = np.zeros(len(values), bool)
        is_wrong[wrong] = True
        return np.flatnonzero(is_wrong[numbers(encoded.indices, np.int32)])

    def _accepts(self, value: str) -> bool:
        read, notes = self.read(value)
        if notes:
            if len(self._wrong) < _REMEMBERED_WRONG:
                self._wrong[value] = (read, notes)
            return False
        if len(self._valid) < _REMEMBERED:
            self._valid.add(value)
        return True
