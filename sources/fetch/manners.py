"""How Glane behaves towards the servers it asks: who it says it is, how many requests at once, how long between two.

Belongs here: those limits, from the environment, and the turns that all threads of this process take at one host.
Does not belong here: a request itself (http.py), how often a source is asked (sources/revisits.py).

    GLANE_CONTACT        an address (mail or page) that a server's keeper finds in the user agent
    GLANE_HOST_AT_ONCE   requests that one host gets at once (2)
    GLANE_HOST_GAP       seconds between the beginnings of two requests to one host (0.1)
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from threading import BoundedSemaphore, Lock
from time import monotonic, sleep
from urllib.parse import urlsplit

from glane.errors import CallError

_CONTACT = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Manners:
    """Who we say we are, and how hard one host is pressed."""

    contact: str | None = None
    at_once: int = 2
    gap: float = 0.1

    @property
    def user_agent(self) -> str:
        """The name, the version and whom to write to, as robots are asked to say (RFC 9110, 10.1.5)."""
        comment = "open-data harvester" + (f"; +{self.contact}" if self.contact else "")
        return f"Glane/{_version()} ({comment})"


@cache
def _version() -> str:
    return version("glane")


def manners(environment: Mapping[str, str] | None = None) -> Manners:
    """The manners that `environment` (the process's own by default) declares. Raises CallError for what is none."""
    known = os.environ if environment is None else environment
    contact = known.get("GLANE_CONTACT") or None
    if contact is not None and not _CONTACT.fullmatch(contact):
        raise CallError(f"GLANE_CONTACT is {contact!r}, which is no address.", "Write it as commons@example.org")
    at_once = _number(known, "GLANE_HOST_AT_ONCE", Manners.at_once, least=1)
    return Manners(contact, int(at_once), _number(known, "GLANE_HOST_GAP", Manners.gap, least=0))


def _number(known: Mapping[str, str], name: str, default: float, *, least: int) -> float:
    written = known.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", written) or float(written) < least:
        raise CallError(f"{name} is {written!r}, which is no number from {least} on.", f"Write it as {default}.")
    return float(written)


class Turns:
    """Lets `at_once` requests go to one host at a time, and `gap` seconds pass between their beginnings."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._slots: dict[tuple[str, int], BoundedSemaphore] = {}
        self._next: dict[str, float] = {}

    @contextmanager
    def turn(self, url: str, manners: Manners) -> Iterator[None]:
        """Hold a place at the host of `url` for as long as a request and its answer take."""
        host = urlsplit(url).netloc.lower()
        with self._lock:
            slots = self._slots.setdefault((host, manners.at_once), BoundedSemaphore(manners.at_once))
        with slots:
            with self._lock:
                begins = max(monotonic(), self._next.get(host, 0.0))
                self._next[host] = begins + manners.gap
            sleep(max(0.0, begins - monotonic()))
            yield


TURNS = Turns()
"""Shared by every thread of this process: sixty sources on one server are sixty requests one after the other."""
