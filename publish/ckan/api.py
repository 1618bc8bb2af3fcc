"""Calling a CKAN: its Action API through ckanapi, with time-outs, retries, streamed uploads, and plain errors.

Belongs here: one call and its outcome. Does not belong here: what to call and in which order (publication.py).

What may be repeated is repeated: reading always; writing when the portal says that it did nothing (429, 503, no
connection), or when the caller can tell by looking whether it was done (`done`).
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import requests
from ckanapi import RemoteCKAN
from ckanapi.errors import CKANAPIError, NotAuthorized, NotFound, ServerIncompatibleError, ValidationError
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor

from publish.ckan.address import PortalAddress
from publish.ckan.faults import (
    AGAIN,
    NoAnswerError,
    NotThereError,
    PortalError,
    ReadBackError,
    RefusedError,
    UntouchedError,
    failed,
    refused,
    rights,
)

Tell = Callable[[str, int, int], None]
"""Told what is on its way, how much of it has gone, and how much there is."""

_READING = ("_show", "_list", "_search", "_list_for_user")
_UNTOUCHED = (429, 503)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Patience:
    """How long we wait: for a connection, for an answer (a large upload takes long), and between attempts."""

    connect: float = 10.0
    answer: float = 300.0
    pauses: tuple[float, ...] = (1.0, 3.0, 9.0)


class Api:
    """One portal, called with our token. Use as a context manager. `tell` is told how far an upload is, in bytes."""

    def __init__(
        self, address: PortalAddress, patience: Patience | None = None, tell: Tell = lambda what, done, total: None
    ) -> None:
        self.address = address
        self._patience = patience or Patience()
        self._session = requests.Session()
        # Without this, requests would send what a .netrc says instead of the token.
        self._session.auth = lambda request: request
        self._ckan = _Remote(address, self._session, (self._patience.connect, self._patience.answer), tell)
        # Files are public, or are read where the portal sends us (S3): never with the token.
        self._reader = requests.Session()

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._reader.close()

    @property
    def sent_bytes(self) -> int:
        """The bytes of every request so far that the portal answered: files, rows, metadata and questions."""
        return self._ckan.sent_bytes

    def now(self) -> datetime:
        """What time it is for the portal, by its last answer; by our own clock where that did not say."""
        try:
            said = parsedate_to_datetime(self._ckan.date)
        except ValueError:
            return datetime.now(UTC)
        return said if said.tzinfo else said.replace(tzinfo=UTC)

    def read(self, action: str, **data: Any) -> Any:
        """The answer of an action that changes nothing; repeated while the portal fails. Raises PortalError."""
        assert action.endswith(_READING), "write() is for actions that change something"
        return self._repeat(lambda: self._call(action, data), lambda error: isinstance(error, NoAnswerError))

    def find(self, action: str, **data: Any) -> Any:
        """As read(), but None where there is nothing."""
        try:
            return self.read(action, **data)
        except NotThereError:
            return None

    def write(
        self,
        action: str,
        data: Mapping[str, Any],
        *,
        files: Sequence[tuple[str, str, Path]] = (),
        done: Callable[[], Any] | None = None,
    ) -> Any:
        """Change something. `files` are (form field, file name, path), streamed from the disk.

        If the answer is lost, `done` looks at the portal and gives what the answer would have been, or None if the
        work was not done: then the call is repeated. Without `done` a lost answer is an error. Raises PortalError.
        """
        lost = False

        def attempt() -> Any:
            nonlocal lost
            try:
                return self._call(action, data, files)
            except UntouchedError:
                raise
            except (NoAnswerError, RefusedError) as error:
                # A gateway that gave up does not stop the portal: what we repeat may have been done a moment before.
                if not lost and isinstance(error, RefusedError):
                    raise
                lost = True
                found = done() if done is not None else None
                if found is None:
                    raise
                return found

        return self._repeat(attempt, lambda e: isinstance(e, UntouchedError if done is None else NoAnswerError))

    def digest(self, url: str) -> tuple[str, int]:
        """SHA-256 and size of what is served at `url`, streamed, without the token. Raises PortalError."""

        def hashed(answer: requests.Response) -> tuple[str, int]:
            digest, size = hashlib.sha256(), 0
            for chunk in answer.iter_content(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
            return digest.hexdigest(), size

        found: tuple[str, int] = self._download(url, hashed)
        return found

    def fetch(self, url: str) -> bytes:
        """What is served at `url`, without the token; for small files. Raises PortalError."""
        found: bytes = self._download(url, lambda answer: answer.content)
        return found

    def fetch_own(self, url: str) -> bytes:
        """What the portal serves at `url`, an address of its own, to us alone. Raises PortalError."""
        if not self.address.is_here(url):
            raise ReadBackError(f"{url} is not on {self.address.url}: the token is not sent there.", AGAIN)
        limits, headers = (self._patience.connect, self._patience.answer), {"Authorization": self.address.token}
        try:
            with self._reader.get(url, headers=headers, allow_redirects=False, timeout=limits) as answer:
                if answer.status_code != 200:
                    raise ReadBackError(f"{url} answers {answer.status_code} to us.", AGAIN)
                return answer.content
        except requests.RequestException as error:
            raise _lost(url, "download", error) from error

    def _download(self, url: str, take: Callable[[requests.Response], Any]) -> Any:
        limits = (self._patience.connect, self._patience.answer)

        def attempt() -> Any:
            try:
                with self._reader.get(url, stream=True, timeout=limits) as answer:
                    if answer.status_code != 200:
                        raise ReadBackError(f"{url} answers {answer.status_code} to a reader without a token.", AGAIN)
                    return take(answer)
            except requests.RequestException as error:
                raise _lost(url, "download", error) from error

        return self._repeat(attempt, lambda error: isinstance(error, (NoAnswerError, ReadBackError)))

    def _call(self, action: str, data: Mapping[str, Any], files: Sequence[tuple[str, str, Path]] = ()) -> Any:
        url = self.address.url
        try:
            with ExitStack() as opened:
                parts = {field: (name, opened.enter_context(path.open("rb"))) for field, name, path in files}
                return self._ckan.call_action(action, dict(data), files=parts or None)
        except NotAuthorized as error:
            raise rights(url, action) from error
        except NotFound as error:
            raise NotThereError(f"{url} has no such thing ({action}).", "Check the name and the address.") from error
        except ValidationError as error:
            raise refused(url, action, error.error_dict) from error
        except (CKANAPIError, ServerIncompatibleError) as error:
            raise failed(url, action, self._ckan.status, self._ckan.body) from error
        except requests.RequestException as error:
            raise _lost(url, action, error) from error

    def _repeat(self, attempt: Callable[[], Any], may: Callable[[PortalError], bool]) -> Any:
        for pause in self._patience.pauses:
            try:
                return attempt()
            except PortalError as error:
                if not may(error):
                    raise
                time.sleep(getattr(error, "wait", None) or pause)
        return attempt()


class _Remote(RemoteCKAN):  # type: ignore[misc]
    """ckanapi's caller, with files streamed instead of held in memory, and with the last answer kept for errors."""

    status = 0
    body = ""
    date = ""
    sent_bytes = 0

    def __init__(
        self, address: PortalAddress, session: requests.Session, limits: tuple[float, float], tell: Tell
    ) -> None:
        super().__init__(address.url, apikey=address.token, user_agent="glane", session=session)
        self._limits, self._tell = limits, tell

    def _request_fn(
        self, url: str, data: Any, headers: dict[str, str], files: Any, requests_kwargs: dict[str, Any]
    ) -> tuple[int, str]:
        if files:
            fields = [(key.decode(), value) for key, value in data.items()] + list(files.items())
            names = [str(name) for name, _ in files.values()]
            what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
            data = MultipartEncoderMonitor(
                MultipartEncoder(fields), lambda monitor: self._tell(what, monitor.bytes_read, monitor.len)
            )
            headers = {**headers, "Content-Type": data.content_type}
        requests_kwargs["timeout"] = self._limits
        # A redirect is never followed: it would drop the data, or carry the token to another host.
        answer = self.session.post(url, data=data, headers=headers, allow_redirects=False, **requests_kwargs)
        self.status, self.body = answer.status_code, answer.text
        self.date = answer.headers.get("Date", "")
        self.sent_bytes += int(answer.request.headers.get("Content-Length") or 0)
        if answer.status_code in _UNTOUCHED:
            error = UntouchedError(f"{self.address} is busy ({answer.status_code}).", AGAIN)
            error.wait = _retry_after(answer)
            raise error
        if answer.is_redirect:
            target = answer.headers.get("Location", "elsewhere")
            raise PortalError(f"{self.address} sends us to {target}.", "Use the portal's address as it is now.")
        if answer.status_code in (401, 403) and '"Authorization Error"' not in answer.text:
            raise rights(self.address, url.rsplit("/", 1)[-1])
        if answer.status_code == 413:
            raise refused(self.address, "upload", {"upload": "File upload size too large (413)"})
        return answer.status_code, answer.text


def _retry_after(answer: requests.Response) -> float | None:
    said = answer.headers.get("Retry-After", "")
    return min(float(said), 60.0) if said.isdigit() else None


def _lost(url: str, action: str, error: requests.RequestException) -> NoAnswerError:
    if isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error):
        return UntouchedError(
            f"{url} does not answer ({action}).", f"Check the address and that the portal runs. {AGAIN}"
        )
    if isinstance(error, requests.Timeout):
        return NoAnswerError(f"{url} took too long ({action}).", AGAIN)
    return NoAnswerError(f"{url} broke off ({action}): {type(error).__name__}.", AGAIN)
