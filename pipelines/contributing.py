"""Which rows each source brings to a version: its last good ones, whatever happened to it today.

Belongs here: who takes part (a retired source does not, nor one that has been stale beyond its bound). Does not
belong here: licences and verdicts, which publish/contribution.py checks again.
"""

from datetime import UTC, date, datetime

from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.standing import credit_of, keep_standing
from publish.contribution import Contribution
from schemas.dataset import Dataset
from schemas.report import last_report
from schemas.rows import judged_key, last_good
from sources.declaration import BrokenSource, Source

_STALE_AFTER_DAYS = 90
"""The bound of a source whose own cannot be read."""


def contributions_of(entry: Entry, dataset: Dataset, store: Store) -> tuple[Contribution, ...]:
    """What every source of `dataset` brings, by partner. Raises VerdictError for rows that cannot be trusted."""
    today = datetime.now(UTC).date()
    found = (_contribution(source, dataset, store, today) for source in entry.sources)
    return tuple(contribution for contribution in found if contribution is not None)


def is_too_stale(stale_since: str | None, bound_in_days: int, today: date) -> bool:
    """Whether rows have stood so long without a good read that they may no longer be shown as the partner's."""
    return stale_since is not None and (today - date.fromisoformat(stale_since[:10])).days > bound_in_days


def _contribution(source: Source | BrokenSource, dataset: Dataset, store: Store, today: date) -> Contribution | None:
    if isinstance(source, Source) and source.line.state == "retired":
        return None
    if isinstance(source, Source) and source.line.state == "paused":
        # No run reads it; where the dataset's rules changed since, its rows are judged by today's here.
        keep_standing(source, dataset, store)
    found = last_good(store, source.dataset, source.partner)
    if found is None:
        return None
    rows, verdict = found
    told = last_report(store, source.dataset, source.partner)
    stale_since = told.stale_since if told is not None and told.state == "failed" else None
    bound = source.line.stale_after_days if isinstance(source, Source) else _STALE_AFTER_DAYS
    if is_too_stale(stale_since, bound, today):
        return None
    key = judged_key(verdict.snapshot, verdict.mapped_by, verdict.judged_by)
    then = last_report(store, source.dataset, source.partner, key)
    received = then.arrival.fetched_at if then is not None and then.arrival is not None else verdict.judged_at
    about = credit_of(source, dataset, store)
    return Contribution(
        partner=source.partner,
        title=about.title,
        organisation=about.organisation,
        licence=about.licence or "",
        attribution=about.attribution or "",
        verdict=verdict,
        rows=rows,
        snapshot_date=received[:10],
        stale_since=stale_since[:10] if stale_since else None,
    )
