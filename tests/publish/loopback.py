"""A small HTTP server on loopback that answers what a test says, or passes on to a real portal and spoils it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What is answered; None in its place: the connection is closed without a word."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Loopback:
    """A running server: its address and everything it was asked."""

    url: str
    seen: list[Request] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Request], Answer | None]) -> Iterator[Loopback]:
    """A server that gives what `answer` says to each request."""
    loopback = Loopback("")

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                raise AssertionError("uploads have a length")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, dict(self.headers), body)
            loopback.seen.append(request)
            given = answer(request)
            if given is None:
                self.close_connection = True
                return
            self.send_response(given.status)
            for name, value in {"Content-Length": str(len(given.body)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_POST = _handle  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    loopback.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def passed_on(request: Request, portal: str) -> Answer:
    """What the real portal at `portal` answers to `request`."""
    dropped = ("host", "content-length", "connection", "accept-encoding")
    headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
    got = requests.request(
        request.method, portal + request.path, data=request.body, headers=headers, allow_redirects=False, timeout=60
    )
    kept = {name: got.headers[name] for name in ("Content-Type", "Location") if name in got.headers}
    return Answer(got.status_code, got.content, kept)
