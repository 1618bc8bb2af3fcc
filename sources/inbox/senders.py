"""Who may write to the mailboxes, over all sources: nobody's file is taken for another source's, and strangers are
counted.

Belongs here: what concerns several sources at once. Does not belong here: one source's mail (reading.py).

    mail/strangers.json   how far each folder was looked through, and how many mails strangers sent since when
"""

from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any

from glane.declaration import DeclarationError, Fault, lines_of
from glane.store import Store
from sources.declaration import Source
from sources.inbox.header import read_header
from sources.inbox.imap import MailFolder, imap_settings, open_folder

_KEY = "mail/strangers.json"


def check_senders(source: Source, held: MutableMapping[tuple[str, str], str]) -> None:
    """Raises DeclarationError where a sender of `source` writes to the same folder for another source, as a mail of
    theirs would be taken by both; and where the partner could not be asked. `held` remembers who writes where for whom.
    """
    mailbox, path = source.line.where.mailbox, source.folder / "source.yaml"
    if mailbox is None:
        return
    if source.line.mail == "off":
        what = "The partner mails its file and must be asked by mail before it is published, but mail: off forbids it."
        raise DeclarationError(path, [Fault(lines_of(path)[("mail",)], "mail", what, "Leave 'mail' out.")])
    for sender in mailbox.senders:
        holder = held.setdefault((mailbox.folder, sender.lower()), source.name)
        if holder != source.name:
            what = f"{sender} writes to the folder {mailbox.folder!r} for {holder} already."
            remedy = "Give this source a folder of its own ('folder'), and let the mail server sort by address."
            raise DeclarationError(path, [Fault(lines_of(path)[("where", "mailbox")], "where.mailbox", what, remedy)])


def count_strangers(sources: Iterable[Source], store: Store) -> int:
    """How many mails came since the last count, to the folders of `sources`, from addresses that none of them declares.

    Of these mails nothing but the From header is asked for, and nothing of it is kept; counting begins with the mail
    that comes after the first count. Raises HarvestError, CallError.
    """
    folders: dict[str, set[str]] = {}
    for source in sources:
        mailbox = source.line.where.mailbox
        if mailbox is not None:
            known = folders.setdefault(mailbox.folder, set())
            known.update(sender.lower() for sender in (*mailbox.senders, mailbox.address))
    if not folders:
        return 0
    told: Any = store.read_json(_KEY)
    state: dict[str, Any] = told if isinstance(told, dict) else {}
    settings, counted = imap_settings(), 0
    for name, known in folders.items():
        with open_folder(settings, name) as mails:
            before = state.get(name, {})
            strange, seen = _look(mails, before, known)
        counted += strange
        since = before.get("since") or datetime.now(UTC).isoformat(timespec="seconds")
        state[name] = {**seen, "mails": int(before.get("mails", 0)) + strange, "since": since}
    store.write_json(_KEY, state)
    return counted


def _look(mails: MailFolder, before: dict[str, Any], known: set[str]) -> tuple[int, dict[str, int]]:
    """The strangers' mails after those that were looked at, and how far that is."""
    if before.get("validity") != mails.validity:
        uids = mails.new(0)
        return 0, {"validity": mails.validity, "uid": uids[-1] if uids else 0}
    uids = mails.new(int(before.get("uid", 0)))
    strange = sum(read_header(mails.sender(uid)).sender not in known for uid in uids)
    return strange, {"validity": mails.validity, "uid": uids[-1] if uids else int(before.get("uid", 0))}
