"""The folder a portal keeps what is its own in: names of its files, its memory, its secrets.

Belongs here: which file is where, what is remembered from one start to the next, private writes. Does not belong
here: processes (portal/supervisor.py), locks (portal/locks.py), what CKAN's settings say (portal/settings.py).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from glane.errors import WorldError

NAMES = {"organisation": "glane-commons", "title": "Glane", "editor": "glane-editor", "sysadmin": "glane-admin"}
Phase = Literal["stopped", "starting", "running", "stopping"]
LOGS = ("database", "cache", "web", "worker", "supervisor")
_KEYS = ("session", "csrf", "tokens")


class Home:
    """The names of everything in a portal's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.state_file = self.path / "state.json"
        self.secrets_file = self.path / "secrets.json"
        self.settings_file = self.path / "ckan.ini"
        self.storage = self.path / "storage"
        self.logs = self.path / "logs"
        # Where the database lives if its user can come here; portal/places.py says where else.
        self.database = self.path / "database"
        # Written by portal/ckan_plugin/ckanext_glane/prepare.py.
        self.prepared_file = self.path / "prepared.json"
        self.editor_token = self.path / "editor.token"
        self.sysadmin_token = self.path / "sysadmin.token"
        self.sysadmin_password = self.path / "sysadmin.password"
        # See portal/locks.py.
        self.start_lock = self.path / "start.lock"
        self.supervisor_lock = self.path / "supervisor.lock"
        self.family_lock = self.path / "family.lock"

    def log(self, name: str) -> Path:
        """The log file of one of LOGS."""
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Make the folder; what is in it already is left alone. Raises WorldError if that is not allowed.

        Root's own is 0711, because the database's user must pass through it; every secret in it is 0600.
        """
        try:
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
            for folder in (self.storage, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
            write_private(self.path / ".write-test", "")
            (self.path / ".write-test").unlink(missing_ok=True)
        except OSError as refusal:
            raise WorldError(
                f"The portal cannot write in {self.path}: {refusal.strerror}.",
                "Set GLANE_PORTAL_HOME to a folder that you may write in and whose disk has room.",
            ) from refusal

    def ours(self) -> list[Path]:
        """Everything a portal makes in its folder, but for the start lock."""
        files = [
            self.state_file,
            self.settings_file,
            self.secrets_file,
            self.prepared_file,
            self.editor_token,
            self.sysadmin_token,
            self.sysadmin_password,
            self.supervisor_lock,
            self.family_lock,
        ]
        return [*files, self.storage, self.logs, self.database]


@dataclass(frozen=True)
class State:
    """What a portal remembers: its port and places for ever, its phase and processes while it lives."""

    phase: Phase = "stopped"
    port: int | None = None
    database: str | None = None
    runtime: str | None = None
    version: str | None = None
    problem: str | None = None
    processes: dict[str, int] = field(default_factory=dict)


def read_state(home: Home) -> State:
    """Read what the portal remembers; a lost or torn file is an empty memory, and the next start heals it."""
    try:
        known = json.loads(home.state_file.read_text("utf-8"))
        return State(**known)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return State()


def write_state(home: Home, state: State) -> None:
    """Replace what the portal remembers, in one step."""
    write_private(home.state_file, json.dumps(asdict(state), indent=1) + "\n")


def change_state(home: Home, **changes: object) -> State:
    """Read, change and write the memory; return the new one. Only the supervisor calls this while it lives."""
    state = replace(read_state(home), **changes)  # type: ignore[arg-type]
    write_state(home, state)
    return state


def read_secrets(home: Home) -> dict[str, str]:
    """Return the portal's keys, made the first time and kept since (a new key would void every session)."""
    try:
        kept = json.loads(home.secrets_file.read_text("utf-8"))
        if set(kept) == set(_KEYS):
            return {str(name): str(value) for name, value in kept.items()}
    except (FileNotFoundError, ValueError, TypeError):
        pass
    made = {name: secrets.token_urlsafe(40) for name in _KEYS}
    write_private(home.secrets_file, json.dumps(made))
    return made


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` in one step, readable by its owner alone from the first byte on."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; one that is not there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
