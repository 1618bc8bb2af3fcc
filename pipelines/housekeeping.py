"""The job that prunes every day, for those whose runs are all Dagit's; `glane run` prunes by itself.

Belongs here: what Dagster is told of pruning. Does not belong here: what goes (pruning.py, past_runs.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from glane.store import open_store
from pipelines.automation import TIMEZONE
from pipelines.catalogue import Entry
from pipelines.past_runs import prune_runs
from pipelines.pruning import Unpruned, prune_datasets
from pipelines.settings import Settings

JOB = "prune"
_EVERY_DAY = "30 4 * * *"


def housekeeping(catalogue: Mapping[str, Entry], settings: Settings) -> dg.Definitions:
    """The job `prune` and its daily schedule. A dataset that cannot be pruned stops no other, and the run is red."""

    @dg.op(out=dg.Out(dg.Nothing), description="Takes out of the store and of Dagster's home what is not kept.")
    def prune_all(context: dg.OpExecutionContext) -> None:
        failed = []
        for done in prune_datasets(catalogue, open_store(settings.store)):
            if isinstance(done, Unpruned):
                failed.append(f"{done.dataset}: {done.error}")
            else:
                context.log.info(f"{done.dataset}: {len(done.removals)} files went, {done.bytes} bytes")
        before = datetime.now(UTC) - timedelta(days=settings.run_days)
        runs = prune_runs(context.instance, settings.dagster_home, before=before)
        context.log.info(f"Dagster: {runs.runs} runs went, {runs.bytes} bytes")
        if failed:
            raise dg.Failure("\n".join(failed), allow_retries=False)

    @dg.job(name=JOB, description="Prunes the store, as each dataset's retention: declares, and Dagster's old runs.")
    def job() -> None:
        prune_all()

    daily = dg.ScheduleDefinition(
        name=f"{JOB}_daily",
        job=job,
        cron_schedule=_EVERY_DAY,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return dg.Definitions(jobs=[job], schedules=[daily])
