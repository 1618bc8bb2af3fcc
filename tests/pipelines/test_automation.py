"""What runs when: signatures, sensors, schedules."""

import json
import os

import dagster as dg

from pipelines.automation import changed_since
from pipelines.graph import build_definitions
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
        if schedule.job_name == "prune":
            continue
        with dg.DagsterInstance.ephemeral() as instance:
            request = schedule(dg.build_schedule_context(instance=instance))
        assert isinstance(request, dg.RunRequest)
        keys = sorted(key.to_user_string() for key in request.asset_selection or [])
        asked[schedule.name] = (schedule.cron_schedule, schedule.default_status.value, keys)
    assert asked == {
        "lieux_daily": ("0 3 * * *", "RUNNING", ["lieux/angers/rows", "lieux/angers/snapshot"]),
        "lieux_weekly": ("0 3 * * 1", "RUNNING", ["lieux/brest/rows", "lieux/brest/snapshot"]),
    }
