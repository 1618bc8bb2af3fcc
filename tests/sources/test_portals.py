"""The portals that partners use: which of a dataset's files is meant, and that an unchanged one costs no bytes.

The answers are shaped as the portals' documentation gives them; a real CKAN is asked in tests/pipelines.
"""

from collections.abc import Callable
from typing import Any

import pytest

from glane.store import Store
from sources.declaration import Source
from sources.fetch.failures import ContentError
from sources.harvest import harvest
from sources.read import read
from sources.snapshot import Snapshot
from tests.sources.material import CSV, HASTY, Answer, Declare, Site

EXPORT = "/api/explore/v2.1/catalog/datasets/lieux/exports/csv?delimiter=%3B&with_bom=false&use_labels=false"

Start = Callable[..., Site]


def take(source: Source, store: Store) -> Snapshot:
    return harvest(source, store, patience=HASTY)


def ckan(there: Site, **changed: Any) -> None:
    csv = {"id": "r1", "name": "Lieux", "format": "CSV", "url": f"{there.url}/lieux.csv", "url_type": "upload"}
    csv |= {"last_modified": "2026-11-01T10:00:00", **changed}
    xlsx = {"id": "r2", "name": "Lieux (tableur)", "format": "XLSX", "url": f"{there.url}/lieux.xlsx"}
    there.json("/api/3/action/package_show?id=lieux", {"success": True, "result": {"resources": [xlsx, csv]}})
    there.answers["/lieux.csv"] = Answer(body=CSV)


def udata(there: Site, **changed: Any) -> None:
    stable = f"{there.url}/fr/datasets/r/r1"
    csv = {"id": "r1", "title": "lieux.csv", "format": "csv", "url": f"{there.url}/static/20261101/lieux.csv"}
    csv |= {"latest": stable, "filetype": "file", "checksum": {"type": "sha1", "value": "abc"}, **changed}
    there.json("/api/1/datasets/lieux-d-inclusion/", {"id": "x", "resources": [csv]})
    there.answers["/fr/datasets/r/r1"] = Answer(302, headers={"Location": "/static/20261101/lieux.csv"})
    there.answers["/static/20261101/lieux.csv"] = Answer(body=CSV)


def opendatasoft(there: Site, **changed: Any) -> None:
    metas = {"default": {"title": "Lieux", "data_processed": "2026-11-01T10:00:00+00:00", **changed}}
    there.json("/api/explore/v2.1/catalog/datasets/lieux", {"dataset_id": "lieux", "metas": metas})
    there.answers[EXPORT] = Answer(body=CSV)


PORTALS = {
    "ckan": (ckan, {"dataset": "lieux"}, {"last_modified": "2026-11-02T10:00:00"}),
    "udata": (udata, {"dataset": "lieux-d-inclusion"}, {"checksum": {"type": "sha1", "value": "def"}}),
    "opendatasoft": (opendatasoft, {"dataset": "lieux"}, {"data_processed": "2026-11-02T10:00:00+00:00"}),
}


@pytest.mark.parametrize("kind", PORTALS)
def test_a_portal_s_file_is_found_and_fetched_again_only_when_the_portal_says_it_changed(
    kind: str, declare: Declare, store: Store, site: Start
) -> None:
    answer, declared, later = PORTALS[kind]
    there = site()
    answer(there)
    source = declare(where={kind: {"portal": there.url, **declared}, "private": True})
    first = take(source, store)
    assert (store.read(first.key), first.changed, first.decided_by) == (CSV, True, "first")
    asked = len(there.asked)
    again = take(source, store)
    assert (again.sha256, again.changed, again.decided_by) == (first.sha256, False, "portal")
    # One question to the portal, and not a byte of the file.
    assert len(there.asked) == asked + 1
    answer(there, **later)
    third = take(source, store)
    assert (third.sha256, third.changed, third.decided_by) == (first.sha256, False, "hash")


@pytest.mark.parametrize(
    ("kind", "answer", "elsewhere"),
    [("ckan", ckan, {"url_type": None}), ("udata", udata, {"filetype": "remote"})],
)
def test_what_a_portal_says_of_a_file_that_it_only_links_to_is_not_believed(
    kind: str, answer: Callable[..., None], elsewhere: dict[str, Any], declare: Declare, store: Store, site: Start
) -> None:
    there = site()
    answer(there, **elsewhere)
    source = declare(where={kind: {"portal": there.url, **PORTALS[kind][1]}, "private": True})
    take(source, store)
    assert take(source, store).decided_by == "hash"


@pytest.mark.parametrize("wanted", ["r1", "Lieux", "csv"])
def test_a_file_is_named_by_its_id_its_name_or_its_format(
    wanted: str, declare: Declare, store: Store, site: Start
) -> None:
    there = site()
    ckan(there)
    where = {"ckan": {"portal": there.url, "dataset": "lieux", "resource": wanted}, "private": True}
    assert take(declare(where=where), store).address == f"{there.url}/lieux.csv"


def test_a_file_that_is_not_there_is_told_with_those_that_are(declare: Declare, store: Store, site: Start) -> None:
    there = site()
    ckan(there)
    where = {"ckan": {"portal": there.url, "dataset": "lieux", "resource": "ODS"}, "private": True}
    with pytest.raises(ContentError, match="No file of the dataset is 'ODS'") as caught:
        take(declare(where=where), store)
    assert "Lieux (tableur) (XLSX, id r2); Lieux (CSV, id r1)" in caught.value.remedy


def test_an_address_that_is_no_such_portal_is_told_so(declare: Declare, store: Store, site: Start) -> None:
    there = site()
    there.json("/api/1/datasets/lieux/", {"message": "hello"})
    there.answers["/api/3/action/package_show?id=lieux"] = Answer(body=b"<html>Bienvenue</html>")
    with pytest.raises(ContentError, match="does not answer as the portal's API is documented to"):
        take(declare(where={"udata": {"portal": there.url, "dataset": "lieux"}, "private": True}), store)
    with pytest.raises(ContentError, match="gave no JSON"):
        take(declare(where={"ckan": {"portal": there.url, "dataset": "lieux"}, "private": True}), store)


def test_a_grist_table_is_read_with_the_document_s_key(
    declare: Declare, store: Store, site: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIST_KEY", "k")
    there = site()
    records = [{"id": 1, "fields": {"Nom": "Fablab", "Ville": "Angers"}}, {"id": 2, "fields": {"Nom": "Médiathèque"}}]
    there.json("/api/docs/Doc1/tables/Lieux/records", {"records": records})
    source = declare(
        where={
            "grist": {"server": there.url, "document": "Doc1", "table": "Lieux"},
            "headers": {"Authorization": "Bearer ${GRIST_KEY}"},
            "private": True,
        },
        format={"kind": "json", "records": "records"},
    )
    snapshot = take(source, store)
    assert there.asked[0][1]["Authorization"] == "Bearer k"
    reading = read(store.fetch(snapshot.key), source.line.format)
    assert [(record.line, record.cells) for record in reading.records] == [
        (1, {"id": 1, "fields.Nom": "Fablab", "fields.Ville": "Angers"}),
        (2, {"id": 2, "fields.Nom": "Médiathèque"}),
    ]
