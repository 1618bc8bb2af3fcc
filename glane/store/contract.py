"""What every room sees of the store, wherever it is: the contract that each kind of store keeps, and its errors.

A key is a relative POSIX path ("raw/inclusion_sites/angers/<sha256>"). A reader never sees half a file. What a name
begins with a dot for is the store's own: it is never listed.

Belongs here: the contract, and what follows from it on any store. Does not belong here: how a store keeps it
(folder.py, objects.py).
"""

import hashlib
import json
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glane.errors import CallError, WorldError


class StoreError(WorldError):
    """The store refused: full, read-only, gone. What was being written is not visible to any reader."""


class MissingError(StoreError):
    """Nothing is kept under the key."""

    def __init__(self, key: str, where: str) -> None:
        super().__init__(
            f"Cannot read {key} in the store: nothing is at {where}.",
            "Bring it back from a backup; `glane verify` names every file of a version that is missing.",
        )


class OvertakenError(StoreError):
    """Another writer was faster: what stood when we looked does not stand any more, so nothing of ours is listed."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"Another writer changed {where} meanwhile.",
            "Nothing of this run is listed; what the other one wrote stands. Let one machine write at a time, and run "
            "again.",
        )


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


@dataclass(frozen=True)
class Stamp:
    """What was kept under `key` when somebody looked: its bytes, and a `tag` that changes with them; both None where
    there was nothing."""

    key: str
    data: bytes | None
    tag: str | None


class Store(ABC):
    """Bytes under keys. Every method raises CallError for a key that leaves the store, StoreError where it refuses.

    `written` counts the bytes that were kept through this object: each kind of store tells it with `wrote`.
    """

    def __init__(self) -> None:
        self.written = 0
        self._telling = threading.Lock()

    def wrote(self, count: int) -> None:
        """Add to what was written; sources are harvested in threads."""
        with self._telling:
            self.written += count

    @abstractmethod
    def where(self, key: str) -> str:
        """Where `key` is, for people: a path or an address. Nothing need be there."""

    @abstractmethod
    def fetch(self, key: str) -> Path:
        """A file of this machine that holds the bytes under `key`, to be read only: the place itself on a folder, a
        copy elsewhere. Raises MissingError where nothing is kept."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether something is kept under `key`, or below it."""

    @abstractmethod
    def look(self, key: str) -> Stamp:
        """What is kept under `key` now."""

    @abstractmethod
    def digest(self, key: str) -> str:
        """The SHA-256 of the bytes under `key`, each read from where it is kept. Raises MissingError."""

    @abstractmethod
    def list(self, prefix: str) -> list[str]:
        """The names directly under the folder `prefix`, sorted; empty where there is none."""

    @abstractmethod
    def files(self, prefix: str) -> Mapping[str, int]:
        """Every file under the folder `prefix`, by its path from there, sorted, with its size in bytes."""

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`, whole or not at all, whatever was there."""

    @abstractmethod
    def replace(self, seen: Stamp, data: bytes) -> Stamp:
        """Keep `data` under the key of `seen` if what was seen still stands there, in one step that no other writer can
        come between. Raises OvertakenError if it does not."""

    @abstractmethod
    def adopt(self, folder: Path, key: str, seen: Stamp) -> None:
        """Make the staged `folder` the content of `key`, as long as `seen` stands.

        What is there already was never listed (a killed run left it): it is replaced. Raises OvertakenError once
        `seen` does not stand: whoever changed it owns the place.
        """

    @abstractmethod
    def adopt_file(self, file: Path, key: str) -> None:
        """Make the staged `file` what is kept under `key`."""

    @abstractmethod
    def supplant(self, folder: Path, key: str) -> None:
        """Make the staged `folder` the content of `key`, where something is that readers are led to; the caller holds
        the writer's lock. Whole or not at all where the store can; else what was cut off is finished by the next one
        who takes the writer's lock."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Keep nothing under `key` or below it any more; it may be nothing already."""

    @abstractmethod
    def staged(self) -> AbstractContextManager[Path]:
        """An empty folder of this machine to build something in; gone afterwards unless adopted."""

    @abstractmethod
    def writer(self) -> AbstractContextManager[None]:
        """Hold the writer's lock: one process at a time makes versions or publishes. Waits for the holder, and sweeps
        what killed processes left in staging."""

    @abstractmethod
    def sweep(self) -> None:
        """Take away at once what nobody holds in staging, and copies of what the store keeps."""

    def read(self, key: str) -> bytes:
        """The bytes kept under `key`. Raises MissingError if there are none."""
        data = self.look(key).data
        if data is None:
            raise MissingError(key, self.where(key))
        return data

    def read_json(self, key: str) -> object:
        """The JSON value kept under `key`; None where nothing is kept, or something damaged that is no JSON.

        What is read so (pointers, reports) is made again where it is not there.
        """
        data = self.look(key).data
        try:
            return None if data is None else json.loads(data)
        except ValueError:
            return None

    def write_json(self, key: str, value: object) -> None:
        """Keep `value` under `key` as JSON (to_json)."""
        self.write(key, to_json(value))


def to_json(value: object) -> bytes:
    """JSON as Glane writes it for people and programs: UTF-8, two spaces, keys in their own order, a final newline."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def parts_of(key: str) -> tuple[str, ...]:
    """The parts of a key. Raises CallError if the key leaves the store."""
    parts = PurePosixPath(key).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise CallError(f"{key!r} is no key of a store.", "Keys are relative paths without '..'.")
    return parts


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; the file is streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
