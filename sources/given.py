"""Which values of a partner's rows Glane gave: what its cells do not say word for word.

Belongs here: comparing a row with the cells that it was made of, and saying by what declaration a value came. Does not
belong here: mapping (mapping.py), nor how an answer tells of it (schemas/report_values.py).
"""

from collections.abc import Iterator

import polars as pl

from schemas.dataset import Table
from schemas.judgement import LINE
from schemas.report import TheirCell
from schemas.report_values import Value, Why
from sources.declaration import SourceLine

_CREDITS = {"partner", "partner_title", "attribution", "licence"}


def given_values(line: SourceLine, table: Table, rows: pl.DataFrame, their_cell: TheirCell) -> Iterator[Value]:
    """Every value of `rows` (the table's published fields and `_line`) that is not the text of the partner's cells.

    Ids and credits are left out: they are Glane's by their nature, and the answer says them elsewhere.
    """
    kept = [name for name in table.published_fields if not _is_ours(table, name)]
    ids = rows.select(pl.concat_str([pl.col(name) for name in table.primary_key], separator="|").alias("_id"))["_id"]
    lines = rows[LINE].to_list()
    for name in kept:
        for number, text in enumerate(rows[name].to_list()):
            if text is None:
                continue
            theirs = their_cell(lines[number], name)
            if theirs == text:
                continue
            why = _why(line, table, name, theirs, text)
            yield Value(id=ids[number], line=lines[number], field=name, theirs=theirs, published=text, why=why)


def _is_ours(table: Table, name: str) -> bool:
    origin = table.line.origin
    return (
        name in table.primary_key
        or table.line.provided.get(name) in _CREDITS
        or (origin is not None and name == origin.field)
    )


def _why(line: SourceLine, table: Table, name: str, theirs: str | None, text: str) -> Why:
    if theirs is not None:
        return "tidied"
    mapping = line.map.get(name)
    if mapping is not None and mapping.constant is not None:
        return "constant"
    if mapping is not None and mapping.default == text:
        return "default"
    return "provided" if table.line.provided.get(name) == "snapshot_date" else "found"
