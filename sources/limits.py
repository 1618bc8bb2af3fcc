"""How much of each format is taken, and how long it may take to come.

Belongs here: the table. Does not belong here: the limits of what an archive unfolds to (formats/archive.py,
formats/sheets.py), patience with a server that fails (fetch/http.py).

What is streamed may be large. A workbook of a hundred megabytes unfolds to more than a gigabyte of cells, and is an
export that should have been a CSV; a text file is held whole while it is read, at some ten times its size.
"""

from sources.declaration import Kind
from sources.fetch.http import Patience

_MB = 1024 * 1024
LIMITS: dict[Kind, tuple[int, float]] = {
    "csv": (512 * _MB, 600.0),
    "tsv": (512 * _MB, 600.0),
    "xlsx": (100 * _MB, 300.0),
    "xls": (100 * _MB, 300.0),
    "ods": (100 * _MB, 300.0),
    "json": (2048 * _MB, 1800.0),
    "jsonl": (2048 * _MB, 1800.0),
    "geojson": (2048 * _MB, 1800.0),
    "parquet": (512 * _MB, 600.0),
}
"""Bytes, and seconds in all, by kind of file."""


def patience_with(kind: Kind) -> Patience:
    """The patience that a source of this kind is harvested with."""
    size, seconds = LIMITS[kind]
    return Patience(whole=seconds, bytes_max=size)
