"""Reads a folder of an IMAP account: what is new in it, and nothing else.

Belongs here: the account's settings, one connection, the commands. Does not belong here: what a mail says
(message.py), which mail is read (reading.py).

The folder is opened with EXAMINE and mails are read with BODY.PEEK: nothing is deleted, moved or marked as read.
"""

import contextlib
import imaplib
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from glane.errors import CallError
from sources.fetch.failures import HarvestError

_HEADER_MAX = 256 * 1024
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_VALIDITY = re.compile(rb"\bUIDVALIDITY (\d+)")


@dataclass(frozen=True)
class ImapSettings:
    """The account that partners write to. `proves` is the server whose Authentication-Results are believed (RFC 8601);
    without it a From header alone says who wrote, and anybody can write one."""

    host: str
    port: int
    security: Literal["tls", "starttls"]
    user: str
    password: str = field(repr=False)
    proves: str | None = None
    wait: float = 30.0


def imap_settings(environment: Mapping[str, str] | None = None) -> ImapSettings:
    """Read GLANE_IMAP_HOST, GLANE_IMAP_USER and GLANE_IMAP_PASSWORD, GLANE_IMAP_SECURITY (tls; starttls),
    GLANE_IMAP_PORT (993; 143) and GLANE_IMAP_PROVES. Raises CallError."""
    known = os.environ if environment is None else environment
    missing = [name for name in ("HOST", "USER", "PASSWORD") if not known.get(f"GLANE_IMAP_{name}")]
    if missing:
        names = " and ".join(f"GLANE_IMAP_{name}" for name in missing)
        raise CallError(
            f"A source is a mailbox, and {names} is not set.", "Set it in the environment of who runs Glane."
        )
    security = known.get("GLANE_IMAP_SECURITY") or "tls"
    if security not in ("tls", "starttls"):
        raise CallError(
            f"GLANE_IMAP_SECURITY is {security!r}.", "Write tls or starttls: mail is never read in the open."
        )
    port = known.get("GLANE_IMAP_PORT") or ("993" if security == "tls" else "143")
    if not re.fullmatch("[1-9][0-9]{0,4}", port):
        raise CallError(f"GLANE_IMAP_PORT is {port!r}, which is no port.", "Write it as 993.")
    return ImapSettings(
        known["GLANE_IMAP_HOST"],
        int(port),
        "tls" if security == "tls" else "starttls",
        known["GLANE_IMAP_USER"],
        known["GLANE_IMAP_PASSWORD"],
        known.get("GLANE_IMAP_PROVES") or None,
    )


@dataclass(frozen=True)
class Head:
    """A mail's number in its folder, its size in bytes, and its header."""

    uid: int
    size: int
    header: bytes


class MailFolder:
    """A folder, open to be read. `validity` is the server's: under another one the same UID is another mail."""

    def __init__(self, connection: imaplib.IMAP4, validity: int) -> None:
        self._connection = connection
        self.validity = validity

    def new(
        self, after: int, senders: Sequence[str] | None = None, since: date | None = None, subject: str | None = None
    ) -> list[int]:
        """The UIDs of the mails after that number, in order: of all, or of those whose From names one of `senders`
        or whose subject says `subject` (a search, not a proof), that came on the day `since` or later."""
        criteria = [f"UID {after + 1}:*", *([f"SINCE {_day(since)}"] if since else [])]
        criteria += [f'SUBJECT "{subject}"'] if subject else []
        asked = [[*criteria, f'FROM "{sender}"'] for sender in senders] if senders is not None else [criteria]
        found = {int(uid) for one in asked for line in self._ask("SEARCH", *one) if line for uid in line.split()}
        # `n:*` names the last mail even where its number is less than n (RFC 3501, 6.4.8).
        return sorted(uid for uid in found if uid > after)

    def head(self, uid: int) -> Head | None:
        """The header of a mail; None where it is gone."""
        told, literal = self._fetch(uid, f"(UID RFC822.SIZE BODY.PEEK[HEADER]<0.{_HEADER_MAX}>)")
        size = _SIZE.search(told)
        return Head(uid, int(size[1]), literal) if literal is not None and size is not None else None

    def sender(self, uid: int) -> bytes:
        """The From header of a mail, and nothing else of it; empty where it is gone."""
        return self._fetch(uid, "(UID BODY.PEEK[HEADER.FIELDS (FROM)])")[1] or b""

    def whole(self, uid: int) -> bytes | None:
        """The mail; None where it is gone."""
        return self._fetch(uid, "(UID BODY.PEEK[])")[1]

    def _fetch(self, uid: int, what: str) -> tuple[bytes, bytes | None]:
        told, literal = b"", None
        for part in self._ask("FETCH", str(uid), what):
            if isinstance(part, tuple):
                told, literal = told + part[0] + b" ", part[1]
            elif isinstance(part, bytes):
                told += part + b" "
        named = _UID.search(told)
        return (told, literal) if named is not None and int(named[1]) == uid else (b"", None)

    def _ask(self, command: str, *arguments: str) -> list[Any]:
        answer, data = self._connection.uid(command, *arguments)
        if answer != "OK":
            raise HarvestError(f"The mail server refuses to read the mailbox: {_told(data)}.", "Run again later.")
        return [part for part in data if part is not None]


@contextlib.contextmanager
def open_folder(settings: ImapSettings, name: str) -> Iterator[MailFolder]:
    """The folder `name` of the account, open to be read. Raises HarvestError."""
    where = f"{settings.host}:{settings.port}"
    with contextlib.ExitStack() as stack:
        try:
            connection = _connect(settings)
            stack.callback(_leave, connection)
            _log_in(connection, settings)
            answer, data = connection.select(f'"{name}"', readonly=True)
            if answer != "OK":
                raise HarvestError(
                    f"The mailbox {settings.user} has no folder {name!r}: {_told(data)}.",
                    "Make it, or correct 'folder' (where: mailbox).",
                )
            validity = _VALIDITY.search(b"UIDVALIDITY " + (connection.response("UIDVALIDITY")[1][0] or b"0"))
            yield MailFolder(connection, int(validity[1]) if validity else 0)
        except ssl.SSLCertVerificationError as error:
            raise HarvestError(
                f"The certificate of the mail server {where} is not trusted: {error.verify_message}.",
                "Name the server as its certificate does (GLANE_IMAP_HOST); SSL_CERT_FILE may name your own authority.",
            ) from error
        except (OSError, imaplib.IMAP4.error) as error:
            said = "it does not answer" if isinstance(error, TimeoutError) or "timed out" in str(error) else str(error)
            raise HarvestError(
                f"The mail server {where} cannot be read: {said}.", "The next run tries again; see to the server."
            ) from error


def _connect(settings: ImapSettings) -> imaplib.IMAP4:
    trusted = ssl.create_default_context()
    if settings.security == "tls":
        return imaplib.IMAP4_SSL(settings.host, settings.port, ssl_context=trusted, timeout=settings.wait)
    connection = imaplib.IMAP4(settings.host, settings.port, timeout=settings.wait)
    connection.starttls(ssl_context=trusted)
    return connection


def _log_in(connection: imaplib.IMAP4, settings: ImapSettings) -> None:
    try:
        connection.login(settings.user, settings.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise HarvestError(
            f"The mail server {settings.host}:{settings.port} refuses the user or the password.",
            "Correct GLANE_IMAP_USER and GLANE_IMAP_PASSWORD.",
        ) from error


def _leave(connection: imaplib.IMAP4) -> None:
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        connection.logout()


def _told(data: Sequence[Any]) -> str:
    return b" ".join(part for part in data if isinstance(part, bytes)).decode(errors="replace")[:200]


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _day(day: date) -> str:
    """A day as IMAP writes it, whatever this machine's language."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"
