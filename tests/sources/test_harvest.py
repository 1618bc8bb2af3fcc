"""What a harvest keeps, what it refuses, and what it leaves alone when it fails."""

import hashlib
import json
import socket
from collections.abc import Callable

import pytest

from glane.store import Store
from sources.declaration import Source
from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.http import Patience
from sources.fetch.manners import Manners
from sources.harvest import harvest
from sources.snapshot import Snapshot, latest
from tests.sources.material import CSV, HASTY, Answer, Declare, Server

Serve = Callable[..., Server]


def take(source: Source, store: Store) -> Snapshot:
    return harvest(source, store, patience=HASTY)


def kept(store: Store) -> dict[str, bytes]:
    root = store.local("raw")
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_file_is_kept_byte_for_byte_with_its_story(declare: Declare, store: Store) -> None:
    source = declare()
    (source.folder / "sites.csv").write_bytes(CSV)
    snapshot = take(source, store)
    digest = hashlib.sha256(CSV).hexdigest()
    assert snapshot == Snapshot(
        dataset="sites",
        partner="angers",
        sha256=digest,
        bytes=len(CSV),
        key=f"raw/sites/angers/{digest}",
        changed=True,
        fetched_at=snapshot.fetched_at,
        checked_at=snapshot.fetched_at,
        decided_by="first",
        address="sites.csv",
    )
    files = kept(store)
    assert set(files) == {f"sites/angers/{name}" for name in (digest, f"{digest}.json", "latest.json")}
    assert files[f"sites/angers/{digest}"] == CSV
    assert json.loads(files[f"sites/angers/{digest}.json"]) == {
        "fetched_at": snapshot.fetched_at,
        "bytes": len(CSV),
        "asked": {"file": "sites.csv"},
        "answered": {},
    }


def test_an_address_is_kept_with_what_was_asked_and_answered(declare: Declare, store: Store, serve: Serve) -> None:
    server = serve(Answer(body=CSV, headers={"ETag": '"v1"', "Content-Type": "text/csv"}))
    snapshot = take(declare(where={"url": server.url, "private": True}), store)
    story = json.loads(store.read(f"{snapshot.key}.json"))
    assert story["asked"] == {"url": server.url, "headers": {"User-Agent": Manners().user_agent, "Accept": "*/*"}}
    assert story["answered"]["status"] == 200
    assert story["answered"]["headers"]["etag"] == '"v1"'
    assert server.asked[0]["User-Agent"] == Manners().user_agent
    assert snapshot.file_name == "sites v1.csv"


def test_unchanged_bytes_are_not_kept_twice(declare: Declare, store: Store, serve: Serve) -> None:
    server = serve(Answer(body=CSV))
    source = declare(where={"url": server.url, "private": True})
    first = take(source, store)
    before = kept(store)
    second = take(source, store)
    assert (second.changed, second.decided_by, second.sha256) == (False, "hash", first.sha256)
    assert set(kept(store)) == set(before)
    assert second.fetched_at == first.fetched_at


@pytest.mark.parametrize(
    ("header", "asked", "decided"),
    [
        ({"ETag": '"v1"'}, ("If-None-Match", '"v1"'), "etag"),
        (
            {"Last-Modified": "Sat, 01 Nov 2025 10:00:00 GMT"},
            ("If-Modified-Since", "Sat, 01 Nov 2025 10:00:00 GMT"),
            "last-modified",
        ),
    ],
)
def test_a_source_that_says_304_costs_no_bytes(
    header: dict[str, str], asked: tuple[str, str], decided: str, declare: Declare, store: Store, serve: Serve
) -> None:
    server = serve(Answer(body=CSV, headers=header), Answer(304))
    source = declare(where={"url": server.url, "private": True})
    first = take(source, store)
    second = take(source, store)
    assert server.asked[1][asked[0]] == asked[1]
    assert (second.changed, second.decided_by, second.key) == (False, decided, first.key)
    assert latest(source, store) == second


def test_a_condition_is_never_sent_for_bytes_that_are_damaged(declare: Declare, store: Store, serve: Serve) -> None:
    server = serve(Answer(body=CSV, headers={"ETag": '"v1"'}))
    source = declare(where={"url": server.url, "private": True})
    first = take(source, store)
    store.local(first.key).write_bytes(b"damaged")
    again = take(source, store)
    assert "If-None-Match" not in server.asked[1]
    assert store.read(again.key) == CSV


def test_bytes_that_come_back_keep_the_day_they_first_came(declare: Declare, store: Store) -> None:
    source = declare()
    path = source.folder / "sites.csv"
    path.write_bytes(CSV)
    first = take(source, store)
    told = f"{first.key}.json"
    store.write_json(told, {**json.loads(store.read(told)), "fetched_at": "2024-01-01T00:00:00Z"})
    path.write_bytes(CSV + b"Autre;Angers\n")
    second = take(source, store)
    path.write_bytes(CSV)
    third = take(source, store)
    assert [s.changed for s in (first, second, third)] == [True, True, True]
    assert third.key == first.key
    assert (third.fetched_at, third.date) == ("2024-01-01T00:00:00Z", "2024-01-01")


def test_a_server_that_fails_once_is_asked_again(declare: Declare, store: Store, serve: Serve) -> None:
    server = serve(Answer(500), Answer(503), Answer(body=CSV))
    assert take(declare(where={"url": server.url, "private": True}), store).bytes == len(CSV)
    assert len(server.asked) == 3


def test_retry_after_is_waited_for(
    declare: Declare, store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("sources.fetch.http.sleep", waits.append)
    server = serve(Answer(429, headers={"Retry-After": "7"}), Answer(body=CSV))
    take(declare(where={"url": server.url, "private": True}), store)
    assert waits == [7.0]


def test_a_server_that_asks_for_too_long_a_wait_is_left_in_peace(declare: Declare, store: Store, serve: Serve) -> None:
    server = serve(Answer(429, headers={"Retry-After": "86400"}))
    with pytest.raises(HarvestError, match="86400 seconds"):
        take(declare(where={"url": server.url, "private": True}), store)
    assert len(server.asked) == 1


FAILURES = {
    "dead for good": (Answer(500), HarvestError, "answered 500", 3),
    "gone": (Answer(404), HarvestError, "new address", 1),
    "login": (Answer(401), HarvestError, "login", 1),
    "truncated": (Answer(body=CSV, headers={"Content-Length": "5000"}), HarvestError, "broke off", 3),
    "web page": (Answer(body=b"<!DOCTYPE html><html>Maintenance</html>"), ContentError, "web page", 1),
    "xml error": (Answer(body=b'<?xml version="1.0"?><Error/>'), ContentError, "web page or XML", 1),
    "empty": (Answer(body=b""), ContentError, "empty file", 1),
    "blank": (Answer(body=b"\r\n \r\n"), ContentError, "empty file", 1),
    "too large": (Answer(body=b"x" * (1024**2 + 1)), ContentError, "more than 1 MB", 1),
}


@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_read_leaves_the_last_snapshot_in_place(
    case: tuple[Answer, type[Exception], str, int], declare: Declare, store: Store, serve: Serve
) -> None:
    answer, kind, said, times = case
    server = serve(Answer(body=CSV), answer)
    source = declare(where={"url": server.url, "private": True})
    take(source, store)
    before = kept(store)
    with pytest.raises(kind, match=said):
        take(source, store)
    assert kept(store) == before
    assert len(server.asked) == 1 + times
    assert store.list(".staging") == []


def test_a_dead_port_is_a_failure_of_the_world(declare: Declare, store: Store) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/sites.csv"
    with pytest.raises(HarvestError, match="cannot be reached") as caught:
        take(declare(where={"url": url, "private": True}), store)
    assert caught.value.exit_code == 3
    assert not store.exists("raw")


def test_a_silent_server_is_given_up_on(declare: Declare, store: Store) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = declare(where={"url": f"http://127.0.0.1:{silent.getsockname()[1]}/sites.csv", "private": True})
        with pytest.raises(HarvestError, match="did not answer in time"):
            harvest(source, store, patience=Patience(attempts=1, read=0.1))


def test_a_missing_file_is_a_failure_of_the_world(declare: Declare, store: Store) -> None:
    with pytest.raises(HarvestError, match=r"'sites\.csv' that sites/angers declares is not there"):
        take(declare(), store)


def test_the_last_file_by_name_of_a_folder_is_the_current_one(declare: Declare, store: Store) -> None:
    source = declare(where={"folder": {"path": "depot", "match": "lieux-*.csv"}})
    with pytest.raises(HarvestError, match="The folder 'depot' that sites/angers declares is not there"):
        take(source, store)
    depot = source.folder / "depot"
    depot.mkdir()
    with pytest.raises(HarvestError, match=r"No file in 'depot' fits 'lieux-\*\.csv'"):
        take(source, store)
    for name, data in (("lieux-2026-10.csv", b"old"), ("lieux-2026-11.csv", CSV), ("autre.csv", b"other")):
        (depot / name).write_bytes(data)
    snapshot = take(source, store)
    assert (store.read(snapshot.key), snapshot.address, snapshot.file_name) == (
        CSV,
        "depot/lieux-2026-11.csv",
        "lieux-2026-11.csv",
    )
