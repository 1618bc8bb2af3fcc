"""A chunk parsed by Arrow into columns of strings.

Belongs here: calling Arrow's CSV reader, and knowing which of the chunk's rows it left out (those with too few or
too many cells). Does not belong here: what is wrong with the cells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from schemas.conform.buffers import NOWHERE, Positions, strings
from schemas.conform.chunks import Chunk
from schemas.conform.plan import Unprovable


@dataclass(frozen=True)
class Parsed:
    """The columns asked for, by field; `rows` says which row of the chunk each entry is."""

    columns: dict[int, Any]
    rows: Positions
    ragged: Positions
    count: int


def parse(chunk: Chunk, delimiter: str, width: int, fields: Iterable[int]) -> Parsed:
    """Parse the chunk; `width` is the number of labels. Raises Unprovable if Arrow cannot read it."""
    fields = list(fields)
    ragged: list[int] = []

    def leave_out(row: Any) -> str:
        ragged.append(row.number - 1)
        return "skip"

    names = [str(field) for field in range(width)]
    wanted = [names[field] for field in fields]
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(chunk.data),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(chunk.data) + 1, column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=bool(len(chunk.quotes)),
                ignore_empty_lines=False,
                invalid_row_handler=leave_out,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, check_utf8=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise Unprovable("Arrow cannot read a part of the file") from error
    left_out = np.array(ragged, np.int64) if ragged else NOWHERE
    count = table.num_rows + len(left_out)
    rows = np.arange(count)
    if ragged:
        rows = np.delete(rows, left_out)
    columns = {field: _single(table.column(name)) for field, name in zip(fields, wanted, strict=True)}
    return Parsed(columns, rows, left_out, count)


def _single(column: Any) -> Any:
    whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        return whole.chunk(0) if whole.num_chunks else strings([])
    return whole
