"""What a run costs is said, for the run and for a year; in its own words and as JSON."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from glane.store import FolderStore
from pipelines.cli.say import size
from pipelines.traffic import Traffic, history, remember
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons


def _cost(glane: Glane) -> dict[str, Any]:
    said = glane("run", "--json")
    cost: dict[str, Any] = json.loads(said.out)["datasets"][0]["cost"]
    return cost


def _kept(commons: Commons) -> dict[str, int]:
    return {
        kind: sum(path.stat().st_size for path in (commons.settings.store / kind).rglob("*") if path.is_file())
        for kind in ("raw", "rows", "reports", "versions")
    }


def test_bytes_received_written_sent_and_kept_are_said_per_run_and_per_year(commons: Commons, glane: Glane) -> None:
    first = glane("run")
    store = FolderStore(commons.settings.store)
    (day,) = history(store, "lieux").values()
    kept = _kept(commons)
    assert (day.kept, day.sent) == (sum(kept.values()), 0)
    # All that is kept was written today, and pointers and reports more than once.
    assert sum(kept.values()) < day.written < 2 * sum(kept.values())
    assert f"  {day.received} bytes received, " in first.out
    assert "a year, at most, were its 365 declared runs like this one: " in first.out
    again = _cost(glane)
    (day,) = history(store, "lieux").values()
    assert again["kept"] == _kept(commons)
    assert again["moved"] == {"received": day.received // 2, "written": again["moved"]["written"], "sent": 0}
    assert 0 < again["moved"]["written"] < day.written / 2
    assert again["year"] == {
        "received": 365 * again["moved"]["received"],
        "written": 365 * again["moved"]["written"],
        "sent": 0,
        "kept": 365 * again["moved"]["written"],
        "days": None,
        "runs": 365,
    }


def test_from_the_second_day_on_the_year_is_that_of_the_days_that_were(commons: Commons, glane: Glane) -> None:
    store = FolderStore(commons.settings.store)
    begun = datetime.now(UTC).date() - timedelta(days=2)
    remember(store, "lieux", Traffic(999_999, 999_999, 999_999), kept=1_000, today=begun)
    said = glane("run").out
    today = history(store, "lieux")[max(history(store, "lieux"))]
    grown = round((sum(_kept(commons).values()) - 1_000) * 365 / 2)
    assert f"  a year, at the rate of the last 2 days: {size(round(today.received * 365 / 2))} received, " in said
    assert f", 0 bytes sent, {size(grown)} more kept" in said
