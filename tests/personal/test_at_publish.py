"""What would be published is looked at once more: nothing about persons leaves that nobody decided about, whatever its
way: a correction by hand, rows that an older gate let through, a decision that became stricter."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from glane.store import FolderStore
from pipelines.catalogue import Entry, load_catalogue
from pipelines.intake import take_in
from pipelines.release import Release, make_version
from pipelines.today import waiting_in
from publish.decisions import COLUMNS
from publish.version import current, path_of
from schemas.dataset import Dataset
from schemas.judge import judge
from schemas.rows import keep, last_good
from tests.personal.test_on_the_way import others
from tests.pipelines.conftest import Glane, commons, dagster_home, glane  # noqa: F401
from tests.pipelines.material import Commons

ROWS = "numero,nom,cp,texte\n1,Le Fil,49000,Ouvert le mardi\n2,La Boussole,49100,Libre\n"
WITH_A_PERSON = "Appeler Jeanne Martin au 06 39 98 33 44"
SECRETS = ("Jeanne", "06 39 98 33 44", "0639983344", "Toutlemonde")
REASON = "reason: {fr: Raison., en: Reason.}"


@pytest.fixture
def angers(commons: Commons) -> Commons:  # noqa: F811
    """The partner `angers` sends a text along; nothing is decided about any field."""
    path = commons.settings.schemas / "lieux" / "places.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    schema["fields"].append({"name": "texte", "type": "string"})
    path.write_text(json.dumps(schema), "utf-8")
    declared = commons.settings.schemas / "lieux" / "dataset.yaml"
    # What one partner alone says may be emptied here.
    lines = "    expectations: [{expect: columns_kept, fields: [texte], severity: show}]\n"
    declared.write_text(declared.read_text("utf-8") + lines, "utf-8")
    commons.edit("angers", "  code_postal: cp\n", "  code_postal: cp\n  texte: texte\n")
    commons.file("angers", "").write_text(ROWS, "utf-8")
    return commons


def decide(found: Commons, **line: str) -> None:
    path = found.settings.sources / "decisions" / "lieux.csv"
    path.parent.mkdir(exist_ok=True)
    cells = {"by": "coordination", "on": "2026-11-20", "why": "vu sur place", **line}
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(cells.get(name, "") for name in COLUMNS) + "\n", "utf-8")


def publishes(found: Commons, kinds: str) -> None:
    line = f"  - {{fields: [texte], found: [{kinds}], decision: publish, {REASON}}}\n"
    found.edit("angers", "id:", f"personal:\n{line}id:")


def the(found: Commons) -> tuple[Entry, FolderStore]:
    return load_catalogue(found.settings)["lieux"], FolderStore(Path(found.settings.store))


def run(found: Commons) -> Release:
    entry, store = the(found)
    for source in entry.sources:
        take_in(source, entry.dataset, store)
    return make_version(entry, store)


def texts(found: Commons) -> dict[str, str | None]:
    _, store = the(found)
    version = current(store, "lieux")
    assert version is not None
    rows = pl.read_csv(path_of(store, version, version.file("lieux-places.csv")), infer_schema=False)
    return dict(rows.filter(pl.col("id").str.starts_with("angers")).select("id", "texte").iter_rows())


def report_of(found: Commons) -> dict[str, Any]:
    _, store = the(found)
    version = current(store, "lieux")
    assert version is not None
    report: dict[str, Any] = json.loads(path_of(store, version, version.file("quality.json")).read_bytes())
    return report


def plant(found: Commons, name: str, text: str) -> None:
    """Rows that passed before Glane looked for persons at all: the verdict names no gate."""
    entry, store = the(found)
    kept = last_good(store, "lieux", "angers")
    assert kept is not None
    assert isinstance(entry.dataset, Dataset)
    (rows, verdict), dataset = kept, entry.dataset
    second = pl.int_range(pl.len()) == 1
    planted = rows.with_columns(pl.when(second).then(pl.lit(text)).otherwise(pl.col(name)).alias(name))
    judgement = judge(dataset, dataset.main, planted)
    keep(
        store,
        dataset,
        dataset.main,
        "angers",
        judgement,
        snapshot=verdict.snapshot,
        mapped_by=verdict.mapped_by,
        judged_at=verdict.judged_at,
    )


def test_a_correction_that_writes_somebodys_number_stops_the_version_and_nobody_quotes_it(
    angers: Commons,
    glane: Glane,  # noqa: F811
) -> None:
    run(angers)
    decide(angers, kind="correction", id="angers--1", field="texte", seen="Ouvert le mardi", value=WITH_A_PERSON)
    said = glane("run")
    assert said.code == 1
    flat = " ".join(said.out.split())
    assert "lieux.csv:2: value: The value for texte is personal data (name), and nobody decided" in flat
    assert "is personal data (mobile)" in flat
    assert texts(angers) == {"angers--1": "Ouvert le mardi", "angers--2": "Libre"}
    left = [*others(angers), ("stdout", said.out), ("stderr", said.err), ("today", glane("today").out)]
    assert [(name, secret) for name, text in left for secret in SECRETS if secret in text] == []


def test_a_correction_may_write_what_a_source_of_the_row_decided_to_publish(angers: Commons) -> None:
    publishes(angers, "name, mobile")
    run(angers)
    decide(angers, kind="correction", id="angers--1", field="texte", seen="Ouvert le mardi", value=WITH_A_PERSON)
    run(angers)
    assert texts(angers) == {"angers--1": WITH_A_PERSON, "angers--2": "Libre"}


def test_what_a_correction_took_out_does_not_come_back_by_the_changelog(angers: Commons) -> None:
    publishes(angers, "name, mobile")
    angers.file("angers", "").write_text(ROWS.replace("Ouvert le mardi", WITH_A_PERSON), "utf-8")
    run(angers)
    why = "demandé par Jeanne Martin"
    decide(angers, kind="correction", id="angers--1", field="texte", seen=WITH_A_PERSON, value="Ouvert", why=why)
    made = run(angers).version
    _, store = the(angers)
    told = path_of(store, made, made.file("changelog.fr.md")).read_text("utf-8")
    assert "texte de angers--1 : « Ouvert » au lieu de « Appeler J••• M••• au 06•••4 »" in told
    assert [secret for secret in SECRETS if secret in told] == []


def test_rows_of_a_source_that_rests_go_by_the_decisions_of_today(angers: Commons) -> None:
    publishes(angers, "name, mobile")
    angers.file("angers", "").write_text(ROWS.replace("Ouvert le mardi", WITH_A_PERSON), "utf-8")
    run(angers)
    assert texts(angers) == {"angers--1": WITH_A_PERSON, "angers--2": "Libre"}
    angers.edit("angers", "found: [name, mobile], decision: publish", "decision: mask")
    angers.edit("angers", "licence:", "state: paused\nlicence:")
    entry, store = the(angers)
    made = make_version(entry, store)
    assert texts(angers) == {"angers--1": "Appeler ••• au •••", "angers--2": "Libre"}
    assert made.built.warnings == ()
    assert report_of(angers)["personal"] == [
        {"partner": "angers", "table": "places", "field": "texte", "kind": kind, "outcome": "mask", "cells": 1}
        for kind in ("mobile", "name")
    ]


def test_what_an_older_gate_let_through_and_nobody_decided_is_held_back_and_told_without_a_word_of_it(
    angers: Commons,
    glane: Glane,  # noqa: F811
) -> None:
    run(angers)
    angers.edit("angers", "licence:", "state: paused\nlicence:")
    plant(angers, "texte", WITH_A_PERSON)
    said = glane("run")
    assert said.code == 0
    assert texts(angers) == {"angers--1": None, "angers--2": None}
    flat = " ".join(said.out.split())
    assert "angers: personal data that nobody decided about was found in rows that were judged before" in flat
    assert "the field texte is held back" in flat
    entry, store = the(angers)
    assert "personal data" in {one.kind for one in waiting_in(entry, store)}
    left = [(name, text) for name, text in others(angers) if not name.startswith("rows/")]
    left += [("stdout", said.out), ("stderr", said.err), ("today", glane("today").out)]
    assert [(name, secret) for name, text in left for secret in SECRETS if secret in text] == []


def test_where_the_table_needs_the_field_the_row_is_on_hold_and_accounted_for(angers: Commons) -> None:
    run(angers)
    angers.edit("angers", "licence:", "state: paused\nlicence:")
    plant(angers, "nom", "Mme Yvette Toutlemonde")
    entry, store = the(angers)
    made = make_version(entry, store)
    assert texts(angers) == {"angers--1": "Ouvert le mardi"}
    (line,) = [one for one in made.built.accounts.partners if one.partner == "angers"]
    assert (line.rows_in, line.published, line.on_hold) == (2, 1, 1)


def test_rows_that_passed_todays_gate_are_not_searched_again(angers: Commons, monkeypatch: pytest.MonkeyPatch) -> None:
    run(angers)
    searched: list[str] = []
    monkeypatch.setattr("publish.contribution.gate", lambda *_: searched.append("again"))
    entry, store = the(angers)
    make_version(entry, store)
    assert searched == []


def test_rows_in_their_grace_period_go_through_it_too(angers: Commons) -> None:
    path = angers.settings.schemas / "lieux" / "dataset.yaml"
    path.write_text(path.read_text("utf-8").replace("grace: 0", "grace: 7"), "utf-8")
    publishes(angers, "name, mobile")
    angers.file("angers", "").write_text(ROWS.replace("Libre", WITH_A_PERSON), "utf-8")
    run(angers)
    angers.file("angers", "").write_text(ROWS[: ROWS.index("2,")], "utf-8")
    run(angers)
    assert texts(angers) == {"angers--1": "Ouvert le mardi", "angers--2": WITH_A_PERSON}
    angers.edit("angers", "found: [name, mobile], decision: publish", "decision: drop")
    run(angers)
    assert texts(angers) == {"angers--1": "Ouvert le mardi", "angers--2": None}
