"""Numbers that registers give to organisations: SIREN and SIRET.

Belongs here: their written form. Does not belong here: their checksum, or whether they are sentinels (rules).
"""

import re

from sources.clean.context import CleanContext

# Spaces stand anywhere (spreadsheets group by thousands); other signs only where a SIREN is grouped, for
# "53.0682354" is a latitude.
_SPACES = re.compile(r"\s")
_GROUPED = re.compile(r"^(\d{3})([.\-])(\d{3})\2(\d{3})(?:\2(\d{5}))?$")


def siret(cell: str, context: CleanContext) -> str | None:
    """A SIRET's 14 digits without spaces ("828 213 371 00012"); a SIREN of nine digits is cleaned, not completed."""
    return _digits(cell, (14, 9))


def siren(cell: str, context: CleanContext) -> str | None:
    """A SIREN's nine digits without spaces."""
    return _digits(cell, (9,))


def _digits(cell: str, lengths: tuple[int, ...]) -> str:
    compact = _SPACES.sub("", re.sub(r"[.,]0$", "", cell.strip()))
    compact = _GROUPED.sub(r"\1\3\4\5", compact)
    return compact if compact.isascii() and compact.isdecimal() and len(compact) in lengths else cell
