"""Two folders that change places in one step of the system, so that no reader finds neither.

Belongs here: that one call. Does not belong here: what is exchanged (folder.py).
"""

import ctypes
import errno
import os
from pathlib import Path

_HERE = -100
_EXCHANGE = 2
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


def exchange(one: Path, other: Path) -> None:
    """Let the folders `one` and `other`, on one disk, change places. Raises OSError.

    Where the system has no such step (other than Linux, an old network disk) they go one after the other: for that
    moment readers find nothing at `other`.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
            return
        code = ctypes.get_errno()
        if code not in _UNABLE:
            raise OSError(code, os.strerror(code), str(one))
    aside = one.with_name(f"{one.name}.aside")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
