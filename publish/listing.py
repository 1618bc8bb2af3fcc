"""The last steps of making a version: its manifest, its place, every byte read back, and then the list.

Belongs here: that order. Does not belong here: what is in the version (build.py, restoration.py), the list's own
shape (version.py).
"""

from pathlib import Path

from glane.store import Store, StoreError, sha256_of
from publish.package import to_json
from publish.version import MANIFEST, Version, list_version, path_of


def put_on_list(folder: Path, store: Store, version: Version) -> None:
    """Make the staged `folder` the listed `version`. The caller holds the writer's lock.

    Killed or refused by the disk before the end, the version is not listed and the last one stands. Raises
    StoreError.
    """
    (folder / MANIFEST).write_bytes(to_json(version.model_dump(mode="json")))
    store.adopt(folder, version.key)
    _read_back(store, version)
    list_version(store, version)


def _read_back(store: Store, version: Version) -> None:
    for file in version.files:
        if sha256_of(path_of(store, version, file)) != file.sha256:
            raise StoreError(
                f"{path_of(store, version, file)} reads back other bytes than were written.",
                "The version is not listed. Check the disk, then run again.",
            )
