"""The files of a version that say which territory it covers, and what datapackage.json and quality.json say of it.

Belongs here: their names, schemas, writing them, making the list of communes again. Does not belong here: counting
(coverage.py), when the list of communes goes (retention.py).

    <dataset>-<table>-coverage-departements.csv   a line a département: for ever, as what is canonical is
    <dataset>-<table>-coverage-communes.csv       a line a commune of France (a megabyte): derived from the table's CSV
                                                  and the reference that the store keeps, so it can be made again

Coverage is no part of what a version is: a new list of communes makes no version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from glane.store import Store
from publish.about import kept
from publish.coverage import COMMUNES, DEPARTMENTS, Coverage, coverage_of
from publish.formats.delimited import read_csv, to_csv
from publish.version import VersionFile
from schemas.dataset import Dataset
from schemas.territory.declaration import Territory
from schemas.territory.reference import Told, current_reference, kept_reference, latest

BY_DEPARTMENT, BY_COMMUNE = "-coverage-departements.csv", "-coverage-communes.csv"
"""How the files' names end."""

_TITLES: Mapping[str, tuple[str, str]] = {
    "country": ("Pays (ISO 3166-1)", "Country (ISO 3166-1)"),
    "code": ("Code INSEE", "INSEE code"),
    "name": ("Nom", "Name"),
    "department": ("Code du département", "Code of the département"),
    "rows": ("Fiches", "Rows"),
    "rows_not_placed": ("Fiches dont la commune n'a pu être établie", "Rows whose commune could not be told"),
    "communes": ("Communes", "Communes"),
    "communes_with": ("Communes qui ont au moins une fiche", "Communes with at least one row"),
    "communes_without": ("Communes sans aucune fiche", "Communes without any row"),
    "population": ("Population légale", "Legal population"),
    "population_without": ("Population des communes sans fiche", "Population of the communes without any row"),
}


@dataclass(frozen=True)
class Covered:
    """The coverage of a version: its `files`, and what of it stands in datapackage.json and quality.json (nothing where
    no table has a territory)."""

    files: tuple[VersionFile, ...] = ()
    package: tuple[dict[str, Any], ...] = ()
    quality: Mapping[str, Any] | None = None

    def in_package(self, descriptor: Mapping[str, Any]) -> dict[str, Any]:
        """The descriptor with what is told of coverage."""
        return {**descriptor, "coverage": list(self.package)} if self.package else dict(descriptor)

    def in_quality(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """The quality report with the coverage."""
        return {**report, "coverage": dict(self.quality)} if self.quality else dict(report)


def cover(dataset: Dataset, canonical: Sequence[VersionFile], folder: Path, store: Store) -> Covered:
    """Work out the coverage of each table that has a territory, from its `canonical` CSV in `folder`, and write its
    files there. Without a reference départements alone are counted; since when a named one is missing is said."""
    files: list[VersionFile] = []
    package: list[dict[str, Any]] = []
    quality: dict[str, Any] = {}
    paths = {file.table: file.path for file in canonical if (file.kind, file.format) == ("data", "csv")}
    for table in dataset.tables:
        territory = table.line.territory
        if territory is None:
            continue
        stem = f"{dataset.name}-{table.name}"
        reference = current_reference(store, territory.reference) if territory.reference else None
        coverage = coverage_of(territory, read_csv(folder / paths[table.name]), reference)
        written = [_write(folder, f"{stem}{BY_DEPARTMENT}", table.name, coverage.departments)]
        if reference is not None:
            written.append(_write(folder, f"{stem}{BY_COMMUNE}", table.name, coverage.communes))
        files += written
        package.append(_told(table.name, coverage, written))
        since = latest(store, territory.reference).failed_on if territory.reference and reference is None else None
        quality[table.name] = {**coverage.summary(), **({"reference_unread_since": since} if since else {})}
    return Covered(tuple(files), tuple(package), quality or None)


def schema_pointer(dataset: Dataset, file: VersionFile) -> str:
    """Where in datapackage.json the Table Schema of a file of coverage stands (a JSON pointer without its slash)."""
    table = [one.name for one in dataset.tables if one.line.territory is not None].index(str(file.table))
    return f"coverage/{table}/files/{int(file.path.endswith(BY_COMMUNE))}/schema"


def recount(store: Store, descriptor: Mapping[str, Any], folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Write the files of coverage that a version's `descriptor` names again into `folder`, where its tables' canonical
    CSV are now other ones; gives their paths, and what quality.json says of it, by table.

    Where the store no longer has the list of communes that was used, they stay as they are.
    """
    paths: list[str] = []
    quality: dict[str, Any] = {}
    tables = {one["name"]: one for one in descriptor["resources"]}
    for told in descriptor.get("coverage", ()):
        resource = tables[told["table"]]
        coverage = _counted_again(store, told, resource, folder / resource["path"])
        if coverage is None:
            continue
        quality[told["table"]] = coverage.summary()
        for file, frame in zip(told["files"], (coverage.departments, coverage.communes), strict=False):
            _write_csv(folder / file["path"], frame)
            paths.append(file["path"])
    return paths, quality


def communes_again(store: Store, descriptor: Mapping[str, Any], table: str, csv: Path, path: Path) -> bool:
    """Write the list of communes of `table` at `path` again, from its canonical `csv` and what its version's
    `descriptor` says; False where the store no longer has the reference that it names."""
    (told,) = [one for one in descriptor["coverage"] if one["table"] == table]
    (resource,) = [one for one in descriptor["resources"] if one["name"] == table]
    coverage = _counted_again(store, told, resource, csv)
    if coverage is None:
        return False
    _write_csv(path, coverage.communes)
    return True


def _counted_again(store: Store, told: Mapping[str, Any], resource: Mapping[str, Any], csv: Path) -> Coverage | None:
    """The coverage of the rows in `csv`, by what a version tells of its coverage and its table; None where the store no
    longer has the list of communes that was used."""
    reference = kept_reference(store, Told.model_validate(told["reference"])) if told["reference"] else None
    if told["reference"] and reference is None:
        return None
    return coverage_of(Territory(**resource["territory"]), read_csv(csv), reference)


def _write(folder: Path, path: str, table: str, frame: pl.DataFrame) -> VersionFile:
    _write_csv(folder / path, frame)
    return kept(folder, path, "coverage", table)


def _write_csv(path: Path, frame: pl.DataFrame) -> None:
    path.write_bytes(to_csv(frame.select(pl.all().cast(pl.String))))


def _told(table: str, coverage: Coverage, files: Sequence[VersionFile]) -> dict[str, Any]:
    shapes = (DEPARTMENTS, COMMUNES)
    return {
        "table": table,
        "reference": coverage.reference.model_dump(mode="json") if coverage.reference else None,
        "files": [
            {
                "path": file.path,
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": file.bytes,
                "hash": f"sha256:{file.sha256}",
                "schema": _schema(columns),
            }
            for file, columns in zip(files, shapes, strict=False)
        ],
    }


def _schema(columns: Mapping[str, Any]) -> dict[str, Any]:
    fields = [
        {
            "name": name,
            "type": "integer" if kind == pl.Int64 else "string",
            "title": _TITLES[name][0],
            "titles": dict(zip(("fr", "en"), _TITLES[name], strict=True)),
        }
        for name, kind in columns.items()
    ]
    return {"fields": fields, "missingValues": [""]}
