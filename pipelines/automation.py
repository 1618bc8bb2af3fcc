"""What runs when: schedules by the sources' cadence, sensors on their files and declarations, releases after them.

Belongs here: the decisions (pure) and the thin schedules and sensors around them; all are declared running. Does not
belong here: what the runs do (harvesting.py, releasing.py).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import cast

import dagster as dg

from glane.store import Store
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.gracing import ended
from pipelines.harvesting import is_harvested
from pipelines.naming import group_of, name_of, source_keys
from pipelines.taken_in import is_taken_in
from pipelines.visits import due
from schemas.dataset import Dataset
from sources.declaration import BrokenSource, Source, load_sources

DATASET_TAG = "glane/dataset"
TIMEZONE = "Europe/Paris"
CRON = {
    "hourly": "17 * * * *",
    "daily": "0 3 * * *",
    "weekly": "0 3 * * 1",
    "monthly": "0 3 1 * *",
    "yearly": "0 3 2 1 *",
}
_AFTER_THE_NIGHT = "0 5 * * *"
_SECONDS_BETWEEN_LOOKS = 30


def after_its_sources() -> dg.AutomationCondition[dg.AssetKey]:
    """Releases follow whatever was harvested: a source that failed, or never came, does not hold back the others."""
    condition = dg.AutomationCondition
    after = (
        condition.any_deps_updated().since_last_handled() & ~condition.any_deps_in_progress() & ~condition.in_progress()
    )
    return cast("dg.AutomationCondition[dg.AssetKey]", after.with_label("after its sources"))


def release_sensor(entry: Entry) -> dg.AutomationConditionSensorDefinition:
    """Requests a dataset's release when its sources brought something; one of its own, so datasets do not wait."""
    return dg.AutomationConditionSensorDefinition(
        name=name_of(entry.name, "release"),
        target=dg.AssetSelection.groups(group_of(entry.name)),
        run_tags={DATASET_TAG: entry.name},
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
    )


def cadences(entry: Entry) -> dict[str, list[str]]:
    """Which partners are due at which cadence. A broken source is asked daily: every day says what is wrong."""
    due: dict[str, list[str]] = {}
    for source in entry.sources:
        if is_harvested(source):
            cadence = "daily" if isinstance(source, BrokenSource) else source.line.cadence
            if cadence in CRON:
                due.setdefault(cadence, []).append(source.partner)
    return due


def schedules(entry: Entry, job: str, store: Store) -> list[dg.ScheduleDefinition]:
    """One schedule of the harvest `job` for each cadence that the dataset's sources declare."""
    return [_schedule(entry, job, store, cadence, partners) for cadence, partners in sorted(cadences(entry).items())]


def _schedule(entry: Entry, job: str, store: Store, cadence: str, partners: list[str]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name_of(entry.name, cadence),
        description=f"Harvests those of the {cadence} sources of {entry.name} that are due: {', '.join(partners)}.",
        job_name=job,
        cron_schedule=CRON[cadence],
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(UTC)
        asked = [partner for partner in partners if due(entry.source(partner), store, now)]
        if not asked:
            return dg.SkipReason("None of them is due: a source that has not changed for long is asked more seldom.")
        return dg.RunRequest(asset_selection=_assets(entry, asked))

    return tick


def grace_schedule(entry: Entry, job: str, store: Store) -> dg.ScheduleDefinition:
    """Requests the release `job` on the day on which a grace period ends, for no source need be due on that day."""

    @dg.schedule(
        name=name_of(entry.name, "grace"),
        description=f"Makes a version of {entry.name} without the rows whose grace period is over.",
        job_name=job,
        cron_schedule=_AFTER_THE_NIGHT,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.astimezone(UTC).date()
        over = () if isinstance(entry.dataset, BrokenDataset) else ended(entry, entry.dataset, store, today)
        if not over:
            return dg.SkipReason("No row is missing from its file for so long that it leaves.")
        return dg.RunRequest(run_key=f"grace {today}")

    return tick


def changes_sensor(entry: Entry, job: str, store: Store, root: Path) -> dg.SensorDefinition:
    """Harvests exactly the sources whose file or declaration changed since the last look."""

    @dg.sensor(
        name=name_of(entry.name, "changes"),
        description=f"Harvests a source of {entry.name} when its file or declaration changes.",
        job_name=job,
        minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def changes(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        # Read anew at each look: the graph may have been loaded before the declaration changed.
        known = source_keys(entry)
        sources = [s for s in load_sources(root, entry.name) if s.partner in known and is_harvested(s)]
        now = {source.partner: signature(source, entry.dataset) for source in sources}
        before = json.loads(context.cursor) if context.cursor else taken_in_before(sources, entry, store, now)
        changed = changed_since(before, now)
        if not changed:
            return dg.SensorResult(skip_reason=dg.SkipReason("No file or declaration changed."), cursor=json.dumps(now))
        signatures = json.dumps({partner: now[partner] for partner in changed})
        request = dg.RunRequest(
            run_key=hashlib.sha256(signatures.encode()).hexdigest(), asset_selection=_assets(entry, changed)
        )
        return dg.SensorResult(run_requests=[request], cursor=json.dumps(now))

    return changes


def signature(source: Source | BrokenSource, dataset: Dataset | BrokenDataset) -> str:
    """Changes when the declaration, what judges its rows, or the file beside it changes (size and time, not bytes)."""
    parts = ["" if isinstance(dataset, BrokenDataset) else dataset.fingerprint]
    if isinstance(source, BrokenSource):
        parts.append(hashlib.sha256((source.folder / "source.yaml").read_bytes()).hexdigest())
    else:
        parts.append(source.fingerprint)
        if source.line.where.file is not None:
            path = source.folder / source.line.where.file
            stat = path.stat() if path.exists() else None
            parts.append(f"{stat.st_size}:{stat.st_mtime_ns}" if stat else "missing")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def changed_since(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The partners whose signature is new or another one than before, in alphabetical order."""
    return sorted(partner for partner, signed in now.items() if before.get(partner) != signed)


def taken_in_before(
    sources: list[Source | BrokenSource], entry: Entry, store: Store, now: Mapping[str, str]
) -> dict[str, str]:
    """What the first look compares with: sources that `glane run` took in as they are now are not harvested again."""
    return {s.partner: now[s.partner] for s in sources if is_taken_in(s, entry.dataset, store)}


def _assets(entry: Entry, partners: list[str]) -> list[dg.AssetKey]:
    keys = source_keys(entry)
    return [key for partner in partners for key in (keys[partner].snapshot, keys[partner].rows)]
