"""The one process that runs a portal: it starts PostgreSQL, Valkey and CKAN in order, watches them, stops them.

Started by portal/embedded.py as `python -m portal.supervisor HOME PORT free|tied [loader]` (port 0: the usual one),
detached from the terminal. Until the portal answers it tells its starter how it goes, a JSON object a line on standard
output, and if the starter dies meanwhile it stops: a killed start leaves nothing behind. A tied portal stops with its
starter later too: a killed test run leaves nothing behind. SIGTERM stops it; if one of its children ends, it stops all.

Belongs here: the order of things. Does not belong here: what every child has in common (portal/processes.py), what
they are told (portal/settings.py), where they live (portal/places.py).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from glane.errors import GlaneError, WorldError
from portal import settings
from portal.home import NAMES, Home, State, change_state, read_secrets, read_state, remove, write_private
from portal.interpreter import find_environment, preferred_port
from portal.locks import take_family_lock, take_supervisor_lock
from portal.places import (
    DatabaseUser,
    database_folder,
    database_user,
    reachable_programs,
    remove_runtime,
    runtime_folder,
)
from portal.processes import (
    Child,
    check_alive,
    end_leftovers,
    ending,
    last_words,
    open_log,
    spawn,
    stop,
    wait_until,
)

DEFAULT_PORT = 5050
_STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_WATCHED = _STOPPING | {signal.SIGCHLD}


class StopRequestedError(Exception):
    """The supervisor was asked to stop, or the one who started it is gone."""


class Starter:
    """The process that waits for the portal to answer: told how it goes, and noticed when it dies."""

    def __init__(self) -> None:
        self._pipe: int | None = os.dup(sys.stdout.fileno())
        os.set_inheritable(self._pipe, False)

    def tell(self, **message: object) -> None:
        """Send one message; raise StopRequestedError if nobody listens any more."""
        if self._pipe is not None:
            try:
                os.write(self._pipe, json.dumps(message).encode() + b"\n")
            except BrokenPipeError:
                raise StopRequestedError from None

    def check(self) -> None:
        """Raise StopRequestedError if the starter has died or somebody asked us to stop."""
        if signal.sigtimedwait(_STOPPING, 0):
            raise StopRequestedError
        if self._pipe is not None:
            poll = select.poll()
            poll.register(self._pipe, 0)
            if poll.poll(0):
                raise StopRequestedError

    def leave(self) -> None:
        """Part from the starter: from here on the portal lives by itself."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


def main() -> int:
    """Run the portal in the folder given until told to stop; return 0, or 3 if it failed."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    home = Home(Path(sys.argv[1]))
    port, tied, loader = int(sys.argv[2]) or None, sys.argv[3] == "tied", "loader" in sys.argv[4:]
    starter = Starter()
    with open_log(home.log("supervisor")) as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    lock = take_supervisor_lock(home.supervisor_lock)
    if lock is None:
        starter.tell(failed=["The portal is being run by another process already.", "See `glane portal status`."])
        return 3
    try:
        return Supervisor(home, port, starter, tied=tied, loader=loader).run()
    finally:
        os.close(lock)


class Supervisor:
    """One portal's life, from its first process to its last."""

    def __init__(self, home: Home, port: int | None, starter: Starter, *, tied: bool, loader: bool) -> None:
        self.home = home
        self.port = port
        self.starter = starter
        self.tied = tied
        self.loader = loader
        self.children: list[Child] = []
        self.family: int | None = None

    def run(self) -> int:
        """Start everything, watch it, stop it; say why if it fails."""
        problem: GlaneError | None = None
        try:
            self._start()
            self.starter.tell(ready=True)
            if not self.tied:
                self.starter.leave()
            self._watch()
        except StopRequestedError:
            pass
        except GlaneError as failure:
            problem = failure
        except OSError as failure:
            problem = WorldError(
                f"The portal failed: {failure}.", f"See the rights and the room on the disk of {self.home.path}."
            )
        finally:
            self._stop(problem)
        if problem is not None:
            print(problem, file=sys.stderr)
            with suppress(StopRequestedError):
                self.starter.tell(failed=[problem.what, problem.remedy])
        return 3 if problem else 0

    def _start(self) -> None:
        remembered = self._remember(phase="starting", processes={}, problem=None)
        self._be_the_only_family()
        remove_runtime(remembered.runtime)
        environment, user = find_environment(), database_user()
        first = self.port or preferred_port() or remembered.port or DEFAULT_PORT
        listening = listen(first, only=self.port is not None)
        port = listening.getsockname()[1]
        if port != first:
            self._say(f"Port {first} is taken: the portal moves to {port}, and its links with it.")
        runtime = runtime_folder(user)
        # Remembered before it is used, so that a start killed here is still swept by the next.
        self._remember(port=port, runtime=str(runtime), version=environment.ckan_version)
        database = database_folder(self.home, remembered, user)
        self._remember(database=str(database))
        programs = reachable_programs(environment.postgres, database, user)
        keep = [self._family()]
        self._start_database(programs, database, runtime, user, keep)
        self._start_cache(environment.valkey, runtime, keep)
        text = settings.ckan_settings(port, runtime, self.home.storage, read_secrets(self.home), loader=self.loader)
        write_private(self.home.settings_file, text)
        self._say(
            "Starting CKAN" + ("" if self.home.prepared_file.exists() else ", and preparing it for its first use")
        )
        env = clean_environment(
            GLANE_PORTAL_HOME=str(self.home.path),
            GLANE_PORTAL_SETTINGS=str(self.home.settings_file),
            GLANE_PORTAL_NAMES=json.dumps(NAMES),
        )
        command = settings.web_command(environment, listening.fileno(), runtime)
        self._add("web", command, signal.SIGTERM, env, [*keep, listening.fileno()])
        listening.close()
        self._wait_for_answer(port)
        if self.loader:
            self._add("worker", settings.worker_command(environment), signal.SIGTERM, env, keep)
        self._remember(phase="running", processes={child.name: child.process.pid for child in self.children})

    def _be_the_only_family(self) -> None:
        if not end_leftovers(self.home.family_lock, patience=10):
            raise WorldError(
                "Processes of an earlier portal are still there and do not end.",
                f"See who holds {self.home.family_lock} (fuser, lsof) and end them.",
            )
        self.family = take_family_lock(self.home.family_lock, seconds=10)
        if self.family is None:
            raise WorldError("Another start of this portal came first.", "See `glane portal status`.")

    def _family(self) -> int:
        assert self.family is not None
        return self.family

    def _start_database(
        self, programs: Path, database: Path, runtime: Path, user: DatabaseUser, keep: list[int]
    ) -> None:
        data = database / "data"
        if not data.exists():
            self._say("Making the database")
            # What is remembered of a database that is no more (accounts, tokens) goes with it.
            for file in (self.home.prepared_file, self.home.editor_token, self.home.sysadmin_token):
                remove(file)
            self._make_database(programs, data, user, keep)
        self._say("Starting PostgreSQL")
        env = clean_environment()
        command = settings.postgres_command(programs, data, runtime)
        child = spawn(
            "database",
            command,
            self.home.log("database"),
            signal.SIGINT,
            env=env,
            keep=keep,
            identity=user.identity(),
            on_death=signal.SIGINT,
            harsh=signal.SIGQUIT,
        )
        self.children.append(child)
        wait_until(self.children, lambda: self._pause() and is_ready(data, child.process.pid), 60, "get ready")

    def _make_database(self, programs: Path, data: Path, user: DatabaseUser, keep: list[int]) -> None:
        """Make the database server's files, its roles and databases: whole, or not at all."""
        draft = data.with_name("data-new")
        remove(draft)
        self._run(settings.initdb_command(programs, draft), "", user, keep)
        # A single-user server ends a statement at an empty line.
        sql = settings.ROLES_SQL.replace("\n", "\n\n")
        self._run(settings.single_user_command(programs, draft), sql, user, keep)
        for name, text in zip(("pg_hba.conf", "pg_ident.conf"), settings.client_rules(user.client), strict=True):
            (draft / name).write_text(text, "utf-8")
        draft.rename(data)

    def _run(self, command: Sequence[str], given: str, user: DatabaseUser, keep: list[int]) -> None:
        """Run one of PostgreSQL's programs to its end. Raises WorldError if it fails."""
        log = self.home.log("database")
        with tempfile.TemporaryFile() as file:
            file.write(given.encode())
            file.seek(0)
            child = spawn(
                "database",
                command,
                log,
                signal.SIGTERM,
                env=clean_environment(),
                keep=keep,
                identity=user.identity(),
                given=file,
            )
        self.children.append(child)
        while child.process.poll() is None:
            self._pause()
        self.children.remove(child)
        if child.process.returncode != 0:
            raise WorldError(
                f"PostgreSQL's {Path(command[0]).name} failed ({ending(child.process.returncode)}).",
                f"See why in {log}: {last_words(log)}",
            )

    def _start_cache(self, program: Path, runtime: Path, keep: list[int]) -> None:
        command = settings.valkey_command(program, runtime)
        self._add("cache", command, signal.SIGTERM, clean_environment(), keep)
        wait_until(self.children, lambda: self._pause() and settings.valkey_socket(runtime).exists(), 30, "get ready")

    def _add(
        self, name: str, command: Sequence[str], polite: signal.Signals, env: dict[str, str], keep: list[int]
    ) -> None:
        self.children.append(spawn(name, command, self.home.log(name), polite, env=env, keep=keep))

    def _wait_for_answer(self, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /api/3/action/status_show HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            wait_until(
                self.children,
                lambda: self._pause() and bool(select.select([connection], [], [], 0.05)[0]),
                240,
                "answer",
            )
            try:
                answer = connection.recv(100).decode("latin-1").split("\r\n")[0]
            except ConnectionResetError:
                answer = ""
        if not answer:
            # The web server hung up: it is ending, and its end says more than its silence.
            wait_until(self.children, lambda: self._pause() and False, 10, "answer")
        if " 200 " not in answer + " ":
            raise WorldError(f"CKAN answers {answer!r}.", f"See why in {self.home.log('web')}.")

    def _pause(self) -> bool:
        """Wait a moment for whatever comes; raise StopRequestedError if nobody waits for the portal any more."""
        self.starter.check()
        signal.sigtimedwait({signal.SIGCHLD}, 0.03)
        return True

    def _watch(self) -> None:
        while True:
            check_alive(self.children)
            self.starter.check()
            if not self.home.supervisor_lock.exists():
                # Its folder was removed under it: nobody could find this portal any more to stop it.
                raise StopRequestedError
            event = signal.sigtimedwait(_WATCHED, 1.0 if self.tied else 5.0)
            if event is not None and event.si_signo in _STOPPING:
                raise StopRequestedError

    def _stop(self, problem: GlaneError | None) -> None:
        runtime = read_state(self.home).runtime
        with suppress(OSError):
            self._remember(phase="stopping")
        stop(self.children, patience=10)
        remove_runtime(runtime)
        with suppress(OSError):
            self._remember(phase="stopped", runtime=None, processes={}, problem=str(problem) if problem else None)

    def _remember(self, **changes: object) -> State:
        return change_state(self.home, **changes)

    def _say(self, text: str) -> None:
        self.starter.tell(say=text)
        self.starter.check()


def listen(first: int, *, only: bool) -> socket.socket:
    """Return a socket that listens on loopback: on port `first`, or, unless `only`, on the first free one after it.

    The web server inherits it, so that no other program can take the port meanwhile. Raises WorldError if none is free.
    """
    for port in [first] if only else range(first, min(first + 100, 65536)):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen(128)
        except OSError:
            listening.close()
            continue
        return listening
    if only:
        raise WorldError(f"Port {first} is taken by another program.", "Choose another, or let the portal choose.")
    raise WorldError(f"No port from {first} on is free.", "Set GLANE_PORTAL_PORT to a port that is free.")


def is_ready(data: Path, pid: int) -> bool:
    """Tell whether the database server `pid` says in its own file that it is ready."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment without what would change a child's mind: settings of other CKANs, databases and Pythons."""
    foreign = ("CKAN", "PG", "PYTHON", "VIRTUAL_ENV", "GUNICORN", "FLASK", "WERKZEUG", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **more}


if __name__ == "__main__":
    sys.exit(main())
