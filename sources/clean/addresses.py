"""Addresses on the web: sites and e-mails.

Belongs here: schemes left out, spaces, letter case of hosts. Does not belong here: whether anyone answers there.
"""

import re
from collections.abc import Callable

from sources.clean.context import CleanContext

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?::\d{2,5})?", re.IGNORECASE)
_SCHEME = re.compile(r"^(https?)\s*:\s*/*\s*", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>,;|\"()]+@[^\s@<>,;|\"()]+\.[^\s@<>,;|\"()]+")
_BETWEEN = re.compile(r"\s*(?:[;,|\n]|\s[/\-–]\s|\s+et\s+|\s+ou\s+)\s*|\s+")
# A scheme torn apart ("https ://"), or put after "www." as well as before.
_TORN = re.compile(r"(?:\bwww\.)?\b(https?)\s*:\s*/+\s*", re.IGNORECASE)
# What an address brings along from a web page or a label: "%a0" is a no-break space.
_ROUND = "<>\"' .,;:"


def url(cell: str, context: CleanContext) -> str | None:
    """A web address with its scheme: "www.example.org" -> "https://www.example.org"; "en" stays as it is."""
    plain = _TORN.sub(lambda found: f"{found[1]}://", cell.strip().strip("<>\"'").strip())
    scheme = _SCHEME.match(plain)
    rest = plain[scheme.end() :] if scheme else plain
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # "www.none" is what somebody wrote who had none.
    bare = host.lower().startswith("www.") and host.count(".") < 2
    if not _HOST.fullmatch(host) or bare or re.search(r"[\s|]", rest):
        return cell
    name = (scheme[1] if scheme else "https").lower()
    return f"{name}://{host.lower()}{rest[len(host) :]}"


def urls(cell: str, context: CleanContext) -> str | None:
    """Several web addresses in one cell, joined by `|`; unchanged where one of them is none."""
    whole = _TORN.sub(lambda found: f"{found[1]}://", cell)
    return _each(whole, lambda part: url(part, context) or "", _is_url) or cell


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def email(cell: str, context: CleanContext) -> str | None:
    """An e-mail address: "mailto:" and brackets go, the host in small letters. Several: the cell stays as it is."""
    found = _EMAIL.findall(cell.strip().removeprefix("mailto:"))
    alone = re.sub(r"^mailto:|(?:%a0|%20)+$", "", cell.strip(), flags=re.IGNORECASE).strip(_ROUND)
    if len(found) != 1 or not _EMAIL.fullmatch(alone):
        return cell
    local, _, host = alone.rpartition("@")
    return f"{local}@{host.lower()}"


def emails(cell: str, context: CleanContext) -> str | None:
    """Several e-mail addresses in one cell, joined by `|`; unchanged where one of them is none."""
    return _each(cell, lambda part: email(part, context) or "", lambda part: _EMAIL.fullmatch(part) is not None) or cell


def _each(cell: str, clean: Callable[[str], str], holds: Callable[[str], bool]) -> str | None:
    """The cleaned parts, each once; None where one of them is not what it should be."""
    parts = [clean(part) for part in _BETWEEN.split(cell.strip(" :")) if part]
    return "|".join(dict.fromkeys(parts)) if parts and all(map(holds, parts)) else None
