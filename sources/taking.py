"""From the file that a partner sent to rows with their ids: its own by its mapping, a workbook of ours by its columns.

Belongs here: these steps in their order. Does not belong here: any of them (returned.py, mapping.py, identity/).
"""

from dataclasses import dataclass, replace

from schemas.dataset import Table
from sources.declaration import Source
from sources.identity.ids import Past, with_ids
from sources.identity.register import Register
from sources.mapping import Mapped, map_rows
from sources.returned import Arrived, with_kept_dates


@dataclass(frozen=True)
class Taken:
    """The rows of a file in our fields, and the register of ids after them. `rows_min` is how many there must be."""

    mapped: Mapped
    register: Register
    rows_min: int


def taken(sent: Arrived, source: Source, table: Table, past: Past, *, snapshot_date: str) -> Taken:
    """Map the file that `source` sent and give its rows their ids. Raises MappingError."""
    mapped = map_rows(sent.source, table, sent.reading, snapshot_date=snapshot_date)
    mapped, register = with_ids(source, table, mapped, past, sent.brings)
    rows_min = source.line.bounds.rows_min
    if sent.ours:
        mapped = replace(mapped, rows=with_kept_dates(table, mapped.rows, past.rows, today=snapshot_date))
        # In what we sent stood the rows that we publish, which may be fewer than those of the partner's file.
        rows_min = min(rows_min, past.rows.height) if past.rows is not None else rows_min
    return Taken(mapped, register, rows_min)
