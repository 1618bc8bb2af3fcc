"""Judging a table as a whole: all that dataset.yaml expects of it, and that no column is lost.

Belongs here: which answers there are, in which order. Does not belong here: each answer (alone.py, changes.py), nor
what follows from it (publish/holding.py).
"""

import polars as pl

from schemas.dataset import Table
from schemas.expectations import alone, changes
from schemas.expectations.answer import Answer
from schemas.expectations.declaration import ColumnsKept, Effect, check_name, subjects
from schemas.expectations.outcome import Outcome

_KEPT = "columns_kept"


def judge_table(table: Table, now: pl.DataFrame, before: pl.DataFrame | None) -> tuple[Outcome, ...]:
    """The answers to all that is expected of `table`: first that no column is lost, then each line as declared.

    `now` holds the published fields; `before` those of the version before, None where it had no such table. Raises
    ExpectationError.
    """
    kept = changes.columns_kept(_never_lost(table), now, before)
    outcomes = [_outcome(table, _KEPT, (), "stop", kept)]
    for line in table.line.expectations:
        for fields in subjects(line):
            if line.expect in changes.JUDGES:
                answer = changes.JUDGES[line.expect](line, fields, now, before)
            else:
                answer = alone.JUDGES[line.expect](line, fields, now)
            outcomes.append(_outcome(table, line.expect, fields, line.severity, answer))
    return tuple(outcomes)


def expected_of(table: Table) -> dict[str, str]:
    """Every answer that judging `table` gives, by its name, and what it is about: told to Dagit beforehand."""
    names = {check_name(table.name, _KEPT, (), "stop"): f"No column of {table.name} is lost or goes empty."}
    for line in table.line.expectations:
        for fields in subjects(line):
            about = f"{table.name}.{' + '.join(fields)}" if fields else table.name
            names[check_name(table.name, line.expect, fields, line.severity)] = f"{line.expect} of {about}."
    return names


def _never_lost(table: Table) -> tuple[str, ...]:
    """The published fields that no line of its own excepts."""
    excepted = {name for line in table.line.expectations if isinstance(line, ColumnsKept) for name in line.fields}
    return tuple(name for name in table.published_fields if name not in excepted)


def _outcome(table: Table, expect: str, fields: tuple[str, ...], severity: Effect, answer: Answer) -> Outcome:
    return Outcome(
        table=table.name,
        expect=expect,
        fields=fields,
        severity=severity,
        passed=answer.passed,
        expected=answer.expected,
        observed=answer.observed,
        figures=answer.figures,
        compared=answer.compared,
    )
