"""What waits of readers' messages: one line of the steward's list, and one of the mails that were left out.

Belongs here: these lines. Does not belong here: which messages wait (sources/inbox/messages.py), the list as a whole
(today.py).
"""

from collections.abc import Iterator
from datetime import datetime

from glane.store import Store
from pipelines.today_sources import Waiting
from schemas.dataset import Dataset
from sources.inbox.messages import Messages, MessagesError, kept_messages

_LEFT_OUT = {"automatic": "sent by a program", "unknown": "name no published row", "many": "too many in a day"}


def of_readers(dataset: Dataset, store: Store, now: datetime) -> Iterator[Waiting]:
    """What readers wrote that waits for a steward."""
    steward = dataset.line.steward
    whom, command = f"{steward.name} <{steward.email}>", f"glane review {dataset.name} --as ROLE"
    try:
        messages = kept_messages(store, dataset.name).messages
    except MessagesError as error:
        yield Waiting("messages", dataset.name, f"{error.what} {error.remedy}", "who runs Glane", None, command)
        return
    if found := [one for one in messages.messages if one.waits(now)]:
        why = f"{len(found)} message{'' if len(found) == 1 else 's'} of readers about rows that they find wrong."
        yield Waiting("messages", dataset.name, why, whom, min(one.at for one in found), command)
    if count := sum(messages.left_out.values()):
        said = f"{count} mail{'' if count == 1 else 's'} of readers left out"
        yield Waiting("messages", dataset.name, f"{said} ({_why(messages)}).", whom, None, command)


def _why(messages: Messages) -> str:
    return ", ".join(f"{count} {_LEFT_OUT[why]}" for why, count in sorted(messages.left_out.items()))
