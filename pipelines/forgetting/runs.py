"""Dagster's past without a person: its events, what its steps printed, everything under its home.

Belongs here: covering what tells of a person in the databases and files of DAGSTER_HOME. Does not belong here: which
runs are kept, and how long (past_runs.py).

Nothing is deleted: what Dagit shows it goes on showing, the person's texts covered. A Dagster on PostgreSQL is told
apart: its database is its administrator's.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg

from glane.erasing import Telling
from glane.errors import CallError

_SQLITE = b"SQLite format 3\x00"
_WAIT_SECONDS = 30
_OPEN = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def check_at_rest(instance: dg.DagsterInstance) -> None:
    """Raise CallError while a run is under way: it would write again what is being forgotten."""
    runs = instance.get_runs(dg.RunsFilter(statuses=_OPEN))
    if runs:
        raise CallError(
            f"{len(runs)} runs are under way: {runs[0].job_name} {runs[0].run_id[:8]}.",
            "Wait until they end (Dagit shows them), then call glane forget again.",
        )


def telling_files(home: Path, telling: Telling) -> list[Path]:
    """The files of Dagster's home that tell of a person, databases among them."""
    return [path for path in _files(home) if _tells(path, telling)]


def forget_in_runs(home: Path, telling: Telling) -> int:
    """Cover what tells of a person in all of Dagster's home, and give in how many files. Run again, it goes on."""
    told = telling_files(home, telling)
    for path in told:
        if _is_database(path):
            _cover_rows(path, telling)
        else:
            text = path.read_bytes().decode("utf-8", "surrogateescape")
            fresh = path.with_name(f".{path.name}.new")
            fresh.write_bytes(telling.covered(text).encode("utf-8", "surrogateescape"))
            fresh.replace(path)
    return len(told)


def elsewhere(instance: dg.DagsterInstance) -> list[str]:
    """The parts of Dagster's past that are not under its home."""
    stores = (instance.event_log_storage, instance.run_storage, instance.schedule_storage)
    return sorted({type(one).__name__ for one in stores if one is not None and "Sqlite" not in type(one).__name__})


def _files(home: Path) -> list[Path]:
    own = ("-wal", "-shm", "-journal")
    found = sorted(path for path in home.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in found if not path.name.endswith(own) and path.name != "dagster.yaml"]


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _tells(path: Path, telling: Telling) -> bool:
    if not _is_database(path):
        return telling.in_file(path.read_bytes())
    with closing(_opened(path)) as connection:
        return any(telling.in_text(cell) for *_, cell in _cells(connection))


def _cover_rows(path: Path, telling: Telling) -> None:
    """Cover each cell, and write the database anew, so that no page of it holds what stood there."""
    with closing(_opened(path)) as connection:
        told = [(table, column, row, cell) for table, column, row, cell in _cells(connection) if telling.in_text(cell)]
        for table, column, row, cell in told:
            connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (telling.covered(cell), row))
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)


def _cells(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int, str]]:
    """Every text: its table, column and row."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (table,) in names.fetchall():
        for _, column, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            for row, cell in connection.execute(f'SELECT rowid, "{column}" FROM "{table}"'):
                if isinstance(cell, str):
                    yield table, column, row, cell
