"""The steward's list as an asset of Dagit's, made anew every morning.

Belongs here: what Dagster is told of the list. Does not belong here: what waits (today.py).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import dagster as dg

from glane.store import open_store
from pipelines.automation import TIMEZONE
from pipelines.catalogue import Entry
from pipelines.first_seen import note_seen
from pipelines.settings import Settings
from pipelines.today import waiting
from pipelines.today_sources import Waiting

ASSET = "today"
JOB = "morning"
"""Another name than the asset's: Dagster takes the two for one otherwise."""

_EVERY_MORNING = "0 7 * * *"


def morning(catalogue: Mapping[str, Entry], settings: Settings) -> dg.Definitions:
    """The asset `today`, the job `morning` that makes it, and its daily schedule."""

    @dg.asset(name=ASSET, group_name="stewards", description="What waits for a person: why, whom to ask, what to type.")
    def today() -> dg.MaterializeResult[None]:
        store = open_store(settings.store)
        now = datetime.now(UTC)
        found = waiting(catalogue.values(), store, now)
        note_seen(store, found, now.isoformat(timespec="seconds"))
        return dg.MaterializeResult(metadata={"waiting": len(found), "list": dg.MetadataValue.md(as_markdown(found))})

    job = dg.define_asset_job(JOB, selection=dg.AssetSelection.assets(ASSET), description="Makes the list anew.")
    daily = dg.ScheduleDefinition(
        name=f"{JOB}_daily",
        job=job,
        cron_schedule=_EVERY_MORNING,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return dg.Definitions(assets=[today], jobs=[job], schedules=[daily])


def as_markdown(found: Iterable[Waiting]) -> str:
    """The list as Dagit shows it, grouped by kind."""
    by_kind: dict[str, list[Waiting]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one)
    parts = []
    for kind, mine in by_kind.items():
        parts.append(f"### {kind[0].upper()}{kind[1:]}")
        parts += [_line(one) for one in mine]
    return "\n\n".join(parts) or "Nothing waits."


def _line(one: Waiting) -> str:
    since = f", since {datetime.fromisoformat(one.since):%d %B %Y}" if one.since else ""
    return f"**{one.about}**{since}: {one.why} Ask {one.whom}. `{one.command}`"
