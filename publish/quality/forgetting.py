"""The quality report of a version from which somebody was forgotten: no point of theirs is left in it.

Belongs here: the report and its pages as they are then. Does not belong here: which rows go, and the accounts
(publish/forgetting).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glane.store import to_json
from publish.diff import csv_of
from publish.formats.delimited import read_csv
from publish.quality import QUALITY
from publish.quality.page import quality_pages
from publish.quality.places import forget_places
from publish.version import Version


def without_them(
    told: Mapping[str, Any], folder: Path, version: Version, descriptor: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """The files of `version` that tell of its quality, by path: `told` is its quality.json, where the accounts are
    those without the rows that go; the tables as they are without them stand in `folder`."""
    points = {
        str(one["name"]): (str(one["geometry"]["latitude"]), str(one["geometry"]["longitude"]))
        for one in descriptor["resources"]
        if one.get("geometry")
    }
    forget_places(told, {name: read_csv(folder / csv_of(version, name).path) for name in points}, points)
    data, there = to_json(told), {file.path for file in version.files}
    yield QUALITY, data
    yield from ((path, page) for path, page in quality_pages(data, version, descriptor) if path in there)
