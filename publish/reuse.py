"""What reusers may do with a version: asked of the table of rights, for the licences of its partners.

Belongs here: which partners' licences allow a use, and the rows that all of their partners let be used so. Does not
belong here: what a licence allows (schemas/licences), how it is shown (ckan/notes.py, the command line).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from glane.errors import CallError
from glane.store import Store
from publish.about import PROVENANCE
from publish.diff import descriptor_of, key_of, whole_csv
from publish.formats.delimited import read_csv
from publish.merge import SEPARATOR
from publish.version import Input, Version, path_of
from schemas.licences.rights import Right, right_to, uses


class UnknownUseError(CallError):
    """A use that the table of rights does not speak of."""


class UnknownTableError(CallError):
    """A table that the version does not have."""


_TEXTS = {"partner": pl.String, "table": pl.String, "licence": pl.String}


@dataclass(frozen=True)
class Permission:
    """What a use may take from one partner's rows of one table, and why."""

    partner: str
    table: str
    licence: str
    right: Right


def permissions(inputs: Iterable[Input], use: str) -> tuple[Permission, ...]:
    """What each partner's licence says of `use`, by partner. Raises UnknownUseError."""
    if use not in uses():
        raise UnknownUseError(f"Nothing is known of the use {use!r}.", f"Ask about one of: {', '.join(uses())}.")
    found = [Permission(one.partner, one.table, one.licence, right_to(use, one.licence)) for one in inputs]
    return tuple(sorted(found, key=lambda one: (one.partner, one.table)))


def usable_rows(store: Store, version: Version, table: str, use: str) -> pl.DataFrame:
    """The published rows of `table` that may be used so: those of which every partner's licence allows it.

    A merged row holds values of several partners, so one licence that says no holds the whole row back. Raises
    UnknownUseError, UnknownTableError, VersionError.
    """
    return sift(store, version, table, use).rows


@dataclass(frozen=True)
class Refusal:
    """Rows that may not be used so because of a licence: whose, how many, and what the licence says."""

    licence: str
    partners: tuple[str, ...]
    rows: int
    right: Right


@dataclass(frozen=True)
class Sifted:
    """The rows of a table that may be used so, and why the others may not, by licence; a row of two such licences
    counts for both."""

    rows: pl.DataFrame
    refused: tuple[Refusal, ...]


def sift(store: Store, version: Version, table: str, use: str) -> Sifted:
    """The rows of usable_rows, and what is said of the others. Raises as usable_rows."""
    barred, key = _barred(store, version, table, use)
    rows = read_csv(whole_csv(store, version, table))
    met = rows.select(key.alias("id")).join(barred, on="id")
    counted = met.group_by("licence").agg(pl.col("partner").unique().sort(), pl.col("id").n_unique()).sort("licence")
    refused = tuple(
        Refusal(licence, tuple(partners), count, right_to(use, licence))
        for licence, partners, count in counted.iter_rows()
    )
    return Sifted(rows.filter(~key.is_in(barred["id"].implode())), refused)


def _barred(store: Store, version: Version, table: str, use: str) -> tuple[pl.DataFrame, pl.Expr]:
    """The ids of rows that a partner's licence bars from `use`, with the partner and the licence; and which of them a
    row of `table` has."""
    denied = [one for one in permissions(version.inputs, use) if one.right.answer == "no"]
    resources = {resource["name"]: resource for resource in descriptor_of(store, version)["resources"]}
    if table not in resources:
        what = f"Version {version.version} of {version.dataset} has no table {table!r}."
        raise UnknownTableError(what, f"Its tables: {', '.join(resources)}.")
    origins = pl.read_parquet(path_of(store, version, version.file(PROVENANCE)))
    key = key_of(resources[table]["schema"])
    if table in origins["table"]:
        origins = origins.filter(pl.col("table") == table)
    else:
        # The table is derived from another one: it has its ids, or names them.
        named = [one["fields"] for one in resources[table]["schema"].get("foreignKeys", ())]
        key = (named[0],) if named else key
    refused = [(one.partner, one.table, one.licence) for one in denied]
    barred = origins.join(pl.DataFrame(refused, schema=_TEXTS, orient="row"), on=["partner", "table"])
    return barred.select("id", "partner", "licence"), pl.concat_str([pl.col(name) for name in key], separator=SEPARATOR)
