"""What is to be corrected in partners' rows, and what else of them a reader should know: counts, and words of ours.

Belongs here: the last judgements and answers, as the store keeps them -> the figures of report.py. Does not
belong here: judging (schemas/), the sentences (words.yaml).

Nothing that a partner wrote leaves the house this way but terms that no list knows, and of those only what several
rows say and what the gate for personal data finds nothing in.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from glane.store import Store
from glane.text import Text
from publish.contribution import Contribution
from publish.quality.report import Failing, Term, Terms, Wrong
from publish.quality.words import rule_text
from schemas.dataset import Dataset, Table
from schemas.personal.finding import Context
from schemas.personal.search import search_text
from schemas.report import last_report
from schemas.rows import judged_key
from schemas.tally import RejectedTerm, rejected_terms, tallies

MOST_TERMS = 100
SAID_OFTEN = 3
"""Rows that must say a term before it is named: what one row says may be about one person."""

_COUNTRIES = ("FR", "BE")


def to_correct(
    dataset: Dataset, contributions: Sequence[Contribution], store: Store
) -> tuple[tuple[Wrong, ...], tuple[str, ...]]:
    """How often each rule spoke of the rows that `contributions` were taken from, the most frequent first; and the
    partners of whose rows that is not kept."""
    found: list[Wrong] = []
    uncounted: list[str] = []
    for one in contributions:
        verdict, table = one.verdict, dataset.table(one.verdict.table)
        judged = judged_key(verdict.snapshot, verdict.mapped_by, verdict.judged_by)
        kept = [tally for tally in tallies(store, dataset.name, one.partner) if tally.judged == judged]
        uncounted += [] if kept else [one.partner]
        found += [
            Wrong(
                partner=one.partner,
                rule=line.rule,
                field=_field(table, line.field),
                severity=line.severity,
                count=line.count,
            )
            for line in (kept[-1].rules if kept else ())
            if line.severity != "info"
        ]
    found.sort(key=lambda w: (w.severity != "error", -w.count, w.partner, w.rule, w.field or ""))
    return tuple(found), tuple(dict.fromkeys(uncounted))


def _field(table: Table, name: str | None) -> str | None:
    """A name of ours, or none: a partner's own column is no field."""
    return name if name in table.fields else None


def rules_in_words(wrong: Iterable[Wrong]) -> dict[str, Text]:
    """What each rule that spoke asks."""
    return {name: rule_text(name) for name in sorted({one.rule for one in wrong})}


def terms(dataset: Dataset, store: Store, partners: Collection[str]) -> Terms:
    """The terms that no list knows, the most frequent first."""
    rejected = rejected_terms(store, dataset.name, partners)
    fields = {name for table in dataset.tables for name in table.line.terms if name in table.published_fields}
    named = [one for one in rejected if one.field in fields and may_be_named(one)][:MOST_TERMS]
    return Terms(
        named=tuple(
            Term(field=one.field, term=one.term, count=one.count, partners=one.partners, nearest=one.nearest)
            for one in named
        ),
        unnamed=len(rejected) - len(named),
    )


def may_be_named(term: RejectedTerm) -> bool:
    """Whether a partner's word may be shown: several rows say it, and nothing of persons is found in it."""
    texts = [(term.term, Context(country, term.field)) for country in _COUNTRIES]
    return term.count >= SAID_OFTEN and not any(search_text(text, context) for text, context in texts)


def failing(dataset: Dataset, store: Store, partners: Collection[str]) -> tuple[Failing, ...]:
    """The partners whose file could not be taken the last time."""
    return tuple(_failing(dataset, store, partners))


def _failing(dataset: Dataset, store: Store, partners: Collection[str]) -> Iterator[Failing]:
    for partner in sorted(partners):
        report = last_report(store, dataset.name, partner)
        if report is None or report.state != "failed" or report.failure is None:
            continue
        # The error's own words may hold what stood in the file.
        since = (report.failing_since or report.run_at)[:10]
        yield Failing(partner=partner, step=report.failure.step, since=since, runs=report.failing_runs)
