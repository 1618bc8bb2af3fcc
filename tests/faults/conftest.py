"""The bench of the faults, made once a worker; and how much of the matrix is tried: a cut of it, or all of it
(GLANE_FAULTS=whole, `make faults`), with the figures of it at the end.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.scenario import Trials, trying
from tests.fixtures_portal import Portal

WHOLE = os.environ.get("GLANE_FAULTS") == "whole"
_FIGURE = "faults: "


@pytest.fixture(scope="session")
def bench(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    with trying(portal, tmp_path_factory.mktemp("faults")) as trials:
        yield trials


@pytest.fixture
def trials(bench: Trials, record_property: Callable[[str, object], None]) -> Iterator[Trials]:
    """The bench, for one test; what the test came to is counted."""
    before = bench.figures()
    yield bench
    for name, count in (bench.figures() - before).items():
        record_property(_FIGURE + name, count)


def count(record_property: Callable[[str, object], None], name: str, number: int) -> None:
    """Add to the figures that are told at the end."""
    record_property(_FIGURE + name, number)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures: Counter[str] = Counter()
    reports = [report for some in terminalreporter.stats.values() for report in some]
    for report in (report for report in reports if getattr(report, "when", "") == "teardown"):
        for name, count in report.user_properties:
            if name.startswith(_FIGURE):
                figures[name.removeprefix(_FIGURE)] += count
    if figures:
        terminalreporter.section("faults")
        for name, count in sorted(figures.items()):
            terminalreporter.write_line(f"{count:>8,} {name}")
