"""Dagster's own home: its settings, its instance, and the runs that a killed process left open.

Belongs here: DAGSTER_HOME and what `glane run` and Dagit share. Does not belong here: assets and jobs (graph.py),
nor the processes of Dagit (services.py).
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.instance import InstanceRef
from sqlalchemy.exc import OperationalError

from glane.errors import WorldError

PROCESS_TAG = "glane/process"

# `runs`: one run of a dataset at a time, so that two harvests never fetch the same partner at once.
# `pools`: one publication at a time. `run_monitoring` ends what hangs.
DAGSTER_YAML = """\
# Written by Glane the first time; yours to change.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs:
    max_concurrent_runs: 4
    tag_concurrency_limits:
      - {key: glane/dataset, value: {applyLimitPerUniqueValue: true}, limit: 1}
  pools: {default_limit: 1, granularity: op}
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  max_runtime_seconds: 7200
  free_slots_after_run_end_seconds: 60
retention:
  schedule: {purge_after_days: 90}
  sensor: {purge_after_days: {skipped: 2, failure: 30, success: 90}}
"""


def prepare_home(home: Path) -> None:
    """Make `home` and write dagster.yaml into it, unless one is there. Raises WorldError where that is refused."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        written = home / "dagster.yaml"
        if not written.exists():
            written.write_text(DAGSTER_YAML, encoding="utf-8")
    except OSError as error:
        raise WorldError(
            f"Dagster's home {home} cannot be written: {error.strerror}.", "Set DAGSTER_HOME to a folder of yours."
        ) from error


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance at `home`, the one that Dagit shows, with the runs of dead processes closed."""
    prepare_home(home)
    try:
        with dg.DagsterInstance.from_ref(_reference(home)) as instance:
            close_dead_runs(instance)
            yield instance
    except OperationalError as error:
        raise WorldError(
            f"Dagster's home {home} cannot be used: {error.orig}.",
            "Free some space there, or set DAGSTER_HOME to another folder.",
        ) from error


def _reference(home: Path) -> InstanceRef:
    """What dagster.yaml says, with an event log that is quicker to write; one that it names itself stays."""
    declared = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    kept_open = {
        "module": "pipelines.event_log",
        "class": "OpenSqliteEventLog",
        "config": {"base_dir": str(home / "history" / "runs")},
    }
    own = {"storage", "event_log_storage"} & set(declared)
    return InstanceRef.from_dir(str(home), overrides={} if own else {"event_log_storage": kept_open})


def process_tags() -> dict[str, str]:
    """The tag that says which process executes a run, so that a later one can tell whether it still lives."""
    return {PROCESS_TAG: _identity(os.getpid())}


def close_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed every run whose process is gone, and give their ids.

    A killed `glane run` cannot say so itself: Dagit would show it running for ever, and its pool and its dataset's
    turn would never come free.
    """
    open_states = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    closed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=open_states)):
        if _is_dead(run.tags):
            instance.report_run_failed(run, "The process that executed this run is gone. Run it again.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            closed.append(run.run_id)
    return closed


def _is_dead(tags: Mapping[str, str]) -> bool:
    identity = tags.get(PROCESS_TAG, "")
    host, _, rest = identity.partition(" ")
    pid = rest.partition(" ")[0]
    return host == socket.gethostname() and pid.isdigit() and _identity(int(pid)) != identity


def _identity(pid: int) -> str:
    """`host pid start`: the start time tells a process from a later one that was given the same number."""
    try:
        start = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        start = "gone"
    return f"{socket.gethostname()} {pid} {start}"
