"""Postcodes and INSEE codes of communes.

Belongs here: the leading zero that spreadsheets eat, the ".0" that they add, codes of communes that became part of
another. Does not belong here: whether a code exists (a rule of the dataset).

data/former_communes.csv: the delegated and associated communes of the Code officiel géographique (INSEE, Licence
Ouverte 2.0) as @etalab/decoupage-administratif 6.0.0 gives them, each with the commune that it is now part of.
"""

import csv
import re
from functools import lru_cache
from pathlib import Path

from sources.clean.context import CleanContext

_FORMER = Path(__file__).parent / "data" / "former_communes.csv"
_DECIMAL = re.compile(r"^(\d{4,5})[.,]0+$")
_FRENCH = re.compile(r"^(?:F|FR)[- ]?(?=\d{5}$)", re.IGNORECASE)
# 1000 to 9999: the nine départements that begin with 0.
_SHORT = re.compile(r"^[1-9]\d{3}$")


def postcode(cell: str, context: CleanContext) -> str | None:
    """A postcode without spaces or ".0"; in France "1000" is "01000". Other countries' are left as they are."""
    plain = _DECIMAL.sub(r"\1", cell.strip())
    if context.country != "FR":
        return plain
    compact = _FRENCH.sub("", re.sub(r"\s", "", plain))
    if _SHORT.match(compact):
        return f"0{compact}"
    return compact if re.fullmatch(r"\d{5}", compact) else plain


def insee(cell: str, context: CleanContext) -> str | None:
    """The INSEE code of a commune: five signs, Corsica's letter a capital ("2a004" -> "2A004", "1004" -> "01004").

    That of a commune that became part of another is the other's ("49004" -> "49307"): codes change, places stay.
    """
    plain = _DECIMAL.sub(r"\1", cell.strip())
    compact = re.sub(r"\s", "", plain).upper()
    if _SHORT.match(compact):
        compact = f"0{compact}"
    return _current().get(compact, compact) if re.fullmatch(r"\d[\dAB]\d{3}", compact) else plain


@lru_cache(maxsize=1)
def _current() -> dict[str, str]:
    with _FORMER.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["current"] for row in csv.DictReader(file)}
