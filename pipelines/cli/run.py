"""`glane run`: from partners' files to versions on the portal.

Belongs here: arguments, progress, what is printed. Does not belong here: the runs (pipelines/running.py), the sums
(pipelines/summary.py).
"""

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.say import err, out, print_json

if TYPE_CHECKING:
    from pipelines.catalogue import Entry
    from pipelines.settings import Settings
    from pipelines.summary import Summary

Datasets = Annotated[
    list[str] | None,
    typer.Argument(help="Datasets to run, by name.", show_default="all of them", metavar="[DATASET]..."),
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", "-s", help="Harvest this source alone (partner, or dataset/partner). May be repeated."),
]


def _settle(settings: "Settings", chosen: Mapping[str, "Entry"], summary: "Summary") -> None:
    """Prune what may go, once a day, and reckon what the run cost."""
    from glane.store import StoreError, open_store
    from pipelines.pruning import prune_datasets
    from pipelines.traffic import cost_of

    store = open_store(settings.store)
    for done in prune_datasets(chosen, store, daily=True):
        summary.add(done)
    for name, entry in chosen.items():
        # A store that takes nothing more has been told of already.
        with contextlib.suppress(StoreError):
            summary.settle(name, cost_of(entry, store, summary.moved(name)))


def _tell_strangers(settings: "Settings", catalogue: Mapping[str, "Entry"]) -> None:
    """Say how many mails came to the mailboxes from addresses that nobody declares: one may be a partner's new one."""
    from glane.errors import GlaneError
    from glane.store import open_store
    from sources.declaration import Source
    from sources.inbox.senders import count_strangers

    sources = [one for entry in catalogue.values() for one in entry.sources if isinstance(one, Source)]
    # A mailbox that cannot be read is told of at its source already.
    with contextlib.suppress(GlaneError):
        if count := count_strangers(sources, open_store(settings.store)):
            out().print(f"{count} mail{'' if count == 1 else 's'} from addresses that no source declares: not opened")


def run(
    datasets: Datasets = None,
    source: Sources = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
    no_publish: Annotated[
        bool, typer.Option("--no-publish", help="Make versions, but leave the portal alone.")
    ] = False,
) -> None:
    """Harvest partners' files, check and merge their rows, make a version if anything changed, and publish it.

    A partner whose file is broken or missing stops nobody: its last good rows stay, and the summary says why. The
    portal is the one GLANE_PORTAL names, else the embedded one if it is up; without any, versions are made all the
    same. Runs are the same that Dagit shows.
    """
    from glane.store import open_store
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.cli.embedded import find_portal
    from pipelines.cli.outcome import Progress, as_lines
    from pipelines.settings import load_settings
    from pipelines.summary import Summary
    from publish.ckan.address import read_address

    settings = load_settings()
    catalogue = load_catalogue(settings)
    chosen = choose(catalogue, datasets or [], source or [])
    portal = None if no_publish else find_portal(settings)
    if portal is not None:
        # A token that cannot be used is a wrong call: better said now than after the harvest.
        read_address(portal.url, portal.token_file, portal.organisation, portal.public_store)
    # Nor is anybody asked for anything while the store cannot be reached.
    open_store(settings.store).exists("versions")
    summary = Summary(chosen)
    with Progress(err(), chosen) as progress:
        # Only now, once the call is known to make sense: Dagster takes a second to import.
        from pipelines.running import CrashError, run_datasets

        def observe(event: object) -> None:
            summary.add(event)
            progress.show(event)

        crash: CrashError | None = None
        try:
            run_datasets(settings, catalogue, chosen, portal, observe)
        except CrashError as error:
            # Told last: the other sources' lines are as good as ever.
            crash = error
        except KeyboardInterrupt:
            err().print("Interrupted: every version that stands is whole. Run again to go on.")
            # Python would wait for the threads that wait for slow servers; what is kept is kept whole at any moment.
            os._exit(130)
        _settle(settings, chosen, summary)
    outcome = summary.outcome()
    if as_json:
        print_json(outcome.as_json())
    else:
        for line in as_lines(outcome, publish=not no_publish, portal_known=portal is not None):
            out().print(line)
        _tell_strangers(settings, catalogue)
    if crash is not None:
        raise crash
    raise typer.Exit(outcome.exit_code)
