"""A bucket of S3, spoken to through s3fs: each function is one request, or one file.

Belongs here: requests, conditions on them, and turning what S3 answers into errors with a remedy. Does not belong
here: what a store promises (objects.py). The endpoint, the region and the keys are those of the environment, as
botocore reads it; none is ever shown.
"""

import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import s3fs
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from s3fs.utils import FileExpired

from glane.store.contract import OvertakenError, StoreError

_PART = 16 * 2**20
"""Bytes of a part: files under two of these are one PUT, larger ones a multipart upload, which is as atomic."""
_TRIES = 5
_UNMET = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_REFUSED = {
    *("AccessDenied", "AllAccessDisabled", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403"),
    *("InvalidToken", "RequestTimeTooSkewed", "AuthorizationHeaderMalformed"),
}
_SETTINGS = {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard", "max_attempts": 4}}


@dataclass(frozen=True)
class Head:
    """What S3 says of an object; `age` is the seconds since it was written, by the clock of S3 alone."""

    etag: str
    bytes: int
    age: float


class Bucket:
    """The objects at `address` (s3://bucket or s3://bucket/prefix). Every method raises StoreError."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")

    @cached_property
    def _s3(self) -> s3fs.S3FileSystem:
        # An instance of our own: s3fs shares them, whatever the environment has become since.
        return s3fs.S3FileSystem(
            config_kwargs=_SETTINGS, max_concurrency=4, use_listings_cache=False, skip_instance_cache=True
        )

    def where(self, key: str) -> str:
        """The address of `key`."""
        return f"{self.address}/{key}"

    def head(self, key: str) -> Head | None:
        """What S3 says of `key`; None where there is no such object."""
        with self._doing("look at", key):
            try:
                found = self._s3.call_s3("head_object", Bucket=self._bucket, Key=self._key(key))
            except FileNotFoundError:
                # A HEAD has no body to say whether the object is missing or the whole bucket.
                self._s3.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=self._key(key), MaxKeys=1)
                return None
        written: datetime = found["LastModified"]
        now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
        return Head(found["ETag"], found["ContentLength"], (now - written).total_seconds())

    def read(self, key: str) -> tuple[bytes, str] | None:
        """The bytes of `key` and their ETag; None where there is no such object."""
        for _ in range(_TRIES):
            if self.head(key) is None:
                return None
            with suppress(OvertakenError), self._opened(key) as file:
                return file.read(), str(file.details["ETag"])
        raise StoreError(f"{self.where(key)} changes faster than it can be read.", "Run again later.")

    def digest(self, key: str) -> str | None:
        """The SHA-256 of the bytes of `key`, each of them read; None where there is no such object."""
        if self.head(key) is None:
            return None
        with self._opened(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def download(self, key: str, path: Path) -> None:
        """The bytes of `key`, to the file `path`."""
        with self._doing("read", key):
            self._s3.get_file(self._path(key), str(path))

    def put(self, key: str, data: bytes, **condition: str) -> str:
        """Write `data` in one PUT and give its ETag. Raises OvertakenError where a `condition` (IfMatch, IfNoneMatch)
        is not met: nothing was written then."""
        with self._doing("write", key):
            # As what a browser should take it, where the bucket is shown to the public.
            kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
            answer = self._s3.call_s3(
                "put_object",
                Bucket=self._bucket,
                Key=self._key(key),
                Body=data,
                ContentLength=len(data),
                ContentType=kind,
                **condition,
            )
        return str(answer["ETag"])

    def upload(self, path: Path, key: str, *, create: bool) -> None:
        """Write the file `path`, all or nothing; `create`: only where nothing is, or OvertakenError."""
        with self._doing("write", key):
            self._s3.put_file(str(path), self._path(key), chunksize=_PART, mode="create" if create else "overwrite")

    def delete(self, key: str, **condition: str) -> None:
        """Remove the object `key`; it may be gone already. Raises OvertakenError where a `condition` is not met."""
        with self._doing("remove", key):
            self._s3.call_s3("delete_object", Bucket=self._bucket, Key=self._key(key), **condition)

    def names(self, prefix: str) -> list[str]:
        """The names directly under `prefix`, in no order."""
        with self._doing("list", prefix):
            try:
                found = self._s3.ls(self._path(prefix), detail=False, refresh=True)
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return []
        start = f"{self._path(prefix)}/"
        return [path.removeprefix(start) for path in found if path.startswith(start) and path != start]

    def files(self, prefix: str) -> Mapping[str, int]:
        """Every object under `prefix`, by its path from there, with its size; in no order."""
        with self._doing("list", prefix):
            found: dict[str, dict[str, Any]] = self._s3.find(self._path(prefix), detail=True)
        start = f"{self._path(prefix)}/"
        return {path.removeprefix(start): one["size"] for path, one in found.items() if path.startswith(start)}

    def _key(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _path(self, key: str) -> str:
        return f"{self._bucket}/{self._key(key)}"

    @contextmanager
    def _opened(self, key: str) -> Iterator[s3fs.core.S3File]:
        """The object `key`, read by its ETag: never half of one object and half of the next."""
        with self._doing("read", key), self._s3.open(self._path(key), "rb", block_size=_PART) as file:
            yield file

    @contextmanager
    def _doing(self, what: str, key: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ClientError, BotoCoreError) as error:
            if _changed(error):
                raise OvertakenError(self.where(key)) from error
            raise StoreError(
                f"Cannot {what} {key} in the store {self.address}: {_said(error)}.", self._remedy(error)
            ) from error

    def _remedy(self, error: Exception) -> str:
        if _code(error) == "NoSuchBucket":
            return f"Make the bucket {self._bucket}, or correct GLANE_STORE and AWS_ENDPOINT_URL."
        if _code(error) in _REFUSED or isinstance(error, NoCredentialsError | PartialCredentialsError):
            return (
                "Check the keys (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE) and that they may read, "
                "write, list and delete there."
            )
        if isinstance(error, BotoCoreError):
            return "Check the network and AWS_ENDPOINT_URL, then run again: the last version stands."
        return "See what the service says, then run again: the last version stands."


def _changed(error: Exception) -> bool:
    """Whether what was asked for is not what stands there, or is gone."""
    gone = isinstance(error, FileNotFoundError) and _code(error) != "NoSuchBucket"
    return gone or isinstance(error, FileExpired) or _code(error) in _UNMET


def _code(error: BaseException) -> str:
    """The code that S3 gave; s3fs keeps its answer as the cause of a plainer error."""
    answered = error if isinstance(error, ClientError) else error.__cause__
    return str(answered.response.get("Error", {}).get("Code", "")) if isinstance(answered, ClientError) else ""


def _said(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said or type(error).__name__).rstrip(".")
