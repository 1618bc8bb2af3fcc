"""The law of the engine: its report is frictionless' report, whatever the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from frictionless import FrictionlessException
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from schemas.conform import SchemaError
from tests.conform.comparing import Case, assert_same, by_rows, comparable, first_difference, reference, write
from tests.conform.strategies import cases, keyed_cases, referring_cases

EXAMPLES = int(os.environ.get("GLANE_CONFORM_EXAMPLES", "200"))
# Shrinking a failure may take minutes: `GLANE_CONFORM_SHRINK=0` shows it as it was found.
PHASES = [
    phase
    for phase in Phase
    if phase is not Phase.explain and (phase is not Phase.shrink or os.environ.get("GLANE_CONFORM_SHRINK", "1") == "1")
]
nasty = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


def judge(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr("schemas.conform.columnar.CHUNK", chunk)
    try:
        report = assert_same(case, folder)
    except (FrictionlessException, SchemaError) as error:
        event(f"the schema is refused: {type(error).__name__}")
        return
    event(f"{report.engine}: {(report.fallback or '')[:40]}")


CHUNKS = st.sampled_from([1 << 23, 32, 100])


@pytest.mark.timeout(900)
@nasty
@given(case=cases(), chunk=CHUNKS)
def test_any_small_file_gets_frictionless_report(
    case: Case, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(case, tmp_path, monkeypatch, chunk)


@pytest.mark.timeout(900)
@nasty
@given(case=keyed_cases(), chunk=CHUNKS)
def test_keys_of_any_type_and_width_get_frictionless_report(
    case: Case, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(case, tmp_path, monkeypatch, chunk)


@pytest.mark.timeout(900)
@nasty
@given(case=referring_cases(), chunk=CHUNKS)
def test_foreign_keys_within_and_between_files_get_frictionless_report(
    case: Case, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(case, tmp_path, monkeypatch, chunk)


@pytest.mark.timeout(900)
@settings(nasty, max_examples=max(1, EXAMPLES // 5))
@given(case=cases() | keyed_cases())
def test_row_by_row_gives_frictionless_report_too(case: Case, tmp_path: Path) -> None:
    write(case, tmp_path)
    try:
        expected = reference(case, tmp_path)
    except FrictionlessException:
        return
    if not isinstance(expected, Exception):
        report = by_rows(case, tmp_path).to_frictionless()
        assert first_difference(report, expected) is None
        assert comparable(report) == comparable(expected)
