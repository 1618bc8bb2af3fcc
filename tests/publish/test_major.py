"""A version that changes a table's fields: the former table stays whole for a while, the new one comes whole."""

import copy
import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from publish.build import build_version
from publish.ckan.frozen import GRACE
from publish.ckan.publication import STEPS, Receipt, publish
from publish.restoration import restore
from publish.version import Version
from tests.fixtures_portal import Portal
from tests.publish.material import DECLARATION, SITES, contribute, declare
from tests.publish.test_build import ANGERS, NANTES, RENNES, parts
from tests.publish.test_publication import DAY, ONE_TABLE, PAGE, Bench, KilledError

pytestmark = pytest.mark.portal

MADE = date.fromisoformat(DAY[:10])
LAST = MADE + GRACE
ANNOUNCED = "notice: {date: 2027-01-15, text: {fr: Les places deviennent du texte., en: Places become text.}}\n"


class Changing(Bench):
    """A bench whose dataset changes its fields."""

    def __init__(self, portal: Portal, folder: Path, declaration: str = ONE_TABLE) -> None:
        super().__init__(portal, folder, declaration)
        self.folder = folder
        self.seen: set[str] = set()

    def becomes(self, *, declaration: str = ONE_TABLE, **types: str) -> None:
        """Declare the dataset anew, the fields `types` of sites having other types."""
        schema: dict[str, Any] = copy.deepcopy(SITES)
        for field in schema["fields"]:
            field["type"] = types.get(field["name"], field["type"])
        self.dataset = declare(self.folder / "schemas", declaration=declaration, sites=schema, name=self.dataset.name)

    def redeclare(self, sites: dict[str, Any], datastore: str = "glane") -> None:
        """Declare the dataset with another Table Schema for sites."""
        declaration = f"datastore: {datastore}\n{ONE_TABLE}"
        self.dataset = declare(self.folder / "schemas", declaration=declaration, sites=sites, name=self.dataset.name)

    def publish_on(self, version: Version, today: date) -> Receipt:
        return publish(version, self.dataset, self.store, self.address, self.said.append, today=today)

    def resources(self) -> dict[str, dict[str, Any]]:
        page = self.show()
        assert page is not None
        found = {resource["glane_key"]: resource for resource in page["resources"]}
        assert len(found) == len(page["resources"])
        self.seen |= {resource["id"] for resource in page["resources"]}
        return found

    def table(self, identifier: str) -> tuple[dict[str, str], list[dict[str, Any]]] | None:
        """The columns and rows of a DataStore table; None if there is none."""
        answer = requests.get(
            f"{self.portal.url}/api/3/action/datastore_search",
            params={"resource_id": identifier, "sort": "id"},
            headers={"Authorization": self.portal.sysadmin_token},
            timeout=30,
        )
        if answer.status_code == 404:
            return None
        found = answer.json()["result"]
        return {f["id"]: f["type"] for f in found["fields"][1:]}, found["records"]

    def check_no_orphan(self) -> None:
        """No resource that was ever seen left a DataStore table behind."""
        there = {resource["id"] for resource in self.resources().values()}
        assert [gone for gone in self.seen - there if self.table(gone) is not None] == []


@pytest.fixture
def bench(portal: Portal, tmp_path: Path) -> Changing:
    return Changing(portal, tmp_path)


def test_the_former_table_stays_whole_beside_the_new_one_until_its_day(bench: Changing) -> None:
    first = bench.version({**ANGERS, "places": "12"})
    bench.publish(first)
    before = bench.resources()
    bench.becomes(places="string")
    second = bench.version({**ANGERS, "places": "une douzaine"})
    assert second.version == "2.0.0"
    receipt = bench.publish_on(second, MADE)
    assert (receipt.datastore, receipt.dropped) == ({"sites": "reload"}, ())
    assert bench.read() == "2.0.0"
    after = bench.resources()
    assert list(after) == [*PAGE, "sites.csv@1.0.0"]
    assert {key: after[key]["id"] for key in PAGE[1:]} == {key: before[key]["id"] for key in PAGE[1:]}
    frozen, current = after["sites.csv@1.0.0"], after["sites.csv"]
    assert frozen["id"] == before["sites.csv"]["id"] != current["id"]
    assert frozen["name"] == (
        "Lieux (CSV), anciens champs (1.0.0), figés, jusqu'au 2026-12-21 · "
        "Sites (CSV), former fields (1.0.0), frozen, until 2026-12-21"
    )
    assert "It goes after 21 December 2026" in frozen["description"]
    assert "Retirée après le 21 décembre 2026" in frozen["description"]
    assert (frozen["url"], frozen["sha256"]) == (before["sites.csv"]["url"], before["sites.csv"]["sha256"])
    assert (frozen["glane_datastore"], current["glane_datastore"]) == ("1.0.0", "2.0.0")
    held = bench.table(frozen["id"])
    assert held is not None
    assert (held[0]["places"], held[1][0]["places"]) == ("int8", 12)
    assert bench.rows()[0]["places"] == "une douzaine"
    views = requests.get(
        f"{bench.portal.url}/api/3/action/resource_view_list", params={"id": current["id"]}, timeout=30
    ).json()["result"]
    assert [view["view_type"] for view in views] == ["datatables_view"]
    assert bench.publish_on(second, LAST).unchanged
    receipt = bench.publish_on(second, LAST + timedelta(days=1))
    assert (receipt.unchanged, receipt.sent, receipt.datastore) == (False, 0, {})
    assert list(bench.resources()) == PAGE
    bench.check_no_orphan()
    assert bench.publish_on(second, LAST + timedelta(days=1)).unchanged
    assert bench.read() == "2.0.0"


@pytest.mark.long
def test_killed_before_any_step_of_a_major_version_the_reader_sees_the_old_one_whole(bench: Changing) -> None:
    bench.publish(bench.version(ANGERS))
    last, frozen = "1.0.0", []
    kinds = ["string", "integer"]
    for number, step in enumerate(STEPS[1:]):
        bench.resources()
        bench.becomes(places=kinds[number % 2])
        version = bench.version({**ANGERS, "places": str(number)}, *([NANTES] if number % 2 else []))
        assert version.version == f"{number + 2}.0.0"
        with pytest.raises(KilledError, match=step):
            bench.publish(version, kill=step)
        flipped = step == "order"
        assert bench.read() == (version.version if flipped else last), step
        there = bench.resources()
        assert ("sites.csv@next" in there) == (step not in ("lease", "order")), step
        if not flipped:
            assert there["sites.csv"]["glane_datastore"] == last
        bench.publish(version)
        frozen.insert(0, f"sites.csv@{last}")
        assert bench.read() == version.version
        assert list(bench.resources()) == [*PAGE, *frozen], step
        assert [row["places"] for row in bench.rows()][:1] == [str(number) if number % 2 == 0 else number]
        bench.check_no_orphan()
        last = version.version
    assert bench.publish(version).unchanged


@pytest.mark.long
def test_a_major_version_that_is_taken_back_before_it_was_seen_leaves_nothing(bench: Changing) -> None:
    bench.publish(bench.version(ANGERS))
    before = bench.resources()
    bench.becomes(places="string")
    abandoned = bench.version(ANGERS)
    with pytest.raises(KilledError):
        bench.publish(abandoned, kill="flip")
    bench.resources()
    bench.becomes()
    back = bench.version(ANGERS)
    assert back.version == "3.0.0"
    bench.publish(back)
    bench.check_whole(back)
    assert bench.resources()["sites.csv"]["id"] == before["sites.csv"]["id"]
    bench.check_no_orphan()


@pytest.mark.long
def test_a_major_version_that_was_published_and_is_unmade_comes_back_as_a_third_table(bench: Changing) -> None:
    bench.publish(bench.version(ANGERS))
    bench.becomes(places="string")
    bench.publish(bench.version(ANGERS))
    before = bench.resources()
    bench.becomes()
    back = restore(bench.dataset, bench.store, "1.0.0", "Text was a mistake.", created=DAY)
    assert (back.version, back.restores and back.restores.version) == ("3.0.0", "1.0.0")
    bench.publish(back)
    after = bench.resources()
    assert list(after) == [*PAGE, "sites.csv@2.0.0", "sites.csv@1.0.0"]
    assert (after["sites.csv@2.0.0"]["id"], after["sites.csv@1.0.0"]["id"]) == (
        before["sites.csv"]["id"],
        before["sites.csv@1.0.0"]["id"],
    )
    kinds = {}
    for key in ("sites.csv", "sites.csv@2.0.0", "sites.csv@1.0.0"):
        held = bench.table(after[key]["id"])
        kinds[key] = held and (held[0]["places"], held[1][0]["places"])
    assert kinds == {"sites.csv": ("int8", 12), "sites.csv@2.0.0": ("text", "12"), "sites.csv@1.0.0": ("int8", 12)}
    assert bench.read() == "3.0.0"
    assert bench.publish(back).unchanged


def test_the_day_that_was_announced_stands_although_the_notice_is_gone_by_then(bench: Changing) -> None:
    bench.publish(bench.version(ANGERS))
    bench.becomes(places="string", declaration=ANNOUNCED + ONE_TABLE)
    bench.publish_on(bench.version(ANGERS), MADE)
    bench.becomes(places="string")
    assert bench.resources()["sites.csv@1.0.0"]["glane_until"] == "2027-01-15"
    version = bench.version(ANGERS, NANTES)
    bench.publish_on(version, date(2027, 1, 15))
    assert list(bench.resources()) == [*PAGE, "sites.csv@1.0.0"]
    bench.publish_on(version, date(2027, 1, 16))
    assert list(bench.resources()) == PAGE


def test_a_key_that_changes_its_type_begins_a_new_table(bench: Changing) -> None:
    bench.becomes(id="integer")
    bench.publish(bench.version({**ANGERS, "id": "7"}))
    bench.becomes(id="string")
    version = bench.version({**ANGERS, "id": "7"}, {**NANTES, "id": "7b"})
    assert version.version == "2.0.0"
    bench.publish(version)
    there = bench.resources()
    new, old = bench.table(there["sites.csv"]["id"]), bench.table(there["sites.csv@1.0.0"]["id"])
    assert new is not None
    assert old is not None
    assert (new[0]["id"], [row["id"] for row in new[1]]) == ("text", ["7", "7b"])
    assert (old[0]["id"], [row["id"] for row in old[1]]) == ("int8", [7])


def test_a_value_that_its_column_cannot_hold_begins_a_new_table_though_the_fields_are_the_same(
    bench: Changing,
) -> None:
    bench.publish(bench.version(ANGERS))
    wide = bench.version({**ANGERS, "places": str(2**63)})
    assert wide.version == "1.0.1"
    bench.publish(wide)
    there = bench.resources()
    assert list(there) == [*PAGE, "sites.csv@1.0.0"]
    new, old = bench.table(there["sites.csv"]["id"]), bench.table(there["sites.csv@1.0.0"]["id"])
    assert new is not None
    assert old is not None
    assert (new[0]["places"], new[1][0]["places"]) == ("text", str(2**63))
    assert (old[0]["places"], old[1][0]["places"]) == ("int8", 12)


def test_a_former_table_that_was_caught_half_way_is_mended_before_it_is_frozen(bench: Changing) -> None:
    bench.publish(bench.version(ANGERS))
    with pytest.raises(KilledError):
        bench.publish(bench.version(ANGERS, NANTES), kill="flip")
    identifier = bench.resources()["sites.csv"]["id"]
    half = bench.table(identifier)
    assert half is not None
    assert len(half[1]) == 2
    bench.becomes(places="string")
    bench.publish(bench.version(ANGERS, NANTES))
    frozen = bench.resources()["sites.csv@1.0.0"]
    assert (frozen["id"], frozen["glane_datastore"]) == (identifier, "1.0.0")
    mended = bench.table(identifier)
    assert mended is not None
    assert [row["id"] for row in mended[1]] == ["a--1"]


def test_a_table_that_is_no_longer_published_stays_until_its_day(portal: Portal, tmp_path: Path) -> None:
    bench = Changing(portal, tmp_path, DECLARATION)
    bench.publish(build_version(bench.dataset, parts(bench.dataset, ANGERS), bench.store, created=DAY).version)
    visits = bench.resources()["visites.csv"]
    bench.becomes(declaration=DECLARATION[: DECLARATION.index("  - name: visites")])
    stays = [contribute(bench.dataset, "a", [ANGERS]), contribute(bench.dataset, "b", [RENNES])]
    version = build_version(bench.dataset, stays, bench.store, created=DAY).version
    assert version.version == "2.0.0"
    bench.publish_on(version, MADE)
    there = bench.resources()
    assert "visites.parquet" not in there
    assert (there["visites.csv@1.0.0"]["id"], "no longer published" in there["visites.csv@1.0.0"]["description"]) == (
        visits["id"],
        True,
    )
    assert (
        hashlib.sha256(requests.get(there["visites.csv@1.0.0"]["url"], timeout=30).content).hexdigest()
        == (visits["sha256"])
    )
    bench.publish_on(version, LAST + timedelta(days=1))
    assert not [key for key in bench.resources() if key.startswith("visites")]
    bench.check_no_orphan()
    assert json.dumps(bench.show()).count("visites") == 0
