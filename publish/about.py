"""The files that tell of a version's data: deltas, descriptor, changelogs, feeds, citation, quality, provenance.

Belongs here: which files these are, and writing them into the version's folder. Does not belong here: the data files
(build.py), and what each of these says (delta.py, package.py, changelog.py, feed.py, citation.py, quality.py).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from glane.store import Store, to_json
from glane.text import LANGUAGES
from publish import changelog, citation, feed
from publish.delta import write_delta
from publish.diff import csv_of
from publish.ended import Ended, told_ended
from publish.formats import FORMATS
from publish.formats.parquet import write_frame
from publish.provenance import credited
from publish.quality import QUALITY
from publish.quality.page import quality_pages
from publish.succession import Succession
from publish.version import Kind, Version, VersionFile, current, load, path_of
from schemas.dataset import Format

PROVENANCE = "provenance.parquet"


@dataclass(frozen=True)
class About:
    """What there is to tell of a version whose data files are written.

    `descriptor` is its datapackage.json, `bases` names for each table the one its rows come from (itself unless it is
    derived), `provenance` says which partner's line each row is, `quality` is its quality report, `decisions` are
    those that hold, as deciding.said_of gives them, `approvals` those that let it out, as approving.told_of does,
    `ended` the rows whose grace period is over.
    """

    succession: Succession
    descriptor: Mapping[str, Any]
    bases: Mapping[str, str]
    provenance: pl.DataFrame
    quality: bytes
    decisions: tuple[dict[str, str], ...] = ()
    approvals: tuple[dict[str, Any], ...] = ()
    ended: Sequence[Ended] = ()


def write_about(folder: Path, store: Store, version: Version, about: About) -> Version:
    """Write all that tells of `version` into `folder`; gives the version with these files beside its data files."""
    order = [resource["name"] for resource in about.descriptor["resources"]]
    files = sorted(version.files, key=lambda f: (order.index(str(f.table)), list(FORMATS).index(f.format or "csv")))
    files += _write_deltas(folder, store, version, about)
    told = changelog.tell(
        version,
        about.succession.last,
        about.succession.changes,
        about.succession.differences,
        _origins(store, about),
        citation.both(version, about.descriptor),
        about.decisions,
        feed.told_before(store, about.succession.last),
        about.approvals,
        told_ended(about.ended, about.succession.differences, ids_that_stood(store, version.dataset)),
    )
    files += [_keep(folder, path, kind, data) for path, kind, data in _texts(store, version, about, told)]
    write_frame(credited(about.provenance, [*version.inputs, *version.absent]), folder / PROVENANCE)
    files.append(kept(folder, PROVENANCE, "provenance"))
    return version.model_copy(update={"files": tuple(files)})


def kept(folder: Path, path: str, kind: Kind, table: str | None = None, form: Format | None = None) -> VersionFile:
    """The file at `path` of a version's `folder`, as its manifest lists it."""
    data = folder / path
    with data.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    made_by = FORMATS[form].made_by() if form is not None else None
    return VersionFile(
        path=path, sha256=digest, bytes=data.stat().st_size, kind=kind, table=table, format=form, made_by=made_by
    )


def ids_that_stood(store: Store, dataset: str) -> dict[str, dict[str, str]]:
    """For each table the id that each own id was published under, in the last version made of partners' rows.

    A version that a person brought back is passed over: what was put aside is then still the very same. Empty where
    there is no version. Raises VersionError.
    """
    version = current(store, dataset)
    while version is not None and version.restores and version.previous:
        version = load(store, dataset, version.previous)
    if version is None:
        return {}
    lines = pl.read_parquet(path_of(store, version, version.file(PROVENANCE)))
    # Versions made before rows told their own id say it of those alone that kept it.
    known = lines if "own" in lines.columns else lines.filter("stands").with_columns(pl.col("id").alias("own"))
    told: dict[str, dict[str, str]] = {}
    for table, own, published in known.select("table", "own", "id").iter_rows():
        told.setdefault(table, {})[own] = published
    return told


def _texts(store: Store, version: Version, about: About, told: Mapping[str, Any]) -> list[tuple[str, Kind, bytes]]:
    titles = about.descriptor["titles"]
    last, differences = about.succession.last, about.succession.differences
    # A partner that left is named as the version before named it.
    partners = [*(last.inputs if last else ()), *version.inputs]
    return [
        ("datapackage.json", "package", to_json(about.descriptor)),
        ("changelog.json", "changelog", to_json(told)),
        (QUALITY, "quality", about.quality),
        *((path, "quality", page) for path, page in quality_pages(about.quality, version, about.descriptor)),
        *(
            (f"changelog.{one}.md", "changelog", changelog.to_markdown(told, titles[one], partners, one).encode())
            for one in LANGUAGES
        ),
        (citation.CITATION, "citation", citation.to_cff(version, about.descriptor)),
        (feed.FEED, "feed", feed.atom(about.descriptor, [told, *feed.told_before(store, last)])),
        (feed.WITHDRAWN, "withdrawn", feed.withdrawn(store, version, last, differences)),
    ]


def _write_deltas(folder: Path, store: Store, version: Version, about: About) -> list[VersionFile]:
    last, files = about.succession.last, []
    for name, difference in about.succession.differences.items():
        assert last is not None, "there is a difference only from a former version"
        header = write_delta(
            folder / "delta",
            name,
            difference,
            ends=(last.version, version.version),
            old=path_of(store, last, csv_of(last, name)),
            new=folder / csv_of(version, name).path,
        )
        parts = [f"{name}.delta.json", *(line["path"] for line in header["files"].values())]
        files += [kept(folder, f"delta/{part}", "delta", name) for part in parts]
    return files


def _origins(store: Store, about: About) -> dict[str, pl.DataFrame]:
    """For each table that can be compared, the partner of each key, now and before."""
    last = about.succession.last
    if last is None:
        return {}
    former = pl.read_parquet(path_of(store, last, last.file(PROVENANCE)))
    return {
        name: changelog.origins_of(
            *(frame.filter(pl.col("table") == about.bases[name]) for frame in (about.provenance, former))
        )
        for name in about.succession.differences
    }


def _keep(folder: Path, path: str, kind: Kind, data: bytes) -> VersionFile:
    (folder / path).write_bytes(data)
    return kept(folder, path, kind)
