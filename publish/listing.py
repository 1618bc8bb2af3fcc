"""The last steps of making a version: its manifest, its place, every byte read back, and then the list.

Belongs here: that order. Does not belong here: what is in the version (build.py, restoration.py), the list's own
shape (version.py).
"""

import hashlib
from pathlib import Path

from glane.store import Store, StoreError, to_json
from publish.version import MANIFEST, Version, begin, list_version


def put_on_list(folder: Path, store: Store, version: Version) -> None:
    """Make the staged `folder` the listed `version`. The caller holds the writer's lock.

    Killed or refused by the store before the end, the version is not listed and the last one stands. Raises
    StoreError, and OvertakenError where another writer was faster although we hold the lock.
    """
    manifest = to_json(version.model_dump(mode="json"))
    (folder / MANIFEST).write_bytes(manifest)
    begun = begin(store, version)
    store.adopt(folder, version.key, begun)
    _read_back(store, version, manifest)
    list_version(store, version, manifest, begun)


def _read_back(store: Store, version: Version, manifest: bytes) -> None:
    written = {file.path: file.sha256 for file in version.files} | {MANIFEST: hashlib.sha256(manifest).hexdigest()}
    read = {path: store.digest(f"{version.key}/{path}") for path in store.files(version.key)}
    for path in sorted(written.keys() | read.keys()):
        if written.get(path) != read.get(path):
            raise StoreError(
                f"{store.where(f'{version.key}/{path}')} reads back otherwise than it was written.",
                "The version is not listed, and the one before stands. Check the disk under the store, then run again.",
            )
