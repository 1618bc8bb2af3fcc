"""What readers wrote about single rows: the messages that wait, and the pure functions that lead from one state to the
next.

Belongs here: one dataset's messages. Does not belong here: reading the mails (readers.py), which rows are published
(pipelines/messaging.py), the steward's screen (pipelines/cli).

    messages/<dataset>.json   how far the mailbox was read, the messages that wait, how many were closed and left out

Of a mail its words are kept, at most LONGEST letters, with what is personal in them covered; not who wrote it. A
message goes once its row has changed or left, or a steward has done with it; the mail itself stays in the mailbox.
Nobody is ever answered by a program.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field, ValidationError

from glane.declaration import Declared
from glane.errors import DataError
from glane.store import Stamp, Store, to_json
from sources.inbox.reached import Reached

LONGEST = 600
PER_WRITER = 5
"""Messages of one writer that are kept a day."""

MOST_WAITING = 500
ASKED_AGAIN_AFTER = timedelta(days=30)
"""A message that the partner was told of waits for the steward again, if its row has not changed by then."""

State = Literal["open", "passed"]
End = Literal["changed", "gone", "corrected", "dismissed"]
LeftOut = Literal["automatic", "unknown", "many"]
"""Why a mail was left out: a program sent it; it names no row that is published; there were too many that day."""


class MessagesError(DataError):
    """What is kept of readers' messages cannot be read."""


class Message(Declared):
    """What a reader wrote about the row `id` of `table`, whose address named the version `row` when it came; `version`
    is the one that the mail names. `state`: it waits for a steward, or the partner was told of it (`passed_at`)."""

    key: str
    table: str
    id: str
    version: str
    row: str
    at: str
    text: str
    state: State = "open"
    passed_at: str | None = None

    def waits(self, now: datetime) -> bool:
        """Whether a steward should look at it."""
        if self.state == "open" or self.passed_at is None:
            return True
        return now - datetime.fromisoformat(self.passed_at) >= ASKED_AGAIN_AFTER


class Day(Declared):
    """How many messages were kept on a day, in all and by writer: a hash that only `salt` leads to, which is another
    one every day."""

    day: str = ""
    salt: str = ""
    kept: int = 0
    writers: Mapping[str, int] = Field(default_factory=dict)


class Messages(Reached):
    """All that is remembered of readers' messages about one dataset."""

    day: Day = Day()
    messages: tuple[Message, ...] = ()
    closed: Mapping[End, int] = Field(default_factory=dict)
    left_out: Mapping[LeftOut, int] = Field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A mail about a row of ours: its number, its writer's address, the row, and its words as they may be kept."""

    id: str
    writer: str
    table: str
    row_id: str
    version: str
    row: str
    text: str


@dataclass
class KeptMessages:
    """The messages of a dataset, and what the store had of them when they were read."""

    store: Store
    stamp: Stamp
    messages: Messages

    def keep(self, messages: Messages) -> None:
        """Keep `messages`. Raises OvertakenError where somebody else changed them meanwhile."""
        if messages != self.messages:
            self.stamp = self.store.replace(self.stamp, to_json(messages.model_dump(mode="json")))
            self.messages = messages


def kept_messages(store: Store, dataset: str) -> KeptMessages:
    """The messages about `dataset`; none where there are none yet. Raises MessagesError."""
    stamp = store.look(f"messages/{dataset}.json")
    try:
        found = Messages.model_validate_json(stamp.data) if stamp.data else Messages()
    except ValidationError as error:
        raise MessagesError(
            f"What readers wrote about {dataset} cannot be read ({store.where(stamp.key)}).",
            "Bring it back from a backup; or remove it, and the mail of the last month is read again.",
        ) from error
    return KeptMessages(store, stamp, found)


def received(messages: Messages, mail: Written, now: datetime, per_day: int) -> Messages:
    """The state after a mail; the same mail again changes nothing."""
    if mail.id in messages.seen:
        return messages
    today = _today(messages.day, now)
    writer = hashlib.sha256(f"{today.salt}\n{mail.writer}".encode()).hexdigest()[:16]
    count = today.writers.get(writer, 0)
    if today.kept >= per_day or count >= PER_WRITER or len(messages.messages) >= MOST_WAITING:
        return left_out(messages, mail.id, "many")
    day = today.model_copy(update={"kept": today.kept + 1, "writers": {**today.writers, writer: count + 1}})
    message = Message(
        key=mail.id,
        table=mail.table,
        id=mail.row_id,
        version=mail.version,
        row=mail.row,
        at=now.isoformat(timespec="seconds"),
        text=mail.text,
    )
    seen = messages.seen_with(mail.id)
    return messages.model_copy(update={"seen": seen, "day": day, "messages": (*messages.messages, message)})


def left_out(messages: Messages, mail_id: str, why: LeftOut) -> Messages:
    """The state after a mail that is not kept, once."""
    if mail_id in messages.seen:
        return messages
    counted = {**messages.left_out, why: messages.left_out.get(why, 0) + 1}
    return messages.model_copy(update={"seen": messages.seen_with(mail_id), "left_out": counted})


def told(messages: Messages) -> Messages:
    """The state after a steward was told what was left out."""
    return messages.model_copy(update={"left_out": {}})


def passed(messages: Messages, key: str, now: datetime) -> Messages:
    """The state once the partner is to be told of the message `key`."""
    update = {"state": "passed", "passed_at": now.isoformat(timespec="seconds")}
    return messages.model_copy(
        update={
            "messages": tuple(one.model_copy(update=update) if one.key == key else one for one in messages.messages)
        }
    )


def ended(messages: Messages, why: Callable[[Message], End | None]) -> Messages:
    """The state once the messages for which there is a `why` are closed: nothing of them stays but their count."""
    kept, closed = [], dict(messages.closed)
    for one in messages.messages:
        end = why(one)
        if end is None:
            kept.append(one)
        else:
            closed[end] = closed.get(end, 0) + 1
    return messages.model_copy(update={"messages": tuple(kept), "closed": closed})


def in_words_of(text: str) -> str:
    """A writer's words on one line, as they may stand in a terminal and a page: printable, and not too long."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    flat = re.sub(r"\s+", " ", plain).strip()
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1]}…"


def _today(day: Day, now: datetime) -> Day:
    today = now.astimezone(UTC).date().isoformat()
    return day if day.day == today else Day(day=today, salt=secrets.token_hex(16))
