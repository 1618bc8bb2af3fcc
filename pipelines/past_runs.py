"""Dagster's own past, kept as long as declared: old runs, their event logs and their captured output.

Belongs here: which runs may go, and giving their bytes back. Does not belong here: what partners sent and what was
published (publish/retention.py); the ticks of schedules and sensors (`retention:` in dagster.yaml, the daemon's).

Dagster keeps every run for ever, and `delete_run` leaves behind the run's own SQLite file, its captured output, the
rows of its checks, and an index that never shrinks (read in dagster 1.13; dagster-io/dagster #33785).
"""

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg
from sqlalchemy import text

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LATEST_CHECKS = """
    SELECT DISTINCT run_id FROM asset_check_executions WHERE id IN (
        SELECT max(id) FROM asset_check_executions GROUP BY asset_key, check_name
        UNION
        SELECT max(id) FROM asset_check_executions WHERE execution_status <> 'PLANNED' GROUP BY asset_key, check_name
    )
"""
# SQLite gives the number of a deleted last row away again, and the daemon's cursors would take new events for old.
_NEWEST = "SELECT run_id FROM event_logs WHERE id = (SELECT max(id) FROM event_logs)"
_UNUSED_SNAPSHOTS = """
    DELETE FROM snapshots WHERE NOT EXISTS (
        SELECT 1 FROM runs WHERE snapshot_id = snapshots.snapshot_id
        OR instr(run_body, '"' || snapshots.snapshot_id || '"') > 0
    )
"""
_WORTH_A_VACUUM = 0.2
"""Share of a database that must be empty before it is written anew: that costs its whole size."""


@dataclass(frozen=True)
class PastRuns:
    """What went of Dagster's past: how many runs, and how many bytes of its home they gave back."""

    runs: int
    bytes: int


def prune_runs(instance: dg.DagsterInstance, home: Path, *, before: datetime, dry_run: bool = False) -> PastRuns:
    """Delete the runs that ended and were made `before` that moment, with all they left in `home`.

    A run stays while it holds the latest materialisation of an asset or the latest result of a check: what Dagit
    shows as current, it goes on showing. With `dry_run` nothing goes, and the bytes are those of the runs' own files.
    """
    ended = instance.get_run_ids(dg.RunsFilter(statuses=_ENDED, created_before=before))
    standing = _holding_what_is_current(instance) if ended else set()
    old = [run for run in ended if run not in standing]
    left = [path for run in old for path in _files_of(home, run)] + _orphans(instance, home, before)
    if dry_run or not left:
        return PastRuns(len(old), sum(map(_size, left)))
    size = _size(home)
    for run in old:
        instance.delete_run(run)
        _forget_checks(instance, run)
    # Only now: delete_run opens the run's own database once more, and would make it anew.
    for path in left:
        _remove(path)
    _shrink(home)
    return PastRuns(len(old), max(0, size - _size(home)))


def _holding_what_is_current(instance: dg.DagsterInstance) -> set[str]:
    """The runs that hold what Dagit shows as the latest of every asset and check."""
    held: set[str | None] = set()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        held |= {entry.last_run_id, entry.last_planned_materialization_run_id}
        for event in (
            entry.last_materialization_record,
            entry.last_observation_record,
            entry.last_failed_to_materialize_record,
        ):
            held.add(event.event_log_entry.run_id if event is not None else None)
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        held |= {run for query in (_LATEST_CHECKS, _NEWEST) for (run,) in connection.execute(text(query))}
    return {run for run in held if run}


def _forget_checks(instance: dg.DagsterInstance, run: str) -> None:
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.execute(text("DELETE FROM asset_check_executions WHERE run_id = :run"), {"run": run})


def _files_of(home: Path, run: str) -> list[Path]:
    """What a run has for itself: its event log, and the output that was captured from its steps."""
    shards = [home / "history" / "runs" / f"{run}.db{suffix}" for suffix in ("", "-wal", "-shm", "-journal")]
    return [*shards, home / "storage" / run]


def _orphans(instance: dg.DagsterInstance, home: Path, before: datetime) -> list[Path]:
    """Files of runs that Dagster knows no more (deleted in Dagit, for one), not touched since `before`."""
    found: dict[str, list[Path]] = {}
    for folder in (home / "history" / "runs", home / "storage"):
        for path in folder.iterdir() if folder.is_dir() else ():
            run = path.name.partition(".")[0]
            if _RUN_ID.fullmatch(run) and path.stat().st_mtime < before.timestamp():
                found.setdefault(run, []).append(path)
    return [path for run, paths in found.items() if not instance.has_run(run) for path in paths]


def _shrink(home: Path) -> None:
    """Give the databases' empty pages back to the disk; SQLite keeps them otherwise."""
    for path in (home / "history" / "runs.db", home / "history" / "runs" / "index.db"):
        if not path.is_file():
            continue
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
            try:
                if path.name == "runs.db":
                    connection.execute(_UNUSED_SNAPSHOTS)
                (empty,), (pages,) = (
                    connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count")
                )
                if empty > _WORTH_A_VACUUM * pages:
                    connection.execute("VACUUM")
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError:
                # Dagit or its daemon is writing, or the disk has no room for the copy: the next pruning does it.
                continue


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else 0
