"""The three locks of a portal. The kernel keeps them, so none can be stale: not after kill -9, not after a reboot.

- start: held by whoever starts or resets the portal, so that two calls at once are one after the other;
- supervisor: held by the one process that runs the portal; the kernel tells who holds it, no pid file could;
- family: held by the supervisor and, inherited, by every process below it; free means that none is left.

Belongs here: taking, asking and waiting. Does not belong here: what is done under a lock.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# struct flock of 64-bit Linux: l_type, l_whence, l_start, l_len, l_pid.
_FLOCK = "hhqqi"


@contextmanager
def start_lock(path: Path) -> Iterator[None]:
    """Hold the start lock at `path`, waiting for whoever holds it (who may delete the file: then look again)."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _same_file(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def take_supervisor_lock(path: Path) -> int | None:
    """Take the supervisor's lock for the rest of this process; return its descriptor, None if another holds it.

    It is a POSIX lock: children do not inherit it, and the kernel names its holder (see supervisor_of).
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def supervisor_of(path: Path) -> int | None:
    """Return the pid of the process that holds the supervisor's lock, or None if nobody does.

    0 means a process that cannot be seen from here (another container on the same folder).
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def take_family_lock(path: Path, seconds: float) -> int | None:
    """Take the family's lock, waiting up to `seconds` for the last family to die; None if some of it still lives.

    The descriptor returned is to be passed to every child.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                return None
            time.sleep(0.05)
        else:
            return descriptor


def family_is_gone(path: Path, seconds: float = 0) -> bool:
    """Tell whether every process of the portal has ended, waiting up to `seconds` for it."""
    if not path.exists():
        return True
    descriptor = take_family_lock(path, seconds)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def family_members(path: Path) -> list[int]:
    """Return the pids, as far as this user may look, of processes that hold the family's lock file open."""
    try:
        wanted = path.stat()
    except FileNotFoundError:
        return []
    processes = [process for process in Path("/proc").iterdir() if process.name.isdecimal()]
    members = [int(process.name) for process in processes if _holds(process, wanted)]
    return [pid for pid in members if pid != os.getpid()]


def _holds(process: Path, wanted: os.stat_result) -> bool:
    try:
        for descriptor in (process / "fd").iterdir():
            try:
                found = descriptor.stat()
            except OSError:
                continue
            if os.path.samestat(found, wanted):
                return True
    except OSError:
        return False
    return False
