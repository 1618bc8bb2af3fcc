"""`glane register`: the record of processing and the information notice, out of what is declared.

Belongs here: arguments and what is printed. Does not belong here: the texts (pipelines/register.py).
"""

from typing import Annotated

import typer

from glane.errors import CallError
from pipelines.cli.say import out


def register(
    datasets: Annotated[list[str] | None, typer.Argument(help="Which datasets.", show_default="all")] = None,
    notice: Annotated[bool, typer.Option("--notice", help="The notice to the people concerned instead.")] = False,
    language: Annotated[str, typer.Option("--lang", help="fr or en.")] = "fr",
) -> None:
    """Write the record of processing (RGPD, article 30) of each dataset as Markdown, or the notice to the people whose
    data may be in it (article 14). What no declaration says is told as missing."""
    from glane.text import LANGUAGES
    from pipelines.catalogue import choose, load_catalogue
    from pipelines.register import notice_of, record_of
    from pipelines.settings import load_settings

    spoken = next((one for one in LANGUAGES if one == language), None)
    if spoken is None:
        raise CallError(f"There is no language {language!r} here.", f"Choose one of {', '.join(LANGUAGES)}.")
    make = notice_of if notice else record_of
    for entry in choose(load_catalogue(load_settings()), datasets or []).values():
        out().print(make(entry, spoken), markup=False, soft_wrap=True)
