"""What a dataset's page tells of a version beside its declaration and manifest: read from the store, once.

Belongs here: which facts these are and where each comes from. Does not belong here: the fields (layout.py) and the
sentences (notes.py) that they become.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from glane.store import Store
from publish.diff import descriptor_of
from publish.notice import Announced
from publish.quality import QUALITY
from publish.version import Version, listed, path_of
from schemas.dataset import Dataset


@dataclass(frozen=True)
class Box:
    """The box around every point of a dataset, in WGS 84 degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Quality:
    """Where the rows that came in for a table went, in figures; `left_out` of a derived table: rows that do not fit
    it."""

    rows_in: int = 0
    published: int = 0
    to_correct: int = 0
    on_hold: int = 0
    merged: int = 0
    held: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Past:
    """An older version as the page links to it: its number, when it was made, `addresses` of its files by path."""

    version: str
    created: str
    addresses: Mapping[str, str]


@dataclass(frozen=True)
class History:
    """Where versions are found: `url` of the page (or list) that keeps this one, the last few older ones, and the
    address from which `every` one is reached, where `url` is not enough."""

    url: str
    recent: tuple[Past, ...] = ()
    every: str = ""


@dataclass(frozen=True)
class Background:
    """`issued` is when the first version was made, `period` the first and the last day on which the partners' files
    were received: what the data is a picture of, as no field can be trusted to say it. `changes` is changelog.json,
    `quality` the figures of each table, `expectations` how many are met of how many, `notice` what is announced.
    """

    issued: str
    manifest_sha256: str
    period: tuple[str, str]
    box: Box | None = None
    notice: Announced | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Quality] = field(default_factory=dict)
    expectations: tuple[int, int] = (0, 0)


def background(store: Store, dataset: Dataset, version: Version, rows: Mapping[str, pl.DataFrame]) -> Background:
    """The background of `version`, whose published `rows` are given by table. Raises VersionError."""
    lines = listed(store, dataset.name)
    (manifest,) = [line.manifest_sha256 for line in lines if line.version == version.version]
    days = sorted(source.snapshot_date for source in version.inputs)
    quality = _json(store, version, QUALITY)
    answers = [bool(answer["passed"]) for answer in quality.get("expectations", ())]
    return Background(
        issued=lines[0].created,
        manifest_sha256=manifest,
        period=(days[0], days[-1]),
        box=box_around(dataset, rows),
        notice=descriptor_of(store, version).get("notice"),
        changes=_json(store, version, "changelog.json"),
        quality={table.name: _figures(quality, table.name) for table in dataset.tables},
        expectations=(sum(answers), len(answers)),
    )


def box_around(dataset: Dataset, tables: Mapping[str, pl.DataFrame]) -> Box | None:
    """The box around every point of the dataset's `tables`; None where there is no point."""
    points = [
        tables[table.name].select(
            pl.col(table.line.geometry.longitude).cast(pl.Float64, strict=False).alias("x"),
            pl.col(table.line.geometry.latitude).cast(pl.Float64, strict=False).alias("y"),
        )
        for table in dataset.tables
        if table.line.geometry is not None
    ]
    placed = pl.concat(points).drop_nulls() if points else pl.DataFrame()
    if not placed.height:
        return None
    ends = (placed["x"].min(), placed["y"].min(), placed["x"].max(), placed["y"].max())
    return Box(*(round(float(str(end)), 4) for end in ends))


def _figures(quality: Mapping[str, Any], table: str) -> Quality:
    lines = [line for line in quality.get("partners", ()) if line["table"] == table]
    names = ("rows_in", "published", "to_correct", "on_hold", "merged", "held")
    sums = {name: sum(int(line[name]) for line in lines) for name in names}
    return Quality(**sums, left_out=int(quality.get("left_out", {}).get(table, 0)))


def _json(store: Store, version: Version, path: str) -> dict[str, Any]:
    """A JSON file of a version; an empty one where an older Glane wrote none."""
    if path not in {file.path for file in version.files}:
        return {}
    found: dict[str, Any] = json.loads(path_of(store, version, version.file(path)).read_bytes())
    return found
