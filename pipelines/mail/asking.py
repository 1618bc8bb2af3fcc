"""Decides what a partner who mails its file is answered: the question before anything is published, and what else it
should hear.

Belongs here: pure decisions, from what its mailbox brought, the report on it and what was mailed before. Does not
belong here: what a yes does (sources/inbox/consent.py), letters about problems alone (planning.py).

Each occasion is answered once; which were is known by their keys. The mailbox's own state follows from that
(`reconciled`): a run that was killed between the two leaves nothing that the next would not put right.
"""

from collections.abc import Mapping
from datetime import datetime

from glane.text import Text
from pipelines.mail.box import Known
from pipelines.mail.planning import Letter, number
from schemas.report import SourceReport
from sources.declaration import Source
from sources.inbox.consent import Due, Inbox, Proposal, answered, mailed, reminder_due
from sources.inbox.reading import sender_hash


def reconciled(inbox: Inbox, known: Known) -> Inbox:
    """The mailbox's state, given the letters that were sent."""
    for due in inbox.due:
        if _key(due) in known.done:
            inbox = answered(inbox, due)
    waiting = inbox.waiting
    if waiting is not None and waiting.asked_at is None and (at := known.done.get(f"ask:{waiting.token}")):
        inbox = mailed(inbox, waiting.token, at)
    if waiting is not None and waiting.reminded_at is None and (at := known.done.get(f"reminder:{waiting.token}")):
        inbox = mailed(inbox, waiting.token, at, reminder=True)
    return inbox


def reply_due(
    source: Source, inbox: Inbox, report: SourceReport, found: Mapping[str, Text], known: Known, now: datetime
) -> Letter | None:
    """The next letter that a mail of the partner, or its silence, asks for. `inbox` is reconciled."""
    at = now.isoformat(timespec="seconds")
    for due in inbox.due:
        to = address_of(source, due.by)
        if to is not None:
            return Letter(
                kind=due.occasion,
                number=number(source.name, _key(due)),
                to=to,
                then=known.after(at, occasion=_key(due)),
                reasons=due.reasons,
                answers_id=due.message_id,
                name=due.name,
            )
    waiting = inbox.waiting
    if waiting is None or report.arrival is None or report.arrival.sha256 != waiting.came.sha256:
        return None
    return _question(source, waiting, report, found, known, now, reminder=reminder_due(inbox, now, _days(source)))


def _question(
    source: Source,
    waiting: Proposal,
    report: SourceReport,
    found: Mapping[str, Text],
    known: Known,
    now: datetime,
    *,
    reminder: bool,
) -> Letter | None:
    to = address_of(source, waiting.came.by)
    if report.failure is not None:
        kind = "unread"
    elif report.counts is None or report.counts.passed == 0:
        kind = "nothing"
    else:
        kind = "reminder" if reminder else "ask"
    occasion = f"{kind}:{waiting.token}"
    if to is None or occasion in known.done:
        return None
    asks = kind in ("ask", "reminder")
    return Letter(
        kind=kind,  # type: ignore[arg-type]
        number=number(source.name, occasion),
        to=to,
        then=known.after(now.isoformat(timespec="seconds"), occasion=occasion, told=found),
        token=waiting.token if asks else None,
        answers_id=waiting.came.message_id,
        name=waiting.came.name,
    )


def address_of(source: Source, by: str) -> str | None:
    """The declared sender that a hash stands for; the contact's address where it is not declared any more."""
    mailbox = source.line.where.mailbox
    senders = mailbox.senders if mailbox is not None else []
    return next((one for one in senders if sender_hash(source, one) == by), source.line.contact.email)


def news_of(inbox: Inbox) -> list[str]:
    """What the steward should know of a mailbox."""
    waiting, expired = inbox.waiting, inbox.expired
    said = []
    if waiting is not None and waiting.asked_at is not None:
        reminded = f", reminded on {waiting.reminded_at[:10]}" if waiting.reminded_at else ""
        said.append(
            f"{waiting.came.name} waits for the partner's yes, asked for on {waiting.asked_at[:10]}{reminded}: "
            "until then its last good rows stay"
        )
    if expired is not None:
        said.append(f"{expired.name} of {expired.at[:10]} was never agreed to: ask the partner, who may send it again")
    for count, what in (
        (inbox.to_read, "of the partner with neither a file nor a yes: read what it says"),
        (inbox.automatic, "that a program sent, not opened"),
        (inbox.unproven, "whose sender our mail server did not confirm, not opened"),
    ):
        if count:
            said.append(f"{count} mail{'' if count == 1 else 's'} {what}")
    return said


def _key(due: Due) -> str:
    return f"{due.occasion}:{due.id}"


def _days(source: Source) -> int:
    mailbox = source.line.where.mailbox
    return mailbox.remind_after_days if mailbox is not None else 0
