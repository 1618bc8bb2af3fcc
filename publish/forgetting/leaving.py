"""Which rows leave a version when somebody is forgotten: theirs, and those that lead to them.

Belongs here: finding these rows. Does not belong here: the version without them (rewriting.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from glane.store import Store
from publish.diff import csv_of, descriptor_of, key_of, schemas_of
from publish.forgetting.person import Person, keys, provenance_of
from publish.formats.delimited import read_csv
from publish.merge import SEPARATOR
from publish.version import Version, path_of


@dataclass(frozen=True)
class Leaving:
    """What leaves a version: the ids of each table whose rows go, those that lead to the person's rows among them."""

    rows: Mapping[str, frozenset[str]]

    @property
    def count(self) -> int:
        """How many rows, tables made of others apart."""
        return sum(len(ids) for ids in self.rows.values())


def leaving(store: Store, version: Version, person: Person) -> Leaving:
    """The rows that leave `version`: the person's, and those that refer to them. Raises VersionError."""
    schemas = schemas_of(descriptor_of(store, version))
    tables = {name: read_csv(path_of(store, version, csv_of(version, name))) for name in schemas}
    gone: dict[str, frozenset[str]] = {}
    for name, schema in schemas.items():
        if name in person.tables:
            gone[name] = frozenset(keys(tables[name], key_of(schema)).to_list()) & person.ids
    before = -1
    while before != sum(map(len, gone.values())):
        before = sum(map(len, gone.values()))
        for name, schema in schemas.items():
            found = _leading(tables[name], schema, name, gone)
            gone[name] = gone.get(name, frozenset()) | frozenset(found)
    # A table of links names rows of several tables, and has no foreign key to them.
    for name in set(schemas) - person.tables - set(provenance_of(store, version)["table"].unique()):
        cells = pl.any_horizontal(pl.col(pl.String).is_in(list(person.ids)))
        mine = tables[name].filter(cells) if person.ids and tables[name].height else tables[name].clear()
        gone[name] = gone.get(name, frozenset()) | frozenset(keys(mine, key_of(schemas[name])).to_list())
    return Leaving({name: ids for name, ids in gone.items() if ids})


def _leading(
    rows: pl.DataFrame, schema: Mapping[str, Any], table: str, gone: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    """The ids of the rows of a table that refer to one that goes."""
    for key in schema.get("foreignKeys", []):
        fields = key["fields"] if isinstance(key["fields"], list) else [key["fields"]]
        ids = gone.get(key["reference"].get("resource") or table, frozenset())
        if ids:
            said = pl.concat_str(fields, separator=SEPARATOR).is_in(list(ids))
            yield from keys(rows.filter(said), key_of(schema)).to_list()
