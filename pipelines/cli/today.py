"""`glane today`: the steward's list for this morning.

Belongs here: arguments and what is printed. Does not belong here: what waits (pipelines/today.py).
"""

from typing import Annotated

import typer

from pipelines.cli.say import day, out, print_json


def today(
    datasets: Annotated[list[str] | None, typer.Argument(help="Which datasets.", show_default="all")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what waits for a person: what, why, whom to ask, since when, and the command to copy. Nothing is changed."""
    from dataclasses import asdict

    from glane.store import open_store
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.settings import load_settings
    from pipelines.today import waiting

    settings = load_settings()
    store = open_store(settings.store)
    chosen = choose(load_catalogue(settings), datasets or [])
    found = waiting(chosen.values(), store)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        out().print("Nothing waits.")
    for one in found:
        since = f", since {day(one.since)}" if one.since else ""
        out().print(f"{one.kind.upper()}  {one.about}{since}", markup=False, soft_wrap=True)
        out().print(f"  {one.why}", markup=False, soft_wrap=True)
        out().print(f"  ask   {one.whom}", markup=False, soft_wrap=True)
        out().print(f"  then  {one.command}\n", markup=False, soft_wrap=True)
