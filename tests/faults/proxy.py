"""A proxy on loopback before the embedded portal, that does to a chosen request what the world does: it kills who
asks, answers for the portal, loses answers, cuts uploads, spoils bytes.

The portal knows itself by another address than the proxy's, as behind a real one.
"""

import http.client
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length", "server", "date"})


@dataclass(frozen=True)
class Seen:
    """One request: its `number` (from 1), and `what` it asks for: an action ("package_revise", "package_revise+files"
    with files in it), or "download"."""

    number: int
    method: str
    path: str
    what: str

    @property
    def changes(self) -> bool:
        """Whether it is meant to change something."""
        return self.method == "POST" and not self.what.endswith(("_show", "_list", "_search", "_list_for_user"))


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Exchange:
    """One request under way, for a fault to deal with."""

    def __init__(self, handler: Any, upstream: str, seen: Seen, pid: int | None) -> None:
        self._handler, self._upstream, self.seen, self.pid = handler, urlsplit(upstream), seen, pid
        self._length = int(handler.headers.get("Content-Length") or 0)
        self._body: bytes | None = None

    @property
    def body(self) -> bytes:
        """The whole body, read from the one who asks."""
        if self._body is None:
            self._body = self._handler.rfile.read(self._length)
        return self._body

    def forward(self) -> Answer:
        """Let the portal do it, and give its answer."""
        connection = http.client.HTTPConnection(str(self._upstream.hostname), self._upstream.port, timeout=60)
        try:
            connection.request(self.seen.method, self.seen.path, self.body, self._headers())
            got = connection.getresponse()
            kept = {name: value for name, value in got.getheaders() if name.lower() not in _HOP}
            return Answer(got.status, got.read(), kept)
        finally:
            connection.close()

    def answer(self, answer: Answer) -> None:
        """Answer this."""
        _ = self.body
        handler = self._handler
        handler.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            handler.send_header(name, value)
        handler._headers_buffer.append(b"\r\n" + answer.body)
        handler.flush_headers()

    def drop(self) -> None:
        """Close the connection without a word (with a reset, as a dead machine's)."""
        self._handler.close_connection = True
        with_reset = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, with_reset)

    def cut(self) -> None:
        """Pass half of the upload on, then break both connections."""
        half = self._handler.rfile.read(self._length // 2)
        with socket.create_connection((self._upstream.hostname, self._upstream.port), timeout=10) as there:
            lines = [f"{self.seen.method} {self.seen.path} HTTP/1.1", f"Host: {self._upstream.netloc}"]
            lines += [f"{name}: {value}" for name, value in self._headers().items()]
            there.sendall("\r\n".join([*lines, f"Content-Length: {self._length}", "", ""]).encode() + half)
        self.drop()

    def kill(self) -> None:
        """SIGKILL to the process that asks; returns once it is dead."""
        assert self.pid is not None, "the test says whom to kill"
        os.kill(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while _alive(self.pid) and time.monotonic() < deadline:
            time.sleep(0.002)

    def _headers(self) -> dict[str, str]:
        return {name: value for name, value in self._handler.headers.items() if name.lower() not in _HOP}


Fault = Callable[[Exchange], None]
Plan = Callable[[Seen], Fault | None]
"""What becomes of a request; None: it is passed on."""


class Proxy:
    """A running proxy: its address, all it has `seen`, and its `plan`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pid: int | None = None
        self.seen: list[Seen] = []
        self.plan: Plan = nothing
        self.fired = 0
        self._lock = threading.Lock()

    def start(self, plan: Plan) -> None:
        """Count from the start, and do what `plan` says."""
        self.seen, self.plan, self.fired, self.pid = [], plan, 0, None

    def note(self, method: str, path: str, with_files: bool) -> Seen:
        """Take down a request."""
        parts = urlsplit(path).path.split("/")
        what = "download" if "api" not in parts else parts[-1] + ("+files" if with_files else "")
        with self._lock:
            seen = Seen(len(self.seen) + 1, method, path, what)
            self.seen.append(seen)
        return seen


def nothing(seen: Seen) -> Fault | None:
    """The plan that spoils nothing."""
    return None


def at(number: int, fault: Fault) -> Plan:
    """Do `fault` to the request of that number."""
    return lambda seen: fault if seen.number == number else None


def to(what: str, fault: Fault, *, times: int = 1, skip: int = 0) -> Plan:
    """Do `fault` to the first `times` requests for `what` (an action, "download"; "changes": whatever changes
    something), after `skip` of them."""
    met = [0]
    lock = threading.Lock()

    def plan(seen: Seen) -> Fault | None:
        if seen.what != what and not (what == "changes" and seen.changes):
            return None
        with lock:
            met[0] += 1
            return fault if skip < met[0] <= skip + times else None

    return plan


def kill_before(exchange: Exchange) -> None:
    """The publisher dies before the portal hears of it."""
    exchange.kill()
    exchange.drop()


def kill_after(exchange: Exchange) -> None:
    """The publisher dies after the portal did the work, and never hears of it."""
    exchange.forward()
    exchange.kill()
    exchange.drop()


def kill_amid(exchange: Exchange) -> None:
    """The publisher dies while half of its request is sent."""
    exchange.kill()
    exchange.cut()


def lose(exchange: Exchange) -> None:
    """The portal does the work; its answer is lost."""
    exchange.forward()
    exchange.drop()


def close(exchange: Exchange) -> None:
    """The connection is closed without an answer, and nothing was done."""
    _ = exchange.body
    exchange.drop()


def cut(exchange: Exchange) -> None:
    """The connection breaks in the middle of the request."""
    exchange.cut()


def spoil(exchange: Exchange) -> None:
    """Other bytes than the portal's."""
    given = exchange.forward()
    exchange.answer(Answer(given.status, given.body[:-1] + b"?" if given.body else b"?", given.headers))


def silent(seconds: float) -> Fault:
    """The portal does the work, and answers after the publisher has lost patience."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        time.sleep(seconds)
        exchange.drop()

    return fault


def late(seconds: float) -> Fault:
    """A gateway gives up and says so; the portal does the work all the same, a moment later."""

    def fault(exchange: Exchange) -> None:
        exchange.answer(Answer(504, b"<html><head><title>Gateway Time-out</title></head></html>"))
        exchange._handler.wfile.flush()
        time.sleep(seconds)
        exchange.forward()

    return fault


def say(answer: Answer) -> Fault:
    """Answer for the portal, which hears nothing."""
    return lambda exchange: exchange.answer(answer)


HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
ANSWERS: dict[str, Answer] = {
    "500": Answer(500, b"<html><head><title>Internal Server Error</title></head></html>", HTML),
    "502": Answer(502, b"<html><head><title>502 Bad Gateway</title></head></html>", HTML),
    "403": Answer(403, b'{"success": false, "error": {"__type": "Authorization Error", "message": "No"}}', JSON),
    "403 of a firewall": Answer(403, b"<html><head><title>Forbidden</title></head></html>", HTML),
    "409": Answer(409, b'{"success": false, "error": {"__type": "Validation Error", "name": ["No"]}}', JSON),
    "429": Answer(429, b"Too Many Requests", {"Retry-After": "1"}),
    "503": Answer(503, b"", {}),
    "200 that is no CKAN's": Answer(200, b"<html><head><title>Log in to the Wi-Fi</title></head></html>", HTML),
}


@contextmanager
def proxying(upstream: str) -> Iterator[Proxy]:
    """A proxy before `upstream`."""
    proxy = Proxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _handle(self) -> None:
            with_files = "multipart" in self.headers.get("Content-Type", "")
            seen = proxy.note(self.command, self.path, with_files)
            exchange = Exchange(self, upstream, seen, proxy.pid)
            fault = proxy.plan(seen)
            try:
                if fault is None:
                    exchange.answer(exchange.forward())
                else:
                    proxy.fired += 1
                    fault(exchange)
            except OSError:
                # Whoever asked is dead, or has lost patience.
                self.close_connection = True

        do_GET = do_POST = _handle  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # A zombie is dead; its parent will hear of it.
        return " Z " not in open(f"/proc/{pid}/stat").read().split(")")[-1][:4]  # noqa: PTH123
    except FileNotFoundError:
        return False
