"""What people find on the pages of a real portal, in a French and in an English interface, back to every version."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from publish.build import build_version
from publish.ckan import layout, place
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.faults import PortalError
from tests.fixtures_portal import Portal
from tests.publish.loopback import Answer, Request, passed_on, serving
from tests.publish.material import DECLARATION, Cells
from tests.publish.test_build import ANGERS, NANTES, parts
from tests.publish.test_publication import Bench

pytestmark = pytest.mark.portal

FRENCH = """\
Lieux d'essai · Trial sites
Des lieux pour les essais.
Version du 22 novembre 2026 (1.1.0).
sites : 1 ligne ajoutée, 1 ligne modifiée, 1 ligne retirée ; 3 lignes en tout
Lieux (3 lignes) : Tous les lieux.
Données de a, sous Licence Ouverte / Open Licence 2.0, données du 20 novembre 2026
Données de b, sous Licence Ouverte / Open Licence 2.0, données du 20 novembre 2026
Mise à jour : chaque jour
Période : données reçues le 20 novembre 2026
Étendue : latitude de 46,2° à 46,2°, longitude de 5,2° à 5,2°
Langue des données : français
Contact : Hubikoop, donnees@example.org
Lieux : 3 lignes reçues, 3 publiées
21 novembre 2026 (1.0.1)
20 novembre 2026 (1.0.0)
Toutes les versions, avec ce que chacune change
Écrivez-nous.
Citez les sources.
Verser dans Wikidata ou les données structurées de Wikimedia Commons : non (etalab-2.0)
Verser dans OpenStreetMap : oui, sous conditions (etalab-2.0)
Utiliser dans un produit ou service payant : oui, sous conditions (etalab-2.0)
Entraîner un modèle d'apprentissage : oui, sous conditions (etalab-2.0)"""
ENGLISH = """\
Sites for trials.
Version of 22 November 2026 (1.1.0).
sites: 1 row added, 1 row changed, 1 row removed; 3 rows in all
Sites (3 rows): All sites.
Données de a, under Licence Ouverte / Open Licence 2.0, data of 20 November 2026
Données de b, under Licence Ouverte / Open Licence 2.0, data of 20 November 2026
Updated: daily
Period: data received on 20 November 2026
Extent: latitude 46.2° to 46.2°, longitude 5.2° to 5.2°
Language of the data: French
Contact: Hubikoop, donnees@example.org
Sites: 3 received, 3 published
21 November 2026 (1.0.1)
20 November 2026 (1.0.0)
Every version, with what each one changed
Write to us.
Credit the sources.
Put into Wikidata or the structured data of Wikimedia Commons: no (etalab-2.0)
Put into OpenStreetMap: yes, on conditions (etalab-2.0)
Use in a product or service that is paid for: yes, on conditions (etalab-2.0)
Train a machine-learning model: yes, on conditions (etalab-2.0)"""


class Page:
    """A page as a browser gets it: its words, on one line, and where its links lead."""

    def __init__(self, url: str) -> None:
        answer = requests.get(url, timeout=60)
        assert answer.status_code == 200, url
        bare = re.sub(r"<(script|style)\b.*?</\1>", "", answer.text, flags=re.DOTALL)
        self.links = {html.unescape(link) for link in re.findall(r'href="([^"]+)"', bare)}
        words = html.unescape(re.sub(r"<[^>]+>", " ", bare))
        self.words = re.sub(r"\s+([,.)])", r"\1", " ".join(words.split())).replace("( ", "(")


@pytest.fixture(scope="module")
def bench(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Three versions on the portal, a day apart: a cell changes in the second, rows come and go in the third."""
    bench = Bench(portal, tmp_path_factory.mktemp("pages"), DECLARATION)
    more: Cells = {"id": "a--3", "nom": "Neuf"}
    for day, rows in (
        (20, [ANGERS, NANTES]),
        (21, [{**ANGERS, "places": "99"}, NANTES]),
        (22, [{**ANGERS, "places": "7"}, more]),
    ):
        created = f"2026-11-{day}T06:00:00+00:00"
        bench.publish(build_version(bench.dataset, parts(bench.dataset, *rows), bench.store, created=created).version)
    return bench


def test_the_page_says_all_there_is_to_know_in_both_languages_whatever_that_of_the_interface(bench: Bench) -> None:
    for language, own in (("", "Jeux de données"), ("en/", "Datasets")):
        page = Page(f"{bench.portal.url}/{language}dataset/{bench.dataset.name}")
        assert own in page.words
        assert [line for line in (FRENCH + "\n" + ENGLISH).splitlines() if line not in page.words] == []
        assert page.words.index("Des lieux pour les essais.") < page.words.index("Sites for trials.")
        assert "https://www.etalab.gouv.fr/licence-ouverte-open-licence" in page.links


def test_the_page_leads_to_every_older_version_and_its_files(bench: Bench) -> None:
    page = Page(f"{bench.portal.url}/dataset/{bench.dataset.name}")
    kept = bench.show(f"{bench.dataset.name}-versions")
    assert kept is not None
    address = {one["name"]: one["url"] for one in kept["resources"]}
    for number in ("1.0.0", "1.0.1"):
        assert {address[f"{number}/changelog.fr.md"], address[f"{number}/changelog.en.md"]} <= page.links
    archive = f"{bench.portal.url}/dataset/{bench.dataset.name}-versions"
    assert archive in page.links
    versions = Page(archive)
    assert f"{bench.portal.url}/dataset/{bench.dataset.name}" in versions.links
    led_to = {link.rsplit("/", 1)[1] for link in versions.links if "/resource/" in link}
    assert led_to >= {one["id"] for one in kept["resources"]}
    assert {name.split("/")[0] for name in address} == {"1.0.0", "1.0.1", "1.1.0"}
    assert requests.get(address["1.0.0/" + bench.dataset.name + "-sites.csv"], timeout=60).text.count("\n") == 4
    quality = requests.get(address["1.0.0/quality.fr.html"], timeout=60)
    assert quality.headers["Content-Type"].startswith("text/html")
    assert quality.headers["Content-Disposition"].startswith("inline")
    assert "<h1>Qualité : Lieux d&#x27;essai</h1>" in quality.content.decode()


def test_the_page_of_a_file_carries_its_version_hash_size_licence_and_quality(bench: Bench) -> None:
    page = bench.show()
    assert page is not None
    for resource in page["resources"]:
        for language in ("", "en/"):
            found = Page(f"{bench.portal.url}/{language}dataset/{bench.dataset.name}/resource/{resource['id']}")
            assert resource["sha256"] in found.words
            assert "(1.1.0)" in found.words
            assert "Licence Ouverte / Open Licence 2.0" in found.words
            assert re.search(r"(?i)\b(size|taille)\b", found.words), found.words
    (table,) = [one for one in page["resources"] if one["glane_key"] == "sites.csv"]
    words = Page(f"{bench.portal.url}/dataset/{bench.dataset.name}/resource/{table['id']}").words
    assert "Lieux (3 lignes, version du 22 novembre 2026 (1.1.0)) : Tous les lieux. 3 lignes reçues" in words
    assert "Sites (3 rows, version of 22 November 2026 (1.1.0)): All sites. 3 received" in words
    for line in (
        "Crédits : Données de a ; Données de b ; Données de visiteurs",
        "Mise à jour : chaque jour Période : données reçues le 20 novembre 2026 Étendue : latitude de 46,2°",
        "Contact : Hubikoop, donnees@example.org Ce qui a changé, et chaque version plus ancienne",
        "Language of the data: French Contact: Hubikoop, donnees@example.org What changed, and every older version",
    ):
        assert line in words


def test_the_page_says_the_same_to_programs(bench: Bench) -> None:
    page = bench.show()
    assert page is not None
    extras = {extra["key"]: extra["value"] for extra in page["extras"]}
    ring = [[5.2, 46.2]] * 5
    assert json.loads(extras.pop("spatial")) == {"type": "Polygon", "coordinates": [ring]}
    assert {key: extras[key] for key in sorted(extras) if not key.startswith("glane_")} == {
        "access_rights": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
        "attribution": "Données de a | Données de b | Données de visiteurs",
        "contact_email": "donnees@example.org",
        "contact_name": "Hubikoop",
        "frequency": "http://publications.europa.eu/resource/authority/frequency/DAILY",
        "identifier": bench.dataset.name,
        "issued": "2026-11-20T06:00:00+00:00",
        "language": "http://publications.europa.eu/resource/authority/language/FRA",
        "license_url": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
        "modified": "2026-11-22T06:00:00+00:00",
        "provenance": "Données de a | Données de b | Données de visiteurs",
        "publisher_email": "donnees@example.org",
        "publisher_name": "Hubikoop",
        "temporal_end": "2026-11-20",
        "temporal_start": "2026-11-20",
        "uri": f"{bench.portal.url}/dataset/{bench.dataset.name}",
        "version_notes": extras["version_notes"],
    }
    assert "sites: 1 row added, 1 row changed, 1 row removed" in extras["version_notes"]


def test_who_searches_for_the_title_s_words_finds_the_dataset_before_its_versions(bench: Bench) -> None:
    found = requests.get(
        f"{bench.portal.url}/api/3/action/package_search",
        {"q": "lieux essai", "fq": f"+name:{bench.dataset.name}*"},
        timeout=60,
    ).json()["result"]["results"]
    assert found[0]["name"] == bench.dataset.name


@pytest.mark.long
def test_a_publication_looks_at_the_last_pages_of_versions_only(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(portal, tmp_path)
    asked: list[str] = []
    find = Api.find

    def watched(api: Api, action: str, **data: object) -> object:
        asked.append(str(data.get("id")))
        return find(api, action, **data)

    monkeypatch.setattr(Api, "find", watched)
    monkeypatch.setattr(place, "SHOWN", 1)
    first = bench.version(ANGERS)
    monkeypatch.setattr(layout, "ROLL_OVER", len(layout.public_files(first)) + 1)
    bench.publish(first)
    for places in range(1, 5):
        asked.clear()
        version = bench.version({**ANGERS, "places": str(places)})
        bench.publish(version)
    pages = {name.removeprefix(f"{bench.dataset.name}-versions") for name in asked if "-versions" in name}
    assert pages == {"-4", "-5"}
    assert bench.read() == version.version == "1.0.4"
    assert bench.publish(version).unchanged


def test_a_page_of_versions_that_somebody_edited_is_put_right_with_the_next_version(
    portal: Portal, tmp_path: Path
) -> None:
    bench = Bench(portal, tmp_path)
    bench.publish(bench.version(ANGERS))
    name = f"{bench.dataset.name}-versions"
    before = bench.show(name)
    assert before is not None
    requests.post(
        f"{portal.url}/api/3/action/package_patch",
        json={"id": name, "title": "Hacked", "tags": [], "extras": [{"key": "theirs", "value": "kept"}]},
        headers={"Authorization": portal.token},
        timeout=30,
    ).raise_for_status()
    bench.publish(bench.version(ANGERS, NANTES))
    after = bench.show(name)
    assert after is not None
    assert (after["title"], [tag["name"] for tag in after["tags"]]) == (before["title"], ["glane-versions"])
    extras = {extra["key"]: extra["value"] for extra in after["extras"]}
    assert extras == {extra["key"]: extra["value"] for extra in before["extras"]} | {"theirs": "kept"}


def test_reached_at_another_address_than_its_own_every_link_is_the_portal_s_own_and_every_request_goes_where_we_said(
    portal: Portal, tmp_path: Path
) -> None:
    bench = Bench(portal, tmp_path)
    with serving(lambda request: passed_on(request, portal.url)) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        version = bench.version(ANGERS)
        receipt = bench.publish(version)
        reads = [request.path for request in proxy.seen if request.method == "GET"]
        assert bench.publish(version).unchanged
    assert receipt.url == f"{portal.url}/dataset/{bench.dataset.name}"
    assert all(url.startswith(f"{portal.url}/dataset/") for url in receipt.resources.values())
    assert len(reads) >= len(layout.public_files(version))
    assert bench.read() == "1.0.0"


def test_fields_that_a_portal_does_not_keep_are_named(portal: Portal, tmp_path: Path) -> None:
    def forgetful(request: Request) -> Answer:
        return _forgetting(passed_on(request, portal.url), {"sha256", "conforms_to", "spatial"})

    bench = Bench(portal, tmp_path)
    with serving(forgetful) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        receipt = bench.publish(bench.version(ANGERS))
    assert set(receipt.dropped) == {"conforms_to", "extras", "sha256"}
    assert "the portal did not keep: conforms_to, extras, sha256" in bench.said
    assert bench.read() == "1.0.0"


def test_a_portal_that_keeps_no_fields_of_ours_is_refused_before_anything_is_uploaded(
    portal: Portal, tmp_path: Path
) -> None:
    def forgetful(request: Request) -> Answer:
        return _forgetting(passed_on(request, portal.url), {"glane_publishing"})

    bench = Bench(portal, tmp_path)
    with serving(forgetful) as proxy:
        bench.address = PortalAddress(proxy.url, portal.token)
        with pytest.raises(PortalError, match="does not keep fields of our own on resources"):
            bench.publish(bench.version(ANGERS))
        assert not any(b"filename=" in request.body for request in proxy.seen)
    assert bench.read() is None


def _forgetting(answer: Answer, names: set[str]) -> Answer:
    """What a portal answers that does not keep the fields and extras of these names."""

    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [without(one) for one in value if not (isinstance(one, dict) and one.get("key") in names)]
        if isinstance(value, dict):
            return {key: without(one) for key, one in value.items() if key not in names}
        return value

    if answer.headers.get("Content-Type", "").startswith("application/json") and answer.body.startswith(b'{"help"'):
        answer.body = json.dumps(without(json.loads(answer.body))).encode()
    return answer
