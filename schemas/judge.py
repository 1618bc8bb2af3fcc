"""Judging rows: the Table Schema exactly as frictionless does, then the dataset's term lists and rules.

Belongs here: putting the judgements together, and deciding which rows pass, which are to be corrected and which are
on hold. Does not belong here: each judgement's own work (conformity.py, terms.py, rules/), nor keeping rows (rows.py).
"""

import datetime
from collections.abc import Mapping
from typing import Any

import polars as pl

from schemas.conformity import conformity_problems
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, Judgement, Problem
from schemas.phrases import say

_INDEX = "_row"


def judge(
    dataset: Dataset,
    table: Table,
    rows: pl.DataFrame,
    *,
    known_keys: Mapping[str, pl.DataFrame] | None = None,
    today: datetime.date | None = None,
) -> Judgement:
    """Judge the rows of one source. `rows` holds the table's fields as text, and `_line`.

    A row with a problem of severity `error` is to be corrected; a valid one that does not meet `published_when` is on
    hold; the others pass. `known_keys` gives the rows (by table name) that foreign keys are looked up in; `today` is
    the day that rules about time go by (by default, today in UTC). Raises ConformityError.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    rows = rows.select(*table.fields, LINE)
    found = conformity_problems(dataset, table, rows, known_keys or {})
    wrong = sorted({index for index, problem in found if problem.severity == "error"})
    numbered = rows.with_row_index(_INDEX)
    valid = numbered.filter(~pl.col(_INDEX).is_in(wrong))
    waiting = valid.filter(~_published(table))
    found += [(row[_INDEX], problem) for row in waiting.to_dicts() for problem in _held(table, row)]
    passed = valid.filter(_published(table)).drop(_INDEX)
    found.sort(key=lambda item: item[0])
    return Judgement(
        rows=passed,
        problems=tuple(problem for _, problem in found),
        rows_in=rows.height,
        to_correct=len(wrong),
        on_hold=waiting.height,
        warnings=sum(problem.severity == "warning" for _, problem in found),
    )


def _published(table: Table) -> pl.Expr:
    meets = [pl.col(name).eq_missing(pl.lit(value)) for name, value in table.line.published_when.items()]
    return pl.all_horizontal(meets) if meets else pl.lit(True)


def _held(table: Table, row: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, value in table.line.published_when.items():
        if row[name] != value:
            phrase = say("rules.published_when", value=value)
            problems.append(
                Problem(row[LINE], name, "published_when", "info", row[name], phrase.wrong, remedy=phrase.write)
            )
    return problems
