"""`glane ui`: Dagit and its daemon in the foreground.

Belongs here: arguments, what is printed, signals. Does not belong here: the processes (pipelines/services.py).
"""

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from pipelines.cli.say import err, out


def ui(
    port: Annotated[
        int | None,
        typer.Option(
            envvar="GLANE_UI_PORT", help="Port to use, and no other.", show_default="the first free from 3000"
        ),
    ] = None,
) -> None:
    """Open Dagit, where a steward watches runs, checks and reports; its daemon harvests on schedule while it runs.

    It listens on this machine only, reads declarations again when they change, and stops with Ctrl-C.
    """
    from pipelines.instance import open_instance
    from pipelines.services import dagit, watch
    from pipelines.settings import load_settings

    settings = load_settings()
    # Makes the home, and closes the runs that a killed process left open.
    with open_instance(settings.dagster_home):
        pass
    stop = threading.Event()

    def asked(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, asked)
    err().print("Starting Dagit ...")
    with dagit(settings, port, stop.wait) as running:
        if not stop.is_set():
            out().print(f"Dagit: {running.url}")
        err().print(f"Logs: {running.services[0].log.parent}. Stop with Ctrl-C.")
        watch(running, stop.wait, lambda text: err().print(text))
        err().print("Stopping Dagit ...")
