"""`glane source`."""

import typer

app = typer.Typer(no_args_is_help=True, help="Partners' sources.")
