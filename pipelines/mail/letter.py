"""A letter as a mail: text, the answer as a web page, the partner's own file back.

Belongs here: putting the mail together. Does not belong here: the words (schemas/phrases/mail.yaml), which letter it is
(planning.py), sending it (smtp.py).
"""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from pipelines.mail.planning import Letter
from pipelines.mail.settings import SmtpSettings
from schemas.phrases import words
from schemas.report import SourceReport
from schemas.report_page import to_page
from schemas.report_text import to_markdown
from schemas.speaker import Speaker

NEW_MAX = 10
ATTACHED_MAX = 8 * 1024**2
"""Many servers take 10 MB, and base64 makes a third more of what is attached."""

_XLSX = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"


_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True)
class Enclosed:
    """What goes with a letter: the report it is about, their file with its wrong cells marked, the rows that would be
    published (CSV); and what its words need: the file's name, the day it came, the last day for a yes, the largest mail
    in megabytes, and the kind of file that was agreed."""

    report: SourceReport
    language: str
    steward: str
    steward_email: str
    reply_to: str
    annotated: bytes | None = None
    proposed: bytes | None = None
    name: str = ""
    came: str = ""
    until: str = ""
    largest: str = ""
    kind: str = ""


WITH_REPORT = ("answer", "ask", "nothing", "unread", "reminder")
"""The letters that the report goes with."""


def compose(letter: Letter, enclosed: Enclosed, settings: SmtpSettings, at: str) -> EmailMessage:
    """The mail, whole. It says of itself that a program wrote it, so that no other program answers (RFC 3834)."""
    say = _Saying(letter, enclosed)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(_flat(settings.sender_name or enclosed.steward), addr_spec=settings.sender)
    mail["To"] = letter.to
    mail["Reply-To"] = enclosed.reply_to
    mail["Subject"] = say.subject()
    mail["Date"] = format_datetime(datetime.fromisoformat(at))
    mail["Message-ID"] = message_id(letter, settings)
    if letter.answers_id:
        mail["In-Reply-To"] = mail["References"] = letter.answers_id
    mail["Auto-Submitted"] = "auto-replied" if letter.answers_id else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = enclosed.language
    room = ATTACHED_MAX
    attached: list[tuple[str, bytes, str, str]] = []
    left_out = False
    for word, data, maintype, subtype in (
        ("file-proposed", enclosed.proposed, "text", "csv"),
        ("file-annotated", enclosed.annotated, "application", _XLSX),
    ):
        if data is None:
            continue
        if len(data) > room:
            left_out = True
            continue
        room -= len(data)
        attached.append((say(word), data, maintype, subtype))
    paragraphs = [*say.paragraphs(annotated=any(name == say("file-annotated") for name, *_ in attached))]
    if left_out:
        paragraphs.append(say("too-large"))
    with_report = letter.kind in WITH_REPORT
    if with_report:
        paragraphs.append(say("report-follows"))
    footer = say("footer", organisation=enclosed.report.about.organisation, steward=enclosed.steward_email)
    text = "\n\n".join(
        [*paragraphs, *([to_markdown(enclosed.report, enclosed.language)] if with_report else []), footer]
    )
    mail.set_content(f"{text}\n", cte="quoted-printable")
    if with_report:
        page = _with_letter(to_page(enclosed.report, enclosed.language), [*paragraphs, footer])
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
    for name, data, maintype, subtype in attached:
        mail.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return mail


def deliverable(address: str) -> str | None:
    """An address as a mail server takes it, its domain in ASCII (IDNA); None where it can be mailed to by nobody."""
    name, _, domain = address.rpartition("@")
    try:
        plain = f"{name}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return None
    return plain if _ADDRESS.fullmatch(plain) else None


def as_bytes(mail: EmailMessage) -> bytes:
    """The mail as it travels. The email package breaks the line of a long Message-ID before it, which the standard
    allows and some servers take for an empty one."""
    header, separator, rest = mail.as_bytes().partition(b"\r\n\r\n")
    return re.sub(rb"(?m)^(Message-ID|In-Reply-To|References):\r\n[ \t]", rb"\1: ", header) + separator + rest


def message_id(letter: Letter, settings: SmtpSettings) -> str:
    """The letter's Message-ID: from what it tells; a question's holds its token too, for the answer to name it."""
    token = f"{letter.token}." if letter.token else ""
    return f"<glane.{token}{letter.number}@{settings.domain}>"


class _Saying:
    """Says the words of one letter."""

    def __init__(self, letter: Letter, enclosed: Enclosed) -> None:
        self._letter = letter
        self._enclosed = enclosed
        self._speaker = Speaker(enclosed.language)

    def __call__(self, word: str, **values: str) -> str:
        return words("mail")[word][self._enclosed.language].format_map(values)

    @property
    def _title(self) -> str:
        return _flat(self._enclosed.report.about.title[self._enclosed.language])

    def subject(self) -> str:
        token = f" [{self._letter.token}]" if self._letter.token else ""
        return self(f"subject-{self._letter.kind}", title=self._title) + token

    def paragraphs(self, *, annotated: bool) -> list[str]:
        said = [self("hello"), self._intro()]
        if self._letter.kind == "answer":
            said.append(self._listed([text[self._enclosed.language] for text in self._letter.new]))
        if self._letter.kind == "refused":
            said.append(self._listed([self._reason(reason) for reason in self._letter.reasons]))
        if self._letter.kind in ("ask", "reminder"):
            said.append(self("say-yes"))
            said.append(self("until", date=self._speaker.date(self._enclosed.until)))
        if self._letter.solved:
            said.append(self("solved"))
            said.append(self._listed([text[self._enclosed.language] for text in self._letter.solved]))
        if annotated:
            said.append(self("annotated"))
        return said

    def _intro(self) -> str:
        letter, enclosed = self._letter, self._enclosed
        name = _flat(enclosed.name)
        if letter.kind == "ask":
            passed = enclosed.report.counts.passed if enclosed.report.counts is not None else 0
            word = "intro-ask-one" if passed == 1 else "intro-ask-many"
            return self(word, name=name, n=self._speaker.number(passed))
        if letter.kind == "same":
            return self(f"intro-same-{letter.reasons[0]}")
        came = self._speaker.date(enclosed.came) if enclosed.came else ""
        return self(f"intro-{letter.kind}", title=self._title, name=name, came=came)

    def _listed(self, texts: list[str]) -> str:
        shown = [f"- {_flat(text)}" for text in texts[:NEW_MAX]]
        if len(texts) > NEW_MAX:
            shown.append(f"- {self('more', n=self._speaker.number(len(texts) - NEW_MAX))}")
        return "\n".join(shown)

    def _reason(self, reason: str) -> str:
        word, _, name = reason.partition(":")
        return self(f"reason-{word}", name=_flat(name), kind=self._enclosed.kind, size=self._enclosed.largest)


def day_after(moment: str, days: int) -> str:
    """The day so many days after a moment (ISO)."""
    return (datetime.fromisoformat(moment).astimezone(UTC) + timedelta(days=days)).date().isoformat()


def _with_letter(page: str, paragraphs: list[str]) -> str:
    """The answer's page with the letter's own words before it."""
    said = "".join(f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>\n" for text in paragraphs)
    found = re.search(r"<main[^>]*>", page) or re.search(r"<body[^>]*>", page)
    if found is None:
        return said + page
    return f"{page[: found.end()]}\n{said}<hr>\n{page[found.end() :]}"


def _flat(text: str) -> str:
    """Text on one line: it may stand in a header."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
