"""Rules on places: postcodes and coordinates.

Belongs here: what a postcode and a point must be in their country. Does not belong here: what is known of countries
(countries.yaml), nor looking places up.
"""

import math
import re
from collections.abc import Iterator, Sequence

import polars as pl

from schemas.phrases import Value
from schemas.rules.countries import Country, country_of
from schemas.rules.rule import Cells, Finding, Rule, Settings


class InCountry(Settings):
    """`country`: the alpha-2 code that goes for rows whose country is not said, or for all where none is named."""

    country: str | None = None


def _postcode_of_country(cells: Cells, settings: InCountry) -> Iterator[Finding]:
    (name, cell), country = _first(cells), _country(cells, 1, settings)
    if cell is None or country is None or country.postcode is None:
        return
    postcode = country.postcode
    if not re.fullmatch(postcode.pattern, cell):
        values: dict[str, Value] = {"country": country.name, "words": postcode.words, "example": postcode.example}
        yield Finding(name, "postcode_of_country", values, _postcode(postcode.pattern, cell))


def _postcode(pattern: str, cell: str) -> str | None:
    """The postcode that a cell plainly means: without spaces or decimals, with the zero that a spreadsheet ate."""
    compact = re.sub(r"\s|\.0+$", "", cell).upper()
    for text in (compact, compact.zfill(5)):
        if len(compact) >= 4 and re.fullmatch(pattern, text):
            return text
    return None


def _coordinates_in_country(cells: Cells, settings: InCountry) -> Iterator[Finding]:
    (name, _), country = _first(cells), _country(cells, 2, settings)
    point = _point(cells)
    if point is None or country is None or not country.boxes:
        return
    latitude, longitude = point
    if country.holds(latitude, longitude):
        return
    if country.holds(longitude, latitude):
        yield Finding(name, "coordinates_in_country-swapped", {"country": country.name}, _number(longitude))
    elif abs(latitude) > 90 or abs(longitude) > 180:
        yield Finding(name, "coordinates_in_country-metres")
    else:
        yield Finding(name, "coordinates_in_country", {"country": country.name})


def _coordinates_proof(fields: Sequence[str], _: InCountry) -> pl.Expr:
    return pl.col(fields[0]).is_null() | pl.col(fields[1]).is_null()


def _not_null_island(cells: Cells, _: Settings) -> Iterator[Finding]:
    if _point(cells) == (0, 0):
        yield Finding(next(iter(cells)), "not_null_island")


def _null_island_proof(fields: Sequence[str], _: Settings) -> pl.Expr:
    zero = [pl.col(name).str.contains(r"^[+-]?[0.]+(?:[eE].*)?$|\s|_") for name in fields]
    return ~pl.all_horizontal(zero).fill_null(value=False)


def _point(cells: Cells) -> tuple[float, float] | None:
    latitude, longitude = list(cells.values())[:2]
    try:
        point = float(latitude or ""), float(longitude or "")
    except ValueError:
        return None
    return point if all(map(math.isfinite, point)) else None


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _first(cells: Cells) -> tuple[str, str | None]:
    return next(iter(cells.items()))


def _country(cells: Cells, at: int, settings: InCountry) -> Country | None:
    said = list(cells.values())[at] if len(cells) > at else None
    return country_of(said, settings.country)


RULES = (
    Rule("postcode_of_country", _postcode_of_country, 1, 2, settings=InCountry, form=True),
    Rule("coordinates_in_country", _coordinates_in_country, 2, 3, settings=InCountry, proof=_coordinates_proof),
    Rule("not_null_island", _not_null_island, 2, 2, proof=_null_island_proof),
)
