"""What a finding of personal data is, and how it is covered wherever a person may read it.

Belongs here: these values. Does not belong here: how it is found (emails.py ... numbers.py) and what is done about it
(gate.py).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["email", "mobile", "name", "national-id", "bank-account"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Sureness = Literal["sure", "likely"]

COVER = "•••"


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data in one text, from `start` to `end`. `why` (English, short) says by what it was known and never
    repeats it."""

    kind: Kind
    start: int
    end: int
    why: str
    sureness: Sureness


@dataclass(frozen=True, slots=True)
class Context:
    """What is known around a text: the country its numbers are written for (ISO 3166 alpha-2), the names of its field
    and of the partner's columns that it comes from, and whether those say that people stand there."""

    country: str = "FR"
    headers: str = ""
    people: bool = False


def masked(text: str, findings: Iterable[Finding]) -> str:
    """The text as it may be published: each finding is replaced by COVER."""
    return _replaced(text, findings, whole=True)


def covered(text: str, findings: Iterable[Finding]) -> str:
    """The text as a report may show it: of each finding as much stays as its owner needs to find the cell again."""
    return _replaced(text, findings, whole=False)


def apart(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in the order of the text, none inside another: the surer, then the longer one stays."""
    kept: list[Finding] = []
    for one in sorted(findings, key=lambda f: (f.sureness != "sure", f.start - f.end, f.start)):
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda f: f.start))


def _replaced(text: str, findings: Iterable[Finding], *, whole: bool) -> str:
    parts, at = [], 0
    for found in sorted(findings, key=lambda f: f.start):
        if found.start >= at:
            inside = text[found.start : found.end]
            parts += [text[at : found.start], COVER if whole else _hint(found.kind, inside)]
            at = found.end
    return "".join([*parts, text[at:]])


def _hint(kind: Kind, text: str) -> str:
    if kind == "email":
        local, sign, domain = text.partition("@")
        return f"{local[:1]}{COVER}@{domain[:1]}{COVER}" if sign else f"{text[:1]}{COVER}"
    if kind == "name":
        return " ".join(f"{word[0]}{COVER}" for word in text.split())
    digits = re.findall(r"\w", text)
    return f"{text[:2]}{COVER}{digits[-1] if kind == 'mobile' and digits else ''}"
