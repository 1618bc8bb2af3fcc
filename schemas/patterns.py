"""Regular expressions in plain words: a partner never meets one.

Belongs here: describing the patterns that Table Schemas use, and the values of the usual list pattern. What cannot be
put in words gives None, and the report falls back on an example. Does not belong here: checking cells.
"""

import re
from functools import lru_cache

from glane.text import Text

_LIST = re.compile(r"^\(\?:\(\?:\^\|\\\|\)\((?P<values>.+)\)\)\+\$?$")
_TOKEN = re.compile(r"(?P<set>\[[^\]]+\]|\\[dw]|\\.|[^\\\[\](){}|^$*+?.])(?P<times>\{\d+(?:,\d*)?\}|[+*?])?")
_SETS: dict[str, tuple[Text, Text]] = {}
for _names, _one, _many in (
    ("[0-9] \\d", Text(fr="un chiffre", en="one digit"), Text(fr="chiffres", en="digits")),
    ("[a-z]", Text(fr="une minuscule", en="one lower-case letter"), Text(fr="minuscules", en="lower-case letters")),
    ("[A-Z]", Text(fr="une majuscule", en="one capital letter"), Text(fr="majuscules", en="capital letters")),
    ("[a-zA-Z] [A-Za-z]", Text(fr="une lettre", en="one letter"), Text(fr="lettres", en="letters")),
    (
        "[0-9A-Z] [A-Z0-9]",
        Text(fr="un chiffre ou une majuscule", en="one digit or capital letter"),
        Text(fr="chiffres ou majuscules", en="digits or capital letters"),
    ),
    (
        "[a-z0-9] [0-9a-z]",
        Text(fr="un chiffre ou une minuscule", en="one digit or lower-case letter"),
        Text(fr="chiffres ou minuscules", en="digits or lower-case letters"),
    ),
    (
        "[a-z0-9-] [0-9a-z-]",
        Text(fr="un chiffre, une minuscule ou un tiret", en="one digit, lower-case letter or hyphen"),
        Text(fr="chiffres, minuscules ou tirets", en="digits, lower-case letters or hyphens"),
    ),
    (
        "[a-zA-Z0-9] [A-Za-z0-9] [0-9a-zA-Z] [0-9A-Za-z]",
        Text(fr="un chiffre ou une lettre", en="one digit or letter"),
        Text(fr="chiffres ou lettres", en="digits or letters"),
    ),
):
    _SETS.update(dict.fromkeys(_names.split(), (_one, _many)))


def list_values(pattern: str) -> tuple[str, ...]:
    """The values of the pattern of a `|`-separated list of terms (facts/domain 4.1), empty for another pattern."""
    match = _LIST.match(pattern)
    if match is None:
        return ()
    values = re.split(r"(?<!\\)\|", match["values"])
    return tuple(re.sub(r"\\(.)", r"\1", value) for value in values)


@lru_cache
def describe(pattern: str) -> Text | None:
    """The pattern in words ("5 digits"), or None where it is not one plain sequence of characters."""
    rest = pattern.removeprefix("^").removesuffix("$")
    fr: list[str] = []
    en: list[str] = []
    literal = ""
    while rest:
        token = _TOKEN.match(rest)
        if token is None:
            return None
        rest = rest[token.end() :]
        part, times = token["set"], token["times"]
        if part not in _SETS:
            letter = part[1] if part.startswith("\\") and len(part) == 2 else part
            if times or len(letter) != 1 or part in ("\\d", "\\w", "\\s", "\\b"):
                return None
            literal += letter
            continue
        if literal:
            fr.append(f"« {literal} »")
            en.append(f"“{literal}”")
            literal = ""
        words = _counted(part, times)
        if words is None:
            return None
        fr.append(words.fr)
        en.append(words.en)
    if literal:
        fr.append(f"« {literal} »")
        en.append(f"“{literal}”")
    return Text(fr=", puis ".join(fr), en=", then ".join(en)) if fr else None


def _counted(part: str, times: str | None) -> Text | None:
    one, many = _SETS[part]
    if times is None or times == "{1}":
        return one
    if times == "+":
        return Text(fr=f"un ou plusieurs {many.fr}", en=f"one or more {many.en}")
    bounds = re.fullmatch(r"\{(\d+)(,?)(\d*)\}", times)
    if bounds is None:
        return None
    low, comma, high = bounds.groups()
    if not comma:
        return Text(fr=f"{low} {many.fr}", en=f"{low} {many.en}")
    if not high:
        return Text(fr=f"au moins {low} {many.fr}", en=f"at least {low} {many.en}")
    return Text(fr=f"{low} à {high} {many.fr}", en=f"{low} to {high} {many.en}")
