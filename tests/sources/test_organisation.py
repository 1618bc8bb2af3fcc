"""A whole organisation of a CKAN as one source: which files those are, and that only those that changed come again.

The answers are shaped as CKAN's documentation gives them; a real CKAN is asked in test_portals_ckan.py.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from glane.store import Store
from sources.declaration import Source
from sources.fetch import organisation
from sources.fetch.failures import ContentError, HarvestError
from sources.harvest import harvest
from sources.read import read
from sources.snapshot import Snapshot
from sources.where import Ckan
from tests.sources.material import HASTY, Answer, Declare, Site

Start = Callable[..., Site]


def upload(there: Site, name: str, rows: str, **changed: Any) -> dict[str, Any]:
    """A dataset with one uploaded CSV, and its bytes."""
    path = f"/dataset/{name}/lieux.csv"
    there.answers[path] = Answer(body=f"Nom;Ville\n{rows}".encode())
    csv = {"id": name, "name": "Lieux", "format": "CSV", "url": there.url + path, "url_type": "upload"}
    return {"name": name, "tags": [], "resources": [csv | {"last_modified": "2026-11-01T10:00:00", **changed}]}


def hold(there: Site, *datasets: Mapping[str, Any], count: int | None = None, page: int = 100) -> None:
    """What the organisation `anjou` answers that it has, in pages."""
    there.json("/api/3/action/organization_show?id=anjou", {"success": True, "result": {"name": "anjou"}})
    for start in range(0, len(datasets) + 1, page):
        asked = {"fq": 'organization:"anjou"', "sort": "name asc", "rows": str(page), "start": str(start)}
        result = {"count": len(datasets) if count is None else count, "results": datasets[start : start + page]}
        there.json(f"/api/3/action/package_search?{urlencode(asked)}", {"success": True, "result": result})


@pytest.fixture
def anjou(declare: Declare, store: Store, site: Start) -> Callable[..., tuple[Site, Callable[[], Snapshot], Source]]:
    def make(**keys: Any) -> tuple[Site, Callable[[], Snapshot], Source]:
        there = site()
        ckan = {"portal": there.url, "organisation": "anjou", **keys}
        source = declare(where={"ckan": ckan, "private": True}, map={"nom": "Nom"})
        return there, lambda: harvest(source, store, patience=HASTY), source

    return make


Anjou = Callable[..., tuple[Site, Callable[[], Snapshot], Source]]


def files(there: Site) -> list[str]:
    """The files that were asked for, in order."""
    return [path for path in there.paths if path.startswith("/dataset/")]


def test_the_tables_of_an_organisation_are_read_as_one_and_a_line_leads_to_its_dataset(
    anjou: Anjou, store: Store
) -> None:
    there, take, source = anjou()
    notice = {"name": "a-propos", "tags": [], "resources": [{"name": "Notice", "format": "PDF", "url": "/n.pdf"}]}
    hold(
        there,
        notice,
        upload(there, "lieux-angers", "Fil;Angers\nQuai;Angers\n"),
        upload(there, "lieux-saumur", "Phare;Saumur\n"),
    )
    snapshot = take()
    reading = read(store.fetch(snapshot.key), source.line.format, name=snapshot.file_name)
    assert [(record.cells["Nom"], reading.place(record.line)) for record in reading.records] == [
        ("Fil", ("lieux-angers.csv", 2)),
        ("Quai", ("lieux-angers.csv", 3)),
        ("Phare", ("lieux-saumur.csv", 2)),
    ]
    assert len({record.line for record in reading.records}) == 3
    story = json.loads(store.read(f"{snapshot.key}.json"))
    assert story["answered"]["passed_over"] == ["a-propos"]
    assert [(one["name"], one["status"]) for one in story["answered"]["datasets"]] == [
        ("lieux-angers.csv", 200),
        ("lieux-saumur.csv", 200),
    ]
    assert snapshot.address == f"{there.url}/organization/anjou"


def test_nothing_new_moves_no_file_and_one_change_moves_one(anjou: Anjou, store: Store) -> None:
    there, take, source = anjou()
    angers, saumur = upload(there, "lieux-angers", "Fil;Angers\n"), upload(there, "lieux-saumur", "Phare;Saumur\n")
    hold(there, angers, saumur)
    first = take()
    there.asked.clear()
    again = take()
    assert (again.sha256, again.changed, again.decided_by, files(there)) == (first.sha256, False, "portal", [])
    newer = upload(there, "lieux-saumur", "Phare;Saumur\nQuai;Saumur\n", last_modified="2026-11-02T10:00:00")
    hold(there, angers, newer)
    third = take()
    assert (third.changed, third.decided_by, files(there)) == (True, "hash", ["/dataset/lieux-saumur/lieux.csv"])
    assert len(read(store.fetch(third.key), source.line.format).records) == 3
    # A dataset that left the organisation leaves with its rows, and what stays is not asked for.
    there.asked.clear()
    hold(there, newer)
    assert (len(read(store.fetch(take().key), source.line.format).records), files(there)) == (2, [])


def test_what_a_portal_only_links_to_is_asked_with_the_condition_of_last_time(anjou: Anjou) -> None:
    there, take, _ = anjou()
    hold(there, upload(there, "lieux-angers", "Fil;Angers\n", url_type=None))
    path = "/dataset/lieux-angers/lieux.csv"
    there.answers[path] = Answer(body=there.answers[path].body, headers={"ETag": '"1"'})
    take()
    there.answers[path] = Answer(304, headers={"ETag": '"1"'})
    again = take()
    assert (again.changed, again.decided_by) == (False, "etag")
    assert there.asked[-1][1]["If-None-Match"] == '"1"'


def test_an_organisation_of_several_pages_is_read_whole(
    anjou: Anjou, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organisation, "_PAGE", 2)
    there, take, source = anjou()
    hold(there, *(upload(there, f"lieux-{n}", f"Lieu {n};Angers\n") for n in range(5)), page=2)
    assert len(read(store.fetch(take().key), source.line.format).records) == 5


@pytest.mark.parametrize("count", [4, 1000])
def test_pages_that_give_less_than_they_say_or_go_round_are_a_failed_read(
    count: int, anjou: Anjou, store: Store
) -> None:
    there, take, _ = anjou()
    one = upload(there, "lieux-angers", "Fil;Angers\n")
    hold(there, one, count=count)
    for start in (1, 2):
        asked = {"fq": 'organization:"anjou"', "sort": "name asc", "rows": "100", "start": str(start)}
        result = {"count": count, "results": [one] if count == 1000 else []}
        there.json(f"/api/3/action/package_search?{urlencode(asked)}", {"success": True, "result": result})
    with pytest.raises(HarvestError, match=f"says that it has {count} datasets, and gives one twice or too few"):
        take()
    assert store.files("raw") == {}


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (Answer(404), HarvestError, "answered 404"),
        (Answer(500), HarvestError, "answered 500"),
        (Answer(body=b""), ContentError, "gave an empty file"),
        (Answer(body=b"<!doctype html><p>Connexion"), ContentError, "gave a web page"),
        (Answer(body=b"Nom;Ville\nFil;Angers\n", headers={"Content-Length": "500"}, cut=10), HarvestError, "broke off"),
    ],
)
def test_one_file_that_fails_fails_the_read_and_the_last_good_snapshot_stays(
    answer: Answer, error: type[Exception], said: str, anjou: Anjou, store: Store
) -> None:
    there, take, _ = anjou()
    angers, saumur = upload(there, "lieux-angers", "Fil;Angers\n"), upload(there, "lieux-saumur", "Phare;Saumur\n")
    hold(there, angers, saumur)
    take()
    kept = {name: store.read(f"raw/{name}") for name in store.files("raw")}
    hold(there, angers, upload(there, "lieux-saumur", "", last_modified="2026-11-02T10:00:00"))
    there.answers["/dataset/lieux-saumur/lieux.csv"] = answer
    with pytest.raises(error, match=said):
        take()
    assert {name: store.read(f"raw/{name}") for name in store.files("raw")} == kept


def test_tags_names_and_resources_choose_and_what_is_unclear_is_said(anjou: Anjou, site: Start) -> None:
    there, take, _ = anjou(tags=["Inclusion"], match="lieux-*", resource="lieux*")
    angers = upload(there, "lieux-angers", "Fil;Angers\n") | {"tags": [{"name": "inclusion"}, {"name": "2026"}]}
    hold(there, angers, upload(there, "lieux-saumur", "x"), upload(there, "parkings", "y") | {"tags": angers["tags"]})
    take()
    assert files(there) == ["/dataset/lieux-angers/lieux.csv"]
    twice = {**angers, "resources": [*angers["resources"], {"name": "Lieux 2025", "format": "CSV", "url": "/2025.csv"}]}
    hold(there, twice)
    with pytest.raises(ContentError, match="lieux-angers .* has 2 files whose name fits 'lieux\\*'") as caught:
        take()
    assert "There are: Lieux (CSV); Lieux 2025 (CSV)." in caught.value.remedy
    hold(there, upload(there, "parkings", "y"))
    with pytest.raises(ContentError, match="No dataset of .*/organization/anjou has a file that is 'lieux\\*'") as none:
        take()
    assert "There are: parkings." in none.value.remedy


def test_an_organisation_that_is_not_there_is_no_empty_one(anjou: Anjou) -> None:
    _, take, _ = anjou()
    with pytest.raises(HarvestError, match="organization_show.* answered 404"):
        take()


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"dataset": "lieux", "organisation": "anjou"},
        {"dataset": "lieux", "match": "x*"},
        {"organisation": 'a" OR "b'},
    ],
)
def test_a_declaration_says_a_dataset_or_an_organisation(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Ckan(portal="https://data.example", **keys)  # type: ignore[arg-type]
