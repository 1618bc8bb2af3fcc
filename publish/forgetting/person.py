"""Who is to be forgotten: the ids, the lines of partners' files and the texts that are theirs, as versions tell them.

Belongs here: finding these in the versions of a dataset. Does not belong here: what partners' files and rows tell
beside (pipelines/forgetting.py), taking anything out (rewriting.py).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from glane.erasing import Telling, telling
from glane.store import Store
from publish.about import PROVENANCE
from publish.diff import csv_of, descriptor_of, key_of, schemas_of
from publish.formats.delimited import read_csv
from publish.merge import SEPARATOR
from publish.version import Version, listed, load_line, path_of
from schemas.dataset import Dataset

_LETTERS, _DIGITS = 4, 9


@dataclass(frozen=True)
class Person:
    """Whose data goes: of `table`, and of the tables made of it (`tables`); every one of the `ids` that their rows had
    (own ones and published ones; `published`: those that stood in a version), the `lines` of partners' files by partner
    and snapshot, and the `texts` that tell of them and of nobody else.

    `at` is when they are forgotten (UTC), and `id_too` says that not even the id may stay in the feed of withdrawals.
    """

    dataset: str
    table: str
    tables: frozenset[str]
    ids: frozenset[str]
    published: frozenset[str] = frozenset()
    lines: Mapping[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    at: str = ""
    id_too: bool = False

    @cached_property
    def telling(self) -> Telling:
        """What tells of the person: their texts, and their ids but for mere numbers, which stand for many things."""
        return telling([*self.texts, *(one for one in self.ids if len(one) >= _LETTERS and not one.isdigit())])

    @property
    def partners(self) -> frozenset[str]:
        """The partners whose files were found to hold them."""
        return frozenset(partner for partner, _ in self.lines)


def family(dataset: Dataset, table: str) -> frozenset[str]:
    """`table`, the one that it is made of or kept apart from, and all tables made of that one or kept apart from it."""
    lines = {one.name: one.line for one in dataset.tables}
    base = lines[table].derived_from or lines[table].apart_from or table
    return frozenset(
        {base, *(name for name, line in lines.items() if base in (line.derived_from, line.apart_from)), table}
    )


def traced(store: Store, dataset: str, tables: Collection[str], asked: Iterable[str]) -> Person:
    """All that versions tell of the rows `asked` for by any of their ids: what was merged with them is theirs.

    Raises VersionError.
    """
    ids = set(asked)
    published: set[str] = set()
    lines: dict[tuple[str, str], set[int]] = {}
    frames = [
        provenance_of(store, version).filter(pl.col("table").is_in(list(tables))) for version in _all(store, dataset)
    ]
    before: set[str] = set()
    while ids != before:
        before = set(ids)
        for frame in frames:
            found = frame.filter(pl.col("id").is_in(list(ids)) | pl.col("own").is_in(list(ids)))
            ids |= {*found["id"].to_list(), *found["own"].to_list()}
            published |= set(found["id"].to_list())
            for partner, snapshot, line in found.select("partner", "snapshot", "line").iter_rows():
                lines.setdefault((partner, snapshot), set()).add(line)
    return Person(
        dataset,
        sorted(tables)[0],
        frozenset(tables),
        frozenset(ids),
        frozenset(published),
        {key: frozenset(found) for key, found in lines.items()},
    )


def provenance_of(store: Store, version: Version) -> pl.DataFrame:
    """The provenance of a version; what an older Glane wrote tells the own id of those rows alone that kept it."""
    found = pl.read_parquet(path_of(store, version, version.file(PROVENANCE)))
    return found if "own" in found.columns else found.with_columns(pl.col("id").alias("own"))


def cells_in_versions(store: Store, person: Person) -> tuple[set[str], set[str]]:
    """The texts that the person's rows hold in any version, and all those of other rows of the last one."""
    theirs: set[str] = set()
    others: set[str] = set()
    versions = list(_all(store, person.dataset))
    for version in versions:
        schemas = schemas_of(descriptor_of(store, version))
        for table, schema in schemas.items():
            rows = read_csv(path_of(store, version, csv_of(version, table)))
            mine = keys(rows, key_of(schema)).is_in(list(person.ids)) if table in person.tables else None
            if mine is not None:
                theirs |= texts_of(rows.filter(mine))
            if version is versions[-1]:
                others |= texts_of(rows if mine is None else rows.filter(~mine))
    return theirs, others


def texts_of(rows: pl.DataFrame) -> set[str]:
    """Every text in the cells of a frame, lines apart."""
    columns = [rows[name].drop_nulls().unique() for name, kind in rows.schema.items() if kind == pl.String]
    return {str(text) for column in columns for text in column}


def tells(text: str) -> bool:
    """Whether a text is long enough to tell of anybody: four letters, or nine digits that are no moment."""
    letters = sum(sign.isalpha() for sign in text)
    digits = sum(sign.isdigit() for sign in text)
    return letters >= _LETTERS or (digits >= _DIGITS and ":" not in text)


def only_theirs(theirs: Iterable[str], others: Iterable[str]) -> frozenset[str]:
    """Of the texts of a person those that tell, and that no text of others holds."""
    wanted = {text.strip() for text in theirs if tells(text)}
    rest = "\n".join(others).casefold()
    return frozenset(text for text in wanted if text.casefold() not in rest)


def keys(rows: pl.DataFrame, key: Collection[str]) -> pl.Series:
    """The id of each row, as provenance writes it."""
    return rows.select(pl.concat_str(list(key), separator=SEPARATOR).alias("id"))["id"]


def _all(store: Store, dataset: str) -> Iterator[Version]:
    for line in listed(store, dataset):
        yield load_line(store, dataset, line)
