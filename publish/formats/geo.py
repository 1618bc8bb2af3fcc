"""GeoJSON (RFC 7946): one feature a row, for maps.

Belongs here: writing it. Does not belong here: projections (sources/ bring every point to WGS 84).
"""

import json
from pathlib import Path

import polars as pl

from publish.values import typed
from schemas.dataset import Table


def write_geojson(table: Table, rows: pl.DataFrame, path: Path) -> None:
    """Write the published fields of `rows` as a FeatureCollection, a feature a line.

    A row without a whole point is a feature with a null geometry (RFC 7946, 3.2), so that no row is lost; a cell
    that says nothing is left out of its properties.
    """
    point = table.line.geometry
    assert point is not None, "formats_of() offers GeoJSON only for tables with points"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type":"FeatureCollection","features":[')
        for number, row in enumerate(typed(table, rows).iter_rows(named=True)):
            latitude, longitude = (_degrees(row.pop(name)) for name in (point.latitude, point.longitude))
            placed = latitude is not None and longitude is not None
            feature = {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [longitude, latitude]} if placed else None,
                "properties": {name: _plain(value) for name, value in row.items() if value is not None},
            }
            file.write(",\n" if number else "\n")
            file.write(json.dumps(feature, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        file.write("\n]}\n")


def _degrees(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool)) else getattr(value, "isoformat", lambda: str(value))()
