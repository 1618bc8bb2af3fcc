"""The derived files of any version, made again from its canonical ones, byte for byte: XLSX, GeoJSON, a CSV for each
département, the list of communes.

Belongs here: making them again and holding them to the manifest. Does not belong here: how long they are kept
(retention.py), the writers (formats/).

Everything comes from the version itself: its canonical CSV, and the schema and the columns of place in its own
datapackage.json; the list of communes needs the reference that it names too. What is declared today does not matter.
"""

import contextlib
import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from glane.errors import CallError, DataError
from glane.store import Store, sha256_of
from glane.text import Text
from publish.coverage_files import BY_COMMUNE, communes_again
from publish.diff import csv_of
from publish.formats import DERIVED, FORMATS
from publish.formats.delimited import read_csv
from publish.version import Version, VersionError, VersionFile, load, whole_path_of
from schemas.dataset import Geometry, Table, TableLine
from schemas.territory.declaration import Territory

COMMUNES = "communes"
"""What the derived list of communes is asked for by, beside the formats."""


class OtherBytesError(DataError):
    """A derived file that is made again with other bytes than were listed: another release writes it now."""


def derive_again(
    store: Store, dataset: str, number: str, folder: Path, formats: Collection[str] = (*DERIVED, COMMUNES)
) -> list[Path]:
    """Write the derived files of version `number` into `folder`, and give their paths: the bytes that were listed.

    A file that the store still keeps is copied, any other is made again. Raises UnknownVersionError; CallError where
    the version has none of the `formats`; VersionError where a canonical file is damaged; OtherBytesError, and then
    nothing is left of that file.
    """
    version = load(store, dataset, number)
    files = [file for file in derived_files(version) if _name(file) in formats]
    if not files:
        has = ", ".join(sorted({_name(file) for file in derived_files(version)})) or "none"
        raise CallError(f"{dataset} {number} has no such derived files.", f"Its derived formats: {has}.")
    folder.mkdir(parents=True, exist_ok=True)
    return [_bring(store, version, file, folder / Path(file.path).name) for file in files]


def derived_files(version: Version) -> list[VersionFile]:
    """The files of a version that are made of its canonical ones."""
    return [file for file in version.files if is_derived(file)]


def is_derived(file: VersionFile) -> bool:
    """Whether a file is made of canonical ones, and need not stay."""
    return (file.kind == "data" and file.format in DERIVED) or (file.kind == "coverage" and _name(file) == COMMUNES)


def _name(file: VersionFile) -> str:
    return COMMUNES if file.path.endswith(BY_COMMUNE) else str(file.format)


def is_same_again(store: Store, version: Version, file: VersionFile, folder: Path) -> bool:
    """Whether the derived `file`, made again in `folder`, has the very bytes that were listed. Raises VersionError."""
    made = folder / Path(file.path).name
    try:
        remake(store, version, file, made)
        return sha256_of(made) == file.sha256
    except OtherBytesError:
        return False
    finally:
        made.unlink(missing_ok=True)


def remake(store: Store, version: Version, file: VersionFile, path: Path) -> None:
    """Write at `path` the derived `file` of `version`, from its canonical CSV. Raises VersionError, OtherBytesError."""
    assert is_derived(file), "a canonical file is kept, never made again"
    descriptor = json.loads(whole_path_of(store, version, version.file("datapackage.json")).read_bytes())
    (resource,) = [one for one in descriptor["resources"] if one["name"] == file.table]
    if file.format == "geojson" and "geometry" not in resource:
        raise OtherBytesError(
            f"The datapackage.json of {version.dataset} {version.version} does not say which columns hold the point.",
            "Read the CSV: it has every row and is for ever.",
        )
    csv = whole_path_of(store, version, csv_of(version, str(file.table)))
    if file.format is not None:
        FORMATS[file.format].write(table_of(resource), read_csv(csv), path)
    elif not communes_again(store, descriptor, str(file.table), csv, path):
        raise OtherBytesError(
            f"The store no longer has the list of communes that {version.dataset} {version.version} was held against.",
            "Bring references/ of the store back from a backup.",
        )


def table_of(resource: Mapping[str, Any]) -> Table:
    """The table that a resource of a datapackage.json describes, as far as writing it takes."""
    point = resource.get("geometry")
    line = TableLine(
        name=resource["name"],
        title=Text(**resource["titles"]),
        description=Text(**resource["descriptions"]),
        geometry=Geometry(**point) if point else None,
        territory=Territory(**resource["territory"]) if "territory" in resource else None,
    )
    return Table(line, resource["schema"], Path("datapackage.json"), {}, {})


def _bring(store: Store, version: Version, file: VersionFile, path: Path) -> Path:
    with contextlib.suppress(VersionError):
        shutil.copyfile(whole_path_of(store, version, file), path)
        return path
    remake(store, version, file, path)
    if sha256_of(path) != file.sha256:
        path.unlink()
        here = FORMATS[file.format or "csv"].made_by()
        raise OtherBytesError(
            f"{file.path} of {version.dataset} {version.version} cannot be made again byte for byte here: it was "
            f"written by {file.made_by or 'releases that nobody noted'}; here is {here}.",
            "Install the releases of then (uv.lock of that time), or read the CSV: it has every row and is for ever.",
        )
    return path
