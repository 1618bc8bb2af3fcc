"""Making a version, killed (SIGKILL) at its dealings with the disk, one after the other: the last version stands, and
the next run leaves the store byte for byte as an undisturbed one would.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from glane.store import FolderStore
from publish.verify import verify_store
from publish.version import listed
from schemas.dataset import load_dataset
from tests.faults.conftest import WHOLE, count
from tests.faults.forker import Ended, Forker, forking
from tests.faults.scenario import KINDS, ROWS, Scenario, write_scenario

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600 if WHOLE else 900)]


@dataclass(frozen=True)
class Workshop:
    """Where versions are made and killed: a scenario, its stores to begin with, and a forker."""

    scenario: Scenario
    forker: Forker
    folder: Path

    def begin(self, name: str) -> Path:
        """A store as it was before the version of that kind."""
        root = self.folder / "store"
        shutil.rmtree(root, ignore_errors=True)
        place = KINDS.index(name)
        if place:
            shutil.copytree(self.scenario.kind(KINDS[place - 1]).store, root)
        return root

    def build(self, name: str, root: Path, **job: object) -> Ended:
        """Make the version of that kind in a child of its own."""
        job = {"do": "build", "store": str(root), "rows": ROWS[name], **job}
        return self.forker.run({**self.scenario.kind(name).job, **job}, self.folder / "child.log")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("store")
    with forking() as forker:
        yield Workshop(write_scenario(folder / "scenario"), forker, folder)


def content(root: Path) -> Mapping[str, bytes]:
    """Every file of a store but its locks and what names it."""
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    own = {".writer.lock", ".flip.lock", "store.json"}
    return {name: path.read_bytes() for name, path in sorted(files.items()) if name not in own}


def chosen(dealings: list[str]) -> list[int]:
    """The dealings to be killed at: all of them, or those outside of staging and one in twenty of the others."""
    inside = [number for number, one in enumerate(dealings, 1) if " .staging/" in one]
    return [n for n in range(1, len(dealings) + 1) if WHOLE or n not in inside or inside.index(n) % 20 == 0]


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_dealing_with_the_disk_the_last_version_stands_and_the_next_run_makes_it_whole(
    workshop: Workshop, kind: str, record_property: Callable[[str, object], None]
) -> None:
    undisturbed = workshop.build(kind, workshop.begin(kind))
    root = workshop.folder / "store"
    wanted, before = content(root), workshop.scenario.kind(kind)
    assert undisturbed.outcome["new"]
    dataset = load_dataset(before.schemas)
    for number in chosen(undisturbed.outcome["dealings"]):
        where = f"{number}: {undisturbed.outcome['dealings'][number - 1]}"
        store = FolderStore(workshop.begin(kind))
        killed = workshop.build(kind, root, kill_at=number)
        assert killed.killed, where
        stands = [line.version for line in listed(store, dataset.name)]
        assert stands[-1:] in ([before.before] if before.before else [], [before.version]), where
        assert verify_listed(store, dataset.name) == [], where
        healed = workshop.build(kind, root)
        assert healed.error is None, (where, healed)
        abandon(root)
        assert not workshop.build(kind, root).outcome["new"], where
        assert sorted(content(root)) == sorted(wanted), where
        assert content(root) == wanted, where
        count(record_property, "kills in the store", 1)


def verify_listed(store: FolderStore, dataset: str) -> list[str]:
    """The faults of what is listed; what is not listed yet is nobody's to read."""
    return [fault.what for fault in verify_store(store, dataset)]


def abandon(root: Path) -> None:
    """Make what lies in staging look as if nobody had touched it for a while."""
    for path in (root / ".staging").glob("*"):
        os.utime(path, (0, 0))


@pytest.mark.parametrize("size", [200, 3_000] if not WHOLE else range(100, 12_000, 200))
def test_a_disk_that_takes_no_more_leaves_the_last_version(
    workshop: Workshop, size: int, record_property: Callable[[str, object], None]
) -> None:
    root = workshop.begin("ordinary")
    before = content(root)
    ended = workshop.build("ordinary", root, file_size=size)
    count(record_property, "disks filled", 1)
    if ended.error is None:
        assert size > 3_000
        return
    assert ended.error in ("StoreError", "DiskError"), ended
    assert content(root) == before
    assert workshop.build("ordinary", root).outcome["new"]
