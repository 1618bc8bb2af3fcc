"""Makes the small sample that stands beside source.yaml out of a partner's file: shaped like it, and holding no more.

Belongs here: the first rows in the file's own format, the cells of columns that are not mapped left out: they may hold
what must not leave the partner. Does not belong here: what the sample becomes (testing.py).
"""

import csv
import io
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from sources.declaration import FileFormat
from sources.formats.reading import Reading, Record, as_text

ROWS = 20


def write_sample(folder: Path, declared: FileFormat, reading: Reading, wanted: Collection[str]) -> Path | None:
    """Write `sample.<kind>` into `folder`: the first rows, the `wanted` columns filled.

    None for kinds that nothing here writes (XLS, ODS): such a sample is for a person to make.
    """
    records = reading.records[:ROWS]
    path = folder / f"sample.{declared.kind}"
    cells = [_kept(record, reading.columns, wanted) for record in records]
    if declared.kind in ("csv", "tsv"):
        path.write_bytes(_delimited(declared, reading, cells))
    elif declared.kind == "xlsx":
        _workbook(path, declared, reading.columns, cells)
    elif declared.kind in ("json", "jsonl", "geojson"):
        path.write_text(_documents(declared, records, wanted), encoding="utf-8")
    elif declared.kind == "parquet":
        pq.write_table(pa.Table.from_pylist([_nested(record, wanted) for record in records]), path)
    else:
        return None
    return path


def _kept(record: Record, columns: Sequence[str], wanted: Collection[str]) -> list[object]:
    return [record.cells.get(name) if name in wanted else None for name in columns]


def _delimited(declared: FileFormat, reading: Reading, rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=reading.delimiter or ",", lineterminator="\n")
    writer.writerows([""] * len(reading.columns) for _ in range((reading.header or 1) - 1))
    writer.writerow(reading.columns)
    writer.writerows([as_text(cell) for cell in row] for row in rows)
    return text.getvalue().encode(reading.encoding or "utf-8")


def _workbook(path: Path, declared: FileFormat, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = declared.sheet or sheet.title
    first = 1 if declared.header == "detect" else declared.header
    for at, row in enumerate([columns, *rows], start=first):
        for column, cell in enumerate(row, start=1):
            sheet.cell(at, column, cell if cell != "" else None)
    book.save(path)


def _documents(declared: FileFormat, records: Sequence[Record], wanted: Collection[str]) -> str:
    objects = [_nested(record, wanted) for record in records]
    if declared.kind == "jsonl":
        return "".join(json.dumps(one, ensure_ascii=False, default=str) + "\n" for one in objects)
    document: Any = objects
    if declared.kind == "geojson":
        document = {"type": "FeatureCollection", "features": [_feature(one) for one in objects]}
    for step in reversed(declared.records.split(".") if declared.records and declared.kind == "json" else []):
        document = {step: document}
    return json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n"


def _feature(cells: dict[str, Any]) -> dict[str, Any]:
    shape = cells.pop("geometry", {})
    identifier = cells.pop("feature", {}).get("id") if isinstance(cells.get("feature"), dict) else None
    geometry = None
    if {"latitude", "longitude"} <= shape.keys():
        geometry = {"type": "Point", "coordinates": [shape["longitude"], shape["latitude"]]}
    named = {"id": identifier} if identifier is not None else {}
    return {"type": "Feature", **named, "properties": cells, "geometry": geometry}


def _nested(record: Record, wanted: Collection[str]) -> dict[str, Any]:
    """The object of which the cells are the leaves; numbered ones become lists."""
    whole: dict[str, Any] = {}
    for name in record.cells:
        if name in wanted:
            *path, last = name.split(".")
            at = whole
            for step in path:
                at = at.setdefault(step, {})
            at[last] = record.cells[name]
    return {name: _lists(value) for name, value in whole.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(item) for name, item in value.items()}
    return list(inner.values()) if inner and all(name.isdecimal() for name in inner) else inner
