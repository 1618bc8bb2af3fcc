"""Who runs PostgreSQL, and where its programs, its data and the sockets may be for that user to reach them.

PostgreSQL refuses to run as root. Started by root, it runs as `nobody`, who may not be able to enter the folder
that the checkout or the portal lies in (a 0700 /root, say). Nobody's rights are then tried, not guessed, and what
cannot be reached where it is gets a shelter: a copy of the programs, and the data, under /var/lib or /var/tmp.
No folder of the user's is ever chmod'ed.

Belongs here: users, rights and places on the disk. Does not belong here: processes (portal/supervisor.py).
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from glane.errors import WorldError
from portal.home import Home, State

# A Unix socket's name holds 107 bytes; PostgreSQL's and Valkey's own part is at most this long.
_SOCKET_ROOM = 107 - len("/.s.PGSQL.5432.lock")


class Identity(TypedDict, total=False):
    """The arguments of subprocess.Popen that make a process run as the database's user; none if that is us."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class DatabaseUser:
    """Who runs PostgreSQL, and who connects to it."""

    uid: int
    gid: int
    client: str

    @property
    def is_other(self) -> bool:
        """Whether PostgreSQL runs as somebody else than we do."""
        return self.uid != os.geteuid()

    def identity(self) -> Identity:
        """What subprocess.Popen needs for a process of this user."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def database_user() -> DatabaseUser:
    """Return who runs PostgreSQL: us, or `nobody` for root. Raises WorldError if that user has no name."""
    try:
        ours = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise WorldError(
            f"User id {os.geteuid()} has no name on this machine, and PostgreSQL needs one.",
            "Run the portal as a user listed in /etc/passwd.",
        ) from None
    if ours.pw_uid != 0:
        return DatabaseUser(ours.pw_uid, ours.pw_gid, ours.pw_name)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise WorldError(
            "PostgreSQL refuses to run as root, and this machine has no user `nobody` to run it as.",
            "Run the portal as an ordinary user.",
        ) from None
    return DatabaseUser(nobody.pw_uid, nobody.pw_gid, ours.pw_name)


def can_enter(user: DatabaseUser, folder: Path) -> bool:
    """Tell, by trying, whether the database's user can enter `folder` (the nearest part of it that exists)."""
    if not user.is_other:
        return True
    while not folder.exists():
        folder = folder.parent
    trial = subprocess.run(["test", "-x", str(folder)], cwd="/", check=False, **user.identity())
    return trial.returncode == 0


def database_folder(home: Home, state: State, user: DatabaseUser) -> Path:
    """Return the folder of the database, made if new: in the portal's own, or in a shelter if `user` can't go there.

    Raises WorldError if the remembered one is gone, or none can be made.
    """
    if state.database is not None:
        known = Path(state.database)
        if known.is_dir() and can_enter(user, known):
            return known
        if known != home.database:
            raise WorldError(
                f"The portal's database is no longer in {known}.",
                "Put the folder back, or empty the portal with `glane portal reset` and publish again.",
            )
    if can_enter(user, home.path):
        return _owned_by(user, home.database)
    for shelter in (Path("/var/lib"), Path("/var/tmp"), Path(tempfile.gettempdir())):
        if can_enter(user, shelter) and os.access(shelter, os.W_OK):
            return _owned_by(user, Path(tempfile.mkdtemp(prefix="glane-portal-", dir=shelter)))
    raise WorldError(
        f"User `nobody`, who must run PostgreSQL for root, can enter neither {home.path} nor /var/lib, /var/tmp.",
        "Run the portal as an ordinary user, or set GLANE_PORTAL_HOME to a folder that everybody may enter.",
    )


def reachable_programs(programs: Path, database: Path, user: DatabaseUser) -> Path:
    """Return where `user` can run PostgreSQL's `programs` from: where they are, or a copy beside the database.

    The copy is made once, whole or not at all, and anew when the environment's programs have changed.
    """
    if _can_run(user, programs):
        return programs
    mark = str((programs / "bin" / "postgres").stat().st_mtime_ns)
    copy = database / f"programs-{mark}"
    if not copy.is_dir():
        for old in database.glob("programs-*"):
            shutil.rmtree(old)
        draft = database / "programs-new"
        shutil.copytree(programs, draft, symlinks=True)
        draft.chmod(0o755)
        draft.rename(copy)
    if not _can_run(user, copy):
        raise WorldError(f"PostgreSQL cannot be run from {copy}.", "See whether that disk forbids programs (noexec).")
    return copy


def _can_run(user: DatabaseUser, programs: Path) -> bool:
    try:
        trial = subprocess.run(
            [str(programs / "bin" / "postgres"), "--version"],
            cwd="/",
            check=False,
            capture_output=True,
            **user.identity(),
        )
    except PermissionError:
        return False
    return trial.returncode == 0


def runtime_folder(user: DatabaseUser) -> Path:
    """Make a short, private folder for the sockets. Raises WorldError if no place is short and reachable enough."""
    ours = os.environ.get("XDG_RUNTIME_DIR", "") if not user.is_other else ""
    for base in (ours, tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):
        if not base or len(os.fsencode(base)) + len("/glane-12345678") > _SOCKET_ROOM:
            continue
        if os.access(base, os.W_OK | os.X_OK) and can_enter(user, Path(base)):
            return _owned_by(user, Path(tempfile.mkdtemp(prefix="glane-", dir=base)))
    raise WorldError(
        "There is no folder for the portal's sockets: /tmp, /var/tmp and /dev/shm cannot be written.",
        "Set TMPDIR to a folder of at most 70 letters that you may write in.",
    )


def remove_runtime(folder: str | None) -> None:
    """Remove a runtime folder of ours, sockets and all; anything else that bears the name is left alone."""
    if folder is None:
        return
    try:
        found = os.lstat(folder)
    except OSError:
        return
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    if private and Path(folder).name.startswith("glane-") and found.st_uid in (os.geteuid(), database_user().uid):
        shutil.rmtree(folder, ignore_errors=True)


def _owned_by(user: DatabaseUser, folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if user.is_other:
        os.chown(folder, user.uid, user.gid)
    return folder
