"""What stands of a source that could not be read: its last good rows, judged by today's rules, and whom to credit.

Belongs here: keeping those rows fit to be published while the source is down. Does not belong here: what a source
that can be read goes through (intake.py).
"""

from glane.store import Store
from glane.text import Text
from pipelines.catalogue import BrokenDataset
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, Verdict
from schemas.personal.gate import Personal, gate_key, judge_gated, personal_of
from schemas.report import About, last_report
from schemas.rows import VerdictError, judged_key, keep, last_good
from sources.declaration import BrokenSource, Source


def keep_standing(source: Source | BrokenSource, dataset: Dataset | BrokenDataset, store: Store) -> Verdict | None:
    """The verdict on the last good rows of a source, given anew where the dataset's declaration changed since.

    Without it, one partner whose server is down would hold back a dataset whose rules changed: rows are published
    under today's rules only. None where there are no rows, or where they do not fit today's fields.
    """
    try:
        found = last_good(store, source.dataset, source.partner)
    except VerdictError:
        # The publisher meets the same rows and refuses them, with the reason.
        return None
    if found is None:
        return None
    rows, verdict = found
    if isinstance(dataset, BrokenDataset) or verdict.judged_by == dataset.fingerprint:
        return verdict
    table = next((table for table in dataset.contributed if table.name == verdict.table), None)
    if table is None or tuple(rows.columns) != (*table.fields, LINE):
        return verdict
    personal = personal_now(source, table)
    judgement, _ = judge_gated(dataset, table, rows, personal)
    return keep(
        store,
        dataset,
        table,
        source.partner,
        judgement,
        snapshot=verdict.snapshot,
        mapped_by=verdict.mapped_by,
        judged_at=verdict.judged_at,
        gated_by=gate_key(personal),
    )


def personal_now(source: Source | BrokenSource, table: Table) -> Personal:
    """What is decided today about personal data in the rows of `source`; by the dataset alone where its own declaration
    cannot be read."""
    if isinstance(source, BrokenSource):
        return personal_of(table)
    line = source.line
    return personal_of(table, line.personal, line.country, line.read_from)


def received_on(verdict: Verdict, store: Store) -> str:
    """The ISO day on which the bytes that a verdict speaks of were first received."""
    key = judged_key(verdict.snapshot, verdict.mapped_by, verdict.judged_by)
    then = last_report(store, verdict.dataset, verdict.partner, key)
    return (then.arrival.fetched_at if then is not None and then.arrival is not None else verdict.judged_at)[:10]


def credit_of(source: Source | BrokenSource, dataset: Dataset | BrokenDataset, store: Store) -> About:
    """Whose rows these are and on which terms: as declared, or as last declared where that cannot be read now."""
    if isinstance(source, Source):
        return about_source(source, dataset)
    told = last_report(store, source.dataset, source.partner)
    if told is not None:
        return told.about
    return About(
        dataset=source.dataset,
        table="",
        partner=source.partner,
        title=Text(fr=source.partner, en=source.partner),
        organisation=source.partner,
    )


def about_source(source: Source, dataset: Dataset | BrokenDataset) -> About:
    """Whose rows these are and on which terms, as declared."""
    line, declared = source.line, None if isinstance(dataset, BrokenDataset) else dataset.line
    return About(
        dataset=source.dataset,
        table=line.table or ("" if isinstance(dataset, BrokenDataset) else dataset.main.name),
        partner=source.partner,
        title=line.title,
        organisation=line.organisation,
        licence=line.licence,
        attribution=line.attribution,
        dataset_title=declared.title if declared else None,
        steward=declared.steward.name if declared else None,
        steward_email=declared.steward.email if declared else None,
    )
