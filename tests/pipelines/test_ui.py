"""`glane ui`: starts whole, reads declarations again, stops whole."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.services import state_of
from tests.pipelines.material import Commons

_STATE = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { ... on RepositoryLocation {
  repositories { assetNodes { assetKey { path } } sensors { name sensorState { status } } } } } } } } }"""


@contextmanager
def _ui(commons: Commons, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`glane ui` in a process of its own, ended by its own id whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", "ui"],
        env={**os.environ, **commons.environment(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _ask(url: str) -> Any:
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps({"query": _STATE}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        (entry,) = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
    return entry["locationOrLoadError"]["repositories"][0]


def _assets(url: str) -> set[str]:
    return {"/".join(node["assetKey"]["path"]) for node in _ask(url)["assetNodes"]}


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 200)
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline() if ready else "")
    assert found, process.communicate()
    return found[0]


def _processes_naming(text: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text in (folder / "environ").read_text(errors="replace") and folder.name != str(os.getpid()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_dagit_starts_reads_declarations_again_and_stops_with_all_it_started(commons: Commons) -> None:
    with _ui(commons, GLANE_UI_PORT="") as process:
        url = _address(process)
        states = {sensor["name"]: sensor["sensorState"]["status"] for sensor in _ask(url)["sensors"]}
        assert states == {f"lieux_{name}": "RUNNING" for name in ("approvals", "changes", "release")}
        assert "lieux/dijon/rows" not in _assets(url)
        commons.source("dijon", "1,La Cuve,21000\n")
        deadline = time.monotonic() + 90
        while "lieux/dijon/rows" not in _assets(url) and time.monotonic() < deadline:
            time.sleep(1)
        assert "lieux/dijon/rows" in _assets(url)
        second = subprocess.run(
            [sys.executable, "-c", "from pipelines.cli import main; main()", "ui"],
            env={**os.environ, **commons.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (second.returncode, f"Dagit runs already, at {url}" in second.stderr) == (2, True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert _processes_naming(str(commons.settings.dagster_home)) == []


@pytest.mark.long
@pytest.mark.slow
def test_a_part_of_dagit_that_dies_takes_the_rest_with_it_and_is_named(commons: Commons) -> None:
    with _ui(commons) as process:
        _address(process)
        (daemon,) = [
            pid
            for pid in _processes_naming(str(commons.settings.dagster_home))
            if "dagster._daemon" in Path(f"/proc/{pid}/cmdline").read_text()
        ]
        os.kill(daemon, signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 3
        assert "Dagit's daemon process ended by itself." in said
    assert _processes_naming(str(commons.settings.dagster_home)) == []


def test_a_port_that_is_taken_is_a_wrong_call(commons: Commons) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with _ui(commons, GLANE_UI_PORT=str(port)) as process:
            _, said = process.communicate(timeout=120)
        assert (process.returncode, f"Port {port} is taken." in said) == (2, True)


def test_what_is_watched_are_declarations_and_not_the_data(commons: Commons) -> None:
    roots = (commons.settings.sources, commons.settings.schemas)
    before = state_of(roots)
    commons.file("angers", "9,Autre,49000\n")
    same = state_of(roots)
    commons.edit("angers", "2026", "20260")
    assert (before == same, before == state_of(roots)) == (True, False)
    assert {Path(path).name for path in before} == {"source.yaml", "dataset.yaml", "places.schema.json"}
