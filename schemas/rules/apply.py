"""Running a table's rules on its rows.

Belongs here: looking at as few rows as the law allows: those that a rule's proof does not settle, and each
combination of cells once. Does not belong here: any rule, nor whether a line of dataset.yaml fits one (prepare.py).
"""

import datetime
from collections.abc import Iterable

import polars as pl

from schemas.dataset import RuleLine, Table
from schemas.judgement import LINE, Found, Problem
from schemas.phrases import say
from schemas.rules.prepare import prepared
from schemas.rules.rule import Finding, Rule, Settings

_INDEX = "_row"


def rule_problems(table: Table, rows: pl.DataFrame, today: datetime.date) -> tuple[list[Found], datetime.date | None]:
    """What the table's rules find wrong in `rows`, and the first day on which they might answer otherwise.

    Raises RuleError.
    """
    found: list[Found] = []
    turns: list[datetime.date] = []
    lines = rows[LINE].to_list()
    for line in table.line.rules:
        rule, settings = prepared(line.rule, line.fields, line.settings, today)
        for cells, indices in _suspects(rule, settings, line.fields, rows):
            findings = list(rule.check(cells, settings))
            for finding in findings:
                found += _problems(line, finding, cells, indices, lines)
            if rule.turn and (turn := rule.turn(cells, settings)):
                turns.append(turn)
    return found, min(turns, default=None)


def _suspects(
    rule: Rule, settings: Settings, fields: list[str], rows: pl.DataFrame
) -> Iterable[tuple[dict[str, str | None], list[int]]]:
    """Each combination of cells that the rule must look at, with the rows that have it."""
    numbered = rows.select(*fields).with_row_index(_INDEX)
    suspects = numbered.filter(~rule.proof(fields, settings)) if rule.proof else numbered
    grouped = suspects.group_by(fields, maintain_order=True).agg(pl.col(_INDEX))
    for *cells, indices in grouped.iter_rows():
        yield dict(zip(fields, cells, strict=True)), indices


def _problems(
    line: RuleLine, finding: Finding, cells: dict[str, str | None], indices: list[int], lines: list[int]
) -> Iterable[Found]:
    phrase = say(f"rules.{finding.phrase}", **finding.values)
    cell = cells[finding.field] if finding.shown is None else finding.shown
    for index in indices:
        problem = Problem(
            lines[index],
            finding.field,
            line.rule,
            line.severity,
            cell,
            phrase.wrong,
            finding.suggestion,
            phrase.write,
            finding.position,
        )
        yield index, problem
