"""Decisions about people name nobody: what stands for an id in a file that everybody may read.

Belongs here: the salt, and the pseudonym that it makes of an id. Does not belong here: what is decided
(publish/decisions.py).

A pseudonym is `#` and 32 hexadecimal digits: six that tell the salt, then an HMAC-SHA256 of the id. Without the salt
nobody can try names out on it. The salt is a secret: the file that GLANE_SALT_FILE names, else `secret/salt` in the
store, made at its first use.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glane.errors import CallError
from glane.store import Store

SALT_KEY = "secret/salt"
_FORM = re.compile("#[0-9a-f]{32}")
_TELLS = 6
_SHORTEST = 16


@dataclass(frozen=True, repr=False)
class Salt:
    """The secret that makes pseudonyms."""

    secret: bytes

    def of(self, dataset: str, table: str, identifier: str) -> str:
        """The pseudonym of an id of a table."""
        digest = self._digest("\n".join((dataset, table, identifier)))
        return f"#{self._mark}{digest[: 32 - _TELLS]}"

    def made(self, pseudonym: str) -> bool:
        """Whether a pseudonym was made with this salt."""
        return pseudonym[1 : 1 + _TELLS] == self._mark

    def found(self, pseudonym: str, dataset: str, table: str, ids: Iterable[str]) -> str | None:
        """The one of `ids` that a pseudonym stands for."""
        return next((one for one in ids if self.of(dataset, table, one) == pseudonym), None)

    @property
    def _mark(self) -> str:
        return self._digest("glane")[:_TELLS]

    def _digest(self, text: str) -> str:
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


def is_pseudonym(text: str) -> bool:
    """Whether a text stands for an id without telling it."""
    return _FORM.fullmatch(text) is not None


def known_salt(store: Store) -> Salt | None:
    """The salt of this installation; None where none was made yet. Raises CallError for a file that holds none."""
    named = os.environ.get("GLANE_SALT_FILE")
    if named:
        return Salt(_of_file(Path(named).expanduser()))
    data = store.look(SALT_KEY).data
    return Salt(data.strip()) if data and data.strip() else None


def salt_of(store: Store) -> Salt:
    """The salt of this installation, made where there is none yet. Raises CallError, StoreError."""
    # Seen first, so that a salt that another process makes meanwhile is never replaced.
    seen = store.look(SALT_KEY)
    found = known_salt(store)
    if found is None:
        found = Salt(secrets.token_hex(32).encode())
        store.replace(seen, found.secret + b"\n")
    return found


def _of_file(path: Path) -> bytes:
    remedy = "Put a secret of 64 random hexadecimal digits there (openssl rand -hex 32), and keep a copy of it."
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise CallError(f"GLANE_SALT_FILE names {path}, which cannot be read: {error.strerror}.", remedy) from error
    if len(secret) < _SHORTEST:
        raise CallError(f"The salt in {path} is too short.", remedy)
    return secret
