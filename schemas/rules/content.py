"""Rules on what a text may not hold: numbers of devices, contacts, values that only fill a cell.

Belongs here: finding such content. Does not belong here: deciding what is personal data in a dataset (dataset.yaml).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field
from stdnum import imei

from glane.declaration import Declared, load_declaration
from schemas.rules.rule import Cells, Finding, Rule, Settings

Content = Literal["imei", "serial", "mac", "email", "phone"]

_FOUND: dict[Content, re.Pattern[str]] = {
    "imei": re.compile(r"(?<![\d-])\d{2}[ .-]?\d{6}[ .-]?\d{6}[ .-]?\d(?![\d-])"),
    "serial": re.compile(
        r"\b(?:s/n|sn|serial(?:\s*(?:number|no|n[°o]))?|(?:n[°o]|num[ée]ro)\s*(?:de\s*)?s[ée]rie)\s*[:=#.]?\s*"
        r"(?=[a-z0-9-]*\d)(?P<part>[a-z0-9][a-z0-9-]{4,})",
        re.IGNORECASE,
    ),
    "mac": re.compile(r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b", re.IGNORECASE),
    "email": re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(r"(?<![\d+])(?:\+\d{2,3}[ .-]?|0)[1-9](?:[ .-]?\d{2}){4}(?!\d)"),
}


class Forbidden(Settings):
    """`what`: the kinds of content that may not stand in the fields."""

    what: list[Content] = Field(min_length=1)


class Fillers(Settings):
    """`values`: what else means nothing in these fields, beside fillers.yaml."""

    values: list[str] = Field(default_factory=list)


class _FillerList(Declared):
    values: list[str]


def _forbidden_content(cells: Cells, settings: Forbidden) -> Iterator[Finding]:
    for name, cell in cells.items():
        for kind in settings.what:
            for found in _FOUND[kind].finditer(cell or ""):
                part = found.groupdict().get("part") or found.group()
                if kind == "imei" and not _is_imei(part):
                    continue
                yield Finding(name, f"forbidden_content-{kind}", shown=_masked(cell or "", part))
                break


def _is_imei(part: str) -> bool:
    digits = re.sub(r"\D", "", part)
    return bool(digits.strip("0")) and bool(imei.is_valid(digits))


def _masked(cell: str, part: str) -> str:
    """The cell with what may not be published covered but for its ends, so that the partner finds it."""
    covered = part[:2] + "•" * (len(part) - 3) + part[-1:]
    return cell.replace(part, covered)


def _content_proof(fields: Sequence[str], settings: Forbidden) -> pl.Expr:
    """Without a digit or an @ there is no number of a device and no contact."""
    return ~pl.any_horizontal([pl.col(name).str.contains(r"[\d@]").fill_null(value=False) for name in fields])


@cache
def _fillers() -> frozenset[str]:
    path = Path(__file__).with_name("fillers.yaml")
    return frozenset(map(_plain, load_declaration(path, _FillerList).values))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _not_sentinel(cells: Cells, settings: Fillers) -> Iterator[Finding]:
    others = {_plain(value) for value in settings.values}
    for name, cell in cells.items():
        if cell is not None and (_plain(cell) in _fillers() or _plain(cell) in others):
            yield Finding(name, "not_sentinel", {"cell": cell})


RULES = (
    Rule("forbidden_content", _forbidden_content, 1, None, settings=Forbidden, proof=_content_proof),
    Rule("not_sentinel", _not_sentinel, 1, None, settings=Fillers, form=True),
)
