"""Regular expressions in plain words: a partner never meets one.

Belongs here: describing the patterns that Table Schemas use, and the values of the usual list pattern. What cannot be
put in words gives None, and the report falls back on an example. Does not belong here: checking cells.
"""

import re
from functools import lru_cache

from glane.text import Text
from schemas.phrases import joined, word

_LIST = re.compile(r"^\(\?:\(\?:\^\|\\\|\)\((?P<values>.+)\)\)\+\$?$")
_TOKEN = re.compile(r"(?P<set>\[[^\]]+\]|\\[dw]|\\.|[^\\\[\](){}|^$*+?.])(?P<times>\{\d+(?:,\d*)?\}|[+*?])?")
_SETS: dict[str, str] = {
    letters: name
    for name, written in {
        "digit": "[0-9] \\d",
        "lower": "[a-z]",
        "upper": "[A-Z]",
        "letter": "[a-zA-Z] [A-Za-z]",
        "digit-or-upper": "[0-9A-Z] [A-Z0-9]",
        "digit-or-lower": "[a-z0-9] [0-9a-z]",
        "digit-lower-or-hyphen": "[a-z0-9-] [0-9a-z-]",
        "digit-or-letter": "[a-zA-Z0-9] [A-Za-z0-9] [0-9a-zA-Z] [0-9A-Za-z]",
    }.items()
    for letters in written.split()
}
"""What a set of letters is called in phrases/general.yaml."""


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
    parts: list[Text] = []
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
            parts.append(word("general.quoted", text=literal))
            literal = ""
        words = _counted(part, times)
        if words is None:
            return None
        parts.append(words)
    if literal:
        parts.append(word("general.quoted", text=literal))
    return joined(parts, "then") if parts else None


def _counted(part: str, times: str | None) -> Text | None:
    many = word(f"general.{_SETS[part]}-many")
    if times is None or times == "{1}":
        return word(f"general.{_SETS[part]}-one")
    if times == "+":
        return word("general.one-or-more", many=many)
    bounds = re.fullmatch(r"\{(\d+)(,?)(\d*)\}", times)
    if bounds is None:
        return None
    low, comma, high = bounds.groups()
    if not comma:
        return word("general.exactly", low=low, many=many)
    if not high:
        return word("general.at-least", low=low, many=many)
    return word("general.from-to", low=low, high=high, many=many)
