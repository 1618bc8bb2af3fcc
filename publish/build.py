"""Making a version: gates, merging, files, number, delta, manifest; listed last, or not at all.

Belongs here: the order of these steps and the writing of the files. Does not belong here: each step's own decisions
(contribution.py, references.py, number.py, delta.py, package.py, changelog.py), nor portals (ckan/).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from glane.errors import DataError
from glane.store import Store, StoreError, sha256_of
from glane.text import LANGUAGES, Text
from publish import changelog
from publish.contribution import Contribution, Refusal, admit
from publish.delta import Difference, compare, write_delta
from publish.derive import derive
from publish.diff import csv_of, descriptor_of, key_of, schemas_of
from publish.formats import FORMATS, formats_of
from publish.formats.delimited import read_csv
from publish.formats.parquet import write_frame
from publish.holding import expectations_of, hold_to_expectations
from publish.merge import Merged
from publish.number import Change, Level, next_number, table_changes
from publish.package import describe, identity, to_json, words_changed
from publish.quality import QUALITY, Accounts, account, quality_report
from publish.references import Held, merge_tables
from publish.version import MANIFEST, Input, Kind, Version, VersionFile, current, list_version, path_of
from schemas.dataset import Dataset, Format
from schemas.expectations.outcome import Outcome

_PROVENANCE = "provenance.parquet"


class NothingToPublishError(DataError):
    """No contribution passed the gates: an empty version would tell reusers that everything is gone."""


@dataclass(frozen=True)
class Built:
    """The outcome of making a version: the version that stands now, whether it is `new`, what was left out, and what
    became of the expectations on it when it was made."""

    version: Version
    new: bool
    accounts: Accounts
    refused: tuple[Refusal, ...]
    held: tuple[Held, ...]
    expectations: tuple[Outcome, ...]


@dataclass(frozen=True)
class _Made:
    """What the contributions come to, before it is known whether that is a new version."""

    dataset: Dataset
    contributions: tuple[Contribution, ...]
    merged: Mapping[str, Merged]
    tables: Mapping[str, pl.DataFrame]
    accounts: Accounts


def build_version(dataset: Dataset, contributions: Sequence[Contribution], store: Store, *, created: str) -> Built:
    """Make the next version of `dataset` out of `contributions`, or find that nothing changed.

    Everything is written beside its place, flushed, hashed, moved into place, read back, and only then listed: killed
    or refused by the disk anywhere, the last version stands. `created` is the UTC time as ISO 8601. Takes the
    store's writer lock. Raises UnjudgedError, KeyMissingError, NothingToPublishError, StoreError, VersionError, and
    HeldBackError for a version that is not what dataset.yaml expects.
    """
    admitted, refused = admit(dataset, contributions, store)
    if not admitted:
        reasons = " ".join(f"{refusal.partner}: {refusal.reason.en}" for refusal in refused)
        raise NothingToPublishError(
            f"{dataset.name} has no rows that may be published. {reasons}".strip(), "See the reports."
        )
    merged, held = merge_tables(dataset, admitted)
    tables = {name: part.rows for name, part in merged.items()}
    left_out: dict[str, int] = {}
    for table in dataset.tables:
        if table.line.derived_from is not None:
            derived = derive(dataset, table, tables)
            tables[table.name], left_out[table.name] = derived.rows, derived.left_out
    accounts = account(admitted, merged, held, left_out)
    made = _Made(dataset, admitted, merged, tables, accounts)
    with store.writer():
        version, new, expectations = _keep(made, store, created)
    return Built(version, new, accounts, refused, held, expectations)


def _keep(made: _Made, store: Store, created: str) -> tuple[Version, bool, tuple[Outcome, ...]]:
    dataset = made.dataset
    last = current(store, dataset.name)
    with store.staged() as folder:
        files = _write_tables(made, folder, ("csv",))
        descriptor = describe(dataset, made.contributions, files, number="", created="")
        content = identity(descriptor)
        if last is not None and last.content == content:
            return last, False, expectations_of(store, last)
        expectations = hold_to_expectations(dataset, made.contributions, made.tables, store, last)
        files += _write_tables(made, folder, tuple(name for name in FORMATS if name != "csv"))
        differences = _differences(made, store, last)
        changes = _changes(descriptor, store, last)
        version = Version(
            dataset=dataset.name,
            version=next_number(last.version if last else None, _level(changes, differences)),
            created=created,
            previous=last.version if last else None,
            level=_level_name(last, changes, differences),
            content=content,
            rows={table.name: made.tables[table.name].height for table in dataset.tables},
            files=tuple(files),
            inputs=tuple(_input(contribution) for contribution in made.contributions),
        )
        report = to_json(quality_report(made.accounts, expectations))
        version = _write_about(made, folder, store, version, last, changes, differences, report)
        (folder / MANIFEST).write_bytes(to_json(version.model_dump(mode="json")))
        store.adopt(folder, version.key)
    _read_back(store, version)
    list_version(store, version)
    return version, True, expectations


def _write_tables(made: _Made, folder: Path, formats: Sequence[Format]) -> list[VersionFile]:
    files = []
    for table in made.dataset.tables:
        for name in formats_of(table):
            if name in formats:
                path = f"{made.dataset.name}-{table.name}.{FORMATS[name].extension}"
                FORMATS[name].write(table, made.tables[table.name], folder / path)
                files.append(_kept(folder, path, "data", table.name, name))
    return files


def _write_about(
    made: _Made,
    folder: Path,
    store: Store,
    version: Version,
    last: Version | None,
    changes: Sequence[Change],
    differences: Mapping[str, Difference],
    report: bytes,
) -> Version:
    """Write what tells of the data: delta, descriptor, changelog, quality, provenance; `version` with all files."""
    dataset, files = made.dataset, list(version.files)
    order = {table.name: number for number, table in enumerate(dataset.tables)}
    files.sort(key=lambda file: (order[str(file.table)], list(FORMATS).index(file.format or "csv")))
    for name, difference in differences.items():
        assert last is not None, "there is a difference only from a former version"
        old, csv = csv_of(last, name), csv_of(version, name)
        header = write_delta(
            folder / "delta",
            name,
            difference,
            ends=(last.version, version.version),
            old=path_of(store, last, old),
            new=folder / csv.path,
        )
        parts = [f"{name}.delta.json", *(line["path"] for line in header["files"].values())]
        files += [_kept(folder, f"delta/{part}", "delta", name) for part in parts]
    descriptor = describe(dataset, made.contributions, files, number=version.version, created=version.created)
    told = changelog.tell(version, last, changes, differences, _origins(made, store, last, differences))
    about: dict[str, tuple[Kind, bytes]] = {
        "datapackage.json": ("package", to_json(descriptor)),
        "changelog.json": ("changelog", to_json(told)),
        QUALITY: ("quality", report),
    }
    for language in LANGUAGES:
        page = changelog.to_markdown(told, dataset.line.title[language], version.inputs, language)
        about[f"changelog.{language}.md"] = ("changelog", page.encode())
    for path, (kind, data) in about.items():
        (folder / path).write_bytes(data)
        files.append(_kept(folder, path, kind))
    write_frame(pl.concat([part.provenance for part in made.merged.values()]), folder / _PROVENANCE)
    files.append(_kept(folder, _PROVENANCE, "provenance"))
    return version.model_copy(update={"files": tuple(files)})


def _differences(made: _Made, store: Store, last: Version | None) -> dict[str, Difference]:
    """What changed in each table that both versions have under the same key."""
    if last is None:
        return {}
    schemas = schemas_of(descriptor_of(store, last))
    found = {}
    for table in made.dataset.tables:
        if table.name in schemas and key_of(schemas[table.name]) == table.primary_key:
            old = read_csv(path_of(store, last, csv_of(last, table.name)))
            new = made.tables[table.name].select(table.published_fields)
            found[table.name] = compare(table.primary_key, old, new)
    return found


def _changes(descriptor: Mapping[str, Any], store: Store, last: Version | None) -> list[Change]:
    if last is None:
        return []
    former = descriptor_of(store, last)
    changes = table_changes(schemas_of(former), schemas_of(descriptor))
    if words_changed(former, descriptor):
        what = Text(fr="titres, licences, sources ou règles modifiés", en="titles, licences, sources or rules changed")
        changes.append(Change(Level.PATCH, what))
    return changes


def _level(changes: Sequence[Change], differences: Mapping[str, Difference]) -> Level:
    levels = [change.level for change in changes]
    if any(difference.added.height or difference.removed.height for difference in differences.values()):
        levels.append(Level.MINOR)
    # Something makes the content another one; where it is neither rows nor structure, it is values or words.
    return max([*levels, Level.PATCH])


def _level_name(last: Version | None, changes: Sequence[Change], differences: Mapping[str, Difference]) -> Any:
    return "first" if last is None else _level(changes, differences).name.lower()


def _origins(
    made: _Made, store: Store, last: Version | None, differences: Mapping[str, Difference]
) -> dict[str, pl.DataFrame]:
    if last is None:
        return {}
    former = pl.read_parquet(path_of(store, last, last.file(_PROVENANCE)))
    origins = {}
    for name in differences:
        base = made.dataset.table(name).line.derived_from or name
        origins[name] = changelog.origins_of(made.merged[base].provenance, former.filter(pl.col("table") == base))
    return origins


def _read_back(store: Store, version: Version) -> None:
    for file in version.files:
        if sha256_of(path_of(store, version, file)) != file.sha256:
            raise StoreError(
                f"{path_of(store, version, file)} reads back other bytes than were written.",
                "The version is not listed. Check the disk, then run again.",
            )


def _kept(folder: Path, path: str, kind: Kind, table: str | None = None, form: Format | None = None) -> VersionFile:
    data = folder / path
    with data.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return VersionFile(path=path, sha256=digest, bytes=data.stat().st_size, kind=kind, table=table, format=form)


def _input(contribution: Contribution) -> Input:
    verdict = contribution.verdict
    return Input(
        partner=contribution.partner,
        table=verdict.table,
        title=contribution.title,
        organisation=contribution.organisation,
        licence=contribution.licence,
        attribution=contribution.attribution,
        snapshot=verdict.snapshot,
        snapshot_date=contribution.snapshot_date,
        rows_sha256=verdict.rows_sha256,
        judged_by=verdict.judged_by,
        mapped_by=verdict.mapped_by,
        rows_in=verdict.rows_in,
        passed=verdict.passed,
        to_correct=verdict.to_correct,
        on_hold=verdict.on_hold,
        stale_since=contribution.stale_since,
    )
