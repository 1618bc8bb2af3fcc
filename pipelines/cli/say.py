"""How commands speak: results on standard output, what is going on on standard error.

Belongs here: the two consoles, JSON, sizes and dates as people write them. Does not belong here: what is said.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console

from glane.errors import CallError


def out() -> Console:
    """Where results go: coloured on a terminal, plain lines elsewhere, never cut to a width nobody asked for."""
    return _console(stderr=False)


def err() -> Console:
    """Where progress and remarks go, so that a program reading the results never meets them."""
    return _console(stderr=True)


def print_json(value: object) -> None:
    """One JSON value on standard output, for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def size(count: int) -> str:
    """Bytes as people write them: 0 bytes, 812 bytes, 1.4 MB."""
    if count < 1000:
        return f"{count} bytes"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def day(moment: str) -> str:
    """An ISO date or time as a day in words: 21 November 2026."""
    when = datetime.fromisoformat(moment)
    return f"{when.day} {when:%B %Y}"


def known_language(language: str | None) -> str | None:
    """What `--lang` was given, if Glane speaks it. Raises CallError."""
    from schemas.phrases import languages

    if language is not None and language not in languages():
        raise CallError(f"There is no language {language!r}.", f"Choose one of {', '.join(languages())}.")
    return language


def print_markdown(text: str) -> None:
    """Markdown laid out on a terminal, as it is elsewhere."""
    console = out()
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        sys.stdout.write(text)


@contextmanager
def reading(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, once reading `name` has taken more than a second; what it yields is told (bytes, of all)."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console, begun = err(), time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=time.monotonic() - begun > 1)

        yield tell


def _console(*, stderr: bool) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True)
