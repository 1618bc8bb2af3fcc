"""A change of structure is told ahead: in the version, its feed and its changelog, until the day it comes true."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from frictionless import Package

from glane.errors import CallError
from glane.store import FolderStore
from publish.build import Built, build_version
from publish.diff import descriptor_of
from publish.restoration import restore
from publish.version import current
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, SITES, Cells, contribute, declare
from tests.publish.test_build import ANGERS, NANTES

ATOM = "{http://www.w3.org/2005/Atom}"
TEXT = {"fr": "Le champ « places » part.", "en": "The field places goes."}


def on(day: str) -> str:
    return f"{day}T06:00:00+00:00"


@dataclass(frozen=True)
class Entry:
    """An entry of the feed."""

    title: str
    updated: str
    id: str
    content: str
    category: str


class Bench:
    """A dataset whose declaration changes between versions."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, FolderStore(folder / "store")
        self.dataset = self.declared()

    def declared(self, date: str | None = None, *, places: str = "integer", text: dict[str, str] = TEXT) -> Dataset:
        notice = f"notice: {{date: {date}, text: {json.dumps(text, ensure_ascii=False)}}}\n" if date else ""
        sites: dict[str, Any] = copy.deepcopy(SITES)
        next(field for field in sites["fields"] if field["name"] == "places")["type"] = places
        self.dataset = declare(
            self.folder / "schemas", declaration=DECLARATION.replace("\ntables:", f"\n{notice}tables:"), sites=sites
        )
        return self.dataset

    def build(self, day: str, *rows: Cells) -> Built:
        return build_version(
            self.dataset, [contribute(self.dataset, "a", rows or [ANGERS])], self.store, created=on(day)
        )

    def descriptor(self) -> dict[str, Any]:
        last = current(self.store, "essai")
        assert last is not None
        return descriptor_of(self.store, last)

    def read(self, path: str) -> str:
        last = current(self.store, "essai")
        assert last is not None
        return str(self.store.read(f"{last.key}/{path}"), "utf-8")

    def feed(self) -> list[Entry]:
        return [
            Entry(
                title=str(entry.findtext(f"{ATOM}title")),
                updated=str(entry.findtext(f"{ATOM}updated")),
                id=str(entry.findtext(f"{ATOM}id")),
                content=str(entry.findtext(f"{ATOM}content")),
                category="".join(category.get("term", "") for category in entry.iter(f"{ATOM}category")),
            )
            for entry in ElementTree.fromstring(self.read("feed.xml")).iter(f"{ATOM}entry")
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.build("2026-11-01")
    return bench


def test_a_notice_makes_a_patch_that_says_what_changes_and_when(bench: Bench) -> None:
    bench.declared("2027-02-01")
    built = bench.build("2026-11-21")
    assert (built.version.version, built.new, built.warnings) == ("1.0.1", True, ())
    assert bench.descriptor()["notice"] == {"announced": on("2026-11-21"), "date": "2027-02-01", "text": TEXT}
    assert "- préavis pour le 1er février 2027 : Le champ « places » part.\n" in bench.read("changelog.fr.md")
    assert "- notice for 1 February 2027: The field places goes.\n" in bench.read("changelog.en.md")
    assert [line["en"] for line in json.loads(bench.read("changelog.json"))["changes"]] == [
        "notice for 1 February 2027: The field places goes."
    ]


def test_a_version_with_a_notice_is_still_a_data_package(bench: Bench) -> None:
    bench.declared("2027-02-01")
    version = bench.build("2026-11-21").version
    package = Package(str(bench.store.local(f"{version.key}/datapackage.json")))
    assert package.custom["notice"]["date"] == "2027-02-01"
    assert package.validate().valid


def test_the_feed_has_an_entry_of_its_own_for_it_that_later_versions_leave_as_it_is(bench: Bench) -> None:
    bench.declared("2027-02-01")
    bench.build("2026-11-21")
    first = bench.feed()
    assert [entry.category for entry in first] == ["notice", "patch", "first"]
    assert first[0].title == "Préavis pour le 1er février 2027 · Notice for 1 February 2027"
    assert first[0].updated == on("2026-11-21")
    assert first[0].content == (
        "À partir du 1er février 2027 : Le champ « places » part.\n\nFrom 1 February 2027 on: The field places goes."
    )
    bench.build("2026-12-01", ANGERS, NANTES)
    assert bench.feed()[0] == first[0]
    assert len({entry.id for entry in bench.feed()}) == 4


def test_the_same_notice_makes_no_second_version(bench: Bench) -> None:
    bench.declared("2027-02-01")
    bench.build("2026-11-21")
    assert not bench.build("2026-11-22").new


def test_other_words_are_told_under_the_same_id_and_another_day_under_a_new_one(bench: Bench) -> None:
    bench.declared("2027-02-01")
    bench.build("2026-11-21")
    identifier = bench.feed()[0].id
    bench.declared("2027-02-01", text={"fr": "Autre chose.", "en": "Something else."})
    assert bench.build("2026-11-22").version.version == "1.0.2"
    assert (bench.feed()[0].updated, bench.feed()[0].id) == (on("2026-11-22"), identifier)
    bench.declared("2027-03-01")
    bench.build("2026-11-23")
    assert bench.feed()[0].id != identifier
    assert "- notice changed, now for 1 March 2027: The field places goes.\n" in bench.read("changelog.en.md")


def test_a_notice_that_is_called_off_is_told_so(bench: Bench) -> None:
    bench.declared("2027-02-01")
    bench.build("2026-11-21")
    bench.declared()
    assert bench.build("2026-11-22").version.version == "1.0.2"
    assert "notice" not in bench.descriptor()
    said = "- préavis annulé ; il annonçait pour le 1er février 2027 : Le champ « places » part.\n"
    assert said in bench.read("changelog.fr.md")
    assert [entry.category for entry in bench.feed()] == ["patch", "patch", "first"]


def test_once_the_major_version_came_on_its_day_it_is_not_announced_any_more(bench: Bench) -> None:
    bench.declared("2027-02-01")
    bench.build("2026-11-21")
    bench.declared("2027-02-01", places="string")
    built = bench.build("2027-02-01")
    assert (built.version.version, built.warnings) == ("2.0.0", ())
    assert "notice" not in bench.descriptor()
    assert "- as announced for 1 February 2027: The field places goes.\n" in bench.read("changelog.en.md")
    assert "notice" not in [entry.category for entry in bench.feed()]
    assert "sites.places: type or format changed" in bench.feed()[0].content
    again = bench.build("2027-02-02")
    assert not again.new
    assert again.warnings == (
        "The notice for 1 February 2027 is not shown any more: version 2.0.0 came since. Take notice: out of "
        "dataset.yaml, or give it a new date.",
    )
    bench.declared(places="string")
    assert (bench.build("2027-02-03").new, bench.build("2027-02-03").warnings) == (False, ())


def test_a_notice_whose_day_passed_without_the_change_stays(bench: Bench) -> None:
    bench.declared("2027-02-01")
    bench.build("2026-11-21")
    bench.build("2027-03-01", ANGERS, NANTES)
    assert bench.descriptor()["notice"]["announced"] == on("2026-11-21")


def test_a_major_version_without_notice_or_before_its_day_is_made_and_the_steward_is_told(bench: Bench) -> None:
    bench.declared(places="string")
    built = bench.build("2026-11-20")
    assert (built.version.version, built.warnings) == (
        "2.0.0",
        ("2.0.0 is a MAJOR version that no notice announced. Announce the next one ahead: notice: in dataset.yaml.",),
    )
    bench.declared("2027-02-01", places="string")
    bench.build("2026-11-21")
    bench.declared("2027-02-01", places="number")
    built = bench.build("2027-01-31")
    assert (built.version.version, built.warnings) == (
        "3.0.0",
        (
            "3.0.0 is a MAJOR version, and the notice announces one from 1 February 2027 on. If this was the change it "
            "announces, take notice: out of dataset.yaml.",
        ),
    )
    assert bench.descriptor()["notice"]["date"] == "2027-02-01"


def test_a_notice_that_comes_with_its_change_announced_nothing(bench: Bench) -> None:
    bench.declared("2026-11-20", places="string")
    built = bench.build("2026-11-20")
    assert built.version.version == "2.0.0"
    assert "that no notice announced" in built.warnings[0]
    assert "notice" not in bench.descriptor()


def test_a_notice_brings_no_rows_back_that_were_put_aside(bench: Bench) -> None:
    bench.build("2026-11-10", ANGERS, NANTES)
    restore(bench.dataset, bench.store, "1.0.0", "Nantes was wrong.", created=on("2026-11-12"))
    bench.declared("2027-02-01")
    built = bench.build("2026-11-13", ANGERS, NANTES)
    assert (built.new, built.put_aside, built.version.version) == (False, True, "1.2.0")
    assert built.warnings == (
        "The notice is not shown as dataset.yaml has it, since what the partners bring is put aside. Show it by going "
        "back once more: glane restore essai 1.0.0.",
    )
    made = restore(bench.dataset, bench.store, "1.0.0", "Nantes was wrong.", created=on("2026-11-14"))
    assert (made.version, made.level, bench.descriptor()["notice"]["date"]) == ("1.2.1", "patch", "2027-02-01")
    again = bench.build("2026-11-15", ANGERS, NANTES)
    assert (again.new, again.put_aside, again.warnings) == (False, True, ())


def test_going_back_to_an_older_version_keeps_what_is_announced(bench: Bench) -> None:
    bench.build("2026-11-10", ANGERS, NANTES)
    bench.declared("2027-02-01")
    bench.build("2026-11-21", ANGERS, NANTES)
    made = restore(bench.dataset, bench.store, "1.0.0", "Nantes was wrong.", created=on("2026-11-22"))
    assert (made.version, made.rows["sites"]) == ("1.2.0", 1)
    assert bench.descriptor()["notice"]["announced"] == on("2026-11-21")
    assert not bench.build("2026-11-23", ANGERS, NANTES).new
    assert not bench.build("2026-11-23", ANGERS).new
    with pytest.raises(CallError, match=r"says what 1\.0\.0 says"):
        restore(bench.dataset, bench.store, "1.0.0", "Again.", created=on("2026-11-24"))
