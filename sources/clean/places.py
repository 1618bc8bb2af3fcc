"""Communes and countries.

Belongs here: the written form of a commune's name, and country names in several languages to their ISO 3166-1 codes.
Does not belong here: whether a commune exists or has that postcode (a rule of the dataset).

data/former_names.csv: names of communes that are names of no commune any more and lead to one alone: renamed ones
(the same code under another name in an earlier year) and those that became part of another. From the Code officiel
géographique (INSEE, Licence Ouverte 2.0) of 2018 to 2026, as @etalab/decoupage-administratif 0.3 to 6.0 give it.
"""

import csv
import re
from functools import lru_cache
from pathlib import Path

import pycountry

from sources.clean.context import CleanContext
from sources.terms import fold

_SPELLINGS = Path(__file__).parent / "data" / "countries.csv"
_FORMER_NAMES = Path(__file__).parent / "data" / "former_names.csv"


# "PARIS CEDEX 12", "75012 Paris": what post offices write, not the commune's name.
_CEDEX = re.compile(r"\s+cedex(?:\s*\d{1,2})?\s*$", re.IGNORECASE)
_POSTCODE = re.compile(r"^\s*(?:F-?)?\d{5}\s+(?=[^\W\d])")
_SAINT = re.compile(r"(?<![^\W\d_'’])(st)(e?)(?=[\s.\-]+[^\W\d_])[\s.\-]+", re.IGNORECASE)
_HYPHENS = re.compile(r"[\u2010\u2011]|(?<=\w)\u2013(?=\w)")


def commune(cell: str, context: CleanContext) -> str | None:
    """A French commune's name: no CEDEX, no postcode, "St-Denis" -> "Saint-Denis"; other countries' as they are.

    Letter case is left alone: which letters of "LA-ROBINE-SUR-GALABRE" are small is not ours to guess.
    """
    if context.country != "FR":
        return cell
    plain = _CEDEX.sub("", _HYPHENS.sub("-", cell))
    plain = _SAINT.sub(_saint, _POSTCODE.sub("", plain))
    return plain.strip() or cell


def commune_current(cell: str, context: CleanContext) -> str | None:
    """As `commune`, and the name of today where the cell has one of yesterday: "Noyant-la-Gravoyère" -> "Segré-en-Anjou
    Bleu", "Cransac" -> "Cransac-les-Thermes". A name that several communes had, or that one has now, is left alone."""
    plain = commune(cell, context)
    return _current_names().get(fold(plain or ""), plain) if context.country == "FR" else plain


def _saint(match: re.Match[str]) -> str:
    word = "Saint" + ("e" if match[2] else "")
    return (word.upper() if match[1].isupper() else word.lower() if match[1].islower() else word) + "-"


@lru_cache(maxsize=1)
def _current_names() -> dict[str, str]:
    with _FORMER_NAMES.open(encoding="utf-8", newline="") as file:
        return {fold(row["former"]): row["current"] for row in csv.DictReader(file)}


def country2(cell: str, context: CleanContext) -> str | None:
    """A country as ISO 3166-1 alpha-2: "Österreich", "AUT", "at" -> "AT"."""
    return alpha2(cell) or cell


def country3(cell: str, context: CleanContext) -> str | None:
    """A country as ISO 3166-1 alpha-3: "Danmark", "DK" -> "DNK"."""
    country = pycountry.countries.get(alpha_2=alpha2(cell) or "none")
    return country.alpha_3 if country else cell


@lru_cache(maxsize=4096)
def alpha2(text: str) -> str:
    """The alpha-2 code of the country that `text` names or codes; empty where it is not known."""
    return _names().get(fold(text), "")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for country in pycountry.countries:
        for key in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if value := getattr(country, key, None):
                names[fold(value)] = country.alpha_2
    with _SPELLINGS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for spelling in row["spellings"].split("|"):
                names[fold(spelling)] = row["code"]
    return names
