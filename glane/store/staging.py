"""Where something is built before it is kept: a folder that is gone afterwards, however its builder ends.

Belongs here: making such a folder, and sweeping those that killed processes left. Does not belong here: keeping what
was built (folder.py, objects.py).
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ABANDONED = 60.0
"""Seconds without a change after which what nobody holds is taken for abandoned."""


@contextmanager
def staging_folder(base: Path) -> Iterator[Path]:
    """An empty folder under `base`; gone afterwards. Raises OSError."""
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    # Whoever builds here holds this until it ends, however it ends: what nobody holds, a killed process left.
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        yield folder
    finally:
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)


def sweep(base: Path, *, abandoned: float = _ABANDONED) -> None:
    """Remove the folders and files under `base` that killed processes left, unchanged for `abandoned` seconds."""
    for path in base.iterdir() if base.is_dir() else ():
        # One is made a moment before it is held; one that goes meanwhile was its owner's to remove.
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > abandoned and _let_go(path):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def _let_go(path: Path) -> bool:
    """Whether no living process holds `path`; False where the disk cannot tell."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
