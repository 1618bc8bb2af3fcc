"""The gate: what is decided is done, what is undecided is held back, no row is lost, and nothing personal is told."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.declaration import DeclarationError
from schemas.dataset import Dataset, load_dataset
from schemas.judgement import LINE
from schemas.personal.decisions import Decision, PersonalCount
from schemas.personal.gate import Personal, gate, judge_gated, personal_of
from schemas.report import judged_report
from schemas.report_text import problems_csv, to_markdown
from tests.schemas.material import rows_of
from tests.schemas.test_report import ABOUT, NOW

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "town", "type": "string"},
        {"name": "postcode", "type": "string"},
        {"name": "mails", "type": "string"},
        {"name": "phone", "type": "string"},
        {"name": "text", "type": "string"},
    ],
    "primaryKey": "id",
}
DECLARED = """\
title: {fr: Lieux, en: Places}
description: {fr: Des lieux., en: Places.}
language: fr
frequency: daily
steward: {name: La Coopérative, email: donnees@example.org}
licence: {publish: etalab-2.0, accept: [etalab-2.0]}
governance:
  contribution: {fr: Écrivez-nous., en: Write to us.}
  reuse: {fr: Citez-nous., en: Credit us.}
  objection: {fr: Écrivez-nous., en: Write to us.}
tables:
  - name: sites
    title: {fr: Lieux, en: Places}
    description: {fr: Des lieux., en: Places.}
    rules:
      - {rule: at_least_one, fields: [town, postcode]}
      - {rule: email, fields: [mails], with: {separator: "|"}}
"""
REASON = {"fr": "Parce que.", "en": "Because."}
GOOD = {"id": "a", "name": "Espace Simone Veil", "town": "Caen", "mails": "contact@lieu.example", "text": "Ouvert."}


def declared(folder: Path, personal: str = "") -> Dataset:
    root = folder / "sites"
    root.mkdir(exist_ok=True)
    (root / "sites.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    (root / "dataset.yaml").write_text(DECLARED + personal, encoding="utf-8")
    return load_dataset(root)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return declared(tmp_path_factory.mktemp("gate"))


def decision(what: str, *fields: str, found: list[str] | None = None) -> Decision:
    return Decision.model_validate({"fields": list(fields), "decision": what, "found": found, "reason": REASON})


def rows(*cells: dict[str, str]) -> pl.DataFrame:
    told = [GOOD | {"id": f"r{number}"} | one for number, one in enumerate(cells)]
    return rows_of([field["name"] for field in SCHEMA["fields"]], told)


@pytest.mark.parametrize(
    ("what", "field", "before", "after"),
    [
        ("publish", "mails", "jean.dupont@orange.fr", "jean.dupont@orange.fr"),
        ("role-address-only", "mails", "jean.dupont@orange.fr|contact@lieu.example", "contact@lieu.example"),
        ("role-address-only", "mails", "contact@lieu.example ; jean.dupont@orange.fr", "contact@lieu.example"),
        (
            "role-address-only",
            "mails",
            "a@b.example|jean.dupont@orange.fr|info@c.example",
            "a@b.example|info@c.example",
        ),
        ("role-address-only", "mails", "jean.dupont@orange.fr", None),
        ("role-address-only", "phone", "02 41 22 33 44 / 06 12 34 56 78", "02 41 22 33 44"),
        ("mask", "text", "Appeler Jeanne Martin au 06 12 34 56 78.", "Appeler ••• au •••."),
        ("mask", "text", "NIR 255081416802538", "NIR •••"),
        ("drop", "text", "Appeler Jeanne Martin au 06 12 34 56 78.", None),
    ],
)
def test_a_decision_is_done_to_the_cell(
    dataset: Dataset, what: str, field: str, before: str, after: str | None
) -> None:
    found = ["email", "mobile", "name"] if what == "publish" else None
    gated = gate(dataset.main, rows({field: before}, {}), Personal((decision(what, field, found=found),)))
    assert gated.rows[field].to_list() == [after, GOOD.get(field)]
    assert gated.on_hold == ()
    assert {count.outcome for count in gated.counts} == {what}


def test_an_undecided_field_is_held_back_in_all_its_rows_and_nowhere_else(dataset: Dataset) -> None:
    arrived = rows({"mails": "jean.dupont@orange.fr"}, {}, {"text": "Libre"})
    judgement, gated = judge_gated(dataset, dataset.main, arrived, Personal())
    assert judgement.rows["mails"].to_list() == [None, None, None]
    assert judgement.rows.drop("mails").equals(arrived.drop("mails"))
    assert gated.counts == (PersonalCount(field="mails", kind="email", outcome="hold-field", cells=1),)
    (problem,) = judgement.problems
    assert (problem.line, problem.field, problem.severity, problem.cell) == (2, "mails", "warning", "j•••@o•••")
    assert "rien n'a été décidé pour cette colonne" in problem.message.fr
    assert "held back as a whole" in problem.message.en


@pytest.mark.parametrize(("field", "cell"), [("name", "Mme Jeanne Martin"), ("town", "M. Paul Durand")])
def test_where_a_field_is_needed_only_the_rows_concerned_are_on_hold(dataset: Dataset, field: str, cell: str) -> None:
    arrived = rows({}, {field: cell}, {})
    judgement, gated = judge_gated(dataset, dataset.main, arrived, Personal())
    assert judgement.rows["id"].to_list() == ["r0", "r2"]
    assert judgement.rows[field].null_count() == 0
    assert (judgement.rows_in, judgement.passed, judgement.to_correct, judgement.on_hold) == (3, 2, 0, 1)
    assert gated.on_hold == (1,)
    (problem,) = judgement.problems
    assert (problem.line, problem.field, problem.severity) == (3, field, "warning")
    assert "on hold" in problem.message.en


def test_a_source_decides_before_its_dataset_and_a_kind_nobody_speaks_of_is_undecided(tmp_path: Path) -> None:
    personal = """\
    personal:
      - {fields: [text], found: [name], decision: publish, reason: {fr: Oui., en: Yes.}}
      - {fields: [text], found: [mobile], decision: mask, reason: {fr: Non., en: No.}}
"""
    table = declared(tmp_path, personal).main
    cell = rows({"text": "Jeanne Martin, 06 12 34 56 78"})
    assert gate(table, cell, personal_of(table)).rows["text"].to_list() == ["Jeanne Martin, •••"]
    own = [decision("drop", "text", found=["mobile"])]
    assert gate(table, cell, personal_of(table, own)).rows["text"].to_list() == [None]
    mail = gate(table, rows({"text": "jean.dupont@orange.fr"}), personal_of(table, own))
    assert [count.outcome for count in mail.counts] == ["hold-field"]


def test_questions_of_the_mapping_keep_their_rows_and_show_nothing_whole(dataset: Dataset) -> None:
    from glane.text import Text
    from schemas.judgement import Problem

    said = Text(fr="« jean.dupont@orange.fr » ?", en="“jean.dupont@orange.fr”?")
    asked = [(row, Problem(row + 2, "text", "lookup", "warning", "jean.dupont@orange.fr", said)) for row in range(3)]
    judgement, _ = judge_gated(dataset, dataset.main, rows({}, {"name": "Mme Martin"}, {}), Personal(), questions=asked)
    told = [(p.line, p.cell, p.message.en) for p in judgement.problems if p.rule == "lookup"]
    assert told == [(2, "j•••@o•••", "“j•••@o•••”?"), (4, "j•••@o•••", "“j•••@o•••”?")]


SECRETS = ("Jeanne", "Martin", "jean.dupont", "06 12 34 56 78", "255081416802538", "FR1420041010050500013M02606")
CELLS = (
    "Appeler Jeanne Martin",
    "jean.dupont@orange.fr",
    "06 12 34 56 78",
    "255081416802538",
    "FR1420041010050500013M02606",
    "contact@lieu.example",
    "Ouvert à tous",
    None,
)
FIELDS = ("name", "town", "mails", "text")
_DECISIONS = st.sampled_from(("role-address-only", "mask", "drop"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({name: st.sampled_from(CELLS) for name in FIELDS}), max_size=6),
    st.dictionaries(st.sampled_from(FIELDS), _DECISIONS, max_size=4),
)
def test_nothing_personal_that_is_not_decided_to_be_published_is_published_or_told(
    dataset: Dataset, cells: list[dict[str, str]], decided: dict[str, str]
) -> None:
    table = dataset.main
    personal = Personal(tuple(decision(what, name) for name, what in decided.items()))
    arrived = rows(*cells)
    judgement, gated = judge_gated(dataset, table, arrived, personal)
    assert judgement.rows_in == arrived.height == judgement.passed + judgement.to_correct + judgement.on_hold
    by_line = {row[LINE]: row for row in arrived.to_dicts()}

    def their_cell(line: int, name: str) -> str | None:
        return gated.cover(by_line[line][name] or "", name) or None

    report = judged_report(ABOUT, NOW, judgement, their_cell=their_cell, personal=gated.counts)
    told = report.model_dump_json() + to_markdown(report, "fr") + problems_csv(judgement.problems, "en").decode()
    published = judgement.rows.write_csv()
    assert [secret for secret in SECRETS if secret in published] == []
    assert [secret for secret in SECRETS if secret in told] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{fields: [texte], decision: mask, reason: {fr: a, en: b}}", "tables.0.personal.0.fields.0"),
        ("{fields: [mails], decision: mask, reason: {fr: a, en: b}}", "Write role-address-only or drop"),
        ("{fields: [name], decision: drop, reason: {fr: a, en: b}}", "such rows are on hold"),
        ("{fields: [text], decision: publish, reason: {fr: a, en: b}}", "say under 'found' what is published"),
        (
            "{fields: [text], found: [national-id], decision: publish, reason: {fr: a, en: b}}",
            "a national-id is never published",
        ),
        ("{fields: [text], decision: hide, reason: {fr: a, en: b}}", "role-address-only"),
        ("{fields: [text], decision: mask}", "reason"),
    ],
)
def test_a_wrong_decision_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared(tmp_path, f"    personal:\n      - {line}\n")
    (fault,) = caught.value.faults
    assert fault.line == len(DECLARED.splitlines()) + 2
    assert said in str(caught.value)
