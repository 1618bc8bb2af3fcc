"""Sixty sources on a local server, of which nothing changed: what a second `glane run` costs, beside its peers.

    python -m bench.harvest [--sources 60] [--rows 200] [--profile FILE]

`glane` is the command itself, Dagster, the release and the reports included, on sources that were run once before.
`requests` downloads every file again, one after the other, and does nothing with it. `dagster` is one asset a source
that downloads its file, as its tutorials have it, in one process (its default executor starts a process a step: 133 s
for sixty). All ask the same server in the same run, and each is a process of its own, its imports included. `cpu` is
the seconds of processor that it took. Bytes are those of the bodies and heads that the server sent. The last line is
the figures as JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.pipelines.material import Commons, make_commons

REQUESTS = """
import requests, sys
for url in sys.argv[1:]:
    requests.get(url, timeout=10).raise_for_status()
"""
DAGSTER = """
import dagster as dg, requests, sys

def one(number, url):
    @dg.asset(name=f"source_{number}")
    def download(context):
        context.add_output_metadata({"bytes": len(requests.get(url, timeout=10).content)})
    return download

assets = [one(*each) for each in enumerate(sys.argv[1:])]
with dg.DagsterInstance.get() as instance:
    assert dg.materialize(assets, instance=instance).success
"""


@dataclass
class Asked:
    """What the server was asked and sent since it was last looked at."""

    requests: int = 0
    unchanged: int = 0
    body: int = 0
    head: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


@contextmanager
def server(files: dict[str, bytes]) -> Iterator[tuple[str, Asked]]:
    """A server that knows entity tags, on loopback; counts what it sends."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            data = files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
            unchanged = self.headers.get("If-None-Match") == tag
            self.send_response(304 if unchanged else 200)
            self.send_header("ETag", tag)
            if not unchanged:
                self.send_header("Content-Length", str(len(data)))
            head = sum(len(line) for line in self._headers_buffer) + 2  # type: ignore[attr-defined, misc]
            self.end_headers()
            if not unchanged:
                self.wfile.write(data)
            with asked.lock:
                asked.requests += 1
                asked.unchanged += unchanged
                asked.head += head
                asked.body += 0 if unchanged else len(data)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        httpd.server_close()


def rows_of(number: int, rows: int) -> bytes:
    """One partner's file."""
    lines = [f"{row},Lieu {number}-{row},{49000 + row % 900}" for row in range(rows)]
    return ("numero,nom,cp\n" + "\n".join(lines) + "\n").encode()


def commons_of(root: Path, base: str, files: dict[str, bytes]) -> Commons:
    """A commons that declares one source for each file of the server."""
    commons = make_commons(root)
    commons.dataset()
    for number, path in enumerate(files):
        commons.source(f"partner-{number:02}", url=f"{base}{path}")
    return commons


def timed(command: list[str], environment: dict[str, str], asked: Asked) -> dict[str, Any]:
    """Run a command: its seconds, and what it asked of the server."""
    before = asdict_of(asked)
    begun, used = time.perf_counter(), _cpu()
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    seconds, used = time.perf_counter() - begun, _cpu() - used
    if done.returncode:
        raise SystemExit(f"{command[:4]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    moved = {name: value - before[name] for name, value in asdict_of(asked).items()}
    return {"seconds": round(seconds, 2), "cpu": round(used, 2), **moved}


def _cpu() -> float:
    """Seconds of processor that ended children used; a machine busy with other things does not change them."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def asdict_of(asked: Asked) -> dict[str, int]:
    """The counts alone."""
    return {"requests": asked.requests, "unchanged": asked.unchanged, "body": asked.body, "head": asked.head}


def measured(sources: int, rows: int, profile: Path | None) -> dict[str, Any]:
    """Every way on the same files, one after the other."""
    files = {f"/lieux-{number:02}.csv": rows_of(number, rows) for number in range(sources)}
    with tempfile.TemporaryDirectory(prefix="glane-bench-") as folder, server(files) as (base, asked):
        commons = commons_of(Path(folder), base, files)
        environment = commons.environment() | {"PYTHONPATH": str(Path(__file__).parents[1])}
        glane = [sys.executable, str(Path(sys.executable).with_name("glane")), "run"]
        urls = [f"{base}{path}" for path in files]
        figures = {"glane, first run": timed(glane, environment, asked)}
        figures["glane, nothing changed"] = timed(glane, environment, asked)
        if profile is not None:
            timed([sys.executable, "-m", "cProfile", "-o", str(profile), *glane[1:]], environment, asked)
        figures["requests, all again"] = timed([sys.executable, "-c", REQUESTS, *urls], environment, asked)
        home = Path(folder) / "dagster-peer"
        home.mkdir()
        figures["dagster, one step a source"] = timed(
            [sys.executable, "-c", DAGSTER, *urls], environment | {"DAGSTER_HOME": str(home)}, asked
        )
    return figures


def main() -> None:
    """Measure, print a table, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=60)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--profile", type=Path)
    given = parser.parse_args()
    figures = measured(given.sources, given.rows, given.profile)
    print(f"{given.sources} sources of {given.rows} rows on loopback, {os.cpu_count()} cores")
    print(f"{'':30} {'seconds':>8} {'cpu':>7} {'requests':>9} {'unchanged':>10} {'body bytes':>11} {'head bytes':>11}")
    for name, one in figures.items():
        print(
            f"{name:30} {one['seconds']:8.2f} {one['cpu']:7.2f} {one['requests']:9} {one['unchanged']:10} "
            f"{one['body']:11,} {one['head']:11,}"
        )
    print(json.dumps({"sources": given.sources, "rows": given.rows, "figures": figures}))


if __name__ == "__main__":
    main()
