"""The store: bytes kept under keys, on a folder. It is the truth; every portal is a projection of it.

Belongs here: atomic and durable writing, reading, listing, the writer's lock, staging a folder and adopting it in
one rename. Does not belong here: what the keys mean; each room knows its own part of the layout (design, 3):
sources/ owns raw/, schemas/ owns rows/ and reports/, publish/ owns versions/.

A key is a relative POSIX path ("raw/inclusion_sites/angers/<sha256>"). A reader never sees half a file: bytes are
written beside their place, flushed to the disk, and renamed into it.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from glane.errors import CallError, WorldError

_STAGING = ".staging"
_LOCK = ".writer.lock"
_ABANDONED = 60.0
"""Seconds without a change after which a staging folder that nobody holds is taken for abandoned."""


class StoreError(WorldError):
    """The disk refused: full, read-only, gone. What was being written is not visible to any reader."""


class DiskError(WorldError):
    """The disk refused somewhere else than in the store: a temporary file, for one."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The disk refused{f' {error.filename}' if error.filename else ''}: {error.strerror or error}.",
            f"See to its rights and to free space, in the temporary folder {_temporary()} too, and run again.",
        )


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return "(TMPDIR)"


class Store:
    """A store on the folder `root`, created on first write."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def local(self, key: str) -> Path:
        """The path of `key` on this machine; it may not exist. Raises CallError if the key leaves the store."""
        parts = PurePosixPath(key).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise CallError(f"{key!r} is no key of a store.", "Keys are relative paths without '..'.")
        return self.root.joinpath(*parts)

    def exists(self, key: str) -> bool:
        """Whether something is kept under `key`."""
        return self.local(key).exists()

    def read(self, key: str) -> bytes:
        """The bytes kept under `key`. Raises StoreError if there are none."""
        try:
            return self.local(key).read_bytes()
        except OSError as error:
            raise _store_error(f"read {key}", self.root, error) from error

    def read_json(self, key: str) -> object:
        """The JSON value kept under `key`; None where nothing is kept, or something damaged that is no JSON.

        What is read so (pointers, reports) is made again where it is not there. Raises StoreError.
        """
        try:
            return json.loads(self.read(key)) if self.exists(key) else None
        except ValueError:
            return None

    def list(self, prefix: str) -> list[str]:
        """The names directly under the folder `prefix`, sorted; empty where there is none."""
        folder = self.local(prefix)
        return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []

    def write(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`, whole or not at all. Raises StoreError (a full disk, for one)."""
        path = self.local(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(0o644)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        except OSError as error:
            raise _store_error(f"write {key}", self.root, error) from error

    def write_json(self, key: str, value: object) -> None:
        """Keep `value` under `key` as JSON (UTF-8, two spaces, keys in their own order, a final newline)."""
        self.write(key, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """An empty folder on the store's own disk to build something in; gone afterwards unless adopted."""
        base = self.root / _STAGING
        try:
            base.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=base))
        except OSError as error:
            raise _store_error("make a staging folder", self.root, error) from error
        # Whoever builds here holds this until it ends, however it ends: what nobody holds, a killed process left.
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            yield folder
        except OSError as error:
            raise _store_error("write in a staging folder", self.root, error) from error
        finally:
            os.close(held)
            shutil.rmtree(folder, ignore_errors=True)

    def adopt(self, folder: Path, key: str) -> None:
        """Make the staged `folder` the content of `key` by one rename, after flushing every file in it.

        A folder already under `key` was never listed (a killed run left it): it is replaced.
        """
        target = self.local(key)
        try:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    _sync(path)
            _sync_folder(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                shutil.rmtree(target)
            folder.chmod(0o755)
            folder.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _store_error(f"write {key}", self.root, error) from error

    def adopt_file(self, file: Path, key: str) -> None:
        """Make the staged `file` what is kept under `key` by one rename, after flushing it."""
        target = self.local(key)
        try:
            _sync(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.chmod(0o644)
            file.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise _store_error(f"write {key}", self.root, error) from error

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Hold the writer's lock: one process at a time makes versions or publishes. Waits for the holder.

        Sweeps the staging folders that killed processes left.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / _LOCK).open("a")
        except OSError as error:
            raise _store_error("take the writer's lock", self.root, error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._sweep()
            yield

    def _sweep(self) -> None:
        base = self.root / _STAGING
        for folder in base.iterdir() if base.is_dir() else ():
            # A folder is made a moment before it is held; one that goes meanwhile was its owner's to remove.
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED and _let_go(folder):
                    shutil.rmtree(folder, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; the file is streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _let_go(folder: Path) -> bool:
    """Whether no living process builds in `folder`; False where the disk cannot tell."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _store_error(doing: str, root: Path, error: OSError) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space and run again: nothing half-written is listed, the last version stands."
    else:
        remedy = "Check the disk and the rights on the store, then run again: the last version stands."
    return StoreError(f"Cannot {doing} in the store {root}: {error.strerror or error}.", remedy)
