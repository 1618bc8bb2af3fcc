"""Starting, watching and stopping one portal's processes, so that none outlives the supervisor.

Each child is told by the kernel when the supervisor dies, however it dies (PR_SET_PDEATHSIG), and holds the family's
lock open (portal/locks.py), so that the next start knows whether any is left.

Belongs here: what is true of every child. Does not belong here: which children there are (portal/supervisor.py).
"""

from __future__ import annotations

import ctypes
import io
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from glane.errors import WorldError
from portal.locks import family_is_gone, family_members
from portal.places import Identity

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
# A log longer than this is put aside at the next start.
_LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Child:
    """One running program: its name for people, its log, and the signals that stop it politely and at once."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    polite: signal.Signals
    harsh: signal.Signals = signal.SIGKILL


def spawn(
    name: str,
    command: Sequence[str],
    log: Path,
    polite: signal.Signals,
    *,
    env: Mapping[str, str],
    keep: Sequence[int],
    identity: Identity | None = None,
    given: IO[bytes] | None = None,
    on_death: signal.Signals = signal.SIGTERM,
    harsh: signal.Signals = signal.SIGKILL,
) -> Child:
    """Start `command` in its own process group, logging to `log`.

    `keep`: descriptors that it inherits; `given`: what it reads; `on_death`: what the kernel sends it if we die.

    Raises WorldError if the program cannot be started at all.
    """
    parent = os.getpid()

    def tie_to_parent() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _libc.prctl(_PR_SET_PDEATHSIG, int(on_death))
        if os.getppid() != parent:
            os._exit(1)

    try:
        with open_log(log) as out:
            process = subprocess.Popen(
                command,
                stdin=given or subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=dict(env),
                cwd="/",
                pass_fds=keep,
                process_group=0,
                preexec_fn=tie_to_parent,
                **(identity or {}),
            )
    except OSError as refusal:
        raise WorldError(
            f"The {name} cannot be started: {refusal}.", "Install the portal's environment again: `make setup`."
        ) from refusal
    return Child(name, process, log, polite, harsh)


def open_log(log: Path) -> io.BufferedWriter:
    """Open a log file to append to; one that has grown long is put aside first."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.old"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab")


def wait_until(children: Sequence[Child], ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until `ready()`; raise WorldError if a child ends before that or the time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        check_alive(children)
        if time.monotonic() > deadline:
            last = children[-1]
            raise WorldError(
                f"The {last.name} did not {what} within {seconds:.0f} seconds.",
                f"See why in {last.log}: {last_words(last.log)}",
            )


def check_alive(children: Sequence[Child]) -> None:
    """Raise WorldError if one of the children has ended."""
    for child in children:
        code = child.process.poll()
        if code is not None:
            raise WorldError(
                f"The {child.name} ended by itself ({ending(code)}).",
                f"See why in {child.log}: {last_words(child.log)}",
            )


def ending(code: int) -> str:
    """Say in words how a process ended."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def last_words(log: Path) -> str:
    """Return the last line of a log that says something, cut to 300 letters."""
    try:
        lines = log.read_text("utf-8", errors="replace")[-5000:].splitlines()
    except OSError:
        return "(no log)"
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "(the log is empty)")


def stop(children: Sequence[Child], patience: float) -> None:
    """Stop the children, the last started first: politely, then, each after `patience` seconds, by force."""
    for child in reversed(children):
        for sign in (child.polite, child.harsh, signal.SIGKILL):
            if child.process.poll() is not None:
                break
            child.process.send_signal(sign)
            try:
                child.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue


def end_leftovers(family_lock: Path, patience: float) -> bool:
    """End what is left of a family whose supervisor was killed; return whether nothing is left.

    The kernel has told them to end already: they get `patience` seconds, then SIGTERM, then SIGKILL.
    """
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if family_is_gone(family_lock, patience):
            return True
        for pid in family_members(family_lock):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
    return family_is_gone(family_lock, patience)
