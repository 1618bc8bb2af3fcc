"""Points for rows that have none: what is sent, what is believed, what is asked of the partner, and what is not."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from glane.store import Store
from schemas.judgement import LINE, Problem
from sources.declaration import Source
from sources.fetch.http import Patience
from sources.geocoding.declared import GEOPLATEFORME, Geocode
from sources.geocoding.geocoding import Geocoded, geocoded
from sources.mapping import Mapped
from tests.sources.geocoder import Geocoder, Known, geocoder
from tests.sources.material import HASTY, Declare, table

DAY = date(2026, 11, 22)
ANGERS = "1 place de la Mairie 49000 Angers"
LILLE = "Rue du Moulin Lille"
FIELDS = ("id", "adresse", "code_postal", "commune", "code_insee", "pays", "latitude", "longitude", "precision_geo")
TABLE = table(*FIELDS, geometry={"latitude": "latitude", "longitude": "longitude"})
KEY = "geocoded/sites/angers.json"


@pytest.fixture
def service() -> Iterator[Geocoder]:
    with geocoder() as running:
        running.known = {
            ANGERS: Known(47.470123, -0.551234, 0.97, "housenumber", "1 Place de la Mairie 49000 Angers", "49007"),
            LILLE: Known(50.63, 3.06, 0.41, "street", "Rue du Moulin 59000 Lille", "59350"),
            "Angers": Known(47.47, -0.55, 0.95, "municipality", "Angers", "49007"),
        }
        yield running


def keys(running: Geocoder, **more: Any) -> dict[str, Any]:
    asked = {"url": f"{running.url}/search/csv", "by": "csv", "private": True, "gap": 0}
    return {
        "address": ["adresse", "code_postal", "commune"],
        "insee": "code_insee",
        "service": asked,
        **more,
    }


def rows(*given: dict[str, str]) -> Mapped:
    cells = {name: [row.get(name) or None for row in given] for name in FIELDS}
    frame = pl.DataFrame(cells, schema=dict.fromkeys(FIELDS, pl.String))
    lines = pl.Series(LINE, range(2, len(given) + 2), pl.Int64)
    return Mapped(frame.with_columns(lines), len(given), 0, (), {})


SITE = {"id": "a--1", "adresse": "1 place  de la Mairie", "code_postal": "49000", "commune": "Angers", "pays": "FR"}


def run(source: Source, mapped: Mapped, store: Store, day: date = DAY, patience: Patience = HASTY) -> Geocoded:
    return geocoded(source, TABLE, mapped, store, patience=patience, today=day)


def points(found: Geocoded) -> list[tuple[str | None, str | None]]:
    return found.mapped.rows.select("latitude", "longitude").rows()


def said(found: Geocoded) -> list[tuple[int, str, str]]:
    return [(row, problem.severity, problem.message.en) for row, problem in found.mapped.questions]


def test_a_row_without_a_point_gets_that_of_its_address_and_only_the_address_leaves(
    declare: Declare, store: Store, service: Geocoder
) -> None:
    source = declare(geocode=keys(service, precision="precision_geo"))
    found = run(source, rows({**SITE, "code_insee": "49007"}), store)
    assert points(found) == [("47.470123", "-0.551234")]
    assert found.mapped.rows["precision_geo"].to_list() == ["housenumber"]
    assert (found.notes, found.again) == ((), None)
    [(row, severity, message)] = said(found)
    assert (row, severity) == (0, "info")
    assert "housenumber" in message
    assert service.sent == [[{"n": "0", "address": ANGERS, "citycode": "49007"}]]
    assert service.forms[0][:2] == [("columns", "address"), ("citycode", "citycode")]


def test_a_partner_s_own_coordinates_are_never_touched_nor_asked_about(
    declare: Declare, store: Store, service: Geocoder
) -> None:
    half, wrong = {**SITE, "latitude": "47.1"}, {**SITE, "latitude": "nord", "longitude": "ouest"}
    mapped = rows({**SITE, "latitude": "47.5", "longitude": "-0.5"}, half, wrong)
    found = run(declare(geocode=keys(service)), mapped, store)
    assert found.mapped.rows.equals(mapped.rows)
    assert (said(found), service.asked) == ([], [])


def test_a_doubtful_answer_is_a_question_and_the_point_stays_empty(
    declare: Declare, store: Store, service: Geocoder
) -> None:
    doubtful = {"adresse": "Rue du Moulin", "commune": "Lille"}
    centre, unknown = {"commune": "Angers"}, {"adresse": "Nulle part", "commune": "Angers"}
    elsewhere = {**SITE, "code_insee": "59350"}
    found = run(declare(geocode=keys(service)), rows(doubtful, centre, unknown, {}, elsewhere), store)
    assert points(found) == [(None, None)] * 5
    problems: list[tuple[int, Problem]] = list(found.mapped.questions)
    assert [(row, p.line, p.field, p.rule, p.severity) for row, p in problems] == [
        (0, 2, "latitude", "geocode", "warning"),
        (1, 3, "latitude", "geocode", "warning"),
        (2, 4, "latitude", "geocode", "warning"),
        (4, 6, "latitude", "geocode", "warning"),
    ]
    assert "Rue du Moulin 59000 Lille" in problems[0][1].message.fr
    assert "0.41" in problems[0][1].message.fr
    assert found.again is None


def test_what_was_answered_once_is_not_asked_again(declare: Declare, store: Store, service: Geocoder) -> None:
    source = declare(geocode=keys(service))
    first = run(source, rows(SITE, {"adresse": "Nulle part"}), store)
    assert service.asked == [ANGERS, "Nulle part"]
    again = run(
        source,
        rows(SITE, {"adresse": "Nulle part"}, {"adresse": "1 place de la Mairie 49000", "commune": "Angers"}),
        store,
    )
    assert service.asked == [ANGERS, "Nulle part"]
    assert points(again)[:2] == points(first)
    assert points(again)[2] == points(first)[0]


def test_a_declared_age_asks_again_and_says_when(declare: Declare, store: Store, service: Geocoder) -> None:
    source = declare(geocode=keys(service, refresh_days=30))
    assert run(source, rows(SITE), store).again == date(2026, 12, 22)
    assert run(source, rows(SITE), store, date(2026, 12, 21)).again == date(2026, 12, 22)
    assert len(service.asked) == 1
    assert run(source, rows(SITE), store, date(2026, 12, 22)).again == date(2027, 1, 21)
    assert len(service.asked) == 2


def test_another_service_is_asked_anew_and_an_address_that_is_gone_is_forgotten(
    declare: Declare, store: Store, service: Geocoder
) -> None:
    run(declare(geocode=keys(service)), rows(SITE), store)
    kept: Any = store.read_json(KEY)
    assert set(kept["rows"]) == {"a--1"}
    assert ANGERS not in store.read(KEY).decode().split('"label"')[0]
    other = {**keys(service)["service"], "url": f"{service.url}/other/csv"}
    run(declare(geocode=keys(service, service=other)), rows(SITE), store)
    assert len(service.asked) == 2
    run(declare(geocode=keys(service)), rows({"commune": ""}), store)
    assert not store.exists(KEY)


def test_a_busy_service_is_waited_for_as_it_asks(declare: Declare, store: Store, service: Geocoder) -> None:
    service.failures = [(429, {"Retry-After": "0"}), (503, {})]
    assert points(run(declare(geocode=keys(service)), rows(SITE), store)) == [("47.470123", "-0.551234")]
    assert len(service.asked) == 1


def test_a_service_that_fails_never_fails_the_source(declare: Declare, store: Store, service: Geocoder) -> None:
    source = declare(geocode=keys(service, service={**keys(service)["service"], "batch": 1}))
    service.failures = [(200, {}), *[(500, {})] * 9]
    mapped = rows(SITE, {**SITE, "adresse": "2 place de la Mairie"})
    found = run(source, mapped, store)
    # What it answered before it failed is kept; the rest is tried again the next day.
    assert points(found) == [("47.470123", "-0.551234"), (None, None)]
    assert found.again == date(2026, 11, 23)
    assert found.notes[0].en.startswith("The service that finds the coordinates")
    assert "Rows without coordinates for now: 1." in found.notes[1].en
    service.failures.clear()
    healed = run(source, mapped, store, date(2026, 11, 23))
    assert (healed.notes, healed.again) == ((), None)
    assert service.asked == [ANGERS, "2 place de la Mairie 49000 Angers"]


@pytest.mark.parametrize(
    "body", [b"<html>Bonjour</html>", b"n,address\n0,x\n", b"n,latitude,longitude,result_score\n7,1,1,1\n"]
)
def test_an_answer_of_another_kind_is_a_failed_one(
    declare: Declare, store: Store, service: Geocoder, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "by_file", lambda *_: body)
    found = run(declare(geocode=keys(service)), rows(SITE), store)
    assert (points(found), len(found.notes), found.again) == ([(None, None)], 2, date(2026, 11, 23))


def test_one_run_sends_no_more_than_is_declared(declare: Declare, store: Store, service: Geocoder) -> None:
    source = declare(geocode=keys(service, at_most=2))
    mapped = rows(*({"adresse": f"{number} rue X"} for number in range(5)))
    first = run(source, mapped, store)
    assert (len(service.asked), first.again, len(first.notes)) == (2, date(2026, 11, 23), 1)
    run(source, mapped, store)
    assert run(source, mapped, store).again is None
    assert service.asked == [f"{number} rue X" for number in range(5)]


def test_only_the_rows_that_are_declared_are_sent(declare: Declare, store: Store, service: Geocoder) -> None:
    source = declare(geocode=keys(service, only={"pays": ["FR", "RE"]}))
    run(source, rows(SITE, {**SITE, "adresse": "rue Y", "pays": "BE"}, {**SITE, "adresse": "rue Z", "pays": ""}), store)
    assert service.asked == [ANGERS]


def test_a_service_that_takes_one_address_at_a_time(declare: Declare, store: Store, service: Geocoder) -> None:
    declared = {
        "url": f"{service.url}/search?q={{address}}&citycode={{insee}}&limit=1",
        "score": "features.0.properties.score",
        "precision": "features.0.properties.type",
        "label": "features.0.properties.label",
        "private": True,
        "gap": 0,
    }
    source = declare(geocode=keys(service, service=declared))
    found = run(
        source,
        rows({**SITE, "code_insee": "49007"}, {"adresse": "Rue du Moulin", "commune": "Lille"}, {"adresse": "?"}),
        store,
    )
    assert points(found) == [("47.470123", "-0.551234"), (None, None), (None, None)]
    assert [severity for _, severity, _ in said(found)] == ["info", "warning", "warning"]
    assert service.asked == [ANGERS, LILLE, "?"]


def test_a_private_address_is_asked_only_where_it_is_declared(
    declare: Declare, store: Store, service: Geocoder
) -> None:
    source = declare(geocode=keys(service, service={**keys(service)["service"], "private": False}))
    found = run(source, rows(SITE), store)
    assert (points(found), service.asked) == ([(None, None)], [])
    assert "no public address" in found.notes[0].en


def test_the_national_service_is_the_one_that_is_meant_without_a_word_more() -> None:
    declared = Geocode(address=["adresse"])
    assert declared.asked is GEOPLATEFORME
    assert (declared.asked.url, declared.asked.by) == ("https://data.geopf.fr/geocodage/search/csv", "csv")


@pytest.mark.parametrize(
    "service",
    [
        {"url": "https://photon.example/api?q=x", "score": "s"},
        {"url": "https://photon.example/api?q={address}"},
        {"url": "ftp://photon.example/{address}"},
    ],
)
def test_a_service_that_could_not_be_doubted_is_refused(service: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Geocode.model_validate({"address": ["adresse"], "service": service})


def test_a_file_that_is_only_checked_asks_nobody(declare: Declare, service: Geocoder) -> None:
    mapped = rows(SITE)
    assert geocoded(declare(geocode=keys(service)), TABLE, mapped, None) == Geocoded(mapped)
    assert service.asked == []
