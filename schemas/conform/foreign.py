"""The tables foreign keys refer to: the set of values each reference may take.

Belongs here: reading those values, by columns where that is proven, else row by row as frictionless reads them. Does
not belong here: looking a value up.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from frictionless import FrictionlessException
from frictionless.resources import TableResource

from schemas.conform.buffers import numbers
from schemas.conform.chunks import cut
from schemas.conform.opening import SchemaError
from schemas.conform.parsing import parse
from schemas.conform.plan import Plan, Unprovable, check_provable, make_plan
from schemas.conform.rows import Lookup, comparable

Values = set[tuple[Any, ...]]


def lookups(resource: TableResource, plan: Plan) -> list[Lookup]:
    """Give, for each reference of the plan, the values it may take.

    Raises Unprovable if a table cannot be read, SchemaError if its schema cannot be used.
    """
    known: dict[tuple[str, tuple[str, ...]], Values] = {}
    for reference in plan.references:
        wanted = (reference.table, reference.table_fields)
        if wanted not in known:
            known[wanted] = _values(_table(resource, reference.table), reference.table_fields)
    return [known[reference.table, reference.table_fields] for reference in plan.references]


def _table(resource: TableResource, name: str) -> TableResource:
    """Give a copy of the table referred to, as frictionless finds it: itself, or one of the package."""
    table: Any
    if not name or name == resource.name:
        table = resource.to_copy()
    elif resource.package and resource.package.has_resource(name):
        table = resource.package.get_resource(name).to_copy()
    else:
        raise Unprovable(f"the foreign table {name} was not given")
    if not isinstance(table, TableResource):
        raise Unprovable(f"the foreign table {name} is not a table")
    if table.schema:
        table.schema.foreign_keys = []
    return table


def _values(table: Any, names: tuple[str, ...]) -> Values:
    try:
        with table.open():
            plan = make_plan(table)
            index = {name: field for field, name in enumerate(plan.names)}
            fields = [index.get(name) for name in names]
            try:
                check_provable(table, plan)
                values = _by_columns(table, plan, fields)
            except Unprovable:
                values = _by_rows(table, plan, fields)
    except FrictionlessException as error:
        raise Unprovable(f"the foreign table {table.name} cannot be read: {error.error.note}") from error
    except re.error as error:
        what = f"A pattern in the schema of the table {table.name} is not one: {error}."
        raise SchemaError(what, "Correct the pattern.") from error
    return {value for value in values if any(part is not None for part in value)}


def _by_columns(table: TableResource, plan: Plan, fields: list[int | None]) -> Values:
    values: Values = set()
    width, present = len(plan.columns), sorted({field for field in fields if field is not None})
    for _, chunk in cut(Path(str(table.normpath)), plan.delimiter):
        if chunk is None:
            continue
        chunk.check(plan.delimiter)
        parsed = parse(chunk, plan.delimiter, width, present or [0])
        encoded = {field: pc.dictionary_encode(parsed.columns[field]) for field in present}
        texts = {field: column.dictionary.to_pylist() for field, column in encoded.items()}
        indices = [numbers(encoded[field].indices, np.int32) for field in present]
        for combination in set(zip(*(index.tolist() for index in indices), strict=True)):
            cells = {field: texts[field][at] for field, at in zip(present, combination, strict=True)}
            value = _read(plan, fields, cells)
            if not any(cells.values()) and any(part is not None for part in value):
                # Arrow reads an empty line as a row of empty cells; frictionless reads no cell in it.
                raise Unprovable("an empty line may stand among cells whose empty text is a value")
            values.add(value)
        for row in chunk.rows(parsed.ragged.tolist(), plan.delimiter) if len(parsed.ragged) else []:
            values.add(_read(plan, fields, dict(enumerate(row))))
    return values


def _by_rows(table: TableResource, plan: Plan, fields: list[int | None]) -> Values:
    values: Values = set()
    for _, cells in table.dialect.read_enumerated_content_stream(table.cell_stream):
        values.add(_read(plan, fields, dict(enumerate(cells))))
    return values


def _read(plan: Plan, fields: list[int | None], cells: dict[int, Any]) -> tuple[Any, ...]:
    return comparable(
        tuple(None if field is None else plan.columns[field].read(cells.get(field))[0] for field in fields)
    )
