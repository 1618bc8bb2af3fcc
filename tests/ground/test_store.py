"""What the store promises wherever it is: whole files or none, one writer, one winner, keys that stay inside.

Every promise of the contract is held by the folder and by S3; what only one of them can do wrong stands at the end
(S3's own: test_bucket.py).
"""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.errors import CallError
from glane.store import (
    FolderStore,
    MissingError,
    OvertakenError,
    Store,
    StoreError,
    open_store,
    read_place,
    sha256_of,
)

LIST = "versions/sites/versions.json"


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.getfixturevalue("s3").place() if request.param == "s3" else str(tmp_path / "data")


@pytest.fixture
def store(place: str) -> Store:
    return open_store(place)


def kept(store: Store, prefix: str = "versions") -> dict[str, bytes]:
    return {path: store.read(f"{prefix}/{path}") for path in store.files(prefix)}


def process(place: str, script: str) -> "subprocess.Popen[str]":
    opening = "import sys, time\nfrom glane.store import OvertakenError, open_store\nstore = open_store(sys.argv[1])\n"
    command = [sys.executable, "-c", opening + textwrap.dedent(script), place]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(started: "subprocess.Popen[str]") -> str:
    output, _ = started.communicate(timeout=120)
    assert started.returncode == 0
    return output


def test_what_is_written_is_read_back_and_nothing_else_lies_about(store: Store) -> None:
    store.write("raw/a/b", b"one")
    store.write("raw/a/b", b"two")
    store.write_json("raw/a/b.json", {"é": 1})
    store.write("raw/a/deep/c", b"")
    assert kept(store, "raw") == {"a/b": b"two", "a/b.json": '{\n  "é": 1\n}\n'.encode(), "a/deep/c": b""}
    assert dict(store.files("raw/a")) == {"b": 3, "b.json": 14, "deep/c": 0}
    assert store.read_json("raw/a/b.json") == {"é": 1}
    assert store.read_json("raw/a/none.json") is None
    assert store.read_json("raw/a/b") is None
    assert (store.list("raw/a"), store.list("nowhere"), dict(store.files("nowhere"))) == (
        ["b", "b.json", "deep"],
        [],
        {},
    )
    assert [store.exists(key) for key in ("raw", "raw/a/b", "raw/a/none", "ra")] == [True, True, False, False]
    assert store.fetch("raw/a/b").read_bytes() == b"two"
    assert store.digest("raw/a/b") == sha256_of(store.fetch("raw/a/b"))
    assert store.written == 3 + 3 + 14


def test_what_is_removed_is_gone_and_the_rest_stays(store: Store) -> None:
    for key in ("a/b", "a/bc", "a/b.json", "d/e/f", "d/g"):
        store.write(key, b"x")
    for key in ("a/b", "d", "never/was"):
        store.remove(key)
    assert [store.exists(key) for key in ("a/b", "a/bc", "a/b.json", "d", "d/e/f")] == [False, True, True, False, False]


def test_a_missing_key_is_an_error_that_names_it(store: Store) -> None:
    for ask in (store.read, store.fetch, store.digest):
        with pytest.raises(MissingError, match="Cannot read versions/x in the store") as caught:
            ask("versions/x")
        assert (caught.value.exit_code, store.where("versions/x") in caught.value.what) == (3, True)


@given(st.sampled_from(["/etc/passwd", "../x", "a/../../x", "", "."]))
def test_a_key_never_leaves_the_store(key: str) -> None:
    for store in (FolderStore(Path("data")), open_store("s3://bucket/prefix")):
        for ask in (store.where, store.fetch, store.look, store.remove):
            with pytest.raises(CallError, match="is no key of a store"):
                ask(key)


def test_a_staged_folder_is_adopted_whole_and_leaves_no_staging_behind(store: Store) -> None:
    with store.staged() as folder:
        (folder / "data").mkdir()
        (folder / "data" / "sites.csv").write_bytes(b"id\n1\n")
        (folder / "manifest.json").write_bytes(b"{}")
        assert not store.exists("versions/sites/1.0.0")
        store.adopt(folder, "versions/sites/1.0.0", store.look(LIST))
    assert kept(store) == {"sites/1.0.0/data/sites.csv": b"id\n1\n", "sites/1.0.0/manifest.json": b"{}"}
    assert (folder.exists(), store.written) == (False, 7)


def test_a_staged_folder_that_is_not_adopted_is_gone(store: Store) -> None:
    with pytest.raises(RuntimeError), store.staged() as folder:
        (folder / "half").write_bytes(b"half")
        raise RuntimeError
    assert (folder.exists(), kept(store, "versions")) == (False, {})


def test_a_staged_file_is_adopted(store: Store) -> None:
    with store.staged() as folder:
        (folder / "received").write_bytes(b"bytes")
        store.adopt_file(folder / "received", "raw/a/x")
    assert kept(store, "raw") == {"a/x": b"bytes"}


def test_a_folder_that_a_killed_run_left_unlisted_is_replaced(store: Store) -> None:
    store.write("versions/sites/1.0.0/old.csv", b"half")
    store.write("versions/sites/1.0.0/sites.csv", b"half")
    with store.staged() as folder:
        (folder / "sites.csv").write_bytes(b"whole")
        store.adopt(folder, "versions/sites/1.0.0", store.look(LIST))
    assert kept(store) == {"sites/1.0.0/sites.csv": b"whole"}


def test_of_two_who_saw_the_same_one_replaces_it(store: Store) -> None:
    for value in (b"0", b"1"):
        seen = store.look("n")
        now = store.replace(seen, value)
        with pytest.raises(OvertakenError, match="run again") as caught:
            store.replace(seen, b"other")
        assert (caught.value.exit_code, now.data, store.look("n")) == (3, value, now)


def test_who_was_overtaken_touches_nothing_of_the_other(store: Store) -> None:
    seen = store.look(LIST)
    store.replace(seen, b"another one began")
    store.write("versions/sites/1.0.0/sites.csv", b"the other's")
    with store.staged() as folder:
        (folder / "sites.csv").write_bytes(b"ours")
        (folder / "new.csv").write_bytes(b"ours")
        with pytest.raises(OvertakenError, match=r"versions\.json"):
            store.adopt(folder, "versions/sites/1.0.0", seen)
    assert kept(store) == {"sites/1.0.0/sites.csv": b"the other's", "sites/versions.json": b"another one began"}


def test_two_processes_that_race_never_both_win(place: str, store: Store) -> None:
    script = """
        import os
        won = 0
        for _ in range(30):
            seen = store.look("n")
            try:
                store.replace(seen, (seen.data or b"") + b"%d\\n" % os.getpid())
                won += 1
            except OvertakenError:
                pass
        print(won)
    """
    racing = [process(place, script) for _ in range(2)]
    wins = [int(said(racer)) for racer in racing]
    assert len(store.read("n").splitlines()) == sum(wins) >= 30


def test_two_writers_take_turns(place: str, store: Store) -> None:
    script = """
        for _ in range(5):
            with store.writer():
                n = int(store.read("n")) if store.exists("n") else 0
                time.sleep(0.01)
                store.write("n", str(n + 1).encode())
    """
    writers = [process(place, script) for _ in range(2)]
    assert [said(writer) for writer in writers] == ["", ""]
    assert store.read("n") == b"10"


def test_a_writer_that_fails_lets_go_of_the_lock(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writer():
        raise RuntimeError
    started = time.monotonic()
    with store.writer():
        assert time.monotonic() - started < 5


def test_a_writer_that_was_killed_does_not_hold_up_the_next(
    place: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glane.store.lease.DEAD_AFTER", 2)
    holder = process(place, "with store.writer():\n    print('held', flush=True)\n    time.sleep(60)\n")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
    finally:
        holder.kill()
        holder.wait()
    with store.writer():
        store.write("n", b"1")
    assert store.read("n") == b"1"


def test_a_writer_sweeps_what_killed_processes_left_and_nothing_that_is_in_use(place: str, store: Store) -> None:
    script = """
        with store.staged() as folder:
            (folder / 'half').write_bytes(b'half')
            print(folder, flush=True)
            time.sleep(60)
    """
    built = [process(place, script) for _ in range(2)]
    try:
        killed, living = (Path(builder.stdout.readline().strip()) for builder in built if builder.stdout)
        built[0].kill()
        built[0].wait()
        fresh, half, writing = (killed.parent / name for name in ("fresh", "half", "writing"))
        fresh.mkdir()
        for file in (half, writing):
            file.write_bytes(b"half a file")
        for path in (killed, living, half):
            os.utime(path, (0, 0))
        with store.writer():
            assert [p.exists() for p in (killed, living, fresh, half, writing)] == [False, True, True, False, True]
    finally:
        for builder in built:
            builder.kill()
            builder.wait()


def test_a_write_that_the_disk_refuses_leaves_the_old_bytes_and_no_half_file(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("report", b"old")
    script = """
        import resource, signal
        from glane.store import StoreError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try: store.write('report', b'x' * 100_000)
        except StoreError as error: print(error.exit_code, error.remedy)
    """
    assert said(process(str(tmp_path), script)).startswith("3 ")
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == {"report": b"old"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Check the disk and the rights"):
        FolderStore(tmp_path / "data").write("a", b"")


def test_a_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("gs://bucket/x", "keeps no store on gs://"),
        ("https://example.org/x", "keeps no store on https://"),
        ("s3://", "names no bucket"),
        ("s3:///x", "names no bucket"),
        ("s3://bucket/../x", "whose prefix is none"),
        (__file__, "is no folder"),
    ],
)
def test_a_place_that_is_none_is_a_wrong_call_with_a_remedy(place: str, what: str) -> None:
    for take in (read_place, open_store):
        with pytest.raises(CallError, match=what) as caught:
            take(place)
        assert "s3://bucket/prefix" in caught.value.remedy


def test_a_place_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert [read_place(place) for place in ("data", "s3://b", "s3://b/p/", "s3://b/p/q")] == [
        tmp_path / "data",
        "s3://b",
        "s3://b/p",
        "s3://b/p/q",
    ]


def test_a_folder_pays_nothing_for_s3() -> None:
    script = "import sys; from glane.store import open_store; open_store('x'); print('s3fs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"
