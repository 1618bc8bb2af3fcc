"""The whole graph, built from the declarations: assets, checks, jobs, schedules and sensors of every dataset.

Belongs here: putting the parts of each dataset together. Does not belong here: the parts (harvesting.py,
releasing.py, automation.py), nor which settings they are built with (definitions.py, running.py).
"""

from collections.abc import Mapping

import dagster as dg

from glane.store import open_store
from pipelines.answering import channels_of
from pipelines.approve_job import approvals_sensor, approving
from pipelines.automation import DATASET_TAG, changes_sensor, grace_schedule, release_sensor, schedules
from pipelines.catalogue import Entry, load_catalogue
from pipelines.depositing import own_portal
from pipelines.harvesting import Observe, harvest_asset, is_harvested, source_specs
from pipelines.housekeeping import housekeeping
from pipelines.morning import morning
from pipelines.naming import RELEASE, name_of, release_key, source_keys
from pipelines.releasing import FindPortal, release_assets
from pipelines.settings import Settings


def unobserved(_event: object) -> None:
    """Nobody watches: what happens stands in Dagster's own log."""


def build_definitions(
    settings: Settings,
    find_portal: FindPortal,
    observe: Observe = unobserved,
    catalogue: Mapping[str, Entry] | None = None,
) -> dg.Definitions:
    """Everything Dagster knows of Glane. A declaration that cannot be used shows its reason on its own asset.

    `find_portal` is asked at each publication; `observe` is told of every Intake, Delivery, Merge, Release, Publication
    and Failed as it happens. `catalogue`: the declarations, where they are read already.
    """
    if catalogue is None:
        catalogue = load_catalogue(settings)
    return dg.Definitions.merge(
        dg.Definitions(executor=dg.in_process_executor),
        housekeeping(catalogue, settings),
        morning(catalogue, settings),
        approving(settings),
        *(dataset_definitions(entry, settings, find_portal, observe) for entry in catalogue.values()),
    )


def dataset_definitions(entry: Entry, settings: Settings, find_portal: FindPortal, observe: Observe) -> dg.Definitions:
    """The part of the graph that one dataset makes."""
    store = open_store(settings.store)
    harvest = harvest_asset(entry, store, observe, channels_of(settings, find_portal), own_portal(find_portal))
    idle = [source for source in entry.sources if not is_harvested(source)]
    keys = source_keys(entry)
    release = dg.define_asset_job(
        name_of(entry.name, "publish"),
        selection=dg.AssetSelection.assets(*(release_key(entry.name, what) for what in RELEASE)),
        description=f"Merge the rows of {entry.name}, make a version if anything changed, and publish it.",
        tags={DATASET_TAG: entry.name},
    )
    grace = grace_schedule(entry, release.name, store)
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        *(spec for source in idle for spec in source_specs(entry, source, keys[source.partner])),
        *release_assets(entry, store, find_portal, observe),
    ]
    if harvest is None:
        sensors = [release_sensor(entry), approvals_sensor(entry, release, None, store)]
        return dg.Definitions(assets=assets, jobs=[release], schedules=[grace], sensors=sensors)
    job = dg.define_asset_job(
        name_of(entry.name, "harvest"),
        selection=dg.AssetSelection.assets(harvest),
        description=f"Harvest and judge every source of {entry.name}.",
        tags={DATASET_TAG: entry.name},
    )
    return dg.Definitions(
        assets=[harvest, *assets],
        jobs=[job, release],
        schedules=[*schedules(entry, job.name, store), grace],
        sensors=[
            changes_sensor(entry, job.name, store, settings.sources),
            release_sensor(entry),
            approvals_sensor(entry, release, job, store),
        ],
    )
