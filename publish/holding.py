"""Holding a version back: what dataset.yaml expects of it, judged before it is listed.

Belongs here: which frames are judged against which, what stops a version, and what a steward is told. Does not belong
here: judging itself (schemas/expectations), nor approving a version that is held back.
"""

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from glane.errors import DataError
from glane.store import Store
from publish.addressing import unaddressed
from publish.contribution import Contribution
from publish.formats.delimited import read_csv
from publish.quality import QUALITY, kept_expectations
from publish.version import Version, VersionError, path_of
from schemas.dataset import Dataset
from schemas.expectations.judging import judge_table
from schemas.expectations.outcome import Outcome

_MOST_SHRUNK = 5


class HeldBackError(DataError):
    """A version that was not made, because it is not what dataset.yaml expects; the last one stands.

    `outcomes` are the answers to all expectations, those that are met among them.
    """

    def __init__(self, what: str, remedy: str, outcomes: tuple[Outcome, ...]) -> None:
        super().__init__(what, remedy)
        self.outcomes = outcomes


def hold_to_expectations(
    dataset: Dataset,
    contributions: Sequence[Contribution],
    tables: Mapping[str, pl.DataFrame],
    store: Store,
    last: Version | None,
) -> tuple[Outcome, ...]:
    """The answers to all that is expected of `tables`, the next version after `last`.

    Raises HeldBackError where an expectation that stops is not met, ExpectationError where one cannot be judged.
    """
    files = {} if last is None else {f.table: f for f in last.files if (f.kind, f.format) == ("data", "csv")}
    outcomes: list[Outcome] = []
    for table in dataset.tables:
        before = read_csv(path_of(store, last, files[table.name])) if last and table.name in files else None
        now = tables[table.name].select(table.published_fields)
        outcomes += judge_table(table, unaddressed(table, now), None if before is None else unaddressed(table, before))
    stops = [outcome for outcome in outcomes if outcome.stops]
    if stops:
        raise HeldBackError(
            _what(dataset, stops, last, shrunk(contributions, last)), _remedy(dataset, stops), tuple(outcomes)
        )
    return tuple(outcomes)


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
    for line in last.inputs if last else ():
        before[line.partner] = before.get(line.partner, 0) + line.passed
    fewer = [(partner, rows, now.get(partner, 0)) for partner, rows in before.items() if now.get(partner, 0) < rows]
    return sorted(fewer, key=lambda line: (line[2] - line[1], line[0]))


def _what(dataset: Dataset, stops: Sequence[Outcome], last: Version | None, fewer: list[tuple[str, int, int]]) -> str:
    stands = f"version {last.version} stands" if last else "there is no version yet"
    said = [f"{o.expect} of {o.about}: expected {o.expected.en}; observed {o.observed.en}." for o in stops]
    if fewer:
        brought = ", ".join(f"{partner} ({then} before, {now} now)" for partner, then, now in fewer[:_MOST_SHRUNK])
        said.append(f"Sources that bring fewer rows: {brought}.")
    return f"{dataset.name}: the next version is held back, {stands}. {' '.join(said)}"


def _remedy(dataset: Dataset, stops: Sequence[Outcome]) -> str:
    where = f"schemas/{dataset.name}/dataset.yaml"
    remedies = ["Correct the source that changed: its report says what arrived."]
    if any(outcome.expect != "columns_kept" for outcome in stops):
        remedies.append(f"If the change is right, change the bound under `expectations:` in {where}.")
    if any(outcome.expect == "columns_kept" for outcome in stops):
        remedies.append(
            "If a column may be empty, write {expect: columns_kept, fields: [its name], severity: warn} "
            f"under `expectations:` of its table in {where}, or take the field out of the Table Schema."
        )
    return " ".join([*remedies, "Then run again."])
