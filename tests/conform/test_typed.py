"""Typed cells are judged by the same rules: a date cell is a date, and 75001 is told from "75001"."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from schemas.conform import NotATableError, validate

SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "code", "type": "string"},
        {"name": "day", "type": "date"},
    ],
    "primaryKey": ["id"],
}
DAY = datetime.date(2024, 1, 2)
ROWS: list[tuple[Any, Any, Any]] = [(1, "75001", DAY), (2, 75001, DAY), (1, "01000", DAY)]
WRONG = [("type-error", 3, "code"), ("primary-key", 4, None)]


def as_json(rows: list[tuple[Any, Any, Any]]) -> list[dict[str, Any]]:
    return [{"id": one, "code": code, "day": day.isoformat()} for one, code, day in rows]


def write(path: Path, rows: list[tuple[Any, Any, Any]]) -> None:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in [("id", "code", "day"), *rows]:
            sheet.append(row)
        book.save(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(as_json(rows)), "utf-8")
    else:
        features = [{"type": "Feature", "properties": row, "geometry": None} for row in as_json(rows)]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


@pytest.mark.parametrize("name", ["sites.xlsx", "sites.json", "sites.geojson"])
def test_a_number_is_no_text_and_a_date_cell_is_a_date(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, ROWS)
    report = validate(tmp_path / name, SCHEMA)
    assert [(error.type, error.row_number, error.field_name) for error in report.errors] == WRONG
    assert report.stats.rows == 3


def test_the_columns_of_a_parquet_file_keep_their_types(tmp_path: Path) -> None:
    columns = {"id": [1, 2, 1], "code": ["75001", "75001", "01000"], "day": [DAY] * 3}
    pl.DataFrame(columns).write_parquet(tmp_path / "sites.parquet")
    report = validate(tmp_path / "sites.parquet", SCHEMA)
    assert [(error.type, error.row_number) for error in report.errors] == [("primary-key", 4)]


def test_a_geojson_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "cut.geojson").write_text('{"type": "FeatureCollection", "features": [{', "utf-8")
    with pytest.raises(NotATableError, match="cut.geojson is no GeoJSON feature collection"):
        validate(tmp_path / "cut.geojson", SCHEMA)
