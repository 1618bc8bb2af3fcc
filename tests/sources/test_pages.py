"""An API that gives its records page by page: all of them, in order, or a failed read."""

import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from glane.declaration import DeclarationError
from glane.store import Store
from sources.declaration import FileFormat
from sources.fetch.failures import ContentError, HarvestError
from sources.harvest import harvest
from sources.read import read
from tests.sources.material import HASTY, Answer, Declare, Site

NAMES = [["Fablab", "Cyberbase"], ["Médiathèque", "Recyclerie"], ["Point info"]]

Start = Callable[..., Site]


def page(names: list[str], **more: Any) -> dict[str, Any]:
    return {"data": [{"Nom": name} for name in names], **more}


def by_page(there: Site) -> dict[str, Any]:
    for number, names in enumerate([*NAMES, []], start=1):
        there.json(f"/lieux?actif=1&page={number}", page(names))
    return {"by": "page", "parameter": "page"}


def by_page_from_zero(there: Site) -> dict[str, Any]:
    for number, names in enumerate([*NAMES, []]):
        there.json(f"/lieux?actif=1&taille=2&p={number}", page(names))
    return {"by": "page", "parameter": "p", "first": 0, "size": 2, "size_parameter": "taille"}


def by_offset(there: Site) -> dict[str, Any]:
    for at, names in zip((0, 2, 4, 5), [*NAMES, []], strict=True):
        there.json(f"/lieux?actif=1&offset={at}", page(names, total=5))
    return {"by": "offset", "parameter": "offset", "total": "total"}


def by_cursor(there: Site) -> dict[str, Any]:
    for cursor, following, names in zip(("", "&apres=b=", "&apres=c"), ("b=", "c", None), NAMES, strict=True):
        address = f"/lieux?actif=1{cursor}".replace("b=", "b%3D")
        there.json(address, page(names, meta={"next": following}))
    return {"by": "cursor", "parameter": "apres", "next": "meta.next"}


def by_link(there: Site) -> dict[str, Any]:
    for number, names in enumerate(NAMES, start=1):
        address = "/lieux?actif=1" if number == 1 else f"/lieux/{number}"
        there.json(address, page(names, next=f"/lieux/{number + 1}" if number < 3 else None))
    return {"by": "link", "next": "next"}


def by_header(there: Site) -> dict[str, Any]:
    for number, names in enumerate(NAMES, start=1):
        address = "/lieux?actif=1" if number == 1 else f"/lieux/{number}"
        link = (
            {"Link": f'<{there.url}/lieux/{number + 1}>; rel="next", <{there.url}/>; rel="first"'} if number < 3 else {}
        )
        there.json(address, page(names), link)
    return {"by": "link"}


@pytest.mark.parametrize("way", [by_page, by_page_from_zero, by_offset, by_cursor, by_link, by_header])
def test_every_page_is_kept_byte_for_byte_and_read_in_order(
    way: Callable[[Site], dict[str, Any]], declare: Declare, store: Store, site: Start
) -> None:
    there = site()
    declared = way(there)
    source = declare(
        where={"pages": {"url": f"{there.url}/lieux?actif=1", **declared}, "private": True},
        format={"kind": "json", "records": "data"},
    )
    snapshot = harvest(source, store, patience=HASTY)
    with zipfile.ZipFile(store.fetch(snapshot.key)) as archive:
        kept = [archive.read(name) for name in archive.namelist()]
    assert kept == [there.answers[path].body for path in there.paths[:3]]
    reading = read(store.fetch(snapshot.key), source.line.format)
    assert [(record.line, record.cells["Nom"]) for record in reading.records] == [
        (1, "Fablab"),
        (2, "Cyberbase"),
        (3, "Médiathèque"),
        (4, "Recyclerie"),
        (5, "Point info"),
    ]
    story = json.loads(store.read(f"{snapshot.key}.json"))
    assert [one["records"] for one in story["answered"]["pages"]][:3] == [2, 2, 1]
    again = harvest(source, store, patience=HASTY)
    assert (again.sha256, again.changed) == (snapshot.sha256, False)


@pytest.mark.parametrize(
    ("declared", "pages", "error", "said"),
    [
        ({}, [page(["a"]), page(["a"])], HarvestError, "a page that came already: its paging goes round"),
        ({"pages_max": 2}, [page(["a"]), page(["b"]), page(["c"])], HarvestError, "more than 2 pages"),
        ({"total": "n"}, [page(["a"], n=3), page([], n=3)], HarvestError, "says that it has 3 records, and gave 1"),
        ({}, [page(["a"]), {"error": "busy"}], ContentError, "has no list of records at 'data'"),
    ],
)
def test_what_is_not_the_whole_is_a_failed_read(
    declared: dict[str, Any],
    pages: list[dict[str, Any]],
    error: type[Exception],
    said: str,
    declare: Declare,
    store: Store,
    site: Start,
) -> None:
    there = site()
    for number, one in enumerate(pages, start=1):
        there.json(f"/lieux?page={number}", one)
    source = declare(
        where={"pages": {"url": f"{there.url}/lieux", "by": "page", "parameter": "page", **declared}, "private": True},
        format={"kind": "json", "records": "data"},
    )
    with pytest.raises(error, match=said):
        harvest(source, store, patience=HASTY)
    assert list(store.list("raw/sites/angers")) == []


def test_a_next_page_on_another_server_is_not_asked(declare: Declare, store: Store, site: Start) -> None:
    there, other = site(), site()
    there.json("/lieux", page(["a"], next=f"{other.url}/lieux/2"))
    source = declare(
        where={"pages": {"url": f"{there.url}/lieux", "by": "link", "next": "next"}, "private": True},
        format={"kind": "json", "records": "data"},
    )
    with pytest.raises(HarvestError, match="the next page is on another server"):
        harvest(source, store, patience=HASTY)
    assert other.asked == []


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"pages": {"url": "https://a.example", "by": "offset"}}, "paging by offset needs 'parameter'"),
        ({"pages": {"url": "https://a.example", "by": "cursor", "parameter": "c"}}, "needs 'next'"),
        ({"pages": {"url": "https://a.example", "by": "link", "size": 10}}, "go together"),
        ({"url": "https://a.example", "file": "a.csv"}, "exactly one of file, url, folder"),
        ({"file": "a.csv", "private": True}, "about a partner.s address, and this is a file"),
        ({"url": "https://a.example", "headers": {"A b": "c"}}, "is no header that can be sent"),
    ],
)
def test_a_place_that_makes_no_sense_is_refused_with_its_reason(
    where: dict[str, Any], said: str, declare: Declare
) -> None:
    with pytest.raises(DeclarationError, match=said):
        declare(where=where)


def paged(declare: Declare, there: Site, **more: Any) -> Any:
    pages = {"url": f"{there.url}/lieux", "by": "page", "parameter": "page", **more}
    return declare(where={"pages": pages, "private": True}, format={"kind": "json", "records": "data"})


def test_an_api_that_changes_its_order_while_paging_is_a_failed_read(
    declare: Declare, store: Store, listen: Callable[..., int]
) -> None:
    # A new record at the top between two pages: b comes twice, and `new` not at all.
    lists = iter([["a", "b", "c", "d"], ["new", "a", "b", "c", "d"], ["new", "a", "b", "c", "d"]])
    current: list[str] = []

    def answer(path: str, _: dict[str, str]) -> Answer:
        nonlocal current
        current = next(lists, current)
        number = int(path.rpartition("=")[2])
        return Answer(body=json.dumps(page(current[number * 2 - 2 : number * 2])).encode())

    there = Site(f"http://127.0.0.1:{listen(answer)}")
    with pytest.raises(HarvestError) as caught:
        harvest(paged(declare, there), store, patience=HASTY)
    assert str(caught.value) == (
        f"{there.url}/lieux moved its records while we read them: a record came on two pages, and the first of them is "
        "another now. Some came twice, and others not at all. Try again later. If it lasts, ask for a fixed order in "
        "the address (a parameter such as sort=id)."
    )
    assert list(store.list("raw/sites/angers")) == []


def test_a_record_that_the_partner_has_twice_is_no_change_of_order(declare: Declare, store: Store, site: Start) -> None:
    there = site()
    for number, names in enumerate([["a", "b"], ["b", "c"], []], start=1):
        there.json(f"/lieux?page={number}", page(names))
    snapshot = harvest(paged(declare, there), store, patience=HASTY)
    reading = read(store.fetch(snapshot.key), FileFormat(kind="json", records="data"))
    assert [record.cells["Nom"] for record in reading.records] == ["a", "b", "b", "c"]
    assert there.paths == ["/lieux?page=1", "/lieux?page=2", "/lieux?page=3", "/lieux?page=1"]


def test_an_api_whose_total_changes_between_two_pages_is_a_failed_read(
    declare: Declare, store: Store, site: Start
) -> None:
    there = site()
    for number, (names, total) in enumerate([(["a", "b"], 5), (["d"], 4), ([], 4)], start=1):
        there.json(f"/lieux?page={number}", page(names, n=total))
    with pytest.raises(HarvestError, match="it had 5 records, and 4 a page later"):
        harvest(paged(declare, there, total="n"), store, patience=HASTY)


def test_an_api_that_never_ends_is_left_after_the_declared_pages(
    declare: Declare, store: Store, listen: Callable[..., int]
) -> None:
    asked: list[str] = []

    def answer(path: str, _: dict[str, str]) -> Answer:
        asked.append(path)
        return Answer(body=json.dumps(page([f"{len(asked)}"])).encode())

    there = Site(f"http://127.0.0.1:{listen(answer)}")
    with pytest.raises(HarvestError, match="gives more than 12 pages"):
        harvest(paged(declare, there, pages_max=12), store, patience=HASTY)
    assert len(asked) == 12
