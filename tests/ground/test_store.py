"""What the store promises: whole files or none, one writer, keys that stay inside, a full disk that harms nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.errors import CallError
from glane.store import FolderStore, StoreError, sha256_of


def files_under(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".lock"}


def test_what_is_written_is_read_back_and_nothing_else_lies_about(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "data")
    store.write("raw/a/b", b"one")
    store.write("raw/a/b", b"two")
    store.write_json("raw/a/b.json", {"é": 1})
    assert files_under(store.root) == {"raw/a/b": b"two", "raw/a/b.json": '{\n  "é": 1\n}\n'.encode()}
    assert store.read_json("raw/a/b.json") == {"é": 1}
    assert store.read_json("raw/a/none.json") is None
    assert store.list("raw/a") == ["b", "b.json"]
    assert store.list("nowhere") == []


@given(st.sampled_from(["/etc/passwd", "../x", "a/../../x", "", "."]))
def test_a_key_never_leaves_the_store(key: str) -> None:
    with pytest.raises(CallError, match="is no key of a store"):
        FolderStore(Path("data")).local(key)


def test_a_missing_key_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read versions/x in the store") as caught:
        FolderStore(tmp_path).read("versions/x")
    assert caught.value.exit_code == 3


def test_a_write_that_the_disk_refuses_leaves_the_old_bytes_and_no_half_file(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("report", b"old")
    script = (
        "import resource, signal, sys; from pathlib import Path; from glane.store import FolderStore, StoreError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: FolderStore(Path(sys.argv[1])).write('report', b'x' * 100_000)\n"
        "except StoreError as error: print(error.exit_code, error.remedy)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("3 ")
    assert files_under(tmp_path) == {"report": b"old"}


def test_a_staged_folder_is_adopted_whole_and_leaves_no_staging_behind(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with store.staged() as folder:
        (folder / "data").mkdir()
        (folder / "data" / "sites.csv").write_bytes(b"id\n1\n")
        assert not store.exists("versions/sites/1.0.0")
        store.adopt(folder, "versions/sites/1.0.0", store.look("versions/sites/versions.json"))
    assert files_under(tmp_path) == {"versions/sites/1.0.0/data/sites.csv": b"id\n1\n"}


def test_a_staged_folder_that_is_not_adopted_is_gone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(RuntimeError), store.staged() as folder:
        (folder / "half").write_bytes(b"half")
        raise RuntimeError
    assert files_under(tmp_path) == {}


def test_a_writer_sweeps_what_killed_processes_left_and_nothing_that_is_in_use(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    script = (
        "import sys, time; from pathlib import Path; from glane.store import FolderStore\n"
        "with FolderStore(Path(sys.argv[1])).staged() as folder:\n"
        "    (folder / 'half').write_bytes(b'half')\n"
        "    print(folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    built = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    killed, living = (Path(builder.stdout.readline().strip()) for builder in built if builder.stdout)
    built[0].kill()
    built[0].wait()
    fresh = tmp_path / ".staging" / "fresh"
    fresh.mkdir()
    try:
        for folder in (killed, living):
            os.utime(folder, (0, 0))
        with store.writer():
            assert [folder.exists() for folder in (killed, living, fresh)] == [False, True, True]
    finally:
        built[1].kill()
        built[1].wait()


def test_a_folder_that_a_killed_run_left_unlisted_is_replaced(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("versions/sites/1.0.0/old.csv", b"half")
    with store.staged() as folder:
        (folder / "sites.csv").write_bytes(b"whole")
        store.adopt(folder, "versions/sites/1.0.0", store.look("versions/sites/versions.json"))
    assert files_under(tmp_path) == {"versions/sites/1.0.0/sites.csv": b"whole"}


def test_two_writers_take_turns(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from glane.store import FolderStore\n"
        "store = FolderStore(Path(sys.argv[1]))\n"
        "for _ in range(200):\n"
        "    with store.writer():\n"
        "        n = int(store.read('n')) if store.exists('n') else 0\n"
        "        Path(sys.argv[1], 'n').write_text(str(n + 1))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert FolderStore(tmp_path).read("n") == b"400"


def test_a_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Check the disk and the rights"):
        FolderStore(tmp_path / "data").write("a", b"")
