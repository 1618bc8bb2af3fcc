"""Dagster's home: written once, and the runs of dead processes closed."""

import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import yaml

from pipelines.instance import PROCESS_TAG, _identity, close_dead_runs, open_instance, prepare_home, process_tags


def test_the_home_is_written_once_and_then_the_operators(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    prepare_home(home)
    written = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8"))
    assert written["telemetry"] == {"enabled": False}
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    prepare_home(home)
    assert (home / "dagster.yaml").read_text(encoding="utf-8") == "telemetry: {enabled: false}\n"


def test_a_killed_run_is_told_as_failed_by_the_next_and_a_living_one_is_left_alone(
    tmp_path: Path, dagster_home: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(dagster_home, home)
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = {PROCESS_TAG: _identity(gone.pid)}
    gone.kill()
    gone.wait()

    @dg.job
    def nothing() -> None:
        pass

    with open_instance(home) as instance:
        for run_id, tags in (("dead", dead), ("alive", process_tags()), ("daemons", {})):
            run = instance.create_run_for_job(nothing, tags=tags, status=dg.DagsterRunStatus.STARTED)
            instance.add_run_tags(run.run_id, {"name": run_id})
        closed = close_dead_runs(instance)
        states = {run.tags["name"]: run.status.value for run in instance.get_runs()}
    assert len(closed) == 1
    assert states == {"dead": "FAILURE", "alive": "STARTED", "daemons": "STARTED"}
