"""`glane rights`: what may be done with a dataset's rows, partner by partner, and the rows that may be used so.

Belongs here: arguments and what is printed. Does not belong here: what a licence allows (schemas/licences), which rows
that leaves (publish/reuse.py).
"""

from pathlib import Path
from typing import Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import out, print_json


def rights(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    use: Annotated[
        str | None,
        typer.Option("--for", help="What for: wikidata, openstreetmap, commercial, training.", show_default="all"),
    ] = None,
    number: Annotated[str | None, typer.Option("--version", help="Which version.", show_default="current")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Of which table.", show_default="the first")] = None,
    rows: Annotated[Path | None, typer.Option("--rows", help="Write the rows that may be used so as CSV here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say whether a dataset's rows may be used for something: yes, on conditions, or no, with the clause that says so.

    A reading of the licences by people who are not lawyers, each answer with the address of the text it stands on.
    """
    from glane.store import open_store
    from pipelines.settings import load_settings
    from publish.reuse import permissions, usable_rows
    from publish.version import current, load
    from schemas.licences.rights import uses

    if rows is not None and (use is None or rows.exists()):
        what = f"{rows} is there already." if use else "Which rows may be used depends on what for."
        raise CallError(what, "Name another file with --rows." if use else "Say it with --for.")
    store = open_store(load_settings().store)
    version = load(store, dataset, number) if number else current(store, dataset)
    if version is None:
        raise CallError(f"{dataset} has no version yet.", f"Make one: glane run {dataset}")
    asked = [use] if use else list(uses())
    found = {name: permissions(version.inputs, name) for name in asked}
    if rows is not None and use is not None:
        from publish.formats.delimited import to_csv

        kept = usable_rows(store, version, table or version.inputs[0].table, use)
        rows.write_bytes(to_csv(kept))
        out().print(f"wrote {rows}: {kept.height} rows", markup=False, soft_wrap=True)
    if as_json:
        print_json(
            [
                {
                    "use": name,
                    "partner": one.partner,
                    "table": one.table,
                    "licence": one.licence,
                    **one.right.model_dump(),
                }
                for name, told in found.items()
                for one in told
            ]
        )
        return
    for name, told in found.items():
        out().print(f"{uses()[name].title.en}:", markup=False)
        for right, licence in dict.fromkeys((one.right, one.licence) for one in told):
            partners = dict.fromkeys(one.partner for one in told if one.licence == licence)
            said = f"  {right.answer}, under {licence} ({', '.join(partners)}): {right.clause.en} {right.source}"
            out().print(said, markup=False, soft_wrap=True)
