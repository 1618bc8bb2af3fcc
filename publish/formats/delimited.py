"""The canonical CSV of a table: the form in which versions are compared, hashed and patched by deltas.

Belongs here: writing it and reading it back. Does not belong here: partners' CSV (sources/).

UTF-8 without BOM, comma, LF, quotes only where RFC 4180 needs them, a header, nothing said = an empty cell.
"""

import io
from pathlib import Path

import polars as pl

from schemas.dataset import Table


def write_csv(table: Table, rows: pl.DataFrame, path: Path) -> None:
    """Write the published fields of `rows`, in their order, as canonical CSV."""
    path.write_bytes(to_csv(rows.select(table.published_fields)))


def to_csv(rows: pl.DataFrame) -> bytes:
    """The canonical CSV of a frame of text columns."""
    buffer = io.BytesIO()
    # An empty text and nothing said are one thing in a CSV: both are an empty cell, never a quoted one.
    bare = rows.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())
    bare.write_csv(buffer, line_terminator="\n", quote_style="necessary", null_value="")
    return buffer.getvalue()


def read_csv(data: bytes | Path) -> pl.DataFrame:
    """Read a canonical CSV back: text columns, an empty cell is null."""
    return pl.read_csv(data, infer_schema=False, null_values=[""])
