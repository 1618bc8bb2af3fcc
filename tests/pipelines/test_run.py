"""`glane run`, whole: three partners in, a version out, whatever one of them does."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.instance import open_instance
from sources.returned import Arrived, arrived
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons

ROOT = Path(__file__).parents[2]
GOOD = {
    "unchanged_since": None,
    "reason": None,
    "remedy": None,
    "stale_since": None,
    "answered": [],
    "unanswered": [],
}


def _run(glane: Glane, *more: str) -> tuple[int, dict[str, Any]]:
    said = glane("run", "--json", *more)
    return said.code, json.loads(said.out)


def _sources(outcome: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {source["partner"]: source for source in outcome["datasets"][0]["sources"]}


def _published(commons: Commons, version: str) -> list[str]:
    folder = commons.settings.store / "versions" / "lieux" / version
    return pl.read_csv(folder / "lieux-places.csv", infer_schema=False)["nom"].sort().to_list()


def test_every_row_of_every_partner_is_accounted_for_in_the_summary(commons: Commons, glane: Glane) -> None:
    code, outcome = _run(glane)
    (dataset,) = outcome["datasets"]
    nothing = {"to_correct": 0, "on_hold": 0, "merged": 0, "absent": 0, "leave_on": None, "personal": {}}
    assert code == outcome["exit_code"] == 0
    assert _sources(outcome) == {
        "angers": {"partner": "angers", "state": "ok", "changed": True, "rows_in": 2, "published": 2} | nothing | GOOD,
        "brest": {"partner": "brest", "state": "ok", "changed": True, "rows_in": 2, "published": 1}
        | nothing
        | {"merged": 1}
        | GOOD,
        "caen": {"partner": "caen", "state": "ok", "changed": True, "rows_in": 2, "published": 1}
        | nothing
        | {"to_correct": 1}
        | GOOD,
    }
    del dataset["sources"]
    created, cost = dataset.pop("created"), dataset.pop("cost")
    assert cost["moved"]["received"] == sum(path.stat().st_size for path in commons.settings.sources.rglob("*.csv"))
    assert created.endswith("+00:00")
    assert dataset == {
        "name": "lieux",
        "version": "1.0.0",
        "new_version": True,
        "rows": {"places": 4},
        "page": None,
        "bytes_sent": None,
        "problem": None,
        "warnings": [],
        "pruned_bytes": 0,
    }
    assert _published(commons, "1.0.0") == ["L'Atelier", "La Boussole", "Le Fil", "Le Phare"]


def test_running_again_makes_no_version_and_says_so(glane: Glane) -> None:
    first = glane("run")
    second = glane("run")
    assert (first.code, second.code) == (0, 0)
    assert "(1.0.0): 4 rows in places" in first.out
    assert "no new version: nothing changed since the version of" in second.out
    assert second.out.count("(unchanged since ") == 3
    assert len(json.loads(glane("versions", "lieux", "--json").out)) == 1


def test_a_broken_file_stops_nobody_and_removes_no_row(commons: Commons, glane: Glane) -> None:
    glane("run")
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").write_bytes(b"numero,cp\n1,49000\n")
    commons.file("angers", "1,Le Fil,49000\n2,La Boussole,49100\n3,La Grue,49100\n")
    code, outcome = _run(glane)
    sources, (dataset,) = _sources(outcome), outcome["datasets"]
    assert code == 1
    assert (sources["brest"]["state"], sources["brest"]["rows_in"]) == ("failed", 2)
    assert sources["brest"]["stale_since"] is not None
    assert sources["brest"]["reason"] == "The file has not got the column 'nom'."
    assert {sources[partner]["state"] for partner in ("angers", "caen")} == {"ok"}
    assert (dataset["version"], dataset["new_version"]) == ("1.1.0", True)
    assert _published(commons, "1.1.0") == ["L'Atelier", "La Boussole", "La Grue", "Le Fil", "Le Phare"]


def test_a_file_that_is_gone_fails_by_the_world_and_its_rows_stay(commons: Commons, glane: Glane) -> None:
    glane("run")
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").unlink()
    said = glane("run")
    assert said.code == 3
    assert "FAILED  brest" in said.out
    assert "Its last good rows stay, stale since" in said.out
    assert "no new version" in said.out
    assert _published(commons, "1.0.0") == ["L'Atelier", "La Boussole", "Le Fil", "Le Phare"]


def test_a_broken_declaration_shows_its_line_and_its_rows_stay(commons: Commons, glane: Glane) -> None:
    glane("run")
    commons.edit("brest", "licence: etalab-2.0", "license: etalab-2.0")
    code, outcome = _run(glane)
    brest = _sources(outcome)["brest"]
    assert code == 1
    assert (brest["state"], brest["rows_in"]) == ("failed", 2)
    assert "source.yaml:4: license: The key 'license' is not known. Did you mean 'licence'?" in brest["reason"]
    assert outcome["datasets"][0]["new_version"] is False


def test_a_broken_declaration_of_a_dataset_leaves_the_other_datasets_alone(commons: Commons, glane: Glane) -> None:
    commons.dataset("autres")
    commons.source("dijon", "1,La Cuve,21000\n", dataset="autres")
    schema = commons.settings.schemas / "lieux" / "dataset.yaml"
    schema.write_text(schema.read_text(encoding="utf-8").replace("steward:", "stewart:"), encoding="utf-8")
    code, outcome = _run(glane)
    others, broken = outcome["datasets"]
    assert code == 1
    assert (others["name"], others["version"], others["problem"]) == ("autres", "1.0.0", None)
    assert (broken["name"], broken["version"], broken["problem"]["at"]) == ("lieux", None, "merged")
    assert "dataset.yaml:6: stewart: The key 'stewart' is not known." in broken["problem"]["reason"]


def test_a_source_that_never_came_holds_back_nobody(commons: Commons, glane: Glane) -> None:
    commons.file("caen", "")
    code, outcome = _run(glane)
    assert code == 1
    assert outcome["datasets"][0]["version"] == "1.0.0"
    assert _published(commons, "1.0.0") == ["La Boussole", "Le Fil", "Le Phare"]


def test_nothing_to_publish_at_all_is_an_error_and_no_empty_version(commons: Commons, glane: Glane) -> None:
    for partner in ("angers", "brest", "caen"):
        commons.file(partner, "")
    code, outcome = _run(glane)
    (dataset,) = outcome["datasets"]
    assert (code, dataset["version"]) == (1, None)
    assert "no rows that may be published" in dataset["problem"]["reason"]


def test_a_changed_schema_does_not_lock_out_a_partner_whose_file_is_gone(commons: Commons, glane: Glane) -> None:
    glane("run")
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").unlink()
    schema = commons.settings.schemas / "lieux" / "places.schema.json"
    value = json.loads(schema.read_text(encoding="utf-8"))
    value["fields"][1]["constraints"]["minLength"] = 7
    schema.write_text(json.dumps(value), encoding="utf-8")
    _, outcome = _run(glane)
    (dataset,) = outcome["datasets"]
    assert dataset["problem"] is None
    assert _published(commons, dataset["version"]) == ["L'Atelier", "La Boussole", "Le Phare"]


def test_a_paused_source_keeps_its_rows_and_a_retired_one_takes_them_away(commons: Commons, glane: Glane) -> None:
    glane("run")
    commons.edit("angers", "licence:", "state: paused\nlicence:")
    commons.edit("brest", "licence:", "state: retired\nlicence:")
    code, outcome = _run(glane)
    states = {partner: source["state"] for partner, source in _sources(outcome).items()}
    assert (code, states) == (0, {"angers": "paused", "brest": "retired", "caen": "ok"})
    assert _published(commons, "1.1.0") == ["L'Atelier", "La Boussole", "Le Fil"]


def test_a_licence_that_is_not_accepted_is_refused_and_said(commons: Commons, glane: Glane) -> None:
    commons.edit("brest", "licence: etalab-2.0", "licence: ODbL-1.0")
    _, outcome = _run(glane)
    brest = _sources(outcome)["brest"]
    assert brest["state"] == "refused"
    assert "ODbL-1.0" in brest["reason"]
    assert _published(commons, "1.0.0") == ["L'Atelier", "La Boussole", "Le Fil"]


def test_one_source_alone_is_harvested_when_asked_for(commons: Commons, glane: Glane) -> None:
    glane("run")
    commons.file("angers", "1,Le Fil,49000\n")
    commons.file("brest", "7,Le Fil,49000\n")
    _, outcome = _run(glane, "--source", "brest")
    assert list(_sources(outcome)) == ["brest"]
    assert _published(commons, "1.1.0") == ["L'Atelier", "La Boussole", "Le Fil"]


def test_what_ran_stands_in_the_instance_that_dagit_shows(commons: Commons, glane: Glane) -> None:
    commons.file("brest", "")
    glane("run")
    with open_instance(commons.settings.dagster_home) as instance:
        runs = {run.job_name: run.status.value for run in instance.get_runs()}
        assert runs == {"lieux_harvest": "FAILURE", "lieux_publish": "SUCCESS"}


@pytest.mark.parametrize("moment", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_a_slow_server_is_waited_for_it_stops_at_once_and_the_next_run_goes_on(
    commons: Commons, glane: Glane, moment: signal.Signals
) -> None:
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            connection, _ = server.accept()
            asked.set()
            with connection:
                time.sleep(60)

        threading.Thread(target=listen, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/lieux.csv"
        commons.source("lent", url=url)
        environment = {**os.environ, **commons.environment()}
        command = [sys.executable, "-c", "from pipelines.cli import main; main()", "run", "--no-publish"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as running:
            assert asked.wait(60)
            time.sleep(1)
            running.send_signal(moment)
            out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (130, "")
    assert "Interrupted" in err
    shutil.rmtree(commons.settings.sources / "lieux" / "lent")
    assert glane("run", "--no-publish").code == 0


def test_a_store_that_takes_nothing_is_the_worlds_fault_told_for_each_source(commons: Commons, glane: Glane) -> None:
    commons.settings.store.mkdir()
    (commons.settings.store / "reports").write_text("no folder", encoding="utf-8")
    code, outcome = _run(glane, "--no-publish")
    assert code == 3
    reasons = [source["reason"] for source in _sources(outcome).values()]
    assert len(reasons) == 3
    assert all(reason.startswith("Cannot ") and "Not a directory" in reason for reason in reasons)
    (commons.settings.store / "reports").unlink()
    assert _run(glane, "--no-publish")[0] == 0


def test_a_fault_of_glanes_own_in_one_source_is_told_after_the_others_lines(
    commons: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(path: Path, *more: Any) -> Arrived:
        if "Brest" in path.read_text(encoding="utf-8"):
            raise KeyError("no cell")
        return arrived(path, *more)

    commons.file("brest", "9,Brest,29200\n")
    monkeypatch.setattr("pipelines.judging.arrived", faulty)
    said = glane("run", "--no-publish")
    assert said.code == 3
    assert "glane: Glane itself failed:\nlieux/brest: KeyError: 'no cell'" in said.err
    assert "ok      angers" in said.out
    assert "version of" in said.out


def test_a_temporary_folder_that_is_full_or_gone_is_the_worlds_fault(
    commons: Commons, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(commons.root / "gone"))
    code, outcome = _run(glane, "--no-publish")
    assert code == 3
    reasons = [source["reason"] for source in _sources(outcome).values()]
    assert all(reason.startswith("The disk refused") and "No such file" in reason for reason in reasons)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}'])
def test_pointers_and_reports_that_a_disk_damaged_are_made_again(commons: Commons, glane: Glane, damage: str) -> None:
    _, before = _run(glane, "--no-publish")
    for room in ("raw", "rows", "reports"):
        for path in (commons.settings.store / room / "lieux" / "angers").glob("*.json"):
            path.write_text(damage, encoding="utf-8")
    code, after = _run(glane, "--no-publish")
    assert (code, after["datasets"][0]["new_version"]) == (0, False)
    counts = ("rows_in", "published", "to_correct", "on_hold", "merged", "state")
    for partner, source in _sources(before).items():
        assert [_sources(after)[partner][name] for name in counts] == [source[name] for name in counts]
    assert glane("report", "lieux/angers").code == 0
