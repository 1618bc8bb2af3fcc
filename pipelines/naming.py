"""Names of assets, jobs, checks, sensors and schedules: one place, so that every part of the graph agrees.

Belongs here: how a dataset's and a source's names become Dagster's. Does not belong here: what is built under them.
"""

import re
from dataclasses import dataclass

import dagster as dg

from pipelines.catalogue import Entry

CHECKS = ("conforms", "complete", "personal_data")
RELEASE = ("merged", "version", "portal")

_NOT_IN_A_KEY = re.compile(r"[^A-Za-z0-9_.-]")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class SourceKeys:
    """The assets of one source."""

    snapshot: dg.AssetKey
    rows: dg.AssetKey


def name_of(dataset: str, what: str) -> str:
    """The name of a dataset's job, op, sensor or schedule: `inclusion_sites_harvest`."""
    return f"{_NOT_IN_A_NAME.sub('_', dataset)}_{what}"


def group_of(dataset: str) -> str:
    """The group that a dataset's assets stand in."""
    return _NOT_IN_A_NAME.sub("_", dataset)


def release_key(dataset: str, what: str) -> dg.AssetKey:
    """The key of one of a dataset's RELEASE assets: `inclusion_sites/version`."""
    return dg.AssetKey([_NOT_IN_A_KEY.sub("_", dataset), what])


def source_keys(entry: Entry) -> dict[str, SourceKeys]:
    """The keys of every source of a dataset, by partner: `inclusion_sites/angers/rows`.

    A folder's name that Dagster cannot hold, or that meets another one, is bent until it fits: one oddly named
    folder must not empty Dagit.
    """
    keys: dict[str, SourceKeys] = {}
    taken: set[str] = set()
    for source in entry.sources:
        part = _NOT_IN_A_KEY.sub("_", source.partner)
        while _NOT_IN_A_NAME.sub("_", part) in taken:
            part += "_"
        taken.add(_NOT_IN_A_NAME.sub("_", part))
        stem = [_NOT_IN_A_KEY.sub("_", entry.name), part]
        keys[source.partner] = SourceKeys(dg.AssetKey([*stem, "snapshot"]), dg.AssetKey([*stem, "rows"]))
    return keys
