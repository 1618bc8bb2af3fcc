"""Which rows each source brings to a version: its last good ones, whatever happened to it today.

Belongs here: who takes part (a retired source does not, nor one that has been stale beyond its bound). Does not
belong here: licences and verdicts, which publish/contribution.py checks again.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.gracing import in_grace
from pipelines.standing import credit_of, keep_standing, personal_now, received_on
from publish.contribution import Contribution
from schemas.absence import fits, missing, narrowed
from schemas.dataset import Dataset
from schemas.report import last_report
from schemas.rows import last_good
from sources.declaration import BrokenSource, Source

_STALE_AFTER_DAYS = 90
"""The bound of a source whose own cannot be read."""


def contributions_of(
    entry: Entry, dataset: Dataset, store: Store, today: date | None = None
) -> tuple[Contribution, ...]:
    """What every source of `dataset` brings on the day `today` (by default, today in UTC), by partner: its last good
    rows, and those that are no longer in its file and in their grace period. Raises VerdictError for rows that cannot
    be trusted."""
    day = today or datetime.now(UTC).date()
    return tuple(one for source in entry.sources for one in _contributions(source, dataset, store, day))


def is_too_stale(stale_since: str | None, bound_in_days: int, today: date) -> bool:
    """Whether rows have stood so long without a good read that they may no longer be shown as the partner's."""
    return stale_since is not None and (today - date.fromisoformat(stale_since[:10])).days > bound_in_days


def _contributions(
    source: Source | BrokenSource, dataset: Dataset, store: Store, today: date
) -> Iterator[Contribution]:
    if isinstance(source, Source) and source.line.state == "retired":
        return
    if isinstance(source, Source) and source.line.state == "paused":
        # No run reads it; where the dataset's rules changed since, its rows are judged by today's here.
        keep_standing(source, dataset, store)
    found = last_good(store, source.dataset, source.partner)
    if found is None:
        return
    rows, verdict = found
    told = last_report(store, source.dataset, source.partner)
    stale_since = told.stale_since if told is not None and told.state == "failed" else None
    bound = source.line.stale_after_days if isinstance(source, Source) else _STALE_AFTER_DAYS
    if is_too_stale(stale_since, bound, today):
        return
    about = credit_of(source, dataset, store)
    table = next((table for table in dataset.contributed if table.name == verdict.table), None)
    mine = Contribution(
        partner=source.partner,
        title=about.title,
        organisation=about.organisation,
        licence=about.licence or "",
        attribution=about.attribution or "",
        verdict=verdict,
        rows=rows,
        snapshot_date=received_on(verdict, store),
        stale_since=stale_since[:10] if stale_since else None,
        personal=personal_now(source, table) if isinstance(source, Source) and table is not None else None,
    )
    yield mine
    for one in in_grace(source, dataset, store, today):
        if table is None or one.verdict.table != table.name or not fits(rows, table):
            continue
        # Killed before the new rows became the last good ones, what left these is still among them.
        still = missing(one.rows, rows, table)
        left = one if still.height == one.rows.height else narrowed(one, still, table)
        if left.rows.height:
            yield replace(
                mine,
                verdict=left.verdict,
                rows=left.rows,
                snapshot_date=left.snapshot_date,
                absent_since=left.since.isoformat(),
            )
