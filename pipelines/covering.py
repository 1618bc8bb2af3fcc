"""The lists of communes that a dataset is held against, and the coverage of its current version as it is now.

Belongs here: putting together the declaration, the store and the counting. Does not belong here: fetching a list
(sources/references.py), counting (publish/coverage.py), the files of a version (publish/coverage_files.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from glane.errors import CallError
from glane.store import Store
from publish.coverage import Coverage, coverage_of
from publish.diff import csv_of
from publish.formats.delimited import read_csv
from publish.version import Version, current, whole_path_of
from schemas.dataset import Dataset
from schemas.territory.declaration import Territory, reference_path
from schemas.territory.reference import Latest, current_reference
from sources.references import bring_reference


@dataclass(frozen=True)
class Standing:
    """The coverage of one table of a version, and what is known of its list of communes (None where it names none)."""

    version: Version
    table: str
    coverage: Coverage
    reference: Latest | None


def bring_references(dataset: Dataset, store: Store) -> dict[str, Latest]:
    """See that the store has every list of communes that `dataset` names; give what is known of each, by name.

    Nothing waits for a list that cannot be read: Latest says since when, and why. Raises DeclarationError, StoreError.
    """
    today = datetime.now(UTC).date()
    names = {one.reference for _, one in _covered(dataset) if one.reference}
    return {name: bring_reference(reference_path(dataset.folder, name), store, today) for name in sorted(names)}


def missing(known: Mapping[str, Latest]) -> tuple[str, ...]:
    """What a steward should know of lists that cannot be read."""
    return tuple(
        f"The list {name} cannot be read since {one.failed_on}: {one.failure} "
        + (f"That of {one.received} is used." if one.sha256 else "Which communes have no row is not known.")
        for name, one in known.items()
        if one.failed_on
    )


def coverage_now(dataset: Dataset, store: Store, table: str | None = None) -> Standing:
    """The coverage of the current version, of `table` or of the first that has a territory.

    Raises CallError where there is none, VersionError.
    """
    covered = dict(_covered(dataset))
    if not covered or (table is not None and table not in covered):
        tables = ", ".join(covered) or "none"
        raise CallError(
            f"{dataset.name} declares no 'territory'" + (f" for {table}." if table else "."),
            f"Its tables that have one: {tables} (docs/coverage.md).",
        )
    name = table or next(iter(covered))
    version = current(store, dataset.name)
    if version is None:
        raise CallError(f"{dataset.name} has no version yet.", f"Make one: glane run {dataset.name}")
    territory = covered[name]
    known = bring_references(dataset, store).get(territory.reference or "")
    rows = read_csv(whole_path_of(store, version, csv_of(version, name)))
    reference = current_reference(store, territory.reference) if territory.reference else None
    return Standing(version, name, coverage_of(territory, rows, reference), known)


def _covered(dataset: Dataset) -> Iterator[tuple[str, Territory]]:
    for table in dataset.tables:
        if table.line.territory is not None:
            yield table.name, table.line.territory
