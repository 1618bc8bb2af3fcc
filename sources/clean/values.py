"""Small closed values: numbers, yes and no, brands.

Belongs here: the written form of such values. Does not belong here: lists of terms, which a dataset declares.
"""

import csv
import re
from functools import lru_cache
from pathlib import Path

from sources.clean.context import CleanContext
from sources.terms import fold

_BRANDS = Path(__file__).parent / "data" / "brands.csv"
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[\s\u00a0\u202f']\d{3})+(?:[.,]\d+)?")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")
_YES = frozenset({"oui", "o", "vrai", "true", "yes", "y", "1", "x"})
_NO = frozenset({"non", "n", "faux", "false", "no", "0"})


def number(cell: str, context: CleanContext) -> str | None:
    """A number with a decimal point and nothing between thousands: "1 234,50" -> "1234.50"."""
    plain = cell.strip().replace("\u2212", "-")
    if _GROUPED.fullmatch(plain):
        plain = re.sub(r"[\s\u00a0\u202f']", "", plain)
    elif not _PLAIN.fullmatch(plain):
        return cell
    plain = plain.replace(",", ".").removeprefix("+")
    return re.sub(r"^(-?)\.", r"\g<1>0.", plain).removesuffix(".")


def boolean_fr(cell: str, context: CleanContext) -> str | None:
    """ "Oui" -> "true", "Non" -> "false"."""
    folded = fold(cell)
    return "true" if folded in _YES else "false" if folded in _NO else cell


def brand(cell: str, context: CleanContext) -> str | None:
    """A brand in its maker's spelling ("Phillips" -> "Philips"); one that says nothing ("Onbekend", "xx") is empty."""
    return _spellings().get(fold(cell), cell.strip())


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    spellings: dict[str, str] = {}
    with _BRANDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for spelling in [row["brand"], *row["spellings"].split("|")]:
                if spelling:
                    spellings[fold(spelling)] = row["brand"]
    return spellings
