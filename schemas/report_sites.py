"""The points of a partner's rows, for the map of its answer.

Belongs here: which rows have a point, what each is called, and how many of them an answer keeps. Does not belong here:
drawing them (site_map.py), nor whether a point is right (rules/places.py).
"""

from collections.abc import Iterator
from typing import Literal

import polars as pl

from glane.declaration import Declared
from schemas.dataset import Table
from schemas.judgement import LINE, Judgement

MOST_SITES = 1_000
"""Points that one answer keeps; beyond, one for each spot that a map of a page can tell apart, and never more."""

_SPOTS = 200
_LONGEST_NAME = 80

Standing = Literal["passed", "to_correct"]


class Site(Declared):
    """One row's point, in degrees (WGS 84): its line, whether it is fit to publish, its name and its town where these
    are published."""

    line: int
    latitude: float
    longitude: float
    standing: Standing
    name: str | None = None
    town: str | None = None


class Sites(Declared):
    """The points of a file. `points` counts the rows that have one, `without` those that have none; `shown` are the
    points that are kept."""

    points: int
    without: int
    shown: tuple[Site, ...]


def sites_of(table: Table, rows: pl.DataFrame, judgement: Judgement) -> Sites | None:
    """The points of `rows` (all that came in: the table's fields and `_line`) as they were judged; None where the table
    has no points or no row has one. Rows on hold have no agreement to be shown, and are left out."""
    place = table.line.geometry
    if place is None:
        return None
    found = [*_points(table, judgement.rows, "passed"), *_points(table, _wrong(rows, judgement), "to_correct")]
    if not found:
        return None
    without = judgement.passed + judgement.to_correct - len(found)
    return Sites(points=len(found), without=max(0, without), shown=tuple(_thinned(found)))


def _wrong(rows: pl.DataFrame, judgement: Judgement) -> pl.DataFrame:
    lines = {problem.line for problem in judgement.problems if problem.severity == "error"}
    return rows.filter(pl.col(LINE).is_in(sorted(lines - set(judgement.rows[LINE].to_list()))))


def _points(table: Table, rows: pl.DataFrame, standing: Standing) -> Iterator[Site]:
    place = table.line.geometry
    assert place is not None
    named = [place.name, place.town] if standing == "passed" else [None, None]
    names = [name if name in table.published_fields else None for name in named]
    texts = [pl.lit(None, pl.String) if name is None else pl.col(name) for name in names]
    degrees = [pl.col(name).cast(pl.Float64, strict=False) for name in (place.latitude, place.longitude)]
    columns = [part.alias(f"_{number}") for number, part in enumerate([*degrees, *texts])]
    for line, latitude, longitude, name, town in rows.select(LINE, *columns).iter_rows():
        if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
            continue
        yield Site(
            line=line,
            latitude=round(latitude, 5),
            longitude=round(longitude, 5),
            standing=standing,
            name=name[:_LONGEST_NAME] if name else None,
            town=town[:_LONGEST_NAME] if town else None,
        )


def _thinned(sites: list[Site]) -> list[Site]:
    """Those to be corrected first; where there are too many, one for each spot."""
    ordered = sorted(sites, key=lambda site: (site.standing == "passed", site.line))
    if len(ordered) <= MOST_SITES:
        return ordered
    south, west = min(site.latitude for site in sites), min(site.longitude for site in sites)
    high = max(max(site.latitude for site in sites) - south, 1e-9) / _SPOTS
    wide = max(max(site.longitude for site in sites) - west, 1e-9) / _SPOTS
    spots: dict[tuple[int, int, str], Site] = {}
    for site in ordered:
        spot = (int((site.latitude - south) / high), int((site.longitude - west) / wide), site.standing)
        spots.setdefault(spot, site)
    return list(spots.values())[:MOST_SITES]
