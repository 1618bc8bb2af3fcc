"""Numbers that states and banks give to persons: national identity, social security, tax, accounts.

Belongs here: finding them by their form, their check digits and the words around them. Does not belong here: numbers of
organisations (rules/identifiers.py).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import polars as pl
from stdnum import iban
from stdnum.be import nn
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pt import nif

from schemas.personal.finding import Context, Finding, Kind, Sureness

_NEAR = 40
"""How many signs before a number its name may stand."""


@dataclass(frozen=True)
class _Number:
    """One number: its form, its check, what it is called, and the country where it needs no name to be known.

    `alone`: its check digits and form are proof enough anywhere.
    """

    name: str
    pattern: str
    valid: Callable[[str], bool]
    called: re.Pattern[str]
    country: str
    alone: bool = False
    kind: Kind = "national-id"

    @cached_property
    def form(self) -> re.Pattern[str]:
        """Its pattern, where it stands alone: not in a longer number, an address or a reference."""
        return re.compile(rf"(?<![\w+.-]){self.pattern}(?![\w])", re.IGNORECASE)


def _called(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


_NIR = r"[12378]\s?\d\d\s?(?:0[1-9]|1[0-2]|[2-9]\d)\s?(?:\d\d|2[AB])\s?\d{3}\s?\d{3}(?:\s?[-/]?\s?\d\d)?"
_NUMBERS = (
    _Number(
        "a French social security number (NIR)",
        _NIR,
        lambda text: len(re.sub(r"\W", "", text)) == 15 and nir.is_valid(text),
        _called(r"NIR|INSEE|s[ée]cu|s[ée]curit[ée] sociale|NNI|immatriculation"),
        "FR",
        alone=True,
    ),
    _Number(
        "a French social security number (NIR) without its key",
        _NIR,
        lambda text: len(re.sub(r"\W", "", text)) == 13,
        _called(r"NIR|s[ée]cu|s[ée]curit[ée] sociale|NNI"),
        "",
    ),
    _Number(
        "a Belgian national register number",
        r"\d\d\.\d\d\.\d\d[- ]\d{3}[. -]\d\d",
        nn.is_valid,
        _called(r"NISS|INSZ|registre national|rijksregister\w*"),
        "BE",
        alone=True,
    ),
    _Number(
        "a Belgian national register number",
        r"\d\d[ .]?\d\d[ .]?\d\d[ -]?\d{3}[ .-]?\d\d",
        nn.is_valid,
        _called(r"NISS|INSZ|RN|RRN|registre national|rijksregister\w*|national number"),
        "BE",
    ),
    _Number("a Spanish identity number (DNI)", r"\d{8}[- ]?[A-Z]", dni.is_valid, _called("DNI|NIF"), "ES"),
    _Number("a Spanish identity number (NIE)", r"[XYZ][- ]?\d{7}[- ]?[A-Z]", nie.is_valid, _called("NIE"), "ES"),
    _Number(
        "an Italian tax number of a person (codice fiscale)",
        r"[A-Z]{6}\s?\d\d[A-EHLMPRST]\d\d\s?[A-Z]\d{3}[A-Z]",
        codicefiscale.is_valid,
        _called("codice fiscale|C\\.?F\\.?"),
        "IT",
        alone=True,
    ),
    _Number(
        "a Portuguese tax number of a person (NIF)",
        # Those of companies begin with 5, 6, 8 or 9.
        r"[123]\d\d\s?\d{3}\s?\d{3}",
        nif.is_valid,
        _called("NIF|contribuinte|national_id"),
        "",
    ),
    _Number("a Dutch service number (BSN)", r"\d{9}", bsn.is_valid, _called("BSN|burgerservicenummer"), ""),
    _Number(
        "the number of a bank account (IBAN)",
        r"[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?",
        # Which banks a country has is no matter here.
        lambda text: iban.is_valid(text, check_country=False),
        _called("IBAN"),
        "",
        alone=True,
        kind="bank-account",
    ),
)


def suspected(text: pl.Expr, context: Context) -> pl.Expr:
    """The texts that may hold such a number at all: something of its form, and its name or its country beside it."""
    asked = []
    for number in _NUMBERS:
        called = number.alone or number.country == context.country or _calls(number, context.headers)
        formed = text.str.contains(f"(?i){number.pattern}")
        asked.append(formed if called else formed & text.str.contains(f"(?i){number.called.pattern}"))
    return pl.any_horizontal(asked)


def find_numbers(text: str, context: Context) -> Iterator[Finding]:
    """Every number of a person or an account in the text."""
    for number in _NUMBERS:
        for match in number.form.finditer(text):
            named = _calls(number, f"{context.headers} {text[max(0, match.start() - _NEAR) : match.start()]}")
            known = number.alone or named or number.country == context.country
            if known and (found := _valid_part(number, match.group())):
                sure: Sureness = "sure" if named or number.alone else "likely"
                yield Finding(number.kind, match.start(), match.start() + len(found), number.name, sure)


def _calls(number: _Number, around: str) -> bool:
    return number.called.search(around) is not None or number.called.search(around.replace("_", " ")) is not None


@lru_cache(100_000)
def _valid_part(number: _Number, text: str) -> str:
    """The text, or so much of its beginning as is a valid number: a word behind may look like its last digits."""
    shorter = text.rpartition(" ")[0]
    return next((part for part in (text, shorter) if part and number.valid(part)), "")
