"""Asks HTTP(S) addresses: time limits, retries that wait, conditional requests, secrets kept where they belong.

Belongs here: one request and its answer, and what is said when it fails. Does not belong here: which address
(portals.py, pages.py), which addresses may be asked at all (guard.py), what the bytes are worth (harvest.py).
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from random import uniform
from threading import Timer
from time import monotonic, sleep
from types import MappingProxyType, TracebackType
from typing import Any
from urllib.parse import urlsplit

import requests

from glane.errors import CallError
from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.guard import guarded_session
from sources.fetch.ladder import Seen as Seen
from sources.fetch.ladder import Told, same
from sources.fetch.manners import TURNS, Manners, manners
from sources.where import Where, with_secrets

_CHUNK = 256 * 1024
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_TOLD = ("content-type", "content-length", "content-encoding", "etag", "last-modified", "date", "link")


_Receive = Callable[[requests.Response], None]


class _AgainError(HarvestError):
    """A failure that may pass: tried again, after `after` seconds where the server says so."""

    def __init__(self, what: str, remedy: str, after: float | None = None) -> None:
        super().__init__(what, remedy)
        self.after = after


class SecretMissingError(CallError):
    """A header names a variable of the environment that is not set."""


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
class Answered:
    """An answer: its status, its headers as far as they are kept, the address it came from; and, where its bytes are
    those that we have, what `told` so: then none of them was read."""

    status: int
    headers: Mapping[str, str]
    url: str
    told: Told | None = None


class Client:
    """Asks for one source: its declared host gets the declared headers, and no other host does. Close it."""

    def __init__(self, where: Where, patience: Patience, behaviour: Manners | None = None) -> None:
        self._manners = behaviour or manners()
        self._declared = _host(where.base)
        self._headers = _headers(where)
        self.patience = patience
        self._session = guarded_session(where.base, private=where.private)
        # Without this, requests would send what a .netrc says.
        self._session.auth = lambda request: request
        self._session.rebuild_auth = self._rebuild_auth  # type: ignore[method-assign]
        self._until = monotonic() + patience.whole
        # A server that drips a byte at a time, headers too, never runs into the time limit of one read.
        self._watch = Timer(patience.whole, self._session.hang_up)
        self._watch.daemon = True
        self._watch.start()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watch.cancel()
        self._session.close()

    def asked(self, url: str, seen: Seen | None = None) -> dict[str, Any]:
        """What is asked of `url`, as the snapshot's story tells it: the declared headers by name alone."""
        told = dict.fromkeys(self._own(url), "(declared)")
        return {"url": url, "headers": {**self._plain(seen), **told}}

    def fetch(self, url: str, target: Path, seen: Seen | None = None) -> Answered:
        """Write what `url` gives to `target`, whole, unless its headers tell that it is what was `seen`.

        Raises HarvestError, ContentError where it is too much.
        """
        if seen is not None and seen.ignored:
            with suppress(HarvestError):
                answered = self._repeat(url, seen, _nothing, method="HEAD")
                if answered.told is not None:
                    return answered

        def receive(response: requests.Response) -> None:
            with target.open("wb") as file:
                for chunk in self._chunks(url, response):
                    file.write(chunk)

        return self._repeat(url, seen, receive)

    def json(self, url: str) -> tuple[Any, bytes, Answered]:
        """The JSON value at `url`, its bytes, and the answer. Raises HarvestError, ContentError where it is none."""
        kept: list[bytes] = []

        def receive(response: requests.Response) -> None:
            kept[:] = [b"".join(self._chunks(url, response))]

        answered = self._repeat(url, None, receive)
        try:
            return json.loads(kept[0]), kept[0], answered
        except (ValueError, RecursionError) as error:
            raise ContentError(
                f"{url} gave no JSON (it begins with {kept[0].strip()[:40]!r}).",
                "Open the address in a browser: an error, a login or another kind of page shows there.",
            ) from error

    def post(self, url: str, form: Sequence[tuple[str, str]], file: tuple[str, str, bytes, str]) -> bytes:
        """What `url` answers to a form with a file (field, name, bytes, type). It may be sent more than once: only for
        what changes nothing there. Raises HarvestError, ContentError where the answer is too much."""
        kept: list[bytes] = []

        def receive(response: requests.Response) -> None:
            kept[:] = [b"".join(self._chunks(url, response))]

        field, *sent = file
        self._repeat(url, None, receive, method="POST", sending={"data": list(form), "files": [(field, tuple(sent))]})
        return kept[0]

    def _own(self, url: str) -> dict[str, str]:
        return self._headers if _host(url) == self._declared else {}

    def _plain(self, seen: Seen | None) -> dict[str, str]:
        headers = {"User-Agent": self._manners.user_agent, "Accept": "*/*"}
        # Both where there are both: a server that knows entity tags ignores the date (RFC 9110, 13.1.3).
        if seen is not None and seen.etag:
            headers["If-None-Match"] = seen.etag
        if seen is not None and seen.last_modified:
            headers["If-Modified-Since"] = seen.last_modified
        return headers

    def _rebuild_auth(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        if _host(str(request.url)) != self._declared:
            for name in self._headers:
                request.headers.pop(name, None)

    def _ask(self, url: str, seen: Seen | None, receive: _Receive, method: str, sending: Mapping[str, Any]) -> Answered:
        limits = (self.patience.connect, self.patience.read)
        headers = {**self._plain(seen), **self._own(url)}
        try:
            # What is sent goes to the declared address and nowhere else.
            follows = not sending
            with self._session.request(
                method, url, headers=headers, stream=True, timeout=limits, allow_redirects=follows, **sending
            ) as response:
                _check_status(url, response)
                answered = _answered(response, seen)
                if answered.told is None:
                    receive(response)
                # The end of an answer of no stated length, and of a line that was hung up, look the same.
                self._check_time(url)
                return answered
        except requests.exceptions.RequestException as error:
            self._check_time(url)
            raise _failed(url, error) from error

    def _check_time(self, url: str) -> None:
        if monotonic() > self._until:
            raise HarvestError(
                f"{url} took longer than {self.patience.whole:g} seconds.",
                "Try again later; ask the partner if it lasts.",
            )

    def _chunks(self, url: str, response: requests.Response) -> Iterator[bytes]:
        """The answer within its limits of size and of time; a short answer is requests' own error."""
        size = 0
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > self.patience.bytes_max:
                raise too_large(url, self.patience)
            self._check_time(url)
            yield chunk

    def _repeat(
        self,
        url: str,
        seen: Seen | None,
        receive: _Receive,
        *,
        method: str = "GET",
        sending: Mapping[str, Any] = MappingProxyType({}),
    ) -> Answered:
        # Written out rather than left to a library, whose log lines would land among the answers of `--json`.
        for number in count(1):
            try:
                with TURNS.turn(url, self._manners):
                    return self._ask(url, seen, receive, method, sending)
            except _AgainError as error:
                wait = _wait(error, number, self.patience)
                if wait is None or monotonic() + wait > self._until:
                    raise
                sleep(wait)
        raise AssertionError("count never ends")


def too_large(address: str, patience: Patience) -> ContentError:
    """What is said of more bytes than are taken."""
    limit = patience.bytes_max // 1024**2
    return ContentError(f"{address} gives more than {limit} MB.", "Ask the partner for a smaller file, or several.")


def _headers(where: Where) -> dict[str, str]:
    try:
        return {name: with_secrets(value, os.environ) for name, value in where.headers.items()}
    except KeyError as error:
        raise SecretMissingError(
            f"The headers of the source name ${{{error.args[0]}}}, which is not set.",
            f"Set {error.args[0]} in the environment of whoever runs Glane; it is neither logged nor kept.",
        ) from None


def _nothing(_: requests.Response) -> None:
    """What is received of headers alone."""


def _answered(response: requests.Response, seen: Seen | None) -> Answered:
    headers = {name: response.headers[name] for name in _TOLD if name in response.headers}
    told: Told | None = None
    if response.status_code == requests.codes.not_modified:
        told = "etag" if seen is not None and seen.etag else "last-modified"
    elif seen is not None:
        told = same(seen, headers)
    return Answered(response.status_code, headers, response.url, told)


def _failed(url: str, error: requests.exceptions.RequestException) -> HarvestError:
    """What is said of a request that failed on its way; one that may pass is tried again."""
    if isinstance(error, requests.exceptions.SSLError):
        return HarvestError(
            f"{url} shows no certificate that can be trusted ({_why(error)}).",
            "Ask the partner to renew it. It is not fetched unchecked: anybody on the way could have written it.",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return _AgainError(f"{url} did not answer in time.", "Try again later; ask the partner if it lasts.")
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        what = f"{url} broke off before the whole file had come."
        return _AgainError(what, "Try again later; check the address if it lasts.")
    if isinstance(error, requests.exceptions.ConnectionError):
        what = f"{url} cannot be reached ({_why(error)})."
        return _AgainError(what, "Try again later; check the address if it lasts.")
    return HarvestError(f"{url} cannot be fetched: {_why(error)}.", "Check the address (where:).")


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _wait(error: _AgainError, attempt: int, patience: Patience) -> float | None:
    """The seconds to wait after this attempt; None to give up."""
    if attempt >= patience.attempts:
        return None
    if error.after is not None:
        return error.after if error.after <= patience.retry_after_max else None
    # Jitter, so that many sources on one server that came back do not all return at once.
    backoff: float = min(patience.wait_max, patience.wait_first * 2 ** (attempt - 1))
    return backoff * uniform(0.75, 1.25)


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
        401: "The address asks for a login: ask the partner for an open one, or for a key (where: headers).",
        403: "The server refuses us: ask the partner to let us in, or for another address.",
        404: "Nothing is there any more: ask the partner for the new address (where:).",
        410: "The file was withdrawn: ask the partner, and set the source's state to paused or retired.",
    }
    raise HarvestError(what, remedies.get(status, "Check the address (where:), or ask the partner."), status=status)


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


def _why(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    # What OpenSSL says without its codes and line numbers.
    verified = getattr(cause, "verify_message", None)
    if verified:
        return str(verified)
    return str(cause).split(": ", 1)[-1].strip("'\". ")[:120] or type(cause).__name__
