"""Harvests a source: asks for its bytes, and keeps them as they come.

Belongs here: copying a file, asking an HTTP(S) address (time limits, retries, conditional requests), and refusing what
is plainly not the partner's data. Does not belong here: what the bytes say (read.py).

A failed read is not an empty source: whatever goes wrong here raises, and latest.json goes on naming the last
snapshot that came whole. Bytes that have not changed are not kept twice.
"""

import re
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from random import uniform
from time import monotonic, sleep
from typing import Any

import requests

from glane.errors import DataError, WorldError
from glane.store import Store, sha256_of
from sources.declaration import Source
from sources.snapshot import DecidedBy, Pointer, Snapshot, keep, point, pointer, snapshot_of

USER_AGENT = f"Glane/{version('glane')} (open-data harvester)"
_CHUNK = 256 * 1024
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_TOLD = ("content-type", "content-length", "content-encoding", "etag", "last-modified", "date")
_MARKUP = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|\?xml|!--)", re.IGNORECASE)


class HarvestError(WorldError):
    """The data could not be fetched: a missing file, a dead address, a server's error, a transfer that broke off."""


class ContentError(DataError):
    """Something was fetched, and it is plainly not the partner's data: nothing at all, a web page, too much."""


class _AgainError(HarvestError):
    """A failure that may pass: tried again, after `after` seconds where the server says so."""

    def __init__(self, what: str, remedy: str, after: float | None = None) -> None:
        super().__init__(what, remedy)
        self.after = after


@dataclass(frozen=True)
class Patience:
    """How long and how often a source is asked, in seconds; `bytes_max` is the largest answer that is taken."""

    attempts: int = 4
    wait_first: float = 1.0
    wait_max: float = 30.0
    retry_after_max: float = 60.0
    connect: float = 10.0
    read: float = 60.0
    whole: float = 600.0
    bytes_max: int = 512 * 1024 * 1024


@dataclass(frozen=True)
class _Answer:
    """What came: nothing new (`same`, and by which header), or bytes with what is told of them."""

    address: str
    story: dict[str, Any]
    etag: str | None = None
    last_modified: str | None = None
    same: DecidedBy | None = None


def harvest(
    source: Source, store: Store, *, session: requests.Session | None = None, patience: Patience | None = None
) -> Snapshot:
    """Fetch what `source` declares and keep it in `store`, byte for byte; give the snapshot that is now the current.

    Unchanged bytes give the same snapshot with `changed=False`. Raises HarvestError where the world failed and
    ContentError where what came is not the data; then the store is as it was.
    """
    patience = patience or Patience()
    before = pointer(source, store)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with store.staged() as folder:
        staged = folder / "received"
        if source.line.where.url is None:
            answer = _copy(source, staged, patience)
        elif session is None:
            with requests.Session() as own:
                answer = _fetch(source.line.where.url, staged, before, own, patience)
        else:
            answer = _fetch(source.line.where.url, staged, before, session, patience)
        if answer.same is not None and before is not None:
            found = point(source, store, replace(before, checked_at=now, decided_by=answer.same))
            return snapshot_of(source, found, changed=False)
        _check_content(staged, source, answer.address)
        digest = sha256_of(staged)
        decided: DecidedBy = "first" if before is None else "hash"
        size = staged.stat().st_size
        received = Pointer(
            digest, size, now, now, decided, answer.address, etag=answer.etag, last_modified=answer.last_modified
        )
        found = keep(source, store, staged, received, answer.story)
    return snapshot_of(source, found, changed=before is None or before.sha256 != digest)


def _copy(source: Source, staged: Path, patience: Patience) -> _Answer:
    declared = source.line.where.file or ""
    path = source.folder / declared
    try:
        if not path.is_file():
            raise HarvestError(
                f"The file {declared!r} that {source.name} declares is not there.",
                "Put it beside source.yaml, or correct the path (where: file).",
            )
        if path.stat().st_size > patience.bytes_max:
            raise _too_large(declared, patience)
        shutil.copyfile(path, staged)
    except PermissionError as error:
        raise HarvestError(f"The file {declared!r} may not be read.", "Give Glane the right to read it.") from error
    return _Answer(declared, {"asked": {"file": declared}, "answered": {}})


def _fetch(url: str, staged: Path, before: Pointer | None, session: requests.Session, patience: Patience) -> _Answer:
    asked = {"User-Agent": USER_AGENT, "Accept": "*/*"}
    if before is not None and before.address == url:
        # Both where there are both: a server that knows entity tags ignores the date (RFC 9110, 13.1.3).
        if before.etag:
            asked["If-None-Match"] = before.etag
        if before.last_modified:
            asked["If-Modified-Since"] = before.last_modified

    # Written out rather than left to a library, whose log lines would land among the answers of `--json`.
    started = monotonic()
    for attempt in count(1):
        try:
            return _ask(url, asked, staged, session, patience)
        except _AgainError as error:
            wait = _wait(error, attempt, patience)
            if wait is None or monotonic() - started + wait > patience.whole:
                raise
            sleep(wait)
    raise AssertionError("count never ends")


def _wait(error: _AgainError, attempt: int, patience: Patience) -> float | None:
    """The seconds to wait after this attempt; None to give up."""
    if attempt >= patience.attempts:
        return None
    if error.after is not None:
        return error.after if error.after <= patience.retry_after_max else None
    # Jitter, so that many sources on one server that came back do not all return at once.
    backoff: float = min(patience.wait_max, patience.wait_first * 2 ** (attempt - 1))
    return backoff * uniform(0.75, 1.25)


def _ask(url: str, asked: dict[str, str], staged: Path, session: requests.Session, patience: Patience) -> _Answer:
    staged.unlink(missing_ok=True)
    try:
        with session.get(url, headers=asked, stream=True, timeout=(patience.connect, patience.read)) as response:
            _check_status(url, response)
            told = {name: response.headers[name] for name in _TOLD if name in response.headers}
            story = {
                "asked": {"url": url, "headers": asked},
                "answered": {"url": response.url, "status": response.status_code, "headers": told},
            }
            if response.status_code == requests.codes.not_modified:
                return _Answer(url, story, same="etag" if "If-None-Match" in asked else "last-modified")
            _stream(url, response, staged, patience)
    except requests.exceptions.Timeout as error:
        raise _AgainError(f"{url} did not answer in time.", "Try again later; ask the partner if it lasts.") from error
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        broke = isinstance(error, requests.exceptions.ChunkedEncodingError)
        what = "broke off before the whole file had come" if broke else f"cannot be reached ({_why(error)})"
        raise _AgainError(f"{url} {what}.", "Try again later; check the address if it lasts.") from error
    except requests.exceptions.RequestException as error:
        raise HarvestError(f"{url} cannot be fetched: {_why(error)}.", "Check the address (where: url).") from error
    return _Answer(url, story, etag=told.get("etag"), last_modified=told.get("last-modified"))


def _stream(url: str, response: requests.Response, staged: Path, patience: Patience) -> None:
    """Write the answer to `staged`, within its limits of size and of time; a short answer is requests' own error."""
    until = monotonic() + patience.whole
    size = 0
    with staged.open("wb") as file:
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > patience.bytes_max:
                raise _too_large(url, patience)
            # A server that drips a byte a minute never runs into the time limit of one read.
            if monotonic() > until:
                raise HarvestError(f"{url} took longer than {patience.whole:g} seconds.", "Try again later.")
            file.write(chunk)


def _check_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status < 400:
        return
    what = f"{url} answered {status} {response.reason or ''}".rstrip() + "."
    if status in _TRANSIENT:
        after = _retry_after(response.headers.get("Retry-After"))
        wait = f" It asks to come back in {after:.0f} seconds." if after is not None else ""
        raise _AgainError(what, f"Try again later; tell the partner if it lasts.{wait}", after)
    remedies = {
        401: "The address asks for a login: ask the partner for an open one.",
        403: "The server refuses us: ask the partner to let us in, or for another address.",
        404: "Nothing is there any more: ask the partner for the new address (where: url).",
        410: "The file was withdrawn: ask the partner, and set the source's state to paused or retired.",
    }
    raise HarvestError(what, remedies.get(status, "Check the address (where: url), or ask the partner."))


def _retry_after(header: str | None) -> float | None:
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        wait = parsedate_to_datetime(header) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


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


def _too_large(address: str, patience: Patience) -> ContentError:
    limit = patience.bytes_max // 1024**2
    return ContentError(f"{address} gives more than {limit} MB.", "Ask the partner for a smaller file, or several.")


def _why(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    return str(cause).split(": ", 1)[-1].strip("'\". ")[:120] or type(cause).__name__
