"""Finding a person in all that the store keeps of a dataset: ids, lines of partners' files, texts of theirs alone.

Belongs here: putting together what versions, rows and partners' files tell. Does not belong here: each of these
(publish/forgetting/person.py, sources/forgetting.py), taking anything out (keeping.py).
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from glane.errors import CallError, DataError
from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.release import usable
from publish.forgetting.person import Person, cells_in_versions, family, only_theirs, texts_of, traced
from schemas.dataset import Dataset, Table
from schemas.forgetting import theirs
from schemas.judgement import LINE
from sources.check import table_of
from sources.declaration import Source
from sources.forgetting import kept_snapshots, rows_in, texts_in
from sources.identity.ids import past_of
from sources.identity.own import id_of_number, id_prefix
from sources.identity.register import load_register
from sources.snapshot import received


@dataclass
class _Told:
    """What was found so far: of the person, and of others."""

    lines: dict[tuple[str, str], set[int]]
    mine: set[str]
    others: set[str]


def find_person(entry: Entry, store: Store, asked: str, table: str | None, *, at: str, id_too: bool = False) -> Person:
    """Everything that the store tells of the row `asked` for: by the id that it has or had, or as PARTNER/number.

    Raises CallError where nothing does, the dataset's DeclarationError, VersionError.
    """
    dataset = usable(entry)
    meant = _table(dataset, table)
    names = set(_own(entry, asked)) or {asked}
    found = traced(store, dataset.name, family(dataset, meant.name), names)
    told = _Told({key: set(lines) for key, lines in found.lines.items()}, *cells_in_versions(store, found))
    partners = set(found.partners)
    for partner in store.list(f"rows/{dataset.name}"):
        if _in_rows(store, dataset, partner, found, told) | _registered(store, dataset.name, partner, found):
            partners.add(partner)
    # A row that was never published stands in a partner's file alone; its id tells which.
    known = sorted({*store.list(f"raw/{dataset.name}"), *(one.partner for one in entry.sources)})
    partners |= {one for one in known if any(name.startswith(f"{id_prefix(one)}--") for name in found.ids)}
    for partner in sorted(partners):
        _in_files(store, entry, dataset, partner, found, told)
    if not any(told.lines.values()) and not found.published and not told.mine:
        what = f"Nothing in {dataset.name} has the id {asked!r}."
        raise CallError(what, "Take the id of the published row, or PARTNER/number for a row of a partner's file.")
    return replace(
        found,
        table=meant.name,
        lines={key: frozenset(lines) for key, lines in sorted(told.lines.items())}
        | {(one, ""): frozenset() for one in partners},
        texts=only_theirs(told.mine, told.others),
        at=at,
        id_too=id_too,
    )


def _table(dataset: Dataset, name: str | None) -> Table:
    if name is None:
        return dataset.main
    tables = [table.name for table in dataset.contributed]
    if name not in tables:
        raise CallError(f"{dataset.name} has no table {name!r} of partners' rows.", f"Its tables: {', '.join(tables)}.")
    return dataset.table(name)


def _own(entry: Entry, asked: str) -> Iterator[str]:
    partner, slash, number = asked.partition("/")
    if slash and partner in {source.partner for source in entry.sources}:
        yield id_of_number(partner, [number])


def source_of(entry: Entry, partner: str) -> Source | None:
    """The source of a partner; None where there is none any more, or its declaration cannot be read."""
    return next((one for one in entry.sources if one.partner == partner and isinstance(one, Source)), None)


def _in_rows(store: Store, dataset: Dataset, partner: str, person: Person, told: _Told) -> bool:
    folder, found = f"rows/{dataset.name}/{partner}", False
    for name in store.list(folder):
        verdict: Any = (
            store.read_json(f"{folder}/{name.removesuffix('.parquet')}.json") if name.endswith(".parquet") else None
        )
        if not isinstance(verdict, dict) or verdict.get("table") not in person.tables:
            continue
        rows = pl.read_parquet(io.BytesIO(store.read(f"{folder}/{name}")))
        is_theirs = theirs(rows, dataset.table(verdict["table"]).primary_key, person.ids)
        mine = rows.filter(is_theirs)
        told.mine |= texts_of(mine)
        told.others |= texts_of(rows.filter(~is_theirs))
        if mine.height:
            found = True
            told.lines.setdefault((partner, verdict["snapshot"]), set()).update(mine[LINE].to_list())
    return found


def _registered(store: Store, dataset: str, partner: str, person: Person) -> bool:
    return not person.ids.isdisjoint(load_register(store, dataset, partner).ids)


def _in_files(store: Store, entry: Entry, dataset: Dataset, partner: str, person: Person, told: _Told) -> None:
    """The person's records in every file that the partner sent, as far as they can be read as declared today."""
    source = source_of(entry, partner)
    if source is None:
        return
    past = past_of(store, dataset.name, partner)
    for sha256 in kept_snapshots(store, dataset.name, partner):
        came = received(store, dataset.name, partner, sha256)
        if came is None:
            continue
        try:
            path = store.fetch(f"raw/{dataset.name}/{partner}/{sha256}")
            sent, rows = rows_in(path, came[1], source, dataset, past, date=came[0])
        except DataError:
            # What cannot be read so today is known by the lines that versions and rows tell.
            continue
        table = table_of(source, dataset)
        is_theirs = theirs(rows, table.primary_key, person.ids) if table.name in person.tables else None
        if is_theirs is not None:
            told.lines.setdefault((partner, sha256), set()).update(rows.filter(is_theirs)[LINE].to_list())
        lines = told.lines.get((partner, sha256), set())
        mine, others = texts_in(sent.reading, lines)
        told.mine |= mine
        told.others |= others
