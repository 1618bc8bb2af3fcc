"""Judging a table as a whole by its guards.

Belongs here: which judge answers which guard. Does not belong here: which guards there are (guards.py), each answer
(alone.py, changes.py, partners.py), nor what follows from it (publish/holding.py).
"""

import polars as pl

from schemas.dataset import Table
from schemas.expectations import alone, changes, partners
from schemas.expectations.answer import Answer
from schemas.expectations.guards import Guard, guards_of
from schemas.expectations.outcome import Outcome
from schemas.expectations.partners import Partners


def judge_table(
    table: Table, now: pl.DataFrame, before: pl.DataFrame | None, brought: Partners | None = None
) -> tuple[Outcome, ...]:
    """The answers to all that is expected of `table`, in the order of its guards.

    `now` holds the published fields; `before` those of the version before, None where it had no such table; `brought`
    what each partner brings to it. Raises ExpectationError.
    """
    return tuple(
        _answer(guard, now, before, brought or Partners()).outcome(
            table.name, guard.line.expect, guard.named, guard.line.severity
        )
        for guard in guards_of(table)
    )


def expected_of(table: Table) -> dict[str, str]:
    """Every answer that judging `table` gives, by its name, and what it is about: told to Dagit beforehand."""
    return {
        guard.name(table): f"{guard.line.expect} of {table.name}{'.' if guard.named else ''}{' + '.join(guard.named)}."
        for guard in guards_of(table)
    }


def _answer(guard: Guard, now: pl.DataFrame, before: pl.DataFrame | None, brought: Partners) -> Answer:
    line = guard.line
    if line.expect in partners.JUDGES:
        return partners.JUDGES[line.expect](line, brought)
    if line.expect in changes.JUDGES:
        return changes.JUDGES[line.expect](line, guard.fields, now, before)
    return alone.JUDGES[line.expect](line, guard.fields, now)
