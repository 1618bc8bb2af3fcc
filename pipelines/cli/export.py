"""`glane export`: rows in the form of another commons, those alone that may go there.

Belongs here: arguments and what is printed. Does not belong here: which rows may go (publish/reuse.py), the form
(publish/wikidata.py).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glane.errors import CallError, DataError
from pipelines.cli.say import err, out

if TYPE_CHECKING:
    from pipelines.settings import Settings


class NothingAllowedError(DataError):
    """No row may go there: every one has a partner whose licence does not allow it."""


def export(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    file: Annotated[Path | None, typer.Argument(help="Where to write.", show_default="the terminal")] = None,
    to: Annotated[str, typer.Option("--to", help="Which commons: wikidata.")] = "wikidata",
    table: Annotated[str, typer.Option("--table", help="Which table.", show_default="the first")] = "",
    number: Annotated[str | None, typer.Option("--version", help="Which version.", show_default="current")] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help="Where the rows are published.", show_default="the portal's page")
    ] = None,
) -> None:
    """Write rows as commands for Wikidata's QuickStatements: those whose every licence allows it, and no others.

    Nothing is sent. Look first which items are there already: by SIREN or SIRET, say, or by name in OpenRefine.
    """
    import datetime

    from glane.store import open_store
    from pipelines.catalogue import find_dataset, find_table, load_catalogue
    from pipelines.settings import load_settings
    from publish.reuse import sift
    from publish.version import current, load
    from publish.wikidata import quickstatements

    if to != "wikidata":
        raise CallError(f"Nothing is known of {to!r}.", "There is: --to wikidata.")
    if file is not None and file.exists():
        raise CallError(f"{file} is there already.", "Name another file.")
    settings = load_settings()
    wanted = find_table(find_dataset(load_catalogue(settings), dataset), table)
    if wanted.line.wikidata is None:
        what = f"{dataset}/{wanted.name} does not say what its rows are in Wikidata."
        raise CallError(what, "Declare `wikidata:` of the table in dataset.yaml (docs/licences.md).")
    store = open_store(settings.store)
    version = load(store, dataset, number) if number else current(store, dataset)
    if version is None:
        raise CallError(f"{dataset} has no version yet.", f"Make one: glane run {dataset}")
    found = sift(store, version, wanted.name, to)
    said = [
        f"rows left out under {one.licence} ({', '.join(one.partners)}): {one.rows}. {one.right.clause.en} "
        f"{one.right.source}"
        for one in found.refused
    ]
    if not found.rows.height:
        raise NothingAllowedError(f"No row of {dataset}/{wanted.name} may go into Wikidata.", "\n".join(said))
    day = datetime.date.fromisoformat(version.created[:10])
    made = quickstatements(
        wanted.line.wikidata,
        found.rows.iter_rows(named=True),
        wanted.primary_key,
        reference=reference or _page(settings, dataset),
        day=day,
    )
    if file is None:
        # As it is: the console would make spaces of the tabs.
        typer.echo(made.text, nl=False)
    else:
        file.write_text(made.text, encoding="utf-8")
    tell = err() if file is None else out()
    counted = f"new items: {made.new}, there already: {made.there}, left out for a person's name: {len(made.left_out)}"
    for line in (f"rows that may go into Wikidata: {found.rows.height} ({counted})", *said):
        tell.print(line, markup=False, soft_wrap=True)


def _page(settings: "Settings", dataset: str) -> str:
    """The address of a dataset on the portal that is known."""
    from pipelines.cli.embedded import find_portal

    portal = find_portal(settings)
    if portal is None:
        raise CallError("Nobody could check the statements: no portal is known.", "Give --reference ADDRESS.")
    return f"{portal.url}/dataset/{dataset}"
