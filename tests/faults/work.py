"""What a child process does for the tests of faults: make a version, publish one, rebuild a portal; and how it dies
by itself at a step or at one of its dealings with the disk, or lives with a wrong clock or a full disk.
"""

import datetime as real
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from glane.store import FolderStore
from publish.build import build_version
from publish.ckan.address import PortalAddress
from publish.ckan.api import Patience
from publish.ckan.publication import publish
from publish.ckan.rebuild import rebuild
from publish.version import load
from schemas.dataset import load_dataset
from tests.faults.forker import Work
from tests.publish.material import contribute

DAY = "2026-11-21T06:00:00+00:00"
Say = Callable[[str], None]


def _publish(job: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
    store, dataset = FolderStore(Path(job["store"])), load_dataset(Path(job["schemas"]))

    def before(step: str) -> None:
        if step == job.get("kill_step"):
            os.kill(os.getpid(), signal.SIGKILL)

    _prepare(job)
    receipt = publish(
        load(store, dataset.name, job["version"]), dataset, store, _address(job), say,
        patience=_patience(job), before=before, afresh=job.get("afresh", False),
    )  # fmt: skip
    return {"version": receipt.version, "unchanged": receipt.unchanged, "sent": receipt.sent}


def _rebuild(job: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
    store, dataset = FolderStore(Path(job["store"])), load_dataset(Path(job["schemas"]))
    _prepare(job)
    done = rebuild(dataset, store, _address(job), say, patience=_patience(job))
    return {"version": done.receipt.version, "versions": list(done.versions), "sent": done.sent}


def _build(job: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
    store, dataset = FolderStore(Path(job["store"])), load_dataset(Path(job["schemas"]))
    contributions = [contribute(dataset, "a", job["rows"])]
    _prepare(job)
    dealings = _Dealings(store.root, job.get("kill_at"))
    sys.addaudithook(dealings)
    built = build_version(dataset, contributions, store, created=DAY)
    return {"version": built.version.version, "new": built.new, "dealings": dealings.met}


WORK: dict[str, Work] = {"publish": _publish, "rebuild": _rebuild, "build": _build}


class _Dealings:
    """Every dealing with the disk under a folder (files opened for writing, flushed, renamed, removed, folders made,
    locks taken), in order; the process is killed before that of number `fatal`."""

    _EVENTS = frozenset(
        {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate"}
    )

    def __init__(self, root: Path, fatal: int | None) -> None:
        self.met: list[str] = []
        self._root, self._fatal = str(root), fatal
        synced = os.fsync

        def fsync(file: int) -> None:
            self._meet("os.fsync", str(Path(f"/proc/self/fd/{file}").readlink()))
            synced(file)

        os.fsync = fsync  # type: ignore[assignment]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in self._EVENTS and isinstance(arguments[0], (str, os.PathLike)):
            if event == "open" and not (arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
                return
            self._meet(event, os.fspath(arguments[0]))

    def _meet(self, event: str, path: str) -> None:
        if not path.startswith(self._root):
            return
        self.met.append(f"{event} {path[len(self._root) + 1 :]}")
        if len(self.met) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def _address(job: Mapping[str, Any]) -> PortalAddress:
    return PortalAddress(job["url"], job["token"], job["organisation"])


def _patience(job: Mapping[str, Any]) -> Patience:
    return Patience(connect=5.0, answer=job.get("answer", 30.0), pauses=(0.05, 0.1))


def _prepare(job: Mapping[str, Any]) -> None:
    """Set this process's clock off by `clock` seconds, and bound the files that it may write to `file_size` bytes."""
    if shift := job.get("clock"):
        _shift_clock(real.timedelta(seconds=shift))
    if limit := job.get("file_size"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _shift_clock(shift: real.timedelta) -> None:
    class Shifted(real.datetime):
        @classmethod
        def now(cls, tz: real.tzinfo | None = None) -> "Shifted":
            moment = real.datetime.now(tz) + shift
            return cls.fromisoformat(moment.isoformat())

    seconds, off = time.time, shift.total_seconds()
    time.time = lambda: seconds() + off
    for name, module in list(sys.modules.items()):
        if name.startswith(("glane.", "publish.")) and getattr(module, "datetime", None) is real.datetime:
            module.datetime = Shifted  # type: ignore[attr-defined]
