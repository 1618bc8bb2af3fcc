"""Derived formats of older versions leave the portal too; what is canonical stays at its address for ever."""

from pathlib import Path

import pytest
import requests

from glane.removals import remove
from publish.ckan.rebuild import rebuild
from publish.ckan.words import archive_notes
from publish.retention import surplus
from publish.verify import verify_portal
from tests.fixtures_portal import Portal, call
from tests.publish.material import declare
from tests.publish.test_build import ANGERS, NANTES
from tests.publish.test_publication import ONE_TABLE, Bench


def _archived(bench: Bench, suffix: str) -> dict[str, str]:
    """The addresses of the files with that suffix in the archive, by version."""
    page = bench.show(f"{bench.dataset.name}-versions")
    assert page is not None
    named = [(resource["name"].split("/"), resource["url"]) for resource in page["resources"]]
    return {name[0]: url for name, url in named if name[1] == f"{bench.dataset.name}-sites{suffix}"}


def _published(bench: Bench, names: str) -> list[str]:
    numbers = []
    for name in names:
        version = bench.version({**ANGERS, "nom": name}, NANTES)
        bench.publish(version)
        assert bench.read() == version.version
        numbers.append(version.version)
    return numbers


@pytest.mark.portal
@pytest.mark.long
def test_the_portal_keeps_the_derived_files_of_the_last_two_versions_and_all_that_is_canonical(
    portal: Portal, tmp_path: Path
) -> None:
    bench = Bench(portal, tmp_path)
    numbers = _published(bench, "abcd")
    csvs = _archived(bench, ".csv")
    assert list(_archived(bench, ".xlsx")) == numbers[2:]
    assert list(csvs) == numbers
    assert all(requests.get(url, timeout=30).status_code == 200 for url in csvs.values())
    assert any("swept 1 files in derived formats" in line for line in bench.said)
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []
    # Rebuilt from a store that was pruned too: the same files come back, and no others.
    remove(bench.store, bench.dataset.name, list(surplus(bench.store, bench.dataset.name, at="2026-12-01T00:00:00Z")))
    call(portal, "dataset_purge", id=f"{bench.dataset.name}-versions")
    rebuild(bench.dataset, bench.store, bench.address, bench.said.append)
    assert sorted(_archived(bench, ".xlsx")) == numbers[2:]
    assert sorted(_archived(bench, ".csv")) == numbers
    assert bench.read() == numbers[-1]
    assert verify_portal(bench.store, bench.dataset.name, bench.address) == []


@pytest.mark.portal
def test_what_the_page_shows_keeps_its_files_until_the_next_version_stands(portal: Portal, tmp_path: Path) -> None:
    """A portal that was away while versions were made: its page goes on working until the flip, and after it."""
    bench = Bench(portal, tmp_path)
    first = bench.version({**ANGERS, "nom": "a"}, NANTES)
    bench.publish(first)
    for name in "bcd":
        last = bench.version({**ANGERS, "nom": name}, NANTES)
    with pytest.raises(BaseException, match="flip"):
        bench.publish(last, kill="flip")
    assert bench.read() == first.version
    bench.publish(last)
    assert list(_archived(bench, ".xlsx")) == [first.version, last.version]


@pytest.mark.long
@pytest.mark.portal
def test_formats_always_keeps_every_one(portal: Portal, tmp_path: Path) -> None:
    declaration = ONE_TABLE.replace("\ntables:", "\nretention: {formats: always}\ntables:")
    assert declaration != ONE_TABLE
    bench = Bench(portal, tmp_path, declaration=declaration)
    numbers = _published(bench, "abc")
    assert list(_archived(bench, ".xlsx")) == numbers


def test_the_page_that_keeps_versions_says_which_files_stay_for_ever(tmp_path: Path) -> None:
    for number, (declaration, said) in enumerate(
        {
            ONE_TABLE: "XLSX : pour les deux dernières versions et la dernière de chaque mois",
            ONE_TABLE.replace(", xlsx]", ", xlsx, geojson]"): "GeoJSON, XLSX: for the last two versions",
            ONE_TABLE.replace(", xlsx]", "]"): "",
            ONE_TABLE.replace("\ntables:", "\nretention: {formats: always}\ntables:"): "",
        }.items()
    ):
        notes = archive_notes(declare(tmp_path / str(number), declaration=declaration), "https://data.example.org/d")
        assert said in notes
        assert bool(said) == ("chaque mois" in notes)
