"""Dagit and its daemon as one thing that starts, is watched, and stops whole.

Belongs here: the three processes (code server, web server, daemon), their logs, their end, and the reload when a
declaration changes. Does not belong here: what Dagit shows (graph.py), what the command prints (cli/ui.py).

Each process leads its own group, so that Ctrl-C reaches us alone and we end each with all it started; the kernel ends
them should we be killed. They listen on loopback only: Dagit has no log-in.
"""

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from glane.errors import CallError, WorldError
from pipelines.settings import CHECKOUT, Settings

HOST = "127.0.0.1"
LOCATION = "glane"
FIRST_PORT = 3000
_READY_SECONDS = 120
_STOP_SECONDS = 20
_PARENT_DEATH_SIGNAL = 1

Stopped = Callable[[float], bool]
"""Waits that many seconds, unless a stop is asked for; then it is true."""


@dataclass(frozen=True)
class Service:
    """One process of Dagit's, and the file that holds what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True)
class Dagit:
    """A running Dagit: its address, its processes, and what is watched for changes."""

    url: str
    services: tuple[Service, ...]
    watched: tuple[Path, ...]

    def dead(self) -> Service | None:
        """The first process that has ended, None while all live."""
        return _dead(self.services)

    def reload(self) -> bool:
        """Have the declarations read again; False where Dagit would not or could not."""
        query = f'mutation {{ reloadRepositoryLocation(repositoryLocationName: "{LOCATION}") {{ __typename }} }}'
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = json.load(answer)
        except (OSError, ValueError):
            return False
        entry = (said.get("data") or {}).get("reloadRepositoryLocation") or {}
        return bool(entry.get("__typename") == "WorkspaceLocationEntry")


@contextmanager
def dagit(settings: Settings, port: int | None, stopped: Stopped) -> Iterator[Dagit]:
    """Start Dagit on loopback, give it once it answers, and stop all of it on leaving, however that happens.

    `port`: the one to use and no other; None for the first free one from 3000. Where `stopped` says so it is given
    at once, ready or not.
    Raises CallError for a port taken or a Dagit that runs already on this DAGSTER_HOME, WorldError where a process
    ends before it answers.
    """
    with ExitStack() as stack:
        lock = stack.enter_context(_only_one(settings.dagster_home))
        chosen = _port(port)
        url = f"http://{HOST}:{chosen}"
        lock.write(url)
        lock.flush()
        runtime = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glane-ui-")))
        workspace = runtime / "workspace.yaml"
        code_socket = runtime / "code.sock"
        workspace.write_text(
            f"load_from:\n  - grpc_server: {{socket: {code_socket}, location_name: {LOCATION}}}\n", encoding="utf-8"
        )
        # Not "logs": Dagster empties a folder of that name in its home.
        logs = settings.dagster_home / "services"
        logs.mkdir(exist_ok=True)
        services: list[Service] = []
        stack.callback(lambda: _stop(services))
        for name, command in _commands(workspace, code_socket, chosen).items():
            services.append(_start(name, command, logs / f"{name}.log", _environment(settings)))
            if name == "code":
                # Dagit shows a code server that is not there yet as an error, until somebody reloads it.
                _wait(services, lambda: _listens(code_socket), stopped)
        _wait(services, lambda: _answers(f"{url}/server_info"), stopped)
        yield Dagit(url, tuple(services), (settings.sources, settings.schemas))


def watch(running: Dagit, stopped: Stopped, say: Callable[[str], None]) -> None:
    """Until `stopped(seconds)` says so: reload when a declaration changes, raise WorldError if a process ends."""
    seen = state_of(running.watched)
    while not stopped(1.0):
        gone = running.dead()
        if gone is not None:
            raise _ended(gone)
        now = state_of(running.watched)
        if now != seen:
            seen = now
            say("A declaration changed: read again." if running.reload() else "A declaration changed: see Dagit.")


def state_of(roots: tuple[Path, ...]) -> dict[str, tuple[int, int]]:
    """Size and time of every declaration under `roots`; samples and other data are the sensors' affair."""
    found = {}
    for root in roots:
        for path in root.rglob("*"):
            if path.suffix in (".yaml", ".json") or (path.suffix == ".csv" and path.parent.name == "terms"):
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                found[str(path)] = (stat.st_size, stat.st_mtime_ns)
    return found


def _commands(workspace: Path, code_socket: Path, port: int) -> dict[str, list[str]]:
    python = sys.executable
    return {
        "code": [
            *(python, "-m", "dagster", "code-server", "start", "--socket", str(code_socket)),
            *("-m", "pipelines.definitions", "--use-python-environment-entry-point", "--location-name", LOCATION),
        ],
        "webserver": [
            *(python, "-m", "dagster_webserver", "-w", str(workspace), "-h", HOST, "-p", str(port)),
            *("--log-level", "warning"),
        ],
        "daemon": [python, "-m", "dagster._daemon", "run", "-w", str(workspace)],
    }


def _environment(settings: Settings) -> dict[str, str]:
    places = {
        "DAGSTER_HOME": settings.dagster_home,
        "GLANE_STORE": settings.store,
        "GLANE_SOURCES": settings.sources,
        "GLANE_SCHEMAS": settings.schemas,
    }
    return {**os.environ, **{name: str(path) for name, path in places.items()}}


def _start(name: str, command: list[str], log: Path, environment: Mapping[str, str]) -> Service:
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env=environment,
            start_new_session=True,
            preexec_fn=_as_our_child,
        )
    return Service(name, process, log)


def _as_our_child() -> None:
    # Dagster cannot be stopped where SIGINT is ignored, as it is under nohup.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _wait(services: Sequence[Service], ready: Callable[[], bool], stopped: Stopped) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready():
        gone = _dead(services)
        if gone is not None:
            raise _ended(gone)
        if time.monotonic() > deadline:
            what = f"Dagit's {services[-1].name} process does not answer after {_READY_SECONDS} seconds."
            raise WorldError(what, f"See {services[-1].log}.")
        if stopped(0.2):
            return


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(path))
        except OSError:
            return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def _dead(services: Sequence[Service]) -> Service | None:
    return next((service for service in services if service.process.poll() is not None), None)


def _stop(services: list[Service]) -> None:
    """End every process with all it started: asked first, then made to."""
    for sign, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5)):
        for service in services:
            try:
                os.killpg(service.process.pid, sign)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(_group_lives(service) for service in services):
            time.sleep(0.05)


def _group_lives(service: Service) -> bool:
    service.process.poll()
    try:
        os.killpg(service.process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ended(service: Service) -> WorldError:
    lines = service.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = f" It said last: {lines[-1]}" if lines else ""
    return WorldError(f"Dagit's {service.name} process ended by itself.{said}", f"See {service.log}.")


def _port(asked: int | None) -> int:
    for port in [asked] if asked is not None else range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, port))
            except (OSError, OverflowError) as error:
                if asked is not None:
                    taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
                    what = f"Port {asked} is taken." if taken else f"Port {asked} cannot be used: {error}."
                    raise CallError(what, "Choose another (GLANE_UI_PORT), or none for Glane to find one.") from error
                continue
            return port
    raise WorldError(f"No port from {FIRST_PORT} to {FIRST_PORT + 99} is free.", "Set GLANE_UI_PORT to one that is.")


@contextmanager
def _only_one(home: Path) -> Iterator[TextIO]:
    """Two daemons on one home would run every schedule twice."""
    with (home / "ui.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise CallError(
                f"Dagit runs already, at {file.read().strip() or 'an address it has not told yet'}.",
                "Use that one, or stop it first; another needs a DAGSTER_HOME of its own.",
            ) from error
        file.truncate(0)
        yield file
