"""The assets that follow a dataset's sources: merged, version, portal.

Belongs here: what Dagster is told of a release. Does not belong here: merging, making versions and publishing
themselves (release.py); publish/ tries again what the world refuses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from glane.errors import GlaneError
from glane.store import DiskError, Store
from pipelines import metadata
from pipelines.automation import after_its_sources
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.expectation_checks import expectation_results, expectation_specs
from pipelines.harvesting import Observe, Yielded
from pipelines.naming import group_of, name_of, release_key, source_keys
from pipelines.release import Failed, make_version, merge_sources, project, usable
from pipelines.settings import PortalSettings
from pipelines.traffic import Traffic, kept_of, note
from publish.holding import HeldBackError

FindPortal = Callable[[], PortalSettings | None]

PORTAL_POOL = "portal"


def release_assets(entry: Entry, store: Store, find_portal: FindPortal, observe: Observe) -> list[dg.AssetsDefinition]:
    """`merged`, `version` and `portal` of a dataset; they run together, whatever sources failed."""
    return [
        _merged(entry, store, observe),
        _version(entry, store, observe),
        _portal(entry, store, find_portal, observe),
    ]


def _merged(entry: Entry, store: Store, observe: Observe) -> dg.AssetsDefinition:
    rows = [keys.rows for keys in source_keys(entry).values()]
    said = f"The rows of all partners of {entry.name}; rows that describe the same thing are one."

    @dg.multi_asset(name=name_of(entry.name, "merged"), specs=[_spec(entry, "merged", rows, said, {"polars"})])
    def merged() -> Iterator[Yielded]:
        with _told(entry, "merged", observe):
            merge = merge_sources(entry, store)
            observe(merge)
            yield dg.MaterializeResult(metadata=metadata.of_merge(merge))

    return merged


def _version(entry: Entry, store: Store, observe: Observe) -> dg.AssetsDefinition:
    key = release_key(entry.name, "version")
    before = [release_key(entry.name, "merged"), *(release_key(name, "version") for name in entry.follows)]
    said = f"The current version of {entry.name}: immutable, numbered, hashed; the same rows make no second one."

    @dg.multi_asset(
        name=name_of(entry.name, "version"),
        specs=[_spec(entry, "version", before, said, {"csv", "parquet"})],
        check_specs=expectation_specs(entry, key),
    )
    def version() -> Iterator[Yielded]:
        with _told(entry, "version", observe):
            written_before = store.written
            try:
                release = make_version(entry, store)
            except HeldBackError as error:
                yield from expectation_results(entry, key, error.outcomes, error.waits)
                raise
            observe(release)
            moved, kept = Traffic(written=store.written - written_before), kept_of(store, entry.name)
            observe(note(store, entry.name, moved, kept=sum(kept.values())))
            yield dg.MaterializeResult(
                data_version=dg.DataVersion(release.version.version),
                metadata={**metadata.of_release(release, usable(entry), store), **metadata.of_bytes(moved, kept)},
            )
            yield from expectation_results(entry, key, release.built.expectations)

    return version


def _portal(entry: Entry, store: Store, find_portal: FindPortal, observe: Observe) -> dg.AssetsDefinition:
    key, before = release_key(entry.name, "portal"), [release_key(entry.name, "version")]
    said = f"The page of {entry.name} on CKAN, brought to the current version."

    @dg.multi_asset(
        name=name_of(entry.name, "portal"),
        specs=[_spec(entry, "portal", before, said, {"ckan"})],
        check_specs=[dg.AssetCheckSpec("published", asset=key, description="The portal shows the current version.")],
        pool=PORTAL_POOL,
    )
    def portal(context: dg.AssetExecutionContext) -> Iterator[Yielded]:
        with _told(entry, "portal", observe):
            known = find_portal()
            if known is None:
                yield dg.AssetCheckResult(
                    asset_key=key,
                    check_name="published",
                    passed=False,
                    severity=dg.AssetCheckSeverity.WARN,
                    description="No portal is known: start the embedded one (glane portal up) or set GLANE_PORTAL.",
                )
                return
            written_before = store.written
            publication = project(entry, store, known, context.log.info, observe)
            observe(publication)
            written = store.written - written_before
            observe(note(store, entry.name, Traffic(written=written, sent=publication.receipt.sent_in_all)))
            yield dg.MaterializeResult(metadata=metadata.of_publication(publication))
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name="published",
                passed=True,
                metadata={"page": dg.MetadataValue.url(publication.receipt.url)},
            )

    return portal


@contextmanager
def _told(entry: Entry, what: str, observe: Observe) -> Iterator[None]:
    """Turn an error of Glane's into a failed step that says what is wrong and what to do."""
    try:
        yield
    except (GlaneError, OSError) as caught:
        error = DiskError(caught) if isinstance(caught, OSError) else caught
        observe(Failed(entry.name, what, error))
        raise dg.Failure(str(error), metadata={"what to do": error.remedy}, allow_retries=False) from caught


def _spec(entry: Entry, what: str, deps: list[dg.AssetKey], description: str, kinds: set[str]) -> dg.AssetSpec:
    email = None if isinstance(entry.dataset, BrokenDataset) else entry.dataset.line.steward.email
    return dg.AssetSpec(
        release_key(entry.name, what),
        deps=deps,
        description=description,
        kinds=kinds,
        group_name=group_of(entry.name),
        owners=metadata.owners(email),
        automation_condition=after_its_sources(),
        skippable=True,
    )
