"""What was mailed in, and what the partner said to it: nothing is published before its yes.

Belongs here: the state of one source's mailbox, and the pure functions that lead from one state to the next. Does not
belong here: reading mails (message.py) and the folder (reading.py), mailing questions (pipelines/mail).

A file that comes waits, and takes the place of one that waits already. A question is mailed for it, marked with a token
that nobody else knows: so a yes proves that its writer reads the partner's mail, whoever its From header names. A yes
to another token says nothing. The yes is to the file: where the declaration or the dataset's rules change later, the
same file is judged again as any other's. Without an answer there is one reminder, and then the file has expired: no yes
can bring it back, sending it again asks anew.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from glane.declaration import Declared
from sources.inbox.reached import Reached

Standing = Literal["nothing", "taken", "waits", "expired"]
"""Of the file that came last: there is none yet; it was taken, with the partner's yes; it waits for it; it waited in
vain (the one before, if any, stands)."""

Occasion = Literal["refused", "same", "late", "thanks"]
_DUE_MAX = 50


class Came(Declared):
    """A file that came by mail: its bytes' SHA-256 and size, its name, when it came (UTC); the hash of who sent it, and
    the mail to answer."""

    sha256: str
    bytes: int
    name: str
    at: str
    by: str
    message_id: str


class Proposal(Declared):
    """A file that waits for the partner's yes: the token of our question, when that was mailed, and the reminder."""

    came: Came
    token: str
    asked_at: str | None = None
    reminded_at: str | None = None


class Due(Declared):
    """A mail that wants a word from us, other than the question: why (`reasons`, as attachments.Chosen says them), to
    whom, and which mail it answers."""

    occasion: Occasion
    id: str
    at: str
    by: str
    message_id: str
    reasons: tuple[str, ...] = ()
    name: str = ""


class Inbox(Reached):
    """All that is remembered of a source's mailbox.

    `taken` is the file that has the partner's yes. `to_read` counts mails of the partner that hold neither a file nor a
    yes: somebody should read them. `automatic` counts those that a program sent, `unproven` those whose sender our own
    server did not confirm: neither was opened.
    """

    taken: Came | None = None
    waiting: Proposal | None = None
    expired: Came | None = None
    due: tuple[Due, ...] = ()
    to_read: int = Field(default=0, ge=0)
    automatic: int = Field(default=0, ge=0)
    unproven: int = Field(default=0, ge=0)

    @property
    def standing(self) -> Standing:
        """What became of the file that came last."""
        if self.waiting is not None:
            return "waits"
        if self.expired is not None:
            return "expired"
        return "nothing" if self.taken is None else "taken"


@dataclass(frozen=True)
class Incoming:
    """A mail of an allowed sender, as far as it matters: the file that is taken from it or the reasons why none is, and
    whether it says yes to the questions with these tokens."""

    id: str
    at: str
    by: str
    message_id: str
    file: Came | None = None
    reasons: tuple[str, ...] = ()
    says_yes: bool = False
    tokens: frozenset[str] = frozenset()


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_hex(8)


def received(inbox: Inbox, mail: Incoming, token: Callable[[], str] = new_token) -> Inbox:
    """The state after a mail. The same mail again changes nothing."""
    if mail.id in inbox.seen:
        return inbox
    inbox = inbox.model_copy(update={"seen": inbox.seen_with(mail.id)})
    file, waiting = mail.file, inbox.waiting
    waits_already = file is not None and waiting is not None and file.sha256 == waiting.came.sha256
    if file is not None and not (waits_already and mail.says_yes):
        return _with_file(inbox, mail, file, token)
    if mail.reasons:
        return _owing(inbox, mail, "refused", mail.reasons)
    if mail.says_yes and mail.tokens:
        if waiting is not None and waiting.token in mail.tokens:
            agreed = inbox.model_copy(update={"taken": waiting.came, "waiting": None, "expired": None})
            return _owing(agreed, mail, "thanks", name=waiting.came.name)
        return _owing(inbox, mail, "late")
    return inbox.model_copy(update={"to_read": inbox.to_read + 1})


def passed(inbox: Inbox, now: datetime, expire_after_days: int) -> Inbox:
    """The state at the moment `now`: a question that was not answered in time has expired."""
    waiting = inbox.waiting
    if waiting is None or waiting.asked_at is None or not _older(waiting.asked_at, now, expire_after_days):
        return inbox
    return inbox.model_copy(update={"waiting": None, "expired": waiting.came})


def reminder_due(inbox: Inbox, now: datetime, remind_after_days: int) -> bool:
    """Whether the partner is to be reminded: once, so many days after the question."""
    waiting = inbox.waiting
    if waiting is None or waiting.asked_at is None or waiting.reminded_at is not None:
        return False
    return _older(waiting.asked_at, now, remind_after_days)


def mailed(inbox: Inbox, token: str, at: str, *, reminder: bool = False) -> Inbox:
    """The state after our question with `token` was mailed, or the reminder of it."""
    waiting = inbox.waiting
    if waiting is None or waiting.token != token:
        return inbox
    update = {"reminded_at" if reminder else "asked_at": at}
    return inbox.model_copy(update={"waiting": waiting.model_copy(update=update)})


def answered(inbox: Inbox, due: Due) -> Inbox:
    """The state after the word that was due was mailed."""
    return inbox.model_copy(update={"due": tuple(one for one in inbox.due if one != due)})


def told(inbox: Inbox) -> Inbox:
    """The state after the steward was told what there is to read, and what was not opened."""
    return inbox.model_copy(update={"to_read": 0, "automatic": 0, "unproven": 0})


def _with_file(inbox: Inbox, mail: Incoming, file: Came, token: Callable[[], str]) -> Inbox:
    waiting = inbox.waiting
    if waiting is not None and file.sha256 == waiting.came.sha256:
        return _owing(inbox, mail, "same", ("waiting",), name=file.name)
    if inbox.taken is not None and file.sha256 == inbox.taken.sha256:
        # Back to what is published: whatever waits is not wanted any more.
        back = inbox.model_copy(update={"waiting": None, "expired": None})
        return _owing(back, mail, "same", ("published",), name=file.name)
    return inbox.model_copy(update={"waiting": Proposal(came=file, token=token()), "expired": None})


def _owing(inbox: Inbox, mail: Incoming, occasion: Occasion, reasons: tuple[str, ...] = (), *, name: str = "") -> Inbox:
    due = Due(
        occasion=occasion,
        id=mail.id,
        at=mail.at,
        by=mail.by,
        message_id=mail.message_id,
        reasons=reasons,
        name=name,
    )
    return inbox.model_copy(update={"due": (*inbox.due, due)[-_DUE_MAX:]})


def _older(moment: str, now: datetime, days: int) -> bool:
    return now - datetime.fromisoformat(moment) >= timedelta(days=days)
