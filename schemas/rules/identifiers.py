"""Rules on identifiers of organisations: SIRET, SIREN, RNA, BCE, VAT numbers.

Belongs here: whether a number can be one of its kind. Does not belong here: whether the organisation exists or is
closed, which only a register can say.

python-stdnum knows La Poste's exception to the check digits; it also takes a number of zeros, which some hubs write
where they know none (facts/domain 5): we do not.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from stdnum import get_cc_module
from stdnum.be import vat as bce
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siren as fr_siren
from stdnum.fr import siret as fr_siret
from stdnum.it import codicefiscale

from schemas.rules.countries import countries, country_code
from schemas.rules.rule import Cells, Finding, Rule, Settings

RNA = re.compile(r"W[0-9A-Z]\d{8}")


class OfCountry(Settings):
    """`country`: the alpha-2 code that goes for rows whose country is not said."""

    country: str | None = None


def _siret(cells: Cells, _: Settings) -> Iterator[Finding]:
    ((name, cell),) = cells.items()
    if cell is None:
        return
    digits = re.sub(r"[\s.\u00a0-]", "", cell)
    if digits and not digits.strip("0"):
        yield Finding(name, "siret-zeros")
    elif not digits.isascii() or not digits.isdigit() or len(digits) != 14:
        yield Finding(name, "siret-siren" if len(digits) == 9 and fr_siren.is_valid(digits) else "siret-length")
    elif not fr_siret.is_valid(digits):
        yield Finding(name, "siret")
    elif digits != cell:
        yield Finding(name, "siret-spaces", suggestion=digits)


def _national_id(cells: Cells, settings: OfCountry) -> Iterator[Finding]:
    (name, cell), *others = cells.items()
    code = country_code(others[0][1] if others else None) or settings.country
    if cell is None or code is None:
        return
    compact = re.sub(r"[\s./\u00a0-]", "", cell).upper()
    if compact and not compact.strip("0"):
        yield Finding(name, "siret-zeros")
        return
    checks = _modules(code)
    known = countries().get(code)
    if not checks or known is None:
        return
    if not (any(_valid(module, compact) for module in checks) or (code == "FR" and RNA.fullmatch(compact))):
        phrase = f"national_id-{code}" if code in ("FR", "BE") else "national_id"
        if code == "FR" and re.fullmatch("[0-9]{14}", compact):
            phrase = "siret"
        yield Finding(name, phrase, {} if code in ("FR", "BE") else {"country": known.name})
    elif compact != cell:
        yield Finding(name, "national_id-spaces", suggestion=compact)


@cache
def _modules(code: str) -> tuple[Any, ...]:
    """The kinds of number that organisations of a country are known by; none where Glane knows no kind."""
    vat = get_cc_module(code.lower(), "vat")
    european = (eu_vat,) if code.lower() in eu_vat.MEMBER_STATES else ()
    if code == "FR":
        return (fr_siret, fr_siren, vat, *european)
    if code == "BE":
        return (bce, *european)
    if code == "IT":
        return (vat, codicefiscale, *european)
    return ((vat,) if vat else ()) + european


def organisation_number(number: str | None, country: str | None) -> str | None:
    """The organisation that a valid national number names, the same however the number is written: its country and, in
    France, the SIREN that begins the SIRET of each of its places. None where it names none."""
    code = country_code(country)
    compact = re.sub(r"[\s./\u00a0-]", "", number or "").upper()
    if code is None or not compact.strip("0"):
        return None
    if code == "FR" and RNA.fullmatch(compact):
        return f"FR {compact}"
    fitting = next((module for module in _modules(code) if _valid(module, compact)), None)
    if fitting is None:
        return None
    if code == "FR":
        return f"FR {compact[:9] if fitting is fr_siret else compact[-9:]}"
    core = re.sub(rf"^(?:{code}|EL)", "", compact)
    return f"{code} {core.zfill(10) if code == 'BE' else core}"


def _valid(module: Any, number: str) -> bool:
    try:
        module.validate(number)
    except ValidationError:
        return False
    return True


RULES = (
    Rule("siret", _siret, 1, 1, form=True),
    Rule("national_id", _national_id, 1, 2, settings=OfCountry, form=True),
)
