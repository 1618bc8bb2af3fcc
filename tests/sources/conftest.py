"""Real parts for the tests of sources/: declarations on disk, and a real HTTP server that answers as it is told."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from sources.declaration import Source, load_source
from tests.sources.material import Answer, Server, Site


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[ThreadingHTTPServer] = []

    def start(*answers: Answer) -> Server:
        server = Server("", list(answers))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(dict(self.headers.items()))
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body if answer.cut is None else answer.body[: answer.cut])

            def log_message(self, *_: Any) -> None:
                pass

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        running.append(httpd)
        server.url = f"http://127.0.0.1:{httpd.server_port}/data/sites%20v1.csv"
        return server

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    """A server that answers by address (path and query): what a portal's or a partner's API would."""
    running: list[ThreadingHTTPServer] = []

    def start(*, host: str = "127.0.0.1") -> Site:
        made = Site("")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                made.asked.append((self.path, dict(self.headers.items())))
                answer = made.answers.get(self.path, Answer(404))
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                pass

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        running.append(httpd)
        made.url = f"http://{host}:{httpd.server_port}"
        return made

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


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
