"""Names of persons in texts, and in columns that hold people.

Belongs here: finding names, and telling somebody from a street, a building or an organisation that bears a name. Does
not belong here: the lists of words (vocabulary.py).
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

import polars as pl

from schemas.personal.finding import Context, Finding, Sureness
from schemas.personal.vocabulary import (
    civilities,
    first_names,
    folded,
    folded_first_names,
    namesakes,
    office_words,
    person_words,
    place_words,
    role_words,
    words_of,
)

_CAPITAL = r"[A-ZÀ-ÖØ-ÞŁŒŠŽ]"
_LETTERS = r"[^\W\d_]"
_WORD = rf"{_CAPITAL}{_LETTERS}*(?:['’-]{_LETTERS}+)*"
_GAP = r"[ \u00a0\u202f]+"
_PARTICLES = "de la|van de[nr]?|von der|de|du|des|van|von|el|al|ben|bel|le|la|del|della|di|da|dos|das|do".replace(
    " ", _GAP
)
_PARTICLE = rf"(?:(?i:{_PARTICLES}){_GAP}|(?i:d)['’])"
_INITIAL = rf"{_CAPITAL}\.?"
_TOKEN = re.compile(rf"(?<![\w-])(?<!\w['’]){_WORD}(?![\w])")
_SEPARATORS = re.compile(r"[/,;&\n\r|+]|\s-\s|\bet\b|\band\b|\by\b|\be\b")
_CALLED = re.compile(
    rf"(?:{_GAP})?((?:{_INITIAL}{_GAP})?(?:{_PARTICLE})?{_WORD}(?:{_GAP}(?:{_PARTICLE})?{_WORD}){{0,2}})"
)
_ANNOUNCED = re.compile(
    rf"(?P<what>{_LETTERS}+)\s*:\s*(?P<name>{_LETTERS}{{3,}}(?:-{_LETTERS}+)?(?:{_GAP}{_LETTERS}{{2,}})?)"
)
_ABBREVIATED = re.compile(r"\b(st|ste|bd|av|dr|pr|m)\.", re.IGNORECASE)
_CLAUSE = re.compile(r"[.;:!?()\[\]|\n\r]")
_LOOK_BACK = 7
_CLAUSE_MAX = 120
_ACCENTS = {"a": "[aàâäáã]", "c": "[cç]", "e": "[eéèêë]", "i": "[iîïí]", "o": "[oôöóõ]", "u": "[uùûüú]"}
_LONGEST_NAME = 5


def suspected(text: pl.Expr, context: Context) -> pl.Expr:
    """The texts that may hold a name at all: a first name as it is written, a civility; any in a column of people."""
    if context.people:
        return pl.lit(value=True)
    announced = text.str.contains(r"\p{L}\s*:\s*\p{Ll}")
    named = text.str.contains_any(_written_first_names()) | text.str.contains(civility().pattern)
    return announced | named


def innocent(text: pl.Expr, context: Context) -> pl.Expr:
    """Of these, the texts that surely hold none: the word of a street or a site comes first, no person's follows."""
    if context.people:
        return pl.lit(value=False)
    return text.str.contains(_place_first()) & ~text.str.contains(_any_person_word())


def find_names(text: str, context: Context) -> Iterator[Finding]:
    """Every name of a person in the text. In a column of people the cell itself is a name unless it says a role."""
    if context.people:
        yield from _in_a_column_of_people(text)
    yield from _after_civility(text)
    yield from _first_and_last(text)
    yield from _after_colon(text)


def _after_civility(text: str) -> Iterator[Finding]:
    for match in civility().finditer(text):
        name = _CALLED.match(text, match.end())
        if name is None:
            continue
        words = words_of(name[1])
        if (
            len("".join(words)) < 2
            or words[0] in office_words()
            or _names_a_place(_before(text, match.start()))
            or _is_namesake(name[1])
        ):
            continue
        end = _end_of_name(text, name.start(1), name.end(1))
        yield Finding("name", match.start(), end, "a civility and a name", "sure")


def _first_and_last(text: str) -> Iterator[Finding]:
    """A first name and what follows or, in capitals, what stands before it."""
    tokens = list(_TOKEN.finditer(text))
    taken = -1
    for place, token in enumerate(tokens):
        if token.start() < taken or not _is_first_name(token.group()):
            continue
        span = _with_last_name(text, tokens, place)
        start = token.start() if span is None else span[0]
        before = _before(text, start)
        said = _said_of_a_person(text, start, before)
        if span is None and said:
            yield Finding("name", token.start(), token.end(), "a first name that is asked for", "likely")
        elif span is not None and not _names_a_place(before) and not _is_namesake(text[span[0] : span[1]]):
            taken = span[1]
            yield Finding("name", *span, "a first and a last name", "sure" if said else "likely")


def _with_last_name(text: str, tokens: list[re.Match[str]], place: int) -> tuple[int, int] | None:
    token = tokens[place]
    start, end = token.start(), token.end()
    here = place
    while here + 1 < len(tokens) and _is_first_name(tokens[here + 1].group()) and _touch(text, end, tokens[here + 1]):
        here += 1
        end = tokens[here].end()
    after = next((one for one in tokens[here + 1 : here + 4] if folded(one.group()) not in _particle_words()), None)
    if after is not None and _touch(text, end, after):
        particle = text[end : after.start()].strip()
        # "de la Tour": behind a particle, the word of a place is a name.
        of_family = particle and not particle.endswith(".") and office_words().isdisjoint(words_of(after.group()))
        if of_family or _may_be_last_name(after.group()):
            return start, after.end()
        if len(after.group()) == 1 and text[after.end() : after.end() + 1] == ".":
            return start, after.end() + 1
    if here > place:
        return start, end
    before = tokens[place - 1] if place else None
    if before is not None and before.group().isupper() and len(before.group()) > 1:
        mixed = not token.group().isupper()
        touching = re.fullmatch(_GAP, text[before.end() : token.start()]) is not None
        if touching and mixed and _may_be_last_name(before.group()):
            return before.start(), end
    return None


def _after_colon(text: str) -> Iterator[Finding]:
    """ "référente : fatoumata diallo": a name without capitals, where one is announced."""
    for match in _ANNOUNCED.finditer(text):
        words = words_of(match["name"])
        known = words_of(match["what"])[-1:] and words_of(match["what"])[-1] in person_words()
        if known and words[0] in folded_first_names() and not _is_namesake(match["name"]):
            last = len(words) > 1 and words[1] not in _not_a_last_name()
            end = match.end("name") if last else match.start("name") + len(match["name"].split()[0])
            yield Finding("name", match.start("name"), end, "a first name that is announced", "likely")


def _in_a_column_of_people(text: str) -> Iterator[Finding]:
    for start, part in _parts(text):
        # What stands between brackets is a role; before an address or a number, still a name.
        name = re.split(r"[(\[<]|\s\d|\d\d|\S+@|\s:\s?", part, maxsplit=1)[0].strip(" -–.,:")
        words = words_of(name)
        if not words or len(words) > _LONGEST_NAME or "@" in name or re.search(r"\d", name):
            continue
        known = any(word in folded_first_names() for word in words)
        if any(word in _not_a_person() for word in words if len(word) > 1) or (not known and len(words) < 2):
            continue
        if not known and not all(word[:1].isupper() for word in name.split() if len(word) > 3):
            continue
        at = start + part.index(name)
        sure: Sureness = "sure" if known else "likely"
        yield Finding("name", at, at + len(name), "a name in a column of people", sure)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for match in _SEPARATORS.finditer(text):
        yield at, text[at : match.start()]
        at = match.end()
    yield at, text[at:]


def _end_of_name(text: str, start: int, end: int) -> int:
    """Where a name really ends: a word that is no name ("Mme Martin Mardi et jeudi") cuts it."""
    for number, match in enumerate(_TOKEN.finditer(text, start, end)):
        if number and words_of(match.group())[0] in office_words() | place_words():
            return start + len(text[start : match.start()].rstrip())
    return end


def _touch(text: str, end: int, after: re.Match[str]) -> bool:
    return re.fullmatch(rf"{_GAP}(?:{_PARTICLE}|{_INITIAL}{_GAP})?", text[end : after.start()]) is not None


@lru_cache(50_000)
def _is_first_name(word: str) -> bool:
    parts = re.split(r"[-'’]", folded(word))
    return len(parts[0]) > 2 and all(part in folded_first_names() for part in parts if part)


def _may_be_last_name(word: str) -> bool:
    words = words_of(word)
    return len("".join(words)) > 1 and not any(part in _not_a_last_name() for part in words)


def _is_namesake(text: str) -> bool:
    words = words_of(text)
    return any(" ".join(words[:count]) in namesakes() for count in range(2, len(words) + 1))


def _before(text: str, start: int) -> list[str]:
    """The words before a name in its clause, the nearest first."""
    clause = _CLAUSE.split(_ABBREVIATED.sub(r"\1 ", text[max(0, start - _CLAUSE_MAX) : start]))[-1]
    return words_of(clause)[::-1][:_LOOK_BACK]


def _names_a_place(before: list[str]) -> bool:
    """Whether what bears the name is a place or an organisation: its word stands before, and nobody's in between."""
    for word in before:
        if word in place_words():
            return True
        if word in person_words():
            return False
    return False


def _said_of_a_person(text: str, start: int, before: list[str]) -> bool:
    announced = text[max(0, start - 40) : start].rstrip()
    words = words_of(announced)[-1:] if announced.endswith(":") else before[:2]
    return not person_words().isdisjoint(words)


@cache
def _not_a_last_name() -> frozenset[str]:
    return office_words() | place_words() | person_words()


@cache
def _particle_words() -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", "de la van der den von du des el al ben bel le del della di da dos das do"))


@cache
def _not_a_person() -> frozenset[str]:
    return (role_words() | place_words() | office_words()) - folded_first_names() - {"la", "le", "les", "l"}


@cache
def civility() -> re.Pattern[str]:
    """Mme, Mr, Dhr ... where a name may follow."""
    # Read by polars too, whose regular expressions know no look-around.
    written = (re.escape(word) if word.endswith(".") else rf"{word}\b\.?" for word in civilities())
    return re.compile(rf"\b(?:{'|'.join(written)})")


@cache
def _place_first() -> str:
    """One short clause that begins with the word of a place: whatever name follows is the place's."""
    words = "|".join(sorted(map(_any_accent, place_words()), key=len, reverse=True))
    return rf"(?i)^[\d ,]*(?:(?:bis|ter)[ ,]+)?(?:{words})(?:[ ,\d'’-]+\p{{L}}+){{0,{_LOOK_BACK - 2}}}[ ,\d]*$"


@cache
def _any_person_word() -> str:
    return rf"(?i)\b(?:{'|'.join(sorted(map(_any_accent, person_words())))})\b"


def _any_accent(word: str) -> str:
    return re.sub("[aceiou]", lambda sign: _ACCENTS[sign[0]], re.escape(word))


@cache
def _written_first_names() -> list[str]:
    """First names as people write them: with and without accents, capitals first or all along."""
    forms = set[str]()
    for name in first_names():
        plain = "".join(folded(sign).upper() if sign.isupper() else folded(sign) for sign in name)
        forms |= {name, plain, name.upper(), plain.upper()}
    return sorted(form for form in forms if len(form) > 2)
