"""The départements of France, and the one in which a commune's code or a postcode lies.

Belongs here: what can be said of a row by itself, without any list of communes, so that it is the same for ever. Does
not belong here: communes (reference.py), counting rows (publish/coverage.py).

departments.csv: the codes and names of the départements and of the overseas collectivities, as INSEE's Code officiel
géographique has them. border_postcodes.csv: the communes whose postcode begins like another département's, and the
collectivities that have one alone (97133, 97150, 98799), from @etalab/decoupage-administratif 6.0.0 (COG, Licence
Ouverte 2.0).
"""

import csv
import re
from functools import lru_cache
from pathlib import Path

from schemas.rules.countries import country_code
from schemas.terms import fold

_HERE = Path(__file__).parent
_CODE = re.compile(r"\d[\dAB]\d{3}")
_POSTCODE = re.compile(r"\d{5}")
_POST_OFFICE = re.compile(r"\s+(?:cedex|b\.?p\.?|c\.?s\.?|tsa)\b.*$", re.IGNORECASE)
_SAINT = re.compile(r"\b[sS][tT](e?)(?=[\s.\-]+\w)[\s.\-]+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:le|la|les|l) (?=.)")

FRENCH = frozenset({"FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF"})
"""The ISO 3166-1 codes of France, and of those parts of it that have one of their own."""


@lru_cache(maxsize=1)
def departments() -> dict[str, str]:
    """{code: name}, in the order in which they are listed."""
    with (_HERE / "departments.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


@lru_cache(maxsize=4096)
def country_of_row(cell: str | None) -> str:
    """The country of a row that says `cell`: FR for all parts of France, and where nothing is said."""
    code = country_code(cell) if cell else "FR"
    return "FR" if code in FRENCH else code or "?"


@lru_cache(maxsize=65536)
def department_of(code: str | None, postcode: str | None, commune: str | None) -> str | None:
    """The code of the département of a row in France: by its commune's INSEE `code`, else by its `postcode`; None where
    neither tells."""
    if code is not None and _CODE.fullmatch(code):
        found = _known(code[:3] if code[:2] in ("97", "98") else code[:2])
        if found is not None:
            return found
    if postcode is None or not _POSTCODE.fullmatch(postcode):
        return None
    shared = _borders()
    beyond = shared.get((postcode, folded(commune or ""))) or shared.get((postcode, ""))
    return beyond or _known(_beginning(postcode))


@lru_cache(maxsize=65536)
def folded(commune: str) -> str:
    """A commune's name for comparing: without case, accents, hyphens, the article before it and what post offices write
    behind it; "St" written out."""
    plain = fold(_SAINT.sub(lambda match: f"saint{match[1]} ", _POST_OFFICE.sub("", commune)))
    return _ARTICLE.sub("", plain)


def _beginning(postcode: str) -> str:
    if postcode[:2] == "20":
        return "2A" if postcode < "20200" else "2B"
    return postcode[:3] if postcode[:2] in ("97", "98") else postcode[:2]


def _known(code: str) -> str | None:
    return code if code in departments() else None


@lru_cache(maxsize=1)
def _borders() -> dict[tuple[str, str], str]:
    with (_HERE / "border_postcodes.csv").open(encoding="utf-8", newline="") as file:
        return {(row["postcode"], folded(row["commune"])): row["department"] for row in csv.DictReader(file)}
