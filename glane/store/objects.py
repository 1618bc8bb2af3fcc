"""The store on S3, or on any service that speaks its API and takes conditional writes.

Belongs here: how the promises of a store (contract.py) are kept there. One PUT is all or nothing; what is compared and
replaced is so by S3 itself (`If-Match`, `If-None-Match`). Does not belong here: requests (bucket.py), the lock
(lease.py), copies on this machine (cache.py).
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from glane.store.bucket import Bucket
from glane.store.cache import cache_folder, copy_of
from glane.store.contract import MissingError, OvertakenError, Stamp, Store, StoreError, parts_of
from glane.store.lease import hold
from glane.store.staging import staging_folder, sweep

_TRIES = 5
_COMING, _READY = ".coming", "ready.json"


class ObjectStore(Store):
    """A store at `address` (s3://bucket or s3://bucket/prefix), which must be there."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._bucket = Bucket(address)

    def where(self, key: str) -> str:
        """The address of `key`."""
        return self._bucket.where(_plain(key))

    def fetch(self, key: str) -> Path:
        """A copy on this machine."""
        key = _plain(key)
        head = self._bucket.head(key)
        if head is None:
            raise MissingError(key, self.where(key))
        identity = f"{self.where(key)} {head.etag} {head.bytes}"
        return copy_of(identity, PurePosixPath(key).name, head.bytes, lambda path: self._bucket.download(key, path))

    def exists(self, key: str) -> bool:
        """Whether there is such an object, or one below it."""
        return self._bucket.exists(_plain(key))

    def look(self, key: str) -> Stamp:
        """The object's bytes; its tag is its ETag."""
        found = self._bucket.read(_plain(key))
        return Stamp(key, None, None) if found is None else Stamp(key, *found)

    def digest(self, key: str) -> str:
        """The SHA-256 of the bytes that S3 gives."""
        found = self._bucket.digest(_plain(key))
        if found is None:
            raise MissingError(key, self.where(key))
        return found

    def list(self, prefix: str) -> list[str]:
        """The names under `prefix`, sorted."""
        return sorted({name for name in self._bucket.names(_plain(prefix)) if not name.startswith(".")})

    def files(self, prefix: str) -> Mapping[str, int]:
        """Every object under `prefix`."""
        found = self._bucket.files(_plain(prefix))
        hidden = {path for path in found if any(part.startswith(".") for part in path.split("/"))}
        return {path: found[path] for path in sorted(found.keys() - hidden)}

    def write(self, key: str, data: bytes) -> None:
        """One PUT."""
        self._bucket.put(_plain(key), data)
        self.wrote(len(data))

    def replace(self, seen: Stamp, data: bytes) -> Stamp:
        """One PUT, on condition that the ETag is the one that was seen."""
        condition = {"IfNoneMatch": "*"} if seen.tag is None else {"IfMatch": seen.tag}
        try:
            now = Stamp(seen.key, data, self._bucket.put(_plain(seen.key), data, **condition))
        except OvertakenError:
            # Where the answer to our own PUT was lost, it was asked again, and refused: ours stands there already.
            now = self.look(seen.key)
            if now.data != data:
                raise
        self.wrote(len(data))
        return now

    def adopt(self, folder: Path, key: str, seen: Stamp) -> None:
        """Every file in the order in which they were built, each where there is nothing yet.

        What a killed run left is removed first, if `seen` stands after it was found and if it is still what was found:
        a writer that was overtaken never touches what the other one wrote.
        """
        paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        for name in self._bucket.files(_plain(key)):
            self._clear(f"{key}/{name}", seen)
        for name, path in sorted(paths.items(), key=lambda item: (item[1].stat().st_mtime_ns, item[0])):
            self._create(path, f"{_plain(key)}/{name}", seen)

    def supplant(self, folder: Path, key: str) -> None:
        """All files beside the place first, then a list of them, then one after the other into it."""
        paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        for name, path in sorted(paths.items()):
            self._bucket.upload(path, f"{_COMING}/files/{name}", create=False)
        told = {"key": _plain(key), "files": sorted(paths)}
        self._bucket.put(f"{_COMING}/{_READY}", json.dumps(told).encode())
        self._finish()
        self.wrote(sum(path.stat().st_size for path in paths.values()))

    def _finish(self) -> None:
        """Bring what stands ready into its place: what a killed writer began, too."""
        found = self._bucket.read(f"{_COMING}/{_READY}")
        if found is not None:
            told = json.loads(found[0])
            for name in told["files"]:
                data = self._bucket.read(f"{_COMING}/files/{name}")
                if data is not None:
                    self._bucket.put(f"{told['key']}/{name}", data[0])
            for name in self._bucket.files(told["key"]).keys() - set(told["files"]):
                self._bucket.delete(f"{told['key']}/{name}")
        self._bucket.delete(f"{_COMING}/{_READY}")
        for name in self._bucket.files(f"{_COMING}/files"):
            self._bucket.delete(f"{_COMING}/files/{name}")

    def adopt_file(self, file: Path, key: str) -> None:
        """One upload."""
        self._bucket.upload(file, _plain(key), create=False)
        self.wrote(file.stat().st_size)

    def remove(self, key: str) -> None:
        """The object and all below it."""
        key = _plain(key)
        for name in self._bucket.files(key):
            self._bucket.delete(f"{key}/{name}")
        self._bucket.delete(key)

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A folder beside the copies that this machine keeps."""
        try:
            with staging_folder(cache_folder() / "staging") as folder:
                yield folder
        except OSError as error:
            raise StoreError(
                f"Cannot write in a staging folder of {cache_folder()}: {error.strerror or error}.",
                "Free some space there, or set GLANE_CACHE to another folder: the last version stands.",
            ) from error

    @contextmanager
    def writer(self) -> Iterator[None]:
        """An object that only one process can create."""
        with hold(self._bucket):
            sweep(cache_folder() / "staging")
            if self._bucket.head(f"{_COMING}/{_READY}") is not None:
                self._finish()
            yield

    def sweep(self) -> None:
        """Staging, and this machine's copies."""
        sweep(cache_folder() / "staging", abandoned=0)
        sweep(cache_folder() / "copies", abandoned=0)

    def _create(self, path: Path, key: str, seen: Stamp) -> None:
        for _ in range(_TRIES):
            try:
                self._bucket.upload(path, key, create=True)
            except OvertakenError:
                self._clear(key, seen)
            else:
                self.wrote(path.stat().st_size)
                return
        raise OvertakenError(self.where(key))

    def _clear(self, key: str, seen: Stamp) -> None:
        found = self._bucket.head(key)
        now = self._bucket.head(seen.key)
        if (now.etag if now else None) != seen.tag:
            raise OvertakenError(self.where(seen.key))
        if found is not None:
            self._bucket.delete(key, IfMatch=found.etag)


def _plain(key: str) -> str:
    return "/".join(parts_of(key))
