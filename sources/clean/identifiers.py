"""Numbers that registers give to organisations: SIREN and SIRET.

Belongs here: their written form. Does not belong here: their checksum, or whether they are sentinels (rules).
"""

import re

from sources.clean.context import CleanContext

_APART = re.compile(r"[\s.\-_/\u00a0\u202f]")


def siret(cell: str, context: CleanContext) -> str | None:
    """A SIRET's 14 digits without spaces ("828 213 371 00012"); a SIREN of nine digits is cleaned, not completed."""
    return _digits(cell, (14, 9))


def siren(cell: str, context: CleanContext) -> str | None:
    """A SIREN's nine digits without spaces."""
    return _digits(cell, (9,))


def _digits(cell: str, lengths: tuple[int, ...]) -> str:
    compact = _APART.sub("", re.sub(r"[.,]0+$", "", cell.strip()))
    return compact if compact.isascii() and compact.isdecimal() and len(compact) in lengths else cell
