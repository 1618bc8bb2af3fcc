"""Holding a version back: the guards of its tables, judged before it is listed, and what stewards let pass of it.

Belongs here: which frames are judged against which, what holds a version back, and what a steward is told. Does not
belong here: judging itself (schemas/expectations), what waits (waiting.py), the approvals (approving.py).
"""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from glane.errors import DataError
from glane.store import Store
from publish.addressing import unaddressed
from publish.approving import Permits, files_let_in, told_of
from publish.contribution import Contribution
from publish.formats.delimited import read_csv
from publish.merge import Merged, key_of
from publish.quality import QUALITY, kept_expectations
from publish.version import Version, VersionError, path_of
from publish.waiting import Waits, changes_of, csv_files, hash_of
from schemas.dataset import Dataset, Table
from schemas.expectations.approvals import Approval
from schemas.expectations.judging import judge_table
from schemas.expectations.outcome import Outcome
from schemas.expectations.partners import Partners

_MOST_SHRUNK = 5


class HeldBackError(DataError):
    """A version that was not made, because it is not what is expected of it; the last one stands.

    `outcomes` are the answers of all guards, those that are met among them; `waits` is what a steward may approve.
    """

    def __init__(self, what: str, remedy: str, outcomes: tuple[Outcome, ...], waits: Waits) -> None:
        super().__init__(what, remedy)
        self.outcomes = outcomes
        self.waits = waits


@dataclass(frozen=True)
class Guarded:
    """The answers of all guards of a version that may go out, the approval that lets it, where it needed one, and those
    of the `files` that are new in it."""

    outcomes: tuple[Outcome, ...]
    approval: Approval | None
    files: tuple[Approval, ...]

    @property
    def told(self) -> tuple[dict[str, Any], ...]:
        """What the changelog tells of these approvals."""
        asked = tuple(outcome for outcome in self.outcomes if outcome.asks)
        mine = [told_of(self.approval, asked)] if self.approval is not None else []
        return (*mine, *(told_of(one) for one in self.files))


@dataclass(frozen=True)
class Candidate:
    """What would be the next version of `dataset` after `last`: what partners brought, and what it came to.

    `withdrawn` gives for each table the keys of the rows that a decision took out: that these leave is asked of nobody.
    """

    dataset: Dataset
    contributions: Sequence[Contribution]
    merged: Mapping[str, Merged]
    tables: Mapping[str, pl.DataFrame]
    last: Version | None
    withdrawn: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def before(self, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
        """The `rows` of `table` in the version before that its next one is held against."""
        gone = self.withdrawn.get(table.line.derived_from or table.name, frozenset())
        return unaddressed(table, rows.filter(~key_of(table).is_in(gone)) if gone else rows)


def hold(candidate: Candidate, store: Store, permits: Permits, today: datetime.date) -> Guarded:
    """The answers to all that is expected of the tables of `candidate`.

    Raises HeldBackError where a guard stops it, or asks what no approval lets pass; ExpectationError where one cannot
    be judged.
    """
    dataset, last, tables = candidate.dataset, candidate.last, candidate.tables
    files = csv_files(last)
    brought = _brought(candidate, permits)
    outcomes: list[Outcome] = []
    for table in dataset.tables:
        before = read_csv(path_of(store, last, files[table.name])) if last and table.name in files else None
        now = tables[table.name].select(table.published_fields)
        before = None if before is None else candidate.before(table, before)
        outcomes += judge_table(table, unaddressed(table, now), before, brought.get(table.name))
    stops = [outcome for outcome in outcomes if outcome.stops]
    asked = [outcome for outcome in outcomes if outcome.asks]
    found = hash_of(dataset, tables, asked) if asked and not stops else None
    approval = permits.approvals.passing(found, asked, today) if found else None
    if not stops and (approval is not None or not asked):
        return Guarded(tuple(outcomes), approval, _new_files(candidate, permits))
    waits = Waits(
        dataset=dataset.name,
        hash=found,
        previous=last.version if last else None,
        outcomes=(*stops, *asked),
        changed=changes_of(store, dataset, last, tables, candidate.merged),
    )
    fewer = shrunk(candidate.contributions, last)
    raise HeldBackError(_what(waits, fewer), _remedy(waits), tuple(outcomes), waits)


def expectations_of(store: Store, version: Version) -> tuple[Outcome, ...]:
    """The answers that were given when `version` was made, as its quality report keeps them. Raises VersionError."""
    file = version.file(QUALITY)
    key = f"{version.key}/{file.path}"
    data = store.read(key)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise VersionError(
            f"{store.where(key)} is not the quality report that was written.",
            "Nothing was changed. Bring this file back from a backup; `glane verify` names every file that differs.",
        )
    return kept_expectations(data)


def shrunk(contributions: Sequence[Contribution], last: Version | None) -> list[tuple[str, int, int]]:
    """The partners that bring fewer rows than to the version before, with their rows then and now; most lost first."""
    now: dict[str, int] = {}
    before: dict[str, int] = {}
    for contribution in contributions:
        now[contribution.partner] = now.get(contribution.partner, 0) + contribution.verdict.passed
    for line in (*last.inputs, *last.absent) if last else ():
        before[line.partner] = before.get(line.partner, 0) + line.passed
    fewer = [(partner, rows, now.get(partner, 0)) for partner, rows in before.items() if now.get(partner, 0) < rows]
    return sorted(fewer, key=lambda line: (line[2] - line[1], line[0]))


def approve_command(name: str, found: str) -> str:
    """What a steward types to approve what waits of `name`, a dataset or dataset/partner."""
    return f"glane approve {name} {found} --as ROLE --why REASON"


def _files(candidate: Candidate) -> dict[str, str]:
    return {one.partner: one.verdict.snapshot for one in candidate.contributions if one.absent_since is None}


def _new_files(candidate: Candidate, permits: Permits) -> tuple[Approval, ...]:
    before = {line.partner: line.snapshot for line in candidate.last.inputs} if candidate.last else {}
    now = {partner: file for partner, file in _files(candidate).items() if before.get(partner) != file}
    return files_let_in(permits.approvals, now)


def _brought(candidate: Candidate, permits: Permits) -> dict[str, Partners]:
    fewer = frozenset(one.partner for one in files_let_in(permits.approvals, _files(candidate)))
    now: dict[str, dict[str, int]] = {}
    before: dict[str, dict[str, int]] = {}
    for contribution in candidate.contributions:
        mine = now.setdefault(contribution.table, {})
        mine[contribution.partner] = mine.get(contribution.partner, 0) + contribution.verdict.passed
    for line in (*candidate.last.inputs, *candidate.last.absent) if candidate.last else ():
        theirs = before.setdefault(line.table, {})
        theirs[line.partner] = theirs.get(line.partner, 0) + line.passed
    found = {}
    for table in candidate.dataset.merged:
        home = table.line.apart_from or table.name
        family = [each.name for each in candidate.dataset.merged if home in (each.name, each.line.apart_from)]
        # A licence moves a partner's rows from one table of the family to another: it did not leave.
        moved = frozenset(partner for name in family if name != table.name for partner in now.get(name, {}))
        then = before.get(table.name, {}) if candidate.last else None
        found[table.name] = Partners(now.get(table.name, {}), then, permits.left | moved, fewer)
    return found


def _what(waits: Waits, fewer: list[tuple[str, int, int]]) -> str:
    stands = f"version {waits.previous} stands" if waits.previous else "there is no version yet"
    said = [outcome.said for outcome in waits.outcomes]
    if fewer:
        brought = ", ".join(f"{partner} ({then} before, {now} now)" for partner, then, now in fewer[:_MOST_SHRUNK])
        said.append(f"Sources that bring fewer rows: {brought}.")
    held = "waits for a steward" if waits.hash else "is held back"
    return f"{waits.dataset}: the next version {held}, {stands}. {' '.join(said)}"


def _remedy(waits: Waits) -> str:
    wrong = "Correct the source that changed: its report says what arrived."
    if waits.hash is None:
        where = f"schemas/{waits.dataset}/dataset.yaml"
        return f"{wrong} If the change is right, change what stops it under `expectations:` in {where}. Then run again."
    return (
        f"See what would change: glane approve {waits.dataset}. If it is right: "
        f"{approve_command(waits.dataset, waits.hash)}, then run again. If it is not: {wrong[0].lower()}{wrong[1:]}"
    )
