"""`glane report`: what a partner reads after a run.

Belongs here: arguments and what is printed. Does not belong here: the report (schemas/report.py).
"""

from typing import Annotated, Literal

import typer


def report(
    source: Annotated[str, typer.Argument(help="The source, as dataset/partner.", metavar="DATASET/PARTNER")],
    language: Annotated[
        Literal["fr", "en"] | None, typer.Option("--lang", help="Language.", show_default="the partner's")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, for programs.")] = False,
) -> None:
    """Show a partner's last report: what arrived, what was published, what is to be corrected and how."""
