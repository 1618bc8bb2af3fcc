"""What runs when: signatures, sensors, schedules."""

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg

from glane.store import open_store
from pipelines.automation import changed_since
from pipelines.catalogue import load_catalogue
from pipelines.cli.say import day
from pipelines.graph import build_definitions
from pipelines.intake import take_in
from pipelines.visits import due, next_visit, visited
from sources.snapshot import Pointer
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def _sensor_tick(commons: Commons, cursor: str | None) -> dg.SensorResult:
    definitions = build_definitions(commons.settings, lambda: None)
    repository = definitions.get_repository_def()
    sensor = repository.get_sensor_def("lieux_changes")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=repository, sensor_name="lieux_changes"
        )
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def _tick(schedule: dg.ScheduleDefinition, now: datetime) -> object:
    with dg.DagsterInstance.ephemeral() as instance:
        return schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=now))


def _asked(result: dg.SensorResult) -> list[list[str]]:
    return [
        sorted(key.to_user_string() for key in request.asset_selection or []) for request in result.run_requests or []
    ]


def test_what_is_new_or_other_than_before_has_changed() -> None:
    assert changed_since({"a": "1", "b": "1", "gone": "1"}, {"a": "1", "b": "2", "c": "1"}) == ["b", "c"]


def test_the_first_look_asks_for_every_source_that_was_never_taken_in(commons: Commons) -> None:
    result = _sensor_tick(commons, None)
    assert _asked(result) == [
        [f"lieux/{partner}/{what}" for partner in ("angers", "brest", "caen") for what in ("rows", "snapshot")]
    ]
    assert set(json.loads(result.cursor or "")) == {"angers", "brest", "caen"}


def test_a_second_look_at_the_same_files_asks_for_nothing(commons: Commons) -> None:
    first = _sensor_tick(commons, None)
    second = _sensor_tick(commons, first.cursor)
    assert (_asked(second), second.cursor) == ([], first.cursor)


def test_a_changed_file_asks_for_exactly_that_source(commons: Commons) -> None:
    cursor = _sensor_tick(commons, None).cursor
    commons.file("brest", "9,Le Sémaphore,29200\n")
    assert _asked(_sensor_tick(commons, cursor)) == [["lieux/brest/rows", "lieux/brest/snapshot"]]


def test_a_file_touched_later_asks_again_though_its_size_is_the_same(commons: Commons) -> None:
    cursor = _sensor_tick(commons, None).cursor
    path = commons.settings.sources / "lieux" / "caen" / "lieux.csv"
    os.utime(path, ns=(1, 1))
    assert _asked(_sensor_tick(commons, cursor)) == [["lieux/caen/rows", "lieux/caen/snapshot"]]


def test_a_changed_declaration_asks_for_exactly_that_source(commons: Commons) -> None:
    cursor = _sensor_tick(commons, None).cursor
    commons.edit("angers", "2026", "2027")
    assert _asked(_sensor_tick(commons, cursor)) == [["lieux/angers/rows", "lieux/angers/snapshot"]]


def test_a_declaration_that_breaks_asks_for_its_source_so_that_it_shows(commons: Commons) -> None:
    cursor = _sensor_tick(commons, None).cursor
    commons.edit("angers", "licence: etalab-2.0", "license: etalab-2.0")
    assert _asked(_sensor_tick(commons, cursor)) == [["lieux/angers/rows", "lieux/angers/snapshot"]]


def test_a_paused_source_is_left_alone(commons: Commons) -> None:
    commons.edit("angers", "licence:", "state: paused\nlicence:")
    assert set(json.loads(_sensor_tick(commons, None).cursor or "")) == {"brest", "caen"}


def test_sources_are_harvested_at_the_cadence_they_declare(commons: Commons) -> None:
    commons.edit("brest", "licence:", "cadence: weekly\nlicence:")
    commons.edit("caen", "licence:", "cadence: once\nlicence:")
    repository = build_definitions(commons.settings, lambda: None).get_repository_def()
    asked = {}
    for schedule in repository.schedule_defs:
        if schedule.job_name in ("prune", "morning"):
            continue
        request = _tick(schedule, datetime.now(UTC))
        if schedule.name == "lieux_grace":
            assert isinstance(request, dg.SkipReason)
            continue
        assert isinstance(request, dg.RunRequest)
        keys = sorted(key.to_user_string() for key in request.asset_selection or [])
        asked[schedule.name] = (schedule.cron_schedule, schedule.default_status.value, keys)
    assert asked == {
        "lieux_daily": ("0 3 * * *", "RUNNING", ["lieux/angers/rows", "lieux/angers/snapshot"]),
        "lieux_weekly": ("0 3 * * 1", "RUNNING", ["lieux/brest/rows", "lieux/brest/snapshot"]),
    }


def test_a_source_that_never_changes_is_asked_more_seldom_until_it_changes(commons: Commons) -> None:
    (entry,) = load_catalogue(commons.settings).values()
    store, source = open_store(commons.settings.store), entry.source("angers")
    now = datetime.now(UTC)
    assert (visited(source, store), due(source, store, now)) == (None, True)
    for partner in ("angers", "brest", "caen"):
        take_in(entry.source(partner), entry.dataset, store)
    # Its file has stood for forty days: four from one check to the next.
    pointer = json.loads(store.read("raw/lieux/angers/latest.json"))
    long_ago = (now - timedelta(days=40)).isoformat(timespec="seconds")
    store.write_json("raw/lieux/angers/latest.json", pointer | {"changed_at": long_ago})
    repository = build_definitions(commons.settings, lambda: None).get_repository_def()
    schedule = repository.get_schedule_def("lieux_daily")

    def asked(days: int) -> list[str]:
        request = _tick(schedule, now + timedelta(days=days))
        keys = request.asset_selection or [] if isinstance(request, dg.RunRequest) else []
        return sorted({key.path[1] for key in keys})

    assert [asked(days) for days in (0, 1, 3, 4)] == [
        [],
        ["brest", "caen"],
        ["brest", "caen"],
        ["angers", "brest", "caen"],
    ]
    commons.file("angers", "1,Le Fil,49000\n")
    assert take_in(source, entry.dataset, store).error is None
    assert asked(1) == ["angers", "brest", "caen"]


def test_a_source_that_fails_is_asked_at_its_cadence(commons: Commons) -> None:
    (entry,) = load_catalogue(commons.settings).values()
    store, source = open_store(commons.settings.store), entry.source("angers")
    (commons.settings.sources / "lieux" / "angers" / "lieux.csv").unlink()
    report = take_in(source, entry.dataset, store).report
    assert visited(source, store) == datetime.fromisoformat(report.run_at) + timedelta(days=1)


def test_source_list_says_when_a_source_is_asked_again_and_how_fresh_it_is(commons: Commons, glane: Glane) -> None:
    (entry,) = load_catalogue(commons.settings).values()
    store = open_store(commons.settings.store)

    def listed(partner: str) -> dict[str, Any]:
        lines: list[dict[str, Any]] = json.loads(glane("source", "list", "--json").out)
        return next(line for line in lines if line["partner"] == partner)

    never = listed("angers")
    assert (never["checked_at"], never["next_check"], never["freshness"]) == (None, None, "never")
    take_in(entry.source("angers"), entry.dataset, store)
    line = listed("angers")
    pointer = json.loads(store.read("raw/lieux/angers/latest.json"))
    tomorrow = datetime.fromisoformat(pointer["checked_at"]) + timedelta(days=1)
    assert (line["checked_at"], line["next_check"]) == (pointer["checked_at"], tomorrow.isoformat())
    assert line["freshness"] == "fresh"
    said = next(line for line in glane("source", "list").out.splitlines() if line.startswith("lieux/angers "))
    assert f", active (next check {day(tomorrow.isoformat())}), daily: 2 rows in" in said
    # Nobody ran it since long ago.
    old = {"checked_at": "2026-01-02T03:00:00Z", "changed_at": "2026-01-01T03:00:00Z"}
    store.write_json("raw/lieux/angers/latest.json", pointer | old)
    assert (listed("angers")["freshness"], listed("angers")["next_check"]) == ("late", "2026-01-03T03:00:00+00:00")
    said = next(line for line in glane("source", "list").out.splitlines() if line.startswith("lieux/angers "))
    assert said.endswith("; LATE: it was to be asked on 3 January 2026")
    (commons.settings.sources / "lieux" / "angers" / "lieux.csv").unlink()
    take_in(entry.source("angers"), entry.dataset, store)
    assert listed("angers")["freshness"] == "stale"
    report_key = "reports/lieux/angers/latest.json"
    store.write_json(report_key, json.loads(store.read(report_key)) | {"stale_since": "2020-01-01T00:00:00+00:00"})
    assert listed("angers")["freshness"] == "expired"
    commons.edit("angers", "licence:", "state: paused\nlicence:")
    assert listed("angers")["next_check"] is None


def test_who_has_deposited_waits_no_longer_than_a_cadence_however_long_nothing_came(commons: Commons) -> None:
    def asked_after() -> timedelta:
        (entry,) = load_catalogue(commons.settings).values()
        checked = "2026-06-01T03:00:00+00:00"
        pointer = Pointer("0" * 64, 1, "2020-01-01T03:00:00+00:00", checked, "portal", "depot")
        following = next_visit(entry.source("angers"), pointer, None)
        assert following is not None
        return following - datetime.fromisoformat(checked)

    assert asked_after() == timedelta(days=7)
    commons.edit("angers", "where: {file: lieux.csv}", "where: {deposit: {dataset: depot}}")
    assert asked_after() == timedelta(days=1)
    commons.edit("angers", "licence:", "slowest: monthly\nlicence:")
    assert asked_after() == timedelta(days=31)


def test_a_server_that_asks_for_a_longer_rest_than_the_cadence_gets_it(commons: Commons) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(429)
            self.send_header("Retry-After", str(3 * 24 * 3600))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    try:
        commons.source("brest", url=f"http://127.0.0.1:{httpd.server_port}/lieux.csv")
        (entry,) = load_catalogue(commons.settings).values()
        store, source = open_store(commons.settings.store), entry.source("brest")
        asked = datetime.now(UTC)
        error = take_in(source, entry.dataset, store).error
        assert error is not None
        assert "It asks to come back in 259200 seconds." in error.remedy
    finally:
        httpd.shutdown()
        httpd.server_close()
    following = visited(source, store)
    assert following is not None
    assert timedelta(days=3) <= following - asked + timedelta(seconds=1) < timedelta(days=3, minutes=2)
    assert [due(source, store, asked + timedelta(days=days)) for days in (1, 2, 3)] == [False, False, True]
