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


_TEXTS = {"partner": pl.String, "table": pl.String}


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
    refused = [(one.partner, one.table) for one in permissions(version.inputs, use) if one.right.answer == "no"]
    resources = {resource["name"]: resource for resource in descriptor_of(store, version)["resources"]}
    if table not in resources:
        what = f"Version {version.version} of {version.dataset} has no table {table!r}."
        raise UnknownTableError(what, f"Its tables: {', '.join(resources)}.")
    origins = pl.read_parquet(path_of(store, version, version.file(PROVENANCE)))
    if table in origins["table"]:
        origins = origins.filter(pl.col("table") == table)
    # Else the table is derived from another one, whose ids it has.
    barred = pl.DataFrame(refused, schema=_TEXTS, orient="row")
    ids = origins.join(barred, on=["partner", "table"], how="semi")["id"]
    rows = read_csv(whole_csv(store, version, table))
    key = pl.concat_str(key_of(resources[table]["schema"]), separator=SEPARATOR)
    return rows.filter(~key.is_in(ids.implode()))
