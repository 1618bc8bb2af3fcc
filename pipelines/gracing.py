"""The grace period of rows that are no longer in their partner's file: noted as a file comes, over when its days are.

Belongs here: bringing together what is declared, what the store knows and a new file. Does not belong here: the rule
(schemas/absence.py), what a version makes of it (publish/).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

import polars as pl

from glane.store import Store
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.standing import personal_now, received_on
from publish.ended import Ended
from publish.merge import key_of
from schemas.absence import (
    Absent,
    Standing,
    absent_after,
    absent_since,
    fits,
    keep_absent,
    kept_absent,
    leaving,
    missing,
    narrowed,
)
from schemas.dataset import Dataset, Table
from schemas.personal.gate import gate_key, judge_gated
from schemas.report import SourceReport
from schemas.rows import VerdictError, last_good
from sources.declaration import BrokenSource, Source
from sources.identity.likeness import compared_fields, features


def grace_of(source: Source | BrokenSource, dataset: Dataset) -> int:
    """For how many days a row of `source` stays published that is no longer in its file."""
    own = source.line.grace if isinstance(source, Source) else None
    return dataset.line.grace if own is None else own


def note_absent(
    source: Source, dataset: Dataset, table: Table, store: Store, present: pl.DataFrame, snapshot: str, today: date
) -> None:
    """Keep what became absent with the bytes `snapshot`, of which all rows read are `present`; forget what came back.

    To be called before the new rows become the last good ones: killed in between, the next run finds the same. Raises
    VerdictError, StoreError.
    """
    kept = kept_absent(store, dataset.name, source.partner)
    standing = _standing(source, table, store)
    after, gone = absent_after(table, kept, standing, present, snapshot)
    if gone is not None and standing is not None and grace_of(source, dataset):
        vanished = _without_renumbered(source, table, gone, missing(present, standing.rows, table))
        if vanished.height:
            after = (*after, absent_since(standing, vanished, table, today))
    keep_absent(store, dataset, source.partner, after)


def absent_now(source: Source | BrokenSource, dataset: Dataset, store: Store, today: date) -> tuple[Absent, ...]:
    """The absent rows of `source`, those among them whose time is over; judged anew where the dataset's declaration
    changed since, or where time may change their verdict. Raises VerdictError, StoreError."""
    kept = kept_absent(store, dataset.name, source.partner)
    judged = [one if _is_judged(one, dataset, today) else _judged(one, source, dataset, today) for one in kept]
    now = tuple(one for one in judged if one is not None)
    if [id(one) for one in now] != [id(one) for one in kept]:
        keep_absent(store, dataset, source.partner, now)
    return now


def in_grace(source: Source | BrokenSource, dataset: Dataset, store: Store, today: date) -> tuple[Absent, ...]:
    """The rows of `source` that are published though its file lacks them. Raises VerdictError, StoreError."""
    grace = grace_of(source, dataset)
    return tuple(one for one in absent_now(source, dataset, store, today) if not one.over(grace, today))


def ended(entry: Entry, dataset: Dataset, store: Store, today: date) -> tuple[Ended, ...]:
    """The rows whose grace period is over and that no version was made without yet. Raises VerdictError."""
    return tuple(_ended(entry.sources, dataset, store, today))


def forget_ended(entry: Entry, dataset: Dataset, store: Store, today: date) -> None:
    """Forget the rows whose time is over, once a version stands without them. Raises VerdictError, StoreError."""
    for source in entry.sources:
        kept = kept_absent(store, dataset.name, source.partner)
        stay = tuple(one for one in kept if not one.over(grace_of(source, dataset), today))
        if len(stay) != len(kept):
            keep_absent(store, dataset, source.partner, stay)


def with_absent(
    report: SourceReport, source: Source | BrokenSource, dataset: Dataset | BrokenDataset, store: Store, today: date
) -> SourceReport:
    """The answer with the rows in it that are no longer in the file and stay published for a while."""
    if isinstance(dataset, BrokenDataset):
        return report
    try:
        found = in_grace(source, dataset, store, today)
    except VerdictError:
        # The publisher meets the same rows and refuses them, with the reason.
        return report
    table = dataset.table(found[0].verdict.table) if found else dataset.main
    told = leaving(found, table, grace_of(source, dataset), today)
    return report if told == report.absent else report.model_copy(update={"absent": told})


def _standing(source: Source, table: Table, store: Store) -> Standing | None:
    try:
        found = last_good(store, source.dataset, source.partner)
    except VerdictError:
        # Nobody published these: the publisher refuses them.
        return None
    if found is None or not fits(found[0], table):
        return None
    return Standing(*found, received_on(found[1], store))


def _without_renumbered(source: Source, table: Table, gone: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """Those of `gone` that do not stand in the file, with all that tells them, under a new id: both would be published
    side by side, for one and the same thing."""
    declared = source.line.id
    fields = compared_fields(table, (declared.fields or ()) if declared is not None else ())
    if not fresh.height or not fields.fields:
        return gone
    contents = {features(fields, cells).content for cells in fresh.select(fields.fields).iter_rows(named=True)} - {()}
    told = (features(fields, cells).content for cells in gone.select(fields.fields).iter_rows(named=True))
    return gone.filter(pl.Series([content not in contents for content in told], dtype=pl.Boolean))


def _is_judged(one: Absent, dataset: Dataset, today: date) -> bool:
    until = one.verdict.valid_until
    return one.verdict.judged_by == dataset.fingerprint and (until is None or today < date.fromisoformat(until))


def _judged(one: Absent, source: Source | BrokenSource, dataset: Dataset, today: date) -> Absent | None:
    """The same rows, as far as today's rules let them through; None where none are."""
    table = next((table for table in dataset.contributed if table.name == one.verdict.table), None)
    if table is None or not fits(one.rows, table):
        return None
    personal = personal_now(source, table)
    judgement, _ = judge_gated(dataset, table, one.rows, personal, today=today)
    if not judgement.passed:
        return None
    until = judgement.valid_until.isoformat() if judgement.valid_until else None
    verdict = replace(one.verdict, judged_by=dataset.fingerprint, valid_until=until, gated_by=gate_key(personal))
    return narrowed(replace(one, verdict=verdict), judgement.rows, table)


def _ended(sources: Iterable[Source | BrokenSource], dataset: Dataset, store: Store, today: date) -> Iterator[Ended]:
    tables = {table.name: table for table in dataset.contributed}
    for source in sources:
        for one in kept_absent(store, dataset.name, source.partner):
            table = tables.get(one.verdict.table)
            if table is not None and one.over(grace_of(source, dataset), today):
                ids = one.rows.select(key_of(table)).to_series()
                yield Ended(source.partner, table.name, one.since.isoformat(), frozenset(ids))
