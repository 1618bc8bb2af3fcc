"""`glane template`: the spreadsheet for a partner without a developer.

Belongs here: arguments, where the file goes. Does not belong here: the workbook (schemas/template.py), which rows stand
in it (pipelines/given_back.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import known_language, out


def template(
    dataset: Annotated[str, typer.Argument(help="The dataset (or table) to fill.", metavar="DATASET[/TABLE]")],
    source: Annotated[
        str | None,
        typer.Option("--source", help="Fill it with what we publish for this partner.", metavar="PARTNER"),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--lang",
            help="Its language.",
            show_default="the partner's, or the dataset's",
            callback=known_language,
            metavar="LANGUAGE",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Where to write it.", show_default="DATASET-TABLE.LANG.xlsx, DATASET-PARTNER..."),
    ] = None,
) -> None:
    """Write a spreadsheet to be filled by a partner: lists to choose from, examples, explanations, checks in its cells.

    With --source the rows that we publish for it stand in it already, under their ids: changed and sent back instead of
    the partner's own file, they are still the same rows. Filled, an empty one is checked with `glane check FILE
    --dataset DATASET`, one with --source with `glane check FILE --source DATASET/PARTNER`.
    """
    from glane.store import open_store
    from pipelines.catalogue import find_dataset, find_source, find_table, load_catalogue
    from pipelines.given_back import published_rows
    from pipelines.settings import load_settings
    from schemas.template import template as make
    from sources.check import table_of

    settings = load_settings()
    name, _, table_name = dataset.partition("/")
    found = find_dataset(load_catalogue(settings), name)
    table, filling, spoken = find_table(found, table_name), None, language or found.line.language
    if source is not None:
        _, declared = find_source(load_catalogue(settings), f"{name}/{source.removeprefix(f'{name}/')}")
        table, spoken = table_of(declared, found), language or declared.line.answered_in
        if table_name not in ("", table.name):
            raise CallError(f"{declared.name} feeds {table.name!r}, not {table_name!r}.", "Leave the table out.")
        filling = published_rows(open_store(settings.store), declared, table)
    path = to or Path(f"{name}-{filling.source if filling else table.name}.{spoken}.xlsx")
    if path.exists():
        raise CallError(f"{path} is there already.", "Name another file with --to, or remove that one.")
    path.write_bytes(make(found, table, spoken, filling))
    out().print(f"wrote {path}", markup=False, soft_wrap=True)
