"""What may go from the store goes, as declared, and says so; what stands, and what versions were made of, stays."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from glane.removals import removed
from glane.store import FolderStore, Store, open_store
from pipelines.catalogue import load_catalogue
from pipelines.graph import build_definitions
from pipelines.instance import open_instance
from pipelines.intake import take_in
from pipelines.pruning import Pruning, Unpruned, prune, prune_datasets
from pipelines.release import make_version
from publish.verify import verify_store
from publish.version import VersionError
from schemas.retention import Retention
from tests.fixtures_s3 import S3
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons, three_partners


def _run(commons: Commons, store: Store) -> bool:
    """One run without Dagster; whether it made a version."""
    entry = load_catalogue(commons.settings)["lieux"]
    for source in entry.sources:
        assert take_in(source, entry.dataset, store).error is None
    return make_version(entry, store).built.new


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def commons(tmp_path: Path, store: FolderStore) -> Commons:
    """Five runs: four versions, the source's bytes new each time; one snapshot of which no version was made."""
    commons = three_partners(tmp_path)
    made = []
    for second in ("", "2,Bleu,49100\n", "2,Vert,49100\n", "2,Vert,49100\n\n", "2,Rose,49100\n"):
        commons.file("angers", f"1,Le Fil,49000\n{second}")
        made.append(_run(commons, store))
    assert made == [True, True, True, False, True]
    return commons


def _snapshots(store: FolderStore) -> set[str]:
    return {name for name in store.list("raw/lieux/angers") if len(name) == 64}


def test_what_goes_is_what_is_older_than_declared_and_nothing_that_stands(commons: Commons, store: FolderStore) -> None:
    inputs = {part.snapshot for line in ("1.0.0", "1.1.0", "1.1.1", "1.1.2") for part in _inputs(store, line)}
    (unused,) = _snapshots(store) - inputs
    standing = {path: path.read_bytes() for path in store.root.rglob("latest.json")}

    def gone_after(days: int, **kept: Any) -> list[str]:
        now = datetime.now(UTC) + timedelta(days=days)
        gone = prune("lieux", Retention(**kept), store, now=now)
        assert verify_store(store, "lieux") == []
        assert not any(store.exists(removal.key) for removal in gone.removals)
        return sorted(f"{removal.key.split('/')[0]}/{Path(removal.key).suffix}" for removal in gone.removals)

    assert gone_after(30) == []
    assert gone_after(31) == ["rows/.json"] * 4 + ["rows/.parquet"] * 4
    assert gone_after(91) == ["raw/", "raw/.json"]
    assert _snapshots(store) == inputs & _snapshots(store)
    assert unused not in _snapshots(store)
    assert gone_after(366) == ["reports/.json"] * 4
    assert gone_after(5000, inputs=1000) == ["raw/"] * 3 + ["raw/.json"] * 3
    assert gone_after(36_000, inputs=1, snapshots=1, rows=1, reports=1) == []
    assert {path: path.read_bytes() for path in standing} == standing
    whys = {line.why.partition(", ")[0].rpartition(" of ")[0] or line.why for line in removed(store, "lieux").values()}
    assert len(whys) == 4
    assert not _run(commons, store)


def _inputs(store: FolderStore, number: str) -> list[Any]:
    from publish.version import load

    return list(load(store, "lieux", number).inputs)


def test_always_keeps_everything(commons: Commons, store: FolderStore) -> None:
    for_ever = Retention(inputs="always", snapshots="always", rows="always", reports="always", formats="always")
    assert prune("lieux", for_ever, store, now=datetime.now(UTC) + timedelta(days=36_000)).removals == ()


def test_the_rows_and_the_snapshot_of_the_standing_verdict_stay_though_newer_bytes_could_not_be_read(
    commons: Commons, store: FolderStore
) -> None:
    entry = load_catalogue(commons.settings)["lieux"]
    commons.file("angers", "").write_bytes(b"\x00\x01 no table")
    taken = [take_in(source, entry.dataset, store) for source in entry.sources]
    assert [intake.error is None for intake in taken] == [False, True, True]
    assert taken[0].verdict is not None
    prune("lieux", Retention(inputs=1, snapshots=1, rows=1), store, now=datetime.now(UTC) + timedelta(days=900))
    assert taken[0].verdict.snapshot in _snapshots(store)
    assert not _run_again(commons, store)


def _run_again(commons: Commons, store: FolderStore) -> bool:
    entry = load_catalogue(commons.settings)["lieux"]
    return make_version(entry, store).built.new


def test_a_judgement_whose_rows_went_is_made_again_when_its_bytes_come_back(
    commons: Commons, store: FolderStore
) -> None:
    prune("lieux", Retention(rows=1), store, now=datetime.now(UTC) + timedelta(days=2))
    commons.file("angers", "1,Le Fil,49000\n2,Bleu,49100\n")
    assert _run(commons, store)


def test_before_the_first_version_only_age_counts(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.write_json("raw/lieux/angers/latest.json", {"sha256": "a" * 64})
    for sha256, day in (("a" * 64, "2020-01-01"), ("b" * 64, "2020-01-02"), ("c" * 64, "2026-11-01")):
        store.write(f"raw/lieux/angers/{sha256}", sha256.encode())
        store.write_json(f"raw/lieux/angers/{sha256}.json", {"fetched_at": f"{day}T03:00:00Z"})
    prune("lieux", Retention(), store, now=datetime(2026, 11, 22, tzinfo=UTC))
    assert store.list("raw/lieux/angers") == ["a" * 64, f"{'a' * 64}.json", "c" * 64, f"{'c' * 64}.json", "latest.json"]
    assert (
        removed(store, "lieux")[f"raw/lieux/angers/{'b' * 64}"].why
        == "a snapshot of 2020-01-02 that no version was made of"
    )


def test_a_dry_run_says_the_same_and_takes_nothing(commons: Commons, store: FolderStore) -> None:
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    now = datetime.now(UTC) + timedelta(days=400)
    foreseen = prune("lieux", Retention(), store, now=now, dry_run=True)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before
    done = prune("lieux", Retention(), store, now=now)
    assert (foreseen, foreseen.bytes > 0) == (done, True)
    assert {line.key: line for line in done.removals} == removed(store, "lieux")


def test_nothing_goes_where_a_version_is_damaged_as_nobody_knows_what_it_was_made_of(
    commons: Commons, store: FolderStore
) -> None:
    manifest = store.local("versions/lieux/1.1.0/manifest.json")
    manifest.write_text("{}", encoding="utf-8")
    kept = sorted(store.files("raw"))
    now = datetime.now(UTC) + timedelta(days=9_000)
    with pytest.raises(VersionError):
        prune("lieux", Retention(inputs=1), store, now=now)
    (told,) = prune_datasets(load_catalogue(commons.settings), store)
    assert isinstance(told, Unpruned)
    assert sorted(store.files("raw")) == kept


def test_pruning_by_a_run_is_done_once_a_day(commons: Commons, store: FolderStore) -> None:
    catalogue = load_catalogue(commons.settings)
    assert [type(one) for one in prune_datasets(catalogue, store, daily=True)] == [Pruning]
    assert list(prune_datasets(catalogue, store, daily=True)) == []
    assert [type(one) for one in prune_datasets(catalogue, store)] == [Pruning]


def test_a_source_that_is_declared_no_more_keeps_its_last_snapshot(commons: Commons, store: FolderStore) -> None:
    pointer = json.loads(store.read("raw/lieux/angers/latest.json"))
    for path in sorted((commons.settings.sources / "lieux" / "angers").iterdir()):
        path.unlink()
    prune("lieux", Retention(inputs=1, snapshots=1), store, now=datetime.now(UTC) + timedelta(days=900))
    assert _snapshots(store) == {pointer["sha256"]}


def test_the_commands_say_what_went_and_bring_derived_files_again(
    commons: Commons, store: FolderStore, glane: Glane, tmp_path: Path
) -> None:
    said = glane("prune", "--dry-run")
    assert (said.code, said.out) == (0, "lieux  0 files would go, 0 bytes\nDagster  0 runs would go, 0 bytes\n")
    path = commons.settings.schemas / "lieux" / "dataset.yaml"
    path.write_text(path.read_text("utf-8").replace("[csv]", "[csv, xlsx]"), encoding="utf-8")
    for name in "ABCD":
        commons.file("angers", f"1,{name},49000\n")
        _run(commons, store)
    before = store.read("versions/lieux/1.2.1/lieux-places.xlsx")
    told = json.loads(glane("prune", "lieux", "--json").out)
    (dataset,) = told["datasets"]
    assert [one["key"] for one in dataset["removed"]] == [
        f"versions/lieux/{n}/lieux-places.xlsx" for n in ("1.2.0", "1.2.1")
    ]
    assert (told["dry_run"], dataset["problem"]) == (False, None)
    assert dataset["bytes"] == sum(one["bytes"] for one in dataset["removed"])
    again = glane("derive", "lieux", "1.2.1", "--to", str(tmp_path / "again"))
    assert again.out.startswith(f"{tmp_path / 'again' / 'lieux-places.xlsx'}  ")
    assert (tmp_path / "again" / "lieux-places.xlsx").read_bytes() == before
    assert glane("verify").code == 0
    wrong = glane("derive", "lieux", "1.2.1", "--format", "parquet")
    assert (wrong.code, "The derived formats are communes, departements, geojson, xlsx." in wrong.err) == (2, True)


def test_in_a_bucket_the_same_goes(s3: S3, tmp_path: Path) -> None:
    store, commons = open_store(s3.place()), three_partners(tmp_path)
    for name in "AB":
        commons.file("angers", f"1,{name},49000\n")
        _run(commons, store)
    done = prune("lieux", Retention(), store, now=datetime.now(UTC) + timedelta(days=31))
    assert [Path(removal.key).suffix for removal in done.removals] == [".parquet", ".json"]
    assert removed(store, "lieux") == {removal.key: removal for removal in done.removals}
    assert not any(store.exists(removal.key) for removal in done.removals)
    assert verify_store(store, "lieux") == []


def test_dagit_prunes_every_day_and_its_run_is_red_where_a_dataset_could_not_be(
    commons: Commons, store: FolderStore, dagster_home: Path
) -> None:
    shutil.copytree(dagster_home, commons.settings.dagster_home)
    store.write("raw/lieux/brest/" + "e" * 64, b"old")
    store.write_json("raw/lieux/brest/" + "e" * 64 + ".json", {"fetched_at": "2020-01-01T00:00:00Z"})
    definitions = build_definitions(commons.settings, lambda: None)
    (schedule,) = [one for one in definitions.get_repository_def().schedule_defs if one.job_name == "prune"]
    assert (schedule.cron_schedule, schedule.default_status.value) == ("30 4 * * *", "RUNNING")
    with open_instance(commons.settings.dagster_home) as instance:
        assert definitions.resolve_job_def("prune").execute_in_process(instance=instance).success
        assert list(removed(store, "lieux")) == [f"raw/lieux/brest/{'e' * 64}{end}" for end in ("", ".json")]
        store.write("versions/lieux/1.0.0/manifest.json", b"{}")
        job = definitions.resolve_job_def("prune")
        assert not job.execute_in_process(instance=instance, raise_on_error=False).success
