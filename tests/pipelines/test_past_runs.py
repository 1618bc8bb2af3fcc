"""Dagster's past goes as declared; what Dagit shows as current stays, on a real instance."""

import datetime
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from pipelines.catalogue import load_catalogue
from pipelines.instance import open_instance
from pipelines.past_runs import PastRuns, prune_runs
from pipelines.running import run_datasets
from tests.pipelines.material import Commons, three_partners

LATER = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)


def _size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def _shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagit shows of each asset and check: its latest event, and that event's whole run."""
    shown: dict[str, Any] = {}
    for key in instance.all_asset_keys():
        event = instance.get_latest_materialization_event(key)
        assert event is not None
        run = instance.get_run_by_id(event.run_id)
        assert run is not None
        shown[key.to_user_string()] = (event, run.status, len(instance.all_logs(event.run_id)))
        for name in ("conforms", "complete", "published"):
            check = dg.AssetCheckKey(key, name)
            storage = instance.event_log_storage
            found = storage.get_latest_asset_check_execution_by_key([check]).get(check)
            if found is not None:
                assert instance.has_run(found.run_id)
                shown[f"{key.to_user_string()}: {name}"] = (found.status, found.event)
    return shown


def _run(commons: Commons) -> None:
    catalogue = load_catalogue(commons.settings)
    run_datasets(commons.settings, catalogue, catalogue, None, lambda _: None)


@pytest.fixture(scope="module")
def run_before(tmp_path_factory: pytest.TempPathFactory, dagster_home: Path) -> Commons:
    """A commons that was run three times, the last time with one source that could not be read."""
    commons = three_partners(tmp_path_factory.mktemp("commons"))
    shutil.copytree(dagster_home, commons.settings.dagster_home)
    for number in range(2):
        commons.file("angers", f"1,Le Fil {number},49000\n2,La Boussole,49100\n")
        _run(commons)
    (commons.settings.sources / "lieux" / "caen" / "lieux.csv").unlink()
    _run(commons)
    return commons


@pytest.fixture
def home(run_before: Commons, tmp_path: Path) -> Path:
    """Its Dagster home, to be changed at will."""
    return Path(shutil.copytree(run_before.settings.dagster_home, tmp_path / "dagster"))


def test_old_runs_go_with_all_they_left_and_what_is_current_stays(home: Path) -> None:
    index = home / "history" / "runs" / "index.db"
    with open_instance(home) as instance:
        before, shown, runs, indexed = _size(home), _shown(instance), set(instance.get_run_ids()), index.stat().st_size
        foreseen = prune_runs(instance, home, before=LATER, dry_run=True)
        assert set(instance.get_run_ids()) == runs
        done = prune_runs(instance, home, before=LATER)
        left = set(instance.get_run_ids())
        assert _shown(instance) == shown
        # The harvest of the second run holds caen's last rows, the third run all the rest.
        assert (len(runs), len(left), foreseen.runs, done.runs) == (6, 3, 3, 3)
        assert done.bytes >= foreseen.bytes > 0
        # Databases that are open have their journals beside them.
        assert _size(home) <= before - done.bytes + 300_000
        assert index.stat().st_size < indexed
        shards = {path.name.partition(".")[0] for path in (home / "history" / "runs").iterdir()} - {"index"}
        assert shards - {""} == left == {path.name for path in (home / "storage").iterdir()}
        assert prune_runs(instance, home, before=LATER) == PastRuns(0, 0)


def test_runs_that_are_young_or_under_way_stay(home: Path) -> None:

    @dg.job
    def nothing() -> None:
        pass

    with open_instance(home) as instance:
        under_way = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED).run_id
        runs = set(instance.get_run_ids())
        yesterday = LATER - datetime.timedelta(days=2)
        assert prune_runs(instance, home, before=yesterday) == PastRuns(0, 0)
        assert set(instance.get_run_ids()) == runs
        prune_runs(instance, home, before=LATER)
        assert instance.has_run(under_way)


def test_files_of_a_run_that_was_deleted_in_dagit_go_too(home: Path) -> None:
    with open_instance(home) as instance:
        gone = instance.get_run_ids()[-1]
        instance.delete_run(gone)
        assert (home / "history" / "runs" / f"{gone}.db").exists()
        prune_runs(instance, home, before=LATER)
    assert not (home / "history" / "runs" / f"{gone}.db").exists()
    assert not (home / "storage" / gone).exists()


def test_new_events_get_higher_numbers_than_those_that_are_gone(home: Path) -> None:
    """The daemon remembers the number of the last event it handled: a lower one it would never see."""

    @dg.job
    def nothing() -> None:
        pass

    def newest(instance: dg.DagsterInstance) -> int:
        with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
            return int(connection.execute(text("SELECT max(id) FROM event_logs")).scalar())

    with open_instance(home) as instance:
        nothing.execute_in_process(instance=instance)
        before = newest(instance)
        prune_runs(instance, home, before=LATER)
        assert newest(instance) == before
        nothing.execute_in_process(instance=instance)
        assert newest(instance) > before
