"""A version that is not what dataset.yaml expects is held back: the last one stays, the run is red and says why."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from glane.store import FolderStore
from pipelines.catalogue import load_catalogue
from pipelines.graph import build_definitions
from pipelines.intake import take_in
from pipelines.naming import name_of
from pipelines.release import Failed, make_version
from publish.holding import HeldBackError
from publish.version import listed
from tests.pipelines.material import Commons

MANY = "".join(f"{n},Lieu {n},49{n:03}\n" for n in range(8))


def expecting(commons: Commons, *lines: str) -> None:
    """Declare what is expected of the table `places`."""
    path = commons.settings.schemas / "lieux" / "dataset.yaml"
    text = path.read_text(encoding="utf-8").partition("    expectations:\n")[0]
    path.write_text(text + "    expectations:\n" + "".join(f"      - {line}\n" for line in lines), encoding="utf-8")


def release(commons: Commons) -> Any:
    """Take every source in and make a version, as a run does."""
    entry = load_catalogue(commons.settings)["lieux"]
    store = FolderStore(commons.settings.store)
    for source in entry.sources:
        assert take_in(source, entry.dataset, store).error is None
    return make_version(entry, store)


def quality(commons: Commons, version: str) -> list[dict[str, Any]]:
    store = FolderStore(commons.settings.store)
    found: list[dict[str, Any]] = json.loads(store.read(f"versions/lieux/{version}/quality.json"))["expectations"]
    return found


def run_in_dagster(commons: Commons, instance: dg.DagsterInstance) -> tuple[dg.ExecuteInProcessResult, list[object]]:
    """Harvest, then merge and make a version, as Dagster does."""
    seen: list[object] = []
    definitions = build_definitions(commons.settings, lambda: None, seen.append)
    for job in ("harvest", "publish"):
        result = definitions.resolve_job_def(name_of("lieux", job)).execute_in_process(
            instance=instance, raise_on_error=False
        )
    return result, seen


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str, str | None]]:
    """The checks on `version`: passed, severity, what was said."""
    return {
        found.check_name: (found.passed, found.severity.value, found.description)
        for found in result.get_asset_check_evaluations()
        if found.asset_key == dg.AssetKey(["lieux", "version"])
    }


def test_the_first_version_has_nothing_to_compare_with_and_goes_out(commons: Commons) -> None:
    expecting(commons, "{expect: row_count_change, with: {fall: 0.2}}", "{expect: values_kept, fields: [code_postal]}")
    built = release(commons).built
    assert (built.new, built.version.version) == (True, "1.0.0")
    assert [(o.name, o.passed, o.compared) for o in built.expectations] == [
        ("places_columns_kept_ask", True, False),
        ("places_fill_kept_ask", True, False),
        ("places_partners_kept_ask", True, False),
        ("places_partner_rows_change_ask", True, False),
        ("places_row_count_change_ask", True, False),
        ("places_values_kept_code_postal_ask", True, False),
    ]
    assert quality(commons, "1.0.0") == [outcome.model_dump(mode="json") for outcome in built.expectations]


def test_a_version_that_lost_too_many_rows_is_held_back_and_the_last_one_stays(commons: Commons) -> None:
    expecting(commons, "{expect: row_count_change, severity: stop, with: {fall: 0.2}}")
    commons.file("angers", MANY)
    release(commons)
    commons.file("angers", "1,Lieu 1,49001\n")
    with pytest.raises(HeldBackError) as caught:
        release(commons)
    assert caught.value.what == (
        "lieux: the next version is held back, version 1.0.0 stands. row_count_change of places: expected falls by at "
        "most 20%; observed number of rows: 11 before, 4 now (-63.6%). Sources that bring fewer rows: "
        "angers (8 before, 1 now)."
    )
    assert caught.value.remedy == (
        "Correct the source that changed: its report says what arrived. If the change is right, change what stops it "
        "under `expectations:` in schemas/lieux/dataset.yaml. Then run again."
    )
    store = FolderStore(commons.settings.store)
    assert [line.version for line in listed(store, "lieux")] == ["1.0.0"]
    assert store.list("versions/lieux") == ["1.0.0", "versions.json"]
    assert store.list(".staging") == []


def test_a_steward_who_changes_the_bound_lets_the_version_out(commons: Commons) -> None:
    expecting(commons, "{expect: row_count_change, with: {fall: 0.2}}")
    commons.file("angers", MANY)
    release(commons)
    commons.file("angers", "1,Lieu 1,49001\n")
    with pytest.raises(HeldBackError):
        release(commons)
    expecting(commons, "{expect: row_count_change, with: {fall: 0.7}}")
    assert release(commons).version.version == "1.1.0"


def test_a_source_that_is_corrected_lets_the_version_out(commons: Commons) -> None:
    expecting(commons, "{expect: row_count_change, with: {fall: 0.2}}")
    commons.file("angers", MANY)
    release(commons)
    commons.file("angers", "1,Lieu 1,49001\n")
    with pytest.raises(HeldBackError):
        release(commons)
    commons.file("angers", MANY + "9,Lieu 9,49999\n")
    assert release(commons).version.version == "1.1.0"


def test_a_paused_partner_does_not_keep_a_steward_from_changing_a_bound(commons: Commons) -> None:
    release(commons)
    commons.edit("brest", "licence:", "state: paused\nlicence:")
    expecting(commons, "{expect: row_count, with: {min: 1}}")
    entry = load_catalogue(commons.settings)["lieux"]
    store = FolderStore(commons.settings.store)
    for source in entry.sources:
        if source.partner != "brest":
            take_in(source, entry.dataset, store)
    made = make_version(entry, store)
    assert made.version.rows == {"places": 4}


def test_a_column_that_goes_empty_holds_the_version_back_without_being_declared(commons: Commons) -> None:
    release(commons)
    for partner in ("angers", "brest", "caen"):
        commons.file(partner, f"1,Chez {partner},\n")
    with pytest.raises(HeldBackError, match="columns_kept of places: .* observed empty: code_postal"):
        release(commons)
    expecting(commons, "{expect: columns_kept, fields: [code_postal], severity: show}")
    made = release(commons)
    assert (made.version.version, [o.name for o in made.built.expectations if not o.passed]) == (
        "1.1.0",
        ["places_columns_kept_code_postal_show"],
    )


def test_a_column_that_the_schema_takes_out_is_announced_by_that(commons: Commons) -> None:
    release(commons)
    path = commons.settings.schemas / "lieux" / "places.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "code_postal"]
    path.write_text(json.dumps(schema), encoding="utf-8")
    declared = commons.settings.schemas / "lieux" / "dataset.yaml"
    text = declared.read_text(encoding="utf-8").replace("    merge: {same: [[nom, code_postal]]}\n", "")
    declared.write_text(text, encoding="utf-8")
    for partner in ("angers", "brest", "caen"):
        commons.edit(partner, "  code_postal: cp\n", "")
    assert release(commons).version.version == "2.0.0"


def test_dagit_shows_what_was_expected_and_observed_and_the_run_is_red(commons: Commons) -> None:
    expecting(
        commons,
        "{expect: row_count_change, severity: stop, with: {fall: 0.2}}",
        "{expect: largest_share, fields: [nom], severity: show, with: {max: 0.1}}",
    )
    commons.file("angers", MANY)
    with dg.DagsterInstance.ephemeral() as instance:
        first, _ = run_in_dagster(commons, instance)
        shown = checks(first)
        undeclared = ("fill_kept", "partners_kept", "partner_rows_change")
        assert all(shown.pop(f"places_{name}_ask")[0] for name in undeclared)
        assert shown == {
            "places_columns_kept_ask": (
                True,
                "ERROR",
                "Expected no column of the version before disappears or goes empty; observed nothing to compare with: "
                "no version before.",
            ),
            "places_row_count_change_stop": (
                True,
                "ERROR",
                "Expected falls by at most 20%; observed nothing to compare with: no version before.",
            ),
            "places_largest_share_nom_show": (
                True,
                "WARN",
                "Expected no value in more than 10% of the rows; observed “L'Atelier” in 9.1% of the rows.",
            ),
        }
        assert first.success
        commons.file("angers", "1,Lieu 1,49001\n")
        second, seen = run_in_dagster(commons, instance)
        shown = checks(second)
    assert not second.success
    assert shown["places_row_count_change_stop"] == (
        False,
        "ERROR",
        "Expected falls by at most 20%; observed number of rows: 11 before, 4 now (-63.6%).",
    )
    assert shown["places_largest_share_nom_show"][:2] == (False, "WARN")
    (failed,) = [event for event in seen if isinstance(event, Failed)]
    assert (failed.what, type(failed.error)) == ("version", HeldBackError)
    step = next(event for event in second.all_events if event.is_step_failure).step_failure_data
    assert step.user_failure_data is not None
    assert "held back" in str(step.user_failure_data.description)
    assert "what to do" in step.user_failure_data.metadata


def test_a_run_without_changes_judges_nothing_and_shows_the_answers_of_the_version(
    commons: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    expecting(commons, "{expect: row_count_change, with: {fall: 0.2}}")
    made = release(commons).built

    def judged(*_: object) -> None:
        raise AssertionError("nothing changed, nothing is to be judged")

    monkeypatch.setattr("publish.holding.judge_table", judged)
    expecting(commons, "{expect: row_count_change, with: {fall: 0.2}}", "{expect: unique, fields: [id]}")
    with dg.DagsterInstance.ephemeral() as instance:
        result, _ = run_in_dagster(commons, instance)
    assert result.success
    assert checks(result)["places_unique_id_stop"] == (
        True,
        "ERROR",
        "Declared after the current version was made: the next version is judged by it.",
    )
    assert checks(result)["places_row_count_change_ask"][0] is True
    assert [line.version for line in listed(FolderStore(commons.settings.store), "lieux")] == [made.version.version]


def test_a_quality_report_that_was_edited_is_not_shown_as_the_version_s(commons: Commons) -> None:
    release(commons)
    path: Path = commons.settings.store / "versions" / "lieux" / "1.0.0" / "quality.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"passed": true', '"passed": false'), encoding="utf-8")
    with pytest.raises(Exception, match="is not the quality report that was written"):
        release(commons)
