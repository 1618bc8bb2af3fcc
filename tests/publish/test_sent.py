"""The bytes that a portal is sent are counted as they leave: rows, texts and files, what had to be said twice too."""

import json
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from tests.publish.loopback import Answer, Request, serving

MIB = 1 << 20


def test_every_answered_request_counts_as_what_the_portal_received(tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    file.write_bytes(b"id,nom\n" + b"1,Le Fil\n" * 10_000)
    answers = [Answer(503), *(Answer(200, json.dumps({"success": True, "result": {}}).encode()) for _ in range(3))]

    def answer(_: Request) -> Answer:
        return answers.pop(0)

    patience = Patience(pauses=(0.01,))
    with serving(answer) as there, Api(PortalAddress(there.url, "s3cret"), patience) as api:
        assert api.sent_bytes == 0
        api.read("package_show", id="sites")
        api.write("datastore_upsert", {"records": [{"nom": "Café"}]}, done=lambda: None)
        api.write("package_revise", {"match__name": "sites"}, files=[("upload", "sites.csv", file)])
        assert len(there.seen) == 4
        assert api.sent_bytes == sum(len(request.body) for request in there.seen)
        assert api.sent_bytes > file.stat().st_size


@contextmanager
def _swallowing() -> Iterator[tuple[str, list[int]]]:
    """A server that reads what it is sent in pieces and keeps none of it; how many bytes each body had."""
    swallowed: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            left = length = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, 1 << 16)))
            swallowed.append(length)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"success": true, "result": {}}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", swallowed
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_large_file_is_sent_from_the_disk_and_never_held_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "sites.csv"
    with file.open("wb") as sparse:
        sparse.truncate(64 * MIB)
    with _swallowing() as (url, swallowed), Api(PortalAddress(url, "s3cret"), Patience(pauses=())) as api:
        tracemalloc.start()
        try:
            api.write("package_revise", {"match__name": "sites"}, files=[("upload", "sites.csv", file)])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert [length > 64 * MIB for length in swallowed] == [True]
        assert peak < 4 * MIB
