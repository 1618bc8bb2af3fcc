"""`glane publish`: bring a portal to the current versions, without harvesting.

Belongs here: arguments and what is printed. Does not belong here: publishing (publish/ckan), its Dagster run
(pipelines/running.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glane.errors import CallError
from pipelines.cli.say import err, out, print_json, size

if TYPE_CHECKING:
    from pipelines.catalogue import Entry
    from pipelines.settings import PortalSettings, Settings


def publish(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(help="Datasets to publish.", show_default="all that have a version", metavar="[DATASET]..."),
    ] = None,
    to: Annotated[str | None, typer.Option(help="Address of the CKAN.", show_default="GLANE_PORTAL")] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with an editor's API token for --to.", show_default="GLANE_PORTAL_TOKEN_FILE"),
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Organisation that publishes.", show_default="the token's only one")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Look at the portal, say what will and will not work, and write nothing.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Heal a portal that was emptied or restored from a backup: every version again."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Bring the portal to the current version of each dataset, without harvesting anything.

    What is there already is not sent again; a publication that was killed is taken up where it stopped. Before a
    first publication on a portal, --check tells whether the token, the DataStore and the sizes will do.
    """
    if check and rebuild:
        raise CallError("--check writes nothing, --rebuild writes everything.", "Give one of them.")
    import os

    from glane.store import open_store
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.cli.embedded import find_portal
    from pipelines.settings import load_settings
    from publish.version import listed

    settings = load_settings({**os.environ, **_given(to, token_file, organisation)})
    catalogue = load_catalogue(settings)
    store = open_store(settings.store)
    chosen = {
        name: entry for name, entry in choose(catalogue, datasets or []).items() if datasets or listed(store, name)
    }
    portal = find_portal(settings)
    if portal is None:
        raise CallError(
            "No portal is known.", "Start the embedded one (glane portal up), or say which: --to and --token-file."
        )
    if check:
        from pipelines.cli.caring import check_portal

        raise typer.Exit(check_portal(chosen or catalogue, store, portal, as_json=as_json))
    if not chosen:
        raise CallError("No dataset has a version yet.", "Make one first: glane run.")
    if rebuild:
        from pipelines.cli.caring import rebuild_portal

        raise typer.Exit(rebuild_portal(chosen, store, portal, as_json=as_json))
    raise typer.Exit(_bring(settings, catalogue, chosen, portal, as_json=as_json))


def _given(to: str | None, token_file: Path | None, organisation: str | None) -> dict[str, str]:
    """What the options say in the place of the environment."""
    given = {
        "GLANE_PORTAL": to,
        "GLANE_PORTAL_TOKEN_FILE": token_file,
        "GLANE_PORTAL_ORGANISATION": organisation,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def _bring(
    settings: "Settings",
    catalogue: Mapping[str, "Entry"],
    chosen: Mapping[str, "Entry"],
    portal: "PortalSettings",
    *,
    as_json: bool,
) -> int:
    """Publish the current version of each chosen dataset, tell of each, and give the exit code."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from pipelines.cli.sending import OnItsWay
    from pipelines.release import Failed, Publication, Sending
    from pipelines.running import publish_datasets

    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    sending = OnItsWay(console, bar if console.is_terminal else None)
    codes: list[int] = []
    told: list[dict[str, Any]] = []

    def observe(event: object) -> None:
        if isinstance(event, Sending):
            sending.show(event)
        elif isinstance(event, Publication):
            receipt = event.receipt
            told.append({"dataset": event.dataset, "page": receipt.url, "version": receipt.version})
            told[-1] |= {"unchanged": receipt.unchanged, "bytes_sent": receipt.sent_bytes, "problem": None}
            moved = f"{size(receipt.sent_bytes)} uploaded" if receipt.sent_bytes else "nothing uploaded"
            if not as_json:
                out().print(f"{event.dataset}  {receipt.version}  {receipt.url}  ({moved})", markup=False)
        elif isinstance(event, Failed):
            codes.append(3 if event.error.exit_code == 3 else 1)
            told.append({"dataset": event.dataset, "problem": str(event.error)})
            if not as_json:
                err().print(f"{event.dataset}  FAILED  {event.error}", markup=False)

    with bar:
        publish_datasets(settings, catalogue, chosen, portal, observe)
    if as_json:
        print_json(told)
    return min(codes, default=0)
