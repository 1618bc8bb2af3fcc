"""How a version is cited: one sentence for people, and a CITATION.cff (Citation File Format 1.2.0) for programs.

Belongs here: both, for any version. Does not belong here: whom to credit under which licence (the descriptor says it).
"""

from collections.abc import Mapping
from typing import Any

import yaml

from glane.text import Language, Text
from publish.telling import day
from publish.version import Version

CITATION = "CITATION.cff"
_MOST_CREDITS = 12
_WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "cite": "{publisher}, « {title} », version du {day} ({version}). Sources : {credits}. Licence : {licence}.",
        "join": " ; ",
        "more": "et {count} autres",
    },
    "en": {
        "cite": "{publisher}, “{title}”, version of {day} ({version}). Sources: {credits}. Licence: {licence}.",
        "join": "; ",
        "more": "and {count} others",
    },
}


def both(version: Version, descriptor: Mapping[str, Any]) -> Text:
    """The citation of a version in both languages, by its datapackage.json."""
    titles, publisher = descriptor["titles"], str(descriptor["contributors"][0]["title"])
    licence = str(descriptor["licenses"][0]["title"])
    return Text(
        fr=sentence(version, titles["fr"], publisher, licence, "fr"),
        en=sentence(version, titles["en"], publisher, licence, "en"),
    )


def sentence(version: Version, title: str, publisher: str, licence: str, language: Language) -> str:
    """The citation of a version in one language."""
    told, when = credits_of(version, language), day(version.created, language)
    return _WORDS[language]["cite"].format(
        publisher=publisher, title=title, day=when, version=version.version, credits=told, licence=licence
    )


def credits_of(version: Version, language: Language) -> str:
    """Whom to credit for a version. Beyond a dozen, partners are counted: every row names its own."""
    words = _WORDS[language]
    credited = sorted({line.attribution for line in version.inputs})
    named, more = credited[:_MOST_CREDITS], len(credited) - _MOST_CREDITS
    return words["join"].join(named) + (f" {words['more'].format(count=more)}" if more > 0 else "")


def to_cff(version: Version, descriptor: Mapping[str, Any]) -> bytes:
    """The CITATION.cff of a version, in the dataset's own language; each partner's file is a reference of it."""
    licence = descriptor["licenses"][0]
    value = {
        "cff-version": "1.2.0",
        "type": "dataset",
        "message": "Please cite this version, and credit the partners named in it.",
        "title": descriptor["title"],
        "abstract": descriptor["description"],
        "authors": [_entity(descriptor["contributors"][0])],
        "version": version.version,
        "date-released": version.created[:10],
        "license": licence["name"],
        "license-url": licence["path"],
        "keywords": list(descriptor["keywords"]),
        "references": [
            {
                "type": "data",
                "title": source["title"],
                "authors": [{"name": source["organization"]}],
                "date-accessed": source["retrieved"],
                "notes": source["attribution"],
            }
            for source in descriptor["sources"]
        ],
    }
    kept = {key: part for key, part in value.items() if part != []}
    return yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=120).encode()


def _entity(contributor: Mapping[str, Any]) -> dict[str, str]:
    return {"name": contributor["title"], **({"email": contributor["email"]} if "email" in contributor else {})}
