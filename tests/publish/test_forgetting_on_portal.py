"""A portal after a forgetting: no file that it serves or keeps, no table and no page tells of the person."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from publish.ckan.address import PortalAddress
from publish.ckan.forgetting import Cleared, DepositFiles, clear_portal
from publish.forgetting.versions import forget_in_versions
from publish.verify import verify_portal, verify_store
from publish.version import listed
from tests.fixtures_portal import Portal, call
from tests.pipelines.depositors import depositing
from tests.publish.material import Cells
from tests.publish.test_forgetting import holding, opened, zoe
from tests.publish.test_publication import Bench, KilledError

pytestmark = [pytest.mark.portal, pytest.mark.long]

MARKED = "Marqueplanté"
ZOE: Cells = {"id": "a--1", "nom": f"{MARKED} conseil", "code_postal": "01000", "places": "1", "source": "a"}
OTHER: Cells = {"id": "a--12", "nom": "Le Fil", "code_postal": "35000", "places": "3", "source": "a"}
QUAI: Cells = {"id": "a--3", "nom": "Quai", "code_postal": "44000", "places": "4", "source": "a"}


def kept_files(portal: Portal) -> list[Path]:
    """Every file that was uploaded to the portal and is on its disk."""
    return [path for path in portal.status.home.rglob("*") if path.is_file() and "resources" in path.parts]


def tells(path: Path) -> bool:
    return MARKED.casefold() in opened(path.read_bytes()).casefold()


def on_pages(bench: Bench, *names: str) -> list[str]:
    """The files, tables and pages of the portal that tell of the person to whoever asks."""
    found = []
    for name in names:
        page: dict[str, Any] = call(bench.portal, "package_show", id=name)
        found += [name] if MARKED in str(page) else []
        for one in page["resources"]:
            headers = {"Authorization": bench.portal.sysadmin_token}
            got = requests.get(one["url"], headers=headers, timeout=30)
            rows = (
                call(bench.portal, "datastore_search", resource_id=one["id"]) or {} if one["datastore_active"] else {}
            )
            if MARKED.casefold() in opened(got.content).casefold() or MARKED in str(rows):
                found.append(f"{name}/{one['name']}")
    return found


@pytest.mark.timeout(900)
def test_a_portal_tells_of_nobody_who_was_forgotten(portal: Portal, tmp_path: Path) -> None:
    bench = Bench(portal, tmp_path)
    for rows in ([OTHER], [ZOE, OTHER], [ZOE, OTHER, QUAI]):
        bench.publish(bench.version(*rows))
    name, kept = bench.dataset.name, f"{bench.dataset.name}-versions"
    before = {path for path in kept_files(portal) if tells(path)}
    assert before
    assert on_pages(bench, name, kept)
    with bench.store.writer():
        assert forget_in_versions(bench.dataset, bench.store, zoe(bench.dataset, bench.store, asked="a--1"))
    assert holding(bench.store, MARKED) == []

    with depositing(portal) as deposit:
        upload = deposit.upload("lieux.csv", f"id,nom\n1,{MARKED}\n".encode())
        page = deposit.shown()["resources"][0]
        data = requests.get(page["url"], headers={"Authorization": deposit.glane}, timeout=30).content
        bench.store.write("raw/essai/a/blank", b"id,nom\n\n")
        files = DepositFiles(deposit.name, f"{name}/a", {}, {hashlib.sha256(data).hexdigest(): "raw/essai/a/blank"})
        address = PortalAddress(portal.url, deposit.glane, portal.organisation)
        killed: list[str] = []

        def step(what: str) -> None:
            # What follows is a publication, whose own kills test_publication.py has.
            if what not in killed and what != "departments":
                killed.append(what)
                raise KilledError(what)

        done: Cleared | None = None
        while done is None:
            try:
                done = clear_portal(bench.dataset, bench.store, address, [files], bench.said.append, step)
            except KilledError:
                continue
        assert killed == ["archives", "deposits", "rebuild"]
        status, text = deposit.download(call(portal, "resource_show", id=upload)["url"], deposit.partner)
        assert (status, text) == (200, "id,nom\n\n")
    assert [path for path in kept_files(portal) if tells(path)] == []
    assert on_pages(bench, name, kept) == []
    assert [row["id"] for row in bench.rows()] == ["a--12", "a--3"]
    assert verify_portal(bench.store, name, bench.address) == []
    assert verify_store(bench.store, name) == []
    assert bench.read() == listed(bench.store, name)[-1].version
