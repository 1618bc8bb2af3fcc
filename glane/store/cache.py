"""Copies of what a store on S3 keeps, on this machine, so that every room can read files.

A copy is named after the object's address, ETag and size, so another object never passes for it, and is hashed at each
use: a damaged one is fetched again. What was not used lately goes once there is too much.

Belongs here: keeping and finding copies. Does not belong here: fetching them (bucket.py).
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from glane.store.contract import StoreError, sha256_of
from glane.store.staging import staging_folder

MOST_BYTES = 5 * 2**30
_IN_USE = 3600.0
"""Seconds after its last use for which a copy stays, whatever the bound says: somebody may be about to open it."""
_DIGEST = "sha256"


def cache_folder() -> Path:
    """Where this machine keeps copies: GLANE_CACHE, or a folder of this user's own in the temporary one.

    Raises StoreError where somebody else owns it.
    """
    given = os.environ.get("GLANE_CACHE")
    folder = Path(given).expanduser().absolute() if given else Path(tempfile.gettempdir()) / f"glane-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.lstat().st_uid != os.getuid():
            raise StoreError(f"The folder {folder} belongs to somebody else.", "Set GLANE_CACHE to a folder of yours.")
    except OSError as error:
        raise StoreError(
            f"Cannot keep copies in {folder}: {error.strerror}.", "Set GLANE_CACHE to a folder of yours."
        ) from error
    return folder


def copy_of(identity: str, name: str, size: int, download: Callable[[Path], None]) -> Path:
    """A file called `name` with the bytes of the object that `identity` names; `download` gets it where it is not here.

    Raises StoreError, also where what came is not `size` bytes long.
    """
    base = cache_folder()
    place = base / "copies" / hashlib.sha256(identity.encode()).hexdigest()
    path = place / name
    try:
        if not _whole(place, path):
            with staging_folder(base / "staging") as folder:
                download(folder / name)
                if (folder / name).stat().st_size != size:
                    raise StoreError(f"{name} came cut short from the store.", "Check the network, then run again.")
                (folder / _DIGEST).write_text(sha256_of(folder / name), encoding="ascii")
                _put(folder, place)
            _bound(base / "copies")
        os.utime(place)
    except OSError as error:
        raise StoreError(
            f"Cannot keep a copy of {name} in {base}: {error.strerror}.",
            "Free some space there, or set GLANE_CACHE to another folder.",
        ) from error
    return path


def _whole(place: Path, path: Path) -> bool:
    try:
        return sha256_of(path) == (place / _DIGEST).read_text(encoding="ascii")
    except FileNotFoundError:
        return False


def _put(folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    while True:
        # Another thread or process may have put the same copy there meanwhile; a damaged one goes.
        try:
            folder.rename(place)
        except OSError:
            if not place.exists():
                raise
            if all(_whole(place, path) for path in place.iterdir() if path.name != _DIGEST):
                return
            shutil.rmtree(place, ignore_errors=True)
        else:
            return


def _bound(copies: Path) -> None:
    """Let the copies go that were not used for longest, until the rest is under the bound."""
    aged = sorted((place.stat().st_mtime, place) for place in copies.iterdir())
    sizes = {place: sum(path.stat().st_size for path in place.iterdir()) for _, place in aged}
    left = sum(sizes.values())
    for used, place in aged:
        if left <= MOST_BYTES or time.time() - used < _IN_USE:
            return
        shutil.rmtree(place, ignore_errors=True)
        left -= sizes[place]
