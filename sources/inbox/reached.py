"""How far a mail folder was read, and reading on from there.

Belongs here: what every state of a mailbox begins with, and the way through the mails that are new to it. Does not
belong here: what a mail does to the state (reading.py, readers.py), the connection (imap.py).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from glane.declaration import Declared

if TYPE_CHECKING:
    from sources.inbox.imap import MailFolder

_SEEN_MAX = 5000


class Reached(Declared):
    """How far a folder was read: up to the mail `uid` of those that it numbers under `validity`; `seen` are the ids of
    mails that were read: none is read twice."""

    validity: int = 0
    uid: int = 0
    seen: tuple[str, ...] = ()

    def seen_with(self, mail_id: str) -> tuple[str, ...]:
        """The mails that were read, the last of them `mail_id`; the oldest are forgotten."""
        return (*self.seen, mail_id)[-_SEEN_MAX:]


State = TypeVar("State", bound=Reached)


def read_on(
    state: State,
    mails: "MailFolder",
    after: Callable[[State, int], State],
    *,
    first_days: int,
    most: int | None = None,
    senders: Sequence[str] | None = None,
    subject: str | None = None,
) -> Iterator[State]:
    """The state after each mail that came since the last time, at `most` so many, and how far the folder was read.

    `after` gives the state after the mail of a number; `senders` and `subject` are what the server is asked for
    (MailFolder.new), `first_days` how far back a folder is read that is not known yet.
    """
    uid, since = state.uid, None
    if state.validity != mails.validity:
        # The first time, or a folder whose mails were numbered anew: only what is recent is news, and `seen` knows it.
        uid, since = 0, (datetime.now(UTC) - timedelta(days=first_days)).date()
    uids = mails.new(uid, senders, since, subject)
    if not uids and state.validity != mails.validity:
        yield state.model_copy(update={"validity": mails.validity, "uid": 0})
    for uid in uids[:most]:
        state = after(state, uid).model_copy(update={"validity": mails.validity, "uid": uid})
        yield state
