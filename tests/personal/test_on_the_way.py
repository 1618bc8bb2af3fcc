"""Personal data on its way through a run: it stays in the raw snapshot, which is private, and in what goes back to the
partner itself; the answer, Dagster, the summary and what is published hold none of it."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from glane.store import FolderStore
from pipelines import metadata
from pipelines.catalogue import load_catalogue
from pipelines.intake import Intake, take_in
from schemas.rows import judge_fingerprint, last_good
from tests.pipelines.conftest import Glane, commons, dagster_home, glane  # noqa: F401
from tests.pipelines.material import Commons

HEADER = "numero,nom,cp,courriel,texte,Référent,Mobile du référent,NIR"
ROWS = """\
1,Le Fil,49000,contact@lefil.example,Ouvert le mardi,Zénobie Quatrebarbes,06 39 98 11 22,255081416802538
2,La Boussole,49100,jean.dupont@orange.fr,Appeler Jeanne Martin au 06 39 98 33 44,Zénobie Quatrebarbes,,
3,Mme Yvette Toutlemonde,49200,accueil@fil.example,Libre,,,
4,Le Phare,4920,mairie@fil.example,écrire à paul.durand [at] gmail.com,,,
"""
# What columns that no field uses hold, and what was found in those that one does.
UNMAPPED = ("Quatrebarbes", "06 39 98 11 22", "0639981122", "255081416802538")
FOUND = ("jean.dupont", "Jeanne", "06 39 98 33 44", "0639983344", "Toutlemonde", "paul.durand")
THEIRS = ("raw/", "annotated.xlsx", "cleaned.xlsx", "register")
"""What is the partner's own or nobody's to read: as it arrived, its file back, what its rows are known again by."""


@pytest.fixture
def angers(commons: Commons) -> Commons:  # noqa: F811
    """The partner `angers` sends contacts along; nothing is decided about any field."""
    schema = json.loads((commons.settings.schemas / "lieux" / "places.schema.json").read_text("utf-8"))
    schema["fields"] += [{"name": name, "type": "string"} for name in ("courriel", "texte")]
    (commons.settings.schemas / "lieux" / "places.schema.json").write_text(json.dumps(schema), "utf-8")
    commons.edit("angers", "  code_postal: cp\n", "  code_postal: cp\n  courriel: courriel\n  texte: texte\n")
    commons.file("angers", "").write_text(f"{HEADER}\n{ROWS}", "utf-8")
    return commons


def decide(commons: Commons, lines: str) -> None:  # noqa: F811
    commons.edit("angers", "id:", f"personal:\n{lines}id:")


def taken(commons: Commons) -> Intake:  # noqa: F811
    entry = load_catalogue(commons.settings)["lieux"]
    return take_in(entry.source("angers"), entry.dataset, FolderStore(commons.settings.store))


def told(path: Path) -> str:
    """All the text of a file of the store, whatever its format."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        return str(pl.read_parquet(io.BytesIO(data)).to_dicts())
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    if data.startswith(b"SQLite format 3"):
        with sqlite3.connect(path) as base:
            return "".join(base.iterdump())
    return data.decode("utf-8", "replace")


def others(commons: Commons) -> Iterator[tuple[str, str]]:  # noqa: F811
    """What the run left anywhere: in the store but for the partner's own, and in Dagster's home."""
    for root in (commons.settings.store, commons.settings.dagster_home):
        for path in root.rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and not any(theirs in name for theirs in THEIRS):
                yield name, told(path)


def test_what_no_field_uses_never_leaves_the_raw_snapshot_and_what_is_held_back_is_told_to_nobody(
    angers: Commons,
    glane: Glane,  # noqa: F811
) -> None:
    said = glane("run", "--json")
    assert said.code == 0
    left = [*others(angers), ("stdout", said.out), ("stderr", said.err)]
    assert any("versions/" in name for name, _ in left)
    assert any("runs" in name for name, _ in left)
    secrets = (*UNMAPPED, *FOUND)
    assert [(name, secret) for name, text in left for secret in secrets if secret in text] == []
    raw = "".join(told(path) for path in (angers.settings.store / "raw").rglob("*") if path.is_file())
    assert [secret for secret in ("Quatrebarbes", "255081416802538", "jean.dupont") if secret not in raw] == []


def test_the_undecided_is_held_back_and_the_answer_dagit_and_the_summary_say_so(
    angers: Commons,
    glane: Glane,  # noqa: F811
) -> None:
    intake = taken(angers)
    found = last_good(FolderStore(angers.settings.store), "lieux", "angers")
    assert found is not None
    rows, verdict = found
    assert rows.select("nom", "courriel", "texte").rows() == [("Le Fil", None, None), ("La Boussole", None, None)]
    assert (verdict.rows_in, verdict.passed, verdict.to_correct, verdict.on_hold) == (4, 2, 1, 1)
    assert "rien n'a été décidé pour cette colonne" in intake.markdown
    assert "j•••@o•••" in intake.markdown
    assert "la ligne est en attente" in intake.markdown
    check = metadata.personal_data(intake)
    assert not check.passed
    assert "courriel: email in 1 cells, undecided: the field is held back" in (check.reason or "")
    (source,) = [
        one for one in json.loads(glane("run", "--json").out)["datasets"][0]["sources"] if one["partner"] == "angers"
    ]
    assert source["personal"] == {"hold-field": 4, "hold-rows": 1}


def test_what_is_decided_is_done_and_the_check_passes(angers: Commons) -> None:
    reason = "reason: {fr: Raison., en: Reason.}"
    decide(
        angers,
        f"  - {{fields: [nom], found: [name], decision: publish, {reason}}}\n"
        f"  - {{fields: [courriel], decision: role-address-only, {reason}}}\n"
        f"  - {{fields: [texte], decision: mask, {reason}}}\n",
    )
    intake = taken(angers)
    found = last_good(FolderStore(angers.settings.store), "lieux", "angers")
    assert found is not None
    assert found[0].select("nom", "courriel", "texte").rows() == [
        ("Le Fil", "contact@lefil.example", "Ouvert le mardi"),
        ("La Boussole", None, "Appeler ••• au •••"),
        ("Mme Yvette Toutlemonde", "accueil@fil.example", "Libre"),
    ]
    check = metadata.personal_data(intake)
    assert check.passed
    assert "nom: name in 1 cells, published as decided" in (check.reason or "")
    assert "Raison. Écrivez plutôt une adresse de fonction" in intake.markdown


def test_the_error_of_a_hook_quotes_nobody(angers: Commons) -> None:
    hook = angers.settings.sources / "lieux" / "angers" / "hook.py"
    hook.write_text("def row(cells):\n    return {'cp': int(cells['courriel'] + cells['texte'])}\n", "utf-8")
    angers.file("angers", "").write_text(f"{HEADER}\n{ROWS.splitlines()[1]}\n", "utf-8")
    intake = taken(angers)
    assert "hook.py, on line 2" in str(intake.error)
    assert [secret for secret in FOUND if secret in f"{intake.error}{intake.markdown}"] == []


def test_a_decision_changes_the_key_of_the_judgement(angers: Commons) -> None:
    first = taken(angers)
    assert taken(angers).report.state == "unchanged"
    decide(angers, "  - {fields: [texte], decision: drop, reason: {fr: Raison., en: Reason.}}\n")
    again = taken(angers)
    assert (again.report.state, again.report.judged == first.report.judged) == ("judged", False)


def test_the_detectors_and_their_lists_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = Path.read_bytes

    def noted(path: Path) -> bytes:
        read.append(path)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    judge_fingerprint.cache_clear()
    judge_fingerprint()
    room = Path(__file__).parents[2] / "schemas" / "personal"
    assert {path for path in room.iterdir() if path.suffix in (".py", ".yaml", ".csv")} <= set(read)


def test_glane_check_gives_the_same_answer_and_shows_nothing_whole(
    angers: Commons,
    glane: Glane,  # noqa: F811
) -> None:
    path = angers.settings.sources / "lieux" / "angers" / "lieux.csv"
    said = glane("check", str(path), "--source", "lieux/angers", "--lang", "en")
    assert "nothing was decided for this column" in said.out
    assert [secret for secret in (*UNMAPPED, *FOUND) if secret in said.out + said.err] == []
    as_json = json.loads(glane("check", str(path), "--source", "lieux/angers", "--json").out)
    assert {(one["field"], one["outcome"]) for one in as_json["personal"]} == {
        ("nom", "hold-rows"),
        ("courriel", "hold-field"),
        ("texte", "hold-field"),
    }


def test_a_wrong_decision_of_a_source_names_its_line(angers: Commons, glane: Glane) -> None:  # noqa: F811
    decide(angers, "  - {fields: [courriels], decision: drop, reason: {fr: Raison., en: Reason.}}\n")
    said = glane("source", "test", "lieux/angers")
    assert said.code != 0
    path = angers.settings.sources / "lieux" / "angers" / "source.yaml"
    number = path.read_text("utf-8").splitlines().index("personal:") + 2
    assert f"source.yaml:{number}: personal.0.fields.0: The table has no field 'courriels'." in said.err + said.out
    assert "Did you mean 'courriel'?" in said.err + said.out
