"""What changed between any two versions of a dataset.

Belongs here: finding the two ends and comparing their tables. Does not belong here: comparing itself (delta.py).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glane.errors import CallError
from glane.store import Store, StoreError
from publish.delta import Difference, write_delta
from publish.number import Change, table_changes
from publish.streaming import compare_files
from publish.version import Version, VersionFile, load, path_of


class KeyChangedError(CallError):
    """Two versions whose rows cannot be told apart by the same key."""


def diff(store: Store, dataset: str, before: str, after: str) -> tuple[list[Change], dict[str, Difference]]:
    """What changed from version `before` to version `after`: the structure in words, then each common table's rows.

    Any two versions, in either direction. Raises UnknownVersionError, VersionError, KeyChangedError.
    """
    old, new = load(store, dataset, before), load(store, dataset, after)
    was, becomes = schemas_of(descriptor_of(store, old)), schemas_of(descriptor_of(store, new))
    differences = {}
    for table in (name for name in becomes if name in was):
        if key_of(was[table]) != key_of(becomes[table]):
            raise KeyChangedError(
                f"The key of {table} changed between {before} and {after}: its rows cannot be compared.",
                "Compare versions on one side of that change, or read both files whole.",
            )
        ends = [whole_csv(store, version, table) for version in (old, new)]
        differences[table] = compare_files(key_of(becomes[table]), *ends)
    return table_changes(was, becomes), differences


def write_differences(
    store: Store, dataset: str, ends: tuple[str, str], differences: Mapping[str, Difference], folder: Path
) -> None:
    """Write what diff() found between the versions `ends` as deltas, which delta.apply_delta() takes. Raises
    VersionError, StoreError."""
    old, new = (load(store, dataset, number) for number in ends)
    try:
        for table, difference in differences.items():
            paths = [whole_csv(store, version, table) for version in (old, new)]
            write_delta(folder, table, difference, ends=ends, old=paths[0], new=paths[1])
    except OSError as error:
        raise StoreError(f"Cannot write in {folder}: {error.strerror}.", "Name another folder.") from error


def descriptor_of(store: Store, version: Version) -> dict[str, Any]:
    """The datapackage.json of a version."""
    found: dict[str, Any] = json.loads(path_of(store, version, version.file("datapackage.json")).read_bytes())
    return found


def schemas_of(descriptor: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The Table Schemas in a datapackage.json, by table."""
    return {resource["name"]: resource["schema"] for resource in descriptor["resources"]}


def key_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The primary key of a Table Schema."""
    key = schema.get("primaryKey", [])
    return (key,) if isinstance(key, str) else tuple(key)


def csv_of(version: Version, table: str) -> VersionFile:
    """The canonical CSV of a table in a version; StopIteration if the version has no such table."""
    return next(f for f in version.files if f.kind == "data" and f.table == table and f.format == "csv")


def whole_csv(store: Store, version: Version, table: str) -> Path:
    """The canonical CSV of a table, on this machine. Raises VersionError if it is missing or cut short."""
    return path_of(store, version, csv_of(version, table))
