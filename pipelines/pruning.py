"""What goes from the store, as each dataset's `retention:` declares: the order, and what must stay.

Belongs here: putting together what every room knows of its own past. Does not belong here: how long things are kept
(schemas/retention.py), which files of versions stay (publish/retention.py), Dagster's own past (past_runs.py).

Never goes, whatever is declared: the current snapshot of a source, the snapshot and the rows of its standing verdict,
the last reports, the rows of the current version, and a version's canonical files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from glane.errors import GlaneError
from glane.removals import Removal, remove
from glane.store import DiskError, Store, sha256_of
from pipelines.catalogue import BrokenDataset, Entry
from publish.retention import current_rows, inputs_of, surplus
from schemas.past import past_reports, past_rows, standing_snapshot
from schemas.retention import ALWAYS, Days, Retention
from sources.past import past_snapshots


@dataclass(frozen=True)
class Pruning:
    """What went (or would go) from a dataset's part of the store."""

    dataset: str
    removals: tuple[Removal, ...]

    @property
    def bytes(self) -> int:
        """The bytes given back."""
        return sum(removal.bytes for removal in self.removals)


@dataclass(frozen=True)
class Unpruned:
    """A dataset of which nothing went, and why."""

    dataset: str
    error: GlaneError


def prune(
    dataset: str, retention: Retention, store: Store, *, now: datetime | None = None, dry_run: bool = False
) -> Pruning:
    """Take out of the store what `retention` does not keep, and leave a line for each in its log. Takes the writer's
    lock.

    Raises VersionError where a version is damaged: then nothing goes, as nobody can say what it needs. StoreError.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    with store.writer():
        removals = tuple(removals_of(dataset, retention, store, moment))
        if not dry_run:
            remove(store, dataset, removals)
    return Pruning(dataset, removals)


def prune_datasets(
    chosen: Mapping[str, Entry], store: Store, *, daily: bool = False, dry_run: bool = False
) -> Iterator[Pruning | Unpruned]:
    """Prune each chosen dataset that is declared rightly. `daily`: only those that were not pruned today.

    What is wrong with one (a damaged version, a disk) stops no other.
    """
    for entry in chosen.values():
        if isinstance(entry.dataset, BrokenDataset):
            continue
        today = {"pruned": datetime.now(UTC).date().isoformat()}
        key = f"log/pruned/{entry.name}.json"
        try:
            if daily and store.read_json(key) == today:
                continue
            yield prune(entry.name, entry.dataset.line.retention, store, dry_run=dry_run)
            if not dry_run:
                store.write_json(key, today)
        except GlaneError as error:
            yield Unpruned(entry.name, error)
        except OSError as error:
            # Derived files are made again in a temporary folder before they go.
            yield Unpruned(entry.name, DiskError(error))


def removals_of(dataset: str, retention: Retention, store: Store, now: datetime) -> Iterator[Removal]:
    """What may go at the moment `now`, of every partner there ever was."""
    at = now.isoformat(timespec="seconds")
    inputs = inputs_of(store, dataset)
    if retention.formats == "monthly":
        yield from surplus(store, dataset, at=at)
    for partner in store.list(f"raw/{dataset}"):
        until = {sha256: end for (whose, sha256), end in inputs.items() if whose == partner}
        yield from _snapshots(dataset, partner, retention, until, store, now)
    needed = current_rows(store, dataset)
    for partner in store.list(f"rows/{dataset}"):
        for past in past_rows(store, dataset, partner):
            if _over(past.day, retention.rows, now) and (partner, past.rows_sha256) not in needed:
                yield from _removals(store, past.keys, at, f"rows of an earlier judgement, of {past.day}")
    for partner in store.list(f"reports/{dataset}"):
        for past in past_reports(store, dataset, partner):
            if _over(past.day, retention.reports, now):
                yield from _removals(store, past.keys, at, f"a report on an earlier judgement, of {past.day}")


def _snapshots(
    dataset: str, partner: str, retention: Retention, until: Mapping[str, str | None], store: Store, now: datetime
) -> Iterator[Removal]:
    at = now.isoformat(timespec="seconds")
    stays = {sha256 for sha256, end in until.items() if end is None or not _over(end[:10], retention.inputs, now)}
    standing = standing_snapshot(store, dataset, partner)
    for past in past_snapshots(store, dataset, partner, but=stays | {standing or ""}):
        end = until.get(past.sha256)
        if end is not None:
            yield from _removals(store, past.keys, at, f"an input of versions that were current until {end[:10]}")
        elif _over(past.came, retention.snapshots, now):
            yield from _removals(store, past.keys, at, f"a snapshot of {past.came} that no version was made of")


def _over(day: str, days: Days, now: datetime) -> bool:
    return days != ALWAYS and date.fromisoformat(day) + timedelta(days=days) < now.date()


def _removals(store: Store, keys: Sequence[str], at: str, why: str) -> Iterator[Removal]:
    for key in keys:
        path = store.fetch(key)
        yield Removal(key, sha256_of(path), path.stat().st_size, at, why)
