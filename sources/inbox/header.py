"""What a mail's header says: who wrote, whether a person did, and how sure that is.

Belongs here: pure reading of headers. Does not belong here: what stands in the mail (message.py), who may write
(declared.py), the connection (imap.py).

Headers are read as RFC 822 text by the email package's lenient parser: what strangers send must not stop a run.
"""

import email.errors
import email.header
import email.parser
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

_IDS = re.compile(r"<[^<>\s]{1,400}>")
_BULK = ("bulk", "junk", "list", "auto_reply")
_MACHINES = re.compile(r"^(mailer-daemon|postmaster|no-?reply|bounces?)\b", re.IGNORECASE)
_METHOD = re.compile(r"^\s*(dmarc|spf|dkim)\s*=\s*(\w+)(.*)$", re.IGNORECASE | re.DOTALL)
_FOR = re.compile(r"(?:header\.d|header\.i|header\.from|smtp\.mailfrom|smtp\.helo)\s*=\s*([^\s;()]+)", re.IGNORECASE)


@dataclass(frozen=True)
class MailHeader:
    """A mail, from outside.

    `sender` is its only author's address in small letters, None where it has none or several. `automatic`: a program
    wrote it, or it came by a list, or it is about a mail that could not be delivered. `proven`: our own server found
    that the sender's domain did send it; None where nobody asked it.
    """

    sender: str | None
    message_id: str
    subject: str
    automatic: bool
    proven: bool | None

    @property
    def id(self) -> str:
        """The mail's number among those that were read: a hash of its Message-ID and author."""
        return hashlib.sha256(f"{self.message_id}\n{self.sender}".encode()).hexdigest()[:16]


def read_header(data: bytes, proves: str | None = None) -> MailHeader:
    """Read the header of a mail; `proves` is the server whose Authentication-Results are believed."""
    header = email.parser.BytesHeaderParser().parsebytes(data)
    authors = [address for _, address in getaddresses(_all(header, "From")) if address]
    sender = authors[0].lower() if len(authors) == 1 and authors[0].count("@") == 1 else None
    ids = _IDS.findall(_first(header, "Message-ID"))
    return MailHeader(
        sender=sender,
        # A mail without a number is known by its whole header.
        message_id=ids[0] if ids else f"<{hashlib.sha256(data).hexdigest()}>",
        subject=decoded(_first(header, "Subject"))[:200],
        automatic=_automatic(header, sender),
        proven=_proven(_all(header, "Authentication-Results"), sender, proves) if proves else None,
    )


def _automatic(header: Message, sender: str | None) -> bool:
    """RFC 3834 and what servers wrote before it: such a mail is never answered, nor taken for a person's word."""
    submitted = _first(header, "Auto-Submitted").split(";")[0].strip().lower()
    returned = header.get("Return-Path")
    return (
        submitted not in ("", "no")
        or _first(header, "Precedence").strip().lower() in _BULK
        or any(header.get(name) is not None for name in ("List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond"))
        or (returned is not None and str(returned).strip() in ("<>", ""))
        or header.get_content_type() in ("multipart/report", "message/delivery-status")
        or (sender is not None and _MACHINES.match(sender) is not None)
    )


def _proven(results: Sequence[str], sender: str | None, proves: str) -> bool:
    """Whether our own server's word (RFC 8601) is that the author's domain sent it: by DMARC, or by its SPF or DKIM.

    Only the topmost word counts: ours is put above whatever the mail came with.
    """
    if sender is None or not results:
        return False
    named, _, rest = " ".join(results[0].split()).partition(";")
    if named.split(" ")[0].lower() != proves.lower():
        return False
    domain = sender.rpartition("@")[2]
    for result in rest.split(";"):
        found = _METHOD.match(result)
        if found is None or found[2].lower() != "pass":
            continue
        named_domains = {value.strip('<>"').rpartition("@")[2].lower() for value in _FOR.findall(found[3])}
        if domain in named_domains:
            return True
    return False


def _first(header: Message, name: str) -> str:
    return next(iter(_all(header, name)), "")


def _all(header: Message, name: str) -> list[str]:
    return [str(value) for value in header.get_all(name, [])]


def decoded(text: str) -> str:
    """Words in other alphabets (RFC 2047) as they are meant, on one line; as they stand where they are damaged."""
    try:
        parts = email.header.decode_header(text)
        told = "".join(
            part.decode(charset or "ascii", errors="replace") if isinstance(part, bytes) else part
            for part, charset in parts
        )
    except (LookupError, ValueError, email.errors.HeaderParseError):
        told = text
    return " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())
