"""Whether a server's file is still the one that we have: what its headers say, before any byte of it is read.

Belongs here: the decision, pure. Does not belong here: asking (http.py), comparing the bytes (harvest.py: `hash`).

The ladder, from the cheapest answer to the dearest: the portal's own word (portals.py), the server's 304 to the
validators that we sent, the same validators in an answer that took no notice of them, and the bytes themselves. Length
never says "unchanged": a corrected postcode is as long as a wrong one. It only makes a date credible.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Told = Literal["etag", "last-modified"]
_SETTLED = 60
"""Seconds after its Last-Modified date from which on a file does not change within that second (RFC 9110, 8.8.2.2)."""


@dataclass(frozen=True)
class Seen:
    """What a server said of the bytes that we have, and when we `asked` (ISO 8601).

    `etag` and `last_modified` are sent along, so that it need not send the bytes again; `ignored`: it took no notice of
    them last time, so its headers are asked for first.
    """

    etag: str | None = None
    last_modified: str | None = None
    length: str | None = None
    asked: str | None = None
    ignored: bool = False

    @property
    def conditional(self) -> bool:
        """Whether there is anything to send along."""
        return bool(self.etag or self.last_modified)


def same(seen: Seen, headers: Mapping[str, str]) -> Told | None:
    """What in the `headers` of a whole answer (names in lower case) says that its bytes are those we have; None where
    nothing does, and the bytes must come."""
    etag = headers.get("etag")
    if seen.etag or etag:
        # Compared weakly, as If-None-Match is (RFC 9110, 13.1.2).
        return "etag" if seen.etag and etag and _weak(seen.etag) == _weak(etag) else None
    date = headers.get("last-modified")
    if not date or date != seen.last_modified or not _settled(date, seen.asked):
        return None
    return "last-modified" if seen.length is not None and headers.get("content-length") == seen.length else None


def _weak(etag: str) -> str:
    return etag.strip().removeprefix("W/")


def _settled(date: str, asked: str | None) -> bool:
    if asked is None:
        return False
    try:
        then = datetime.fromisoformat(asked) - parsedate_to_datetime(date).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return False
    return then.total_seconds() >= _SETTLED
