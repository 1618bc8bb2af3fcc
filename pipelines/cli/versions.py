"""`glane versions`, `diff`, `apply`, `verify`: the versions of a dataset, without touching any.

Belongs here: arguments and what is printed. Does not belong here: reading and comparing versions (publish/).
"""

import contextlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import day, out, print_json

if TYPE_CHECKING:
    from glane.store import Store


def versions(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, for programs.")] = False,
) -> None:
    """List the versions of a dataset, oldest first: date, number, rows of each table, SHA-256 of the manifest."""
    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.settings import load_settings
    from publish.version import listed

    settings = load_settings()
    store = open_store(settings.store)
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


def diff(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    before: Annotated[str, typer.Argument(help="The earlier version: 1.0.0")],
    after: Annotated[str, typer.Argument(help="The later version: 1.1.0")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with every row, for programs.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the delta's files, which glane apply takes.")
    ] = None,
) -> None:
    """Say what changed between two versions of a dataset: fields, and rows added, changed and removed.

    Any two versions, in either direction: from a newer one to an older one, it says how to go back.
    """
    from glane.store import open_store
    from pipelines.settings import load_settings
    from publish.diff import diff as compare_versions
    from publish.diff import write_differences

    store = open_store(load_settings().store)
    changes, differences = compare_versions(store, dataset, before, after)
    if output is not None:
        write_differences(store, dataset, (before, after), differences, output)
    if as_json:
        tables = {
            name: {
                "added": found.added.to_dicts(),
                "changed": found.changed.to_dicts(),
                "removed": found.removed.to_dicts(),
            }
            for name, found in differences.items()
        }
        structure = [{"level": change.level.name.lower(), **change.what.model_dump()} for change in changes]
        print_json({"dataset": dataset, "from": before, "to": after, "structure": structure, "tables": tables})
        return
    for change in changes:
        out().print(f"{change.level.name.lower()}  {change.what.en}", markup=False)
    for name, found in differences.items():
        rows = f"{found.added.height} added, {found.rows_changed} changed, {found.removed.height} removed"
        out().print(f"{name}  {rows}", markup=False)


def apply(
    delta: Annotated[Path, typer.Argument(help="The delta's header: delta/<table>.delta.json", metavar="DELTA")],
    old: Annotated[Path, typer.Argument(help="The CSV file of the version that the delta starts from.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="standard output")
    ] = None,
) -> None:
    """Make a version's CSV file out of the version before and the delta: what a reuser does to follow a dataset."""
    from publish.delta import apply_delta

    for path in (delta, old):
        if not path.is_file():
            raise CallError(f"There is no file {path}.", "Check the path.")
    new = apply_delta(delta, old.read_bytes())
    if output is None:
        sys.stdout.buffer.write(new)
    else:
        output.write_bytes(new)


def verify(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Datasets to verify.", show_default="all", metavar="[DATASET]...")
    ] = None,
    portal: Annotated[bool, typer.Option("--portal", help="Download and verify what the portal keeps, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, for programs.")] = False,
) -> None:
    """Read every byte of every version, snapshot, row and list of communes again, and name what is not as it was
    written. Exit code 1: something is not.
    """
    from glane.store import open_store
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.cli.embedded import find_portal
    from pipelines.settings import load_settings
    from publish.ckan.address import read_address
    from publish.verify import verify_kept, verify_portal, verify_store
    from schemas import rows
    from schemas.territory.reference import damaged_references
    from sources import snapshot

    settings = load_settings()
    store = open_store(settings.store)
    known = find_portal(settings) if portal else None
    if portal and known is None:
        raise CallError("No portal is known.", "Start the embedded one (glane portal up), or set GLANE_PORTAL.")
    faults = []
    # A dataset that is no longer declared still has its versions.
    kept = store.list("versions")
    if unknown := [name for name in datasets or () if name not in kept]:
        choose(load_catalogue(settings), unknown)
    for name in datasets or kept:
        faults += verify_store(store, name)
        faults += verify_kept(store, [*snapshot.damaged(store, name), *rows.damaged(store, name)])
        if known is not None:
            address = read_address(known.url, known.token_file, known.organisation, known.public_store)
            faults += verify_portal(store, name, address)
    faults += verify_kept(store, damaged_references(store))
    if as_json:
        print_json([asdict(fault) for fault in faults])
    for fault in faults if not as_json else ():
        out().print(f"{fault.where}: {fault.what}\n    {fault.remedy}", markup=False)
    for name in (datasets or kept) if not as_json else ():
        _tell_forgotten(store, name)
    if not faults and not as_json:
        out().print("Every byte is the one that was listed." if kept else "There is no version yet.")
    raise typer.Exit(1 if faults else 0)


def _tell_forgotten(store: "Store", dataset: str) -> None:
    """Which versions are others than on their day, because a person's data was taken out of them."""
    from publish.version import VersionError, listed

    with contextlib.suppress(VersionError):
        for line in listed(store, dataset):
            days = ", ".join(day(mark.at) for mark in line.forgotten)
            if days:
                said = f"{dataset} {line.version}: a person's data was taken out on {days} (docs/forgetting.md)."
                out().print(said, markup=False)
