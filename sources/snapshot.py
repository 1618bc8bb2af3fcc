"""A snapshot: the bytes of one source as they were received, kept for ever under their SHA-256.

Belongs here: what a snapshot is, and its place in the store:

    raw/<dataset>/<partner>/<sha256>        the bytes
    raw/<dataset>/<partner>/<sha256>.json   what was asked and answered when they first came
    raw/<dataset>/<partner>/latest.json     which bytes are the current ones, and when they were last looked for

    raw/<dataset>/<partner>/rest.json       until when its server asked to be left in peace

latest.json is written last: what it names is whole. Does not belong here: fetching (harvest.py).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from glane.store import MissingError, Store, sha256_of
from sources.declaration import Source

_SHA256 = re.compile("[0-9a-f]{64}")
_REST_MAX = timedelta(days=31)
DecidedBy = Literal["first", "hash", "etag", "last-modified", "portal"]


@dataclass(frozen=True)
class Snapshot:
    """The current bytes of a source, in the store under `key`.

    `changed` says whether they are others than last time, and `decided_by` how that was found out. `fetched_at` is
    when these very bytes first came, `checked_at` when the source was last asked (UTC, ISO 8601).
    """

    dataset: str
    partner: str
    sha256: str
    bytes: int
    key: str
    changed: bool
    fetched_at: str
    checked_at: str
    decided_by: DecidedBy
    address: str

    @property
    def file_name(self) -> str:
        """The name of the partner's file, as its address ends."""
        return file_name(self.address)

    @property
    def date(self) -> str:
        """The day on which these bytes first came (UTC)."""
        return self.fetched_at[:10]


@dataclass(frozen=True)
class Pointer:
    """What latest.json says; `etag`, `last_modified` and `length` are what the server gave with these bytes, `stamp`
    what the portal that keeps them says of them.

    `changed_at` is when they were first found to be the current ones (bytes may come back that had come before), and
    `ignored` that the server took no notice of a conditional request. `members` are the files of a snapshot that was
    gathered from several addresses, each with what was said of it.
    """

    sha256: str
    bytes: int
    fetched_at: str
    checked_at: str
    decided_by: DecidedBy
    address: str
    etag: str | None = None
    last_modified: str | None = None
    stamp: str | None = None
    length: str | None = None
    changed_at: str | None = None
    ignored: bool = False
    members: Sequence[Mapping[str, Any]] = ()


def folder(source: Source) -> str:
    """The key under which the snapshots of `source` are kept."""
    return f"raw/{source.dataset}/{source.partner}"


def pointer(source: Source, store: Store) -> Pointer | None:
    """The pointer to the current snapshot of `source`; None where there is none, or its bytes are gone or damaged."""
    found = told(source, store)
    return found if found is not None and _whole(store, f"{folder(source)}/{found.sha256}", found.sha256) else None


def told(source: Source, store: Store) -> Pointer | None:
    """What latest.json says, its bytes not looked at: enough to say when a source was asked, and to wait."""
    value: Any = store.read_json(f"{folder(source)}/latest.json")
    try:
        return Pointer(**value)
    except TypeError:
        return None


def rest(source: Source, store: Store, seconds: float) -> None:
    """Remember that the server asked to be left in peace for so long, a month at most: nobody waits for ever."""
    until = datetime.now(UTC) + min(timedelta(seconds=seconds), _REST_MAX)
    store.write_json(f"{folder(source)}/rest.json", {"until": until.isoformat(timespec="seconds")})


def rests_until(source: Source, store: Store) -> datetime | None:
    """Until when the server asked to be left in peace; None where it never did."""
    value: Any = store.read_json(f"{folder(source)}/rest.json")
    try:
        return datetime.fromisoformat(value["until"])
    except (TypeError, KeyError, ValueError):
        return None


def latest(source: Source, store: Store) -> Snapshot | None:
    """The snapshot that was kept last (`changed` is False); None where there is none whole."""
    found = pointer(source, store)
    return None if found is None else snapshot_of(source, found, changed=False)


def keep(source: Source, store: Store, staged: Path, received: Pointer, story: dict[str, Any]) -> Pointer:
    """Keep the `staged` bytes, and their `story` where they are new; then point at them.

    Gives the pointer, whose `fetched_at` is that of the first time where these bytes came before.
    """
    key = f"{folder(source)}/{received.sha256}"
    if not _whole(store, key, received.sha256):
        store.adopt_file(staged, key)
    first: Any = store.read_json(f"{key}.json")
    if not isinstance(first, dict) or "fetched_at" not in first:
        store.write_json(f"{key}.json", {"fetched_at": received.fetched_at, "bytes": received.bytes, **story})
    else:
        received = replace(received, fetched_at=first["fetched_at"])
    return point(source, store, received)


def received(store: Store, dataset: str, partner: str, sha256: str) -> tuple[str, str] | None:
    """The day on which these bytes first came, and what their file was called; None where nothing tells of them."""
    place = f"raw/{dataset}/{partner}"
    story: Any = store.read_json(f"{place}/{sha256}.json")
    if not isinstance(story, dict) or not isinstance(story.get("fetched_at"), str):
        return None
    last: Any = store.read_json(f"{place}/latest.json")
    told: list[Any] = [last.get("address")] if isinstance(last, dict) and last.get("sha256") == sha256 else []
    for part in ("asked", "answered"):
        said = story.get(part)
        told += [said.get(key) for key in ("file", "s3", "url")] if isinstance(said, dict) else []
    address = next((one for one in told if isinstance(one, str) and one), sha256)
    return story["fetched_at"][:10], file_name(address)


def file_name(address: str) -> str:
    """The name of the partner's file, as its address ends."""
    path = urlsplit(address).path if "://" in address else address
    return PurePosixPath(unquote(path)).name or address


def damaged(store: Store, dataset: str) -> Iterator[str]:
    """The keys of the snapshots of `dataset` whose bytes are not those of their name; reads every byte."""
    for path in store.files(f"raw/{dataset}"):
        key = f"raw/{dataset}/{path}"
        name = PurePosixPath(path).name
        if _SHA256.fullmatch(name) and (found := store.digest(key)) != name:
            mark = forgotten_in(store, key)
            if mark is None or mark.get("sha256") != found:
                yield key


def point(source: Source, store: Store, found: Pointer) -> Pointer:
    """Make `found` what latest.json says."""
    store.write_json(f"{folder(source)}/latest.json", asdict(found))
    return found


def _whole(store: Store, key: str, digest: str) -> bool:
    try:
        found = sha256_of(store.fetch(key))
    except MissingError:
        return False
    if found == digest:
        return True
    mark = forgotten_in(store, key)
    return mark is not None and mark.get("sha256") == found and not mark.get("replaced")


def forgotten_in(store: Store, key: str) -> Mapping[str, Any] | None:
    """What the story of the snapshot at `key` says of people who were forgotten in it (sources/forgetting.py)."""
    story: Any = store.read_json(f"{key}.json")
    mark = story.get("forgotten") if isinstance(story, dict) else None
    return mark if isinstance(mark, dict) else None


def snapshot_of(source: Source, found: Pointer, *, changed: bool) -> Snapshot:
    """The snapshot that a pointer points at."""
    return Snapshot(
        dataset=source.dataset,
        partner=source.partner,
        sha256=found.sha256,
        bytes=found.bytes,
        key=f"{folder(source)}/{found.sha256}",
        changed=changed,
        fetched_at=found.fetched_at,
        checked_at=found.checked_at,
        decided_by=found.decided_by,
        address=found.address,
    )
