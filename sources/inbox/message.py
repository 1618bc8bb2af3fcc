"""What stands in a mail: the files that it brings, and whether its writer says yes.

Belongs here: pure reading of a whole mail of an allowed sender. Does not belong here: its header (header.py), which
file is taken (attachments.py), what a yes does (consent.py).
"""

import email.parser
import re
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser

from sources.inbox.attachments import Attachment, safe_name
from sources.inbox.header import decoded

_PARTS_MAX = 200
_YES = frozenset({"oui", "yes", "ja", "ok"})
# What takes a yes back, or makes conditions.
_BUT = frozenset({"mais", "sauf", "pas", "non", "attendez", "attendre", "plutôt", "but", "except", "not", "no", "wait"})
_BUT |= {"however", "unless", "maar", "niet", "nee", "behalve", "wacht"}
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(
    r"""^\s*(
        >                                                       # each quoted line
        | (le|on|op|am|el|il)\b.{0,300}(écrit|wrote|schreef|schrieb|escribió|scritto)\b.{0,5}:?\s*$
        | -{2,}\s*(message|original|bericht|oorspronkelijk|forwarded|transféré).*
        | _{10,}\s*$
        | (de|from|van|von|date|sent|envoyé|verzonden|objet|subject|onderwerp)\s*:\s.*
        | --\s*$                                                # a signature
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_TOKEN = re.compile(r"\[([0-9a-f]{16})\]")
_OURS = re.compile(r"<glane\.([0-9a-f]{16})\.[0-9a-f]{32}@[^<>\s]+>")


@dataclass(frozen=True)
class MailBody:
    """The files of a mail, the new text above what it quotes, and the tokens of our questions that it names."""

    attachments: tuple[Attachment, ...]
    text: str
    tokens: frozenset[str]

    @property
    def says_yes(self) -> bool:
        """Whether the first word of the new text is a yes, and nothing in it takes that back: what is not plain is a
        person's to read."""
        found = [word.casefold() for word in _WORD.findall(self.text)]
        return bool(found) and found[0] in _YES and "?" not in self.text and not _BUT.intersection(found)


def read_body(data: bytes) -> MailBody:
    """Read a whole mail. What is damaged in it is left out."""
    mail = email.parser.BytesParser().parsebytes(data)
    parts = [part for part, _ in zip(_leaves(mail), range(_PARTS_MAX), strict=False)]
    texts = [part for part in parts if _is_text(part)]
    plain = next((_text(part) for part in texts if part.get_content_type() == "text/plain"), "")
    marked = next((_text(part) for part in texts if part.get_content_type() == "text/html"), "")
    whole = plain if plain.strip() else _without_markup(marked)
    named = " ".join([str(mail.get("Subject", "")), str(mail.get("In-Reply-To", "")), str(mail.get("References", ""))])
    tokens = {*_TOKEN.findall(decoded(str(mail.get("Subject", "")))), *_OURS.findall(named), *_TOKEN.findall(whole)}
    files = tuple(_attachment(part, number) for number, part in enumerate(parts) if not _is_text(part))
    return MailBody(files, new_text(whole), frozenset(tokens))


def new_text(text: str) -> str:
    """What the writer wrote now: the lines before the first that quotes, forwards or signs."""
    lines: list[str] = []
    rows = text.splitlines()
    for number, row in enumerate(rows):
        # Mail programs break the line that leads a quotation in.
        if _QUOTED.match(row) or (number + 1 < len(rows) and _QUOTED.match(f"{row} {rows[number + 1]}")):
            break
        lines.append(row)
    return "\n".join(lines).strip()


def _leaves(mail: Message) -> list[Message]:
    """The parts that hold something; a mail within the mail is one part, and is not opened."""
    leaves: list[Message] = []
    waiting = [mail]
    while waiting and len(leaves) < _PARTS_MAX:
        part = waiting.pop(0)
        content = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(content, list):
            waiting = [one for one in content if isinstance(one, Message)] + waiting
        else:
            leaves.append(part)
    return leaves


def _is_text(part: Message) -> bool:
    return (
        part.get_content_type() in ("text/plain", "text/html")
        and part.get_filename() is None
        and part.get_content_disposition() != "attachment"
    )


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data.decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:
        return data.decode("utf-8", errors="replace")


def _attachment(part: Message, number: int) -> Attachment:
    data = part.get_payload(decode=True)
    name = safe_name(decoded(part.get_filename() or "")) or f"fichier-{number}"
    return Attachment(name, part.get_content_type(), data if isinstance(data, bytes) else b"")


class _Plain(HTMLParser):
    """The text of a mail written in HTML, without what it quotes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("blockquote", "style", "script", "head", "title"):
            self._quoted += 1
        elif tag in ("br", "p", "div", "tr", "hr"):
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("blockquote", "style", "script", "head", "title"):
            self._quoted = max(0, self._quoted - 1)
        elif tag in ("p", "div"):
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._quoted:
            self.said.append(re.sub(r"\s+", " ", data))


def _without_markup(marked: str) -> str:
    parser = _Plain()
    parser.feed(marked)
    parser.close()
    return "".join(parser.said)
