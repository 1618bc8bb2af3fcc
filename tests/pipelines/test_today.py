"""The steward's list: nothing waits in silence, and each line says why, whom to ask, since when and what to type."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pipelines.graph import build_definitions
from publish.decisions import add
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def today(glane: Glane) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(glane("today", "--json").out)
    return found


def test_after_a_good_run_nothing_waits(commons: Commons, glane: Glane) -> None:
    unknown = today(glane)
    assert {(one["kind"], one["about"]) for one in unknown if one["kind"] == "late"} == {
        ("late", f"lieux/{partner}") for partner in ("angers", "brest", "caen")
    }
    glane("run")
    assert today(glane) == []
    assert glane("today").out == "Nothing waits.\n"


def test_each_thing_that_waits_is_told_with_whom_to_ask_since_when_and_what_to_type(
    commons: Commons, glane: Glane
) -> None:
    glane("run")
    sources = commons.settings.sources / "lieux"
    (sources / "angers" / "lieux.csv").unlink()
    path = sources / "brest" / "source.yaml"
    path.write_text(path.read_text("utf-8").replace("licence: etalab-2.0", "licence: ODbL-1.0"), encoding="utf-8")
    path = sources / "caen" / "source.yaml"
    path.write_text(path.read_text("utf-8") + "cadense: daily\n", encoding="utf-8")
    decisions = commons.settings.sources / "decisions" / "lieux.csv"
    decision = {"kind": "withdrawal", "id": "angers--77", "by": "coordination", "on": "2026-11-20", "why": "asked for"}
    add(decisions, ["places"], decision)
    glane("run")
    found = {(one["kind"], one["about"]): one for one in today(glane)}
    day = datetime.now(UTC).date().isoformat()
    assert {(*key, one["whom"], (one["since"] or "")[:10], one["command"]) for key, one in found.items()} == {
        ("failing", "lieux/angers", "Association angers, données <donnees@angers.example>", day,
         "glane run lieux --source angers"),
        ("licence", "lieux/brest", "Association brest, données <donnees@brest.example>", "", "glane rights lieux"),
        ("declaration", "lieux/caen", "whoever edited it", "", "glane source test lieux/caen"),
        ("decision", "lieux", "coordination", "2026-11-20", f"$EDITOR {decisions}"),
    }  # fmt: skip
    assert found["failing", "lieux/angers"]["why"].startswith("The file 'lieux.csv' that lieux/angers declares is not")
    assert "has to stay under the ODbL" in found["licence", "lieux/brest"]["why"]
    assert "'cadense' is not known. Did you mean 'cadence'?" in found["declaration", "lieux/caen"]["why"]
    assert found["decision", "lieux"]["why"].startswith("Decisions, line 2, angers--77: this row is not published.")
    said = glane("today", "lieux").out
    assert "FAILING  lieux/angers, since " in said
    assert "  then  glane run lieux --source angers\n" in said


def test_a_version_that_is_held_back_is_on_the_list_and_looking_changes_nothing(commons: Commons, glane: Glane) -> None:
    glane("run")
    commons.file("brest", "8,Le Phare,\n9,Le Quai,\n")
    for partner in ("angers", "caen"):
        commons.file(partner, "1,Un lieu,\n")
    glane("run")
    (held,) = [one for one in today(glane) if one["kind"] == "version"]
    assert (held["about"], held["whom"], held["command"]) == (
        "lieux",
        "Les communs <communs@example.org>",
        "glane run lieux",
    )
    assert "is held back" in held["why"]
    assert [line["version"] for line in json.loads(glane("versions", "lieux", "--json").out)] == ["1.0.0"]


def test_dagit_shows_the_list_every_morning(commons: Commons, glane: Glane) -> None:
    glane("run")
    (commons.settings.sources / "lieux" / "angers" / "lieux.csv").unlink()
    glane("run")
    definitions = build_definitions(commons.settings, lambda: None)
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("morning").execute_in_process(instance=instance)
    (made,) = result.get_asset_materialization_events()
    shown = made.materialization.metadata
    assert shown["waiting"].value == 1
    lines = str(shown["list"].value).splitlines()
    assert lines[0] == "### Failing"
    assert lines[-1].startswith("**lieux/angers**, since ")
    assert lines[-1].endswith(
        "Ask Association angers, données <donnees@angers.example>. `glane run lieux --source angers`"
    )
    (schedule,) = [one for one in definitions.get_repository_def().schedule_defs if one.job_name == "morning"]
    assert (schedule.cron_schedule, schedule.default_status) == ("0 7 * * *", dg.DefaultScheduleStatus.RUNNING)
