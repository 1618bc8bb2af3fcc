"""The id that a row has by itself: of its partner's own number, or of the fields that tell it.

Belongs here: how such an id is written. Does not belong here: which row of last time it is (identify.py).
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

from sources.declaration import Identity
from sources.terms import fold


def own_id(partner: str, identity: Identity, text_of: Callable[[str], str], cells: Mapping[str, str]) -> str:
    """The id that `identity` declares: of the partner's columns (`text_of` gives the text of one), or of the mapped
    `cells`; empty where they are."""
    if identity.columns is not None:
        return id_of_number(partner, [text_of(column) for column in identity.columns])
    texts = [fold(cells.get(name, "")) for name in identity.fields or ()]
    return f"{id_prefix(partner)}--{_short_hash(chr(31).join(texts))}" if any(texts) else ""


def id_of_number(partner: str, texts: Iterable[str]) -> str:
    """The id of a row that has this number (in one text or several) with its partner; empty where there is none."""
    own = "-".join(filter(None, map(_slug, texts)))
    return f"{id_prefix(partner)}--{own}" if own else ""


def id_prefix(partner: str) -> str:
    """What every id of this partner's rows begins with: its folder's name in the letters of an address."""
    return _slug(partner)


def _slug(text: str) -> str:
    """The text in the letters of an address; letters of other scripts are told apart by a short hash."""
    folded = fold(text)
    slug = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")
    apart = _short_hash(folded) if text and not (slug and folded.isascii()) else ""
    return "-".join(filter(None, (slug, apart)))


def _short_hash(text: str) -> str:
    """60 bits in 12 letters: among a million rows, two meet with a chance below one in two million."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest())[:12].decode().lower()
