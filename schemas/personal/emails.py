"""E-mail addresses of persons, also where they are written so that machines should not find them.

Belongs here: finding addresses in a text, and telling a person's from a role's by first names, mail providers and words
of roles. Does not belong here: whether an address is valid (rules/contact.py).
"""

import re
from collections.abc import Iterator
from functools import cache

import polars as pl

from schemas.personal.finding import Context, Finding, Sureness
from schemas.personal.vocabulary import folded, folded_first_names, mail_providers, namesakes, role_words

_DOT = r"(?:\.|\s*[\[({]\s*(?:point|dot|punto|ponto|punt)\s*[\])}]\s*|\s+(?:point|dot|punto|ponto|punt)\s+)"
_AT = (
    r"(?:@|&#0*64;|&#x0*40;|&commat;|%40|\s*[\[({<]\s*(?:at|a|arobase|arobas|arroba|chiocciola|@)\s*[\])}>]\s*"
    r"|\s+(?:arobase|arobas|arroba|chiocciola|apenstaartje|at)\s+|\s@\s)"
)
_LOCAL = r"[^\W_](?:[\w+'-]|\.(?=\w))*"
_DOMAIN = rf"[a-z0-9][a-z0-9-]*(?:{_DOT}[a-z0-9][a-z0-9-]*)*?{_DOT}(?:[a-z]{{2,24}})(?![a-z0-9-]|\.[a-z0-9])"
_ADDRESS = re.compile(
    rf"(?<![\w.+-])(?P<local>{_LOCAL}(?:{_DOT}[\w+-]+)*)(?P<at>{_AT})(?P<domain>{_DOMAIN})", re.IGNORECASE
)
SIGNS = (
    r"@|&#0*64;|&#x0*40;|&commat;|%40|\barob|\barroba\b|\bchiocciola\b|\bapenstaartje\b|\bat\b"
    r"|[\[({<]\s*a\s*[\])}>]"
)
_WRITTEN_DOT = re.compile(_DOT, re.IGNORECASE)
_SAINT = frozenset({"saint", "sainte", "st", "ste", "san", "santa", "sant", "sint", "sankt", "notre", "place", "rue"})
_GLUED = 6
_LONG_FIRST_NAME = 4


def suspected(text: pl.Expr, _: Context) -> pl.Expr:
    """The texts that may hold an address at all."""
    return text.str.contains(f"(?i){SIGNS}") & ~text.str.contains(_plain_role())


def find_emails(text: str, _: Context) -> Iterator[Finding]:
    """Every address in the text that is a person's."""
    for match in _ADDRESS.finditer(text):
        local, domain = (_WRITTEN_DOT.sub(".", match[part]).casefold() for part in ("local", "domain"))
        known = whose(local, domain)
        if known is not None:
            yield Finding("email", match.start(), match.end(), *known)


def whose(local: str, domain: str) -> tuple[str, Sureness] | None:
    """By what an address is known as a person's, and how surely; None where it is a role's, or nothing tells.

    data-inclusion knows them by a first name at a mail provider; here a first and a last name tell at any domain.
    """
    parts = (part.strip("0123456789") for part in re.split(r"[\W_]+", folded(local)))
    # Letters and digits mixed are a code: nobody's name.
    tokens = [part for part in parts if part.isalpha()]
    if not tokens or _names_a_role(tokens):
        return None
    anybody_s = domain in mail_providers()
    names = folded_first_names()
    borne = [
        token
        for place, token in enumerate(tokens)
        if token in names and (len(token) > 2 or len(tokens) == 2) and not _saint(tokens, place)
    ]
    others = [token for token in tokens if token not in borne]
    if borne and (len(tokens) > 1 or anybody_s):
        if anybody_s:
            return "a first name, at a mail provider", "sure"
        full = len(borne) > 1 or any(len(token) > 1 for token in others)
        return ("a first and a last name", "sure") if full else ("a first name and an initial", "sure")
    if borne:
        return "a first name alone", "likely"
    if len(tokens) == 2 and sorted(map(len, tokens))[0] == 1 and max(map(len, tokens)) > 3:
        return "an initial and a name", "likely"
    if anybody_s and len(tokens) == 1 and _begins_with_first_name(tokens[0]):
        return "begins or ends like a first name, at a mail provider", "likely"
    return None


def _names_a_role(tokens: list[str]) -> bool:
    if " ".join(tokens) in namesakes():
        return True
    return not role_words().isdisjoint(tokens) or _glued_role().search("".join(tokens)) is not None


@cache
def _glued_role() -> re.Pattern[str]:
    """A word of a role that other words are glued to: `mairiedumans`, `lamediatheque`."""
    words = "|".join(sorted(role for role in role_words() if len(role) >= _GLUED))
    long = "|".join(sorted(role for role in role_words() if len(role) > _GLUED))
    return re.compile(f"^(?:{words})|(?:{words})$|{long}")


@cache
def _plain_role() -> str:
    """The commonest address needs no second look: a role and nothing more."""
    words = "|".join(sorted(role for role in role_words() if role.isalpha()))
    return rf"(?i)^(?:{words})@[a-z0-9.-]+$"


def _saint(tokens: list[str], place: int) -> bool:
    return place > 0 and tokens[place - 1] in _SAINT


def _begins_with_first_name(token: str) -> bool:
    names = folded_first_names()
    cuts = range(_LONG_FIRST_NAME, len(token) - 2)
    return any(token[:cut] in names or (cut >= _GLUED and token[-cut:] in names) for cut in cuts)
