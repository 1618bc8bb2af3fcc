"""What our own workbooks carry so that we know them again: a hidden sheet that every spreadsheet program keeps.

Belongs here: what that sheet says. Does not belong here: the workbooks (template.py), opening one
(sources/returned.py).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

from schemas.dataset import Dataset, Table

SHEET = "_glane"


@dataclass(frozen=True)
class Mark:
    """For which table a workbook is, in which language; `version` tells whether the table's fields have changed since.
    `source` is the partner whose rows stand in it and `made_at` when they did: empty in one that was empty."""

    dataset: str
    table: str
    language: str
    version: str
    source: str = ""
    made_at: str = ""

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The sheet's rows."""
        return list(asdict(self).items())


def mark_of(dataset: Dataset, table: Table, language: str, *, source: str = "", made_at: str = "") -> Mark:
    """The mark of a workbook that is made now."""
    version = hashlib.sha256("\n".join(table.fields).encode()).hexdigest()[:12]
    return Mark(dataset.name, table.name, language, version, source, made_at)


def mark_in(rows: Iterable[Sequence[object]]) -> Mark | None:
    """The mark that a sheet's rows hold; None where they hold none."""
    known = {field.name for field in fields(Mark)}
    told = {str(row[0]): str(row[1]) for row in rows if len(row) > 1 and str(row[0]) in known}
    return Mark(**told) if {"dataset", "table", "language", "version"} <= told.keys() else None
