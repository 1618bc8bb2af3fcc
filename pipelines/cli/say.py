"""How commands speak: results on standard output, what is going on on standard error.

Belongs here: the two consoles, JSON, sizes and dates as people write them. Does not belong here: what is said.
"""

import json
import sys
from datetime import datetime

from rich.console import Console


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


def print_markdown(text: str) -> None:
    """Markdown laid out on a terminal, as it is elsewhere."""
    console = out()
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        sys.stdout.write(text)


def _console(*, stderr: bool) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True)
