"""The command line's face: help, usage errors, JSON shapes, and what `check`, `report`, `versions` answer."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer.main
from rich.text import Text

from pipelines.cli.app import app
from pipelines.cli.outcome import as_lines
from pipelines.summary import DatasetOutcome, Outcome, SourceOutcome
from tests.pipelines.conftest import Glane
from tests.pipelines.material import SCHEMA, Commons


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(path, command)]
    for name, inner in getattr(command, "commands", {}).items():
        found += _commands(inner, (*path, name))
    return found


COMMANDS = _commands(typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(("glane", *path)) for path, _ in COMMANDS])
def test_every_command_and_option_explains_itself(path: tuple[str, ...], command: click.Command) -> None:
    assert command.help, path
    unexplained = [
        parameter.name
        for parameter in command.params
        if not getattr(parameter, "help", None) and parameter.name != "help"
    ]
    assert unexplained == []


def test_of_two_partners_whose_ids_would_begin_alike_the_second_is_broken(commons: Commons, glane: Glane) -> None:
    commons.source("bre.st", "1,Le Fil,49000\n")
    commons.source("bre-st", "1,Le Phare,29200\n")
    states = {line["partner"]: line["state"] for line in json.loads(glane("source", "list", "--json").out)}
    assert states == {"angers": "active", "bre-st": "active", "bre.st": "broken", "brest": "active", "caen": "active"}


def test_what_a_program_may_read_comes_as_json() -> None:
    with_json = {" ".join(path) for path, command in COMMANDS if any("--json" in p.opts for p in command.params)}
    assert {"run", "check", "source list", "source test", "versions", "report", "portal status"} <= with_json


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["run", "lieu"], "There is no dataset called 'lieu'. Did you mean 'lieux'?"),
        (["run", "--source", "brset"], "There is no source called 'brset'. Did you mean 'brest'?"),
        (["versions", "lieu"], "There is no dataset called 'lieu'. Did you mean 'lieux'?"),
        (["report", "lieux/brset"], "There is no source called 'lieux/brset'. Did you mean 'lieux/brest'?"),
        (["report", "lieux/brest"], "lieux/brest has no report yet."),
        (["check", "x.csv"], "Say against what to check the file."),
        (["check", "x.csv", "--dataset", "lieux"], "There is no file x.csv."),
        (["check", __file__, "--schema", "nope.json"], "There is no Table Schema nope.json."),
        (["check", "x.csv", "--dataset", "lieux", "--limit-errors", "3"], "--limit-errors goes with --schema."),
        (["source", "test", "lieux/brset"], "Did you mean 'lieux/brest'?"),
    ],
)
def test_a_wrong_call_says_what_to_call_instead(glane: Glane, arguments: list[str], said: str) -> None:
    answer = glane(*arguments)
    assert answer.code == 2
    assert said in re.sub(r"\s+", " ", answer.err)
    assert answer.out == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GLANE_SOURCES", "/nowhere/at/all", "GLANE_SOURCES names /nowhere/at/all, which is no folder."),
        ("GLANE_PORTAL", "data.example.org", "GLANE_PORTAL is 'data.example.org', which is no address."),
        ("GLANE_PORTAL", "https://data.example.org", "GLANE_PORTAL names a portal, but no token to publish with."),
    ],
)
def test_a_wrong_setting_is_a_wrong_call(
    glane: Glane, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    answer = glane("run")
    assert (answer.code, said in answer.err) == (2, True)


def test_versions_lists_date_number_rows_and_the_hash_of_the_manifest(commons: Commons, glane: Glane) -> None:
    assert (glane("versions", "lieux", "--json").out, glane("versions", "lieux").code) == ("[]\n", 0)
    glane("run")
    (line,) = json.loads(glane("versions", "lieux", "--json").out)
    manifest = commons.settings.store / "versions" / "lieux" / "1.0.0" / "manifest.json"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    created = line.pop("created")
    assert line == {"version": "1.0.0", "previous": None, "rows": {"places": 4}, "manifest_sha256": digest}
    text = glane("versions", "lieux").out
    assert re.fullmatch(rf"version of \d+ \w+ \d{{4}} \(1\.0\.0\)  4 rows in places  sha256 {digest}\n", text), created


def test_a_reuser_follows_a_dataset_by_diff_and_delta(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    glane("run")
    commons.file("brest", "7,Le Fil,49000\n8,Le Phare,29000\n9,La Rade,29200\n")
    glane("run")
    versions = commons.settings.store / "versions" / "lieux"
    old, new = (versions / number / "lieux-places.csv" for number in ("1.0.0", "1.1.0"))
    value = json.loads(glane("diff", "lieux", "1.0.0", "1.1.0", "--json").out)
    assert glane("diff", "lieux", "1.0.0", "1.1.0").out == "places  1 added, 1 changed, 0 removed\n"
    assert value["tables"]["places"]["changed"] == [
        {"id": "brest--8", "field": "code_postal", "old": "29200", "new": "29000"}
    ]
    made = tmp_path / "made.csv"
    applied = glane("apply", str(versions / "1.1.0" / "delta" / "places.delta.json"), str(old), "-o", str(made))
    assert (applied.code, made.read_bytes()) == (0, new.read_bytes())
    unknown = glane("diff", "lieux", "1.0.0", "9.9.9")
    assert (unknown.code, "1.0.0, 1.1.0" in unknown.err) == (2, True)


def test_verify_names_the_file_that_somebody_edited(commons: Commons, glane: Glane) -> None:
    glane("run")
    assert glane("verify").code == 0
    edited = commons.settings.store / "versions" / "lieux" / "1.0.0" / "lieux-places.csv"
    edited.write_bytes(edited.read_bytes() + b"x")
    answer = glane("verify", "lieux", "--json")
    faults = json.loads(answer.out)
    assert (answer.code, [fault["where"] for fault in faults]) == (1, [str(edited)])


def test_publishing_without_a_portal_or_a_version_is_a_wrong_call(glane: Glane, tmp_path: Path) -> None:
    nowhere = glane("publish")
    (tmp_path / "token").write_text("secret", encoding="utf-8")
    nothing = glane("publish", "--to", "http://127.0.0.1:9", "--token-file", str(tmp_path / "token"))
    assert (nowhere.code, "No portal is known." in nowhere.err) == (2, True)
    assert (nothing.code, "No dataset has a version yet." in nothing.err) == (2, True)


def test_a_report_speaks_the_partners_language_unless_asked(glane: Glane) -> None:
    glane("run")
    french, english = glane("report", "lieux/caen"), glane("report", "lieux/caen", "--lang", "en")
    assert (french.code, english.code) == (0, 0)
    assert "à corriger" in french.out
    assert "to be corrected" in english.out
    value = json.loads(glane("report", "lieux/caen", "--json").out)
    assert value["counts"] == {"rows_in": 2, "passed": 1, "to_correct": 1, "on_hold": 0}


def test_source_list_tells_of_broken_ones_too(commons: Commons, glane: Glane) -> None:
    commons.edit("brest", "licence: etalab-2.0", "licence: WTFPL")
    answer = glane("source", "list", "--json")
    lines = {line["partner"]: line for line in json.loads(answer.out)}
    assert (answer.code, {name: line["state"] for name, line in lines.items()}) == (
        0,
        {"angers": "active", "brest": "broken", "caen": "active"},
    )
    assert "WTFPL" in lines["brest"]["error"]
    assert lines["angers"]["where"] == "lieux.csv"
    assert "BROKEN" in glane("source", "list").out


def test_a_sample_is_written_then_holds_then_is_told_apart(commons: Commons, glane: Glane) -> None:
    without = glane("source", "test", "lieux/angers")
    written = glane("source", "test", "lieux/angers", "--write")
    holds = glane("source", "test", "lieux/angers")
    commons.file("angers", "1,Le Fil,49000\n")
    differs = glane("source", "test", "lieux/angers", "--json")
    assert [answer.code for answer in (without, written, holds, differs)] == [1, 0, 0, 1]
    assert "expected.csv is missing" in without.out
    assert json.loads(differs.out)[0]["differences"] == ["angers--2: promised, and not there"]


class TestCheck:
    """`glane check`."""

    @pytest.fixture
    def schema(self, tmp_path: Path) -> Path:
        path = tmp_path / "places.json"
        path.write_text(json.dumps(SCHEMA), encoding="utf-8")
        return path

    def _file(self, tmp_path: Path, text: str) -> Path:
        path = tmp_path / "file.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def test_against_a_schema_is_frictionless_own_report(self, glane: Glane, tmp_path: Path, schema: Path) -> None:
        file = self._file(tmp_path, "id,nom,code_postal\n1,Le Fil,49000\n2,,490\n")
        answer = glane("check", str(file), "--schema", str(schema), "--json")
        command = [Path(sys.executable).with_name("frictionless"), "validate", file.name]
        theirs = subprocess.run(
            [*command, "--schema", schema.name, "--json"], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        ours, theirs_report = json.loads(answer.out), json.loads(theirs.stdout)
        assert (answer.code, theirs.returncode) == (1, 1)
        assert ours.keys() == theirs_report.keys()
        assert ours["tasks"][0]["errors"] == theirs_report["tasks"][0]["errors"]

    def test_a_right_file_is_exit_0_in_every_way(self, glane: Glane, tmp_path: Path, schema: Path) -> None:
        file = self._file(tmp_path, "id,nom,code_postal\n1,Le Fil,49000\n")
        theirs = self._file(tmp_path / "..", "numero,nom,cp\n1,Le Fil,49000\n")
        codes = [
            glane("check", str(file), "--schema", str(schema)).code,
            glane("check", str(file), "--schema", str(schema), "--json").code,
            glane("check", str(file), "--dataset", "lieux").code,
            glane("check", str(file), "--dataset", "lieux/places").code,
            glane("check", str(theirs), "--source", "lieux/angers").code,
        ]
        assert codes == [0, 0, 0, 0, 0]

    def test_as_a_source_is_the_partners_answer_and_nothing_is_kept(
        self, commons: Commons, glane: Glane, tmp_path: Path
    ) -> None:
        file = self._file(tmp_path, "numero,nom,cp\n1,Le Fil,49\n")
        answer = glane("check", str(file), "--source", "lieux/angers")
        value = json.loads(glane("check", str(file), "--source", "lieux/angers", "--json").out)
        assert (answer.code, value["counts"]["to_correct"]) == (1, 1)
        assert value["problems"][0]["column"] == "cp"
        assert not commons.settings.store.exists()

    def test_a_file_that_cannot_be_read_is_answered_too(self, glane: Glane, tmp_path: Path) -> None:
        file = self._file(tmp_path, "numero,cp\n1,49000\n")
        answer = glane("check", str(file), "--source", "lieux/angers", "--json")
        assert (answer.code, json.loads(answer.out)["failure"]["step"]) == (1, "map")

    def test_an_unknown_table_is_a_wrong_call(self, glane: Glane, tmp_path: Path) -> None:
        answer = glane("check", str(self._file(tmp_path, "a\n")), "--dataset", "lieux/place")
        assert (answer.code, "Did you mean 'places'?" in answer.err) == (2, True)


def test_a_fault_of_glanes_own_says_so_with_the_worlds_exit_code(glane: Glane, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("lieu")

    monkeypatch.setattr("pipelines.catalogue.load_catalogue", broken)
    said = glane("source", "list")
    assert (said.code, said.err.splitlines()[0].startswith("glane: Glane itself failed: KeyError: 'lieu' (")) == (
        3,
        True,
    )
    assert "Traceback" not in said.err
    monkeypatch.setenv("GLANE_TRACE", "1")
    assert "Traceback" in glane("source", "list").err


def test_a_name_with_markup_or_several_reasons_stays_readable() -> None:
    source = SourceOutcome("[bold]é", "failed", reason="one\ntwo")
    outcome = Outcome((DatasetOutcome("lieux", (source,)),), 1)
    lines = [Text.from_markup(line).plain for line in as_lines(outcome, publish=False, portal_known=False)]
    assert lines == ["lieux", "  FAILED  [bold]é  one\n          two"]


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["run", "--help"]])
def test_help_and_check_never_wait_for_dagster(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['glane', *{arguments!r}]\n"
        "from pipelines.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'dagster', 'polars', 'frictionless', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_template_is_written_once_and_passes_the_check_that_it_promises(
    commons: Commons, glane: Glane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = glane("template", "lieux", "--lang", "en")
    assert (done.code, done.out) == (0, "wrote lieux-places.en.xlsx\n")
    assert glane("check", "lieux-places.en.xlsx", "--dataset", "lieux").code == 0
    again = glane("template", "lieux", "--lang", "en")
    assert (again.code, "is there already" in again.err) == (2, True)
    assert glane("template", "lieux/place").err.startswith("glane: There is no table called 'place'.")
