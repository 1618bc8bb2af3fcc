"""The words that tell a person from a role, a place and an organisation: lists, read once.

Belongs here: reading the lists beside this file, and folding words so that case and accents do not count. Does not
belong here: what is concluded from them (emails.py, names.py).
"""

import csv
import re
import unicodedata
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

from pydantic import RootModel

from glane.declaration import Declared, load_declaration

_HERE = Path(__file__).parent


class _Names(RootModel[dict[str, str]]):
    pass


class _Words(Declared):
    role: list[str]
    place: str
    person: str
    civility: list[str]
    office: str
    contact_header: str
    not_contact_header: str
    namesakes: list[str]


def folded(text: str) -> str:
    """The text without case and accents."""
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()


def words_of(text: str) -> list[str]:
    """The folded words of a text."""
    return re.findall(r"[^\W\d_]+", folded(text))


@cache
def first_names() -> tuple[str, ...]:
    """Every first name as it is written, in alphabetical order."""
    listed = load_declaration(_HERE / "first_names.yaml", _Names).root
    return tuple(sorted({name for names in listed.values() for name in names.split()}))


@cache
def folded_first_names() -> frozenset[str]:
    """Every first name, folded."""
    return frozenset(map(folded, first_names()))


@cache
def mail_providers() -> frozenset[str]:
    """The domains at which anybody may have a mailbox."""
    with (_HERE / "mail_providers.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["domain"] for row in csv.DictReader(file))


@cache
def _words() -> _Words:
    return load_declaration(_HERE / "words.yaml", _Words)


@cache
def role_words() -> frozenset[str]:
    """Words of mailboxes that are nobody's own."""
    return _set(*_words().role)


@cache
def place_words() -> frozenset[str]:
    """Words of what bears a person's name without being one."""
    return _set(_words().place)


@cache
def person_words() -> frozenset[str]:
    """Words after which a name is somebody's."""
    return _set(_words().person)


@cache
def office_words() -> frozenset[str]:
    """Words that are no family name, though they stand where one would."""
    return _set(_words().office)


@cache
def civilities() -> tuple[str, ...]:
    """Mme, Mr, Dhr ... as written, the longest first."""
    return tuple(sorted(set(" ".join(_words().civility).split()), key=lambda word: (-len(word), word)))


@cache
def namesakes() -> frozenset[str]:
    """Folded full names that places bear."""
    listed = chain.from_iterable(line.split(",") for line in _words().namesakes)
    return frozenset(" ".join(words_of(name)) for name in listed)


@lru_cache(10_000)
def is_about_people(headers: str) -> bool:
    """Whether a column or field so named holds people: "Nom du référent", but not "Courriel du contact"."""
    words = set(words_of(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", headers)))
    return bool(words & _set(_words().contact_header)) and not words & _set(_words().not_contact_header)


def _set(*texts: str) -> frozenset[str]:
    return frozenset(folded(word) for text in texts for word in text.split())
