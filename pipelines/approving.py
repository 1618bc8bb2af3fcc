"""What people allow of a dataset beforehand, from where they write it: the tree of sources, and the server's store.

Belongs here: where approvals stand, and which partners have left as declared. Does not belong here: what an approval
lets pass (schemas/expectations/approvals.py), typing one (cli/approve.py), giving one in Dagit (approve_job.py).

    sources/decisions/<dataset>.approvals.csv   in git, reviewed like code
    approvals/<dataset>.csv                     in the store: those that were given in Dagit

Dagit writes into the store and never into the checkout: a nightly `git pull` finds it as it left it, and a checkout
that is made anew loses nothing. Both files have the same columns, and both hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from glane.errors import CallError
from glane.store import Store
from pipelines.catalogue import Entry, approvals_path
from pipelines.contributing import is_too_stale
from publish.approving import Permits, approval_of
from publish.waiting import Changed, Waits, waiting_of
from schemas.expectations.approvals import (
    DIGITS,
    Approval,
    Approvals,
    day_of,
    parse_approvals,
    read_approvals,
    with_line,
)
from schemas.expectations.outcome import Outcome
from schemas.report import last_report
from sources.declaration import Source
from sources.enough import rows_kept, shrunk_error
from sources.snapshot import Snapshot


def permits_of(entry: Entry, store: Store) -> Permits:
    """What may pass in a version of a dataset although it is not as expected. Raises DeclarationError."""
    return Permits(approvals_of(entry, store), frozenset(_left(entry, store)))


def approvals_of(entry: Entry, store: Store) -> Approvals:
    """What stewards approved of a dataset, in git and in the store. Raises DeclarationError."""
    return _both(entry.approvals, entry.name, store)


def check_shrunk(source: Source, store: Store, snapshot: Snapshot, rows_in: int, before: int | None) -> None:
    """Raises TooFewRowsError where the file of `source` lost more of the rows that it held `before` than it may, and no
    approval lets it pass."""
    asked = rows_kept(rows_in, before, source.line.bounds, source.partner)
    if asked.passed:
        return
    hash_, today = snapshot.sha256[:DIGITS], datetime.now(UTC).date()
    beside = approvals_path(source.folder.parent.parent, source.dataset)
    approvals = _both(beside, source.dataset, store)
    if approvals.passing(hash_, [asked], today, partner=source.partner) is None:
        raise shrunk_error(asked, source.line.bounds, snapshot.file_name, source.name, hash_)


def _both(path: Path, dataset: str, store: Store) -> Approvals:
    kept = store.look(approvals_key(dataset))
    given = parse_approvals(kept.data, Path(store.where(kept.key))) if kept.data else Approvals()
    return read_approvals(path) + given


def approvals_key(dataset: str) -> str:
    """Where the store keeps the approvals that were given in Dagit."""
    return f"approvals/{dataset}.csv"


def keep_approval(store: Store, dataset: str, approval: Approval) -> None:
    """Add an approval to those of the store. Raises DeclarationError where it is not complete, OvertakenError where
    somebody approves at the same moment."""
    seen = store.look(approvals_key(dataset))
    store.replace(seen, with_line(seen.data or b"", approval, Path(store.where(seen.key))))


def _left(entry: Entry, store: Store) -> list[str]:
    """The partners that bring nothing any more as their source declares it: retired, or stale beyond its bound."""
    today = datetime.now(UTC).date()
    left = []
    for source in entry.sources:
        if isinstance(source, Source):
            told = last_report(store, source.dataset, source.partner)
            stale_since = told.stale_since if told is not None and told.state == "failed" else None
            if source.line.state == "retired" or is_too_stale(stale_since, source.line.stale_after_days, today):
                left.append(source.partner)
    return left


@dataclass(frozen=True)
class Held:
    """What waits for an approval: a version of `dataset`, or the file of `partner`. `asked` are the guards that ask
    (or, where there is no `hash`, those that nobody may let pass)."""

    dataset: str
    partner: str
    hash: str | None
    asked: tuple[Outcome, ...]
    since: str | None
    changed: Mapping[str, Changed] = field(default_factory=dict)
    previous: str | None = None

    @property
    def name(self) -> str:
        """`<dataset>` or `<dataset>/<partner>`, as written on the command line."""
        return f"{self.dataset}/{self.partner}" if self.partner else self.dataset


def held_version(store: Store, dataset: str) -> Held | None:
    """The version that the last run held back; None where it held back none."""
    waits = waiting_of(store, dataset)
    return of_waits(waits) if waits is not None else None


def of_waits(waits: Waits, since: str | None = None) -> Held:
    """What waits, as a version that is held back tells it."""
    return Held(
        waits.dataset,
        "",
        waits.hash,
        waits.outcomes,
        waits.since or since,
        changed=waits.changed,
        previous=waits.previous,
    )


def held_file(store: Store, dataset: str, partner: str) -> Held | None:
    """The file of a partner that the last run held back and that a steward may approve; None where it did not."""
    report = last_report(store, dataset, partner)
    if report is None or report.failure is None or report.arrival is None:
        return None
    asked = tuple(outcome for outcome in report.guards if outcome.asks)
    if not asked:
        return None
    return Held(dataset, partner, report.arrival.sha256[:DIGITS], asked, report.failing_since)


def approval_for(
    held: Held | None, name: str, hash_: str, *, by: str, why: str, until: str | None, unseen: bool = False
) -> Approval:
    """The approval of what has the hash `hash_`, if it is what is `held`; `unseen`: it waits elsewhere, in a store that
    cannot be seen from here, and `until` then speaks of nothing else. Raises CallError."""
    partner = name.partition("/")[2]
    if not by.strip() or not why.strip():
        raise CallError("An approval needs who approves and why.", "Give a role and a reason: --as ROLE --why REASON.")
    today = datetime.now(UTC).date()
    last = day_of(until) if until else None
    if until and (last is None or last < today):
        raise CallError(f"{until!r} is no day to come.", "Write the last day on which it holds as YYYY-MM-DD.")
    found = held.hash if held is not None else None
    if hash_ != found and not unseen:
        waits = f"What waits is {found}: look at it with glane approve {name}." if found else "Nothing waits there."
        if held is not None and held.hash is None:
            waits = "What waits cannot be approved: the data or the declaration must change."
        raise CallError(f"{hash_} is not what waits in {name}.", waits)
    asked = held.asked if held is not None and hash_ == found else ()
    return approval_of(hash_, asked, partner=partner, by=by.strip(), on=today, until=last, why=why.strip())
