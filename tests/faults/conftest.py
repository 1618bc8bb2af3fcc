"""The bench of the faults, made once a worker; and how much of the matrix is tried: a slice of it (`make test`), a cut
(GLANE_FAULTS=cut, `make faults-cut`), or all of it (GLANE_FAULTS=whole, `make faults`), with its figures at the end.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.faults.scenario import Trials, trying
from tests.fixtures_portal import Portal

WHOLE = os.environ.get("GLANE_FAULTS") == "whole"
CUT = WHOLE or os.environ.get("GLANE_FAULTS") == "cut"
_SLICE = (
    "readers_see_one_version_and_the_last_run_converges[ordinary]",
    "[ordinary-package_revise+files-answer lost]",
    "[removing-datastore_delete-429]",
    "[major-package_revise+files-403 of a firewall]",
    "[first-package_revise+files-cut]",
    "test_wrong_bytes_read_back_are_never_linked",
    "test_a_resource_that_somebody_deleted_comes_back",
    "test_two_publishers_of_one_store_come_one_after_the_other",
    "makes_it_whole[removing]",
    "test_a_disk_that_takes_no_more",
    "test_calls.py",
)
"""What `make test` tries: each kind of publication and each kind of disturbance once, in a minute or two."""
_FIGURE = "faults: "


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rest = pytest.mark.skip(reason="a cut of the matrix: make faults-cut")
    for item in items:
        if not CUT and "tests/faults/" in item.nodeid and not any(name in item.nodeid for name in _SLICE):
            item.add_marker(rest)


@pytest.fixture(scope="session")
def bench(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    with trying(portal, tmp_path_factory.mktemp("faults")) as trials:
        yield trials


@pytest.fixture
def trials(bench: Trials, record_property: Callable[[str, object], None]) -> Iterator[Trials]:
    """The bench, for one test; what the test came to is counted."""
    bench.look_around()
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
