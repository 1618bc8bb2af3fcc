"""Listing a version, on a folder and on S3: whole or not at all, one winner, wherever the writer dies.

The same code runs on both: what is killed, raced or lied to here is each step that touches the store.
"""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path

import pytest

from glane.store import FolderStore, OvertakenError, Stamp, Store, StoreError, open_store
from glane.store.objects import ObjectStore
from publish import listing
from publish.build import build_version
from publish.verify import verify_store
from publish.version import begin, listed, load
from schemas.dataset import Dataset
from tests.publish.material import Cells, declare
from tests.publish.test_build import ANGERS, DAY, NANTES, parts

BREST: Cells = {"id": "a--3", "nom": "Phare"}
STEPS = ["begin", "adopt", "half of adopt", "read back", "flip"]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas")


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.getfixturevalue("s3").place() if request.param == "s3" else str(tmp_path / "data")


@pytest.fixture
def store(place: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr("glane.store.lease.DEAD_AFTER", 2)
    return open_store(place)


def versions(store: Store, dataset: Dataset) -> list[str]:
    return [line.version for line in listed(store, dataset.name)]


def test_versions_made_on_any_store_are_the_same_bytes(dataset: Dataset, store: Store, tmp_path: Path) -> None:
    beside = FolderStore(tmp_path / "beside")
    for one in (store, beside):
        for rows in ((ANGERS,), (ANGERS, NANTES)):
            assert build_version(dataset, parts(dataset, *rows), one, created=DAY).new
        assert not build_version(dataset, parts(dataset, ANGERS, NANTES), one, created=DAY).new
        assert verify_store(one, dataset.name) == []
    found = dict(store.files("versions"))
    assert found == dict(beside.files("versions"))
    assert {path: store.digest(f"versions/{path}") for path in found} == {
        path: beside.digest(f"versions/{path}") for path in found
    }


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_last_version_stands_and_the_next_run_is_undisturbed(
    dataset: Dataset, place: str, store: Store, step: str
) -> None:
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    script = f"""
        from pathlib import Path
        from glane.store import open_store
        from publish.build import build_version
        from schemas.dataset import load_dataset
        from tests.publish.test_build import ANGERS, DAY, parts
        from tests.publish.test_listing import BREST, die_at
        die_at({step!r})
        dataset = load_dataset(Path({str(dataset.folder)!r}))
        build_version(dataset, parts(dataset, ANGERS, BREST), open_store({place!r}), created=DAY)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert (versions(store, dataset), verify_store(store, dataset.name)) == (["1.0.0"], [])
    healed = build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    assert (healed.new, healed.version.version) == (True, "1.1.0")
    assert store.list(f"versions/{dataset.name}") == ["1.0.0", "1.1.0", "versions.json"]
    assert verify_store(store, dataset.name) == []


def die_at(step: str) -> None:
    """Have this process killed at a step of putting a version on the list."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if step == "begin":
        listing.begin = die
    elif step == "read back":
        listing._read_back = die
    elif step == "flip":
        listing.list_version = die
    elif step == "adopt":
        FolderStore.adopt = ObjectStore.adopt = die
    else:
        # On a folder there is no half, as the rename is the whole of it: killed in its place.
        Path.rename = die
        create, count = ObjectStore._create, iter(range(99))
        ObjectStore._create = lambda *given: create(*given) if next(count) < 3 else die()


@pytest.mark.parametrize("step", ["begin", "_read_back", "list_version"])
def test_two_writers_without_a_lock_never_both_win_and_the_loser_harms_nothing(
    dataset: Dataset, store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The lock fails, and another writer makes its version while ours is between two steps."""
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    ours, won = getattr(listing, step), []

    def overtaken(*given: object) -> object:
        monkeypatch.setattr(listing, step, ours)
        won.append(build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY).version)
        return ours(*given)

    monkeypatch.setattr(listing, step, overtaken)
    monkeypatch.setattr(type(store), "writer", lambda self: nullcontext())
    with pytest.raises(StoreError, match="run again"):
        build_version(dataset, parts(dataset, ANGERS, BREST), store, created=DAY)
    assert versions(store, dataset) == ["1.0.0", "1.1.0"]
    assert [load(store, dataset.name, "1.1.0")] == won
    assert verify_store(store, dataset.name) == []


def test_a_writer_that_wakes_up_after_it_was_overtaken_lists_nothing(dataset: Dataset, store: Store) -> None:
    first = build_version(dataset, parts(dataset, ANGERS), store, created=DAY).version
    later = first.model_copy(update={"version": "1.1.0", "previous": "1.0.0"})
    asleep = begin(store, later)
    build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    with store.staged() as folder:
        (folder / "manifest.json").write_bytes(b"{}")
        with pytest.raises(OvertakenError, match=r"versions\.json"):
            store.adopt(folder, later.key, asleep)
    with pytest.raises(OvertakenError):
        listing.list_version(store, later, b"{}", asleep)
    with pytest.raises(OvertakenError):
        begin(store, later)
    assert verify_store(store, dataset.name) == []


@pytest.mark.parametrize(
    "lie", ["nothing was moved", "the old folder is back", "a file was lost", "a byte was lost", "another manifest"]
)
def test_a_store_that_lies_about_what_it_adopted_is_found_out_before_anything_is_listed(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    store = FolderStore(tmp_path / "data")
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    adopt = FolderStore.adopt

    def lying(self: FolderStore, folder: Path, key: str, seen: Stamp) -> None:
        if lie == "nothing was moved":
            return
        if lie == "the old folder is back":
            for path in list(folder.iterdir()):
                if path.suffix == ".csv":
                    path.write_bytes(self.read(f"versions/{dataset.name}/1.0.0/{path.name}"))
        if lie == "a file was lost":
            (folder / "changelog.fr.md").unlink()
        if lie == "a byte was lost":
            parquet = folder / f"{dataset.name}-sites.parquet"
            parquet.write_bytes(parquet.read_bytes()[:-1])
        if lie == "another manifest":
            manifest = folder / "manifest.json"
            manifest.write_bytes(manifest.read_bytes().replace(b"minor", b"major"))
        adopt(self, folder, key, seen)

    monkeypatch.setattr(FolderStore, "adopt", lying)
    with pytest.raises(StoreError, match="reads back otherwise than it was written") as caught:
        build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    assert "the one before stands" in caught.value.remedy
    assert (versions(store, dataset), verify_store(store, dataset.name)) == (["1.0.0"], [])
    monkeypatch.setattr(FolderStore, "adopt", adopt)
    assert build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY).version.version == "1.1.0"
    assert verify_store(store, dataset.name) == []
