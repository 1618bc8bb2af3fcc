"""Which published values are not as the partner wrote them, whose they are, and why.

Belongs here: these values as an answer holds them, and all of them as a table. Does not belong here: finding those that
Glane gave (sources/given.py) or that another partner gave (publish/others.py), nor their words (phrases/report.yaml).
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from glane.declaration import Declared
from glane.store import Store

Why = Literal["tidied", "default", "constant", "provided", "found"]
"""Why a value is not the partner's own text: put into our form; declared for empty cells; declared for every row; the
day of our reading; found by Glane, where the partner's cells say nothing of it (a point that was looked for, say)."""

Reason = Literal["filled", "preferred", "decided"]
"""Why another's value stands: ours to publish was empty; another partner's row goes first by the rules of the dataset;
a steward corrected it by hand."""

MOST_TOLD = 1_000
"""Values of other partners that one answer keeps."""

_EXAMPLES = 2


class Value(Declared):
    """One published value of the row `id` (line of the partner's file) that is not the partner's own text `theirs`."""

    id: str
    line: int
    field: str
    theirs: str | None
    published: str
    why: Why


class Given(Declared):
    """The values of one field that Glane gave for one reason: how many, and the first of them."""

    field: str
    column: str | None
    why: Why
    count: int
    examples: tuple[Value, ...]


class Others(Declared):
    """A value that others gave to a row of this partner; `theirs` is what it brought, `by` are other partners'
    organisations, or the role that decided (`on` which day, for what `reason`)."""

    id: str
    line: int
    field: str
    theirs: str | None
    published: str | None
    by: tuple[str, ...]
    why: Reason
    on: str | None = None
    reason: str | None = None


class Said(Declared):
    """What a reader wrote, on the day `on`, about a published row that the partner brought on `line` of its file; its
    `name`, where it has one."""

    id: str
    line: int
    name: str
    on: str
    text: str


class Published(Declared):
    """What a version holds of a partner: its rows, those that are one with other rows, the values of others in them
    (`more`: how many are not listed), and what readers said of its rows."""

    version: str
    created: str
    rows: int
    shared: int
    values: tuple[Others, ...] = ()
    more: int = 0
    said: tuple[Said, ...] = ()


def grouped_values(values: Iterable[Value], columns: Callable[[str], str | None]) -> tuple[Given, ...]:
    """The values by reason and field, the most first; what was merely tidied last."""
    groups: dict[tuple[Why, str], list[Value]] = {}
    for value in values:
        groups.setdefault((value.why, value.field), []).append(value)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0] == "tidied", -len(group[1]), group[0]))
    return tuple(
        Given(field=field, column=columns(field), why=why, count=len(same), examples=tuple(same[:_EXAMPLES]))
        for (why, field), same in ordered
    )


def values_table(values: Sequence[Value], heads: Sequence[str], reasons: Callable[[Why], str]) -> bytes:
    """All of them as a CSV for a spreadsheet program; `heads` names its columns. Nothing in it runs as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(heads)
    for value in values:
        cells = (value.id, value.field, value.theirs or "", value.published, reasons(value.why))
        writer.writerow([value.line, *(inert(cell) for cell in cells)])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def inert(cell: str) -> str:
    """A cell that no spreadsheet program takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def values_key(dataset: str, partner: str) -> str:
    """Where the store keeps that table."""
    return f"reports/{dataset}/{partner}/values.csv"


def keep_values(store: Store, dataset: str, partner: str, table: bytes | None) -> None:
    """Keep the table, or none where every value is the partner's own text. Raises StoreError."""
    key = values_key(dataset, partner)
    if table is not None:
        store.write(key, table)
    elif store.exists(key):
        store.remove(key)
