"""Puts the quality report of a version together.

Belongs here: which measure is taken of what. Does not belong here: the measures (measures.py,
places.py, wrong.py), the model (report.py), the page (page.py).
"""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import polars as pl

from glane.store import Store
from publish.contribution import Contribution, Refusal, by_partner
from publish.deciding import Applied
from publish.links import Linked
from publish.quality import QUALITY, Accounts
from publish.quality.measures import completeness, dates, duplicates, likeness
from publish.quality.places import places
from publish.quality.report import (
    Decided,
    HeldBack,
    Links,
    QualityReport,
    Refused,
    Source,
    WaitingDecision,
    read_quality,
)
from publish.quality.wrong import failing, rules_in_words, terms, to_correct
from publish.version import Version, path_of
from schemas.dataset import Dataset
from schemas.expectations.outcome import Outcome


class Measured(Protocol):
    """What a quality report is made of: the rows that partners brought, and what became of them. `partners` are those
    that are declared, whether they bring rows or not."""

    @property
    def dataset(self) -> Dataset:
        """The dataset, as it is declared now."""

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """What was admitted, by partner."""

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """What was not."""

    @property
    def applied(self) -> Applied:
        """The merged tables, and what stewards decided of them."""

    @property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """The rows that are published, by table."""

    @property
    def linked(self) -> Mapping[str, Linked]:
        """The tables of links to other datasets."""

    @property
    def accounts(self) -> Accounts:
        """Where every row went."""

    @property
    def partners(self) -> tuple[str, ...]:
        """All partners that are declared."""


def report_quality(
    measured: Measured, expectations: Sequence[Outcome], store: Store, version: Version, last: Version | None
) -> dict[str, Any]:
    """What quality.json holds of `version`, which follows `last` and met or did not meet these `expectations`.

    The same inputs give the same report: nothing in it is of another moment than that at which the version was made.
    Raises VersionError.
    """
    dataset, contributions, merged = measured.dataset, by_partner(measured.contributions), measured.applied.merged
    today = datetime.datetime.fromisoformat(version.created).date()
    before = _before(store, last)
    filled = before.completeness if before else {}
    mine = {t.name: [one for one in contributions if one.table == t.name] for t in dataset.tables}
    found = {name: rows for name, rows in measured.tables.items() if name in merged}
    wrong, uncounted = to_correct(dataset, contributions, store)
    partners = sorted({*measured.partners, *(one.partner for one in contributions)})
    aged = {name: dates(dataset.table(name), rows, mine[name], today) for name, rows in found.items()}
    placed = {name: places(dataset.table(name), rows) for name, rows in found.items()}
    report = QualityReport(
        dataset=dataset.name,
        version=version.version,
        created=version.created,
        rows=version.rows,
        bases={t.name: t.line.derived_from for t in dataset.tables if t.line.derived_from},
        left_out=measured.accounts.left_out,
        partners=measured.accounts.partners,
        sources=tuple(_source(one, today) for one in contributions),
        completeness={
            name: completeness(dataset.table(name), rows, mine[name], filled.get(name))
            for name, rows in measured.tables.items()
        },
        dates={name: one for name, one in aged.items() if one is not None},
        places={name: one for name, one in placed.items() if one is not None},
        duplicates={name: duplicates(part) for name, part in merged.items()},
        to_correct=wrong,
        uncounted=uncounted,
        rules=rules_in_words(wrong),
        terms=terms(dataset, store, partners),
        failing=failing(dataset, store, partners),
        personal=tuple(
            HeldBack(partner=partner, table=table, **count.model_dump())
            for partner, table, count in measured.accounts.personal
        ),
        refused=tuple(Refused(partner=one.partner, why=one.reason) for one in measured.refused),
        expectations=tuple(expectations),
        likeness=likeness(merged),
        links={name: Links(counts=one.counts, waiting=len(one.asked)) for name, one in measured.linked.items()},
        decisions=_decisions(measured.applied),
    )
    return report.model_dump(mode="json")


def _before(store: Store, last: Version | None) -> QualityReport | None:
    if last is None or QUALITY not in {file.path for file in last.files}:
        return None
    return read_quality(path_of(store, last, last.file(QUALITY)).read_bytes())


def _source(one: Contribution, today: datetime.date) -> Source:
    return Source(
        partner=one.partner,
        table=one.table,
        title=one.title,
        organisation=one.organisation,
        licence=one.licence,
        attribution=one.attribution,
        received=one.snapshot_date,
        age_in_days=(today - datetime.date.fromisoformat(one.snapshot_date)).days,
        stale_since=one.stale_since,
    )


def _decisions(applied: Applied) -> Decided | None:
    """How many decisions of each kind hold, and what waits for a steward, by its line in the file."""
    if not applied.applied and not applied.questions:
        return None
    return Decided(
        applied=dict(sorted(Counter(one.kind for one in applied.applied).items())),
        waiting=tuple(
            WaitingDecision(line=one.decision.line, kind=one.decision.kind, why=one.why) for one in applied.questions
        ),
    )
