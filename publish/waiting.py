"""What waits for a steward: the version that would be next, known by a hash, and its difference to the current one.

Belongs here: the hash, the difference, and keeping since when it waits. Does not belong here: why it waits
(holding.py), nor the approvals (schemas/expectations/approvals.py).

    waiting/<dataset>.json   what waits; gone once a version was made, or nothing is asked any more

The hash is that of what partners and decisions say, and of what is asked: the same bytes give the same one on a laptop
and on a server. What a machine adds by itself does not count: the day on which it received a file, ids that it gave.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from glane.declaration import Declared
from glane.store import Store, StoreError, to_json
from publish.about import PROVENANCE
from publish.addressing import unaddressed
from publish.changelog import by_partner, origins_of
from publish.delta import Difference, compare, write_delta
from publish.formats.delimited import read_csv, to_csv
from publish.merge import Merged
from publish.streaming import compare_files
from publish.version import Version, VersionFile, path_of
from schemas.dataset import Dataset, Table
from schemas.expectations.approvals import DIGITS
from schemas.expectations.outcome import Outcome

_EXAMPLES = 5


class Changed(Declared):
    """What would change in one table: rows added, changed and removed, in all and by partner, and ids of some."""

    rows: Mapping[str, int]
    partners: Mapping[str, Mapping[str, int]]
    examples: Mapping[str, tuple[str, ...]]


class Waits(Declared):
    """A version that is held back after the version `previous`: the `outcomes` that hold it back, what would change in
    each table, and `hash`, by which a steward may approve it (None: nobody may, the data or the declaration must
    change). `since`: when a run first held back a version, none having been made since."""

    dataset: str
    hash: str | None
    previous: str | None
    outcomes: tuple[Outcome, ...]
    changed: Mapping[str, Changed]
    since: str | None = None


def hash_of(dataset: Dataset, tables: Mapping[str, pl.DataFrame], asked: Sequence[Outcome]) -> str:
    """The hash of a version that would hold `tables`, and of what is `asked` of it."""
    digest = hashlib.sha256(dataset.name.encode())
    for table in dataset.merged:
        rows = _said(table, tables[table.name])
        digest.update(f"\0{table.name}\0".encode() + to_csv(rows.sort(rows.columns)))
    figures = [[one.name, _rounded(one.figures), _rounded(one.excess)] for one in asked]
    digest.update(json.dumps(figures, sort_keys=True).encode())
    return digest.hexdigest()[:DIGITS]


def differences_of(
    store: Store, dataset: Dataset, last: Version, tables: Mapping[str, pl.DataFrame]
) -> dict[str, Difference]:
    """What would change in each table that the version `last` has under the same key. Raises VersionError."""
    files = csv_files(last)
    found = {}
    for table in dataset.tables:
        if table.name in files and table.primary_key:
            before = read_csv(path_of(store, last, files[table.name]))
            if set(table.primary_key) <= set(before.columns):
                now = unaddressed(table, tables[table.name].select(table.published_fields))
                found[table.name] = compare(table.primary_key, unaddressed(table, before), now)
    return found


def write_differences(store: Store, dataset: Dataset, last: Version, folder: Path, into: Path) -> None:
    """Write what would change as deltas, as diff.write_differences does; `folder` holds the canonical files of what
    would be the next version. Raises VersionError, StoreError."""
    try:
        for table, file in csv_files(last).items():
            now = folder / f"{dataset.name}-{table}.csv"
            if now.exists():
                ends = path_of(store, last, file), now
                difference = compare_files(dataset.table(table).primary_key, *ends)
                write_delta(into, table, difference, ends=(last.version, "waiting"), old=ends[0], new=ends[1])
    except OSError as error:
        raise StoreError(f"Cannot write in {into}: {error.strerror}.", "Name another folder.") from error


def changes_of(
    store: Store,
    dataset: Dataset,
    last: Version | None,
    tables: Mapping[str, pl.DataFrame],
    merged: Mapping[str, Merged],
) -> dict[str, Changed]:
    """The same in figures, with the partners that they come from. Raises VersionError."""
    if last is None:
        return {}
    former = pl.read_parquet(path_of(store, last, last.file(PROVENANCE)))
    now = pl.concat([part.provenance for part in merged.values()], how="diagonal_relaxed")
    told = {}
    for name, difference in differences_of(store, dataset, last, tables).items():
        if difference.empty:
            continue
        base = dataset.table(name).line.derived_from or name
        origins = origins_of(*(frame.filter(pl.col("table") == base) for frame in (now, former)))
        told[name] = Changed(
            rows={
                "added": difference.added.height,
                "changed": difference.rows_changed,
                "removed": difference.removed.height,
            },
            partners=by_partner(difference, origins),
            examples={part: ids for part in ("added", "changed", "removed") if (ids := _some(difference, part))},
        )
    return told


def csv_files(version: Version | None) -> dict[str, VersionFile]:
    """The canonical file of each table of a version."""
    files = version.files if version is not None else ()
    return {str(file.table): file for file in files if (file.kind, file.format) == ("data", "csv")}


def waiting_of(store: Store, dataset: str) -> Waits | None:
    """What the last run held back of `dataset`; None where it held back nothing."""
    data = store.look(_key(dataset)).data
    try:
        return Waits.model_validate_json(data) if data else None
    except ValidationError:
        # Of another version of Glane: the next run writes it anew, and `since` begins there.
        return None


def note_waiting(store: Store, waits: Waits, at: str) -> None:
    """Keep what waits; it waits since the first run that held back a version, and not since this one."""
    before = waiting_of(store, waits.dataset)
    since = before.since if before is not None and before.since else at
    noted = waits.model_copy(update={"since": since})
    if noted != before:
        store.write(_key(waits.dataset), to_json(noted.model_dump(mode="json")))


def nothing_waits(store: Store, dataset: str) -> None:
    """What waited is published, or not asked about any more."""
    if store.exists(_key(dataset)):
        store.remove(_key(dataset))


def _key(dataset: str) -> str:
    return f"waiting/{dataset}.json"


def _said(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """What partners and decisions say in the rows of a table: no ids, and no day on which a file was received."""
    ids = {*table.primary_key, *_references(table)}
    dated = [name for name, what in table.line.provided.items() if what == "snapshot_date"]
    origin = table.line.origin
    kept: list[pl.Expr] = []
    for name in table.asked:
        if name in ids or name not in table.published_fields:
            continue
        if name not in dated:
            kept.append(pl.col(name))
        elif origin is not None and origin.of == name:
            kept.append(pl.when(pl.col(origin.field) != origin.provided).then(pl.col(name)).alias(name))
    return rows.select(kept)


def _references(table: Table) -> list[str]:
    named: list[str] = []
    for key in table.schema.get("foreignKeys", ()):
        fields = key["fields"]
        named += [fields] if isinstance(fields, str) else fields
    return named


def _some(difference: Difference, part: str) -> tuple[str, ...]:
    frame: pl.DataFrame = getattr(difference, part)
    ids = frame.select(pl.concat_str(difference.key, separator="|").alias("id")).unique(maintain_order=True)["id"]
    return tuple(ids.head(_EXAMPLES).to_list())


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(figure), 9) for name, figure in figures.items()}
