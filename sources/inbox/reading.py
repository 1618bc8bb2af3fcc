"""Brings what a partner mailed: reads what is new in the mailbox, keeps the files, remembers how far it was read.

Belongs here: the order of things, and keeping the state. Does not belong here: the connection (imap.py), what a mail
says (header.py, message.py, attachments.py), what becomes of a file (consent.py), the answers (pipelines/mail).

    raw/<dataset>/<partner>/<sha256>      the file that was attached, byte for byte, as any snapshot
    raw/<dataset>/<partner>/inbox.json    how far the mailbox was read, what waits, what was taken, what is to be said

Of a mail only the file is kept. Who sent it is a hash, which tells the declared addresses apart and names nobody else;
the mail itself stays in the mailbox, where nothing is deleted or marked.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import ValidationError

from glane.store import Stamp, Store, to_json
from sources.declaration import Source
from sources.fetch.failures import HarvestError
from sources.inbox.attachments import choose
from sources.inbox.consent import Came, Inbox, Incoming, passed, received
from sources.inbox.declared import Mailbox
from sources.inbox.header import MailHeader, read_header
from sources.inbox.imap import Head, ImapSettings, MailFolder, imap_settings, open_folder
from sources.inbox.message import read_body
from sources.inbox.reached import read_on
from sources.snapshot import DecidedBy, Pointer, Snapshot, folder, keep, point, snapshot_of

MAIL_MAX = 35 * 1024 * 1024
"""A mail of 25 MB, the most that common servers take, weighs a third more as it travels."""

LARGEST_MB = 25


@dataclass
class KeptInbox:
    """The state of a source's mailbox, and what the store had of it when it was read."""

    store: Store
    key: str
    stamp: Stamp
    inbox: Inbox

    def keep(self, inbox: Inbox) -> None:
        """Keep `inbox`. Raises OvertakenError where another run changed it meanwhile."""
        if inbox != self.inbox:
            self.stamp = self.store.replace(self.stamp, to_json(inbox.model_dump(mode="json")))
            self.inbox = inbox


def kept_inbox(source: Source, store: Store) -> KeptInbox:
    """The state of the mailbox of `source`; the first one where there is none yet. Raises HarvestError for one that is
    damaged: begun anew, it would ask for files that were answered long ago."""
    key = f"{folder(source)}/inbox.json"
    stamp = store.look(key)
    try:
        inbox = Inbox.model_validate_json(stamp.data) if stamp.data else Inbox()
    except ValidationError as error:
        raise HarvestError(
            f"What is remembered of the mailbox of {source.name} cannot be read ({store.where(key)}).",
            "Bring it back from a backup; or remove it, and the mail of the last month is read again and asked about.",
        ) from error
    return KeptInbox(store, key, stamp, inbox)


def harvest_inbox(source: Source, store: Store) -> Snapshot:
    """Read what is new in the mailbox of `source`; give the file that is to be judged now: the one that waits for the
    partner's yes, else the last one that has it.

    Raises HarvestError where the mailbox cannot be read, nothing came yet, or all there is waited in vain.
    """
    declared = source.line.where.mailbox
    assert declared is not None
    settings = imap_settings()
    kept = kept_inbox(source, store)
    before = kept.inbox
    with open_folder(settings, declared.folder) as mails:

        def after(inbox: Inbox, uid: int) -> Inbox:
            head = mails.head(uid)
            return inbox if head is None else _after(source, declared, settings, mails, store, inbox, head)

        for inbox in read_on(before, mails, after, first_days=declared.expire_after_days, senders=declared.senders):
            # One by one: what a killed run has read is not read again.
            kept.keep(inbox)
    now = datetime.now(UTC)
    kept.keep(passed(kept.inbox, now, declared.expire_after_days))
    current = _current(kept.inbox)
    if current is None:
        raise HarvestError(
            f"No file of {source.name} that may be used has come by mail"
            + (" in time for the partner's yes." if kept.inbox.expired else " yet."),
            f"Ask the partner to mail its file to {declared.address}, from one of the declared addresses.",
        )
    found = _pointer(current, now, "first" if before == Inbox() else "hash")
    point(source, store, found)
    known = _current(before)
    return snapshot_of(source, found, changed=known is None or known.sha256 != current.sha256)


def may_stand(source: Source, store: Store, snapshot: Snapshot) -> bool:
    """Whether the rows of `snapshot` may become those that are published: what came by mail needs the partner's yes."""
    if source.line.where.mailbox is None:
        return True
    taken = kept_inbox(source, store).inbox.taken
    return taken is not None and taken.sha256 == snapshot.sha256


def sender_hash(source: Source, address: str) -> str:
    """What stands for a sender in the store."""
    return hashlib.sha256(f"{source.name}\n{address.lower()}".encode()).hexdigest()[:16]


def _current(inbox: Inbox) -> Came | None:
    return inbox.waiting.came if inbox.waiting is not None else inbox.taken


def _after(
    source: Source,
    declared: Mailbox,
    settings: ImapSettings,
    mails: MailFolder,
    store: Store,
    inbox: Inbox,
    head: Head,
) -> Inbox:
    header = read_header(head.header, settings.proves)
    senders = {sender.lower() for sender in declared.senders}
    if header.sender is None or header.sender not in senders or header.id in inbox.seen:
        # The server's search is loose ("old-data@..." holds "data@..."); such a mail is a stranger's.
        return inbox
    if header.proven is False:
        return inbox.model_copy(update={"unproven": inbox.unproven + 1, "seen": (*inbox.seen, header.id)})
    if header.automatic:
        return inbox.model_copy(update={"automatic": inbox.automatic + 1, "seen": (*inbox.seen, header.id)})
    mail = Incoming(
        id=header.id,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        by=sender_hash(source, header.sender),
        message_id=header.message_id,
    )
    if head.size > MAIL_MAX:
        return received(inbox, replace(mail, reasons=("large",)))
    whole = mails.whole(head.uid)
    return inbox if whole is None else received(inbox, _opened(source, declared, store, header, mail, whole))


def _opened(
    source: Source, declared: Mailbox, store: Store, header: MailHeader, mail: Incoming, whole: bytes
) -> Incoming:
    """The mail with what stands in it; a file that is taken is in the store already."""
    body = read_body(whole)
    chosen = choose(body.attachments, source.line.format.kind, declared.match)
    mail = replace(mail, reasons=chosen.reasons, says_yes=body.says_yes, tokens=body.tokens)
    if chosen.file is None:
        return mail
    came = Came(
        sha256=chosen.file.sha256,
        bytes=len(chosen.file.data),
        name=chosen.file.name,
        at=mail.at,
        by=mail.by,
        message_id=header.message_id,
    )
    with store.staged() as staged:
        path = staged / "received"
        path.write_bytes(chosen.file.data)
        asked = {"asked": {"mailbox": declared.address}, "answered": {"name": came.name, "by": came.by}}
        keep(source, store, path, _pointer(came, datetime.now(UTC), "hash"), asked)
    return replace(mail, file=came)


def _pointer(came: Came, now: datetime, decided_by: DecidedBy) -> Pointer:
    checked = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    came_at = datetime.fromisoformat(came.at).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Pointer(came.sha256, came.bytes, came_at, checked, decided_by, came.name)
