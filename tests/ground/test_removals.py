"""What leaves the store on purpose leaves a line, and what is written is counted."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from glane.removals import Removal, remove, removed
from glane.store import FolderStore, Store, open_store

OLD = Removal("raw/sites/angers/a", "a" * 64, 5, "2026-10-31T23:00:00+00:00", "too old")
NEW = Removal("raw/sites/angers/b", "b" * 64, 6, "2026-11-01T01:00:00+00:00", "too old too")


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(request.getfixturevalue("s3").place() if request.param == "s3" else tmp_path / "data")


def test_what_was_removed_is_gone_and_the_log_says_what_when_and_why(store: Store) -> None:
    for key in (OLD.key, NEW.key, "raw/sites/angers/c"):
        store.write(key, b"bytes")
    remove(store, "sites", [OLD])
    remove(store, "sites", [NEW])
    assert store.list("raw/sites/angers") == ["c"]
    assert removed(store, "sites") == {OLD.key: OLD, NEW.key: NEW}
    assert store.list("log/removed/sites") == ["2026-10.jsonl", "2026-11.jsonl"]
    assert removed(store, "others") == {}


def test_nothing_is_ever_missing_without_a_line(tmp_path: Path) -> None:
    class Killed(FolderStore):
        def remove(self, key: str) -> None:
            raise KeyboardInterrupt

    store = Killed(tmp_path)
    store.write(OLD.key, b"bytes")
    with pytest.raises(KeyboardInterrupt):
        remove(store, "sites", [OLD])
    assert store.exists(OLD.key)
    assert removed(store, "sites") == {OLD.key: OLD}
    again: Sequence[Removal] = [Removal(OLD.key, OLD.sha256, OLD.bytes, "2026-10-31T23:59:00+00:00", OLD.why)]
    remove(FolderStore(tmp_path), "sites", again)
    assert removed(store, "sites") == {OLD.key: again[0]}
    assert not store.exists(OLD.key)


def test_every_byte_that_is_kept_is_counted_once(store: Store) -> None:
    assert store.written == 0
    store.write("a", b"12345")
    store.write("a", b"678")
    store.replace(store.look("list"), b"90")
    with store.staged() as folder:
        (folder / "received").write_bytes(b"x" * 100)
        store.adopt_file(folder / "received", "raw/b")
    with store.staged() as folder:
        (folder / "delta").mkdir()
        (folder / "sites.csv").write_bytes(b"x" * 1000)
        (folder / "delta" / "sites.json").write_bytes(b"x" * 10_000)
        store.adopt(folder, "versions/1", store.look("list"))
    store.read("a")
    store.remove("a")
    assert store.written == 5 + 3 + 2 + 100 + 11_000
