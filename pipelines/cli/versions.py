"""`glane versions`: the versions of a dataset.

Belongs here: arguments and what is printed. Does not belong here: reading versions (publish/version.py).
"""

from typing import Annotated

import typer

from pipelines.cli.say import day, out, print_json


def versions(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, for programs.")] = False,
) -> None:
    """List the versions of a dataset, oldest first: date, number, rows of each table, SHA-256 of the manifest."""
    from glane.store import Store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.settings import load_settings
    from publish.version import listed

    settings = load_settings()
    store = Store(settings.store)
    lines = listed(store, dataset)
    if not lines:
        # A dataset that is no longer declared still has its versions; only an unknown one is a wrong call.
        find_dataset(load_catalogue(settings), dataset)
    if as_json:
        print_json([line.model_dump(mode="json") for line in lines])
        return
    if not lines:
        out().print(f"{dataset} has no version yet. Make one: glane run {dataset}")
    for line in lines:
        rows = ", ".join(f"{count} rows in {table}" for table, count in line.rows.items())
        out().print(f"version of {day(line.created)} ({line.version})  {rows}  sha256 {line.manifest_sha256}")
