"""The assets of a dataset's sources: one step harvests and judges them all, with a pool of threads.

Belongs here: what Dagster is told of each source, good or bad. Does not belong here: harvesting and judging
themselves (intake.py), the words and tables of the metadata (metadata.py).

Sixty steps as processes took 133 s, one step 5.5 s: hence one step. Retries live inside it, per source: retrying the
step would fetch again what was got.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import timedelta

import dagster as dg

from glane.store import Store
from pipelines import metadata
from pipelines.answering import Channel, answer
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.delivery import Delivery
from pipelines.intake import Intake, take_in
from pipelines.naming import CHECKS, SourceKeys, group_of, name_of, source_keys
from pipelines.traffic import Traffic, note, received
from sources.declaration import BrokenSource, Source
from sources.fetch.deposit import FindOwnPortal
from sources.revisits import longest

WORKERS = 8
"""Sources harvested at once: enough to hide slow servers, few enough for their rows to be in memory together."""

Yielded = dg.MaterializeResult[None] | dg.AssetCheckResult
Observe = Callable[[object], None]


class SourceCrashError(Exception):
    """Taking in the named sources met a fault of Glane's own; the first one's is the cause."""


def is_harvested(source: Source | BrokenSource) -> bool:
    """Whether a run reads this source: a broken one is, so that every run says what is wrong with it."""
    return isinstance(source, BrokenSource) or source.line.state == "active"


def harvest_asset(
    entry: Entry,
    store: Store,
    observe: Observe,
    channels: Sequence[Channel] = (),
    own_portal: FindOwnPortal = lambda: None,
) -> dg.AssetsDefinition | None:
    """The multi-asset that harvests and judges all sources of a dataset; None where it has none to harvest.

    Good sources materialise `snapshot` and `rows`. A bad one gets failed checks that say why, its last good rows
    stay, and the step fails once all are done, so that the run is red. `observe` is told of every Intake and
    Delivery; partners are answered by `channels`. `own_portal` is asked for the deposits.
    """
    keys = source_keys(entry)
    harvested = [source for source in entry.sources if is_harvested(source)]
    if not harvested:
        return None

    @dg.multi_asset(
        name=name_of(entry.name, "sources"),
        description=f"Harvest and judge every source of {entry.name}.",
        specs=[spec for source in harvested for spec in source_specs(entry, source, keys[source.partner])],
        check_specs=[
            dg.AssetCheckSpec(name, asset=keys[source.partner].rows, description=_CHECKED[name])
            for source in harvested
            for name in CHECKS
        ],
        can_subset=True,
    )
    def harvest(context: dg.AssetExecutionContext) -> Iterator[Yielded]:
        chosen = set(context.selected_asset_keys)
        checked = set(context.op_execution_context.selected_asset_check_keys)
        wanted = [source for source in harvested if _concerns(keys[source.partner], chosen, checked)]
        taken: list[Intake] = []
        moved = Traffic()
        written_before = store.written
        for intake in take_all_in(entry, wanted, store, own_portal):
            moved += Traffic(received=received(intake.snapshot))
            observe(intake)
            _log(context, intake)
            taken.append(intake)
            for result in results(intake, keys[intake.partner], entry, store):
                if isinstance(result, dg.AssetCheckResult):
                    if dg.AssetCheckKey(keys[intake.partner].rows, str(result.check_name)) in checked:
                        yield result
                elif result.asset_key in chosen:
                    yield result
        for delivery in answer(entry, taken, store, channels):
            observe(delivery)
            _log_delivery(context, delivery)
            moved += Traffic(sent=delivery.sent)
        observe(note(store, entry.name, moved + Traffic(written=store.written - written_before)))
        if failed := [intake for intake in taken if intake.error is not None]:
            # The pool has tried again whatever trying again could mend.
            raise dg.Failure(metadata.failures(failed), allow_retries=False)

    return harvest


_CHECKED = {
    "conforms": "Every row satisfies the Table Schema, the term lists and the rules of the dataset.",
    "complete": "The source was read whole, every row is accounted for, and their number is within its bounds.",
    "personal_data": "What was found of persons is dealt with as declared; what is undecided is held back.",
}


def take_all_in(
    entry: Entry,
    sources: Sequence[Source | BrokenSource],
    store: Store,
    own_portal: FindOwnPortal = lambda: None,
) -> Iterator[Intake]:
    """Take in `sources` at once, and give each result as it comes. A fault of Glane's own in one of them is raised
    only after all the others are given."""
    crashed: dict[str, BaseException] = {}
    pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="harvest")
    try:
        waiting: dict[Future[Intake], str] = {
            pool.submit(take_in, source, entry.dataset, store, own_portal=own_portal): source.name for source in sources
        }
        for future in as_completed(waiting):
            problem = future.exception()
            if problem is None:
                yield future.result()
            else:
                crashed[waiting[future]] = problem
    finally:
        # Interrupted, nobody wants to wait for the slowest server.
        pool.shutdown(wait=False, cancel_futures=True)
    for problem in crashed.values():
        raise SourceCrashError(", ".join(crashed)) from problem


def results(intake: Intake, keys: SourceKeys, entry: Entry, store: Store) -> Iterator[Yielded]:
    """What Dagster is told of one source: its assets where it was read, and its checks always."""
    if intake.error is None and intake.snapshot is not None and intake.verdict is not None:
        yield dg.MaterializeResult(
            asset_key=keys.snapshot,
            data_version=dg.DataVersion(f"sha256:{intake.snapshot.sha256}"),
            metadata=metadata.of_snapshot(intake, store),
        )
        table = None if isinstance(entry.dataset, BrokenDataset) else entry.dataset.table(intake.verdict.table)
        yield dg.MaterializeResult(
            asset_key=keys.rows,
            data_version=dg.DataVersion(f"sha256:{intake.verdict.rows_sha256}"),
            metadata=metadata.of_rows(intake, table, store),
        )
    for name, asked in (
        ("conforms", metadata.conforms),
        ("complete", metadata.complete),
        ("personal_data", metadata.personal_data),
    ):
        verdict = asked(intake)
        yield dg.AssetCheckResult(
            asset_key=keys.rows,
            check_name=name,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR if intake.error is not None else dg.AssetCheckSeverity.WARN,
            description=verdict.reason,
            metadata=metadata.of_check(intake),
        )


def source_specs(entry: Entry, source: Source | BrokenSource, keys: SourceKeys) -> tuple[dg.AssetSpec, dg.AssetSpec]:
    """The two assets of a source as Dagit shows them, from its declaration."""
    if isinstance(source, BrokenSource):
        said = f"The declaration cannot be used: {source.error.what}"
        broken = {"tags": {"glane/state": "broken"}, "group_name": group_of(entry.name), "skippable": True}
        return (
            dg.AssetSpec(keys.snapshot, description=said, **broken),  # type: ignore[arg-type]
            dg.AssetSpec(keys.rows, deps=[keys.snapshot], description=said, **broken),  # type: ignore[arg-type]
        )
    line = source.line
    snapshot = dg.AssetSpec(
        keys.snapshot,
        description=f"{line.title.fr} / {line.title.en}: the bytes of {line.organisation}, as they were received.",
        group_name=group_of(entry.name),
        owners=metadata.owners(line.contact.email),
        kinds={line.format.kind},
        tags={"glane/state": line.state, "glane/cadence": line.cadence},
        metadata=metadata.of_declaration(source),
        skippable=True,
    )
    rows = snapshot.replace_attributes(
        key=keys.rows,
        deps=[keys.snapshot],
        description=f"{line.title.fr} / {line.title.en}: the rows of {line.organisation} that may be published.",
        kinds={"parquet"},
        code_version=source.fingerprint[:12],
        freshness_policy=freshness_policy(longest(line.cadence, line.asked_at_least), line.stale_after_days),
    )
    return snapshot, rows


def freshness_policy(longest_wait: timedelta | None, stale_after_days: int) -> dg.FreshnessPolicy | None:
    """Fails when a source's last good rows are older than it allows itself; warns after it was missed twice.

    `longest_wait` is the longest time for which it is not asked; None: it is asked once, and never gets stale.
    """
    if longest_wait is None:
        return None
    fail, warn = timedelta(days=stale_after_days), 2 * longest_wait
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn if warn < fail else None)


def _concerns(keys: SourceKeys, chosen: set[dg.AssetKey], checked: set[dg.AssetCheckKey]) -> bool:
    asked = chosen | {check.asset_key for check in checked}
    return keys.snapshot in asked or keys.rows in asked


def _log(context: dg.AssetExecutionContext, intake: Intake) -> None:
    if intake.error is None:
        context.log.info(f"{intake.partner}: {metadata.counts(intake)}")
    else:
        context.log.error(f"{intake.partner}: {intake.error}")


def _log_delivery(context: dg.AssetExecutionContext, delivery: Delivery) -> None:
    for sentence in delivery.done:
        context.log.info(f"{delivery.partner}: {sentence}")
    for problem in delivery.problems:
        context.log.warning(f"{delivery.partner or delivery.dataset}: {problem}")
