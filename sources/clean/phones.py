"""Telephone numbers to E.164.

Belongs here: reading numbers as people write them, overseas prefixes by postcode. Does not belong here: whether a
number may be published (personal data is judged by the dataset).
"""

import re
from contextlib import suppress

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from sources.clean.context import CleanContext

# Overseas départements and collectivities have telephone regions of their own (postcodes begin so).
_OVERSEAS = {
    "971": "GP",
    "972": "MQ",
    "973": "GF",
    "974": "RE",
    "975": "PM",
    "976": "YT",
    "977": "BL",
    "978": "MF",
    "986": "WF",
    "987": "PF",
    "988": "NC",
}
# France's short numbers: 3639, 15, 115, 1014, 118 218, 116 117.
_SHORT = re.compile(r"^(?:3\d\s?\d\d|1\d{1,2}|10\d\d|11[68]\s?\d{3})$")
_FROM_FRANCE = re.compile(r"(?:\+|00)33((?:262|263|269|590|594|596|639|690|691|692|693|694|696|697)\d{6})")
_OLD_MAYOTTE = re.compile(r"(?:\+|00)269((?:269|639)\d{6})")
_LABEL = re.compile(r"^[^\d+(]+")
_NUMBER = re.compile(r"\+?[\d\s()./\-]+")
_DEGREES = re.compile(r"\d{1,3}\.\d{4,}")
_BETWEEN = re.compile(r"[/;,|\n]|\s-\s|\s+(?:et|ou|puis)\s+")


def phone(cell: str, context: CleanContext) -> str | None:
    """The first valid number in the cell: "02 48 27 15 00 / 06 39 98 12 12" -> "+33248271500". "3639" stays."""
    if context.country == "FR" and _SHORT.match(cell.strip()):
        return re.sub(r"\s", "", cell)
    return next(iter(_numbers(cell, context)), cell)


def phones(cell: str, context: CleanContext) -> str | None:
    """Every number in the cell, joined by `|`; unchanged where one of them is none."""
    parts = [part for part in _BETWEEN.split(cell) if part.strip()]
    found = [number for part in parts for number in _numbers(part, context)[:1]]
    return "|".join(dict.fromkeys(found)) if parts and len(found) == len(parts) else cell


def _numbers(cell: str, context: CleanContext) -> list[str]:
    candidates = [cell, *_BETWEEN.split(cell)] if _BETWEEN.search(cell) else [cell]
    return [number for part in candidates if (number := _e164(part, context))]


def _e164(text: str, context: CleanContext) -> str | None:
    # "Tél. 02 41 43 28 13" has a number; "658-odspep" and "47.4620956" have none, whatever phonenumbers makes of them.
    text = _LABEL.sub("", text.strip())
    if not _NUMBER.fullmatch(text) or _DEGREES.fullmatch(text):
        return None
    compact = re.sub(r"[\s.\-]", "", text)
    text = _prefixed(compact, context) or text
    for region in _regions(context):
        for written in (text, f"0{compact}") if re.fullmatch(r"[1-9](?:\s?\d){8}", text) else (text,):
            try:
                number = phonenumbers.parse(written, region or None)
            except NumberParseException:
                continue
            if phonenumbers.is_valid_number(number) and not number.extension:
                return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return None


def _prefixed(compact: str, context: CleanContext) -> str | None:
    """The number of a text whose prefix was written wrongly, where only one can be meant; None where it was not."""
    for region in filter(None, _regions(context)[:2]):
        code = str(phonenumbers.country_code_for_region(region))
        # "33241432813": the sign before the prefix was lost, as spreadsheets lose it.
        if compact.startswith(code) and 10 <= len(compact) <= 12:
            with suppress(NumberParseException):
                if phonenumbers.is_valid_number(phonenumbers.parse(f"+{compact}", None)):
                    return f"+{compact}"
    # "+33 262 ...": numbers overseas are dialled 0262 from France, and have a prefix of their own from elsewhere.
    if match := _FROM_FRANCE.fullmatch(compact):
        return f"0{match[1]}"
    # Mayotte had the Comoros' prefix, until 2007.
    if context.postcode.startswith("976") and (match := _OLD_MAYOTTE.fullmatch(compact)):
        return f"0{match[1]}"
    return None


def _regions(context: CleanContext) -> list[str]:
    if context.country != "FR":
        return [context.country]
    # One numbering plan serves France and its départements overseas: 0262 can only be La Réunion's. Saint-Pierre and
    # the collectivities of the Pacific have short numbers too, which mean something only with their postcode: "02 61 91
    # 2" is a number cut short, not Saint-Pierre's 261912.
    overseas = _OVERSEAS.get(context.postcode[:3])
    return [*([overseas] if overseas else []), "FR", "GP", "MQ", "GF", "RE", "YT"]
