"""Going back: an older version made current again, as a new version; nothing that was published is unmade.

Belongs here: what may be brought back, and making the version that does it. Does not belong here: what a run does
afterwards with the rows that were put aside (build.py).
"""

import shutil
from pathlib import Path
from typing import Any

import polars as pl

from glane.errors import CallError, DataError
from glane.store import Store
from publish.about import PROVENANCE, About, kept, write_about
from publish.diff import descriptor_of, schemas_of
from publish.listing import put_on_list
from publish.notice import standing_notice
from publish.number import Level, table_changes
from publish.package import announcing, content_of, with_files
from publish.quality import QUALITY
from publish.remaking import is_derived, remake
from publish.succession import succession
from publish.version import Restored, Version, VersionFile, current, listed, load, whole_path_of
from schemas.dataset import Dataset


class NothingToRestoreError(CallError):
    """The version asked for is the current one, or says the same."""


class OtherShapeError(DataError):
    """The older version has other tables or fields than are declared now: a portal could not show it."""


def restore(dataset: Dataset, store: Store, number: str, reason: str, *, created: str) -> Version:
    """Make the content of version `number` the next version of `dataset`, with `reason` in its changelog.

    The rows of the version that stood are put aside: a run makes a version again once anything about them changes.
    What `dataset` announces for the future stays announced. `created` is the UTC time as ISO 8601. Takes the store's
    writer lock. Raises CallError (no reason, an unknown version, nothing to restore), OtherShapeError, VersionError
    where a file of the older version is not as it was listed, StoreError.
    """
    if not reason.strip():
        raise CallError("Say why this version is brought back.", "The reason stands in its changelog, for everybody.")
    with store.writer():
        old = load(store, dataset.name, number)
        last = current(store, dataset.name)
        assert last is not None, "a version that is listed has a last one"
        notice = standing_notice(dataset, listed(store, dataset.name), descriptor_of(store, last), created)
        before = announcing(descriptor_of(store, old), notice)
        content = content_of(before)
        if content == last.content:
            raise NothingToRestoreError(
                f"{dataset.name} {last.version}, the current version, says what {number} says.", "Nothing was changed."
            )
        _check_shape(dataset, old, before)
        with store.staged() as folder:
            files = [_bring(store, old, file, folder) for file in old.files if file.kind in ("data", "coverage")]
            before = with_files(before, files)
            after = succession(store, last, {**before, "created": created}, folder)
            version = Version(
                dataset=dataset.name,
                version=after.number,
                created=created,
                previous=last.version,
                level=after.name,
                content=content,
                rows=old.rows,
                files=tuple(files),
                inputs=old.inputs,
                absent=old.absent,
                restores=Restored(version=number, reason=" ".join(reason.split())),
            )
            about = About(
                after,
                {**before, "version": version.version, "created": created},
                {table.name: table.line.derived_from or table.name for table in dataset.tables},
                pl.read_parquet(whole_path_of(store, old, old.file(PROVENANCE))),
                whole_path_of(store, old, old.file(QUALITY)).read_bytes(),
            )
            version = write_about(folder, store, version, about)
            put_on_list(folder, store, version)
    return version


def _check_shape(dataset: Dataset, old: Version, descriptor: dict[str, Any]) -> None:
    now = {table.name: table.published_schema() for table in dataset.tables}
    changes = [change for change in table_changes(schemas_of(descriptor), now) if change.level is not Level.PATCH]
    if changes:
        told = "; ".join(change.what.en for change in changes)
        raise OtherShapeError(
            f"{dataset.name} {old.version} has another shape than what is declared now: {told}.",
            f"Bring back the declarations of then under schemas/{dataset.name}, and restore it with them.",
        )


def _bring(store: Store, old: Version, file: VersionFile, folder: Path) -> VersionFile:
    if is_derived(file) and not store.exists(f"{old.key}/{file.path}"):
        # Its bytes may be others now, as may any new version's: another release of the writer makes no harm here.
        remake(store, old, file, folder / file.path)
        return kept(folder, file.path, file.kind, file.table, file.format)
    shutil.copyfile(whole_path_of(store, old, file), folder / file.path)
    return file
