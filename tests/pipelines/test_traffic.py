"""What a dataset costs a year, reckoned from what its days were like."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from glane.store import Store, open_store
from pipelines.traffic import Day, Traffic, Year, a_year, history, kept_of, remember

TODAY = date(2026, 11, 22)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def days(*moved: tuple[int, Day]) -> dict[str, Day]:
    """What was moved so many days ago."""
    return {(TODAY - timedelta(days=ago)).isoformat(): day for ago, day in moved}


def test_runs_of_one_day_add_up_and_what_is_kept_is_what_the_store_holds_of_the_dataset(store: Store) -> None:
    store.write("raw/lieux/angers/" + "a" * 64, b"x" * 70)
    store.write("versions/lieux/1.0.0/lieux-places.csv", b"x" * 30)
    store.write("versions/autres/1.0.0/autres-places.csv", b"x" * 500)
    store.write("reports/lieux/angers/latest.md", b"x" * 5)
    assert kept_of(store, "lieux") == {"raw": 70, "rows": 0, "reports": 5, "versions": 30}
    remember(store, "lieux", Traffic(received=70, written=100), today=TODAY)
    remember(store, "lieux", Traffic(written=5, sent=40), kept=105, today=TODAY)
    remember(store, "lieux", Traffic(sent=1), today=TODAY + timedelta(days=1))
    assert history(store, "lieux") == {
        "2026-11-22": Day(received=70, written=105, sent=40, kept=105),
        "2026-11-23": Day(sent=1, kept=105),
    }


def test_the_first_day_is_told_as_what_its_run_comes_to_at_the_declared_cadence(store: Store) -> None:
    run = Traffic(received=10, written=100, sent=50)
    first = days((0, Day(10, 100, 50, 90)))
    assert a_year(first, run, ["monthly", "daily"], TODAY) == Year(3650, 36500, 18250, 36500, days=None, runs=365)
    assert a_year(first, run, ["monthly", "once"], TODAY) == Year(120, 1200, 600, 1200, days=None, runs=12)
    assert a_year(first, run, ["once"], TODAY) is None
    assert a_year({}, run, ["yearly"], TODAY) == Year(10, 100, 50, 100, days=None, runs=1)


def test_afterwards_it_is_the_rate_of_the_days_since_the_first_which_brought_everything() -> None:
    moved = days((5, Day(9999, 9999, 9999, kept=1000)), (3, Day(10, 20, 30, kept=1015)), (0, Day(5, 5, 5, kept=1020)))
    assert a_year(moved, Traffic(), ["daily"], TODAY) == Year(15 * 73, 25 * 73, 35 * 73, kept=20 * 73, days=5)


def test_of_a_long_past_the_last_thirty_days_count_and_what_was_pruned_lowers_the_growth() -> None:
    moved = days(
        (200, Day(1, 1, 1, kept=5000)),
        (31, Day(7000, 7000, 7000, kept=9000)),
        (30, Day(7000, 7000, 7000, kept=9000)),
        (29, Day(30, 60, 90, kept=9060)),
        (1, Day(0, 0, 0, kept=8000)),
    )
    assert a_year(moved, Traffic(1, 1, 1), ["daily"], TODAY) == Year(
        365, 730, 1095, kept=round(-1000 * 365 / 30), days=30
    )


def test_days_long_gone_are_forgotten_and_a_damaged_file_is_made_anew(store: Store) -> None:
    for ago in range(63, -1, -1):
        remember(store, "lieux", Traffic(sent=1), today=TODAY - timedelta(days=ago))
    assert len(history(store, "lieux")) == 60
    assert min(history(store, "lieux")) == (TODAY - timedelta(days=59)).isoformat()
    for damaged in (b'{"2026-11-22": {"sent"', b"[]", b'{"2026-11-22": {"bytes": 3}}', b'{"then": {}}'):
        store.write("log/traffic/lieux.json", damaged)
        assert history(store, "lieux") == {}
    remember(store, "lieux", Traffic(sent=2), today=TODAY)
    assert history(store, "lieux") == {"2026-11-22": Day(sent=2)}
