"""`glane check`: what is wrong with a file, before it is sent.

Belongs here: arguments, which judge is asked, how the answer is printed. Does not belong here: judging (schemas/).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glane.errors import CallError
from pipelines.cli.say import known_language, out, print_json, print_markdown, reading

if TYPE_CHECKING:
    from schemas.report import SourceReport

# Beyond this many bytes the errors are told one a line, as the engine finds them: grouping them holds all rows in
# memory, and ten gigabytes must not.
_LARGE = 200_000_000


def check(
    file: Annotated[Path, typer.Argument(help="The file to check.", exists=False, metavar="FILE")],
    schema: Annotated[
        str | None, typer.Option("--schema", help="Check against this Table Schema (a JSON file), and nothing more.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Check as if this partner had sent it.", metavar="DATASET/PARTNER"),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", help="Check a file that already has this dataset's fields.", metavar="DATASET[/TABLE]"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: a Frictionless report; with --source, the partner's report.")
    ] = False,
    back: Annotated[
        Path | None,
        typer.Option("--annotated", help="With --source: write the file back as XLSX, its wrong cells marked."),
    ] = None,
    cleaned: Annotated[
        Path | None,
        typer.Option(
            "--cleaned", help="With --source: write its rows as XLSX, cleaned, in our columns, to go on with."
        ),
    ] = None,
    limit_errors: Annotated[
        int | None, typer.Option(min=1, help="With --schema: stop after so many errors.", show_default="none")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--lang", help="Its language.", show_default="the partner's", callback=known_language)
    ] = None,
) -> None:
    """Say which cells of a file are wrong and what to write instead. Exit code 0: nothing to correct; 1: something is.

    Say against what with one of --schema, --source and --dataset.
    """
    if [schema, source, dataset].count(None) != 2:
        raise CallError("Say against what to check the file.", "Give one of --schema, --source and --dataset.")
    if limit_errors is not None and schema is None:
        raise CallError("--limit-errors goes with --schema.", "Leave it out: all errors are found.")
    _check_written(source, {"--annotated": back, "--cleaned": cleaned})
    if not file.is_file():
        raise CallError(f"There is no file {file}.", "Check the path.")
    if schema is not None:
        if "://" not in schema and not Path(schema).is_file():
            raise CallError(f"There is no Table Schema {schema}.", "Check the path.")
        right = _by_schema(file, schema, as_json=as_json, limit_errors=limit_errors, language=language or "en")
    elif dataset is not None:
        right = _by_dataset(file, dataset, as_json=as_json, language=language)
    else:
        right = _as_source(file, str(source), back, cleaned, as_json=as_json, language=language)
    raise typer.Exit(0 if right else 1)


def _check_written(source: str | None, files: dict[str, Path | None]) -> None:
    for option, path in files.items():
        if path is not None and (source is None or path.exists()):
            what = f"{option} goes with --source." if source is None else f"{path} is there already."
            raise CallError(what, "Say as which partner's file it is." if source is None else "Name another file.")


def _by_schema(file: Path, schema: str, *, as_json: bool, limit_errors: int | None, language: str) -> bool:
    if as_json or limit_errors is not None or file.stat().st_size > _LARGE:
        from schemas.conform import validate

        with reading(file.name) as told:
            report = validate(file, schema, limit_errors=limit_errors, progress=told)
        if as_json:
            print_json(report.to_frictionless())
            return report.valid
        for error in report.errors:
            out().print(error.message, markup=False)
        out().print(f"{report.stats.errors} errors in {report.stats.rows} rows", markup=False)
        return report.valid
    from schemas.check import check_against_schema

    with reading(file.name) as told:
        report, answer = check_against_schema(file, schema, progress=told)
    _print(answer, language, report.valid, [error.message for error in report.errors])
    return report.valid


def _by_dataset(file: Path, name: str, *, as_json: bool, language: str | None) -> bool:
    from pipelines.catalogue import find_dataset, find_table, load_catalogue
    from pipelines.settings import load_settings
    from schemas.check import check_against_dataset

    found = find_dataset(load_catalogue(load_settings()), name.partition("/")[0])
    with reading(file.name) as told:
        report, answer = check_against_dataset(file, found, find_table(found, name.partition("/")[2]), progress=told)
    right = report.valid and not answer.of_severity("error")
    if as_json:
        # The engine's report, and beside it what Glane's own rules and term lists add.
        print_json({**report.to_frictionless(), "glane": answer.model_dump(mode="json")})
    else:
        _print(answer, language or found.line.language, report.valid, [error.message for error in report.errors])
    return right


def _as_source(
    file: Path, name: str, back: Path | None, cleaned: Path | None, *, as_json: bool, language: str | None
) -> bool:
    from glane.store import open_store
    from pipelines.catalogue import find_source, load_catalogue
    from pipelines.given_back import annotated, cleaned_copy
    from pipelines.judging import answer_to
    from pipelines.settings import load_settings
    from sources.identity.ids import past_of

    settings = load_settings()
    dataset, source = find_source(load_catalogue(settings), name)
    past = past_of(open_store(settings.store), source.dataset, source.partner)
    answer, found = answer_to(source, dataset, file, past)
    marked = annotated(source, dataset, found) if back is not None and found is not None else None
    if back is not None and marked is not None:
        back.write_bytes(marked)
    copy = cleaned_copy(source, dataset, found) if cleaned is not None and found is not None else None
    if cleaned is not None and copy is not None:
        cleaned.write_bytes(copy)
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        _print(answer, language or source.line.answered_in, True, [])
    return answer.failure is None and not answer.of_severity("error")


def _print(answer: "SourceReport", language: str, valid: bool, errors: list[Any]) -> None:
    """The partner's answer; where the file could not even be read row by row, the engine's own words."""
    if not valid and not answer.problems:
        for error in errors:
            out().print(error, markup=False)
        return
    from schemas.report_text import to_markdown

    print_markdown(to_markdown(answer, language))
