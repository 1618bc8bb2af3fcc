"""A run of many sources of which nothing changed moves heads alone; a run that fails tells no secret."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.harvest import commons_of, rows_of, server
from pipelines.instance import open_instance
from tests.pipelines.conftest import Glane, Said
from tests.pipelines.material import Commons

SOURCES = 12
SECRET = "s3cret-of-a-partner"


def test_sources_of_which_nothing_changed_cost_one_question_each_and_no_byte_of_a_body(
    glane: Glane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dagster_home: Path
) -> None:
    files = {f"/lieux-{number:02}.csv": rows_of(number, 5) for number in range(SOURCES)}
    with server(files) as (base, asked):
        (tmp_path / "many").mkdir()
        commons = commons_of(tmp_path / "many", base, files)
        shutil.copytree(dagster_home, commons.settings.dagster_home)
        for name, value in commons.environment().items():
            monkeypatch.setenv(name, value)

        def run() -> tuple[dict[str, Any], dict[str, int]]:
            before = (asked.requests, asked.unchanged, asked.body)
            said = glane("run", "--json")
            assert said.code == 0, said.err
            names = ("requests", "unchanged", "body")
            after = (asked.requests, asked.unchanged, asked.body)
            return json.loads(said.out), {n: b - a for n, a, b in zip(names, before, after, strict=True)}

        first, moved = run()
        assert moved == {"requests": SOURCES, "unchanged": 0, "body": sum(map(len, files.values()))}
        assert first["datasets"][0]["cost"]["moved"]["received"] == moved["body"]
        second, moved = run()
        assert moved == {"requests": SOURCES, "unchanged": SOURCES, "body": 0}
        (dataset,) = second["datasets"]
        assert dataset["cost"]["moved"]["received"] == 0
        assert {(source["state"], source["changed"]) for source in dataset["sources"]} == {("ok", False)}


def test_the_secret_of_a_source_that_fails_is_told_nowhere(
    commons: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARTNER_KEY", SECRET)
    with server({}) as (base, asked):
        commons.source("brest", url=f"{base}/nowhere.csv")
        commons.edit("brest", "private: true}", 'private: true, headers: {X-Key: "Bearer ${PARTNER_KEY}"}}')
        said: list[Said] = [
            glane("run"),
            glane("run", "--json"),
            glane("source", "list", "--json"),
            glane("report", "lieux/brest"),
        ]
    assert said[0].code != 0
    assert "brest" in said[0].out + said[0].err
    assert not any(SECRET in one.out + one.err for one in said)
    with open_instance(commons.settings.dagster_home) as instance:
        logs = [str(record) for run in instance.get_run_ids() for record in instance.all_logs(run)]
    assert logs
    assert not any(SECRET in line for line in logs)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path
    assert asked.requests == 0 or asked.body == 0
