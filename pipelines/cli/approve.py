"""`glane approve`: a steward looks at what waits, and lets it pass.

Belongs here: what is shown and asked. Does not belong here: what waits (publish/waiting.py), what an approval lets pass
(schemas/expectations/approvals.py), the file that holds it (pipelines/approving.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glane.errors import CallError
from pipelines.cli.say import day, out, print_json

if TYPE_CHECKING:
    from pipelines.approving import Held
    from pipelines.catalogue import Entry
    from publish.approving import IdleApproval


def approve(
    name: Annotated[
        str, typer.Argument(help="A dataset, or dataset/partner for that partner's file.", metavar="DATASET[/PARTNER]")
    ],
    found: Annotated[
        str | None, typer.Argument(help="The hash of what waits, copied whole.", metavar="[HASH]", show_default=False)
    ] = None,
    by: Annotated[str, typer.Option("--as", metavar="ROLE", help="Who approves: a role, never a person.")] = "",
    why: Annotated[str, typer.Option("--why", metavar="REASON", help="The reason; the changelog tells it.")] = "",
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="DATE",
            help="Let pass what is no worse, up to this day (YYYY-MM-DD).",
            show_default=False,
        ),
    ] = None,
    unseen: Annotated[
        bool, typer.Option("--unseen", help="It waits in another store (the server's), where it was looked at.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the whole difference, as glane diff writes it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what waits as JSON.")] = False,
) -> None:
    """Show what waits for a steward and what it would change; with its HASH, a role and a reason, approve it.

    The approval is a line in sources/decisions/DATASET.approvals.csv, to be reviewed and committed; the next run
    follows it, here or on the server. Nothing else is changed.
    """
    from glane.store import open_store
    from pipelines.approving import approval_for
    from pipelines.catalogue import find_dataset, known_source, load_catalogue
    from pipelines.settings import load_settings
    from schemas.expectations.approvals import add_approval

    settings = load_settings()
    catalogue = load_catalogue(settings)
    dataset, _, partner = name.partition("/")
    find_dataset(catalogue, dataset)
    if partner:
        known_source(catalogue, name)
    entry, store = catalogue[dataset], open_store(settings.store)
    if found is None and (by or why):
        raise CallError("What is approved is not named.", f"Copy the hash from glane approve {name}.")
    held, idle = (None, ()) if unseen else _held(entry, store, partner, output)
    if found is not None:
        approval = approval_for(held, name, found, by=by, why=why, until=until, unseen=unseen)
        add_approval(entry.approvals, approval)
    if as_json:
        print_json({"name": name, **_as_json(held), "approved": found, "idle": [one.why.en for one in idle]})
        return
    if found is None:
        _show(name, held, idle)
        return
    out().print(f"Approved: a line in {entry.approvals}. Commit it; the next run follows it: glane run {dataset}")


def _held(
    entry: "Entry", store: Any, partner: str, output: Path | None
) -> "tuple[Held | None, Sequence[IdleApproval]]":
    from pipelines.approving import held_file, held_version, of_waits
    from pipelines.release import foresee_version

    if partner:
        return held_file(store, entry.name, partner), ()
    foreseen = foresee_version(entry, store, into=output)
    if foreseen.held_back is None:
        return None, foreseen.idle
    before = held_version(store, entry.name)
    return of_waits(foreseen.held_back.waits, before.since if before else None), foreseen.idle


def _as_json(held: "Held | None") -> dict[str, Any]:
    if held is None:
        return {"waits": False}
    return {
        "waits": True,
        "hash": held.hash,
        "since": held.since,
        "previous": held.previous,
        "outcomes": [outcome.model_dump(mode="json") for outcome in held.asked],
        "changed": {table: changed.model_dump(mode="json") for table, changed in held.changed.items()},
    }


def _show(name: str, held: "Held | None", idle: "Sequence[IdleApproval]") -> None:
    from publish.holding import approve_command

    say = out()
    if held is None:
        say.print(f"Nothing waits in {name}.", markup=False)
    else:
        since = f", since {day(held.since)}" if held.since else ""
        what = f"A file of {held.partner}" if held.partner else "The next version"
        say.print(f"{what} waits{since}. {held.hash or 'Nobody may approve it.'}", markup=False)
        for outcome in held.asked:
            say.print(f"  {outcome.severity:4}  {outcome.said}", markup=False, soft_wrap=True)
        for table, changed in held.changed.items():
            say.print(f"  {table}: {_counts(changed.rows)}", markup=False)
            for partner, counts in changed.partners.items():
                say.print(f"    {partner}: {_counts(counts)}", markup=False)
            for part, ids in changed.examples.items():
                say.print(f"    {part}, for example: {', '.join(ids)}", markup=False, soft_wrap=True)
        if held.hash:
            say.print("If it is right:", markup=False)
            say.print(f"  {approve_command(name, held.hash)}", markup=False, soft_wrap=True)
        if held.changed:
            say.print("All of it, row by row:", markup=False)
            say.print(f"  glane approve {name} -o FOLDER", markup=False)
    for one in idle:
        say.print(one.why.en, markup=False, soft_wrap=True)


def _counts(rows: Any) -> str:
    return ", ".join(f"{count} {part}" for part, count in rows.items() if count) or "no row"
