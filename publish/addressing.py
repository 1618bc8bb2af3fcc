"""Which version the address for errors of each row names: the one in which the row last changed.

Belongs here: that decision, and filling the column. Does not belong here: how an address is written
(schemas/error_address.py), the order of a version's making (build.py).

Were it the current version, every row would change with every version. So a row that stays keeps the number that it
has, and one that came or changed gets the new one, which is known once all the others are compared.
"""

from collections.abc import Mapping

import polars as pl

from glane.store import Store
from publish.delta import Difference
from publish.diff import whole_csv
from publish.merge import key_of
from publish.version import Version
from schemas.dataset import Dataset, Table
from schemas.error_address import addresses, error_field, version_in

Numbers = Mapping[str, pl.DataFrame]
"""For each table with such a field the version that each key names, under `_number`."""

_NUMBER = "_number"


def numbers_of(store: Store, dataset: Dataset, version: Version | None) -> dict[str, pl.DataFrame]:
    """The version that the address of each row names in `version`. Raises VersionError."""
    found = {}
    for table in dataset.tables:
        name = error_field(table)
        if version is None or name is None or table.name not in version.rows:
            continue
        rows = pl.scan_csv(whole_csv(store, version, table.name), infer_schema=False, null_values=[""])
        columns = rows.collect_schema().names()
        if {name, *table.primary_key} <= set(columns):
            number = version_in(pl.col(name)).alias(_NUMBER)
            found[table.name] = rows.select(*table.primary_key, number).collect()
    return found


def row_numbers(store: Store, dataset: Dataset, version: Version | None) -> dict[str, dict[str, str]]:
    """The same by table and id. Raises VersionError."""
    found = {}
    known = numbers_of(store, dataset, version)
    for table in dataset.tables:
        if table.name in known:
            ids = known[table.name].select(key_of(table).alias("_id"), _NUMBER)
            found[table.name] = dict(ids.drop_nulls().iter_rows())
    return found


def addressed(dataset: Dataset, tables: Mapping[str, pl.DataFrame], numbers: Numbers) -> dict[str, pl.DataFrame]:
    """The `tables` with the address of each row that has a number; of the others it stays empty."""
    return {table.name: _filled(dataset, table, tables[table.name], numbers) for table in dataset.tables}


def renumbered(
    dataset: Dataset,
    tables: Mapping[str, pl.DataFrame],
    numbers: Numbers,
    differences: Mapping[str, Difference],
    number: str,
) -> dict[str, pl.DataFrame]:
    """The numbers of `tables` once the next version is called `number`: those that stood, but for the rows that came
    (they have none) or changed. An address that is written otherwise (another mailbox) is no change of its row."""
    after = {}
    for table in dataset.tables:
        name = error_field(table)
        if name is None:
            continue
        keys = list(table.primary_key)
        rows = _with_numbers(table, tables[table.name].select(keys), numbers)
        if table.name in differences:
            cells = differences[table.name].changed
            changed = cells.filter(pl.col("field") != name).select(keys).unique()
            rows = rows.join(changed.with_columns(pl.lit(number).alias("_new")), on=keys, how="left")
            rows = rows.with_columns(pl.coalesce("_new", _NUMBER).alias(_NUMBER)).drop("_new")
        after[table.name] = rows.with_columns(pl.col(_NUMBER).fill_null(number))
    return after


def unaddressed(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The `rows` of a table without the addresses, which are filled once all else is known to be right."""
    name = error_field(table)
    return rows if name is None else rows.drop(name, strict=False)


def has_addresses(dataset: Dataset) -> bool:
    """Whether any table of `dataset` has the field."""
    return any(error_field(table) is not None for table in dataset.tables)


def _filled(dataset: Dataset, table: Table, rows: pl.DataFrame, numbers: Numbers) -> pl.DataFrame:
    name = error_field(table)
    if name is None:
        return rows
    # Whoever finds a link wrong writes about its organisation: that is the row that a steward can look at.
    key = pl.col("organisation") if table.line.links else key_of(table)
    address = addresses(dataset, table, pl.col(_NUMBER), key)
    return _with_numbers(table, rows, numbers).with_columns(address.alias(name)).select(rows.columns)


def _with_numbers(table: Table, rows: pl.DataFrame, numbers: Numbers) -> pl.DataFrame:
    known = numbers.get(table.name)
    if known is None:
        return rows.with_columns(pl.lit(None, pl.String).alias(_NUMBER))
    return rows.join(known, on=list(table.primary_key), how="left", maintain_order="left")
