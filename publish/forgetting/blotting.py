"""What goes out of a file that is otherwise kept as it is: rows that name one that goes, and texts that tell of it.

Belongs here: CSV, JSON and plain text. Does not belong here: files that are made anew (rewriting.py).
"""

import json
from collections.abc import Collection
from pathlib import Path

import polars as pl

from glane.erasing import Telling
from glane.store import to_json
from publish.formats.delimited import read_csv, to_csv


def blot_out(path: Path, telling: Telling, ids: Collection[str]) -> None:
    """Take what tells of a person out of the file at `path`; the rows of a CSV that hold one of the `ids` go."""
    if not telling.in_file(path.read_bytes()):
        return
    if path.suffix == ".csv":
        frame = read_csv(path)
        path.write_bytes(to_csv(frame.filter(~pl.any_horizontal(pl.all().is_in(list(ids)).fill_null(value=False)))))
    elif path.suffix == ".json":
        path.write_bytes(to_json(telling.out_of(json.loads(path.read_bytes()))))
    else:
        path.write_text(telling.covered(path.read_text(encoding="utf-8")), encoding="utf-8")
