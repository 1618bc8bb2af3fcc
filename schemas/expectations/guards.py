"""The guards of a table: what holds without being declared, and what dataset.yaml expects.

Belongs here: which answers there are, in which order, and their names. Does not belong here: giving them (judging.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.dataset import Table
from schemas.expectations.declaration import (
    SMALL,
    Change,
    ColumnsKept,
    ExpectationLine,
    Fall,
    FillKept,
    PartnerRowsChange,
    PartnersKept,
    RowCountChange,
    check_name,
    fields_of,
    subjects,
)

ROWS_FALL = 0.3
FILL_FALL = 0.3
PARTNER_FALL = 0.5
"""By how much rows, the filled share of a column and a partner's rows may fall where nobody declared a bound."""


@dataclass(frozen=True)
class Guard:
    """One answer to be given: the `line` that it is judged by, on these `fields`; `named` are those that it is called
    by, none where it speaks of all."""

    line: ExpectationLine
    fields: tuple[str, ...]
    named: tuple[str, ...]

    def name(self, table: Table) -> str:
        """Its name, distinct within a dataset."""
        return check_name(table.name, self.line.expect, self.named, self.line.severity)


def guards_of(table: Table) -> list[Guard]:
    """All guards of `table`: first those that hold undeclared, then each line as declared."""
    declared = [Guard(line, fields, fields) for line in table.line.expectations for fields in subjects(line)]
    return [*_undeclared(table), *declared]


def _undeclared(table: Table) -> Iterator[Guard]:
    lines = table.line.expectations
    named = {line.expect for line in lines}
    kept = _others(table, "columns_kept")
    if kept:
        yield Guard(ColumnsKept(expect="columns_kept", fields=list(kept)), kept, ())
    filled = _others(table, "fill_kept", "null_share_change")
    if filled:
        bound = Fall(fall=FILL_FALL)
        yield Guard(FillKept(expect="fill_kept", fields=list(filled), **{"with": bound}), filled, ())
    if "row_count_change" not in named:
        change = Change(fall=ROWS_FALL, small=SMALL)
        yield Guard(RowCountChange(expect="row_count_change", **{"with": change}), (), ())
    if table.line.derived_from is not None:
        return
    if "partners_kept" not in named:
        yield Guard(PartnersKept(expect="partners_kept"), (), ())
    if "partner_rows_change" not in named:
        bound = Fall(fall=PARTNER_FALL)
        yield Guard(PartnerRowsChange(expect="partner_rows_change", **{"with": bound}), (), ())


def _others(table: Table, *expectations: str) -> tuple[str, ...]:
    """The published fields that no line of these has of its own."""
    own = {name for line in table.line.expectations if line.expect in expectations for name in fields_of(line)}
    return tuple(name for name in table.published_fields if name not in own)
