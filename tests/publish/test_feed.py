"""What reusers follow: each version told in an Atom feed, withdrawn keys listed, each version citable."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from glane.store import FolderStore, Store
from publish import feed
from publish.build import build_version
from publish.version import current
from tests.publish.material import contribute, declare
from tests.publish.test_build import ANGERS, DAY, NANTES, RENNES

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    dataset, store = declare(tmp_path / "schemas"), FolderStore(tmp_path / "store")
    for rows in ([ANGERS, RENNES], [ANGERS, NANTES], [ANGERS], [ANGERS, RENNES]):
        build_version(dataset, [contribute(dataset, "a", rows)], store, created=DAY)
    return store


def test_the_feed_tells_of_each_version_with_its_counts_the_newest_first(store: Store) -> None:
    root = ElementTree.fromstring(store.read("versions/essai/1.2.0/feed.xml"))
    assert root.findtext(f"{ATOM}title") == "Lieux d'essai · Trial sites"
    entries = root.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        f"version du 21 novembre 2026 ({number}) · version of 21 November 2026 ({number})"
        for number in ("1.2.0", "1.1.0", "1.0.0")
    ]
    assert [
        line for line in (entries[1].findtext(f"{ATOM}content") or "").splitlines() if line.startswith("sites")
    ] == [
        "sites : 1 ligne ajoutée, 1 ligne retirée ; 2 lignes en tout",
        "sites: 1 row added, 1 row removed; 2 rows in all",
    ]
    names = [element.text for element in (root, *entries) for element in element.findall(f"{ATOM}id")]
    assert len(set(names)) == 4
    assert all(str(name).startswith("urn:uuid:") for name in names)


def test_an_entry_stays_the_same_in_every_later_feed(store: Store) -> None:
    first = ElementTree.fromstring(store.read("versions/essai/1.0.0/feed.xml")).findall(f"{ATOM}entry")
    last = ElementTree.fromstring(store.read("versions/essai/1.3.0/feed.xml")).findall(f"{ATOM}entry")
    assert ElementTree.tostring(first[0]).strip() == ElementTree.tostring(last[-1]).strip()


def test_a_feed_holds_the_last_versions_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_ENTRIES", 2)
    told = feed.told_before(store, current(store, "essai"))
    assert [one["version"] for one in told] == ["1.3.0"]


def test_on_a_portal_the_feed_and_its_entries_lead_to_the_page(store: Store) -> None:
    page = "https://portal.example.org/dataset/essai"
    shown = feed.at(store.read("versions/essai/1.1.0/feed.xml"), page)
    links = [link.attrib for link in ElementTree.fromstring(shown).iter(f"{ATOM}link")]
    assert links == [{"rel": "alternate", "href": page}] * 3
    assert b'xmlns="http://www.w3.org/2005/Atom"' in shown


def test_withdrawn_keys_are_listed_until_they_come_back_and_nothing_else_of_their_rows(store: Store) -> None:
    header, day = "table,key,version,withdrawn\n", "2026-11-21"
    listed = [store.read(f"versions/essai/1.{number}.0/withdrawn.csv").decode() for number in range(4)]
    assert listed == [
        header,
        f"{header}national,b--1,1.1.0,{day}\nsites,b--1,1.1.0,{day}\n",
        f"{header}national,b--1,1.1.0,{day}\nsites,a--2,1.2.0,{day}\nsites,b--1,1.1.0,{day}\n",
        f"{header}sites,a--2,1.2.0,{day}\n",
    ]


def test_each_version_says_how_to_cite_it(store: Store) -> None:
    value = yaml.safe_load(store.read("versions/essai/1.1.0/CITATION.cff"))
    assert {name: value[name] for name in ("cff-version", "type", "version", "title", "license", "authors")} == {
        "cff-version": "1.2.0",
        "type": "dataset",
        "version": "1.1.0",
        "title": "Lieux d'essai",
        "license": "etalab-2.0",
        "authors": [{"name": "Hubikoop", "email": "donnees@example.org"}],
    }
    assert [reference["notes"] for reference in value["references"]] == ["Données de a"]
    english = store.read("versions/essai/1.1.0/changelog.en.md").decode()
    assert english.endswith(
        "## Cite this version\n\nHubikoop, “Trial sites”, version of 21 November 2026 (1.1.0). Sources: Données de a. "
        "Licence: Licence Ouverte / Open Licence 2.0.\n"
    )
