"""A portal that was emptied or brought back from an old backup is made whole; one that is to be used is looked at."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from glane.errors import CallError
from glane.store import FolderStore
from publish.ckan.address import PortalAddress
from publish.ckan.api import Patience
from publish.ckan.probe import Finding, probe
from publish.ckan.rebuild import StoreDamagedError, rebuild
from publish.verify import verify_portal
from tests.fixtures_portal import Portal, call, free_port
from tests.publish.material import declare
from tests.publish.test_build import ANGERS, NANTES, RENNES
from tests.publish.test_publication import ONE_TABLE, Bench

pytestmark = pytest.mark.portal

HASTY = Patience(connect=1.0, answer=5.0, pauses=())


@pytest.fixture
def bench(portal: Portal, tmp_path: Path) -> Bench:
    bench = Bench(portal, tmp_path)
    for rows in ([ANGERS], [ANGERS, NANTES]):
        bench.publish(bench.version(*rows))
    return bench


def test_a_portal_that_lost_everything_gets_every_version_again(bench: Bench) -> None:
    version = bench.version(ANGERS, NANTES, RENNES)
    for name in (bench.dataset.name, f"{bench.dataset.name}-versions"):
        call(bench.portal, "dataset_purge", id=name)
    done = rebuild(bench.dataset, bench.store, bench.address, bench.said.append)
    assert (done.receipt.version, done.versions) == ("1.2.0", ("1.0.0", "1.1.0"))
    bench.check_whole(version)
    kept = bench.show(f"{bench.dataset.name}-versions")
    assert kept is not None
    assert {r["name"].split("/")[0] for r in kept["resources"]} == {"1.0.0", "1.1.0", "1.2.0"}
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
    again = rebuild(bench.dataset, bench.store, bench.address, bench.said.append)
    assert (again.sent, again.versions) == (0, ())


@pytest.mark.long
def test_a_portal_of_last_week_is_brought_forward_whatever_it_says_of_itself(bench: Bench) -> None:
    """The pages say that version 1.1.0 is all there; its table is another one, and a file is gone."""
    page, kept = bench.show(), bench.show(f"{bench.dataset.name}-versions")
    assert page is not None
    assert kept is not None
    identifier = page["resources"][0]["id"]
    call(bench.portal, "datastore_upsert", resource_id=identifier, force=True, method="upsert", records=[{"id": "z"}])
    lost = next(r for r in kept["resources"] if r["name"].startswith("1.0.0/") and r["name"].endswith(".csv"))
    (stored,) = bench.portal.status.home.rglob(f"resources/{lost['id'][:3]}/{lost['id'][3:6]}/{lost['id'][6:]}")
    stored.unlink()
    assert [Path(fault.where).name for fault in verify_portal(bench.store, bench.dataset.name, bench.address)] == [
        f"{bench.dataset.name}-sites.csv"
    ]
    done = rebuild(bench.dataset, bench.store, bench.address, bench.said.append)
    assert (done.versions, dict(done.receipt.datastore)) == (("1.0.0",), {"sites": "reload"})
    assert [row["id"] for row in bench.rows()] == ["a--1", "a--2"]
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []


def test_nothing_is_rebuilt_from_a_damaged_store_or_from_none(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(CallError, match="has no version yet"):
        rebuild(bench.dataset, FolderStore(tmp_path / "none"), bench.address, bench.said.append)
    bench.store.local(f"versions/{bench.dataset.name}/1.0.0/changelog.en.md").unlink()
    with pytest.raises(StoreDamagedError, match=r"changelog\.en\.md: The file is missing"):
        rebuild(bench.dataset, bench.store, bench.address, bench.said.append)


def test_the_feeds_on_the_page_lead_to_it_and_list_what_to_erase(bench: Bench) -> None:
    bench.publish(bench.version(ANGERS))
    page = bench.show()
    assert page is not None
    stable = {
        r["glane_key"]: f"{bench.portal.url}/dataset/{page['name']}/resource/{r['id']}/download"
        for r in page["resources"]
    }
    root = ElementTree.fromstring(requests.get(stable["feed.xml"], timeout=30).content)
    atom = "{http://www.w3.org/2005/Atom}"
    assert len(root.findall(f"{atom}entry")) == 3
    assert {link.get("href") for link in root.iter(f"{atom}link")} == {f"{bench.portal.url}/dataset/{page['name']}"}
    gone = requests.get(stable["withdrawn.csv"], timeout=30).text.splitlines()
    assert [line.rsplit(",", 1)[0] for line in gone[1:]] == ["sites,a--2,1.2.0"]
    assert "**Cite as.** Hubikoop, “Trial sites”, version of 21 November 2026 (1.2.0)." in page["notes"]


def by_subject(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings}


def test_a_portal_is_looked_at_and_nothing_is_written(bench: Bench, tmp_path: Path) -> None:
    before = json.dumps([bench.show(), bench.show(f"{bench.dataset.name}-versions")])
    version = bench.version(ANGERS)
    found = by_subject(probe(bench.dataset, version, bench.address))
    assert {name: finding.state for name, finding in found.items() if finding.state != "ok"} == {}
    assert found["page"].what == "It shows version 1.1.0."
    assert found["rights"].what == f"The token may publish in {bench.portal.organisation}."
    assert "the portal has taken" in found["uploads"].what
    assert json.dumps([bench.show(), bench.show(f"{bench.dataset.name}-versions")]) == before
    fresh = declare(tmp_path / "fresh", declaration=ONE_TABLE, name=f"{bench.dataset.name}-new")
    found = by_subject(probe(fresh, None, bench.address))
    assert (found["page"].state, found["uploads"].state) == ("ok", "look")


def test_what_would_fail_is_said_before(bench: Bench) -> None:
    version = bench.version(ANGERS)
    nobody = by_subject(probe(bench.dataset, version, PortalAddress(bench.portal.url, "not-a-token")))
    assert nobody["rights"].state == "no"
    elsewhere = PortalAddress(bench.portal.url.replace("127.0.0.1", "localhost"), bench.portal.token)
    if elsewhere.url != bench.portal.url:
        assert by_subject(probe(bench.dataset, version, elsewhere))["site_url"].state == "look"
    call(bench.portal, "package_delete", id=bench.dataset.name)
    assert by_subject(probe(bench.dataset, version, bench.address))["page"].state == "no"
    (silent,) = probe(bench.dataset, version, PortalAddress(f"http://127.0.0.1:{free_port()}", "token"), patience=HASTY)
    assert (silent.subject, silent.state) == ("address", "no")
