"""What is on its way to a portal, shown while it goes: bars on a terminal, plain lines elsewhere.

Belongs here: when something is worth a bar or a line. Does not belong here: sending it (publish/ckan), the rest of a
run (outcome.py).
"""

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID

from pipelines.release import Sending

MOMENT = 1.0
"""Seconds that something may take before it is worth a bar or a line."""

EVERY = 10.0
"""Seconds between two lines of the same thing."""


class OnItsWay:
    """Shows each Sending: as a task of `bar`, or as lines of `console` where there is none."""

    def __init__(self, console: Console, bar: Progress | None) -> None:
        self._console, self._bar = console, bar
        self._next: dict[tuple[str, str], float] = {}
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def show(self, event: Sending) -> None:
        """So much of it has gone."""
        key, now = (event.dataset, event.what), time.monotonic()
        due = now >= self._next.setdefault(key, now + MOMENT)
        if self._bar is not None:
            self._move(self._bar, key, event, due)
        elif due or (event.done >= event.total and key in self._tasks):
            self._tasks[key] = TaskID(0)
            self._next[key] = now + EVERY
            share = f"{100 * event.done // max(event.total, 1)} %" if event.done < event.total else "sent"
            self._console.print(f"{event.dataset}: {event.what}: {share}", markup=False)
        if event.done >= event.total:
            self._next.pop(key)
            self._tasks.pop(key, None)

    def _move(self, bar: Progress, key: tuple[str, str], event: Sending, due: bool) -> None:
        if due and key not in self._tasks:
            self._tasks[key] = bar.add_task(escape(f"{event.dataset}: {event.what}"), total=event.total)
        if key not in self._tasks:
            return
        bar.update(self._tasks[key], completed=event.done, total=event.total)
        if event.done >= event.total:
            bar.remove_task(self._tasks[key])
