"""Where a version's rows are: by country, by département or province, and in cells for a map.

Belongs here: rows -> the figures of Places. Does not belong here: communes and their population (coverage.py),
drawing the map (map.py).
"""

from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import RootModel

from glane.declaration import load_declaration
from publish.quality.report import Area, Country, Grid, Places
from schemas.dataset import Table
from schemas.territory.declaration import PLACE
from schemas.territory.departments import country_of_row, department_of

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_MOST_CELLS = 700
"""Cells of a map: a phone tells no more of them apart, and every version keeps them."""

_X, _Y = "_x", "_y"
_NATION, _AREA = "_nation", "_area"


class _Areas(RootModel[dict[str, dict[str, str]]]):
    pass


def places(table: Table, rows: pl.DataFrame) -> Places | None:
    """Where the `rows` of a table are; None where no field of it says."""
    named, point = place_fields(table), table.line.geometry
    french = table.line.territory is not None and table.line.territory.country is None
    if "country" not in named and point is None and not french:
        return None
    # Where a territory names no field of the country, all rows are in France.
    constant = {"country": "FR"} if french else {}
    cells = [pl.col(named[key]) if key in named else pl.lit(constant.get(key), pl.String) for key in PLACE]
    points = _points(rows, point.latitude, point.longitude) if point else None
    degrees = [pl.lit(None, pl.Float64).alias(name) for name in (_Y, _X)] if points is None else points.get_columns()
    # Beside the rows first: a frame of constants alone has one row, whatever it was taken from.
    keyed = rows.with_columns(cell.alias(key) for key, cell in zip(PLACE, cells, strict=True))
    told = keyed.select(PLACE).with_columns(degrees)
    return Places(
        countries=_countries(_named(told)),
        unknown=told["country"].null_count(),
        without_point=None if points is None else points.height - points.drop_nulls().height,
        grid=None if points is None else _grid(points.drop_nulls()),
    )


def forget_places(
    told: Mapping[str, Any], rows: Mapping[str, pl.DataFrame], points: Mapping[str, tuple[str, str]]
) -> None:
    """Take out of a quality report (`told`, the value of quality.json) where rows that are forgotten were.

    The map is counted again from the `rows` that are left, by table; `points` names each table's fields of latitude and
    longitude.
    """
    for name, placed in told.get("places", {}).items():
        for country in placed["countries"]:
            for area in country["areas"]:
                # The middle of a single row's points is that row's.
                area |= {"latitude": None, "longitude": None}
        if name in points and name in rows:
            left = _points(rows[name], *points[name])
            counted = _grid(left.drop_nulls())
            placed["grid"] = counted.model_dump(mode="json") if counted else None
            placed["without_point"] = left.height - left.drop_nulls().height


def place_fields(table: Table) -> dict[str, str]:
    """The fields of `table` that say where a row is: country, code (of the commune), postcode, commune, as far as it
    has them."""
    alike, territory = table.line.merge.likeness, table.line.territory
    named = {"country": _country_field(table)}
    if alike is not None:
        named |= {"code": alike.town_code, "postcode": alike.postcode, "commune": alike.town}
        named["country"] = alike.country or named["country"]
    found = {key: name for key, name in named.items() if name is not None}
    return {**found, **territory.columns} if territory is not None else found


def area_of(nation: str, code: str | None, postcode: str | None, commune: str | None) -> str | None:
    """The département or province of a row in `nation` (ISO 3166-1): the second part of its code of ISO 3166-2. None
    where it cannot be told."""
    if nation == "FR":
        return department_of(code, postcode, commune)
    begins = areas().get(nation)
    if begins is None or postcode is None or not postcode.isdigit():
        return None
    # Where a range begins is the last beginning that does not come after the postcode.
    starts = list(begins)
    at = bisect_right(starts, postcode) - 1
    return begins[starts[at]] if at >= 0 else None


@cache
def areas() -> dict[str, dict[str, str]]:
    """For each country but France whose postcodes tell the province: {where a range begins: province}, in order."""
    return load_declaration(Path(__file__).with_name("areas.yaml"), _Areas).root


def _country_field(table: Table) -> str | None:
    return next((name for name, line in table.line.terms.items() if line.list.startswith("countries")), None)


def _named(told: pl.DataFrame) -> pl.DataFrame:
    """The rows that say their country, with it and their area by code."""
    distinct = told.select(PLACE).unique().drop_nulls("country")
    nations, found = [], []
    for country, code, postcode, commune in distinct.iter_rows():
        nations.append(country_of_row(country))
        found.append(area_of(nations[-1], code, postcode, commune))
    codes = [pl.Series(_NATION, nations, pl.String), pl.Series(_AREA, found, pl.String)]
    return told.join(distinct.with_columns(codes), on=PLACE, nulls_equal=True)


def _countries(rows: pl.DataFrame) -> tuple[Country, ...]:
    """The most rows first."""
    middle = [pl.col(name).mean().round(2) for name in (_Y, _X)]
    counted = rows.group_by(_NATION, _AREA).agg(pl.len(), *middle).sort("len", _AREA, descending=[True, False])
    found: list[Country] = []
    for (nation,), part in counted.group_by(_NATION):
        lines = [Area(code=a, rows=n, latitude=y, longitude=x) for _, a, n, y, x in part.drop_nulls(_AREA).iter_rows()]
        total = int(part["len"].sum())
        rest = total - sum(area.rows for area in lines)
        found.append(Country(code=str(nation), rows=total, areas=tuple(lines), elsewhere=rest))
    return tuple(sorted(found, key=lambda country: (-country.rows, country.code)))


def _points(rows: pl.DataFrame, latitude: str, longitude: str) -> pl.DataFrame:
    """The points of rows; nulls where a row has none."""
    both = {_Y: latitude, _X: longitude}
    found = rows.select(pl.col(name).cast(pl.Float64, strict=False).alias(key) for key, name in both.items())
    whole = pl.all_horizontal(pl.col(_Y, _X).is_not_null())
    return found.select(pl.when(whole).then(pl.col(name)).alias(name) for name in (_Y, _X))


def _grid(placed: pl.DataFrame) -> Grid | None:
    """The rows counted in cells as small as there is room for; None where no row has a point."""
    if not placed.height:
        return None
    for step in _STEPS:
        corner = [(pl.col(name) / step).floor().cast(pl.Int64).alias(name) for name in (_Y, _X)]
        cells = placed.select(corner).group_by(_Y, _X).len().sort(_Y, _X)
        if cells.height <= _MOST_CELLS:
            break
    latitudes, longitudes = (tuple(round(n * step, 2) for n in cells[name]) for name in (_Y, _X))
    return Grid(step=step, latitude=latitudes, longitude=longitudes, rows=tuple(cells["len"]))
