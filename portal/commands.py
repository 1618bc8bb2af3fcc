"""`glane portal`: the embedded portal on the command line.

Belongs here: arguments, help, what is printed, exit codes. Does not belong here: doing it (portal/embedded.py).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from glane.errors import GlaneError
from portal import embedded
from portal.interpreter import default_home

app = typer.Typer(
    no_args_is_help=True,
    help="A real CKAN on this machine, to try Glane with: no root, no Docker, nothing to install by hand.",
)

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Folder the portal keeps its data in.", envvar="GLANE_PORTAL_HOME", show_default=".portal"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option(help="Port to use, and no other.", show_default="the last one, or the next free")
    ] = None,
    home: HomeOption = None,
    loader: Annotated[
        bool, typer.Option("--loader", help="With ckanext-xloader, which fills tables from links, and its worker.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the portal, and print its address once it answers. The first start takes about 15 seconds."""
    _report(embedded.up(home or default_home(), port, _say, loader=loader), as_json)


@app.command()
def down(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Stop the portal. Its datasets and accounts stay for the next start."""
    _report(embedded.down(home or default_home()), as_json)


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say whether the portal runs, at which address, who can sign in, and where its files are."""
    _report(embedded.status(home or default_home()), as_json)


@app.command()
def reset(
    home: HomeOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the portal and remove everything in it. The store keeps the versions: publish again to fill a new one."""
    place = home or default_home()
    if not yes:
        typer.confirm(f"Remove every dataset and account of the portal in {place}?", abort=True, err=True)
    _report(embedded.reset(place), as_json)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _report(known: embedded.Status, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(known.as_json(), indent=1))
        return
    if known.running:
        lines = {
            "The portal runs at": known.url,
            "CKAN": known.version,
            "Organisation": f"{known.url}/organization/{known.organisation}",
            "Editor's API token": f"in {known.token_file} (user {known.editor})",
            "To sign in": f"{known.url}/user/login as {known.sysadmin}; password in {known.sysadmin_password_file}",
            "Logs": known.logs["web"].parent,
            "Processes": ", ".join(f"{name} {pid}" for name, pid in known.processes.items()),
        }
    else:
        lines = {f"The portal is {known.state}": f"(folder {known.home})"}
        if known.problem:
            lines["It ended because"] = known.problem
    for name, value in lines.items():
        typer.echo(f"{name}: {value}")


def main() -> None:
    """Run the commands by themselves, with the exit codes of `glane`: 1 data, 2 call, 3 world."""
    try:
        app(prog_name="glane portal")
    except GlaneError as error:
        typer.echo(f"{error.what}\n{error.remedy}", err=True)
        sys.exit(error.exit_code)
