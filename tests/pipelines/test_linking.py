"""A dataset whose links lead to another: made after it, reviewed like any pair, never held up by it."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.catalogue import BrokenDataset, load_catalogue
from pipelines.graph import build_definitions
from pipelines.linking import made_in_order
from publish.decisions import add, read_decisions
from publish.formats.delimited import read_csv
from tests.pipelines.conftest import Glane
from tests.pipelines.material import DATASET, Commons

SIREN, OTHER = "732829320", "552081317"
NUMBERED = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "nom", "type": "string", "constraints": {"required": True}},
        {"name": "code_postal", "type": "string"},
        {"name": "siret", "type": "string"},
        {"name": "pays", "type": "string"},
        {"name": "source", "type": "string"},
    ],
    "primaryKey": "id",
}
LINKED = {
    "fields": [
        {"name": name, "type": "string", "constraints": {"required": True}}
        for name in ("id", "organisation", "dataset", "table", "row", "relation", "how", "source")
    ],
    "primaryKey": "id",
    "foreignKeys": [{"fields": "organisation", "reference": {"resource": "places", "fields": "id"}}],
}
LIKENESS = "{name: nom, postcode: code_postal, country: pays, national_id: siret, same_from: 9, ask_from: 5}"
PROVIDED = "provided: {source: partner}"
ATLAS = f"""\
    {PROVIDED}
    merge: {{likeness: {LIKENESS}}}
  - name: links
    title: {{fr: Liens, en: Links}}
    description: {{fr: Des liens., en: Some links.}}
    derived_from: places
    formats: [csv]
    {PROVIDED}
    links:
      - dataset: lieux
        table: places
        relation: runs
        likeness: {LIKENESS}
    expectations:
      - expect: columns_kept
        fields: [id, organisation, dataset, table, row, relation, how, source]
        severity: show
"""


def declare(commons: Commons, name: str, more: str = f"    {PROVIDED}\n") -> None:
    """A dataset whose rows have a national number."""
    folder = commons.dataset(name)
    text = DATASET.format(table="places").replace("    merge: {same: [[nom, code_postal]]}\n", more)
    (folder / "dataset.yaml").write_text(text, encoding="utf-8")
    (folder / "places.schema.json").write_text(json.dumps(NUMBERED), encoding="utf-8")
    (folder / "links.schema.json").write_text(json.dumps(LINKED), encoding="utf-8")


def bring(commons: Commons, dataset: str, partner: str, rows: str) -> None:
    folder = commons.source(partner, None, dataset=dataset)
    path = folder / "source.yaml"
    text = path.read_text(encoding="utf-8")
    if "siret" not in text:
        path.write_text(text + "  siret: siret\n  pays: {constant: FR}\n", encoding="utf-8")
    (folder / "lieux.csv").write_text(f"numero,nom,cp,siret\n{rows}", encoding="utf-8")


@pytest.fixture
def two(commons: Commons) -> Commons:
    """Places, and an atlas (before them in alphabetical order) whose organisations run some of them."""
    for partner in ("angers", "brest", "caen"):
        (commons.settings.sources / "lieux" / partner / "source.yaml").unlink()
    declare(commons, "lieux")
    declare(commons, "atlas", ATLAS)
    bring(commons, "lieux", "hub", f"1,Le Fil,49000,{SIREN}00074\n2,La Boussole des Ponts,49100,\n3,Ailleurs,14000,\n")
    bring(
        commons,
        "atlas",
        "reseau",
        f"1,Association du Fil,75000,{SIREN}\n2,Boussole des Ponts,49100,\n3,Loin,75001,{OTHER}\n",
    )
    return commons


def links(commons: Commons) -> list[tuple[str, str, str]]:
    last = json.loads((commons.settings.store / "versions" / "atlas" / "versions.json").read_text())["versions"][-1]
    rows = read_csv(commons.settings.store / "versions" / "atlas" / last["version"] / "atlas-links.csv")
    return rows.select("organisation", "row", "how").rows()


def versions(glane: Glane, dataset: str) -> list[str]:
    return [line["version"] for line in json.loads(glane("versions", dataset, "--json").out)]


def test_links_are_made_after_what_they_lead_to_reviewed_and_gone_with_it(
    two: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert glane("run").code == 0
    assert links(two) == [("reseau--1", "hub--1", "national_id")]
    package = two.settings.store / "versions" / "atlas" / "1.0.0" / "datapackage.json"
    resource = json.loads(package.read_text(encoding="utf-8"))["resources"][1]
    made_of = {"title": "Lieux", "dataset": "lieux", "table": "places", "version": "1.0.0"}
    assert (resource["name"], resource["sources"]) == ("links", [made_of])
    command = [Path(sys.executable).with_name("frictionless"), "validate", package.name, "--json"]
    judged = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, timeout=120, check=False)
    assert json.loads(judged.stdout)["valid"]

    quality = json.loads(package.with_name("quality.json").read_text(encoding="utf-8"))
    assert quality["links"] == {"links": {"counts": {"lieux/places": {"national_id": 1}}, "waiting": 1}}
    page = package.with_name("quality.en.html").read_text(encoding="utf-8")
    assert "possible links to another dataset, to be confirmed: 1" in page

    (one,) = json.loads(glane("review", "atlas", "--json").out)
    assert (one["a"], one["b"], one["relation"]) == ("reseau--2", "lieux/places/hub--2", "runs")
    monkeypatch.setattr("sys.stdin", io.StringIO("s\n"))
    assert "links (runs), 1 of 1" in glane("review", "atlas", "--as", "coordination").out
    decisions = read_decisions(two.settings.sources / "decisions" / "atlas.csv", ["places", "links"])
    assert [(one.kind, one.table, one.id, one.other) for one in decisions.all] == [
        ("same", "links", "reseau--2", "lieux/places/hub--2")
    ]
    glane("run")
    assert links(two) == [("reseau--1", "hub--1", "national_id"), ("reseau--2", "hub--2", "decided")]
    changes = (two.settings.store / "versions" / "atlas" / "1.1.0" / "changelog.en.md").read_text(encoding="utf-8")
    assert "- reseau--2 and lieux/places/hub--2 are one and the same (coordination, " in changes

    # A new version of the places that changes no link makes none of the atlas; one in which a row is gone does.
    bring(two, "lieux", "hub", f"1,Le Fil,49000,{SIREN}00074\n2,La Boussole des Ponts,49100,\n3,Ailleurs !,14000,\n")
    glane("run")
    assert (versions(glane, "lieux")[-1], versions(glane, "atlas")) == ("1.0.1", ["1.0.0", "1.1.0"])
    bring(two, "lieux", "hub", f"1,Le Fil,49000,{SIREN}00074\n3,Ailleurs !,14000,\n4,Encore,14000,\n")
    said = glane("run").out
    assert links(two) == [("reseau--1", "hub--1", "national_id")]
    assert "reseau--2 or lieux/places/hub--2: one of the two is not published" in " ".join(said.split())
    assert versions(glane, "atlas")[-1] == "1.2.0"

    # Who withdraws is linked to nothing any more, were it the last link of all.
    path = two.settings.sources / "decisions" / "atlas.csv"
    withdrawn = {"kind": "withdrawal", "id": "reseau--1", "by": "coordination", "on": "2026-11-20", "why": "asked for"}
    add(path, ["places", "links"], withdrawn)
    done = glane("run")
    assert (done.code, links(two)) == (0, []), done.out


def test_a_dataset_without_a_version_or_with_a_broken_declaration_holds_nobody_back(two: Commons, glane: Glane) -> None:
    assert glane("run", "atlas").code == 0
    assert links(two) == []
    (two.settings.schemas / "lieux" / "dataset.yaml").write_text("title: [", encoding="utf-8")
    bring(two, "atlas", "reseau", f"1,Association du Fil,75000,{SIREN}\n2,Boussole des Ponts,49100,\n")
    assert glane("run", "atlas").code == 0
    assert versions(glane, "atlas") == ["1.0.0", "1.1.0"]


def test_dagster_knows_which_version_comes_first_and_asks_for_the_other_again(two: Commons, glane: Glane) -> None:
    glane("run")
    definitions = build_definitions(two.settings, lambda: None)
    graph = definitions.resolve_asset_graph()
    after = {key.to_user_string() for key in graph.get(dg.AssetKey(["atlas", "version"])).parent_keys}
    assert after == {"atlas/merged", "lieux/version"}
    silent: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        before = dg.evaluate_automation_conditions(definitions, instance)
        job = definitions.resolve_job_def("lieux_publish")
        selection = [dg.AssetKey(["lieux", "merged"]), dg.AssetKey(["lieux", "version"])]
        job.execute_in_process(instance=instance, asset_selection=selection, run_config=silent)
        then = dg.evaluate_automation_conditions(definitions, instance, cursor=before.cursor)
    asked = sorted(r.key.to_user_string() for r in then.results if then.get_num_requested(r.key))
    assert before.total_requested == 0
    assert [name for name in asked if name.startswith("atlas")] == ["atlas/portal", "atlas/version"]


def broken(commons: Commons) -> list[tuple[int, str]]:
    """What is wrong with the atlas, by line."""
    atlas = load_catalogue(commons.settings)["atlas"].dataset
    assert isinstance(atlas, BrokenDataset)
    return [(fault.line, fault.what + " " + fault.remedy.partition("?")[0]) for fault in atlas.error.faults]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dataset: lieux", "dataset: lieus", "There is no dataset 'lieus'. Did you mean 'lieux'"),
        ("table: places", "table: place", "The dataset lieux has no table 'place'. Did you mean 'places'"),
        ("name: nom,", "name: noms,", "The table lieux/places has no field 'noms'. Did you mean 'nom'"),
    ],
)
def test_links_that_lead_nowhere_are_told_by_line(two: Commons, old: str, new: str, said: str) -> None:
    path = two.settings.schemas / "atlas" / "dataset.yaml"
    head, _, tail = path.read_text(encoding="utf-8").partition("    links:\n")
    path.write_text(f"{head}    links:\n{tail.replace(old, new)}", encoding="utf-8")
    (line,) = (number for number, one in enumerate(path.read_text("utf-8").splitlines(), 1) if new in one)
    assert broken(two) == [(line, said)]
    assert not isinstance(load_catalogue(two.settings)["lieux"].dataset, BrokenDataset)


def test_links_in_a_ring_and_into_a_licence_that_cannot_hold_them_are_refused(two: Commons) -> None:
    path = two.settings.schemas / "lieux" / "dataset.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("publish: etalab-2.0, accept", "publish: ODbL-1.0, accept"), encoding="utf-8")
    ((_, said),) = broken(two)
    assert said.startswith("lieux/places is under ODbL-1.0, this dataset under etalab-2.0. ")
    declare(two, "lieux", ATLAS.replace("dataset: lieux", "dataset: atlas"))
    ((_, said),) = broken(two)
    assert said.startswith("These links lead back: atlas -> lieux -> atlas. Declare the links on one side")


def test_datasets_are_made_after_those_that_they_follow() -> None:
    assert made_in_order({"a": ("c", "elsewhere"), "b": (), "c": ("b",)}) == ["b", "c", "a"]
