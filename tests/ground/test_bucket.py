"""What is S3's own: conditions that hold under a race, the lock's signs of life, copies on this machine, and what goes
wrong with a service, said with a remedy.

The server is a real one (tests/fixtures_s3.py); what it will not do on demand is done to our requests.
"""

import hashlib
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.response import StreamingBody
from aiohttp import ClientPayloadError

from glane.store import OvertakenError, StoreError, open_store, sha256_of
from glane.store.bucket import Bucket
from tests.fixtures_s3 import S3

_PUT = Bucket.put


def test_of_processes_that_create_or_replace_at_once_exactly_one_wins(s3: S3) -> None:
    place = s3.place()
    script = """
        import sys, time
        from glane.store import OvertakenError
        from glane.store.bucket import Bucket
        bucket, me, start = Bucket(sys.argv[1]), sys.argv[2], float(sys.argv[3])
        bucket.put(me, b"ready")
        time.sleep(max(0, start - time.time()))
        for at in range(25):
            try:
                bucket.put(f"new/{at}", me.encode(), IfNoneMatch="*")
                print("created", at)
            except OvertakenError:
                pass
            data, etag = bucket.read("shared") or (b"", "")
            try:
                bucket.put("shared", data + b"x", IfMatch=etag)
                print("replaced")
            except OvertakenError:
                pass
    """
    Bucket(place).put("shared", b"")
    start = str(time.time() + 4)
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), place, str(me), start], stdout=subprocess.PIPE, text=True
        )
        for me in range(3)
    ]
    told = [line for racer in racing for line in racer.communicate(timeout=120)[0].splitlines()]
    created = sorted(int(line.split()[1]) for line in told if line.startswith("created"))
    found = Bucket(place).read("shared")
    assert created == list(range(25))
    assert found is not None
    assert len(found[0]) == told.count("replaced") >= 25


def test_a_large_file_is_created_once_and_read_back(s3: S3, tmp_path: Path) -> None:
    bucket, large = Bucket(s3.place()), tmp_path / "large"
    large.write_bytes(os.urandom(2**20) * 40)
    bucket.upload(large, "large", create=True)
    with pytest.raises(OvertakenError):
        bucket.upload(large, "large", create=True)
    assert bucket.digest("large") == sha256_of(large)


def test_a_holder_that_lives_keeps_the_lock_however_long_it_takes(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glane.store.lease.DEAD_AFTER", 2)
    monkeypatch.setattr("glane.store.lease._BEAT", 0.4)
    place = s3.place()
    with open_store(place).writer():
        script = (
            "import sys; from glane.store import lease, open_store; lease.DEAD_AFTER = 2\n"
            "with open_store(sys.argv[1]).writer(): print('taken', flush=True)\n"
        )
        other = subprocess.Popen([sys.executable, "-c", script, place], stdout=subprocess.PIPE, text=True)
        time.sleep(6)
        assert other.poll() is None
    assert other.communicate(timeout=30) == ("taken\n", None)


def test_an_answer_that_was_lost_does_not_make_a_winner_a_loser(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(self: Bucket, key: str, data: bytes, **condition: str) -> str:
        _PUT(self, key, data, **condition)
        return _PUT(self, key, data, **condition)

    store = open_store(s3.place())
    monkeypatch.setattr(Bucket, "put", lost)
    first = store.replace(store.look("n"), b"1")
    assert store.replace(first, b"2") == store.look("n")
    with store.writer():
        assert store.read("n") == b"2"
    assert not store.exists(".writer.lock")


@pytest.mark.parametrize("ignored", ["IfNoneMatch", "IfMatch"])
def test_a_service_that_takes_no_notice_of_conditions_is_refused(
    s3: S3, monkeypatch: pytest.MonkeyPatch, ignored: str
) -> None:
    def careless(self: Bucket, key: str, data: bytes, **condition: str) -> str:
        return _PUT(self, key, data, **{name: value for name, value in condition.items() if name != ignored})

    monkeypatch.setattr(Bucket, "put", careless)
    with (
        pytest.raises(StoreError, match=f"takes no notice of {ignored} on a PUT") as caught,
        open_store(s3.place()).writer(),
    ):
        raise AssertionError("nobody writes there")
    assert "docs/backup.md" in caught.value.remedy


def test_a_copy_is_made_once_and_a_damaged_or_old_one_is_made_again(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    store, downloads = open_store(s3.place()), []
    download = Bucket.download

    def counted(self: Bucket, key: str, path: Path) -> None:
        downloads.append(key)
        download(self, key, path)

    monkeypatch.setattr(Bucket, "download", counted)
    store.write("a.csv", b"one")
    copy = store.fetch("a.csv")
    assert (copy.name, copy.read_bytes(), store.fetch("a.csv"), downloads) == ("a.csv", b"one", copy, ["a.csv"])
    copy.write_bytes(b"eno")
    assert (store.fetch("a.csv").read_bytes(), len(downloads)) == (b"one", 2)
    store.write("a.csv", b"two")
    assert (store.fetch("a.csv").read_bytes(), len(downloads)) == (b"two", 3)


def test_copies_that_nobody_used_lately_go_once_there_is_too_much(
    s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("glane.store.cache.MOST_BYTES", 400)
    store = open_store(s3.place())
    copies = []
    for name in ("old", "used", "new"):
        store.write(name, name.encode() * 30)
        copies.append(store.fetch(name))
        if name != "new":
            os.utime(copies[-1].parent, (time.time() - 7200,) * 2)
    assert [copy.exists() for copy in copies] == [False, True, True]


def test_a_download_that_is_cut_short_is_an_error_and_no_copy(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(s3.place())
    store.write("a", b"whole")
    monkeypatch.setattr(Bucket, "download", lambda self, key, path: path.write_bytes(b"who"))
    with pytest.raises(StoreError, match="came cut short"):
        store.fetch("a")
    monkeypatch.undo()


def test_a_connection_that_is_cut_in_the_middle_is_taken_up_again(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    store, data = open_store(s3.place()), os.urandom(3 * 2**20)
    store.write("a", data)
    given = StreamingBody.iter_chunks
    cuts = iter([1, 1])

    async def cut(self: StreamingBody, size: int) -> AsyncIterator[bytes]:
        last = next(cuts, None)
        async for part in given(self, size):
            yield part
            if last:
                raise ClientPayloadError("cut")

    monkeypatch.setattr(StreamingBody, "iter_chunks", cut)
    assert (store.read("a"), store.digest("a")) == (data, hashlib.sha256(data).hexdigest())
    cuts = iter([1, 1, 1])
    with pytest.raises(StoreError, match="Cannot read a in the store"):
        store.read("a")


def _refused(place: str) -> dict[str, tuple[str, str]]:
    told = {}
    store = open_store(place)
    asks: dict[str, Any] = {
        "look": lambda: store.look("a"),
        "list": lambda: store.list("a"),
        "files": lambda: store.files("a"),
        "write": lambda: store.write("a", b""),
        "fetch": lambda: store.fetch("a"),
    }
    for name, ask in asks.items():
        with pytest.raises(StoreError) as caught:
            ask()
        assert caught.value.exit_code == 3
        assert place in caught.value.what
        told[name] = (caught.value.what, caught.value.remedy)
    return told


def test_a_bucket_that_is_not_there_is_told_apart_from_an_empty_one(s3: S3) -> None:
    for what, remedy in _refused("s3://no-such-bucket/x").values():
        assert "bucket does not exist" in what
        assert "Make the bucket no-such-bucket, or correct GLANE_STORE" in remedy


def test_wrong_keys_are_named_and_never_shown(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    for what, remedy in _refused(s3.place()).values():
        assert "Check the keys (AWS_ACCESS_KEY_ID" in remedy
        assert "not-the-secret" not in what + remedy
        assert s3.environment["AWS_ACCESS_KEY_ID"] not in what + remedy


def test_no_keys_at_all_are_asked_for(s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    for _, remedy in _refused(s3.place()).values():
        assert "Check the keys (AWS_ACCESS_KEY_ID" in remedy


def test_a_service_that_does_not_answer_is_the_networks_fault(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(StoreError, match="Cannot read a in the store") as caught:
            open_store(s3.place()).look("a")
    assert "Check the network and AWS_ENDPOINT_URL" in caught.value.remedy
    assert time.monotonic() - started < 60
