"""Parquet: the table with its types, for people who compute.

Belongs here: writing it with nothing in the file that changes from one writing to the next but the data. Does not
belong here: how cells become typed (values.py).
"""

from pathlib import Path

import polars as pl
import pyarrow.parquet

from publish.values import typed
from schemas.dataset import Table


def write_parquet(table: Table, rows: pl.DataFrame, path: Path) -> None:
    """Write the published fields of `rows`, typed from the Table Schema."""
    write_frame(typed(table, rows), path)


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write any frame as Parquet (zstd, fixed row groups, nothing of the machine or the moment)."""
    pyarrow.parquet.write_table(
        frame.to_arrow(compat_level=pl.CompatLevel.oldest()),
        path,
        compression="zstd",
        compression_level=9,
        row_group_size=100_000,
        version="2.6",
        store_schema=False,
    )
