"""A portal whose own loader fills DataStore tables from links, with its worker really running: who fills which."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from publish.ckan.probe import Finding, probe
from publish.verify import verify_portal
from tests.fixtures_portal import Portal, call, running_portal
from tests.publish.test_build import ANGERS, NANTES
from tests.publish.test_major import Changing
from tests.publish.test_publication import ONE_TABLE, PAGE

pytestmark = [pytest.mark.portal, pytest.mark.long]

LEFT = f"datastore: portal\n{ONE_TABLE}"
OFF = f"datastore: off\n{ONE_TABLE}"
SETTLED = 1.5
"""Seconds without a job before we believe that the worker has nothing to do."""

BUSY = ("submitting", "pending", "running", "running_but_viewable")


@pytest.fixture(scope="module")
def loading() -> Iterator[Portal]:
    """An embedded portal with ckanext-xloader and `ckan jobs worker`, tied to this process."""
    with running_portal(loader=True) as found:
        assert "worker" in found.status.processes
        yield found


@pytest.fixture
def bench(loading: Portal, tmp_path: Path) -> Changing:
    return Changing(loading, tmp_path)


def status_of(bench: Changing, identifier: str) -> str | None:
    """How far xloader is with a resource; None if it never had a job for it."""
    found = call(bench.portal, "xloader_status", resource_id=identifier)
    return str(found["status"]) if found else None


def settle(bench: Changing) -> None:
    """Wait until the loader has no job, neither waiting nor under way, for a while."""
    quiet, deadline = time.monotonic(), time.monotonic() + 60
    while time.monotonic() - quiet < SETTLED:
        states = {status_of(bench, one["id"]) for one in bench.resources().values()}
        if call(bench.portal, "job_list") or states & {*BUSY}:
            quiet = time.monotonic()
        assert time.monotonic() < deadline, "the loader did not come to its end"
        time.sleep(0.2)


def test_what_glane_fills_the_loader_leaves_alone(bench: Changing) -> None:
    """First, ordinary and MAJOR versions; a link that changes is what the loader waits for."""
    bench.publish(bench.version(ANGERS))
    settle(bench)
    ordinary = bench.version({**ANGERS, "places": "99"}, NANTES)
    assert bench.publish(ordinary).datastore == {"sites": "delta"}
    settle(bench)
    bench.check_whole(ordinary)
    assert bench.publish(ordinary).unchanged
    bench.becomes(places="string")
    major = bench.version({**ANGERS, "places": "beaucoup"}, NANTES)
    bench.publish(major)
    settle(bench)
    there = bench.resources()
    assert list(there) == [*PAGE, "sites.csv@1.1.0"]
    new, old = bench.table(there["sites.csv"]["id"]), bench.table(there["sites.csv@1.1.0"]["id"])
    assert new is not None
    assert old is not None
    types = {"places": "text", "date_maj": "date", "ouvert": "bool", "latitude": "numeric"}
    assert {name: new[0][name] for name in types} == types
    assert {name: old[0][name] for name in types} == {**types, "places": "int8"}
    assert [(row["id"], row["places"]) for row in new[1]] == [("a--1", "beaucoup"), ("a--2", "3")]
    assert [(row["id"], row["places"]) for row in old[1]] == [("a--1", 99), ("a--2", 3)]
    kept = bench.show(f"{bench.dataset.name}-versions")
    assert kept is not None
    everything = [*there.values(), *kept["resources"]]
    assert [one["name"] for one in everything if status_of(bench, one["id"])] == []
    assert bench.read() == "2.0.0"
    assert bench.publish(major).unchanged
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []


def test_what_is_left_to_the_loader_it_fills_and_glane_never_touches(bench: Changing) -> None:
    bench.becomes(declaration=LEFT)
    bench.publish(bench.version(ANGERS))
    assert bench.resources()["sites.csv"]["glane_datastore"] == "portal"
    settle(bench)
    identifier = bench.resources()["sites.csv"]["id"]
    held = bench.table(identifier)
    assert held is not None
    assert (held[0]["places"], [row["id"] for row in held[1]]) == ("text", ["a--1"])
    version = bench.version(ANGERS, NANTES)
    receipt = bench.publish(version)
    assert (receipt.datastore, receipt.dropped) == ({}, ())
    settle(bench)
    held = bench.table(identifier)
    assert held is not None
    assert [row["id"] for row in held[1]] == ["a--1", "a--2"]
    assert bench.publish(version).unchanged
    assert "DataStore tables are left to the portal's own loader, which chooses the types of columns" in bench.said
    assert bench.read() == "1.1.0"


def test_one_may_change_ones_mind_in_every_direction(bench: Changing) -> None:
    """The same version all the while: the link does not change, so nothing but the declaration moves the table."""
    version = bench.version(ANGERS, NANTES)
    bench.publish(version)
    identifier = bench.resources()["sites.csv"]["id"]
    for declaration, kind in (
        (LEFT, "text"),
        (ONE_TABLE, "int8"),
        (OFF, None),
        (LEFT, "text"),
        (OFF, None),
        (ONE_TABLE, "int8"),
    ):
        bench.becomes(declaration=declaration)
        bench.publish(version)
        settle(bench)
        held = bench.table(identifier)
        assert (held[0]["places"] if held else None) == kind, declaration.splitlines()[0]
        assert held is None or [row["id"] for row in held[1]] == ["a--1", "a--2"]
        views = call(bench.portal, "resource_view_list", id=identifier)
        assert [view["view_type"] for view in views] == (["datatables_view"] if kind else [])
        assert bench.resources()["sites.csv"]["id"] == identifier
        assert bench.publish(version).unchanged, declaration.splitlines()[0]
    bench.check_whole(version)


def test_the_loader_and_what_follows_are_told_before_anything_is_written(bench: Changing) -> None:
    bench.becomes(declaration=LEFT)
    (found,) = [one for one in probe(bench.dataset, None, bench.address) if one.subject == "loader"]
    assert found == Finding(
        "loader",
        "ok",
        "The portal's loader is xloader. "
        "As declared (`datastore: portal`), the loader fills the tables and chooses the types of columns.",
        "In dataset.yaml, with `glane`, Glane fills the tables and keeps the loader off them; "
        "with `off`, there are no tables.",
    )
