"""`glane report`: what a partner reads after a run.

Belongs here: arguments and what is printed. Does not belong here: the report (schemas/report.py).
"""

from typing import Annotated, Literal

import typer

from glane.errors import CallError
from pipelines.cli.say import print_json, print_markdown


def report(
    source: Annotated[str, typer.Argument(help="The source.", metavar="DATASET/PARTNER")],
    language: Annotated[
        Literal["fr", "en"] | None, typer.Option("--lang", help="Language.", show_default="the partner's")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, for programs.")] = False,
) -> None:
    """Show a partner's last report: what arrived, what was published, what is to be corrected and how."""
    from glane.store import open_store
    from pipelines.catalogue import known_source, load_catalogue
    from pipelines.settings import load_settings
    from schemas.report import last_report
    from schemas.report_text import to_markdown

    settings = load_settings()
    dataset, _, partner = source.partition("/")
    found = last_report(open_store(settings.store), dataset, partner) if partner else None
    if found is None:
        known = known_source(load_catalogue(settings), source)
        raise CallError(f"{known.name} has no report yet.", f"Run it first: glane run {dataset} --source {partner}")
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if language is None:
        declared = known_source(load_catalogue(settings), source)
        language = "fr" if getattr(getattr(declared, "line", None), "language", "fr") == "fr" else "en"
    print_markdown(to_markdown(found, language))
