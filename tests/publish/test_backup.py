"""Copying the store while Glane writes, and going on from the copy, as docs/backup.md says."""

import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import s3fs

from glane.store import FolderStore, open_store
from publish.build import build_version
from publish.verify import verify_store
from publish.version import listed
from schemas.dataset import Dataset
from tests.fixtures_s3 import S3
from tests.publish.material import declare
from tests.publish.test_build import ANGERS, DAY, NANTES, RENNES, parts

LISTS = {"versions.json", "latest.json"}
MOST = 30


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas")


@pytest.fixture
def store(tmp_path: Path, dataset: Dataset) -> FolderStore:
    store = FolderStore(tmp_path / "store")
    build_version(dataset, parts(dataset, ANGERS), store, created=DAY)
    return store


@contextmanager
def versions_being_made(dataset: Dataset, store: FolderStore) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process makes one version after the other."""
    script = f"""
        from pathlib import Path
        from glane.store import open_store
        from publish.build import build_version
        from schemas.dataset import load_dataset
        from tests.publish.test_build import ANGERS, DAY, parts
        store, dataset = open_store({str(store.root)!r}), load_dataset(Path({str(dataset.folder)!r}))
        for n in range({MOST}):
            build_version(dataset, parts(dataset, ANGERS | {{"nom": f"Lieu {{n}}"}}), store, created=DAY)
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=Path(__file__).parents[2])
    try:
        yield writer
    finally:
        writer.kill()
        writer.wait()


def back_up(store: FolderStore, target: Path) -> None:
    """Copy as docs/backup.md says."""
    aside = target.with_name(f"{target.name}-lists")
    copy(store.root, aside, lists=True)
    copy(store.root, target, lists=False)
    copy(aside, target, lists=True)


def copy(origin: Path, target: Path, *, lists: bool) -> None:
    """One pass of a tool that copies folders: the lists alone, or all but the lists."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        files = [name for name in names if (Path(folder) / name).is_file()]
        return [".staging", *(name for name in files if (name in LISTS) != lists)]

    shutil.copytree(origin, target, ignore=left_out, dirs_exist_ok=True)


def wait_for_another(store: FolderStore, dataset: Dataset, writer: "subprocess.Popen[bytes]") -> None:
    before = len(listed(store, dataset.name))
    while len(listed(store, dataset.name)) == before:
        assert writer.poll() is None, "the writer ended too early"
        time.sleep(0.02)


def test_a_copy_that_takes_the_lists_first_is_whole_at_whatever_moment_it_is_made(
    dataset: Dataset, store: FolderStore, tmp_path: Path
) -> None:
    copied, again = [FolderStore(tmp_path / f"copy-{n}") for n in range(3)], FolderStore(tmp_path / "again")
    with versions_being_made(dataset, store) as writer:
        for one in copied:
            wait_for_another(store, dataset, writer)
            back_up(store, one.root)
            back_up(store, again.root)
    assert [verify_store(one, dataset.name) for one in (*copied, again)] == [[]] * 4
    assert [len(listed(one, dataset.name)) >= 2 + n for n, one in enumerate(copied)] == [True] * 3


def test_a_copy_that_is_interrupted_is_still_the_whole_one_of_before(
    dataset: Dataset, store: FolderStore, tmp_path: Path
) -> None:
    copied = FolderStore(tmp_path / "copy")
    back_up(store, copied.root)
    build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    copy(store.root, copied.root, lists=False)
    assert [line.version for line in listed(copied, dataset.name)] == ["1.0.0"]
    assert verify_store(copied, dataset.name) == []
    back_up(store, copied.root)
    assert [line.version for line in listed(copied, dataset.name)] == ["1.0.0", "1.1.0"]


def test_a_copy_that_takes_the_lists_last_is_told_apart_and_copying_once_more_heals_it(
    dataset: Dataset, store: FolderStore, tmp_path: Path
) -> None:
    target = tmp_path / "copy"
    with versions_being_made(dataset, store) as writer:
        copy(store.root, target, lists=False)
        wait_for_another(store, dataset, writer)
        copy(store.root, target, lists=True)
    last = listed(FolderStore(target), dataset.name)[-1].version
    faults = verify_store(FolderStore(target), dataset.name)
    assert faults
    assert f"{target}/versions/{dataset.name}/{last}/manifest.json is missing." in [fault.what for fault in faults]
    back_up(store, target)
    assert verify_store(FolderStore(target), dataset.name) == []


def test_glane_goes_on_from_a_copy_with_the_next_number(dataset: Dataset, store: FolderStore, tmp_path: Path) -> None:
    build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    target = tmp_path / "copy"
    back_up(store, target)
    shutil.rmtree(store.root)
    copied = FolderStore(target)
    assert not build_version(dataset, parts(dataset, ANGERS, NANTES), copied, created=DAY).new
    assert build_version(dataset, parts(dataset, ANGERS), copied, created=DAY).version.version == "1.2.0"
    assert verify_store(copied, dataset.name) == []


@pytest.mark.long
def test_a_store_moves_from_a_folder_to_a_bucket_and_back(
    dataset: Dataset, store: FolderStore, s3: S3, tmp_path: Path
) -> None:
    place = s3.place()
    tool = s3fs.S3FileSystem(skip_instance_cache=True)
    tool.put(f"{store.root}/", place, recursive=True)
    moved = open_store(place)
    assert verify_store(moved, dataset.name) == []
    assert build_version(dataset, parts(dataset, ANGERS, NANTES), moved, created=DAY).version.version == "1.1.0"
    tool.get(f"{place}/", str(tmp_path / "back"), recursive=True)
    back = FolderStore(tmp_path / "back")
    assert verify_store(back, dataset.name) == []
    assert build_version(dataset, parts(dataset, ANGERS, RENNES | {"id": "c--1"}), back, created=DAY).new
