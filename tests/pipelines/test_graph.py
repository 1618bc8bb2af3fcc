"""The graph that Dagster resolves: a snapshot in plain JSON, and declarations that cannot be used."""

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.graph import build_definitions
from tests.pipelines.material import Commons, make_commons, three_partners

SNAPSHOT = Path(__file__).with_name("graph.json")


@pytest.fixture
def commons(tmp_path: Path) -> Commons:
    return three_partners(tmp_path)


def _resolved(definitions: dg.Definitions) -> dict[str, Any]:
    """What stands in the graph, without paths and hashes."""
    graph = definitions.resolve_asset_graph()
    repository = definitions.get_repository_def()
    assets = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        assets[key.to_user_string()] = {
            "group": node.group_name,
            "kinds": sorted(tag.removeprefix("dagster/kind/") for tag in node.tags if tag.startswith("dagster/kind/")),
            "owners": sorted(node.owners),
            "after": sorted(parent.to_user_string() for parent in node.parent_keys),
            "automation": node.automation_condition.get_label() if node.automation_condition else None,
            "freshness": type(node.freshness_policy).__name__ if node.freshness_policy else None,
            "executable": node.is_materializable,
        }
    return {
        "assets": assets,
        "checks": sorted(f"{key.asset_key.to_user_string()}: {key.name}" for key in graph.asset_check_keys),
        "jobs": sorted(name for name in repository.job_names if not name.startswith("__")),
        "schedules": {s.name: [s.cron_schedule, s.default_status.value] for s in repository.schedule_defs},
        "sensors": {s.name: [type(s).__name__, s.default_status.value] for s in repository.sensor_defs},
    }


def test_the_graph_is_the_one_we_know(commons: Commons) -> None:
    commons.edit("brest", "licence: etalab-2.0", "license: etalab-2.0")
    commons.edit("caen", "licence:", "state: paused\nlicence:")
    found = _resolved(build_definitions(commons.settings, lambda: None))
    if os.environ.get("GLANE_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_an_invalid_declaration_is_an_asset_that_says_why(commons: Commons) -> None:
    commons.edit("brest", "licence: etalab-2.0", "licence: WTFPL")
    definitions = build_definitions(commons.settings, lambda: None)
    dg.Definitions.validate_loadable(definitions)
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert "'WTFPL' is not on the list of licences" in (specs["lieux/brest/rows"].description or "")
    assert specs["lieux/angers/rows"].owners == ["donnees@angers.example"]


def test_an_unknown_field_is_met_before_anything_runs(commons: Commons) -> None:
    commons.edit("brest", "  code_postal: cp", "  code_postale: cp")
    specs = {
        spec.key.to_user_string(): spec
        for spec in build_definitions(commons.settings, lambda: None).resolve_all_asset_specs()
    }
    assert "Did you mean 'code_postal'?" in (specs["lieux/brest/rows"].description or "")


def test_an_invalid_dataset_hides_neither_itself_nor_the_others(commons: Commons) -> None:
    commons.dataset("autres")
    commons.source("dijon", "1,La Cuve,21000\n", dataset="autres")
    (commons.settings.schemas / "lieux" / "dataset.yaml").write_text("title: [", encoding="utf-8")
    definitions = build_definitions(commons.settings, lambda: None)
    dg.Definitions.validate_loadable(definitions)
    assets = set(_resolved(definitions)["assets"])
    assert {"autres/dijon/rows", "autres/version", "lieux/angers/rows", "lieux/version"} <= assets


def test_sources_of_a_dataset_that_is_not_declared_are_shown(commons: Commons) -> None:
    commons.source("dijon", "1,La Cuve,21000\n", dataset="lieus")
    definitions = build_definitions(commons.settings, lambda: None)
    assert "lieus/dijon/rows" in _resolved(definitions)["assets"]


def test_oddly_named_folders_do_not_empty_dagit(commons: Commons) -> None:
    for name in ("L'Été à Brest", "a-b", "a_b", "a.b"):
        commons.source(name, "1,Le Fil,49000\n")
    definitions = build_definitions(commons.settings, lambda: None)
    dg.Definitions.validate_loadable(definitions)
    rows = [name for name in _resolved(definitions)["assets"] if name.endswith("/rows")]
    assert len(rows) == 7


def test_no_declaration_at_all_is_a_graph_too(tmp_path: Path) -> None:
    dg.Definitions.validate_loadable(build_definitions(make_commons(tmp_path).settings, lambda: None))


def test_a_dataset_without_sources_can_be_looked_at(tmp_path: Path) -> None:
    commons = make_commons(tmp_path)
    commons.dataset()
    definitions = build_definitions(commons.settings, lambda: None)
    dg.Definitions.validate_loadable(definitions)
    assert set(_resolved(definitions)["assets"]) == {"lieux/merged", "lieux/portal", "lieux/version", "today"}


def _harvest(commons: Commons) -> dg.ExecuteInProcessResult:
    job = build_definitions(commons.settings, lambda: None).resolve_job_def("lieux_harvest")
    return job.execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )


def test_good_sources_materialise_and_a_bad_one_makes_the_run_red_and_says_why(commons: Commons) -> None:
    commons.edit("brest", "licence: etalab-2.0", "license: etalab-2.0")
    commons.file("angers", "")
    result = _harvest(commons)
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    checks = {
        f"{check.asset_key.to_user_string()} {check.check_name}": (check.passed, check.severity.value)
        for check in result.get_asset_check_evaluations()
    }
    assert not result.success
    assert made == {"lieux/caen/snapshot", "lieux/caen/rows"}
    assert checks == {
        "lieux/angers/rows conforms": (False, "ERROR"),
        "lieux/angers/rows complete": (False, "ERROR"),
        "lieux/angers/rows personal_data": (False, "ERROR"),
        "lieux/brest/rows conforms": (False, "ERROR"),
        "lieux/brest/rows complete": (False, "ERROR"),
        "lieux/brest/rows personal_data": (False, "ERROR"),
        "lieux/caen/rows conforms": (False, "WARN"),
        "lieux/caen/rows complete": (True, "WARN"),
        "lieux/caen/rows personal_data": (True, "WARN"),
    }
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    said = failure.step_failure_data.error_display_string
    assert "angers: lieux.csv holds 0 rows" in said
    assert "brest" in said
    assert "The key 'license' is not known. Did you mean 'licence'?" in said


def test_a_steward_reads_counts_reasons_and_the_partners_report(commons: Commons) -> None:
    result = _harvest(commons)
    events = {e.asset_key.to_user_string(): e for e in result.get_asset_materialization_events() if e.asset_key}
    shown = events["lieux/caen/rows"].materialization.metadata
    assert result.success
    assert {name: shown[name].value for name in ("rows in", "to be corrected", "on hold", "dagster/row_count")} == {
        "rows in": 2,
        "to be corrected": 1,
        "on hold": 0,
        "dagster/row_count": 1,
    }
    assert isinstance(shown["report"], dg.MarkdownMetadataValue)
    assert "à corriger" in shown["report"].md_str
    assert isinstance(shown["what is wrong"], dg.TableMetadataValue)
    assert [record.data["column"] for record in shown["what is wrong"].records] == ["cp"]
    assert [column.name for column in shown["dagster/column_schema"].value.columns] == ["id", "nom", "code_postal"]


def test_releases_follow_whatever_was_harvested_and_nothing_asks_for_one_before(commons: Commons) -> None:
    commons.file("angers", "")
    definitions = build_definitions(commons.settings, lambda: None)
    silent = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        before = dg.evaluate_automation_conditions(definitions, instance)
        job = definitions.resolve_job_def("lieux_harvest")
        job.execute_in_process(instance=instance, raise_on_error=False, run_config=silent)
        after = dg.evaluate_automation_conditions(definitions, instance, cursor=before.cursor)
        later = dg.evaluate_automation_conditions(definitions, instance, cursor=after.cursor)
    asked = sorted(r.key.to_user_string() for r in after.results if after.get_num_requested(r.key))
    assert before.total_requested == 0
    assert asked == ["lieux/merged", "lieux/portal", "lieux/version"]
    assert later.total_requested == 0
