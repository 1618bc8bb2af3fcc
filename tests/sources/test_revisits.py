"""How often a source is asked: the laws of the delay."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.declaration import Cadence
from sources.revisits import is_due, longest, next_check

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CADENCES: tuple[Cadence, ...] = ("hourly", "daily", "weekly", "monthly", "yearly")
PERIODS = dict(zip(CADENCES, (1 / 24, 1, 7, 31, 366), strict=True))
cadences = st.sampled_from(CADENCES)
stood = st.timedeltas(timedelta(0), timedelta(days=4000))


def wait(cadence: Cadence, slowest: Cadence | None, unchanged: timedelta) -> timedelta:
    at = next_check(cadence, slowest, checked=NOW, changed=NOW - unchanged)
    assert at is not None
    return at - NOW


@given(cadences, st.none() | cadences, stood)
def test_the_delay_stays_between_the_cadence_and_the_slowest(
    cadence: Cadence, slowest: Cadence | None, unchanged: timedelta
) -> None:
    least, most = timedelta(days=PERIODS[cadence]), timedelta(days=PERIODS[slowest or "weekly"])
    assert least <= wait(cadence, slowest, unchanged) <= max(least, most)
    assert longest(cadence, slowest) == max(least, most)


@given(cadences, st.none() | cadences, stood, stood)
def test_the_longer_it_stands_the_more_seldom_it_is_asked(
    cadence: Cadence, slowest: Cadence | None, one: timedelta, other: timedelta
) -> None:
    short, long = sorted((one, other))
    assert wait(cadence, slowest, short) <= wait(cadence, slowest, long)


@given(cadences, st.none() | cadences, stood)
def test_no_change_waits_longer_than_a_tenth_of_the_time_it_took_to_come(
    cadence: Cadence, slowest: Cadence | None, unchanged: timedelta
) -> None:
    assert wait(cadence, slowest, unchanged) <= max(timedelta(days=PERIODS[cadence]), unchanged / 10)


@pytest.mark.parametrize(("unchanged", "days"), [(0, 1), (10, 1), (20, 2), (70, 7), (700, 7)])
def test_a_daily_source_in_numbers(unchanged: int, days: int) -> None:
    assert wait("daily", None, timedelta(days=unchanged)) == timedelta(days=days)


def test_what_is_declared_may_be_slower_than_a_week() -> None:
    assert wait("daily", "monthly", timedelta(days=700)) == timedelta(days=31)
    assert next_check("once", None, checked=NOW, changed=NOW) is None


def test_a_tick_a_little_early_is_no_reason_to_wait_for_the_next() -> None:
    at = NOW + timedelta(days=28)
    # The first of March, after a check on the first of February.
    assert is_due(next_check("monthly", None, checked=NOW, changed=NOW), "monthly", at)
    assert is_due(None, "daily", NOW)
    assert not is_due(NOW + timedelta(hours=20), "daily", NOW)
    assert not is_due(None, "once", NOW)
