"""What the cells of a column look like, whatever it is called.

Belongs here: the share of a column's filled cells that look like a telephone number, a postcode, an address, ...
Does not belong here: which field the column fills (matching.py).
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import phonenumbers
from stdnum.fr import siren, siret

from sources.clean.context import CleanContext
from sources.formats.reading import Record, as_parts

SAMPLE = 300
"""Filled cells of a column that are looked at."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)
_URL = re.compile(r"(https?://|www\.)\S+|[\w-]+(\.[\w-]+)*\.(fr|org|com|net|eu|be|info|io|ch|es|it|de|pt)(/\S*)?", re.I)
_POSTCODE = re.compile(r"(?:F-|FR-)?\d{4,5}(?:\.0)?")
_INSEE = re.compile(r"\d[\dAB]\d{3}")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_FRENCH = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}( .*)?")
_HOURS = re.compile(r"\d{1,2}\s*[h:]\s*\d{0,2}.{0,4}?(-|à|a|/).{0,4}?\d{1,2}\s*[h:]|Mo|Tu|We|Th|Fr|fermé|closed", re.I)
_DECIMAL = re.compile(r"-?\d{1,3}[.,]\d{3,}")
_POINT = re.compile(r"\[?\(?-?\d{1,3}\.\d{3,}\s*[,; ]\s*-?\d{1,3}\.\d{3,}\)?\]?")
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_YEAR = re.compile(r"(19|20)\d\d(\.0)?")
_YES_NO = frozenset({"oui", "non", "yes", "no", "true", "false", "vrai", "faux", "0", "1", "o", "n", "x"})


@dataclass(frozen=True)
class Column:
    """A column of a partner's file: its name, its filled cells (a sample of them, as text), and what they look like.

    `looks` maps a look to the share of cells that have it; `filled` is the share of rows with a cell, and `different`
    that of rows whose cell no row before has.
    """

    name: str
    cells: tuple[str, ...]
    filled: float
    different: float
    looks: Mapping[str, float]

    @property
    def values(self) -> list[str]:
        """Its different cells, the commonest first."""
        return [cell for cell, _ in Counter(self.cells).most_common()]


def columns_of(names: Sequence[str], records: Sequence[Record], missing: frozenset[str], country: str) -> list[Column]:
    """Every column of a file with what its cells look like; `country` is the partner's (for telephone numbers)."""
    context = CleanContext(country=country)
    return [_column(name, records, missing, context) for name in names]


def _column(name: str, records: Sequence[Record], missing: frozenset[str], context: CleanContext) -> Column:
    every = ["|".join(part for part in as_parts(record.cells.get(name)) if part not in missing) for record in records]
    filled = [cell for cell in every if cell]
    cells = tuple(filled[:SAMPLE])
    looks = {look: sum(map(test, cells)) / len(cells) if cells else 0.0 for look, test in _tests(context).items()}
    rows = max(len(every), 1)
    return Column(name, cells, len(filled) / rows, len(set(filled)) / rows, looks)


def _tests(context: CleanContext) -> dict[str, Callable[[str], bool]]:
    def whole(pattern: re.Pattern[str]) -> Callable[[str], bool]:
        return lambda cell: pattern.fullmatch(cell.strip()) is not None

    return {
        "email": lambda cell: _EMAIL.search(cell) is not None,
        "url": lambda cell: _URL.match(cell.strip()) is not None and "@" not in cell,
        "phone": lambda cell: _is_phone(cell, context.country),
        "postcode": whole(_POSTCODE),
        "insee": whole(_INSEE),
        "siret": _is_registered,
        "date": lambda cell: bool(_ISO.fullmatch(cell.strip()) or _FRENCH.fullmatch(cell.strip())),
        "date_fr": whole(_FRENCH),
        "hours": lambda cell: _HOURS.search(cell) is not None,
        "decimal": whole(_DECIMAL),
        "point": whole(_POINT),
        "number": whole(_NUMBER),
        "year": whole(_YEAR),
        "boolean": lambda cell: cell.strip().casefold() in _YES_NO,
        "long": lambda cell: len(cell) > 100,
    }


def _is_phone(cell: str, country: str) -> bool:
    digits = sum(sign.isdigit() for sign in cell)
    if not 8 <= digits <= 15 or sum(sign.isalpha() for sign in cell) > 3 or re.fullmatch(r"\d{14}|-?\d+\.\d+", cell):
        return False
    try:
        number = phonenumbers.parse(cell if digits != 9 or cell.startswith("+") else f"0{cell}", country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number)


def _is_registered(cell: str) -> bool:
    digits = re.sub(r"[\s.]", "", cell)
    return bool(siret.is_valid(digits) or siren.is_valid(digits))
