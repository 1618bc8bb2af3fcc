"""What `glane review` shows of readers' messages: the row as it is published, what was written, three ways to go on.

Belongs here: what is shown and asked. Does not belong here: which messages wait (pipelines/messaging.py), pairs of rows
(review.py).
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from glane.errors import CallError
from pipelines.cli.say import out

if TYPE_CHECKING:
    from glane.store import Store
    from pipelines.messaging import Asked
    from schemas.dataset import Dataset, Table

WHY = "a reader wrote that it is wrong"

Write = Callable[[dict[str, str]], None]
"""Writes a decision down, by column."""


def go_through(
    dataset: "Dataset", store: "Store", asked: "Sequence[Asked]", key: Callable[[], str], write: Write
) -> tuple[int, bool]:
    """Go through messages, one key each; gives how many were done with, and whether the steward wants to go on."""
    from pipelines.messaging import close, pass_on, shown

    done = 0
    for number, one in enumerate(asked, start=1):
        message, table = one.message, dataset.table(one.message.table)
        _show(one, shown(table, one.cells), f"message {number} of {len(asked)}")
        pressed, said = key(), "later"
        if pressed == "q":
            return done, False
        if pressed == "c":
            write(_correction(dataset, table, one))
            close(dataset, store, message.key, "corrected")
            said = "corrected"
        elif pressed == "p":
            pass_on(dataset, store, message.key)
            said = f"{', '.join(one.partners) or 'the partner'} will read it in the next answer"
        elif pressed == "x":
            close(dataset, store, message.key, "dismissed")
            said = "dismissed"
        done += said != "later"
        out().print(f"  {said}\n", markup=False)
    return done, True


def _show(one: "Asked", cells: list[tuple[str, str]], place: str) -> None:
    from rich.table import Table
    from rich.text import Text

    message = one.message
    table = Table(title=f"{message.table}, {place}", title_justify="left")
    for name in ("", f"{message.id} ({', '.join(one.partners)})"):
        table.add_column(Text(name), overflow="fold")
    for name, cell in cells:
        table.add_row(name, Text(cell))
    out().print(table)
    since = f", and {message.row} is its last change" if message.row != message.version else ""
    said = message.text or "(no words: something is wrong here)"
    out().print(f"  A reader, {message.at[:10]}, of version {message.version}{since}:", markup=False)
    out().print(f"  {said}", markup=False, soft_wrap=True)
    if message.passed_at:
        out().print(f"  The partner was told on {message.passed_at[:10]}; the row has not changed.", markup=False)
    out().print("  c correct a field, p pass to the partner, x dismiss, any other key later, q quit", markup=False)


def _correction(dataset: "Dataset", table: "Table", one: "Asked") -> dict[str, str]:
    name = _line("  field: ")
    if name not in table.asked:
        raise CallError(
            f"{table.name} has no field {name!r} that a person may correct.", f"Its fields: {', '.join(table.asked)}."
        )
    return {
        "kind": "correction",
        "table": "" if table is dataset.main else table.name,
        "id": one.message.id,
        "field": name,
        "seen": one.cells.get(name, ""),
        "value": _line("  what it is to say: "),
        "on": datetime.now(UTC).date().isoformat(),
    }


def _line(prompt: str) -> str:
    out().print(prompt, end="", markup=False)
    return sys.stdin.readline().strip()
