"""One real CKAN for the whole test session: started by the first test that asks, stopped whatever happens (it is
tied to this process, so even a kill -9 of pytest leaves none behind).

It lives in a short folder of its own under the system's temporary one, on a port of its own, beside any other portal
of this machine.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests

from portal import embedded
from portal.embedded import Status
from portal.home import Home
from portal.locks import family_is_gone


@dataclass(frozen=True)
class Portal:
    """A running portal, as a test needs it."""

    status: Status
    url: str
    token: str
    sysadmin_token: str
    organisation: str


def call(portal: Portal, action: str, **data: Any) -> Any:
    """What the portal answers to its sysadmin; None where there is nothing."""
    answer = requests.post(
        f"{portal.url}/api/3/action/{action}", json=data, headers={"Authorization": portal.sysadmin_token}, timeout=60
    )
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    answer.raise_for_status()
    return answer.json()["result"]


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    with running_portal() as found:
        yield found


@contextmanager
def running_portal(*, loader: bool = False) -> Iterator[Portal]:
    """A portal of its own (`loader`: with xloader and its worker), gone afterwards with all that it kept."""
    with tempfile.TemporaryDirectory(prefix="glane-test-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "portal"
        try:
            status = embedded.up(home, free_port(), tied=True, loader=loader)
            assert status.url is not None
            yield Portal(
                status=status,
                url=status.url,
                token=status.token_file.read_text("utf-8"),
                sysadmin_token=status.sysadmin_token_file.read_text("utf-8"),
                organisation=status.organisation,
            )
        finally:
            embedded.down(home)
            assert family_is_gone(Home(home).family_lock, 10)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
