"""A notice reaches readers without waiting for data, and a steward is told of a change that came without one."""

import json

import dagster as dg

from pipelines.graph import build_definitions
from pipelines.naming import name_of
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons

NOTICE = "notice: {date: 2027-02-01, text: {fr: Le champ « nom » change., en: The field nom changes.}}\n"
TOLD = "2.0.0 is a MAJOR version that no notice announced. Announce the next one ahead: notice: in dataset.yaml."


def announce(commons: Commons) -> None:
    path = commons.settings.schemas / "lieux" / "dataset.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("tables:\n", f"{NOTICE}tables:\n", 1), encoding="utf-8")


def tighten(commons: Commons) -> None:
    """Make a constraint stricter: a MAJOR change."""
    path = commons.settings.schemas / "lieux" / "places.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["fields"][1]["constraints"]["minLength"] = 1
    path.write_text(json.dumps(schema), encoding="utf-8")


def test_the_next_run_tells_of_a_notice_though_no_data_changed(commons: Commons, glane: Glane) -> None:
    glane("run")
    announce(commons)
    (dataset,) = json.loads(glane("run", "--json").out)["datasets"]
    assert (dataset["version"], dataset["new_version"], dataset["warnings"]) == ("1.0.1", True, [])
    assert not any(source["changed"] for source in dataset["sources"])
    (dataset,) = json.loads(glane("run", "--json").out)["datasets"]
    assert (dataset["version"], dataset["new_version"]) == ("1.0.1", False)


def test_a_steward_is_told_of_a_major_version_without_notice_and_it_is_made(commons: Commons, glane: Glane) -> None:
    glane("run")
    tighten(commons)
    said = glane("run")
    assert said.code == 0
    assert f"look at {TOLD}" in " ".join(said.out.split())


def test_dagit_shows_what_a_steward_should_look_at(commons: Commons, glane: Glane) -> None:
    glane("run")
    tighten(commons)
    with dg.DagsterInstance.ephemeral() as instance:
        definitions = build_definitions(commons.settings, lambda: None, lambda event: None)
        for job in ("harvest", "publish"):
            result = definitions.resolve_job_def(name_of("lieux", job)).execute_in_process(instance=instance)
    made = {event.asset_key: event for event in result.get_asset_materialization_events() if event.asset_key}
    shown = made[dg.AssetKey(["lieux", "version"])].materialization.metadata
    assert shown["to look at"].value == TOLD
