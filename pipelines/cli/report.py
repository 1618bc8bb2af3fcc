"""`glane report`: what a partner reads after a run.

Belongs here: arguments and what is printed. Does not belong here: the report (schemas/report.py).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import known_language, print_json, print_markdown

if TYPE_CHECKING:
    from glane.store import Store


def report(
    source: Annotated[str, typer.Argument(help="The source.", metavar="DATASET/PARTNER")],
    language: Annotated[
        str | None,
        typer.Option(
            "--lang", help="Language.", show_default="the partner's", callback=known_language, metavar="LANGUAGE"
        ),
    ] = None,
    back: Annotated[
        Path | None,
        typer.Option(
            "--annotated", help="Write the partner's own file back: XLSX, its wrong cells marked.", metavar="FILE"
        ),
    ] = None,
    cleaned: Annotated[
        Path | None,
        typer.Option("--cleaned", help="Write the cleaned copy: its rows as XLSX in our columns.", metavar="FILE"),
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            "--values", help="Write the published values that are not the partner's own: CSV.", metavar="FILE"
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write it as a web page that stands alone.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, for programs.")] = False,
) -> None:
    """Show a partner's last report: what arrived, what was published, what is to be corrected and how."""
    from glane.store import open_store
    from pipelines.catalogue import known_source, load_catalogue
    from pipelines.settings import load_settings
    from schemas.report import last_report
    from schemas.report_text import to_markdown
    from sources.declaration import Source

    settings = load_settings()
    dataset, _, partner = source.partition("/")
    store = open_store(settings.store)
    found = last_report(store, dataset, partner) if partner else None
    if found is None:
        known = known_source(load_catalogue(settings), source)
        raise CallError(f"{known.name} has no report yet.", f"Run it first: glane run {dataset} --source {partner}")
    if _written_back(store, dataset, partner, back, cleaned, values):
        return
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if language is None:
        declared = known_source(load_catalogue(settings), source)
        language = declared.line.answered_in if isinstance(declared, Source) else "fr"
    if page is not None:
        from schemas.report_page import to_page

        page.write_text(to_page(found, language), encoding="utf-8")
        return
    print_markdown(to_markdown(found, language))


def _written_back(
    store: "Store", dataset: str, partner: str, back: Path | None, cleaned: Path | None, values: Path | None
) -> bool:
    """Write the files that were asked for beside the words of the answer; whether there were any."""
    from pipelines.given_back import cleaned_key
    from schemas.report import annotated_key
    from schemas.report_values import values_key

    name = f"{dataset}/{partner}"
    for path, key, nothing in (
        (back, annotated_key, f"Nothing is to be corrected in the last file of {name}."),
        (cleaned, cleaned_key, f"No cleaned copy was made of the last file of {name}: it holds no rows, or too many."),
        (values, values_key, f"Every published value of {name} is the partner's own text."),
    ):
        if path is None:
            continue
        if path.exists():
            raise CallError(f"{path} is there already.", "Name another file.")
        if not store.exists(key(dataset, partner)):
            raise CallError(nothing, "Read its report instead.")
        path.write_bytes(store.read(key(dataset, partner)))
    return any(path is not None for path in (back, cleaned, values))
