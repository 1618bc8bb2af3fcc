"""Finds our term for what a partner wrote: exactly, then folded.

Belongs here: folding, and looking a text up among terms. Does not belong here: guessing at misspelt terms, which is
a suggestion to the partner and not a correction (schemas/).
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_APART = re.compile(r"[\W_]+")


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """The text without case, accents, hyphens, punctuation and doubled spaces: equal once folded is the same term.

    Scripts other than Latin keep their letters.
    """
    # Decomposed before and after: "™" is "TM" only then, and "İ" gets its dot apart only by losing its case.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = plain.replace("œ", "oe").replace("æ", "ae")
    # A text of punctuation alone ("?", "-") is told apart by it.
    return _APART.sub(" ", plain).strip() or " ".join(plain.split())


class Terms:
    """{written: ours}. An exact key wins over a folded one, an earlier key over a later one."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        self._exact = dict(terms)
        self._folded: dict[str, str] = {}
        for written, ours in terms.items():
            self._folded.setdefault(fold(written), ours)

    def find(self, text: str) -> str | None:
        """Our term for `text`, or None where there is none."""
        found = self._exact.get(text)
        return found if found is not None else self._folded.get(fold(text))
