"""The store on a folder: any tool can read it, copy it, hash it.

Belongs here: atomic and durable writing (beside the place, flushed to the disk, renamed into it), and the locks of a
folder. Does not belong here: what every store promises (contract.py).

    .writer.lock   held by the one process that makes versions or publishes
    .flip.lock     held for the moment in which what stands is compared and replaced
    .staging/      what is being built
"""

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from glane.store.contract import MissingError, OvertakenError, Stamp, Store, StoreError, parts_of, sha256_of
from glane.store.exchange import exchange
from glane.store.staging import staging_folder, sweep

_STAGING = ".staging"
_WRITER = ".writer.lock"
_FLIP = ".flip.lock"


class FolderStore(Store):
    """A store on the folder `root`, created on first write."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def local(self, key: str) -> Path:
        """The path of `key`; it may not exist. Only a store on a folder has one: rooms use `fetch` and `where`."""
        return self.root.joinpath(*parts_of(key))

    def where(self, key: str) -> str:
        """The path of `key`."""
        return str(self.local(key))

    def fetch(self, key: str) -> Path:
        """The path of `key`, where there is a file."""
        path = self.local(key)
        if not path.is_file():
            raise MissingError(key, str(path))
        return path

    def exists(self, key: str) -> bool:
        """Whether a file or folder is there."""
        return self.local(key).exists()

    def look(self, key: str) -> Stamp:
        """The file's bytes; its tag is their SHA-256."""
        try:
            data = self.local(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return Stamp(key, None, None)
        except OSError as error:
            raise _refused(f"read {key}", self.root, error) from error
        return Stamp(key, data, hashlib.sha256(data).hexdigest())

    def digest(self, key: str) -> str:
        """The SHA-256 of the file."""
        try:
            return sha256_of(self.local(key))
        except FileNotFoundError as error:
            raise MissingError(key, self.where(key)) from error
        except OSError as error:
            raise _refused(f"read {key}", self.root, error) from error

    def list(self, prefix: str) -> list[str]:
        """The names in the folder `prefix`, sorted."""
        folder = self.local(prefix)
        return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []

    def files(self, prefix: str) -> Mapping[str, int]:
        """Every file under the folder `prefix`; what is hidden is not the store's content."""
        folder = self.local(prefix)
        found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
        return {
            path.as_posix(): found[path].stat().st_size
            for path in sorted(found)
            if not any(part.startswith(".") for part in path.parts)
        }

    def write(self, key: str, data: bytes) -> None:
        """Written in staging, flushed, and renamed into place."""
        path = self.local(key)
        base = self.root / _STAGING
        try:
            base.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=base)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                _place(Path(name), path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _refused(f"write {key}", self.root, error) from error
        self.wrote(len(data))

    def replace(self, seen: Stamp, data: bytes) -> Stamp:
        """Compared and renamed under a lock that is held for that moment only."""
        with self._as_long_as(seen):
            self.write(seen.key, data)
        return Stamp(seen.key, data, hashlib.sha256(data).hexdigest())

    def adopt(self, folder: Path, key: str, seen: Stamp) -> None:
        """One rename, after flushing every file."""
        target = self.local(key)
        try:
            _flush(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._as_long_as(seen):
                if target.exists():
                    shutil.rmtree(target)
                folder.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _refused(f"write {key}", self.root, error) from error
        self.wrote(sum(self.files(key).values()))

    def supplant(self, folder: Path, key: str) -> None:
        """The two folders change places in one step."""
        target = self.local(key)
        try:
            _flush(folder)
            exchange(folder, target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _refused(f"write {key}", self.root, error) from error
        self.wrote(sum(self.files(key).values()))

    def adopt_file(self, file: Path, key: str) -> None:
        """One rename, after flushing the file."""
        try:
            _sync(file)
            size = file.stat().st_size
            _place(file, self.local(key))
        except OSError as error:
            raise _refused(f"write {key}", self.root, error) from error
        self.wrote(size)

    def remove(self, key: str) -> None:
        """The file or the folder goes."""
        path = self.local(key)
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(f"remove {key}", self.root, error) from error

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A folder on the store's own disk, so that a rename adopts it."""
        try:
            with staging_folder(self.root / _STAGING) as folder:
                yield folder
        except OSError as error:
            raise _refused("write in a staging folder", self.root, error) from error

    @contextmanager
    def writer(self) -> Iterator[None]:
        """A lock on a file, which the system lets go of when its holder ends."""
        with self._locked(_WRITER):
            sweep(self.root / _STAGING)
            yield

    def sweep(self) -> None:
        """Staging; there are no copies."""
        sweep(self.root / _STAGING, abandoned=0)

    @contextmanager
    def _as_long_as(self, seen: Stamp) -> Iterator[None]:
        with self._locked(_FLIP):
            if self.look(seen.key).tag != seen.tag:
                raise OvertakenError(self.where(seen.key))
            yield

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / name).open("a")
        except OSError as error:
            raise _refused("take a lock", self.root, error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _place(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.chmod(0o644)
    file.replace(target)
    _sync_folder(target.parent)


def _flush(folder: Path) -> None:
    """Every file of a staged folder to the disk, and the folder for everybody to read."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _sync(path)
    _sync_folder(folder)
    folder.chmod(0o755)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            # So that what is read back comes from the disk, not from the system's memory of what was written.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(doing: str, root: Path, error: OSError) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space and run again: nothing half-written is listed, the last version stands."
    else:
        remedy = "Check the disk and the rights on the store, then run again: the last version stands."
    return StoreError(f"Cannot {doing} in the store {root}: {error.strerror or error}.", remedy)
