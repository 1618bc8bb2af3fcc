"""`glane review`: a steward looks at what readers wrote and at pairs of rows that may be one thing, one key each.

Belongs here: what is shown and asked of pairs. Does not belong here: messages (review_messages.py), which pairs wait
(publish/matching), the file that holds what was decided (publish/decisions.py).
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import click
import typer

from glane.errors import CallError
from pipelines.cli.say import out, print_json

if TYPE_CHECKING:
    from pipelines.messaging import Asked
    from publish.suggesting import Suggestion

_KEYS = {"s": "same", "d": "different"}


def review(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    by: Annotated[str | None, typer.Option("--as", metavar="ROLE", help="Who decides: a role, never a person.")] = None,
    why: Annotated[
        str | None, typer.Option("--why", help="The reason that is written down, where it is not the usual one.")
    ] = None,
    most: Annotated[int, typer.Option("--most", help="At most so many pairs, and so many messages.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print what waits as JSON, and decide nothing.")] = False,
) -> None:
    """Go through the pairs of rows that may be one place, and what readers wrote about rows that they find wrong.

    Of a pair: s same, d different. Of a message: c correct a field, p pass it to the partner, x dismiss it. Any other
    key leaves it for later, q quits. Each decision is written at once into sources/decisions/DATASET.csv, to be
    reviewed and committed; the next run follows it.
    """
    from dataclasses import asdict

    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.cli.review_messages import WHY, go_through
    from pipelines.messaging import looked_through, waiting
    from pipelines.release import foresee_version
    from pipelines.settings import load_settings
    from publish.decisions import add

    settings = load_settings()
    catalogue = load_catalogue(settings)
    declared, store = find_dataset(catalogue, dataset), open_store(settings.store)
    tables = declared.decided
    entry = catalogue[dataset]
    found, messages = foresee_version(entry, store).suggestions, waiting(declared, store)
    if as_json:
        pairs = [{"kind": "pair", **asdict(one), "why": [said.model_dump() for said in one.why]} for one in found]
        print_json([*pairs, *({"kind": "message", **_as_json(one)} for one in messages)])
        return
    if count := looked_through(declared, store):
        out().print(f"{count} mail{'' if count == 1 else 's'} of readers left out: they are in the mailbox.")
    if not found and not messages:
        out().print(f"Nothing waits in {dataset}.")
        return
    if not by:
        raise CallError("Nobody is named who decides.", "Give a role: --as 'hub coordination'.")

    def write(row: dict[str, str], usual: str) -> None:
        add(entry.decisions, tables, {**row, "by": str(by), "why": why or usual})

    decided, goes_on = go_through(declared, store, messages[:most], _key, lambda row: write(row, WHY))
    if goes_on:
        decided += _pairs(found, most, tables[0], lambda row: write(row, "compared side by side"))
    left = len(found) + len(messages) - decided
    out().print(f"{decided} decided, {left} wait. Follow them with: glane run {dataset}")


def _pairs(found: "Sequence[Suggestion]", most: int, main: str, write: Callable[[dict[str, str]], None]) -> int:
    """Go through pairs of rows, one key each; gives how many were decided."""
    decided, today = 0, datetime.now(UTC).date().isoformat()
    for number, one in enumerate(found[:most], start=1):
        _show(one, f"{number} of {len(found)}")
        key = _key()
        if key == "q":
            break
        if key in _KEYS:
            table = "" if one.table == main else one.table
            write({"kind": _KEYS[key], "table": table, "id": one.a, "other": one.b, "on": today})
            decided += 1
        out().print(f"  {_KEYS.get(key, 'later')}\n")
    return decided


def _as_json(one: "Asked") -> dict[str, object]:
    return {**one.message.model_dump(), "name": one.name, "partners": list(one.partners), "row": dict(one.cells)}


def _show(one: "Suggestion", place: str) -> None:
    from rich.table import Table
    from rich.text import Text

    relation = f" ({one.relation})" if one.relation else ""
    table = Table(title=f"{one.table}{relation}, {place}", title_justify="left")
    for name in ("", f"{one.a} ({one.partners[0]})", f"{one.b} ({one.partners[1]})"):
        table.add_column(Text(name), overflow="fold")
    for name, left, right in one.fields:
        style = "" if left == right else "bold"
        table.add_row(name, Text(left, style), Text(right, style))
    out().print(table)
    for why in one.why:
        out().print(f"  {why.en}", markup=False, soft_wrap=True)
    out().print("  s same, d different, any other key later, q quit", markup=False)


def _key() -> str:
    """One key of a terminal; a line where the answers come from a file. The end of it is `q`."""
    if sys.stdin.isatty():
        return click.getchar().lower()
    line = sys.stdin.readline()
    return line.strip()[:1].lower() or ("q" if not line else " ")
