"""Between Arrow and numpy through their buffers.

Belongs here: conversions only. Arrow's own (`to_numpy`, `pa.array`,
Python values among a kernel's arguments) import pandas when it is installed, 1 to 3 s.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Positions: TypeAlias = npt.NDArray[np.int64]

NOWHERE: Positions = np.zeros(0, np.int64)


def booleans(array: Any) -> npt.NDArray[np.bool_]:
    """Give an Arrow boolean array without nulls as numpy."""
    bits = np.frombuffer(array.buffers()[1], np.uint8)
    return np.unpackbits(bits, bitorder="little", count=array.offset + len(array))[array.offset :].view(np.bool_)


def numbers(array: Any, dtype: type[Any]) -> npt.NDArray[Any]:
    """Give an Arrow array of fixed-width numbers without nulls as numpy."""
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def strings(values: list[str]) -> Any:
    """Give Python strings as an Arrow array."""
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(values) + 1, np.int32)
    offsets[1:] = np.cumsum([len(value) for value in encoded])
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def scalar(value: str | int | float) -> Any:
    """Give a Python value as an Arrow scalar, to compare a column with."""
    if isinstance(value, str):
        return strings([value])[0]
    kind, dtype = (pa.int64(), np.int64) if isinstance(value, int) else (pa.float64(), np.float64)
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(np.array([value], dtype))])[0]


def take(array: Any, positions: Positions) -> Any:
    """Give the cells at these positions."""
    where = pa.Array.from_buffers(pa.int64(), len(positions), [None, pa.py_buffer(np.ascontiguousarray(positions))])
    return array.take(where)
