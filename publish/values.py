"""From the published lexical form of a cell to a typed value, as the Table Schema says.

Belongs here: the column types of typed formats and the conversion into them. Does not belong here: judging whether
a cell is what its schema says (schemas/); whatever comes here has passed, or stays text.

A column becomes typed only if every one of its cells does: a column that would lose a value stays text.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from schemas.dataset import Table

_TYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us", "UTC"),
    "year": pl.Int64(),
}
_TRUE = ("true", "True", "TRUE", "1")
_FALSE = ("false", "False", "FALSE", "0")


def typed(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The published fields of `rows`, typed from the Table Schema; a column that a type cannot hold stays text."""
    return typed_by([table.field(name) for name in table.published_fields], rows)


def typed_by(fields: Sequence[dict[str, Any]], rows: pl.DataFrame) -> pl.DataFrame:
    """As typed(), for the `fields` of a published Table Schema: that of an older version, say."""
    columns = [_typed_column(field, rows[field["name"]]) for field in fields]
    return pl.DataFrame(columns, schema_overrides={c.name: c.dtype for c in columns})


def _typed_column(field: dict[str, Any], cells: pl.Series) -> pl.Series:
    wanted = _TYPES.get(field["type"])
    # A format other than the default is another lexical form: it is published as it was judged.
    if wanted is None or field.get("format", "default") != "default":
        return cells
    if isinstance(wanted, pl.Boolean):
        converted = _booleans(field, cells)
    elif isinstance(wanted, pl.Datetime):
        converted = cells.str.to_datetime("%+", time_zone="UTC", time_unit="us", strict=False)
    elif isinstance(wanted, pl.Date):
        converted = cells.str.to_date("%Y-%m-%d", strict=False)
    else:
        converted = cells.cast(wanted, strict=False)
    lost = converted.null_count() != cells.null_count()
    return cells if lost or (isinstance(wanted, pl.Float64) and not converted.is_finite().all()) else converted


def _booleans(field: dict[str, Any], cells: pl.Series) -> pl.Series:
    words = dict.fromkeys(field.get("trueValues", _TRUE), True) | dict.fromkeys(field.get("falseValues", _FALSE), False)
    return cells.replace_strict(words, default=None, return_dtype=pl.Boolean)
