"""The plan of a columnar validation: what to prove of each column, and whether proving is allowed at all.

Belongs here: reading, from the resource frictionless has opened, everything the engine needs; and refusing
(`Unprovable`) whatever is outside the provable part, with the reason. Does not belong here: reading rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from frictionless import errors
from frictionless.resources import TableResource
from frictionless.table.row import create_cell_handlers

from schemas.conform.columns import Column, Read
from schemas.conform.errors import Kind
from schemas.conform.kernels import kernels_of
from schemas.conform.opening import SchemaError

UTF8 = ("utf-8", "utf-8-sig")
_UNHASHABLE = ("array", "object", "list", "geojson")
CRASHES: tuple[type[Exception], ...] = (ArithmeticError, TypeError, ValueError, AttributeError, LookupError, re.error)

KINDS = (
    errors.TypeError,
    errors.ConstraintError,
    errors.ExtraCellError,
    errors.MissingCellError,
    errors.BlankRowError,
    errors.UniqueError,
    errors.PrimaryKeyError,
    errors.ForeignKeyError,
)
TYPE, CONSTRAINT, EXTRA, MISSING, BLANK, UNIQUE, PRIMARY, FOREIGN = range(len(KINDS))


class Unprovable(Exception):  # noqa: N818 - not an error: the engine steps aside and says why
    """The file is outside what can be proven by columns: frictionless judges it whole."""


@dataclass(frozen=True)
class Key:
    """Fields whose values together must not come twice: `unique` of one field, or the primary key."""

    fields: tuple[int, ...]
    primary: bool


@dataclass(frozen=True)
class Reference:
    """A foreign key: our fields, the table it refers to, and that table's fields."""

    fields: tuple[int, ...]
    names: tuple[str, ...]
    table: str
    table_fields: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that is known before the first row. Field indices count from 0, in the order of the file."""

    columns: tuple[Column, ...]
    keys: tuple[Key, ...]
    references: tuple[Reference, ...]
    delimiter: str = ","

    @property
    def names(self) -> list[str]:
        """Give the names of the fields, in the order of the file."""
        return [column.name for column in self.columns]


def kinds() -> list[Kind]:
    """Give what frictionless says of each type of row and cell error, in the order of KINDS."""
    return [Kind(kind.type, kind.title, kind.description, kind.template, tuple(kind.tags)) for kind in KINDS]


def make_plan(resource: TableResource) -> Plan:
    """Plan the validation of an opened resource, whatever its format. Raises SchemaError."""
    try:
        fields = resource.header.get_expected_fields()
        handlers = create_cell_handlers(fields)
    except re.error as error:
        raise SchemaError(f"A pattern of the schema is not one: {error}.", "Correct the pattern.") from error
    columns = tuple(_column(field, handlers[field.name]) for field in fields)
    index = {column.name: position for position, column in enumerate(columns)}
    schema = resource.schema
    keys = [Key((position,), False) for position, field in enumerate(fields) if field.constraints.get("unique")]
    if schema.primary_key and set(schema.primary_key) <= set(index):
        keys.append(Key(_primary_key(schema.primary_key, index, resource.dialect.header_case), True))
    return Plan(columns, tuple(keys), tuple(_references(schema.foreign_keys, index)), _delimiter(resource))


def check_provable(resource: TableResource, plan: Plan) -> None:
    """Refuse what the columnar engine does not read exactly as frictionless does. Raises Unprovable."""
    dialect = resource.dialect
    control = dialect.get_control("csv") if dialect.has_control("csv") else None
    refusals = (
        (resource.format not in ("csv", "tsv") or control is None, f"the format {resource.format} is not CSV"),
        (bool(resource.compression), "the file is compressed"),
        (resource.encoding not in UTF8, f"the encoding is {resource.encoding}"),
        (bool(resource.multipart or resource.remote), "the file is in parts or remote"),
        (not dialect.header or dialect.header_rows != [1], f"the header is not row 1 but {dialect.header_rows}"),
        (not dialect.header_case, "labels are compared without case"),
        (bool(dialect.comment_char or dialect.comment_rows), "the dialect has comments"),
        (dialect.skip_blank_rows, "the dialect skips blank rows"),
        (len(resource.labels) < 2, "the header has fewer than two labels"),
        (any(plan.columns[field].type in _UNHASHABLE for field in keyed(plan)), "a key holds objects or lists"),
    )
    for refused, reason in refusals:
        if refused:
            raise Unprovable(reason)
    _check_quoting(control)


def _check_quoting(control: Any) -> None:
    if control.skip_initial_space:
        raise Unprovable("spaces after the delimiter are skipped")
    if control.escape_char or control.quote_char != '"':
        raise Unprovable(f"quoting is by {control.quote_char!r}, escaping by {control.escape_char!r}")
    delimiter = control.delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise Unprovable(f"the delimiter is {delimiter!r}")


def keyed(plan: Plan) -> list[int]:
    """Give the fields whose values keys and references need."""
    groups = [key.fields for key in plan.keys] + [reference.fields for reference in plan.references]
    return sorted({field for fields in groups for field in fields})


def _primary_key(names: list[str], index: dict[str, int], header_case: bool) -> tuple[int, ...]:
    if header_case:
        return tuple(index[name] for name in names)
    lowered = {name.lower() for name in names}
    return tuple(field for name, field in index.items() if name.lower() in lowered)


def _delimiter(resource: TableResource) -> str:
    control: Any = resource.dialect.get_control("csv") if resource.dialect.has_control("csv") else None
    return str(control.delimiter) if control else ","


def _references(foreign_keys: Iterable[Any], index: dict[str, int]) -> Iterable[Reference]:
    for key in foreign_keys:
        names = tuple(key["fields"])
        if set(names) <= set(index):
            reference = key["reference"]
            fields = tuple(index[name] for name in names)
            yield Reference(fields, names, reference["resource"], tuple(reference["fields"]))


def _column(field: Any, handler: Any) -> Column:
    declared = field.has_defined("missing_values") or not field.schema
    missing: list[str] = field.missing_values if declared else field.schema.missing_values
    required = bool(field.constraints.get("required"))
    return Column(
        number=handler.field_number,
        name=field.name,
        type=field.type,
        read=guarded(handler.reader, field),
        missing=frozenset(missing),
        required=required,
        kernels=kernels_of(field),
    )


def guarded(reader: Read, field: Any) -> Read:
    """Give frictionless' cell reader, answering with an error where frictionless itself would fail.

    Met: a number `sNaN` under a minimum (decimal.InvalidOperation), a date-time without a zone under a minimum with
    one (TypeError). Frictionless stops without a report; here the cell is an error that says so.
    """

    def read(cell: Any) -> tuple[Any, dict[str, str] | None]:
        try:
            return reader(cell)
        except CRASHES as error:
            failure = type(error).__name__
            return None, {"type": f'type is "{field.type}/{field.format}" (it cannot be compared: {failure})'}

    return read
