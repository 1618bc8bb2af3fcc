"""`glane review`: a steward looks at pairs of rows that may be one thing, and decides with one key.

Belongs here: what is shown and asked. Does not belong here: which pairs wait (publish/matching), the file that holds
what was decided (publish/decisions.py).
"""

import sys
from typing import TYPE_CHECKING, Annotated

import click
import typer

from glane.errors import CallError
from pipelines.cli.say import out, print_json

if TYPE_CHECKING:
    from publish.suggesting import Suggestion

_KEYS = {"s": "same", "d": "different"}


def review(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    by: Annotated[str | None, typer.Option("--as", metavar="ROLE", help="Who decides: a role, never a person.")] = None,
    why: Annotated[str, typer.Option("--why", help="The reason that is written down.")] = "compared side by side",
    most: Annotated[int, typer.Option("--most", help="At most so many pairs.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print what waits as JSON, and decide nothing.")] = False,
) -> None:
    """Go through the pairs of rows that may be one place: s same, d different, any other key later, q quit.

    Each decision is written at once into sources/decisions/DATASET.csv, to be reviewed and committed; the next run
    follows it.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.release import foresee_version
    from pipelines.settings import load_settings
    from publish.decisions import add

    settings = load_settings()
    catalogue = load_catalogue(settings)
    tables = [table.name for table in find_dataset(catalogue, dataset).contributed]
    entry = catalogue[dataset]
    found = foresee_version(entry, open_store(settings.store)).suggestions
    if as_json:
        print_json([{**asdict(one), "why": [said.model_dump() for said in one.why]} for one in found])
        return
    if not found:
        out().print(f"Nothing waits in {dataset}.")
        return
    if not by:
        raise CallError("Nobody is named who decides.", "Give a role: --as 'hub coordination'.")
    decided = 0
    for number, one in enumerate(found[:most], start=1):
        _show(one, f"{number} of {len(found)}")
        key = _key()
        if key == "q":
            break
        if key in _KEYS:
            row = {
                "kind": _KEYS[key],
                "table": "" if one.table == tables[0] else one.table,
                "id": one.a,
                "other": one.b,
            }
            today = datetime.now(UTC).date().isoformat()
            add(entry.decisions, tables, {**row, "by": by, "on": today, "why": why})
            decided += 1
        out().print(f"  {_KEYS.get(key, 'later')}\n")
    out().print(f"{decided} decided, {len(found) - decided} wait. Follow them with: glane run {dataset}")


def _show(one: "Suggestion", place: str) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{one.table}, {place}", title_justify="left")
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
