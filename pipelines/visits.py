"""When a source is asked again: what the store knows of its last check, put before sources/revisits.

Belongs here: finding those dates. Does not belong here: the rule (sources/revisits.py), the schedules that heed it
(automation.py). `glane run` asks always: whoever types it wants to know now.
"""

from datetime import UTC, datetime
from typing import Literal

from glane.store import Store
from pipelines.contributing import is_too_stale
from schemas.report import SourceReport, last_report
from sources.declaration import BrokenSource, Source
from sources.revisits import is_due, longest, next_check
from sources.snapshot import Pointer, rests_until, told


def next_visit(
    source: Source | BrokenSource, pointer: Pointer | None, report: SourceReport | None, rests: datetime | None = None
) -> datetime | None:
    """When `source` is to be asked again; None where it never was, or is not asked any more.

    One that fails is asked at its cadence, counted from its last run; no sooner than its server asked for (`rests`).
    """
    if isinstance(source, BrokenSource) or source.line.state != "active":
        return None
    line = source.line
    if report is not None and report.state == "failed":
        at = _moment(report.run_at)
        following = next_check(line.cadence, line.asked_at_least, checked=at, changed=at)
        return max(following, rests) if following is not None and rests is not None else following
    if pointer is None:
        return None
    checked = _moment(pointer.checked_at)
    changed = _moment(pointer.changed_at or pointer.fetched_at)
    return next_check(line.cadence, line.asked_at_least, checked=checked, changed=changed)


Freshness = Literal["never", "fresh", "late", "stale", "expired"]


def state_of(
    source: Source | BrokenSource, store: Store, now: datetime
) -> tuple[SourceReport | None, dict[str, str | None]]:
    """A source's last report; and when it was `checked_at`, its `next_check` and its `freshness`, as JSON values."""
    report = last_report(store, source.dataset, source.partner)
    pointer = told(source, store) if isinstance(source, Source) else None
    following = next_visit(source, pointer, report, rests_until(source, store) if isinstance(source, Source) else None)
    failed = report is not None and report.state == "failed"
    # Where nothing changed, no report was made again.
    checked = pointer.checked_at if pointer is not None and not failed else report.run_at if report else None
    return report, {
        "checked_at": checked,
        "next_check": following.isoformat(timespec="seconds") if following else None,
        "freshness": freshness(source, report, following, now),
    }


def freshness(
    source: Source | BrokenSource, report: SourceReport | None, following: datetime | None, now: datetime
) -> Freshness:
    """How fresh a source's rows are: `fresh`; `late`, where its next check is long past; `stale`, where it fails and
    its last good rows stay; `expired`, where these are older than it allows itself and have left."""
    if report is None:
        return "never"
    if report.state == "failed":
        bound = source.line.stale_after_days if isinstance(source, Source) else None
        gone = bound is not None and is_too_stale(report.stale_since, bound, now.date())
        return "expired" if gone else "stale"
    wait = longest(source.line.cadence, source.line.asked_at_least) if isinstance(source, Source) else None
    late = following is not None and wait is not None and now > following + wait
    return "late" if late else "fresh"


def visited(source: Source | BrokenSource, store: Store) -> datetime | None:
    """`next_visit`, from the store."""
    if isinstance(source, BrokenSource):
        return None
    report = last_report(store, source.dataset, source.partner)
    return next_visit(source, told(source, store), report, rests_until(source, store))


def due(source: Source | BrokenSource, store: Store, now: datetime) -> bool:
    """Whether a tick of the schedule at `now` asks `source`; a broken one always: every day says what is wrong."""
    return isinstance(source, BrokenSource) or is_due(visited(source, store), source.line.cadence, now)


def _moment(written: str) -> datetime:
    found = datetime.fromisoformat(written)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
