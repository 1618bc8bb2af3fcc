"""Real parts for the tests of sources/: declarations on disk, and a real HTTP server that answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from glane.store import Store, open_store
from sources.declaration import Source, load_source
from tests.sources.material import Answer, Server, Site

Answering = Callable[[str, dict[str, str]], Answer]
"""Gives the answer to one request: its address (path and query) and its headers."""


@pytest.fixture
def listen() -> Iterator[Callable[[Answering], int]]:
    """Start real HTTP servers on loopback, each answering as it is told; gives the port."""
    running: list[ThreadingHTTPServer] = []

    def start(answering: Answering) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = dict(self.headers.items())
                # As HTTP/2 writes it: the method beside the headers.
                answer = answering(self.path, asked if self.command == "GET" else {**asked, ":method": self.command})
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(answer.body[: answer.cut])

            do_HEAD = do_GET  # noqa: N815 (as http.server calls it)

            def log_message(self, *_: Any) -> None:
                pass

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        running.append(httpd)
        return httpd.server_port

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def serve(listen: Callable[[Answering], int]) -> Callable[..., Server]:
    """A server that gives its answers in order, the last one for ever."""

    def start(*answers: Answer) -> Server:
        server = Server("", list(answers))

        def next_one(_: str, headers: dict[str, str]) -> Answer:
            server.asked.append(headers)
            return server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]

        server.url = f"http://127.0.0.1:{listen(next_one)}/data/sites%20v1.csv"
        return server

    return start


@pytest.fixture
def site(listen: Callable[[Answering], int]) -> Callable[..., Site]:
    """A server that answers by address (path and query): what a portal's or a partner's API would."""

    def start(*, host: str = "127.0.0.1") -> Site:
        made = Site("")

        def by_address(path: str, headers: dict[str, str]) -> Answer:
            made.asked.append((path, headers))
            return made.answers.get(path, Answer(404))

        made.url = f"http://{host}:{listen(by_address)}"
        return made

    return start


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Source]:
    """Write a source.yaml from keys (a small valid one stands behind them) and load it."""

    def make(dataset: str = "sites", partner: str = "angers", **keys: Any) -> Source:
        folder = tmp_path / "sources" / dataset / partner
        folder.mkdir(parents=True, exist_ok=True)
        line = {
            "title": {"fr": "Lieux d'Angers", "en": "Sites of Angers"},
            "organisation": "Ville d'Angers",
            "contact": {"role": "Service numérique"},
            "licence": "etalab-2.0",
            "attribution": "Ville d'Angers",
            "where": {"file": "sites.csv"},
            "format": {"kind": "csv"},
            "map": {"nom": "Nom"},
            **keys,
        }
        (folder / "source.yaml").write_text(yaml.safe_dump(line, allow_unicode=True, sort_keys=False))
        return load_source(folder)

    return make
