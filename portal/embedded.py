"""A real CKAN on this machine: up, down, status, reset.

Belongs here: what callers (the command line, the tests) ask of the embedded portal. Does not belong here: how its
processes are run (portal/supervisor.py), how CKAN is prepared (portal/ckan_plugin/).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glane.errors import CallError, WorldError
from portal.home import LOGS, NAMES, Home, Phase, read_state, remove
from portal.interpreter import CHECKOUT, checked_port, find_environment, preferred_port
from portal.locks import family_is_gone, start_lock, supervisor_of
from portal.places import remove_runtime
from portal.processes import end_leftovers, last_words
from portal.settings import site_url

# A stop takes about two seconds; a database that must write much may take longer.
_STOP_SECONDS = 45
# Supervisors that this process started: a tied one watches its pipe, and an ended one wants to be waited for.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Status:
    """What is known of a portal from outside. Secrets are named by the files that hold them, never shown."""

    state: Phase
    home: Path
    version: str | None
    port: int | None
    url: str | None
    organisation: str
    editor: str
    token_file: Path
    sysadmin: str
    sysadmin_token_file: Path
    sysadmin_password_file: Path
    processes: Mapping[str, int]
    logs: Mapping[str, Path]
    problem: str | None

    @property
    def running(self) -> bool:
        """Whether the portal answers."""
        return self.state == "running"

    def as_json(self) -> dict[str, object]:
        """Return the status as plain JSON values."""
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        return {
            **plain,
            "running": self.running,
            "processes": dict(self.processes),
            "logs": {name: str(path) for name, path in self.logs.items()},
        }


def status(home: Path) -> Status:
    """Return what is known of the portal in `home`; one that was never started is stopped."""
    place = Home(home)
    with _refusals(place):
        supervisor = supervisor_of(place.supervisor_lock)
        known = read_state(place)
    # What is remembered of a portal that was killed is its past.
    state: Phase = "stopped" if supervisor is None else known.phase if known.phase != "stopped" else "starting"
    processes = {} if supervisor is None else {"supervisor": supervisor, **known.processes}
    return Status(
        state=state,
        home=place.path,
        version=known.version,
        port=known.port,
        url=site_url(known.port) if known.port else None,
        organisation=NAMES["organisation"],
        editor=NAMES["editor"],
        token_file=place.editor_token,
        sysadmin=NAMES["sysadmin"],
        sysadmin_token_file=place.sysadmin_token,
        sysadmin_password_file=place.sysadmin_password,
        processes=processes,
        logs={name: place.log(name) for name in LOGS},
        problem=known.problem if state == "stopped" else None,
    )


def up(
    home: Path,
    port: int | None = None,
    say: Callable[[str], None] = lambda text: None,
    *,
    tied: bool = False,
    loader: bool = False,
) -> Status:
    """Start the portal in `home` and return once it answers; one that runs already is left as it is.

    `port`: the one to use and no other; None for the last one, or GLANE_PORTAL_PORT, or the next that is free.
    `say` is told each step, a sentence at a time. A `tied` portal stops by itself when this process ends, however it
    ends: for tests. With a `loader`, ckanext-xloader fills DataStore tables from links by itself, as on many portals.
    Called twice at once, the second call waits for the first.
    Raises CallError for a port that is none or not the running portal's, WorldError for whatever the machine refuses.
    """
    place = Home(home)
    if port is not None:
        checked_port(port)
    if "%" in str(place.path):
        raise CallError(
            f"CKAN cannot live in {place.path}: its settings give a percent sign a meaning of its own.",
            "Set GLANE_PORTAL_HOME to a folder without one.",
        )
    preferred_port()
    environment = find_environment()
    if loader and not environment.has_loader:
        raise WorldError("The portal's environment has no ckanext-xloader.", "Run `make setup`.")
    place.make()
    with _refusals(place), start_lock(place.start_lock):
        known = status(home)
        if known.state in ("starting", "stopping"):
            # Its starter is gone (we hold the start lock), so if it is not stopping it is about to.
            down(home)
            known = status(home)
        if not known.running:
            _start(place, port, say, tied, loader)
            known = status(home)
    if port is not None and known.port != port:
        raise CallError(
            f"The portal runs already, on port {known.port}.",
            "Stop it first with `glane portal down`, or leave the port out.",
        )
    return known


def _start(home: Home, port: int | None, say: Callable[[str], None], tied: bool, loader: bool) -> None:
    command = [sys.executable, "-m", "portal.supervisor", str(home.path), str(port or 0), "tied" if tied else "free"]
    command += ["loader"] if loader else []
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with home.log("supervisor").open("ab") as log:
        supervisor = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )
    assert supervisor.stdout is not None
    try:
        for line in supervisor.stdout:
            message = json.loads(line)
            if "failed" in message:
                raise WorldError(*message["failed"])
            if "say" in message:
                say(message["say"])
            if message.get("ready"):
                if not tied:
                    supervisor.stdout.close()
                _started.append(supervisor)
                return
    except BaseException:
        supervisor.terminate()
        supervisor.wait()
        supervisor.stdout.close()
        raise
    supervisor.wait()
    log_file = home.log("supervisor")
    raise WorldError("The portal was stopped before it answered.", f"See {log_file}: {last_words(log_file)}")


def down(home: Path) -> Status:
    """Stop the portal in `home` and return once nothing of it runs; one that is stopped already is fine.

    Works after kill -9 and after a reboot too: who runs is asked of the kernel, never read from a file.
    Raises WorldError if something will not end.
    """
    place = Home(home)
    with _refusals(place):
        supervisor = supervisor_of(place.supervisor_lock)
    if supervisor == 0:
        raise WorldError(
            f"The portal in {place.path} is run from another container.", "Stop it there, or stop that container."
        )
    if supervisor is not None:
        _end(supervisor, place)
    for process in [one for one in _started if one.pid == supervisor]:
        process.wait(_STOP_SECONDS)
        _started.remove(process)
    if not end_leftovers(place.family_lock, patience=10):
        raise WorldError(
            f"Some processes of the portal in {place.path} do not end.",
            f"See who holds {place.family_lock} (fuser, lsof) and end them.",
        )
    return status(home)


def _end(supervisor: int, home: Home) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(supervisor, sign)
        except ProcessLookupError:
            return
        except PermissionError:
            raise WorldError(
                f"The portal in {home.path} is run by another user (process {supervisor}).",
                "Stop it as that user, or as root.",
            ) from None
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if supervisor_of(home.supervisor_lock) != supervisor and family_is_gone(home.family_lock):
                return
            time.sleep(0.05)


def reset(home: Path) -> Status:
    """Stop the portal in `home` and remove all it made: datasets, accounts, files, logs. What is not ours stays.

    Raises WorldError if something will not end or cannot be removed.
    """
    place = Home(home)
    if not place.path.is_dir():
        return status(home)
    with _refusals(place), start_lock(place.start_lock):
        down(home)
        known = read_state(place)
        remove_runtime(known.runtime)
        if known.database is not None:
            remove(Path(known.database))
        for file in place.ours():
            remove(file)
        place.start_lock.unlink()
        if not any(place.path.iterdir()):
            place.path.rmdir()
    return status(home)


@contextmanager
def _refusals(home: Home) -> Iterator[None]:
    """Say in the house's words what the disk refuses."""
    try:
        yield
    except OSError as refusal:
        raise WorldError(
            f"{refusal.filename or home.path}: {refusal.strerror}.",
            f"Make sure that {home.path} is yours and its disk has room, or set GLANE_PORTAL_HOME to another folder.",
        ) from refusal
