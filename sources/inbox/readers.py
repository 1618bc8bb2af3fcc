"""Brings what readers wrote about single rows: reads what is new in the mailbox, and keeps what names a row of ours.

Belongs here: the order of things. Does not belong here: the connection (imap.py), what a mail says (header.py,
message.py), what is kept of it (messages.py), which rows are published (pipelines/messaging.py).

A mail is a reader's if its subject names a row as the row's address does (schemas/error_address.py), whoever sent it.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from schemas.dataset import Dataset
from schemas.error_address import Named, named_in
from sources.inbox.header import read_header
from sources.inbox.imap import MailFolder, imap_settings, open_folder
from sources.inbox.message import read_body
from sources.inbox.messages import KeptMessages, Messages, Written, in_words_of, left_out, received
from sources.inbox.reached import read_on

_FIRST_DAYS = 30
_LARGEST = 2 * 1024 * 1024
"""Of a mail that weighs more the words are not read: it brings pictures."""

_MOST = 500
"""Mails that one run reads; the next goes on."""

Row = tuple[str, str, str]
"""A published row: its table, its id, and the version that its address names."""


def read_messages(
    dataset: Dataset, kept: KeptMessages, find: Callable[[Named], Row | None], cover: Callable[[str], str]
) -> int:
    """Read the new mails about rows of `dataset` into `kept`; gives how many messages came.

    `find` gives the published row that a subject names, `cover` covers what is personal in a text. Raises HarvestError
    where the mailbox cannot be read, CallError where the environment names none, OvertakenError.
    """
    errors, before = dataset.line.errors, len(kept.messages.messages)
    with open_folder(imap_settings(), errors.folder) as mails:

        def after(state: Messages, uid: int) -> Messages:
            return _after(dataset, state, mails, uid, find, cover)

        for state in read_on(kept.messages, mails, after, first_days=_FIRST_DAYS, most=_MOST, subject=dataset.name):
            # One by one: what a killed run has read is not read again.
            kept.keep(state)
    return len(kept.messages.messages) - before


def _after(
    dataset: Dataset,
    state: Messages,
    mails: MailFolder,
    uid: int,
    find: Callable[[Named], Row | None],
    cover: Callable[[str], str],
) -> Messages:
    head = mails.head(uid)
    if head is None:
        return state
    header = read_header(head.header)
    named = named_in(header.subject, {dataset.name: tuple(table.name for table in dataset.tables)})
    if named is None or header.id in state.seen:
        return state
    if header.automatic or header.sender is None:
        return left_out(state, header.id, "automatic")
    row = find(named)
    if row is None:
        return left_out(state, header.id, "unknown")
    whole = mails.whole(uid) if head.size <= _LARGEST else None
    text = in_words_of(cover(read_body(whole).text)) if whole is not None else ""
    mail = Written(header.id, header.sender, row[0], row[1], named.version, row[2], text)
    return received(state, mail, datetime.now(UTC), dataset.line.errors.per_day)
