"""`glane run` as Dagster runs, in this process, on the instance that Dagit shows.

Belongs here: which runs, in which order, and what a crash in one of them becomes. Does not belong here: the graph
(graph.py), nor what is printed (cli/run.py).
"""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from sqlalchemy.exc import OperationalError

from glane.errors import WorldError
from pipelines.catalogue import Entry
from pipelines.graph import build_definitions
from pipelines.harvesting import Observe, is_harvested
from pipelines.instance import open_instance, process_tags
from pipelines.linking import made_in_order
from pipelines.naming import RELEASE, name_of, release_key, source_keys
from pipelines.past_runs import prune_runs
from pipelines.settings import PortalSettings, Settings

_Job = tuple[str, list[dg.AssetKey]]


class CrashError(WorldError):
    """A fault in Glane's own code: neither the data nor the call is to blame."""


# What happens is told by the command itself; Dagster keeps its own log for Dagit.
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_datasets(
    settings: Settings,
    catalogue: Mapping[str, Entry],
    chosen: Mapping[str, Entry],
    portal: PortalSettings | None,
    observe: Observe,
) -> None:
    """Harvest the chosen sources of the `catalogue`, then release each of their datasets, whatever sources failed.

    Versions are published on `portal`, if there is one. `observe` is told of every Intake, Merge, Release, Publication
    and Failed. Raises CrashError, once all is done, if a run ended by a fault in the code.
    """
    release = [what for what in RELEASE if what != "portal" or portal is not None]

    def jobs(entry: Entry) -> Iterator[_Job]:
        # By the whole dataset's names, of which the chosen sources may be a part.
        keys = source_keys(catalogue[entry.name])
        harvested = [keys[source.partner] for source in entry.sources if is_harvested(source)]
        asked = [key for source in harvested for key in (source.snapshot, source.rows)]
        if asked:
            yield name_of(entry.name, "harvest"), asked
        yield name_of(entry.name, "publish"), [release_key(entry.name, what) for what in release]

    _run(settings, catalogue, chosen, portal, observe, jobs)


def publish_datasets(
    settings: Settings,
    catalogue: Mapping[str, Entry],
    chosen: Mapping[str, Entry],
    portal: PortalSettings,
    observe: Observe,
) -> None:
    """Bring `portal` to the current versions of the chosen datasets. `observe` is told of each Publication and Failed.

    Raises CrashError as run_datasets does.
    """

    def jobs(entry: Entry) -> Iterator[_Job]:
        yield name_of(entry.name, "publish"), [release_key(entry.name, "portal")]

    _run(settings, catalogue, chosen, portal, observe, jobs)


def _run(
    settings: Settings,
    catalogue: Mapping[str, Entry],
    chosen: Mapping[str, Entry],
    portal: PortalSettings | None,
    observe: Observe,
    jobs: Callable[[Entry], Iterator[_Job]],
) -> None:
    warnings.simplefilter("ignore", dg.BetaWarning)
    warnings.simplefilter("ignore", dg.PreviewWarning)
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    definitions = build_definitions(settings, lambda: portal, observe, catalogue)
    with open_instance(settings.dagster_home) as instance:
        crashes = [
            crash
            for entry in (chosen[name] for name in made_in_order({n: one.follows for n, one in chosen.items()}))
            for job, assets in jobs(entry)
            for crash in _execute(definitions, instance, job, assets)
        ]
        with contextlib.suppress(OperationalError):
            # Dagit's daemon is at its databases: the next run does it.
            prune_runs(instance, settings.dagster_home, before=datetime.now(UTC) - timedelta(days=settings.run_days))
    if crashes:
        raise CrashError("Glane itself failed:\n" + "\n".join(crashes), "Report this to Glane's developers.")


def _execute(
    definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, assets: list[dg.AssetKey]
) -> list[str]:
    """Execute one run to its end; what is given are the crashes in it, failures being told to the observer.

    Raises KeyboardInterrupt where somebody stopped it: Dagster takes that for one step's failure, and goes on.
    """
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, asset_selection=assets, raise_on_error=False, run_config=_SILENT, tags=process_tags()
    )
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    if any(_is_interrupt(failure.error) for failure in failures):
        raise KeyboardInterrupt
    return [
        f"{_deepest(failure.error)} (run {result.run_id}, job {job}: the whole trace stands in Dagit)"
        for failure in failures
        if failure.error is not None and failure.user_failure_data is None
    ]


def _is_interrupt(error: Any) -> bool:
    while error is not None and error.cls_name != "DagsterExecutionInterruptedError":
        error = error.cause
    return error is not None


def _deepest(error: Any) -> str:
    """What went wrong at the bottom, of dagster's description of an error (a type that it does not export)."""
    sources = ""
    while error.cause is not None:
        if error.cls_name == "SourceCrashError":
            sources = f"{error.message.strip().partition(': ')[2]}: "
        error = error.cause
    where = error.stack[-1].strip().splitlines()[0] if error.stack else ""
    return f"{sources}{error.message.strip()} {where}".strip()
