"""Running a table's rules on its rows.

Belongs here: checking the lines of dataset.yaml against the registry, and looking at as few rows as the law allows:
the rows that a rule's proof does not settle, and each combination of cells once. Does not belong here: any rule.
"""

import datetime
import difflib
from collections.abc import Iterable
from typing import Any

import polars as pl
from pydantic import ValidationError

from glane.errors import CallError
from schemas.dataset import RuleLine, Table
from schemas.judgement import LINE, Found, Problem
from schemas.phrases import say
from schemas.rules import RULES
from schemas.rules.rule import ByDay, Finding, Rule, Settings

_INDEX = "_row"


class RuleError(CallError):
    """A rule line of dataset.yaml names no rule, or does not fit the rule it names."""


def rule_problems(table: Table, rows: pl.DataFrame, today: datetime.date) -> tuple[list[Found], datetime.date | None]:
    """What the table's rules find wrong in `rows`, and the first day on which they might answer otherwise.

    Raises RuleError.
    """
    found: list[Found] = []
    turns: list[datetime.date] = []
    lines = rows[LINE].to_list()
    for line in table.line.rules:
        rule, settings = prepared(line, today)
        for cells, indices in _suspects(rule, settings, line.fields, rows):
            findings = list(rule.check(cells, settings))
            for finding in findings:
                found += _problems(line, finding, cells, indices, lines)
            if rule.turn and (turn := rule.turn(cells, settings)):
                turns.append(turn)
    return found, min(turns, default=None)


def prepared(line: RuleLine, today: datetime.date) -> tuple[Rule, Settings]:
    """The rule that a line names, and its settings. Raises RuleError."""
    rule = RULES.get(line.rule)
    if rule is None:
        near = difflib.get_close_matches(line.rule, RULES, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known rules: {', '.join(sorted(RULES))}."
        raise RuleError(f"There is no rule {line.rule!r}.", hint)
    if len(line.fields) < rule.fewest or (rule.most is not None and len(line.fields) > rule.most):
        many = f"{rule.fewest}" if rule.fewest == rule.most else f"{rule.fewest} to {rule.most or 'any number of'}"
        raise RuleError(f"The rule {line.rule!r} names {len(line.fields)} fields.", f"It takes {many}.")
    if "today" in line.settings:
        raise RuleError(f"The rule {line.rule!r} has the setting 'today'.", "Remove it: the judge gives the day.")
    day: dict[str, Any] = {"today": today} if issubclass(rule.settings, ByDay) else {}
    try:
        return rule, rule.settings.model_validate(line.settings | day)
    except ValidationError as error:
        details = error.errors(include_url=False)
        what = "; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in details)
        known = sorted(set(rule.settings.model_fields) - {"today"})
        remedy = f"It takes under 'with': {', '.join(known)}." if known else "It takes no settings."
        raise RuleError(f"The settings of the rule {line.rule!r} are wrong: {what}.", remedy) from error


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
