"""Rules on how to reach a place: telephone, e-mail, web address, opening hours.

Belongs here: whether such a cell is well formed. Does not belong here: whether someone answers there, nor whether it
is personal data.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import opening_hours
import phonenumbers
import polars as pl

from schemas.rules.countries import country_code
from schemas.rules.rule import Cells, Finding, Rule, Settings, parts

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]")
_EMAIL = re.compile(rf"[a-zA-Z0-9_%+'-]+(?:\.[a-zA-Z0-9_%+'-]+)*@{_HOST.pattern}")
_PROVEN_SEPARATORS = ("|", ";", ",")
_PROVEN_HOST = r"[a-z0-9]+(?:[.-][a-z0-9]+)*\.[a-z]{2,10}"


class OfCountry(Settings):
    """`country`: the alpha-2 code that goes for rows whose country is not said."""

    country: str | None = None


class Several(Settings):
    """`separator`: what stands between several values in one cell; none where a cell holds one value."""

    separator: str | None = None


def _phone(cells: Cells, settings: OfCountry) -> Iterator[Finding]:
    (name, cell), *others = cells.items()
    if cell is None or _proven_number(cell):
        return
    region = country_code(others[0][1] if others else None) or settings.country
    try:
        number = phonenumbers.parse(cell, region)
    except phonenumbers.NumberParseException:
        yield Finding(name, "phone")
        return
    if phonenumbers.is_valid_number(number) and number.extension is None:
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if written != cell:
            yield Finding(name, "phone-form", suggestion=written)
    elif not (region and cell.isdigit() and phonenumbers.is_valid_short_number_for_region(number, region)):
        yield Finding(name, "phone")


def _proven_number(cell: str) -> bool:
    """Whether the library's own patterns prove the number valid at once; parsing one costs twenty times as much."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", cell):
        return False
    for length in (1, 2, 3):
        code = int(cell[1 : 1 + length])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            rest = cell[1 + length :]
            return rest[0] != "0" and any(kind.fullmatch(rest) for kind in _kinds(code))
    return False


@cache
def _kinds(code: int) -> tuple[re.Pattern[str], ...]:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(regions[0], None)
    if metadata is None or len(regions) > 1:
        return ()
    kinds = (metadata.fixed_line, metadata.mobile, metadata.voip, metadata.toll_free, metadata.shared_cost)
    return tuple(re.compile(kind.national_number_pattern) for kind in kinds if kind and kind.national_number_pattern)


def _email(cells: Cells, settings: Several) -> Iterator[Finding]:
    for name, cell in cells.items():
        for position, part in parts(cell, settings.separator):
            if not _EMAIL.fullmatch(part):
                yield Finding(name, "email", {"part": part}, _readable_email(part), position)


def _readable_email(part: str) -> str | None:
    text = re.sub(r"^mailto:|^<|>$", "", part.strip(), flags=re.IGNORECASE)
    text = re.sub(r"\s*[\[(]\s*(?:at|arobase|@)\s*[\])]\s*", "@", text, flags=re.IGNORECASE)
    text = re.sub(r"\s*([@.])\s*", r"\1", text).rstrip(".,;")
    return text if text != part and _EMAIL.fullmatch(text) else None


def _url(cells: Cells, settings: Several) -> Iterator[Finding]:
    for name, cell in cells.items():
        for position, part in parts(cell, settings.separator):
            if not _is_url(part):
                yield Finding(name, "url", {"part": part}, _readable_url(part), position)


def _is_url(part: str) -> bool:
    if re.search(r"[\s<>\"]", part):
        return False
    try:
        pieces = urlsplit(part)
        port_fits = pieces.port is None or pieces.port > 0
        host = (pieces.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        return False
    return pieces.scheme in ("http", "https") and port_fits and _HOST.fullmatch(host) is not None


def _readable_url(part: str) -> str | None:
    text = re.sub(r"^(https?):?/*(?=[a-z0-9])", r"\1://", part.strip(), flags=re.IGNORECASE)
    if not re.match("https?://", text, re.IGNORECASE):
        text = f"https://{text}"
    text = re.sub(r"^https?", lambda scheme: scheme.group().lower(), text, flags=re.IGNORECASE)
    return text if text != part and _is_url(text) else None


def _opening_hours(cells: Cells, _: Settings) -> Iterator[Finding]:
    ((name, cell),) = cells.items()
    if cell is not None and not _is_hours(cell):
        yield Finding(name, "opening_hours")


def _is_hours(cell: str) -> bool:
    return bool(cell.strip()) and bool(opening_hours.validate(cell))


def _email_proof(fields: Sequence[str], settings: Several) -> pl.Expr:
    return _matches(rf"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*@{_PROVEN_HOST}", fields, settings)


def _url_proof(fields: Sequence[str], settings: Several) -> pl.Expr:
    return _matches(rf"https?://{_PROVEN_HOST}(?:/[a-zA-Z0-9/._~%?=&#+-]*)?", fields, settings)


def _matches(one: str, fields: Sequence[str], settings: Several) -> pl.Expr:
    """Every field is empty or holds what is known to be right without looking closer."""
    if settings.separator is None:
        pattern = f"^{one}$"
    elif settings.separator in _PROVEN_SEPARATORS:
        pattern = f"^{one}(?:[{settings.separator}]{one})*$"
    else:
        return pl.all_horizontal([pl.col(name).is_null() for name in fields])
    return pl.all_horizontal([pl.col(name).str.contains(pattern).fill_null(value=True) for name in fields])


RULES = (
    Rule("phone", _phone, 1, 2, settings=OfCountry, form=True),
    Rule("email", _email, 1, None, settings=Several, proof=_email_proof, form=True),
    Rule("url", _url, 1, None, settings=Several, proof=_url_proof, form=True),
    Rule("opening_hours", _opening_hours, 1, 1, form=True),
)
