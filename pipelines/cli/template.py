"""`glane template`: the spreadsheet for a partner without a developer.

Belongs here: arguments, where the file goes. Does not belong here: the workbook (schemas/template.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import known_language, out


def template(
    dataset: Annotated[str, typer.Argument(help="The dataset (or table) to fill.", metavar="DATASET[/TABLE]")],
    language: Annotated[
        str | None,
        typer.Option(
            "--lang", help="Its language.", show_default="the dataset's", callback=known_language, metavar="LANGUAGE"
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where to write it.", show_default="DATASET-TABLE.LANG.xlsx")
    ] = None,
) -> None:
    """Write a spreadsheet to be filled by a partner: lists to choose from, examples, explanations, checks in its cells.

    Once filled, `glane check FILE --dataset DATASET` says what is still wrong.
    """
    from pipelines.catalogue import find_dataset, find_table, load_catalogue
    from pipelines.settings import load_settings
    from schemas.template import template as make

    name, _, table_name = dataset.partition("/")
    found = find_dataset(load_catalogue(load_settings()), name)
    table = find_table(found, table_name)
    spoken = language or found.line.language
    path = to or Path(f"{name}-{table.name}.{spoken}.xlsx")
    if path.exists():
        raise CallError(f"{path} is there already.", "Name another file with --to, or remove that one.")
    path.write_bytes(make(found, table, spoken))
    out().print(f"wrote {path}", markup=False, soft_wrap=True)
