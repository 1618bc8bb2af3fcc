"""`glane source`: the partners' sources, and their acceptance tests.

Belongs here: arguments and what is printed. Does not belong here: declarations (sources/declaration.py), running a
sample (sources/testing.py).
"""

from typing import Annotated, Any

import typer

from pipelines.cli.say import out, print_json

app = typer.Typer(no_args_is_help=True, help="The partners' sources: list them, run their acceptance tests.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """List every source: whose it is, its licence, where its data comes from, and what the last run made of it."""
    from glane.store import Store
    from pipelines.catalogue import load_catalogue
    from pipelines.settings import load_settings
    from schemas.report import last_report

    settings = load_settings()
    store = Store(settings.store)
    lines = []
    for entry in load_catalogue(settings).values():
        for source in entry.sources:
            report = last_report(store, source.dataset, source.partner)
            lines.append(describe(source, report.model_dump(mode="json") if report else None))
    if as_json:
        print_json(lines)
        return
    for line in lines:
        out().print(_sentence(line), markup=False)


def describe(source: Any, report: dict[str, Any] | None) -> dict[str, Any]:
    """A source and its last report as plain JSON values; a broken one has an `error` and nothing declared."""
    from sources.declaration import BrokenSource

    last = None
    if report is not None:
        failure = report["failure"]
        last = {
            "run_at": report["run_at"],
            "state": report["state"],
            **(report["counts"] or {}),
            "stale_since": report["stale_since"],
            "reason": failure["what"] if failure else None,
        }
    named = {"source": source.name, "dataset": source.dataset, "partner": source.partner}
    if isinstance(source, BrokenSource):
        return {**named, "state": "broken", "error": source.error.what, "last": last}
    line = source.line
    return {
        **named,
        "state": line.state,
        "title": line.title.model_dump(),
        "organisation": line.organisation,
        "licence": line.licence,
        "attribution": line.attribution,
        "cadence": line.cadence,
        "kind": line.format.kind,
        "where": line.where.url or line.where.file,
        "last": last,
    }


def _sentence(line: dict[str, Any]) -> str:
    if line["state"] == "broken":
        return f"{line['source']}  BROKEN  {line['error']}"
    last = line["last"]
    said = "never run"
    if last is not None and last["reason"] is not None:
        said = f"failed: {last['reason']}"
    elif last is not None:
        said = f"{last['rows_in']} rows in, {last['to_correct']} to be corrected, {last['on_hold']} on hold"
    head = f"{line['source']}  {line['organisation']}, {line['licence']}, {line['kind']} from {line['where']}"
    return f"{head}, {line['state']}, {line['cadence']}: {said}"
