"""`glane coverage`: which communes a dataset reaches, and which have nothing.

Belongs here: arguments and what is printed. Does not belong here: counting (publish/coverage.py).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import day, err, out, print_json

if TYPE_CHECKING:
    from pipelines.covering import Standing

_SHOWN = 20


def coverage(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    department: Annotated[
        str | None, typer.Option("--departement", "-d", help="Code of one: 44, 2A, 974.", show_default="all")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="Of which table.", show_default="the first")] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="List every commune without a row, the most people first.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Say how much of each département the current version reaches, and where people live that it does not.

    Rows are held against the list of communes that dataset.yaml names; it is asked for again when it is due.
    """
    from glane.store import open_store
    from pipelines.catalogue import find_dataset, load_catalogue
    from pipelines.covering import coverage_now
    from pipelines.settings import load_settings
    from schemas.territory.departments import departments

    code = department.upper().zfill(2) if department else None
    if code is not None and code not in departments():
        raise CallError(f"{department!r} is no département.", "Write its code: 01, 2A, 75, 974.")
    settings = load_settings()
    found = coverage_now(find_dataset(load_catalogue(settings), dataset), open_store(settings.store), table)
    if as_json:
        without = found.coverage.empty(code)
        print_json(
            {
                "dataset": dataset,
                "table": found.table,
                "version": found.version.version,
                **found.coverage.summary(),
                "reference_unread_since": found.reference.failed_on if found.reference else None,
                "without": without.to_dicts(),
            }
        )
        return
    _print(found, code, None if empty else _SHOWN)


def _print(found: "Standing", code: str | None, shown: int | None) -> None:
    version, told = found.version, found.coverage
    out().print(f"{version.dataset}, {found.table}: version of {day(version.created)} ({version.version})")
    if found.reference is not None and found.reference.failed_on:
        err().print(f"The list of communes cannot be read since {found.reference.failed_on}: {found.reference.failure}")
    if told.reference is None:
        err().print("Without a list of communes, nothing is known of those that have no row, nor of who lives there.")
    lines = [line for line in told.departments.to_dicts() if (line["code"] == code if code else line["rows"])]
    for line in lines:
        where = f"{line['country']} {line['code'] or '':3} {line['name'] or 'no département can be told'}"
        said = f"{where:40} {_count(line['rows'], 'row')}"
        if line["communes"] is not None:
            said += (
                f"; {line['communes_without']} of {_count(line['communes'], 'commune')} without, "
                f"where {line['population_without']:,} of {line['population']:,} people live"
            )
        out().print(said, markup=False, soft_wrap=True)
    without = told.empty(code)
    if without.height:
        out().print(f"\n{_count(without.height, 'commune')} without a row, the most people first:")
    for line in without.head(shown).iter_rows(named=True) if shown else without.iter_rows(named=True):
        people = f"{line['population']:,}" if line["population"] is not None else "unknown"
        out().print(f"  {line['code']}  {line['name']}  {people}", markup=False, soft_wrap=True)
    if shown and without.height > shown:
        out().print(f"  and {without.height - shown} more: --empty lists them all")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
