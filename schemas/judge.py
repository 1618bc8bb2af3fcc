"""Judging rows: the Table Schema exactly as frictionless does, then the dataset's term lists and rules.

Belongs here: putting the judgements together, and deciding which rows pass, which are to be corrected and which are
on hold. Does not belong here: each judgement's own work (conformity.py, terms.py, rules/), nor keeping rows (rows.py).
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from schemas.conformity import conformity_problems
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, WHOLE_FILE, Found, Judgement, Problem
from schemas.phrases import say
from schemas.rules import RULES
from schemas.rules.apply import rule_problems
from schemas.terms import apply_terms
from schemas.texts import text_problems

_INDEX = "_row"
_FORM_CONSTRAINTS = ("constraint-pattern", "constraint-enum")


def judge(
    dataset: Dataset,
    table: Table,
    rows: pl.DataFrame,
    *,
    questions: Iterable[Found] = (),
    known_keys: Mapping[str, pl.DataFrame] | None = None,
    today: datetime.date | None = None,
) -> Judgement:
    """Judge the rows of one source. `rows` holds the table's fields as text, and `_line`.

    A row with a problem of severity `error` is to be corrected; a valid one that does not meet `published_when` is on
    hold; the others pass. `questions` were found before (by the mapping), and are told with the rest. `known_keys`
    gives the rows (by table name) that foreign keys are looked up in; `today` is the day that rules about time go by
    (by default, today in UTC). Raises ConformityError.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    written = rows.select(*table.fields, LINE)
    rows, asked = judge_beyond_schema(table, written, today)
    by_schema = conformity_problems(dataset, table, rows, known_keys or {})
    found = [*questions, *combined(by_schema, asked.found)]
    return judgement_of(rows, found, table.line.published_when, asked.valid_until)


def judgement_of(
    rows: pl.DataFrame, found: list[Found], published_when: Mapping[str, str], valid_until: datetime.date | None
) -> Judgement:
    """Decide from what was found which rows pass, which are to be corrected and which are on hold."""
    wrong = sorted({index for index, problem in found if problem.severity == "error" and index != WHOLE_FILE})
    meets = [pl.col(name).eq_missing(pl.lit(value)) for name, value in published_when.items()]
    published = pl.all_horizontal(meets) if meets else pl.lit(value=True)
    valid = rows.with_row_index(_INDEX).filter(~pl.col(_INDEX).is_in(wrong))
    waiting = valid.filter(~published)
    held = [(row[_INDEX], problem) for row in waiting.to_dicts() for problem in _held(published_when, row)]
    places = {name: number for number, name in enumerate(rows.columns)}
    found = sorted([*found, *held], key=lambda item: (item[0], places.get(item[1].field or "", -1)))
    passed = valid.filter(published).drop(_INDEX)
    return Judgement(
        rows=passed,
        problems=tuple(problem for _, problem in found),
        rows_in=rows.height,
        to_correct=len(wrong),
        on_hold=waiting.height,
        warnings=sum(problem.severity == "warning" for _, problem in found),
        valid_until=valid_until,
    )


@dataclass(frozen=True)
class Asked:
    """What was found beyond the Table Schema, and until when that holds."""

    found: list[Found]
    valid_until: datetime.date | None


def judge_beyond_schema(table: Table, rows: pl.DataFrame, today: datetime.date) -> tuple[pl.DataFrame, Asked]:
    """Judge what the dataset asks beyond its Table Schema: term lists, rules, texts that are not what they seem.

    Gives the rows with synonyms replaced, and what was found. Raises RuleError.
    """
    rows, found = apply_terms(table, rows)
    by_rules, valid_until = rule_problems(table, rows, today)
    return rows, Asked([*found, *by_rules, *text_problems(table, rows)], valid_until)


def combined(by_schema: list[Found], asked: list[Found]) -> list[Found]:
    """All that was found, each thing said once: where the schema's pattern or list of values refuses a cell, and a
    term list or a rule that knows the form of the field finds it wrong too, their words stand, as an error."""
    better = {(i, p.field) for i, p in asked if _knows_the_form(p)}
    refused = {(i, p.field) for i, p in by_schema if p.rule in _FORM_CONSTRAINTS} & better
    kept = [(i, p) for i, p in by_schema if p.rule not in _FORM_CONSTRAINTS or (i, p.field) not in refused]
    raised = [
        (i, replace(p, severity="error")) if (i, p.field) in refused and _knows_the_form(p) else (i, p)
        for i, p in asked
    ]
    return [*kept, *raised]


def _knows_the_form(problem: Problem) -> bool:
    rule = RULES.get(problem.rule)
    return problem.severity != "info" and (problem.rule == "terms" or (rule is not None and rule.form))


def _held(published_when: Mapping[str, str], row: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, value in published_when.items():
        if row[name] != value:
            said = say("rules.published_when", value=value)
            problem = Problem(row[LINE], name, "published_when", "info", row[name], said.wrong, remedy=said.write)
            problems.append(problem)
    return problems
