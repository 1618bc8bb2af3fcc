"""How servers are treated: what an unchanged file costs, who we say we are, how hard one host is pressed."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.errors import CallError
from glane.store import Store
from sources.declaration import Source
from sources.fetch.failures import HarvestError
from sources.fetch.http import Client, Patience
from sources.fetch.ladder import Seen, same
from sources.fetch.manners import Manners, Turns, manners
from sources.harvest import harvest
from sources.snapshot import Snapshot
from sources.where import Where
from tests.sources.material import CSV, HASTY, Answer, Declare, Server

Serve = Callable[..., Server]
OLD = "Sat, 01 Nov 2025 10:00:00 GMT"
NEW = "Sun, 02 Nov 2025 10:00:00 GMT"


def take(source: Source, store: Store) -> Snapshot:
    return harvest(source, store, patience=HASTY)


def methods(server: Server) -> list[str]:
    return [asked.get(":method", "GET") for asked in server.asked]


@pytest.mark.parametrize(
    ("headers", "decided"), [({"ETag": '"v1"'}, "etag"), ({"Last-Modified": OLD}, "last-modified")]
)
def test_a_server_that_ignores_conditions_is_believed_by_its_headers_and_then_asked_for_them_alone(
    headers: dict[str, str], decided: str, declare: Declare, store: Store, serve: Serve
) -> None:
    server = serve(Answer(body=CSV, headers=headers))
    source = declare(where={"url": server.url, "private": True})
    first = take(source, store)
    later = [take(source, store) for _ in range(3)]
    assert [(one.changed, one.decided_by, one.key) for one in later] == [(False, decided, first.key)] * 3
    # The first of them found out; the others moved headers only.
    assert methods(server) == ["GET", "GET", "HEAD", "HEAD"]
    changed = CSV + b"Autre;Angers\n"
    server.answers[:] = [Answer(body=changed, headers={name: f"{value} " for name, value in headers.items()})]
    server.answers[0] = Answer(body=changed, headers={"ETag": '"v2"'} if "ETag" in headers else {"Last-Modified": NEW})
    other = take(source, store)
    assert (other.changed, other.decided_by, store.read(other.key)) == (True, "hash", changed)


def test_length_alone_never_says_that_nothing_changed(declare: Declare, store: Store, serve: Serve) -> None:
    corrected = CSV.replace(b"Angers", b"Nantes")
    assert len(corrected) == len(CSV)
    server = serve(Answer(body=CSV), Answer(body=corrected))
    source = declare(where={"url": server.url, "private": True})
    take(source, store)
    second = take(source, store)
    assert (second.changed, second.decided_by, store.read(second.key)) == (True, "hash", corrected)


def test_a_server_that_refuses_head_is_asked_whole(declare: Declare, store: Store, serve: Serve) -> None:
    same_again = Answer(body=CSV, headers={"ETag": '"v1"'})
    server = serve(same_again, same_again, Answer(405), Answer(body=CSV + b"x;y\n", headers={"ETag": '"v2"'}))
    source = declare(where={"url": server.url, "private": True})
    assert [take(source, store).changed for _ in range(3)] == [True, False, True]
    assert methods(server) == ["GET", "GET", "HEAD", "GET"]


LADDER = {
    "same tag": (Seen(etag='"a"'), {"etag": '"a"'}, "etag"),
    "weak and strong": (Seen(etag='W/"a"'), {"etag": '"a"'}, "etag"),
    "another tag, same date and length": (
        Seen(etag='"a"', last_modified=OLD, length="9", asked="2025-12-01T00:00:00Z"),
        {"etag": '"b"', "last-modified": OLD, "content-length": "9"},
        None,
    ),
    "a tag that is gone": (Seen(etag='"a"', last_modified=OLD, length="9"), {"last-modified": OLD}, None),
    "date and length": (
        Seen(last_modified=OLD, length="9", asked="2025-12-01T00:00:00Z"),
        {"last-modified": OLD, "content-length": "9"},
        "last-modified",
    ),
    "a date and another length": (
        Seen(last_modified=OLD, length="9", asked="2025-12-01T00:00:00Z"),
        {"last-modified": OLD, "content-length": "8"},
        None,
    ),
    "a date without a length": (Seen(last_modified=OLD, asked="2025-12-01T00:00:00Z"), {"last-modified": OLD}, None),
    "a date of the very minute": (
        Seen(last_modified=OLD, length="9", asked="2025-11-01T10:00:30Z"),
        {"last-modified": OLD, "content-length": "9"},
        None,
    ),
    "no date at all": (
        Seen(last_modified="yesterday", length="9", asked="2025-11-01T10:00:30Z"),
        {"last-modified": "yesterday", "content-length": "9"},
        None,
    ),
    "nothing": (Seen(length="9"), {"content-length": "9"}, None),
}


@pytest.mark.parametrize("case", LADDER.values(), ids=LADDER.keys())
def test_each_rung_of_the_ladder(case: tuple[Seen, dict[str, str], str | None]) -> None:
    seen, headers, decided = case
    assert same(seen, headers) == decided


@given(st.builds(Seen, length=st.text("0123456789", min_size=1), asked=st.just("2025-12-01T00:00:00Z")))
def test_without_a_validator_nothing_is_ever_unchanged(seen: Seen) -> None:
    assert same(seen, {"content-length": str(seen.length)}) is None


def test_retry_after_may_be_a_date(
    declare: Declare, store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("sources.fetch.http.sleep", waits.append)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    server = serve(Answer(503, headers={"Retry-After": date}), Answer(body=CSV))
    take(declare(where={"url": server.url, "private": True}), store)
    assert len(waits) == 1
    assert 7 < waits[0] <= 9


def test_a_server_learns_who_asks_and_whom_to_write_to(
    declare: Declare, store: Store, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLANE_CONTACT", "communs@example.org")
    server = serve(Answer(body=CSV))
    take(declare(where={"url": server.url, "private": True}), store)
    assert server.asked[0]["User-Agent"] == Manners("communs@example.org").user_agent
    assert Manners("communs@example.org").user_agent.endswith(" (open-data harvester; +communs@example.org)")


@pytest.mark.parametrize(
    ("name", "value"),
    [("GLANE_CONTACT", "a b"), ("GLANE_HOST_AT_ONCE", "0"), ("GLANE_HOST_GAP", "-1"), ("GLANE_HOST_GAP", "soon")],
)
def test_manners_that_are_none_are_refused(name: str, value: str) -> None:
    with pytest.raises(CallError, match=name):
        manners({name: value})
    declared = manners({"GLANE_CONTACT": "a@b.c", "GLANE_HOST_AT_ONCE": "4", "GLANE_HOST_GAP": "0.25"})
    assert declared == Manners("a@b.c", 4, 0.25)


def test_one_host_gets_so_many_requests_at_once_and_another_does_not_wait_for_it() -> None:
    turns, entered, leave = Turns(), threading.Semaphore(0), threading.Event()
    now, most = [0], [0]
    lock = threading.Lock()

    def ask(host: str) -> None:
        with turns.turn(f"https://{host}/x", Manners(at_once=2, gap=0)):
            with lock:
                now[0] += host == "busy.example"
                most[0] = max(most[0], now[0])
            entered.release()
            leave.wait(20)
            with lock:
                now[0] -= host == "busy.example"

    threads = [threading.Thread(target=ask, args=(host,)) for host in ["busy.example"] * 6 + ["other.example"]]
    for thread in threads:
        thread.start()
    # Two of the one, and the other.
    assert all(entered.acquire(timeout=20) for _ in range(3))
    assert not entered.acquire(timeout=0.1)
    leave.set()
    for thread in threads:
        thread.join()
    assert most[0] == 2


def test_between_two_requests_to_one_host_there_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("sources.fetch.manners.sleep", waits.append)
    monkeypatch.setattr("sources.fetch.manners.monotonic", lambda: 100.0)
    turns = Turns()
    for host in ("a.example", "a.example", "b.example", "a.example", "A.example:443"):
        with turns.turn(f"https://{host}/x", Manners(gap=0.25)):
            pass
    assert waits == [0.0, 0.25, 0.0, 0.5, 0.0]


@pytest.fixture
def drip() -> Iterator[Callable[[str], str]]:
    """A server that gives a byte every few hundredths of a second, in its headers or in its body, for ever."""
    running: list[ThreadingHTTPServer] = []

    def start(where: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"\r\nNom;Ville\n" if where == "body" else b"X-Slow: "))
                try:
                    while True:
                        self.wfile.write(b"x")
                        time.sleep(0.03)
                except OSError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        running.append(httpd)
        return f"http://127.0.0.1:{httpd.server_port}/sites.csv"

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_drips_is_left_when_the_time_is_up(
    where: str, declare: Declare, store: Store, drip: Callable[[str], str]
) -> None:
    # Each byte comes long before the limit of one read; an answer without a length ends when its line does.
    source = declare(where={"url": drip(where), "private": True})
    begun = time.monotonic()
    with pytest.raises(HarvestError, match=r"took longer than 0\.5 seconds"):
        harvest(source, store, patience=Patience(attempts=1, read=5, whole=0.5))
    assert time.monotonic() - begun < 3
    assert not store.exists("raw")


def test_a_client_leaves_no_handle_behind(serve: Serve) -> None:
    server = serve(Answer(body=b"[]"))
    with Client(Where(url=server.url, private=True), HASTY, Manners(gap=0)) as client:
        for _ in range(20):
            client.json(server.url)
        assert len(client._session._lines) <= 4
    assert len(client._session._lines) == 0
