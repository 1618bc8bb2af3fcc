"""Dates to ISO 8601.

Belongs here: the ways French and ISO dates are written. Does not belong here: whether a date is plausible (a rule).
A date that does not exist, or a text that is no date, comes back unchanged: no date is ever made up for it.
"""

import re
from datetime import date

from sources.clean.context import CleanContext
from sources.terms import fold

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv jan",
            "fevrier fevr fev",
            "mars",
            "avril avr",
            "mai",
            "juin",
            "juillet juil",
            "aout",
            "septembre sept sep",
            "octobre oct",
            "novembre nov",
            "decembre dec",
        ),
        start=1,
    )
    for name in names.split()
}
_CLOCK = r"(?:[T\s]+(?:à\s*)?\d{1,2}(?::|h)\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
_ISO = re.compile(rf"^(\d{{4}})-(\d{{1,2}})-(\d{{1,2}}){_CLOCK}$")
_SLASHED = re.compile(rf"^(\d{{1,2}})[/.\-](\d{{1,2}})[/.\-](\d{{4}}){_CLOCK}$")
_YEAR_FIRST = re.compile(rf"^(\d{{4}})/(\d{{1,2}})/(\d{{1,2}}){_CLOCK}$")
_WORDS = re.compile(rf"^(?:le\s+)?(?:[a-z]+di\s+|dimanche\s+)?(\d{{1,2}})(?:er)?\s+([^\W\d]+)\.?\s+(\d{{4}}){_CLOCK}$")


def date_fr(cell: str, context: CleanContext) -> str | None:
    """A date, the day before the month: "12/03/2024 10:30", "12 mars 2024", "2024-03-12" -> "2024-03-12"."""
    plain = " ".join(cell.split()).lower()
    if match := _SLASHED.match(plain):
        return _iso(match[3], match[2], match[1]) or cell
    if match := _WORDS.match(plain):
        month = _MONTHS.get(fold(match[2]))
        return (_iso(match[3], str(month), match[1]) if month else None) or cell
    return date_iso(cell, context)


def date_iso(cell: str, context: CleanContext) -> str | None:
    """An ISO date, its clock cut off: "2022-09-26 19:00:45" -> "2022-09-26"."""
    plain = " ".join(cell.split()).upper()
    match = _ISO.match(plain) or _YEAR_FIRST.match(plain)
    return (_iso(match[1], match[2], match[3]) if match else None) or cell


def year(cell: str, context: CleanContext) -> str | None:
    """A year of four digits: "2016.0", "2016" -> "2016"; what is certainly no year ("????") stays for the report."""
    match = re.fullmatch(r"\s*(\d{4})(?:[.,]0+)?\s*", cell)
    return match[1] if match else cell


def _iso(year_: str, month: str, day: str) -> str | None:
    try:
        return date(int(year_), int(month), int(day)).isoformat()
    except ValueError:
        return None
