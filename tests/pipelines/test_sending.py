"""What is on its way to a portal is shown once it takes more than a moment: a bar on a terminal, lines elsewhere."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from pipelines.cli import sending
from pipelines.cli.sending import OnItsWay
from pipelines.release import Sending


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(sending.time, "monotonic", lambda: now[0])
    return now


def shown(seconds: list[float], clock: list[float]) -> str:
    """What stands on a console that is no terminal when each tenth of a table took so many seconds."""
    out = io.StringIO()
    display = OnItsWay(Console(file=out), None)
    for done, pause in enumerate(seconds):
        display.show(Sending("sites", "DataStore table complete", done + 1, len(seconds)))
        clock[0] += pause
    return out.getvalue()


def test_what_is_quick_is_not_worth_a_line(clock: list[float]) -> None:
    assert shown([0.05] * 10, clock) == ""


def test_what_is_slow_gets_a_line_every_ten_seconds_and_one_at_the_end(clock: list[float]) -> None:
    assert shown([4.0] * 10, clock).splitlines() == [
        "sites: DataStore table complete: 20 %",
        "sites: DataStore table complete: 50 %",
        "sites: DataStore table complete: 80 %",
        "sites: DataStore table complete: sent",
    ]


def test_on_a_terminal_a_bar_comes_after_a_moment_and_goes_at_the_end(clock: list[float]) -> None:
    bar = Progress(console=Console(file=io.StringIO(), force_terminal=True))
    display = OnItsWay(bar.console, bar)
    counts = []
    for done in range(1, 5):
        display.show(Sending("sites", "complete.csv and 3 more", done, 4))
        clock[0] += 0.6
        counts.append([(task.description, task.completed, task.total) for task in bar.tasks])
    assert counts == [[], [], [("sites: complete.csv and 3 more", 3, 4)], []]
