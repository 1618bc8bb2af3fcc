"""The gate: what is personal in a source's rows is dealt with as declared, before they are judged.

Belongs here: rows and decisions -> the rows to judge, the rows on hold, what the partner is told, and how the texts of
a report are covered. Does not belong here: finding (search.py), judging (judge.py).

What nobody has decided is not published: the field is held back, for this source, in all its rows. Where the table
cannot do without the field, it stays, and the rows in which something was found are on hold instead: emptied, all rows
would be wrong for what we did, and none would be published for the sake of a few.
"""

import datetime
import hashlib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path

import polars as pl

from glane.text import Text
from schemas.dataset import Dataset, Severity, Table
from schemas.judge import judge
from schemas.judgement import LINE, WHOLE_FILE, Found, Judgement, Problem
from schemas.personal.decisions import Decision, Outcome, PersonalCount, decided
from schemas.personal.finding import Context, Finding, Kind, covered, masked
from schemas.personal.search import InColumn, search_column, search_text
from schemas.personal.vocabulary import is_about_people
from schemas.phrases import say

RULE = "personal_data"
"""The rule that problems of this gate bear."""

_ROW = "_row"
_VALUES = re.compile(r"\s*(?:[|;,\n\r]|\s/\s)\s*")
_ASK_FOR = frozenset({"at_least_one", "both_or_neither", "required_with", "only_with"})
_SEVERITY: Mapping[Outcome, Severity] = {"hold-field": "warning", "hold-rows": "warning"}


@dataclass(frozen=True)
class Personal:
    """What is declared and known of a source: its decisions (the source's own before the dataset's), the country its
    numbers are written for, and the partner's columns of each field."""

    decisions: tuple[Decision, ...] = ()
    country: str = "FR"
    columns: Mapping[str, Sequence[str]] | None = None

    def context(self, field: str) -> Context:
        """What is known around the cells of a field."""
        headers = " ".join((field, *((self.columns or {}).get(field, ()))))
        return Context(self.country, headers, is_about_people(headers))

    def outcome(self, table: Table, field: str, kind: Kind) -> tuple[Outcome, Decision | None]:
        """What becomes of `kind` in `field`, and by which decision."""
        decision = decided(self.decisions, field, kind)
        if decision is not None:
            return decision.decision, decision
        return ("hold-rows" if field in _needed(table) else "hold-field"), None


Cover = Callable[[str, str | None], str]
"""Covers what is personal in a text that people read, and that belongs to a field (None: to any)."""


@dataclass(frozen=True)
class Gated:
    """Rows as they may be judged, and what was found.

    `found` are the problems the partner is told of in these rows, `on_hold` the rows that wait (their numbers in the
    rows that came), `waiting` what is told of them; no cell in it is whole. `counts` adds up cells by field, kind and
    outcome; `cover` covers a text that people read and that was not judged.
    """

    rows: pl.DataFrame
    found: tuple[Found, ...]
    on_hold: tuple[int, ...]
    waiting: tuple[Problem, ...]
    counts: tuple[PersonalCount, ...]
    cover: Cover

    def placed(self, questions: Iterable[Found]) -> list[Found]:
        """What was found before in the rows that came, with the numbers of the rows that are judged."""
        held = self.on_hold
        return [
            (row if row == WHOLE_FILE else row - bisect_left(held, row), problem)
            for row, problem in questions
            if row not in set(held)
        ]


def personal_of(
    table: Table,
    own: Sequence[Decision] = (),
    country: str = "FR",
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Personal:
    """What is declared of a source that feeds `table`: its own decisions come before the dataset's."""
    return Personal((*own, *table.line.personal), country, columns)


def gate_key(personal: Personal) -> str:
    """What tells one gate from another: a hash of what finds (this room's code and lists) and one of what a source
    decided. Rows that passed under the same key would pass again, unchanged."""
    decided_so = [decision.model_dump_json() for decision in personal.decisions]
    decisions = hashlib.sha256("\n".join((personal.country, *decided_so)).encode()).hexdigest()
    return f"{finders_key()}-{decisions[:32]}"


@cache
def finders_key() -> str:
    """A hash of all that finds: the code and the lists of this room."""
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(__file__).parent.iterdir() if path.suffix in (".py", ".csv", ".yaml")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def gate(table: Table, rows: pl.DataFrame, personal: Personal) -> Gated:
    """Let through of `rows` (fields as text, and `_line`) what may be judged and published."""
    rows = rows.with_row_index(_ROW)
    told: list[Found] = []
    held: set[int] = set()
    counts: list[PersonalCount] = []
    for name in looked_at(table):
        found = search_column(rows[name], personal.context(name))
        if not found:
            continue
        tally: Counter[tuple[Kind, Outcome]] = Counter()
        for row, line, cell in rows.filter(pl.col(name).is_in(list(found))).select(_ROW, LINE, name).iter_rows():
            for kind in dict.fromkeys(one.kind for one in found[cell]):
                outcome, decision = personal.outcome(table, name, kind)
                tally[kind, outcome] += 1
                held |= {row} if outcome == "hold-rows" else set()
                if outcome != "publish":
                    told.append((row, _problem(line, name, cell, found[cell], kind, outcome, decision)))
        counts += [PersonalCount(field=name, kind=k, outcome=o, cells=n) for (k, o), n in sorted(tally.items())]
        rows = rows.with_columns(_changed(rows[name], found, tally, table, personal))
    kept = rows.filter(~pl.col(_ROW).is_in(sorted(held))).drop(_ROW)
    waiting = tuple(problem for row, problem in sorted(told, key=itemgetter(0)) if row in held)
    gated = Gated(kept, (), tuple(sorted(held)), waiting, tuple(counts), coverer(table, personal))
    return replace(gated, found=tuple(gated.placed(told)))


def judge_gated(
    dataset: Dataset,
    table: Table,
    rows: pl.DataFrame,
    personal: Personal,
    *,
    questions: Iterable[Found] = (),
    today: datetime.date | None = None,
) -> tuple[Judgement, Gated]:
    """Judge a source's rows behind the gate: the one way in which a partner's rows are judged. Arguments as of judge();
    rows that wait for a decision are on hold, whatever else there is to say of them. Raises ConformityError."""
    gated = gate(table, rows, personal)
    asked = [(row, covered_problem(problem, gated.cover)) for row, problem in gated.placed(questions)]
    judgement = judge(dataset, table, gated.rows, questions=[*asked, *gated.found], today=today)
    return replace(
        judgement,
        problems=tuple(sorted((*judgement.problems, *gated.waiting), key=lambda problem: problem.line)),
        rows_in=rows.height,
        on_hold=judgement.on_hold + len(gated.on_hold),
        warnings=judgement.warnings + len(gated.waiting),
    ), gated


def coverer(table: Table, personal: Personal) -> Cover:
    """A function that covers, in a text made for people to read, what may not be published of the field that it belongs
    to (of no field: everything)."""

    context_of = cache(personal.context)

    @lru_cache(10_000)
    def cover(text: str, field: str | None) -> str:
        found = search_text(text, context_of(field) if field else Context(personal.country))
        if field is not None:
            found = tuple(one for one in found if personal.outcome(table, field, one.kind)[0] != "publish")
        return covered(text, found)

    return cover


def covered_problem(problem: Problem, cover: Cover) -> Problem:
    """A problem that was found before the gate, as it may be told."""
    name = problem.field

    def text(said: Text) -> Text:
        return Text.model_validate({language: cover(one, name) for language, one in said.model_dump().items()})

    return replace(
        problem,
        cell=cover(problem.cell, name) if problem.cell else problem.cell,
        suggestion=cover(problem.suggestion, name) if problem.suggestion else problem.suggestion,
        message=text(problem.message),
        remedy=text(problem.remedy) if problem.remedy else None,
    )


def looked_at(table: Table) -> Iterator[str]:
    """The fields of texts that leave the house; what declarations fill and the keys we make are not."""
    for name in table.published_fields:
        kind = table.field(name).get("type", "string")
        if kind in ("string", "any", "list", "array", "object") and name not in {
            *table.line.provided,
            *table.primary_key,
        }:
            yield name


def _needed(table: Table) -> frozenset[str]:
    """The fields that may not be empty: the schema, a row's publication, or a rule about presence asks for them."""
    required = {field["name"] for field in table.schema["fields"] if field.get("constraints", {}).get("required")}
    by_rule = {name for rule in table.line.rules if rule.rule in _ASK_FOR for name in rule.fields}
    return frozenset({*required, *by_rule, *table.line.published_when})


def _changed(
    column: pl.Series, found: InColumn, tally: Mapping[tuple[Kind, Outcome], int], table: Table, personal: Personal
) -> pl.Series:
    """The column as it may be judged."""
    if any(outcome == "hold-field" for _, outcome in tally):
        return pl.Series(column.name, [None] * len(column), pl.String)
    after = {cell: _after(cell, findings, table, column.name, personal) for cell, findings in found.items()}
    after = {cell: text for cell, text in after.items() if text != cell}
    return column.replace(list(after), pl.Series(list(after.values()), dtype=pl.String)) if after else column


def _after(cell: str, findings: Sequence[Finding], table: Table, field: str, personal: Personal) -> str | None:
    """What is published of a cell: nothing after a `drop`; else without the values that are a person's, and covered."""
    by: dict[Outcome, list[Finding]] = {}
    for one in findings:
        by.setdefault(personal.outcome(table, field, one.kind)[0], []).append(one)
    if "drop" in by:
        return None
    masks, persons = by.get("mask", []), by.get("role-address-only", [])
    kept: list[str] = []
    for between, start, end in _values(cell) if persons else [("", 0, len(cell))]:
        if not any(one.start < end and start < one.end for one in persons):
            inside = [
                replace(one, start=one.start - start, end=one.end - start) for one in masks if start <= one.start < end
            ]
            kept += [between if kept else "", masked(cell[start:end], inside)]
    return "".join(kept) or None


def _values(cell: str) -> Iterator[tuple[str, int, int]]:
    """The values of a cell: what parts each from the one before, where it starts and ends."""
    at, between = 0, ""
    for match in _VALUES.finditer(cell):
        yield between, at, match.start()
        at, between = match.end(), match.group()
    yield between, at, len(cell)


def _problem(
    line: int,
    field: str,
    cell: str,
    findings: Sequence[Finding],
    kind: Kind,
    outcome: Outcome,
    decision: Decision | None,
) -> Problem:
    mine = [one for one in findings if one.kind == kind]
    sure = any(one.sureness == "sure" for one in mine)
    what = say(f"personal.{kind}" if sure else f"personal.{kind}-likely")
    values: dict[str, Text] = {"what": what.wrong, "write": what.write}
    if decision is not None:
        values["reason"] = decision.reason
    said = say(f"personal.{outcome}", **values)
    shown = covered(cell, findings)
    return Problem(line, field, RULE, _SEVERITY.get(outcome, "info"), shown, said.wrong, remedy=said.write)
