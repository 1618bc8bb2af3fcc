"""The job `approve`: a steward lets pass in Dagit what waits, outside every asset selection.

Belongs here: what Dagster is told of it, and the sensor that follows new approvals. Does not belong here: what an
approval is and where it stands (approving.py).

Dagit has no log-in: who approved is what the person declared (`as`), or the proxy before it.
"""

import hashlib
from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as UnresolvedAssetJob

from glane.errors import GlaneError
from glane.store import Store, open_store
from pipelines.approving import approval_for, approvals_key, held_file, held_version, keep_approval
from pipelines.catalogue import Entry
from pipelines.naming import name_of, source_keys
from pipelines.settings import Settings

JOB = "approve"
_SECONDS_BETWEEN_LOOKS = 30
_CONFIG = {
    "what": dg.Field(str, description="A dataset, or dataset/partner for that partner's file."),
    "hash": dg.Field(str, description="The hash of what waits, as the failed check and the asset `today` show it."),
    "as": dg.Field(str, description="Who approves: a role, never a person."),
    "why": dg.Field(str, description="The reason; the changelog tells it."),
    "until": dg.Field(str, default_value="", description="Let pass what is no worse, up to this day (YYYY-MM-DD)."),
}


def approving(settings: Settings) -> dg.Definitions:
    """The job `approve`. What it approves is kept in the store, and a release of the dataset follows."""

    @dg.op(out=dg.Out(dg.Nothing), config_schema=_CONFIG, description="Lets pass what waits, bound to its hash.")
    def approve_what_waits(context: dg.OpExecutionContext) -> None:
        given: Mapping[str, str] = context.op_config
        name = given["what"]
        dataset, _, partner = name.partition("/")
        store = open_store(settings.store)
        try:
            held = held_file(store, dataset, partner) if partner else held_version(store, dataset)
            until = given["until"] or None
            approval = approval_for(held, name, given["hash"], by=given["as"], why=given["why"], until=until)
            keep_approval(store, dataset, approval)
        except GlaneError as error:
            raise dg.Failure(str(error), metadata={"what to do": error.remedy}, allow_retries=False) from error
        context.log.info(f"{approval.by} approved {approval.hash} of {name}: {approval.why}")

    @dg.job(name=JOB, description="Lets pass what waits for a steward. The next run of the dataset follows it.")
    def job() -> None:
        approve_what_waits()

    return dg.Definitions(jobs=[job])


def approvals_sensor(
    entry: Entry, release: UnresolvedAssetJob, harvest: UnresolvedAssetJob | None, store: Store
) -> dg.SensorDefinition:
    """Releases a dataset anew when an approval was given, in Dagit or by a line that `git pull` brought, and harvests
    the sources whose files it may let pass."""
    keys = source_keys(entry)

    @dg.sensor(
        name=name_of(entry.name, "approvals"),
        description=f"Runs {entry.name} again when something of it was approved.",
        jobs=[release, *([harvest] if harvest is not None else [])],
        minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def approvals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = _seen(entry, store)
        if context.cursor is None or context.cursor == now:
            return dg.SensorResult(skip_reason=dg.SkipReason("Nothing was approved since the last look."), cursor=now)
        requests = [dg.RunRequest(run_key=now, job_name=release.name)]
        for partner, source in keys.items():
            if harvest is not None and held_file(store, entry.name, partner) is not None:
                asked = [source.snapshot, source.rows]
                requests.append(dg.RunRequest(f"{now}-{partner}", job_name=harvest.name, asset_selection=asked))
        return dg.SensorResult(run_requests=requests, cursor=now)

    return approvals


def _seen(entry: Entry, store: Store) -> str:
    beside = entry.approvals.read_bytes() if entry.approvals.exists() else b""
    return hashlib.sha256(beside + b"\0" + (store.look(approvals_key(entry.name)).data or b"")).hexdigest()
