"""The tables of other datasets that links lead to, as their current versions publish them.

Belongs here: reading these rows, and whom to credit for each. Does not belong here: finding links (links.py).

A dataset without a version has no rows yet, and holds nobody back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from glane.store import Store
from publish.about import PROVENANCE
from publish.diff import descriptor_of, key_of, whole_csv
from publish.merge import SEPARATOR
from publish.version import Version, current, path_of
from schemas.linking import Link

ID = "_id"


@dataclass(frozen=True)
class Neighbour:
    """A table of another dataset's current version: its `rows` (`_id` and the fields that are compared; what it does
    not have is null), and for each row that went into one of them a line of `origins`: `id`, `own`, `partner`,
    `attribution`, `licence`. `source` says in a datapackage.json what it is."""

    rows: pl.DataFrame
    origins: pl.DataFrame
    source: Mapping[str, str]


Neighbours = Mapping[tuple[str, str], Neighbour]
"""By the names of dataset and table."""


def neighbours(store: Store, links: Sequence[Link]) -> dict[tuple[str, str], Neighbour]:
    """What `links` lead to, as far as it is published. Raises VersionError."""
    versions = {name: current(store, name) for name in sorted({link.dataset for link in links})}
    found = {}
    for place in sorted({(link.dataset, link.table) for link in links}):
        version = versions[place[0]]
        if version is not None and place[1] in version.rows:
            fields = {name for link in links if (link.dataset, link.table) == place for name in link.fields.values()}
            found[place] = _neighbour(store, version, place[1], sorted(fields))
    return found


def _neighbour(store: Store, version: Version, table: str, fields: Sequence[str]) -> Neighbour:
    descriptor = descriptor_of(store, version)
    schema = next(one["schema"] for one in descriptor["resources"] if one["name"] == table)
    file = pl.scan_csv(whole_csv(store, version, table), infer_schema=False, null_values=[""])
    key = pl.concat_str([pl.col(name) for name in key_of(schema)], separator=SEPARATOR).alias(ID)
    there = set(file.collect_schema().names())
    cells = [pl.col(name) if name in there else pl.lit(None, pl.String).alias(name) for name in fields]
    lines = pl.read_parquet(path_of(store, version, version.file(PROVENANCE)))
    own = "own" if "own" in lines.columns else "id"
    # The rows of a derived table are those of the one that it is derived from, under the same ids.
    lines = lines.filter(pl.col("table") == table) if table in lines["table"] else lines
    whom = pl.DataFrame(
        sorted({(one.partner, one.table, one.attribution, one.licence) for one in version.inputs}),
        schema=dict.fromkeys(("partner", "table", "attribution", "licence"), pl.String),
        orient="row",
    )
    credited = lines.select("id", pl.col(own).alias("own"), "partner", "table").join(whom, on=["partner", "table"])
    return Neighbour(
        rows=file.select(key, *cells).collect(),
        origins=credited.select("id", "own", "partner", "attribution", "licence"),
        source={
            "title": descriptor["title"],
            "dataset": version.dataset,
            "table": table,
            "version": version.version,
        },
    )
