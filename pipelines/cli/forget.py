"""`glane forget` and `glane withdraw`: a person's data leaves all that is kept, or is not published any more.

Belongs here: arguments and what is printed. Does not belong here: doing it (pipelines/forgetting).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import err, out, print_json

if TYPE_CHECKING:
    from glane.store import Store
    from pipelines.catalogue import Entry
    from pipelines.forgetting.whole import Forgotten, Found
    from publish.forgetting.person import Person

DatasetArgument = Annotated[str, typer.Argument(help="Name of the dataset.")]
IdArgument = Annotated[str, typer.Argument(help="The row's id, or PARTNER/number for a row of a partner's file.")]
TableOption = Annotated[str | None, typer.Option("--table", help="Which table.", show_default="the first")]
RoleOption = Annotated[str | None, typer.Option("--as", metavar="ROLE", help="Who decides: a role, never a person.")]


def forget(
    dataset: DatasetArgument,
    identifier: Annotated[str | None, typer.Argument(metavar="ID", help="The row's id, or PARTNER/number.")] = None,
    table: TableOption = None,
    by: RoleOption = None,
    why: Annotated[str, typer.Option("--why", help="The reason, for the store's own log: name nobody.")] = "on request",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say where the person is; so it is without --yes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it: it cannot be undone.")] = False,
    id_too: Annotated[bool, typer.Option("--id-too", help="The id names the person: let it stay nowhere.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Take a person's data out of everything that is kept: partners' files, rows, answers, mails, Dagster's events and
    every version, here and on the portal.

    Without --yes it says where the person is and touches nothing. One that was cut off goes on: glane forget DATASET
    --yes. What it cannot reach is listed at the end (docs/forgetting.md).
    """
    from dataclasses import asdict

    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.cli.embedded import find_portal
    from pipelines.forgetting.plan import Plan, pending
    from pipelines.forgetting.whole import forget as forget_whole
    from pipelines.forgetting.whole import look
    from pipelines.instance import open_instance
    from pipelines.settings import load_settings

    settings = load_settings()
    catalogue, store = load_catalogue(settings), open_store(settings.store)
    find_dataset(catalogue, dataset)
    entry, cut_off = catalogue[dataset], pending(store, dataset)
    if cut_off is not None and not yes:
        raise CallError("A forgetting was cut off.", f"Let it end first: glane forget {dataset} --yes")
    if identifier is None and cut_off is None:
        raise CallError("Nobody is named who is to be forgotten.", f"Give an id: glane forget {dataset} ID")
    with open_instance(settings.dagster_home) as instance:

        def do(plan: Plan) -> None:
            home, portal = settings.dagster_home, find_portal(settings)
            _tell_done(forget_whole(entry, store, home, instance, plan, portal=portal, say=_say), as_json=as_json)

        if cut_off is not None:
            do(cut_off)
            if identifier is None:
                return
        person = _person(entry, store, str(identifier), table, id_too=id_too, again=cut_off is not None)
        if person is None:
            return
        if dry_run or not yes:
            found = look(entry, store, settings.dagster_home, instance, person)
            if as_json:
                print_json({"ids": sorted(person.ids), "partners": sorted(person.partners), **asdict(found)})
            else:
                _tell_found(dataset, str(identifier), sorted(person.ids), sorted(person.partners), found)
            return
        if not by:
            raise CallError("Nobody is named who decides.", "Give a role: --as 'data protection officer'.")
        do(Plan(person, by, why))


def _person(
    entry: "Entry", store: "Store", identifier: str, table: str | None, *, id_too: bool, again: bool
) -> "Person | None":
    """Who is named; None where it was they whose forgetting was cut off, and has just ended (`again`)."""
    from datetime import UTC, datetime

    from pipelines.forgetting.finding import find_person

    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return find_person(entry, store, identifier, table, at=now, id_too=id_too)
    except CallError:
        if again:
            return None
        raise


def withdraw(
    dataset: DatasetArgument,
    identifier: IdArgument,
    by: RoleOption = None,
    why: Annotated[
        str, typer.Option("--why", help="The reason; it stands in a public file: name nobody.")
    ] = "on request",
    table: TableOption = None,
) -> None:
    """Let a row not be published any more, from the next version on: a line in the file of decisions that names nobody.

    Older versions keep the row; glane forget takes it out of these too.
    """
    from datetime import UTC, datetime

    from glane.pseudonyms import salt_of
    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.forgetting.finding import find_person
    from pipelines.settings import load_settings
    from publish.decisions import add

    if not by:
        raise CallError("Nobody is named who decides.", "Give a role: --as 'hub coordination'.")
    settings = load_settings()
    catalogue, store = load_catalogue(settings), open_store(settings.store)
    tables = find_dataset(catalogue, dataset).decided
    now = datetime.now(UTC)
    person = find_person(catalogue[dataset], store, identifier, table, at=now.isoformat(timespec="seconds"))
    named = identifier if identifier in person.ids else min(person.ids & person.published or person.ids)
    row = {
        "kind": "withdrawal",
        "table": "" if person.table == tables[0] else person.table,
        "id": salt_of(store).of(dataset, person.table, named),
        "by": by,
        "on": now.date().isoformat(),
        "why": why,
    }
    add(catalogue[dataset].decisions, tables, row)
    out().print(f"written into {catalogue[dataset].decisions}; follow it with: glane run {dataset}", markup=False)


def _say(line: str) -> None:
    err().print(line, markup=False)


def _tell_done(done: "Forgotten", *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print_json(asdict(done))
        return
    show = out().print
    show(f"forgotten: {len(done.versions)} versions written anew ({', '.join(done.versions) or 'none'})", markup=False)
    for kind, count in done.kept.items():
        show(f"  {kind}: {count}", markup=False)
    if done.runs:
        show(f"  files of Dagster's home: {done.runs}", markup=False)
    if done.portal is not None:
        show(f"  portal: {done.portal.overwritten} files overwritten, {done.portal.dropped} dropped", markup=False)
        for left in done.portal.left:
            show(f"  {left}: its partner must replace this upload", markup=False)
    else:
        show("  no portal is known: nothing was changed on one", markup=False)
    show("Beyond reach:")
    for line in done.beyond:
        show(f"  {line}", markup=False)


def _tell_found(dataset: str, identifier: str, ids: list[str], partners: list[str], found: "Found") -> None:
    show = out().print
    show(f"{identifier}: {', '.join(ids)}, from {', '.join(partners) or 'no partner'}", markup=False)
    for one in found.versions:
        show(f"  version {one.version}: {one.rows} rows leave", markup=False)
    for kind, count in found.kept.items():
        show(f"  {kind}: {count}", markup=False)
    if found.runs:
        show(f"  files of Dagster's home: {found.runs}", markup=False)
    show("Beyond reach:")
    for line in found.beyond:
        show(f"  {line}", markup=False)
    show(f"Nothing was touched. Do it: glane forget {dataset} {identifier} --as ROLE --yes", markup=False)
