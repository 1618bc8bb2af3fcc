"""Numbers of mobile telephones: somebody carries them.

Belongs here: finding them in a text as partners write them. Does not belong here: whether a number is valid
(rules/contact.py), and whose a mobile is: a service may have one, and a decision says so.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberType

from schemas.personal.finding import Context, Finding


class _Plan(NamedTuple):
    """How a country numbers its mobiles: its code, what is dialled before at home, first digits, digits that follow."""

    code: str
    trunk: str
    first: tuple[str, ...]
    follow: str


# Public numbering plans: ARCEP, IBPT, CNMC, ANACOM, AGCOM, Ofcom, ACM, ILR, OFCOM, BNetzA, OPT.
_PLANS: dict[str, _Plan] = {
    "FR": _Plan("33", "0", ("[67]",), "8"),
    "RE": _Plan("262", "0", ("6", "[39]", r"\d"), "6"),
    "GP": _Plan("590", "0", ("6", "9"), "7"),
    "GF": _Plan("594", "0", ("6", "9"), "7"),
    "MQ": _Plan("596", "0", ("6", "9"), "7"),
    "BE": _Plan("32", "0", ("4", "[5-9]"), "7"),
    "ES": _Plan("34", "", ("[67]",), "8"),
    "PT": _Plan("351", "", ("9", "[1236]"), "7"),
    "IT": _Plan("39", "", ("3", "[2-9]"), "7,8"),
    "GB": _Plan("44", "0", ("7", "[1-57-9]"), "8"),
    "NL": _Plan("31", "0", ("6", "[1-58]"), "7"),
    "LU": _Plan("352", "", ("6", "[269]", "1"), "6"),
    "CH": _Plan("41", "0", ("7", "[4-9]"), "7"),
    "DE": _Plan("49", "0", ("1", "[5-7]"), "8,9"),
    "NC": _Plan("687", "", ("[789]", r"\d"), "4"),
    "PF": _Plan("689", "", ("8", "[79]"), "6"),
}
_AT_HOME = {"YT": "RE", "BL": "GP", "MF": "GP"}
# Six digits are anything, unless they stand in a column of numbers.
_SHORT = frozenset({"NC", "PF"})
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.PERSONAL_NUMBER})
_SEP = r"(?:[ \x{a0}\x{202f}]{0,2}|[ .\-/_\x{2011}])"


def _spelt(plan: _Plan) -> str:
    return _SEP.join(plan.first) + rf"(?:{_SEP}\d){{{plan.follow}}}"


_FROM_ABROAD = "|".join(rf"{plan.code}{_SEP}(?:\(0\){_SEP})?{_spelt(plan)}" for plan in _PLANS.values())
_ELSEWHERE = rf"[1-9](?:{_SEP}\d){{7,13}}"


def suspected(text: pl.Expr, context: Context) -> pl.Expr:
    """The texts that may hold a number at all."""
    codes = "|".join(plan.code for plan in _PLANS.values())
    known = "|".join([rf"(?:\+|00){_SEP}(?:{_FROM_ABROAD})", *_forms(context)])
    elsewhere = text.str.contains(rf"(?:\+|00){_SEP}{_ELSEWHERE}") & ~text.str.contains(rf"^\+(?:{codes})\d+$")
    return text.str.contains(known) | elsewhere


def find_mobiles(text: str, context: Context) -> Iterator[Finding]:
    """Every number of a mobile in the text, written for abroad or for the context's country; French ones always."""
    for match in _abroad().finditer(text):
        end = match.end() if match["known"] else _end_of_number(match.group(), match.start())
        if end is not None:
            yield Finding("mobile", match.start(), end, "the number of a mobile", "likely")
    for match in _at_home(_forms(context)).finditer(text):
        if _is_something_else(match.group()):
            continue
        yield Finding("mobile", match.start(), match.end(), "the number of a mobile", "likely")


def _forms(context: Context) -> tuple[str, ...]:
    """What a mobile's number looks like at home, in the context's country and in France."""
    country = _AT_HOME.get(context.country, context.country)
    plans = [country] if country in _PLANS and (country not in _SHORT or "tel" in context.headers.casefold()) else []
    return tuple(f"{_PLANS[one].trunk}{_SEP}{_spelt(_PLANS[one])}" for one in dict.fromkeys([*plans, "FR"]))


@cache
def _abroad() -> re.Pattern[str]:
    codes = "|".join(plan.code for plan in _PLANS.values())
    return _compiled(rf"(?<![\w+])(?:\+|00){_SEP}(?:(?P<known>{_FROM_ABROAD})(?!\d)|(?!{codes}){_ELSEWHERE})")


@cache
def _at_home(forms: tuple[str, ...]) -> re.Pattern[str]:
    # What stands behind the code of a country is no number of this one.
    abroad = r"(?<!\+\d[ .])(?<!\+\d\d[ .])(?<!\+\d{3}[ .])"
    return _compiled(rf"(?<![\w+@.,=/-]){abroad}(?:{'|'.join(forms)})(?!\w|[.,]\d|-\w)")


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of polars' for Python, which writes a sign by its number otherwise."""
    return re.compile(re.sub(r"\\x\{(\w+)\}", lambda sign: chr(int(sign[1], 16)), pattern))


def _is_something_else(text: str) -> bool:
    """Two dates (07/02/23-07/03), or two postcodes (06700 34000)."""
    signs = set(re.findall(r"[^\d\s]", text))
    return ("-" in signs and len(signs) > 1) or re.fullmatch(r"\d{5}\s\d{5}", text) is not None


def _end_of_number(text: str, start: int) -> int | None:
    """Where a mobile's number ends whose country has no plan here: what stands behind may look like more of it."""
    ends = (end for end in range(len(text), 7, -1) if text[end - 1].isdigit())
    return next((start + end for end in ends if _is_mobile(text[:end])), None)


@lru_cache(50_000)
def _is_mobile(number: str) -> bool:
    try:
        parsed = phonenumbers.parse("+" + number[2:] if number.startswith("00") else number, None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) in _MOBILE
