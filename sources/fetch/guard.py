"""A session that asks public addresses only: what a partner's declaration, or a server's redirect, may make us fetch.

Belongs here: looking at every address that a name resolves to, and connecting to one that was looked at (a name that
answers otherwise the second time gains nothing). Does not belong here: what is asked (http.py).

Where the environment names a proxy, the proxy resolves names: then only addresses written as numbers are looked at.
"""

import ipaddress
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager

from glane.errors import CallError

REDIRECTS_MAX = 5
_Opened = Callable[[socket.socket], None]


class ForbiddenAddressError(CallError):
    """An address of a private network, or of this machine, that nobody declared."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} is at {address}, which is no public address: it is not asked.",
            "If it is the partner's own server on your network, say so in source.yaml (where: private: true).",
        )


class GuardedSession(requests.Session):
    """A session whose connections can be ended from another thread, whatever they are waiting for."""

    def __init__(self) -> None:
        super().__init__()
        # Second handles on the few newest connections: those that may be in use.
        self._lines: deque[socket.socket] = deque(maxlen=4)

    def opened(self, line: socket.socket) -> None:
        """Remember a connection that was just made."""
        if len(self._lines) == self._lines.maxlen:
            self._lines.popleft().close()
        self._lines.append(line.dup())

    def hang_up(self) -> None:
        """End every connection now: what is being read or shaken hands over ends at once."""
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the session and its handles."""
        super().close()
        while self._lines:
            self._lines.pop().close()


def guarded_session(url: str, *, private: bool) -> GuardedSession:
    """A session that connects to public addresses only; with `private`, also to the host of `url`, wherever it is.

    Its redirects are few. Raises ForbiddenAddressError when it is used for another address.
    """
    trusted = frozenset({(urlsplit(url).hostname or "").lower()} if private else ())
    session = GuardedSession()
    session.max_redirects = REDIRECTS_MAX
    adapter = _Guard(trusted, session.opened)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet: not private, loopback, link-local, shared or reserved."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if inner is None and isinstance(found, ipaddress.IPv6Address) and found in _NAT64:
        inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found.is_global and not found.is_multicast and (inner is None or is_public(str(inner)))


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class _Guard(HTTPAdapter):
    def __init__(self, trusted: frozenset[str], opened: _Opened) -> None:
        self._trusted = trusted
        self._opened = opened
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {
            "http": _guarded(HTTPConnectionPool, HTTPConnection, self._trusted, self._opened),
            "https": _guarded(HTTPSConnectionPool, HTTPSConnection, self._trusted, self._opened),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host = (urlsplit(request.url or "").hostname or "").lower()
        with suppress(ValueError):
            _check(host, str(ipaddress.ip_address(host)), self._trusted)
        return super().send(request, *args, **kwargs)


def _guarded(pool: type[Any], connection: type[Any], trusted: frozenset[str], opened: _Opened) -> type[Any]:
    """A pool of connections, each to a number that was looked at; the name stays that of the certificate."""

    class Connection(connection):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            name = self._dns_host
            try:
                found = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
            except (socket.gaierror, UnicodeError) as error:
                raise NameResolutionError(name, self, error) from error  # type: ignore[arg-type]
            numbers = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            for number in numbers:
                _check(name, number, trusted)
            for number in numbers[:-1]:
                with suppress(NewConnectionError):
                    return self._connect_to(number, name)
            return self._connect_to(numbers[-1], name)

        def _connect_to(self, number: str, name: str) -> socket.socket:
            self._dns_host = number
            try:
                made: socket.socket = super()._new_conn()
            finally:
                self._dns_host = name
            opened(made)
            return made

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _check(host: str, address: str, trusted: frozenset[str]) -> None:
    if host.lower().rstrip(".") not in trusted and not is_public(address):
        raise ForbiddenAddressError(host, address)
