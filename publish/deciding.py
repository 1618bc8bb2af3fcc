"""Applies what stewards decided (decisions.py) to merged rows: corrections and withdrawals.

Belongs here: which decision holds, which has become a question, and the rows after it. Does not belong here: the file
(decisions.py), pairs that are the same or different (merge.py asks for them).

A correction holds as long as the published cell says what its author saw. Once the source says something else it is a
question: whoever corrected did not see that.
"""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import polars as pl

from glane.declaration import DeclarationError, Fault
from glane.text import LANGUAGES, Text
from publish.contribution import Held
from publish.decisions import Decision, Decisions, Kind, ended
from publish.merge import Merged, key_of
from schemas.dataset import Dataset, Table
from schemas.judge import judge
from schemas.judgement import LINE, Problem
from schemas.personal.gate import covered_problem, coverer, personal_of

Why = Literal["changed", "fulfilled", "gone", "one_gone", "ended"]
_LEAVES: tuple[Kind, ...] = ("withdrawal", "forgotten")


@dataclass(frozen=True)
class Question:
    """A decision that does nothing any more, for a steward to look at: the source says something else now (`now`), it
    says itself what the correction says, the row is not there, or the decision's last day is past."""

    decision: Decision
    why: Why
    now: str | None = None


@dataclass(frozen=True)
class Applied:
    """The tables after all decisions, the rows that these hold out, the decisions that did something, those that are
    questions, and for each table the keys of the rows that were withdrawn."""

    merged: dict[str, Merged]
    held: tuple[Held, ...]
    applied: tuple[Decision, ...]
    questions: tuple[Question, ...]
    withdrawn: Mapping[str, frozenset[str]] = field(default_factory=dict)


_QUESTIONS: dict[Why, Text] = {
    "changed": Text(
        fr="{line}, {id} : {field} dit maintenant « {now} » et non « {seen} », la correction ne s'applique plus. "
        "Écrivez-en une autre, ou retirez la ligne.",
        en="{line}, {id}: {field} says {now!r} now and not {seen!r}, the correction no longer applies. "
        "Write another one, or take the line out.",
    ),
    "fulfilled": Text(
        fr="{line}, {id} : {field} dit de lui-même « {now} ». Retirez la ligne.",
        en="{line}, {id}: {field} says {now!r} by itself now. Take the line out.",
    ),
    "gone": Text(
        fr="{line}, {id} : cette ligne n'est pas publiée. Corrigez l'identifiant, ou retirez la décision.",
        en="{line}, {id}: this row is not published. Correct the id, or take the decision out.",
    ),
    "one_gone": Text(
        fr="{line}, {id} ou {other} : l'une des deux lignes n'est pas publiée. Corrigez l'identifiant, ou retirez la "
        "décision.",
        en="{line}, {id} or {other}: one of the two is not published. Correct the id, or take the decision out.",
    ),
    "ended": Text(
        fr="{line}, {id} : la décision a pris fin le {until}. Renouvelez-la, ou retirez la ligne.",
        en="{line}, {id}: the decision ended on {until}. Renew it, or take the line out.",
    ),
}


_TOLD = {
    "same": Text(
        fr="{id} et {other} sont une même chose ({by}, {on} : {why})",
        en="{id} and {other} are one and the same ({by}, {on}: {why})",
    ),
    "different": Text(
        fr="{id} et {other} sont deux choses ({by}, {on} : {why})",
        en="{id} and {other} are two things ({by}, {on}: {why})",
    ),
    "correction": Text(
        fr="{field} de {id} : « {value} » au lieu de « {seen} » ({by}, {on} : {why})",
        en="{field} of {id}: {value!r} instead of {seen!r} ({by}, {on}: {why})",
    ),
    # Whose row it was, and why it went, is nobody's business.
    "withdrawal": Text(fr="une ligne retirée ({by}, {on})", en="one row withdrawn ({by}, {on})"),
    "forgotten": Text(fr="une ligne retirée ({by}, {on})", en="one row withdrawn ({by}, {on})"),
}


def said_of(decision: Decision) -> dict[str, str]:
    """How a changelog tells of a decision, in each of its languages, and a `key` that tells it from the others."""
    values = asdict(decision)
    said = _TOLD[decision.kind]
    named = "\n".join(str(values[name]) for name in ("kind", "table", "id", "other", "field", "seen", "value", "on"))
    key = hashlib.sha256(named.encode()).hexdigest()[:16]
    return {"key": key, **{one: said[one].format(**values) for one in LANGUAGES}}


def in_words(question: Question) -> Text:
    """What a steward is told of a decision that has become a question."""
    one = question.decision
    values = {
        "id": one.id,
        "other": one.other,
        "field": one.field,
        "seen": one.seen,
        "now": question.now or "",
        "until": one.until,
    }
    said = _QUESTIONS[question.why]
    return Text(
        fr=said.fr.format(line=f"Décisions, ligne {one.line}", **values),
        en=said.en.format(line=f"Decisions, line {one.line}", **values),
    )


def apply(dataset: Dataset, merged: Mapping[str, Merged], decisions: Decisions, today: datetime.date) -> Applied:
    """Apply `decisions` to the tables of `dataset`.

    Raises DeclarationError, with the line of each decision that would publish what the Table Schema, the term lists or
    the rules refuse.
    """
    tables, held = dict(merged), list[Held]()
    applied, questions = list[Decision](), list[Question]()
    withdrawn: dict[str, frozenset[str]] = {}
    for table in dataset.merged:
        paired, missed = _paired(table, tables[table.name], decisions, today)
        part, done, asked = _corrected(dataset, table, tables, decisions, today)
        part, out, gone, missing = _withdrawn(table, part, decisions, today)
        tables[table.name] = part
        withdrawn[table.name] = frozenset(part.aliases.get(one.id, one.id) for one in gone)
        held += out
        applied += [*paired, *done, *gone]
        questions += [*missed, *asked, *missing]
    questions += [Question(one, "ended") for one in decisions.all if ended(one, today)]
    return Applied(tables, tuple(held), tuple(applied), tuple(questions), withdrawn)


def _corrected(
    dataset: Dataset, table: Table, tables: Mapping[str, Merged], decisions: Decisions, today: datetime.date
) -> tuple[Merged, list[Decision], list[Question]]:
    part = tables[table.name]
    by_cell: dict[tuple[str, str], list[Decision]] = {}
    for one in decisions.standing(table.name, "correction", today):
        by_cell.setdefault((part.aliases.get(one.id, one.id), one.field), []).append(one)
    if not by_cell:
        return part, [], []
    _check_fields(table, decisions, [one for lines in by_cell.values() for one in lines])
    ids = [identifier for identifier, _ in by_cell]
    rows = {str(row["_id"]): row for row in _of(table, part.rows, ids).iter_rows(named=True)}
    done, questions = list[Decision](), list[Question]()
    touched: dict[str, dict[str, int]] = {}
    for (identifier, name), said in by_cell.items():
        row = rows.get(identifier)
        if row is None:
            questions += [Question(one, "gone") for one in said]
            continue
        cell = row[name] or ""
        applied = corrections_of(cell, said)
        if not applied:
            why: Why = "fulfilled" if cell in {one.value for one in said} else "changed"
            questions += [Question(one, why, cell) for one in said]
            continue
        done += applied
        touched.setdefault(identifier, {})[name] = applied[-1].line
        row[name] = applied[-1].value or None
    changed = pl.DataFrame(
        [{**{name: rows[one][name] for name in table.fields}, LINE: number} for number, one in enumerate(touched)],
        schema={**dict.fromkeys(table.fields, pl.String), LINE: pl.Int64},
    )
    _check_rows(dataset, table, decisions, changed, tables, list(touched.values()))
    kept = part.rows.filter(~key_of(table).is_in(list(touched)))
    after = pl.concat([kept, changed.select(part.rows.columns)]).sort(*table.primary_key)
    return replace(part, rows=after), done, questions


def corrections_of(cell: str, said: Sequence[Decision]) -> list[Decision]:
    """Those of the corrections of one cell that hold, one after the other: each sees what the one before it wrote."""
    steps, applied = {one.seen: one for one in said}, list[Decision]()
    while cell in steps:
        applied.append(steps[cell])
        cell = steps[cell].value
    return applied


def _of(table: Table, rows: pl.DataFrame, ids: Sequence[str]) -> pl.DataFrame:
    return rows.with_columns(key_of(table).alias("_id")).filter(pl.col("_id").is_in(ids))


def _check_fields(table: Table, decisions: Decisions, corrections: Sequence[Decision]) -> None:
    faults = []
    for one in corrections:
        if one.field not in table.fields:
            what = f"The table {table.name} has no field {one.field!r}."
            faults.append(Fault(one.line, "field", what, f"Its fields: {', '.join(table.fields)}."))
        elif one.field in table.primary_key:
            what = f"{one.field!r} is the id of a row, which never changes."
            faults.append(Fault(one.line, "field", what, "Withdraw the row, or say which rows are the same."))
    if faults:
        raise DeclarationError(decisions.path, faults)


def _check_rows(
    dataset: Dataset,
    table: Table,
    decisions: Decisions,
    rows: pl.DataFrame,
    tables: Mapping[str, Merged],
    touched: Sequence[Mapping[str, int]],
) -> None:
    """What a steward writes is judged as what a partner writes: a decision publishes nothing that does not conform.

    `touched` gives for each row the line of the decision on each field that was corrected.
    """
    judgement = judge(dataset, table, rows, known_keys={name: part.rows for name, part in tables.items()})
    faults, cover = [], coverer(table, personal_of(table))
    for problem in (covered_problem(one, cover) for one in judgement.problems):
        if problem.severity == "error" and 0 <= problem.line < len(touched):
            lines = touched[problem.line]
            remedy = problem.remedy.en if problem.remedy else "Correct the value."
            what = f"{problem.field}: {problem.cell or ''!r}. {problem.message.en}"
            faults.append(Fault(lines.get(problem.field or "", max(lines.values())), "value", what, remedy))
    if faults:
        raise DeclarationError(decisions.path, faults)


def _withdrawn(
    table: Table, part: Merged, decisions: Decisions, today: datetime.date
) -> tuple[Merged, list[Held], list[Decision], list[Question]]:
    asked = [one for kind in _LEAVES for one in decisions.standing(table.name, kind, today)]
    there = set(_of(table, part.rows, [part.aliases.get(one.id, one.id) for one in asked])["_id"])
    done = [one for one in asked if part.aliases.get(one.id, one.id) in there]
    # Who is forgotten is not in what partners bring any more: that is how it should be.
    questions = [Question(one, "gone") for one in asked if one not in done and one.kind != "forgotten"]
    if not done:
        return part, [], [], questions
    ids = sorted({part.aliases.get(one.id, one.id) for one in done})
    traces = part.provenance.filter(pl.col("id").is_in(ids)).sort("partner", "line", "id")
    held = [
        Held(table.name, str(trace["partner"]), _said(int(trace["line"]))) for trace in traces.iter_rows(named=True)
    ]
    kept = replace(
        part,
        rows=part.rows.filter(~key_of(table).is_in(ids)),
        provenance=part.provenance.filter(~pl.col("id").is_in(ids)),
    )
    return kept, held, done, questions


def _paired(
    table: Table, part: Merged, decisions: Decisions, today: datetime.date
) -> tuple[list[Decision], list[Question]]:
    """Of the decisions that two rows are the same or different, which merging (merge.py) could follow, and which speak
    of a row that nobody brings."""
    asked = [one for kind in ("same", "different") for one in decisions.standing(table.name, kind, today)]
    if not asked:
        return [], []
    known = {*part.provenance["own"], *part.provenance["id"]}
    done = [one for one in asked if {one.id, one.other} <= known]
    return done, [Question(one, "one_gone") for one in asked if one not in done]


def _said(line: int) -> Problem:
    return Problem(
        line=line,
        field=None,
        rule="withdrawn",
        severity="error",
        cell=None,
        message=Text(fr="Cette ligne a été retirée sur demande.", en="This row was withdrawn on request."),
        remedy=Text(
            fr="Elle n'est plus publiée ; écrivez au responsable du jeu de données si c'est une erreur.",
            en="It is not published any more; write to the dataset's steward if that is a mistake.",
        ),
    )
