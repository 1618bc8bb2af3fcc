"""`glane trace`: where a published row, or one cell of it, comes from.

Belongs here: arguments and what is printed. Does not belong here: working it out (pipelines/tracing).
"""

from typing import Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import out, print_json


def trace(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The row's id, or that of a row that went into it.")],
    field: Annotated[str | None, typer.Argument(help="One field.", show_default="every filled one")] = None,
    number: Annotated[str | None, typer.Option("--version", help="Which version.", show_default="current")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Which table.", show_default="the first")] = None,
    language: Annotated[str, typer.Option("--lang", help="fr or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Work out where a published cell comes from: the line of the partner's file, each cleaner, each choice.

    It shows what the store holds, and writes nothing. What it worked out is held against what is published, byte for
    byte; a link of the chain that is missing is named, with the reason. Exit code 1: something published could not be
    worked out again.
    """
    from glane.store import open_store
    from glane.text import LANGUAGES
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.settings import load_settings
    from pipelines.tracing.telling import lines, to_dict
    from pipelines.tracing.trace import trace as worked_out

    spoken = next((one for one in LANGUAGES if one == language), None)
    if spoken is None:
        raise CallError(f"There is no language {language!r}.", f"Choose one of {', '.join(LANGUAGES)}.")
    settings = load_settings()
    entry = choose(load_catalogue(settings), [dataset])[dataset]
    found = worked_out(entry, open_store(settings.store), identifier, field, number=number, table=table)
    if as_json:
        print_json(to_dict(found))
    else:
        for line in lines(found, spoken, every=field is not None):
            out().print(line, markup=False)
    if not found.agrees:
        raise typer.Exit(1)
