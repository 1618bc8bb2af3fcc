"""Points: decimal degrees however they are written, Lambert-93, and the two ways they go wrong.

Belongs here: reading numbers and pairs, swapping what was swapped, blanking 0/0, projecting. Does not belong here:
whether a point lies in its commune (a rule of the dataset).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from pyproj import Transformer

from schemas.rules.countries import country_of
from sources.clean.context import CleanContext

# 0.11 m: finer than any address, and what keeps a version from changing when a library rounds otherwise.
DECIMALS = 6
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
_WKT = re.compile(r"^(?:SRID=4326;)?\s*POINT\s*\(\s*(\S+)\s+(\S+)\s*\)$", re.IGNORECASE)
# The area of use of EPSG:2154 in metres, wide enough for its seas; outside it the pair is no Lambert-93.
_LAMBERT_X = (-400_000.0, 1_400_000.0)
_LAMBERT_Y = (5_900_000.0, 7_300_000.0)


class Point(NamedTuple):
    """A point in WGS 84 degrees; both None where the partner wrote "nowhere" (0/0)."""

    latitude: float | None
    longitude: float | None


def coordinate(cell: str, context: CleanContext) -> str | None:
    """One coordinate in degrees with a decimal point: "5,392946" -> "5.392946"."""
    number = as_number(cell)
    return cell if number is None or abs(number) > 180 else written(number)


def written(number: float) -> str:
    """A coordinate as published: a decimal point, at most six decimals, never an exponent."""
    text = f"{number:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def as_number(text: str) -> float | None:
    """The number that the whole of `text` writes, with a decimal point or comma; None where it is none."""
    plain = text.strip().replace("\u2212", "-")
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def point_in(texts: list[str], country: str) -> Point | None:
    """The point in [latitude, longitude], or in one text that holds both ("48.85, 2.35"; "POINT (2.35 48.85)").

    A pair that lies in `country` only when swapped is swapped; 0/0 is nowhere. None where there is no such pair.
    """
    latitude, longitude = _pair(texts[0]) if len(texts) == 1 else (as_number(texts[0]), as_number(texts[1]))
    if latitude is None or longitude is None:
        return None
    if latitude == 0 and longitude == 0:
        return Point(None, None)
    if _swapped(latitude, longitude, country):
        latitude, longitude = longitude, latitude
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Point(round(latitude, DECIMALS), round(longitude, DECIMALS))


def lambert93_point(texts: list[str]) -> Point | None:
    """The point at [x, y] in Lambert-93 metres (EPSG:2154), or in one text that holds both; None for no pair."""
    if len(texts) == 1:
        texts = re.split(r"\s*;\s*|\s*,\s+|\s+", texts[0].strip())
    east, north = map(as_number, texts) if len(texts) == 2 else (None, None)
    if east is None or north is None:
        return None
    if east == 0 and north == 0:
        return Point(None, None)
    if not (_LAMBERT_X[0] <= east <= _LAMBERT_X[1] and _LAMBERT_Y[0] <= north <= _LAMBERT_Y[1]):
        return None
    longitude, latitude = _lambert93().transform(east, north)
    return Point(round(latitude, DECIMALS), round(longitude, DECIMALS))


def _pair(text: str) -> tuple[float | None, float | None]:
    wkt = _WKT.match(text.strip())
    if wkt:
        return as_number(wkt[2]), as_number(wkt[1])
    plain = text.strip().strip("[]() ")
    # "48,85 ; 2,35" or "48,85 2,35" may use decimal commas; "48.85,2.35" may not.
    for separator in (r"\s*;\s*", r"\s*,\s+", r"\s+", r"(?<=\d)\s*,\s*(?=[-+\d])"):
        cut = re.split(separator, plain)
        if len(cut) == 2:
            return as_number(cut[0]), as_number(cut[1])
    return None, None


def _swapped(latitude: float, longitude: float, country: str) -> bool:
    land = country_of(None, country)
    if land is None or not land.boxes:
        return abs(latitude) > 90 >= abs(longitude)
    return not land.holds(latitude, longitude) and land.holds(longitude, latitude)


@lru_cache(maxsize=1)
def _lambert93() -> Transformer:
    return Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True)
