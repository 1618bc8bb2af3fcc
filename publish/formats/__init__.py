"""The formats in which a table is published: one writer each, the same rows always giving the same bytes.

Belongs here: the registry of writers, their file extensions and media types. Does not belong here: which formats a
table has (dataset.yaml), where files go (build.py), how long they are kept (retention.py).

CSV and Parquet are canonical: they are for ever. A derived format is written from the canonical CSV and from what
datapackage.json says alone, so that it can be made again (remaking.py).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

from publish.formats.delimited import write_csv
from publish.formats.departments import write_departments
from publish.formats.geo import write_geojson
from publish.formats.parquet import write_parquet
from publish.formats.spreadsheet import write_xlsx
from schemas.dataset import Format, Table

Writer = Callable[[Table, pl.DataFrame, Path], None]


@dataclass(frozen=True)
class FileFormat:
    """One format: its extension, media type, the name CKAN knows it by, its writer, and whether it is `derived`.

    `packages` are those of which another release may write other bytes.
    """

    extension: str
    mediatype: str
    label: str
    write: Writer
    derived: bool = False
    packages: tuple[str, ...] = ()

    def made_by(self) -> str | None:
        """What writes a derived format here, with its releases; None for a canonical one."""
        known = {"zlib": zlib.ZLIB_RUNTIME_VERSION}
        return ", ".join(f"{name} {known.get(name) or version(name)}" for name in self.packages) or None


FORMATS: dict[Format, FileFormat] = {
    "csv": FileFormat("csv", "text/csv", "CSV", write_csv),
    "parquet": FileFormat("parquet", "application/vnd.apache.parquet", "Parquet", write_parquet),
    "geojson": FileFormat("geojson", "application/geo+json", "GeoJSON", write_geojson, True, ("polars",)),
    "xlsx": FileFormat(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "XLSX",
        write_xlsx,
        True,
        ("polars", "xlsxwriter", "zlib"),
    ),
    "departements": FileFormat(
        "departements.zip", "application/zip", "ZIP", write_departments, True, ("polars", "zlib")
    ),
}

DERIVED: frozenset[Format] = frozenset(name for name, form in FORMATS.items() if form.derived)


def formats_of(table: Table) -> tuple[Format, ...]:
    """The formats in which `table` is published: CSV always and first, GeoJSON only where it has points, a CSV for each
    département only where it says where its rows are."""
    needs = {"geojson": table.line.geometry, "departements": table.line.territory}
    declared = [name for name in FORMATS if name in {"csv", *table.line.formats}]
    return tuple(name for name in declared if name not in needs or needs[name] is not None)
