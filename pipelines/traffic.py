"""What a dataset costs: bytes received, written, sent and kept, per run and per year at the present rate.

Belongs here: adding them up day by day in the store, and reckoning a year from them. Does not belong here: counting
them (each room counts what it moves), printing them (cli/outcome.py).

    log/traffic/<dataset>.json   {day: bytes received, written and sent on that day, and kept at its end}; 60 days

A step writes these few lines after it has counted what it wrote: they alone are not counted.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from glane.store import Store, StoreError
from pipelines.catalogue import Entry
from sources.declaration import Source
from sources.snapshot import Snapshot

KINDS = ("raw", "rows", "reports", "versions")
WINDOW = 30
"""Days of which the present rate is taken."""

_REMEMBERED = 60
_RUNS_A_YEAR = {"hourly": 8766, "daily": 365, "weekly": 52, "monthly": 12, "yearly": 1, "once": 0}


@dataclass(frozen=True)
class Traffic:
    """Bytes `received` from partners, `written` to the store and `sent` to the portal."""

    received: int = 0
    written: int = 0
    sent: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(self.received + other.received, self.written + other.written, self.sent + other.sent)


@dataclass(frozen=True)
class Moved:
    """What one step of a dataset's run moved."""

    dataset: str
    traffic: Traffic


@dataclass(frozen=True)
class Day:
    """What was moved on a day, and what the store kept at its end."""

    received: int = 0
    written: int = 0
    sent: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Year:
    """Bytes a year: `kept` is by how much the store grows. `days`: of how many days this is the rate; None where
    there are none yet and it is what `runs` runs a year like this one come to, at most."""

    received: int
    written: int
    sent: int
    kept: int
    days: int | None
    runs: int | None = None


@dataclass(frozen=True)
class Cost:
    """What a run of a dataset cost: what it `moved`, what the store has `kept` by kind, and what a `year` comes to."""

    moved: Traffic
    kept: Mapping[str, int]
    year: Year | None


def received(snapshot: Snapshot | None) -> int:
    """The bytes that came for a snapshot; none where the source said that nothing changed."""
    return snapshot.bytes if snapshot is not None and snapshot.decided_by in ("first", "hash") else 0


def note(store: Store, dataset: str, moved: Traffic, *, kept: int | None = None) -> Moved:
    """Remember what a step moved, and give it to be told.

    A store that takes nothing any more has said so to those who had more to write: it is no fault of the accounts.
    """
    with contextlib.suppress(StoreError):
        remember(store, dataset, moved, kept=kept)
    return Moved(dataset, moved)


def remember(store: Store, dataset: str, moved: Traffic, *, kept: int | None = None, today: date | None = None) -> None:
    """Add to what was moved today, and note what the store has `kept`, where that is known. Raises StoreError."""
    day = (today or datetime.now(UTC).date()).isoformat()
    days = history(store, dataset)
    last = days[max(days)] if days else Day()
    so_far = days.get(day, Day(kept=last.kept))
    sums = Traffic(so_far.received, so_far.written, so_far.sent) + moved
    days[day] = Day(**asdict(sums), kept=so_far.kept if kept is None else kept)
    latest = dict(sorted(days.items())[-_REMEMBERED:])
    store.write_json(_key(dataset), {name: asdict(one) for name, one in latest.items()})


def history(store: Store, dataset: str) -> dict[str, Day]:
    """What was moved on each day that is remembered; empty where the file is damaged: it is made anew."""
    value: Any = store.read_json(_key(dataset))
    try:
        return {str(date.fromisoformat(day)): Day(**moved) for day, moved in value.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def kept_of(store: Store, dataset: str) -> dict[str, int]:
    """The bytes that the store keeps of a dataset, by kind."""
    return {kind: sum(store.files(f"{kind}/{dataset}").values()) for kind in KINDS}


def cost_of(entry: Entry, store: Store, moved: Traffic) -> Cost:
    """What a run that `moved` so much cost a dataset, now that it is over. Raises StoreError."""
    cadences = [source.line.cadence for source in entry.sources if isinstance(source, Source)]
    kept = kept_of(store, entry.name)
    remember(store, entry.name, Traffic(), kept=sum(kept.values()))
    return Cost(moved, kept, a_year(history(store, entry.name), moved, cadences))


def a_year(days: Mapping[str, Day], run: Traffic, cadences: Sequence[str], today: date | None = None) -> Year | None:
    """What a dataset comes to in a year: at the rate of the last WINDOW days, or of as many as there are.

    The first day is left out: everything is new then. On that day itself, it is what this `run` comes to at the most
    frequent of the sources' `cadences`; None where these say that nothing will come any more.
    """
    now = today or datetime.now(UTC).date()
    begun = min(map(date.fromisoformat, days), default=now)
    since = max(begun, now - timedelta(days=WINDOW))
    length = (now - since).days
    if length < 1:
        runs = max((_RUNS_A_YEAR[cadence] for cadence in cadences), default=0)
        return (
            Year(runs * run.received, runs * run.written, runs * run.sent, runs * run.written, None, runs)
            if runs
            else None
        )
    counted = [day for name, day in days.items() if date.fromisoformat(name) > since]
    before = [day for name, day in sorted(days.items()) if date.fromisoformat(name) <= since]
    latest = days[max(days)]

    def yearly(amount: int) -> int:
        return round(amount * 365 / length)

    return Year(
        yearly(sum(day.received for day in counted)),
        yearly(sum(day.written for day in counted)),
        yearly(sum(day.sent for day in counted)),
        yearly(latest.kept - before[-1].kept),
        length,
    )


def _key(dataset: str) -> str:
    return f"log/traffic/{dataset}.json"
