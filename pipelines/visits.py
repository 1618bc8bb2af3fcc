"""When a source is asked again: what the store knows of its last check, put before sources/revisits.

Belongs here: finding those dates. Does not belong here: the rule (sources/revisits.py), the schedules that heed it
(automation.py). `glane run` asks always: whoever types it wants to know now.
"""

from datetime import UTC, datetime

from glane.store import Store
from schemas.report import SourceReport, last_report
from sources.declaration import BrokenSource, Source
from sources.revisits import is_due, next_check
from sources.snapshot import Pointer, told


def next_visit(source: Source | BrokenSource, pointer: Pointer | None, report: SourceReport | None) -> datetime | None:
    """When `source` is to be asked again; None where it never was, or is not asked any more.

    One that fails is asked at its cadence, counted from its last run.
    """
    if isinstance(source, BrokenSource) or source.line.state != "active":
        return None
    line = source.line
    if report is not None and report.state == "failed":
        at = _moment(report.run_at)
        return next_check(line.cadence, line.slowest, checked=at, changed=at)
    if pointer is None:
        return None
    checked = _moment(pointer.checked_at)
    changed = _moment(pointer.changed_at or pointer.fetched_at)
    return next_check(line.cadence, line.slowest, checked=checked, changed=changed)


def visited(source: Source | BrokenSource, store: Store) -> datetime | None:
    """`next_visit`, from the store."""
    if isinstance(source, BrokenSource):
        return None
    return next_visit(source, told(source, store), last_report(store, source.dataset, source.partner))


def due(source: Source | BrokenSource, store: Store, now: datetime) -> bool:
    """Whether a tick of the schedule at `now` asks `source`; a broken one always: every day says what is wrong."""
    return isinstance(source, BrokenSource) or is_due(visited(source, store), source.line.cadence, now)


def _moment(written: str) -> datetime:
    found = datetime.fromisoformat(written)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
