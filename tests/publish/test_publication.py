"""Publishing on a real CKAN: the old version or the new one and never a mix, whatever happens in between."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path
from typing import Any

import frictionless
import pytest
import requests

from glane.store import FolderStore, Store
from publish.build import build_version
from publish.ckan import archive, layout
from publish.ckan.address import PortalAddress
from publish.ckan.faults import BusyError, PortalError, RightsError
from publish.ckan.publication import STEPS, Receipt, publish
from publish.formats.delimited import read_csv
from publish.verify import verify_portal
from publish.version import Version
from schemas.dataset import Dataset
from tests.fixtures_portal import Portal, call
from tests.publish.material import DECLARATION, Cells, contribute, declare
from tests.publish.test_build import ANGERS, NANTES, RENNES, parts

pytestmark = pytest.mark.portal

DAY = "2026-11-21T06:00:00+00:00"
ONE_TABLE = DECLARATION[: DECLARATION.index("  - name: national")].replace(
    "[csv, parquet, geojson, xlsx]", "[csv, xlsx]"
)


class KilledError(Exception):
    """Stands for the publisher's death at a step."""


class Bench:
    """A dataset of its own on the portal, and the store that it is published from."""

    def __init__(self, portal: Portal, folder: Path, declaration: str = ONE_TABLE) -> None:
        self.portal, self.store = portal, FolderStore(folder / "store")
        self.dataset: Dataset = declare(folder / "schemas", declaration=declaration, name=f"t-{uuid.uuid4().hex[:8]}")
        self.address = PortalAddress(portal.url, portal.token, portal.organisation)
        self.said: list[str] = []

    def version(self, *rows: Cells) -> Version:
        return build_version(self.dataset, [contribute(self.dataset, "a", rows)], self.store, created=DAY).version

    def publish(self, version: Version, *, kill: str | None = None, store: Store | None = None) -> Receipt:
        def before(step: str) -> None:
            if step == kill:
                raise KilledError(step)

        return publish(version, self.dataset, store or self.store, self.address, self.said.append, before=before)

    def show(self, name: str | None = None, token: str | None = None) -> dict[str, Any] | None:
        answer = requests.get(
            f"{self.portal.url}/api/3/action/package_show",
            params={"id": name or self.dataset.name},
            headers={"Authorization": token} if token else {},
            timeout=30,
        )
        found: dict[str, Any] | None = answer.json().get("result")
        return found

    def read(self) -> str | None:
        """The version that a reader sees, after checking that page, links and bytes are all of that one version."""
        page = self.show()
        if page is None:
            return None
        for resource in page["resources"]:
            if resource["glane_key"].endswith("@next"):
                assert (resource["url"], resource["glane_datastore"]) == ("", "updating")
                continue
            frozen = resource["glane_key"].partition("@")[2]
            assert resource["glane_version"] == (frozen or page["version"])
            got = requests.get(
                f"{self.portal.url}/dataset/{page['name']}/resource/{resource['id']}/download", timeout=30
            )
            assert hashlib.sha256(got.content).hexdigest() == resource["sha256"], resource["name"]
        return str(page["version"])

    def rows(self, table: str = "sites") -> list[dict[str, Any]]:
        """What the DataStore answers for a table, without CKAN's own `_id`."""
        page = self.show()
        assert page is not None
        (resource,) = [r for r in page["resources"] if r["glane_key"] == f"{table}.csv"]
        answer = requests.get(
            f"{self.portal.url}/api/3/action/datastore_search",
            params={"resource_id": resource["id"], "sort": "id"},
            timeout=30,
        )
        return [{k: v for k, v in row.items() if k != "_id"} for row in answer.json()["result"]["records"]]

    def check_whole(self, version: Version) -> None:
        """The end state that every path must come to: page, DataStore and archive of exactly this version."""
        assert self.read() == version.version
        page, kept = self.show(), self.show(f"{self.dataset.name}-versions")
        assert page is not None
        assert kept is not None
        assert [r["glane_key"] for r in page["resources"]] == PAGE
        assert not any(r.get("glane_publishing") for r in page["resources"])
        assert page["resources"][0]["glane_datastore"] == version.version
        names = [r["name"] for r in kept["resources"]]
        assert len(set(names)) == len(names)
        mine = {name for name in names if name.startswith(f"{version.version}/")}
        assert mine == {f"{version.version}/{f.path}" for f in version.files}
        csv = read_csv(self.store.local(f"{version.key}/{self.dataset.name}-sites.csv"))
        assert [(r["id"], r["nom"], r["places"]) for r in self.rows()] == [
            (r["id"], r["nom"], None if r["places"] is None else int(r["places"])) for r in csv.to_dicts()
        ]


PAGE = [
    "sites.csv",
    "sites.xlsx",
    "datapackage.json",
    "changelog.fr.md",
    "changelog.en.md",
    "quality.fr.html",
    "quality.en.html",
    "quality.json",
    "feed.xml",
    "withdrawn.csv",
    "provenance.parquet",
]


@pytest.fixture
def bench(portal: Portal, tmp_path: Path) -> Bench:
    return Bench(portal, tmp_path)


def test_two_versions_one_after_the_other(portal: Portal, tmp_path: Path) -> None:
    bench = Bench(portal, tmp_path, DECLARATION)
    first = build_version(bench.dataset, parts(bench.dataset, ANGERS, NANTES), bench.store, created=DAY).version
    receipt = bench.publish(first)
    assert (receipt.unchanged, receipt.omitted, receipt.dropped) == (False, (), ())
    assert receipt.datastore == {"sites": "reload", "national": "reload", "visites": "reload"}
    assert bench.read() == "1.0.0"
    before = bench.show()
    more: Cells = {"id": "b--2", "nom": "Neuf"}
    contributions = parts(bench.dataset, {**ANGERS, "places": "99"}, b=(RENNES, more))
    second = build_version(bench.dataset, contributions, bench.store, created=DAY).version
    receipt = bench.publish(second)
    assert (second.version, receipt.datastore) == ("1.1.0", {"sites": "delta"})
    assert bench.read() == "1.1.0"
    page = bench.show()
    assert page is not None
    assert before is not None
    assert [r["id"] for r in page["resources"]] == [r["id"] for r in before["resources"]]
    assert [r["glane_key"] for r in page["resources"]][:5] == [
        "sites.csv", "sites.parquet", "sites.geojson", "sites.xlsx", "national.csv",
    ]  # fmt: skip
    assert page["license_id"] == "etalab-2.0"
    assert "Données de a" in page["notes"]
    assert "**Version of 21 November 2026** (1.1.0)" in page["notes"]
    assert "**Version du 21 novembre 2026** (1.1.0)" in page["notes"]
    assert [row["id"] for row in bench.rows()] == ["a--1", "b--1", "b--2"]
    assert bench.rows()[0]["places"] == 99
    assert bench.rows()[0]["date_maj"] == "2026-01-01"
    assert bench.rows()[0]["ouvert"] is True
    older = next(r for r in before["resources"] if r["glane_key"] == "sites.csv")
    assert hashlib.sha256(requests.get(older["url"], timeout=30).content).hexdigest() == older["sha256"]
    report = frictionless.validate(receipt.resources["datapackage.json"])
    assert report.valid, report.flatten(["type", "note"])
    assert [task.name for task in report.tasks] == ["sites", "national", "visites"]
    html = requests.get(f"{portal.url}/dataset/{bench.dataset.name}", timeout=30).text
    assert "Lieux d&#39;essai · Trial sites" in html
    views = requests.get(
        f"{portal.url}/api/3/action/resource_view_list", params={"id": page["resources"][0]["id"]}, timeout=30
    ).json()["result"]
    assert [view["view_type"] for view in views] == ["datatables_view"]


def test_search_and_typed_filters_work_after_a_full_load_and_after_a_delta(bench: Bench) -> None:
    def found(**asked: Any) -> list[str]:
        page = bench.show()
        assert page is not None
        asked = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in asked.items()}
        answer = requests.get(
            f"{bench.portal.url}/api/3/action/datastore_search",
            params={"resource_id": page["resources"][0]["id"], "sort": "id", **asked},
            timeout=30,
        )
        return [row["id"] for row in answer.json()["result"]["records"]]

    bench.publish(bench.version(ANGERS, NANTES))
    assert found(q="médiathèque") == ["a--1"]
    assert found(filters={"places": 3}) == ["a--2"]
    assert found(filters={"ouvert": True, "date_maj": "2026-01-01"}) == ["a--1"]
    assert found(sort="places") == ["a--2", "a--1"]

    receipt = bench.publish(bench.version({**ANGERS, "nom": "Ludothèque"}, {**NANTES, "places": "30"}, RENNES))
    assert receipt.datastore == {"sites": "delta"}
    assert found(q="médiathèque") == []
    assert found(q="ludothèque") == ["a--1"]
    assert found(filters={"places": 30}) == ["a--2"]
    assert found(filters={"date_maj": "1899-12-31"}) == ["b--1"]
    assert found(sort="places") == ["a--1", "a--2", "b--1"]


def test_a_row_that_somebody_took_out_of_the_table_is_there_again_after_its_next_change(bench: Bench) -> None:
    bench.publish(bench.version(ANGERS, NANTES))
    page = bench.show()
    assert page is not None
    call(bench.portal, "datastore_delete", resource_id=page["resources"][0]["id"], force=True, filters={"id": "a--1"})
    version = bench.version({**ANGERS, "places": "13"}, NANTES)
    assert bench.publish(version).datastore == {"sites": "reload"}
    bench.check_whole(version)


def test_a_portal_that_shows_this_version_is_left_alone(bench: Bench) -> None:
    version = bench.version(ANGERS)
    bench.publish(version)
    before = bench.show()
    receipt = bench.publish(version)
    assert (receipt.unchanged, receipt.sent, receipt.sent_bytes) == (True, 0, 0)
    assert bench.show() == before
    assert bench.said[-1].endswith("shows version 1.0.0 already: nothing sent")


def test_a_token_that_expired_is_told_though_there_is_nothing_to_send(bench: Bench) -> None:
    version = bench.version(ANGERS)
    bench.publish(version)
    bench.address = PortalAddress(bench.portal.url, "not-a-token")
    with pytest.raises(RightsError, match=r"shows version 1\.0\.0 already, but the token may not publish there"):
        bench.publish(version)


def test_what_somebody_edited_by_hand_is_put_right_without_an_upload(bench: Bench) -> None:
    version = bench.version(ANGERS)
    bench.publish(version)
    page = bench.show()
    assert page is not None
    patch = {"id": page["id"], "notes": "Hacked", "extras": [*page["extras"], {"key": "theirs", "value": "kept"}]}
    requests.post(
        f"{bench.portal.url}/api/3/action/package_patch",
        json=patch,
        headers={"Authorization": bench.portal.token},
        timeout=30,
    ).raise_for_status()
    receipt = bench.publish(version)
    assert (receipt.unchanged, receipt.sent, receipt.datastore) == (False, 0, {})
    healed = bench.show()
    assert healed is not None
    assert healed["notes"] == page["notes"]
    assert {"key": "theirs", "value": "kept"} in healed["extras"]


@pytest.mark.long
def test_killed_before_any_step_of_an_update_the_reader_sees_one_version_and_the_next_run_converges(
    bench: Bench,
) -> None:
    bench.publish(bench.version(ANGERS))
    last = "1.0.0"
    for number, step in enumerate(STEPS[1:], start=1):
        rows = [{**ANGERS, "places": str(number)}, *([NANTES] if number % 2 else [])]
        version = bench.version(*rows)
        with pytest.raises(KilledError, match=step):
            bench.publish(version, kill=step)
        flipped = STEPS.index(step) > STEPS.index("flip")
        assert bench.read() == (version.version if flipped else last), step
        page = bench.show()
        assert page is not None
        moving = step in ("upload", "datastore", "views", "flip")
        assert (page["resources"][0]["glane_datastore"] == "updating") == moving, step
        bench.publish(version)
        bench.check_whole(version)
        last = version.version


@pytest.mark.parametrize("step", ["lease", "upload", "flip"])
def test_killed_before_a_step_of_the_first_publication_nobody_sees_an_empty_page(bench: Bench, step: str) -> None:
    version = bench.version(ANGERS, NANTES)
    with pytest.raises(KilledError):
        bench.publish(version, kill=step)
    assert bench.read() is None
    bench.publish(version)
    bench.check_whole(version)


def test_killed_between_two_uploads_what_arrived_is_used_and_nothing_is_doubled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = bench.version(ANGERS)
    monkeypatch.setattr(archive, "BATCH", 1)

    def die_at_the_second(line: str) -> None:
        if line.startswith("uploaded") and ".xlsx" in line:
            raise KilledError

    with pytest.raises(KilledError):
        publish(version, bench.dataset, bench.store, bench.address, die_at_the_second)
    receipt = bench.publish(version)
    assert receipt.sent == len(version.files) - 2
    bench.check_whole(version)


@pytest.mark.long
def test_a_version_that_a_newer_one_overtook_amid_its_upload_is_made_whole_too(bench: Bench) -> None:
    bench.publish(bench.version(ANGERS))
    abandoned = bench.version(ANGERS, NANTES)
    with pytest.raises(KilledError):
        publish(abandoned, bench.dataset, bench.store, bench.address, _die_at_upload)
    version = bench.version(ANGERS, NANTES, RENNES)
    bench.publish(version)
    bench.check_whole(version)
    kept = bench.show(f"{bench.dataset.name}-versions")
    assert kept is not None
    assert {r["name"].split("/")[0] for r in kept["resources"]} == {"1.0.0", "1.1.0", version.version}
    assert "version 1.1.0 is not whole on the portal: its files are brought first" in bench.said
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
    assert bench.publish(version).unchanged


def _die_at_upload(line: str) -> None:
    if line.startswith("uploaded"):
        raise KilledError


def test_a_publisher_that_is_really_killed_leaves_a_lease_that_its_own_store_takes_over(bench: Bench) -> None:
    version = bench.version(ANGERS)
    script = f"""
        import os, signal
        from pathlib import Path
        from glane.store import FolderStore, Store
        from publish.ckan.address import PortalAddress
        from publish.ckan.publication import publish
        from publish.version import current
        from schemas.dataset import load_dataset
        dataset = load_dataset(Path({str(bench.dataset.folder)!r}))
        store = FolderStore(Path({str(bench.store.root)!r}))
        address = PortalAddress({bench.portal.url!r}, os.environ["TOKEN"])
        version = current(store, dataset.name)
        die = lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == "flip" else None
        publish(version, dataset, store, address, lambda line: None, before=die)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TOKEN": bench.portal.token},
    )
    assert killed.returncode == -signal.SIGKILL
    assert bench.read() is None
    receipt = bench.publish(version)
    assert "taking over the lease of a publisher that is dead" in bench.said
    assert receipt.sent == 0
    bench.check_whole(version)


def test_of_two_publishers_at_once_one_wins_and_the_other_is_told(bench: Bench, tmp_path: Path) -> None:
    bench.publish(bench.version(ANGERS))
    version = bench.version(ANGERS, NANTES)
    other = FolderStore(tmp_path / "other")
    build_version(bench.dataset, [contribute(bench.dataset, "a", [ANGERS])], other, created=DAY)
    theirs = build_version(
        bench.dataset, [contribute(bench.dataset, "a", [ANGERS, RENNES])], other, created=DAY
    ).version
    told: list[str] = []

    def meanwhile(step: str) -> None:
        if step == "datastore":
            with pytest.raises(BusyError, match="Another publisher has been putting version 1.1.0") as refused:
                bench.publish(theirs, store=other)
            told.append(refused.value.remedy)

    publish(version, bench.dataset, bench.store, bench.address, bench.said.append, before=meanwhile)
    assert told == ["Publish from one store only. If that publisher is dead, its lease ends an hour after it began."]
    bench.check_whole(version)


def test_a_number_that_stood_for_other_content_before_the_store_was_brought_back_is_told(
    bench: Bench, tmp_path: Path
) -> None:
    bench.publish(bench.version(ANGERS))
    copy = shutil.copytree(bench.store.root, tmp_path / "copy")
    bench.publish(bench.version(ANGERS, NANTES))
    assert not any("does not know" in line for line in bench.said)
    older = FolderStore(copy)
    rows = [contribute(bench.dataset, "a", [ANGERS, RENNES])]
    other = build_version(bench.dataset, rows, older, created=DAY).version
    bench.publish(other, store=older)
    (told,) = [line for line in bench.said if "does not know" in line]
    assert "showed a version 1.1.0 that this store does not know" in told
    assert [row["nom"] for row in bench.rows()] == [ANGERS["nom"], RENNES["nom"]]


def test_a_publisher_that_lost_its_lease_does_not_flip(bench: Bench) -> None:
    bench.publish(bench.version(ANGERS))
    version = bench.version(ANGERS, NANTES)

    def robbed(step: str) -> None:
        if step == "flip":
            page = bench.show()
            assert page is not None
            requests.post(
                f"{bench.portal.url}/api/3/action/resource_patch",
                json={"id": page["resources"][0]["id"], "glane_publishing": "somebody else"},
                headers={"Authorization": bench.portal.token},
                timeout=30,
            ).raise_for_status()

    with pytest.raises(BusyError, match="Somebody changed"):
        publish(version, bench.dataset, bench.store, bench.address, bench.said.append, before=robbed)
    assert bench.read() == "1.0.0"


@pytest.mark.long
def test_a_table_that_comes_later_gets_its_own_resource_and_is_filled(portal: Portal, tmp_path: Path) -> None:
    bench = Bench(portal, tmp_path)
    bench.publish(bench.version(ANGERS))
    bench.dataset = declare(tmp_path / "schemas", declaration=DECLARATION, name=bench.dataset.name)
    later = build_version(bench.dataset, parts(bench.dataset, ANGERS), bench.store, created=DAY).version
    with pytest.raises(KilledError):
        bench.publish(later, kill="flip")
    page = bench.show()
    assert page is not None
    states = {r["glane_key"]: r["glane_datastore"] for r in page["resources"] if r.get("glane_datastore")}
    assert states == {"sites.csv": "updating", "national.csv@next": "updating", "visites.csv@next": "updating"}
    assert bench.read() == "1.0.0"
    bench.publish(later)
    assert bench.read() == "1.1.0"
    assert [row["id"] for row in bench.rows("visites")] == ["v1"]
    assert [row["id"] for row in bench.rows("national")] == ["a--1", "b--1"]


def test_a_token_without_rights_is_told_so(bench: Bench) -> None:
    version = bench.version(ANGERS)
    bench.address = PortalAddress(bench.portal.url, "not-a-token")
    with pytest.raises(RightsError) as refused:
        bench.publish(version)
    assert "not-a-token" not in f"{refused.value} {bench.address!r}"
    bench.address = PortalAddress(bench.portal.url, bench.portal.token, "no-such-organisation")
    with pytest.raises(RightsError, match=f"It may publish in: {bench.portal.organisation}"):
        bench.publish(version)


def test_a_dataset_that_is_not_ours_or_was_deleted_is_left_alone(bench: Bench) -> None:
    version = bench.version(ANGERS)
    headers = {"Authorization": bench.portal.token}
    api = f"{bench.portal.url}/api/3/action"
    made = {"name": bench.dataset.name, "owner_org": bench.portal.organisation, "notes": "Ours since 2015"}
    requests.post(f"{api}/package_create", json=made, headers=headers, timeout=30).raise_for_status()
    with pytest.raises(PortalError, match="was not made by Glane"):
        bench.publish(version)
    requests.post(f"{api}/package_delete", json={"id": bench.dataset.name}, headers=headers, timeout=30)
    with pytest.raises(PortalError, match="was deleted on the portal"):
        bench.publish(version)


@pytest.mark.long
def test_versions_roll_over_to_a_second_page_and_old_addresses_stay(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.version(ANGERS)
    bench.publish(first)
    page = bench.show()
    assert page is not None
    address = page["resources"][0]["url"]
    monkeypatch.setattr(layout, "ROLL_OVER", len(layout.public_files(first)) + 1)
    second = bench.version(ANGERS, NANTES)
    bench.publish(second)
    assert bench.publish(second).unchanged
    kept = [bench.show(layout.archive_name(bench.dataset.name, number)) for number in (1, 2)]
    assert [{r["name"].split("/")[0] for r in one["resources"]} if one else None for one in kept] == [
        {"1.0.0"},
        {"1.1.0"},
    ]
    assert bench.read() == "1.1.0"
    every = f"{bench.portal.url}/dataset/?glane_versions_of={bench.dataset.name}"
    page = bench.show()
    assert page is not None
    assert f"[Every version, with what each one changed]({every})" in page["notes"]
    listing = requests.get(every, timeout=30).text
    assert [f'"/dataset/{one["name"]}"' in listing for one in kept if one] == [True, True]
    assert f'"/dataset/{bench.dataset.name}"' not in listing
    assert requests.get(address, timeout=30).status_code == 200
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
