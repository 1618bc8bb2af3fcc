"""What Glane knows of countries: their codes and names, their postcodes, the boxes that hold them.

Belongs here: reading countries.yaml, and finding the country that a cell means. Does not belong here: the rules.
"""

import re
from functools import cache
from pathlib import Path

import pycountry
from pydantic import Field, RootModel

from glane.declaration import Declared, load_declaration
from glane.text import Text
from schemas.phrases import told_beside

_ALIASES = {"UK": "GB", "EL": "GR"}


class Postcode(Declared):
    """How a country writes its postcodes: as a pattern, in words, and with an example that fits it."""

    pattern: str
    words: Text
    example: str


class Box(Declared):
    """The land between two parallels and two meridians, in degrees (WGS 84)."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether the point lies in the box, its edges included."""
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east


class Country(Declared):
    """One country: its names, and what is known of its postcodes and its land."""

    name: Text
    postcode: Postcode | None = None
    boxes: dict[str, Box] = Field(default_factory=dict)

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether the point lies in one of the country's boxes."""
        return any(box.holds(latitude, longitude) for box in self.boxes.values())


class _Countries(RootModel[dict[str, Country]]):
    pass


@cache
def countries() -> dict[str, Country]:
    """The countries that Glane knows, by their ISO 3166-1 alpha-2 code."""
    found = load_declaration(Path(__file__).with_name("countries.yaml"), _Countries).root
    return {code: _told(country) for code, country in found.items()}


def _told(country: Country) -> Country:
    postcode = country.postcode
    if postcode is not None:
        postcode = postcode.model_copy(update={"words": told_beside(postcode.words, "countries")})
    return country.model_copy(update={"name": told_beside(country.name, "countries"), "postcode": postcode})


@cache
def country_code(cell: str | None) -> str | None:
    """The alpha-2 code of the country a cell means (alpha-2 or alpha-3 code); None where it means none."""
    if cell is None:
        return None
    code = cell.strip().upper()
    code = _ALIASES.get(code, code)
    if re.fullmatch("[A-Z]{3}", code):
        found = pycountry.countries.get(alpha_3=code)
        return str(found.alpha_2) if found else None
    return code if re.fullmatch("[A-Z]{2}", code) else None


def country_of(cell: str | None, default: str | None) -> Country | None:
    """What is known of the country a cell means, or of the default where the cell is empty; None: nothing."""
    return countries().get(country_code(cell or default) or "")
