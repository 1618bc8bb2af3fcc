"""A reader of one département has one address for ever, and a département in which nothing changed costs nothing."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from publish.ckan.departments import publish_departments
from publish.version import Version
from tests.fixtures_portal import Portal
from tests.publish.material import Cells
from tests.publish.test_publication import ONE_TABLE, Bench, KilledError

pytestmark = pytest.mark.portal

DECLARED = ONE_TABLE.replace(
    "formats: [csv, xlsx]", "formats: [csv, departements]\n    territory: {postcode: code_postal}"
)
ANGERS: Cells = {"id": "a--1", "nom": "Médiathèque", "code_postal": "49100", "source": "angers"}
NANTES: Cells = {"id": "n--1", "nom": "Maison du numérique", "code_postal": "44000", "source": "nantes"}
HEADER = b"id,nom,code_postal,latitude,longitude,ouvert,places,date_maj,source,attribution\n"


class Departments:
    """The page of a dataset's départements, and what its readers get."""

    def __init__(self, portal: Portal, folder: Path) -> None:
        self.bench = Bench(portal, folder, DECLARED)
        self.name = f"{self.bench.dataset.name}-departements"

    def publish(self, *rows: Cells, kill: str | None = None) -> Version:
        """A version of these rows, shown there; `kill` is how the last thing begins that is said before the end."""
        version = self.bench.version(*rows)
        if self.bench.show() is None:
            self.bench.publish(version)

        def say(line: str) -> None:
            self.bench.said.append(line)
            if kill is not None and line.startswith(kill):
                raise KilledError(line)

        publish_departments(version, self.bench.dataset, self.bench.store, self.bench.address, say)
        return version

    def resources(self, name: str | None = None) -> dict[str, dict[str, Any]]:
        page = self.bench.show(name or self.name)
        return {one.get("glane_key") or one["name"]: one for one in page["resources"]} if page else {}

    def read(self) -> dict[str, bytes]:
        """What a reader downloads from each file's own address, held against the hash that the page tells."""
        found = {}
        for key, one in self.resources().items():
            address = f"{self.bench.portal.url}/dataset/{self.name}/resource/{one['id']}/download"
            found[key] = requests.get(address, timeout=30).content
            assert hashlib.sha256(found[key]).hexdigest() == one["sha256"]
        return found


def row(cells: Cells) -> bytes:
    return f"{cells['id']},{cells['nom']},{cells['code_postal']},,,,,,{cells['source']},\n".encode()


def test_a_departement_has_one_address_for_ever_and_bytes_that_change_only_with_it(
    portal: Portal, tmp_path: Path
) -> None:
    page = Departments(portal, tmp_path)
    with pytest.raises(KilledError):
        page.publish(ANGERS, NANTES, kill="uploaded")
    assert page.bench.show(page.name) is None, "nobody sees a page without files"
    page.publish(ANGERS, NANTES)
    assert sum("uploaded 2 files" in line for line in page.bench.said) == 1
    first = page.resources()
    assert page.read() == {
        "sites-departement-44.csv": HEADER + row(NANTES),
        "sites-departement-49.csv": HEADER + row(ANGERS),
    }
    assert first["sites-departement-44.csv"]["name"] == "44 Loire-Atlantique – Lieux · Sites (CSV)"

    moved: Cells = {**ANGERS, "nom": "Médiathèque Toussaint"}
    with pytest.raises(KilledError):
        page.publish(moved, NANTES, kill="uploaded")
    assert page.read()["sites-departement-49.csv"] == HEADER + row(ANGERS), (
        "the old version or the new one, never a mix"
    )
    version = page.publish(moved, NANTES)
    second = page.resources()
    assert {key: one["id"] for key, one in second.items()} == {key: one["id"] for key, one in first.items()}
    assert page.read()["sites-departement-49.csv"] == HEADER + row(moved)
    assert second["sites-departement-44.csv"]["url"] == first["sites-departement-44.csv"]["url"]
    shown = page.bench.show(page.name)
    assert shown is not None
    assert (shown["version"], shown["private"]) == (version.version, False)
    sent = len(page.bench.said)
    page.publish(moved, NANTES)
    assert not any("files" in line for line in page.bench.said[sent:])

    page.publish(moved)
    assert page.read() == {
        "sites-departement-44.csv": HEADER,
        "sites-departement-49.csv": HEADER + row(moved),
    }
    kept = page.resources(f"{page.name}-files")
    assert len(kept) == 3, "what no link leads to goes one publication later"
