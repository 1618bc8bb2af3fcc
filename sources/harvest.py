"""Harvests a source: asks for its bytes, and keeps them as they come.

Belongs here: which way of fetching serves which declaration, copying files, refusing what is plainly not the partner's
data. Does not belong here: talking to servers (fetch/), what the bytes say (read.py).

A failed read is not an empty source: whatever goes wrong here raises, and latest.json goes on naming the last
snapshot that came whole. Bytes that have not changed are not kept twice.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from http import HTTPStatus
from pathlib import Path
from typing import Any

from glane.store import Store, StoreError, sha256_of
from schemas.deposit import last_answered
from sources.declaration import Source
from sources.fetch.deposit import FindOwnPortal, NoPortalError, OwnPortal, find_upload
from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.http import Answered, Client, Patience, too_large
from sources.fetch.ladder import Seen
from sources.fetch.organisation import Former, Member, fetch_organisation
from sources.fetch.pages import fetch_pages
from sources.fetch.portals import Found, find
from sources.inbox.reading import harvest_inbox
from sources.limits import patience_with
from sources.snapshot import DecidedBy, Pointer, Snapshot, keep, point, pointer, rest, snapshot_of
from sources.snapshot import folder as snapshots
from sources.where import S3, Ckan, Deposit

_MARKUP = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|\?xml|!--)", re.IGNORECASE)


@dataclass(frozen=True)
class _Brought:
    """What came: nothing new (`same`, and what told), or bytes with what is told of them."""

    address: str
    story: dict[str, Any]
    etag: str | None = None
    last_modified: str | None = None
    length: str | None = None
    stamp: str | None = None
    ignored: bool = False
    members: Sequence[Mapping[str, Any]] = ()
    same: DecidedBy | None = None


def harvest(
    source: Source, store: Store, *, patience: Patience | None = None, own_portal: FindOwnPortal = lambda: None
) -> Snapshot:
    """Fetch what `source` declares and keep it in `store`, byte for byte; give the snapshot that is now the current.

    `own_portal` is asked where the source is a deposit. Unchanged bytes give the same snapshot with `changed=False`.
    Raises HarvestError where the world failed, ContentError where what came is not the data, PublicDepositError,
    ForbiddenAddressError and SecretMissingError; then the store is as it was.
    """
    if source.line.where.mailbox is not None:
        return harvest_inbox(source, store)
    patience = patience or patience_with(source.line.format.kind)
    before = pointer(source, store)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with store.staged() as folder:
        staged = folder / "received"
        try:
            brought = _bring(source, store, staged, before, patience, own_portal)
        except HarvestError as error:
            if error.after is not None:
                rest(source, store, error.after)
            raise
        if brought.same is not None and before is not None:
            found = point(source, store, _still(before, brought, now))
            return snapshot_of(source, found, changed=False)
        _check_content(staged, source, brought.address)
        digest = sha256_of(staged)
        came_before = before is not None and before.sha256 == digest
        received = Pointer(
            digest,
            staged.stat().st_size,
            now,
            now,
            "first" if before is None else "hash",
            brought.address,
            etag=brought.etag,
            last_modified=brought.last_modified,
            stamp=brought.stamp,
            length=brought.length,
            changed_at=(before.changed_at or before.fetched_at) if before is not None and came_before else now,
            ignored=brought.ignored and came_before,
            members=brought.members,
        )
        found = keep(source, store, staged, received, brought.story)
    return snapshot_of(source, found, changed=not came_before)


def _still(before: Pointer, brought: _Brought, now: str) -> Pointer:
    assert brought.same is not None
    changed_at = before.changed_at or before.fetched_at
    return replace(
        before,
        checked_at=now,
        decided_by=brought.same,
        changed_at=changed_at,
        ignored=brought.ignored,
        stamp=brought.stamp or before.stamp,
        members=brought.members or before.members,
    )


def _bring(
    source: Source, store: Store, staged: Path, before: Pointer | None, patience: Patience, own_portal: FindOwnPortal
) -> _Brought:
    where = source.line.where
    if where.file is not None:
        return _copy(source, source.folder / where.file, where.file, staged, patience)
    if where.folder is not None:
        return _copy_last(source, staged, patience)
    if where.s3 is not None:
        return _fetch_last(where.s3, staged, before, patience)
    if where.deposit is not None:
        answered = last_answered(store, source.dataset, source.partner)
        answers = answered.files if answered is not None else {}
        return _bring_deposited(where.deposit, answers, staged, before, patience, own_portal())
    with Client(where, patience) as client:
        if where.pages is not None:
            return _Brought(where.address, fetch_pages(where.pages, source.line.format.records, staged, client))
        if where.ckan is not None and where.ckan.organisation is not None:
            return _gather(source, where.ckan, store, staged, before, client)
        found = Found(where.url) if where.url is not None else find(where, source.line.format.kind, client)
        return _fetch(found, staged, before, client)


def _fetch(found: Found, staged: Path, before: Pointer | None, client: Client) -> _Brought:
    known = before if before is not None and before.address == found.url else None
    if known is not None and found.stamp is not None and known.stamp == found.stamp:
        return _Brought(found.url, {}, same="portal", ignored=known.ignored)
    seen = None
    if known is not None:
        seen = Seen(known.etag, known.last_modified, known.length, known.checked_at, known.ignored)
    return _told(found, client.asked(found.url, seen), client.fetch(found.url, staged, seen), seen)


def _gather(
    source: Source, declared: Ckan, store: Store, staged: Path, before: Pointer | None, client: Client
) -> _Brought:
    """The files of a whole organisation, of which those that have not changed are taken from the snapshot before."""
    former = None
    if before is not None and before.address == declared.page and before.members:
        key = f"{snapshots(source)}/{before.sha256}"
        members = tuple(Member(**one) for one in before.members)
        former = Former(members, before.checked_at, lambda: store.fetch(key))

    def check(path: Path, address: str) -> None:
        _check_content(path, source, address)

    gathered = fetch_organisation(declared, source.line.format.kind, staged, client, former, check)
    told = tuple(asdict(one) for one in gathered.members)
    return _Brought(declared.page, gathered.story, members=told, same=gathered.same)


def _bring_deposited(
    declared: Deposit,
    answers: Mapping[str, str],
    staged: Path,
    before: Pointer | None,
    patience: Patience,
    portal: OwnPortal | None,
) -> _Brought:
    if portal is None:
        what = f"The source is the deposit {declared.dataset} on our portal, and no portal is known."
        raise NoPortalError(what, "Set GLANE_PORTAL and GLANE_PORTAL_TOKEN_FILE, or start one: glane portal up.")
    with Client(portal.where, patience) as client:
        return _fetch(find_upload(declared, portal, client, answers), staged, before, client)


def _fetch_last(declared: S3, staged: Path, before: Pointer | None, patience: Patience) -> _Brought:
    """The last object by name under the declared prefix; one whose ETag is the one that we have is not sent again."""
    # What speaks to S3 takes a second to import.
    from glane.store.bucket import Bucket

    address = declared.address.rstrip("/")
    root, prefix = "/".join(address.split("/")[:3]), address.split("/", 3)[3]
    bucket = Bucket(root)
    try:
        found = sorted(name for name in bucket.files(prefix) if fnmatchcase(name, declared.match))
        key = f"{prefix}/{found[-1]}" if found else ""
        head = bucket.head(key) if found else None
        if head is None:
            raise HarvestError(
                f"No object under {address} fits {declared.match!r}.",
                "Ask the partner for the file, or correct 'match' (where: s3).",
            )
        url = f"{root}/{key}"
        if head.bytes > patience.bytes_max:
            raise too_large(url, patience)
        if before is not None and (before.address, before.etag) == (url, head.etag):
            return _Brought(url, {}, same="etag")
        bucket.download(key, staged)
    except StoreError as error:
        raise HarvestError(f"{address} cannot be read: {error.what}", error.remedy) from error
    story = {"asked": {"s3": url}, "answered": {"etag": head.etag, "bytes": head.bytes}}
    return _Brought(url, story, etag=head.etag)


def _told(found: Found, asked: dict[str, Any], answered: Answered, seen: Seen | None) -> _Brought:
    headers = dict(answered.headers)
    story = {"asked": asked, "answered": {"url": answered.url, "status": answered.status, "headers": headers}}
    return _Brought(
        found.url,
        story,
        headers.get("etag"),
        headers.get("last-modified"),
        headers.get("content-length"),
        found.stamp,
        # A whole answer to a question with a condition: the headers are asked for alone next time.
        ignored=seen is not None and seen.conditional and answered.status != HTTPStatus.NOT_MODIFIED,
        same=answered.told,
    )


def _copy_last(source: Source, staged: Path, patience: Patience) -> _Brought:
    """The last file by name of the declared folder: names that sort by date make it the newest."""
    declared = source.line.where.folder
    assert declared is not None
    folder = source.folder / declared.path
    if not folder.is_dir():
        raise HarvestError(
            f"The folder {declared.path!r} that {source.name} declares is not there.",
            "Make it, or correct the path (where: folder).",
        )
    found = sorted(path for path in folder.glob(declared.match) if path.is_file() and not path.name.startswith("."))
    if not found:
        raise HarvestError(
            f"No file in {declared.path!r} fits {declared.match!r}.",
            "Ask the partner for the file, or correct 'match' (where: folder).",
        )
    return _copy(source, found[-1], f"{declared.path}/{found[-1].relative_to(folder).as_posix()}", staged, patience)


def _copy(source: Source, path: Path, declared: str, staged: Path, patience: Patience) -> _Brought:
    try:
        if not path.is_file():
            raise HarvestError(
                f"The file {declared!r} that {source.name} declares is not there.",
                "Put it beside source.yaml, or correct the path (where: file).",
            )
        if path.stat().st_size > patience.bytes_max:
            raise too_large(declared, patience)
        shutil.copyfile(path, staged)
    except PermissionError as error:
        raise HarvestError(f"The file {declared!r} may not be read.", "Give Glane the right to read it.") from error
    return _Brought(declared, {"asked": {"file": declared}, "answered": {}})


def _check_content(staged: Path, source: Source, address: str) -> None:
    with staged.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise ContentError(
            f"{address} gave an empty file.",
            "It is not taken for a source without rows: ask the partner, the last good rows stay.",
        )
    if _MARKUP.match(start):
        kind = source.line.format.kind.upper()
        raise ContentError(
            f"{address} gave a web page or XML instead of {kind} (it begins with {start.strip()[:40]!r}).",
            "Open the address in a browser: an error, a login or a moved page shows there. Correct where: url.",
        )
