"""What tells of a person, and its way out of texts and files of any kind.

Belongs here: finding such texts however they are written, covering them, and taking what holds them out of JSON. Does
not belong here: which texts these are, and what each file means (each room knows its own).

A text is looked for as it is, and as JSON, JSON within JSON, HTML and addresses write it; in a ZIP (a workbook) in
each of its parts.
"""

import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

COVER = "(forgotten)"
_GONE = object()
_BEGINS = r"(?:(?<!\w)|(?<=\\[nrt])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))"


@dataclass(frozen=True, repr=False)
class Telling:
    """The `texts` that tell of a person: none of them stands by itself in anything that is not theirs."""

    texts: frozenset[str]

    def in_text(self, text: str) -> bool:
        """Whether a text holds one of them."""
        return self._any is not None and self._any.search(text) is not None

    def covered(self, text: str) -> str:
        """The text with each of them covered."""
        return text if self._any is None else self._any.sub(COVER, text)

    def in_file(self, data: bytes) -> bool:
        """Whether the bytes of a file hold one of them: a text in UTF-8 or Latin-1, or a ZIP with such parts."""
        if data[:4] == b"PK\x03\x04":
            try:
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    return any(self.in_file(archive.read(name)) for name in archive.namelist())
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError):
                return True
        try:
            return self.in_text(data.decode())
        except UnicodeDecodeError:
            return self.in_text(data.decode("latin-1")) or self.in_text(data.decode("utf-8", errors="replace"))

    def out_of(self, value: Any, lines: Collection[int] = ()) -> Any:
        """A JSON value without what tells: the smallest item of a list that holds it goes whole, as does one about a
        line of `lines`; what stands in no list is covered."""
        found = self._without(value, frozenset(lines))
        if found is not _GONE:
            return found
        if isinstance(value, dict):
            parts = {name: (one, self._without(one, frozenset(lines))) for name, one in value.items()}
            return {
                self.covered(name): self._covered(one) if kept is _GONE else kept for name, (one, kept) in parts.items()
            }
        return self._covered(value)

    def _without(self, value: Any, lines: frozenset[int], *, listed: bool = False) -> Any:
        if isinstance(value, str):
            return _GONE if self.in_text(value) else value
        if isinstance(value, dict):
            if value.get("line") in lines and not value.get("file"):
                return _GONE
            kept = {name: self._without(one, lines) for name, one in value.items()}
            if any(one is _GONE for one in kept.values()) or any(self.in_text(name) for name in kept):
                return _GONE
            if isinstance(kept.get("lines"), list):
                kept["lines"] = [line for line in kept["lines"] if line not in lines]
            return kept
        if isinstance(value, list):
            every = [self._without(one, lines, listed=True) for one in value]
            if listed and any(one is _GONE for one in every):
                # A pair (before, after) is one item.
                return _GONE
            return [one for one in every if one is not _GONE]
        return value

    def _covered(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.covered(value)
        if isinstance(value, dict):
            return {self.covered(name): self._covered(one) for name, one in value.items()}
        return [self._covered(one) for one in value] if isinstance(value, list) else value

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The texts in every way in which they are looked for, the longest first."""
        return tuple(sorted({form for text in self.texts for form in _forms(text)}, key=lambda one: (-len(one), one)))

    @cached_property
    def _any(self) -> re.Pattern[str] | None:
        if not self.forms:
            return None
        # An id stands by itself: epn--1 is not part of epn--12. An escape before it ends in a letter or a digit.
        return re.compile(f"{_BEGINS}(?:{'|'.join(map(re.escape, self.forms))})(?!\\w)", re.IGNORECASE)


def telling(texts: Iterable[str]) -> Telling:
    """What tells, of all these texts."""
    return Telling(frozenset(text.strip() for text in texts if text.strip()))


def _forms(text: str) -> set[str]:
    # Where a letter is escaped, a capital is another escape.
    return {form for one in (text, text.lower(), text.upper()) for form in _written(one)}


def _written(text: str) -> set[str]:
    once = json.dumps(text)[1:-1]
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    marked = html.escape(text)
    return {
        *(text, once, plain, json.dumps(once)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]),
        *(
            marked,
            html.escape(text, quote=False),
            json.dumps(marked)[1:-1],
            json.dumps(marked, ensure_ascii=False)[1:-1],
        ),
        *(quote(text), quote(text, safe=""), text.replace('"', '""')),
    }
