"""A bucket of S3, spoken to through s3fs: each function is one request, or one file.

Belongs here: requests, conditions on them, and turning what S3 answers into errors with a remedy. Does not belong
here: what a store promises (objects.py). The endpoint, the region and the keys are those of the environment, as
botocore reads it; none is ever shown.
"""

import hashlib
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import s3fs
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from fsspec.asyn import sync
from s3fs.core import S3_RETRYABLE_ERRORS

from glane.store.contract import OvertakenError, StoreError

_PART = 16 * 2**20
"""Bytes of a part: files under two of these are one PUT, larger ones a multipart upload, which is as atomic."""
_CHUNK = 2**20
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

    def exists(self, key: str) -> bool:
        """Whether there is an object `key`, or one below it."""
        with self._doing("look at", key):
            try:
                self._s3.call_s3("head_object", Bucket=self._bucket, Key=self._key(key))
            except FileNotFoundError:
                below = f"{self._key(key)}/"
                found = self._s3.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=below, MaxKeys=1)
                return bool(found.get("Contents"))
        return True

    def read(self, key: str) -> tuple[bytes, str] | None:
        """The bytes of `key` and their ETag; None where there is no such object."""
        parts: list[bytes] = []
        etag = self._pour(key, parts.append, parts.clear)
        return None if etag is None else (b"".join(parts), etag)

    def digest(self, key: str) -> str | None:
        """The SHA-256 of the bytes of `key`, each of them read; None where there is no such object."""
        digests = [hashlib.sha256()]
        etag = self._pour(key, lambda part: digests[-1].update(part), lambda: digests.append(hashlib.sha256()))
        return None if etag is None else digests[-1].hexdigest()

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

    def _pour(self, key: str, take: Callable[[bytes], object], start: Callable[[], object]) -> str | None:
        """Give the bytes of `key` to `take`, part by part, of one object and in one request, and its ETag to the
        caller; `start` is called before each try. None where there is no such object."""

        async def pour() -> str:
            answer = await self._s3._call_s3("get_object", Bucket=self._bucket, Key=self._key(key))
            async with answer["Body"] as body:
                async for part in body.iter_chunks(_CHUNK):
                    take(part)
            return str(answer["ETag"])

        for last in (False, False, True):
            start()
            with self._doing("read", key):
                try:
                    return str(sync(self._s3.loop, pour))
                except FileNotFoundError as error:
                    if _code(error) == "NoSuchBucket":
                        raise
                    return None
                except S3_RETRYABLE_ERRORS:
                    # The connection was cut in the middle.
                    if last:
                        raise
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _doing(self, what: str, key: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ClientError, BotoCoreError, *S3_RETRYABLE_ERRORS) as error:
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
    return gone or _code(error) in _UNMET


def _code(error: BaseException) -> str:
    """The code that S3 gave; s3fs keeps its answer as the cause of a plainer error."""
    answered = error if isinstance(error, ClientError) else error.__cause__
    return str(answered.response.get("Error", {}).get("Code", "")) if isinstance(answered, ClientError) else ""


def _said(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said or type(error).__name__).rstrip(".")
