"""`glane source`: the partners' sources: new ones, what there is, and their acceptance tests.

Belongs here: arguments and what is printed. Does not belong here: declarations (sources/declaration.py), proposing one
(sources/proposal), running a sample (sources/testing.py).
"""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glane.errors import GlaneError
from pipelines.cli.say import day, out, print_json

if TYPE_CHECKING:
    from schemas.dataset import Dataset
    from sources.declaration import Source

app = typer.Typer(no_args_is_help=True, help="The partners' sources: propose, list and test them.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """List every source: whose it is, its licence, where its data comes from, when it is asked again, and what the
    last run made of it."""
    from glane.store import open_store
    from pipelines.catalogue import BrokenDataset, load_catalogue
    from pipelines.consenting import mailed_file
    from pipelines.settings import load_settings
    from pipelines.visits import state_of

    settings = load_settings()
    store = open_store(settings.store)
    now = datetime.now(UTC)
    lines = []
    for entry in load_catalogue(settings).values():
        for source in entry.sources:
            report, visits = state_of(source, store, now)
            line = describe(source, report.model_dump(mode="json") if report else None) | visits
            line["mailed"] = mailed_file(source, store)
            if isinstance(entry.dataset, BrokenDataset):
                # Nothing of it runs, however right the source itself is.
                line |= {"state": "broken", "error": entry.dataset.error.what}
            lines.append(line)
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
            "failing_runs": report["failing_runs"],
            "failing_since": report["failing_since"],
            "data_of": report["arrival"]["fetched_at"] if report["arrival"] else None,
            "absent": report["absent"],
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
        "where": line.where.address,
        "last": last,
    }


def _sentence(line: dict[str, Any]) -> str:
    if line["state"] == "broken":
        return f"{line['source']}  BROKEN  {line['error']}"
    last = line["last"]
    said = "never run"
    if last is not None and last["reason"] is not None:
        runs = last["failing_runs"]
        failing = f"failing for {runs} runs since {day(last['failing_since'])}" if runs > 1 else "failed"
        stale = "; its last good rows stay" if last["stale_since"] else ""
        said = f"{failing}: {last['reason']}{stale}"
    elif last is not None:
        said = f"{last['rows_in']} rows in, {last['to_correct']} to be corrected, {last['on_hold']} on hold"
        said += f", data of {day(last['data_of'])}" if last["data_of"] else ""
    for absent in last["absent"] if last is not None else ():
        missing = f"{absent['rows']} no longer in the file since {day(absent['since'])}"
        said += f"; {missing}, leaving on {day(absent['leave_on'])}"
    head = f"{line['source']}  {line['organisation']}, {line['licence']}, {line['kind']} from {line['where']}"
    if line["freshness"] in ("late", "expired"):
        said += {
            "late": f"; LATE: it was to be asked on {day(line['next_check'])}",
            "expired": "; its rows are too old and no longer published",
        }[line["freshness"]]
    mailed = line["mailed"]
    if mailed is not None and mailed["standing"] == "waits":
        asked = f", asked for on {day(mailed['asked_at'])}" if mailed["asked_at"] else ""
        said += f"; {mailed['file']} of {day(mailed['came_at'])} waits for the partner's yes{asked}"
    elif mailed is not None and mailed["standing"] == "expired":
        said += f"; {mailed['file']} of {day(mailed['came_at'])} was never agreed to: ask the partner"
    following = f" (next check {day(line['next_check'])})" if line["next_check"] else ""
    return f"{head}, {line['state']}{following}, {line['cadence']}: {said}"


@app.command("new")
def new_source(
    dataset: Annotated[
        str, typer.Argument(help="The dataset it is for, or one table of it.", metavar="DATASET[/TABLE]")
    ],
    name: Annotated[str, typer.Argument(help="The new source's name, which its rows' ids begin with: my-hub.")],
    file: Annotated[str, typer.Argument(help="The partner's file, or its address.", metavar="FILE-OR-URL")],
    licence: Annotated[str | None, typer.Option(help="The licence that the partner gave (SPDX): etalab-2.0.")] = None,
    attribution: Annotated[str | None, typer.Option(help="How the partner wants to be credited.")] = None,
    organisation: Annotated[str | None, typer.Option(help="The partner.", show_default="the attribution")] = None,
    identity: Annotated[
        list[str] | None, typer.Option("--id", help="The column that tells rows apart (several: repeat).")
    ] = None,
    country: Annotated[str, typer.Option(help="The partner's country (ISO 3166-1 alpha-2).")] = "FR",
    language: Annotated[str, typer.Option(help="The language of the file.")] = "fr",
    private: Annotated[bool, typer.Option("--private", help="The address is on a network of your own.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; harvest it from the next run on.")] = False,
    as_json: Json = False,
) -> None:
    """Propose the declaration of a new partner out of its file: write the folder, and say what becomes of every row.

    What it is unsure of is marked `# ?` in source.yaml; until somebody wrote `state: active`, nothing is harvested.
    """
    from pipelines.cli.proposing import ask_credit, begin, told

    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        scratch = Path(folder)
        begun = begin(
            dataset, name, file, scratch, country=country, language=language, identity=identity or (), private=private
        )
        credit = ask_credit(licence, attribution, organisation, language=language, country=country, ask=not yes)
        answer = begun.write(credit, active=yes)
    if as_json:
        print_json(answer)
    else:
        told(answer)


@app.command("test")
def run_tests(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Sources to test.", show_default="all of them", metavar="[DATASET/PARTNER]..."),
    ] = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write what the sample becomes today to expected.csv: read it, then keep it."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run each source's sample and compare what it becomes with its expected.csv. Exit code 1: they differ."""
    from pipelines.catalogue import find_source, known_source, load_catalogue
    from pipelines.settings import load_settings

    catalogue = load_catalogue(load_settings())
    names = sources or [source.name for entry in catalogue.values() for source in entry.sources]
    # A name that is not there is a wrong call, and known before anything runs.
    for name in sources or []:
        known_source(catalogue, name)
    tested = []
    for name in names:
        tested.append(_test(name, partial(find_source, catalogue, name), write=write))
        if not as_json:
            _show(tested[-1])
    if as_json:
        print_json(tested)
    raise typer.Exit(max((0 if line["ok"] else 1) for line in tested) if tested else 0)


def _test(name: str, find: Callable[[], "tuple[Dataset, Source]"], *, write: bool) -> dict[str, Any]:
    """One source's test as plain JSON values: one that cannot be run has failed, and the others go on."""
    from sources.testing import run_sample, write_expected

    try:
        dataset, source = find()
        written = str(write_expected(source, dataset)) if write else None
        result = run_sample(source, dataset)
    except GlaneError as error:
        return {"source": name, "ok": False, "counts": None, "differences": [str(error)], "written": None}
    return {
        "source": name,
        "ok": result.ok,
        "counts": result.counts.model_dump(),
        "differences": list(result.differences),
        "written": written,
    }


def _show(line: dict[str, Any]) -> None:
    counts = line["counts"]
    said = ""
    if counts is not None:
        said = (
            f"{counts['rows']} rows in: {counts['published']} may be published, {counts['to_correct']} to be "
            f"corrected, {counts['on_hold']} on hold"
        )
    out().print(f"{'ok    ' if line['ok'] else 'FAILED'}  {line['source']}  {said}".rstrip(), markup=False)
    for difference in line["differences"]:
        out().print(f"        {difference}", markup=False)
    if line["written"] is not None:
        out().print(f"        written: {line['written']}", markup=False)
