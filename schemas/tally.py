"""Counts of what was found wrong, kept over time: for each rule, and for each term that no list knows.

Belongs here: counting one judgement, keeping the counts, and what they say of a dataset's vocabulary. Does not belong
here: the partner's report (report.py), nor how counts are shown (pipelines/).

    reports/<dataset>/<partner>/counts.jsonl   one line for each judgement that was another one than before, oldest
                                               first; the last MOST_KEPT of them

One file a partner, since partners are judged at the same time.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from glane.declaration import Declared
from glane.store import Store
from schemas.dataset import Severity, Table
from schemas.judgement import Judgement, Problem
from schemas.report import Counts, Earlier
from schemas.terms import TermList

MOST_KEPT = 60
"""Judgements of one partner: two months of daily changes, five years of monthly ones."""

MOST_SHOWN = 12
"""Judgements that an answer shows."""

MOST_TERMS = 200
_LONGEST_TERM = 120


class RuleCount(Declared):
    """How often one rule spoke, at one severity, of one `field`: None for a row as a whole, for a count over all
    fields, and in lines of before fields were kept."""

    rule: str
    severity: Severity
    count: int
    field: str | None = None


class TermCount(Declared):
    """How often a term was written that the list of `field` does not know; `nearest` is the accepted term that was
    offered instead, None where none is near."""

    field: str
    term: str
    count: int
    nearest: str | None = None


class Tally(Declared):
    """The counts of one judgement, most frequent first. `more_terms` counts the terms beyond the first MOST_TERMS.
    What became of the rows is None in lines of before this was kept."""

    at: str
    judged: str
    rows_in: int
    rules: tuple[RuleCount, ...]
    terms: tuple[TermCount, ...]
    more_terms: int = 0
    passed: int | None = None
    to_correct: int | None = None
    on_hold: int | None = None


@dataclass(frozen=True)
class RejectedTerm:
    """A term that partners write and the vocabulary lacks: how often now, how often before, by whom, since when.

    `before` adds up the partners' judgements before their last ones, None where none of them has one. `since` is the
    UTC time of the first judgement from which on it was always there.
    """

    field: str
    term: str
    count: int
    before: int | None
    partners: tuple[str, ...]
    since: str
    nearest: str | None


def tally(judgement: Judgement, table: Table, *, at: str, judged: str) -> Tally:
    """Count the problems of one judgement, given under the key `judged` (rows.judged_key) at the UTC time `at`."""
    rules = Counter((problem.rule, problem.severity, problem.field) for problem in judgement.problems)
    terms = Counter(_rejected(judgement.problems, table))
    shown = sorted(terms.items(), key=lambda item: (-item[1], item[0][:2]))
    return Tally(
        at=at,
        judged=judged,
        rows_in=judgement.rows_in,
        rules=tuple(
            RuleCount(rule=rule, severity=severity, count=count, field=field)
            for (rule, severity, field), count in sorted(
                rules.items(), key=lambda item: (-item[1], *item[0][:2], item[0][2] or "")
            )
        ),
        terms=tuple(
            TermCount(field=field, term=term, count=count, nearest=nearest)
            for (field, term, nearest), count in shown[:MOST_TERMS]
        ),
        more_terms=len(shown[MOST_TERMS:]),
        passed=judgement.passed,
        to_correct=judgement.to_correct,
        on_hold=judgement.on_hold,
    )


def keep_tally(store: Store, dataset: str, partner: str, counted: Tally) -> tuple[Tally, ...]:
    """Keep the counts of a judgement, unless they are those of the last one over again; gives all that are kept now,
    oldest first. Raises StoreError."""
    before = tallies(store, dataset, partner)
    if before and before[-1].judged == counted.judged and before[-1].rules == counted.rules:
        return before
    kept = (*before, counted)[-MOST_KEPT:]
    lines = [json.dumps(one.model_dump(mode="json"), ensure_ascii=False) for one in kept]
    store.write(_key(dataset, partner), ("\n".join(lines) + "\n").encode())
    return kept


def history_of(kept: Sequence[Tally]) -> tuple[Earlier, ...]:
    """The last MOST_SHOWN judgements as an answer shows them, oldest first."""
    return tuple(
        Earlier(
            at=one.at,
            counts=Counts(rows_in=one.rows_in, passed=one.passed, to_correct=one.to_correct, on_hold=one.on_hold),
        )
        for one in kept
        if one.passed is not None and one.to_correct is not None and one.on_hold is not None
    )[-MOST_SHOWN:]


def tallies(store: Store, dataset: str, partner: str) -> tuple[Tally, ...]:
    """The counts of a partner's judgements, oldest first; none before the first. A line that another version of Glane
    wrote otherwise is left out."""
    data = store.look(_key(dataset, partner)).data
    if data is None:
        return ()
    found = []
    for line in filter(None, data.decode().split("\n")):
        try:
            found.append(Tally.model_validate_json(line))
        except ValidationError:
            continue
    return tuple(found)


def rejected_terms(store: Store, dataset: str, partners: Iterable[str]) -> tuple[RejectedTerm, ...]:
    """The terms that the last judgements of `partners` rejected, most frequent first: what the vocabulary lacks."""
    over_time = {partner: tallies(store, dataset, partner) for partner in partners}
    written: dict[tuple[str, str], list[tuple[str, TermCount]]] = {}
    for partner, kept in over_time.items():
        for one in kept[-1].terms if kept else ():
            written.setdefault((one.field, one.term), []).append((partner, one))
    terms = []
    for (field, term), by in written.items():
        befores = [_count(over_time[partner][-2], field, term) for partner, _ in by if len(over_time[partner]) > 1]
        terms.append(
            RejectedTerm(
                field=field,
                term=term,
                count=sum(one.count for _, one in by),
                before=sum(befores) if befores else None,
                partners=tuple(sorted(partner for partner, _ in by)),
                since=min(_since(over_time[partner], field, term) for partner, _ in by),
                nearest=next((one.nearest for _, one in by if one.nearest), None),
            )
        )
    return tuple(sorted(terms, key=lambda one: (-one.count, one.field, one.term)))


def rule_counts(store: Store, dataset: str, partners: Iterable[str]) -> dict[str, tuple[RuleCount, ...]]:
    """For each of `partners` that was judged, how often each rule spoke in its last judgement, of whatever field."""
    over_time = {partner: tallies(store, dataset, partner) for partner in partners}
    return {partner: _of_any_field(kept[-1].rules) for partner, kept in over_time.items() if kept}


def _of_any_field(rules: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    sums: Counter[tuple[str, Severity]] = Counter()
    for one in rules:
        sums[one.rule, one.severity] += one.count
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    return tuple(RuleCount(rule=rule, severity=severity, count=count) for (rule, severity), count in ordered)


def _rejected(problems: Iterable[Problem], table: Table) -> Iterator[tuple[str, str, str | None]]:
    lists = {
        name: TermList(table.terms[line.list], table.synonyms[line.list]) for name, line in table.line.terms.items()
    }
    for problem in problems:
        if problem.rule != "terms" or problem.field is None or problem.cell is None:
            continue
        separator = table.line.terms[problem.field].separator
        values = problem.cell.split(separator) if separator else [problem.cell]
        # Without a position, and with several values, the cell as a whole is meant: a value twice, or an empty one.
        if problem.position is None and len(values) > 1:
            continue
        value = values[(problem.position or 1) - 1]
        terms = lists[problem.field]
        if value.strip() and value not in terms.accepted and terms.understood(value) is None:
            yield problem.field, value.strip()[:_LONGEST_TERM], problem.suggestion


def _count(one: Tally, field: str, term: str) -> int:
    return sum(counted.count for counted in one.terms if (counted.field, counted.term) == (field, term))


def _since(kept: tuple[Tally, ...], field: str, term: str) -> str:
    since = kept[-1].at
    for one in reversed(kept):
        if not _count(one, field, term):
            break
        since = one.at
    return since


def _key(dataset: str, partner: str) -> str:
    return f"reports/{dataset}/{partner}/counts.jsonl"
