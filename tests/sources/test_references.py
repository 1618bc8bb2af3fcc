"""A reference is asked for seldom, and once; whatever happens to it, what was understood before stays."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from glane.declaration import DeclarationError
from glane.store import FolderStore
from schemas.territory.reference import current_reference, damaged_references, kept_reference, latest, load_reference
from sources.references import bring_reference
from tests.publish.loopback import Answer, Loopback, Request, serving
from tests.sources.material import REAL

TODAY = date(2026, 11, 22)
NANTES = {"code": "44109", "nom": "Nantes", "codesPostaux": ["44100", "44000"], "population": 327734, "centre": {}}
DECLARED = """\
title: {fr: Communes, en: Communes}
licence: etalab-2.0
attribution: INSEE
url: %s/communes?format=json
private: true
columns: {code: code, name: nom, postcodes: codesPostaux, population: population}
refresh_days: 30
"""
COG = f"""\
title: {{fr: Communes, en: Communes}}
licence: etalab-2.0
attribution: INSEE
file: {REAL}/reference/fr_communes_cog.csv
format: csv
columns: {{code: code_insee, name: nom, postcodes: codes_postaux, population: population, current: chef_lieu}}
"""


@pytest.fixture(autouse=True)
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLANE_REFERENCES", raising=False)


def declare(folder: Path, text: str) -> Path:
    path = folder / "references" / "communes.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def listing(*communes: dict[str, object], etag: str = '"1"') -> Answer:
    return Answer(200, json.dumps(list(communes)).encode(), {"ETag": etag, "Content-Type": "application/json"})


def conditional(etag: str, *communes: dict[str, object]) -> Callable[[Request], Answer]:
    def answer(request: Request) -> Answer:
        if request.headers.get("If-None-Match") == etag:
            return Answer(304, b"", {"ETag": etag})
        return listing(*communes, etag=etag)

    return answer


def test_a_list_is_asked_for_once_in_its_days_and_unchanged_bytes_are_not_sent_again(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    with serving(conditional('"1"', NANTES)) as server:
        path = declare(tmp_path, DECLARED % server.url)
        first = bring_reference(path, store, TODAY)
        assert bring_reference(path, store, TODAY + timedelta(days=29)) == first
        assert len(server.seen) == 1
        again = bring_reference(path, store, TODAY + timedelta(days=30))
        assert [request.headers.get("If-None-Match") for request in server.seen] == [None, '"1"']
    assert (first.checked_on, first.received, again.checked_on) == ("2026-11-22", "2026-11-22", "2026-12-22")
    assert again == first.model_copy(update={"checked_on": "2026-12-22"})
    found = current_reference(store, "communes")
    assert found is not None
    assert found.communes.rows() == [("44109", "Nantes", "327734", "44000|44100", None)]
    assert found.told.model_dump(exclude={"sha256", "address", "title"}) == {
        "name": "communes",
        "licence": "etalab-2.0",
        "attribution": "INSEE",
        "received": "2026-11-22",
    }
    assert damaged_references(store) == []


def test_a_list_that_changed_is_kept_beside_the_one_that_versions_name(tmp_path: Path) -> None:
    store, now = FolderStore(tmp_path / "store"), [NANTES]
    with serving(lambda request: listing(*now, etag=f'"{now[0]["population"]}"')) as server:
        path = declare(tmp_path, DECLARED % server.url)
        bring_reference(path, store, TODAY)
        old = current_reference(store, "communes")
        now[0] = {**NANTES, "population": 330000}
        bring_reference(path, store, TODAY + timedelta(days=40))
    new = current_reference(store, "communes")
    assert old is not None
    assert new is not None
    assert (old.today.row(0)[2], new.today.row(0)[2], new.told.received) == (327734, 330000, "2027-01-01")
    kept = kept_reference(store, old.told)
    assert kept is not None
    assert kept.communes.equals(old.communes)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(500), "answered 500"),
        (None, "cannot be reached"),
        (Answer(200, b"<html>sign in</html>"), "is no JSON"),
        (Answer(200, b'{"code": "44109"}'), "is no list of objects"),
        (Answer(200, b'[{"id": 1}]'), "lines without 'code'"),
        (Answer(200, b"[]"), "is no list of communes"),
        (listing(NANTES, {**NANTES, "nom": "Autre"}, etag='"2"'), "has one twice"),
        (listing({**NANTES, "population": None}, etag='"2"'), "says no population"),
    ],
)
def test_a_list_that_cannot_be_read_stops_nothing_and_nobody_is_asked_again_that_day(
    tmp_path: Path, answer: Answer | None, why: str
) -> None:
    store, now = FolderStore(tmp_path / "store"), [listing(NANTES)]
    given: list[Answer | None] = [*now]
    with serving(lambda request: given[0]) as server:
        path = declare(tmp_path, DECLARED % server.url)
        before = bring_reference(path, store, TODAY)
        given[0], later = answer, TODAY + timedelta(days=31)
        failed = bring_reference(path, store, later)
        assert bring_reference(path, store, later) == failed
        assert len(server.seen) == 2
        assert why in str(failed.failure)
        assert (failed.sha256, failed.failed_on) == (before.sha256, later.isoformat())
        assert bring_reference(path, store, later + timedelta(days=1)).failed_on == later.isoformat()
        assert len(server.seen) == 3
        given[0] = now[0]
        mended = bring_reference(path, store, later + timedelta(days=2))
    assert (mended.failed_on, mended.failure, mended.sha256) == (None, None, before.sha256)


def test_half_a_list_does_not_replace_a_whole_one(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    communes = [{**NANTES, "code": f"44{number:03}"} for number in range(1, 21)]
    now = [communes]
    with serving(lambda request: listing(*now[0], etag=f'"{len(now[0])}"')) as server:
        path = declare(tmp_path, DECLARED % server.url)
        whole = bring_reference(path, store, TODAY)
        now[0] = communes[:10]
        half = bring_reference(path, store, TODAY + timedelta(days=30))
        now[0] = communes[:19]
        merged = bring_reference(path, store, TODAY + timedelta(days=31))
    assert half.sha256 == whole.sha256
    assert "lists 10 communes, and listed 20 before" in str(half.failure)
    assert merged.sha256 != whole.sha256


def test_the_environment_can_say_that_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANE_REFERENCES", "off")
    store = FolderStore(tmp_path / "store")

    def nobody(loopback: Loopback) -> None:
        path = declare(tmp_path, DECLARED % loopback.url)
        assert bring_reference(path, store, TODAY) == latest(store, "communes")
        assert loopback.seen == []

    with serving(lambda request: listing(NANTES)) as server:
        nobody(server)
    assert current_reference(store, "communes") is None


def test_a_kept_list_that_was_edited_is_not_used_and_is_named_and_comes_again_once_removed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    with serving(conditional('"1"', NANTES)) as server:
        found = bring_reference(declare(tmp_path, DECLARED % server.url), store, TODAY)
        key = f"references/communes/{found.sha256}.csv"
        (tmp_path / "store" / key).write_text("code,name\n", encoding="utf-8")
        assert current_reference(store, "communes") is None
        assert damaged_references(store) == [key]
        store.remove(key)
        bring_reference(tmp_path / "references" / "communes.yaml", store, TODAY)
    assert current_reference(store, "communes") is not None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (DECLARED % "https://example.org" + "file: communes.csv\n", "either 'url' or 'file'"),
        ((DECLARED % "https://example.org").replace("etalab-2.0", "unknown"), "licence"),
        ((DECLARED % "ftp://example.org"), "url"),
    ],
)
def test_a_declaration_that_is_wrong_is_named(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(DeclarationError, match=what):
        load_reference(declare(tmp_path, text))


def test_the_references_that_ship_are_declared_rightly() -> None:
    for path in (Path(__file__).parents[2] / "schemas" / "references").glob("*.yaml"):
        assert load_reference(path).columns.code


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="the list of communes is not here: ../shared/data")
def test_the_official_list_is_understood_whole_and_its_path_is_told_to_nobody(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    found = bring_reference(declare(tmp_path, COG), store, TODAY)
    assert (found.failure, found.address) == (None, "fr_communes_cog.csv")
    reference = current_reference(store, "communes")
    assert reference is not None
    assert reference.communes.height == 37_590
    assert reference.today.height == 34_969 + 45
