"""What a run did, added up: a line for each source, one for each dataset, and the exit code.

Belongs here: the sums, as values and as JSON. Does not belong here: how they look on a terminal (cli/outcome.py).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from glane.errors import GlaneError, WorldError
from pipelines.catalogue import Entry
from pipelines.delivery import Delivery
from pipelines.intake import Intake
from pipelines.pruning import Pruning, Unpruned
from pipelines.release import Failed, Merge, Publication, Release
from pipelines.traffic import Cost, Moved, Traffic
from publish.build import NothingToPublishError
from publish.quality import Account
from sources.declaration import BrokenSource

State = Literal["ok", "failed", "refused", "paused", "retired"]


@dataclass(frozen=True)
class SourceOutcome:
    """One source after a run. rows_in + absent = published + to_correct + on_hold + merged, of the rows that stand now;
    `absent` are no longer in the file, and the first of them leave on the ISO day `leave_on`.

    `state`: ok; failed (not read this time: `reason` says why, and the rows are those of `stale_since`); refused
    (its licence is not accepted); paused or retired (not read, as its declaration says). `answered` says which answers
    were delivered, `unanswered` which could not be, and what to do. `personal` counts the cells in which something of
    persons was found, by what became of it.
    """

    partner: str
    state: State
    rows_in: int = 0
    published: int = 0
    to_correct: int = 0
    on_hold: int = 0
    merged: int = 0
    absent: int = 0
    leave_on: str | None = None
    changed: bool = False
    unchanged_since: str | None = None
    reason: str | None = None
    remedy: str | None = None
    stale_since: str | None = None
    answered: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    personal: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What stopped a dataset's release, and where: merged, version or portal."""

    at: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class DatasetOutcome:
    """One dataset after a run: its sources, its current version, and what was done on the portal. `warnings` are the
    expectations that a new version does not meet, where that lets it out all the same, rows that are put aside, and
    changes of structure that were not announced. `bytes_sent` are the files', `cost` counts every byte, `pruned_bytes`
    those that went from the store, as declared."""

    name: str
    sources: tuple[SourceOutcome, ...]
    version: str | None = None
    created: str | None = None
    new_version: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    page: str | None = None
    bytes_sent: int | None = None
    problem: Problem | None = None
    warnings: tuple[str, ...] = ()
    cost: Cost | None = None
    pruned_bytes: int = 0


@dataclass(frozen=True)
class Outcome:
    """A whole run. `exit_code`: 0 done, 1 some data or declaration is wrong, 3 the world failed somewhere."""

    datasets: tuple[DatasetOutcome, ...]
    exit_code: int

    def as_json(self) -> dict[str, Any]:
        """The run as plain JSON values."""
        return {"exit_code": self.exit_code, "datasets": [asdict(dataset) for dataset in self.datasets]}


class Summary:
    """Adds up the events of a run over the chosen part of the catalogue."""

    def __init__(self, chosen: Mapping[str, Entry]) -> None:
        self._chosen = chosen
        self._intakes: dict[tuple[str, str], Intake] = {}
        self._deliveries: dict[tuple[str, str], list[Delivery]] = {}
        self._merges: dict[str, Merge] = {}
        self._releases: dict[str, Release] = {}
        self._publications: dict[str, Publication] = {}
        self._failures: dict[str, Failed] = {}
        self._moved: dict[str, Traffic] = {}
        self._costs: dict[str, Cost] = {}
        self._prunings: dict[str, Pruning | Unpruned] = {}

    def add(self, event: object) -> None:
        """Take note of what happened; an event of another kind is no affair of the summary's."""
        if isinstance(event, Intake):
            self._intakes[event.dataset, event.partner] = event
        elif isinstance(event, Delivery):
            self._deliveries.setdefault((event.dataset, event.partner), []).append(event)
        elif isinstance(event, Merge):
            self._merges[event.dataset] = event
        elif isinstance(event, Release):
            self._releases[event.dataset] = event
        elif isinstance(event, Publication):
            self._publications[event.dataset] = event
        elif isinstance(event, Failed):
            self._failures[event.dataset] = event
        elif isinstance(event, Moved):
            self._moved[event.dataset] = self.moved(event.dataset) + event.traffic
        elif isinstance(event, (Pruning, Unpruned)):
            self._prunings[event.dataset] = event

    def settle(self, dataset: str, cost: Cost) -> None:
        """Take note of what the whole run cost a dataset."""
        self._costs[dataset] = cost

    def moved(self, dataset: str) -> Traffic:
        """What a dataset's steps have moved so far."""
        return self._moved.get(dataset, Traffic())

    def outcome(self) -> Outcome:
        """The sums so far."""
        return Outcome(tuple(self._dataset(entry) for entry in self._chosen.values()), exit_code(self._errors()))

    def _errors(self) -> Iterator[GlaneError]:
        yield from (intake.error for intake in self._intakes.values() if intake.error is not None)
        broken = {intake.dataset for intake in self._intakes.values() if intake.error is not None}
        for failure in self._failures.values():
            # That nothing came to be published is no second fault.
            if failure.dataset not in broken or not isinstance(failure.error, NothingToPublishError):
                yield failure.error

    def _dataset(self, entry: Entry) -> DatasetOutcome:
        release, publication = self._releases.get(entry.name), self._publications.get(entry.name)
        failure = self._failures.get(entry.name)
        pruning = self._prunings.get(entry.name)
        version = release.version if release else None
        return DatasetOutcome(
            name=entry.name,
            sources=tuple(self._source(entry, source.partner) for source in entry.sources),
            version=version.version if version else None,
            created=version.created if version else None,
            new_version=release.built.new if release else False,
            rows=dict(version.rows) if version else {},
            page=publication.receipt.url if publication else None,
            bytes_sent=publication.receipt.sent_bytes if publication else None,
            warnings=(
                *(_warnings(release) if release else ()),
                *_unpruned(pruning),
                *self._undelivered(entry.name, ""),
            ),
            cost=self._costs.get(entry.name),
            pruned_bytes=pruning.bytes if isinstance(pruning, Pruning) else 0,
            problem=Problem(failure.what, failure.error.what, failure.error.remedy) if failure else None,
        )

    def _source(self, entry: Entry, partner: str) -> SourceOutcome:
        source, intake = entry.source(partner), self._intakes.get((entry.name, partner))
        merge = self._merges.get(entry.name)
        accounts = [line for line in merge.accounts.partners if line.partner == partner] if merge else []
        refused = next((r.reason.en for r in merge.refused if r.partner == partner), None) if merge else None
        error = intake.error if intake else None
        if intake is None:
            state: State = "failed" if isinstance(source, BrokenSource) else _idle(source.line.state)
        else:
            state = "failed" if error else "refused" if refused else "ok"
        return SourceOutcome(
            partner=partner,
            state=state,
            changed=bool(intake and intake.snapshot and intake.snapshot.changed),
            unchanged_since=intake.report.unchanged_since if intake else None,
            reason=error.what if error else refused,
            remedy=error.remedy if error else None,
            stale_since=intake.report.stale_since if intake else None,
            leave_on=min((one.leave_on for one in intake.report.absent), default=None) if intake else None,
            personal=_personal(intake),
            answered=tuple(said for told in self._deliveries.get((entry.name, partner), ()) for said in told.done),
            unanswered=self._undelivered(entry.name, partner),
            **_counts(accounts, intake),
        )

    def _undelivered(self, dataset: str, partner: str) -> tuple[str, ...]:
        told = self._deliveries.get((dataset, partner), ())
        return tuple(str(problem) for delivery in told for problem in delivery.problems)


def exit_code(errors: Iterator[GlaneError]) -> int:
    """0 without errors; 1 if data or a declaration is wrong anywhere; 3 if only the world failed."""
    codes = {3 if isinstance(error, WorldError) else 1 for error in errors}
    return min(codes, default=0)


def _warnings(release: Release) -> tuple[str, ...]:
    built, restored = release.built, release.version.restores
    if built.put_aside and restored:
        what = f"What the partners bring was put aside by going back to {restored.version} ({restored.reason})"
        return (f"{what}; a version is made again when something about it changes.", *built.warnings)
    if not built.new:
        return built.warnings
    unmet = (outcome for outcome in built.expectations if not outcome.passed)
    return (
        *(outcome.said for outcome in unmet),
        *built.warnings,
    )


def _unpruned(pruning: Pruning | Unpruned | None) -> tuple[str, ...]:
    return (f"Nothing was pruned: {pruning.error}",) if isinstance(pruning, Unpruned) else ()


def _idle(state: str) -> State:
    return "retired" if state == "retired" else "paused" if state == "paused" else "failed"


def _personal(intake: Intake | None) -> dict[str, int]:
    cells: Counter[str] = Counter()
    for one in intake.report.personal if intake else ():
        cells[one.outcome] += one.cells
    return dict(cells)


def _counts(accounts: list[Account], intake: Intake | None) -> dict[str, int]:
    if accounts:
        # A row held for a reference that leads nowhere is the partner's to correct.
        return {
            "rows_in": sum(line.rows_in for line in accounts),
            "published": sum(line.published for line in accounts),
            "to_correct": sum(line.to_correct + line.held for line in accounts),
            "on_hold": sum(line.on_hold for line in accounts),
            "merged": sum(line.merged for line in accounts),
            "absent": sum(line.absent for line in accounts),
        }
    verdict = intake.verdict if intake else None
    if verdict is None:
        return {}
    return {"rows_in": verdict.rows_in, "to_correct": verdict.to_correct, "on_hold": verdict.on_hold}
