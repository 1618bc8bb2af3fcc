"""The verdict from end to end: given once, given again when anything that judges changes, checked by the publisher."""

import json
import re

import pytest
from typer.testing import CliRunner

from glane.store import FolderStore
from pipelines.catalogue import load_catalogue
from pipelines.cli.app import app
from pipelines.intake import Intake, take_in
from pipelines.release import make_version
from publish.version import listed
from schemas.rows import VerdictError, last_good
from tests.pipelines.material import Commons


def take_all_in(commons: Commons) -> list[Intake]:
    entry = load_catalogue(commons.settings)["lieux"]
    return [take_in(source, entry.dataset, FolderStore(commons.settings.store)) for source in entry.sources]


def no_judging(*_: object, **__: object) -> None:
    raise AssertionError("unchanged rows under unchanged rules are not judged again")


def test_unchanged_rows_under_unchanged_rules_are_judged_once(
    commons: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = take_all_in(commons)
    monkeypatch.setattr("pipelines.judging.judge_gated", no_judging)
    monkeypatch.setattr("pipelines.judging.arrived", no_judging)
    second = take_all_in(commons)
    assert [intake.report.state for intake in second] == ["unchanged"] * 3
    assert [intake.verdict for intake in second] == [intake.verdict for intake in first]


@pytest.mark.parametrize("changed", ["schema", "rules", "mapping", "file"])
def test_whatever_judges_or_maps_them_changes_they_are_judged_again(commons: Commons, changed: str) -> None:
    before = take_all_in(commons)[0].verdict
    folder = commons.settings.schemas / "lieux"
    if changed == "schema":
        path = folder / "places.schema.json"
        path.write_text(path.read_text(encoding="utf-8").replace("[0-9]{5}", "[0-9]{5,6}"), encoding="utf-8")
    elif changed == "rules":
        path = folder / "dataset.yaml"
        rule = "    rules:\n      - {rule: postcode_of_country, fields: [code_postal], with: {country: FR}}\n"
        path.write_text(path.read_text(encoding="utf-8") + rule, encoding="utf-8")
    elif changed == "mapping":
        commons.edit("angers", "nom: nom", "nom: {column: nom, clean: [text]}")
    else:
        commons.file("angers", "1,Le Fil,49000\n")
    found = take_all_in(commons)[0]
    assert (found.error, found.report.state) == (None, "judged")
    assert before is not None
    assert found.verdict is not None
    same = {
        "snapshot": found.verdict.snapshot == before.snapshot,
        "judged_by": found.verdict.judged_by == before.judged_by,
        "mapped_by": found.verdict.mapped_by == before.mapped_by,
    }
    differs = {"schema": "judged_by", "rules": "judged_by", "mapping": "mapped_by", "file": "snapshot"}[changed]
    assert [name for name, equal in same.items() if not equal] == [differs]


def test_rows_edited_in_the_store_are_never_published_and_the_last_version_stays(commons: Commons) -> None:
    take_all_in(commons)
    entry, store = load_catalogue(commons.settings)["lieux"], FolderStore(commons.settings.store)
    make_version(entry, store)
    judged = json.loads(store.read("rows/lieux/angers/latest.json"))["judged"]
    path = store.local(f"rows/lieux/angers/{judged}.parquet")
    found = last_good(store, "lieux", "angers")
    assert found is not None
    found[0].with_columns(nom=found[0]["nom"] + "!").write_parquet(path)
    with pytest.raises(VerdictError, match="cannot be trusted") as caught:
        make_version(entry, store)
    assert "glane run lieux --source angers" in caught.value.remedy
    assert [line.version for line in listed(store, "lieux")] == ["1.0.0"]
    take_all_in(commons)
    assert not make_version(entry, store).built.new


def test_the_counts_of_a_run_are_what_glane_terms_shows(commons: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = commons.settings.schemas / "lieux"
    (folder / "terms").mkdir()
    (folder / "terms" / "noms.csv").write_text("term,synonyms,fr,en\nLe Fil,,Le Fil,The Thread\n", encoding="utf-8")
    path = folder / "dataset.yaml"
    terms = "    terms: {nom: {list: noms, severity: warning}}\n"
    path.write_text(path.read_text(encoding="utf-8") + terms, encoding="utf-8")
    for name, value in commons.environment().items():
        monkeypatch.setenv(name, value)
    empty = CliRunner().invoke(app, ["terms", "lieux"])
    assert (empty.exit_code, empty.output) == (0, "lieux: nothing was judged yet: glane run lieux.\n")
    commons.file("brest", "7,Le Fils,49000\n8,Le Phare,29200\n")
    take_all_in(commons)
    shown = CliRunner().invoke(app, ["terms", "lieux"]).output
    assert [re.split(r"\s{2,}|, since", line.strip())[:2] for line in shown.splitlines()] == [
        ["1 nom: L'Atelier", "caen"],
        ["1 nom: La Boussole", "angers"],
        ["1 nom: Le Fils", "brest"],
        ["1 nom: Le Grenier", "caen"],
        ["1 nom: Le Phare", "brest"],
    ]
    assert "offered: Le Fil" in shown
    told = json.loads(CliRunner().invoke(app, ["terms", "lieux", "--json"]).output)
    assert [term["term"] for term in told["terms"]] == ["L'Atelier", "La Boussole", "Le Fils", "Le Grenier", "Le Phare"]
    assert {"rule": "terms", "field": None, "severity": "warning", "count": 1} in told["rules"]["angers"]
    unknown = CliRunner().invoke(app, ["terms", "lieu"])
    assert "Did you mean 'lieux'" in str(unknown.exception)
