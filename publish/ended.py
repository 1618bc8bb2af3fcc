"""Rows that leave because their grace period is over, and those that are in it, as a changelog tells of them.

Belongs here: what of them a version says. Does not belong here: which rows these are (schemas/absence.py), the
sentences (changelog.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from publish.delta import Difference
from publish.version import Input


@dataclass(frozen=True)
class Ended:
    """Rows (their own ids) that were missing from a partner's file `since` an ISO day, and whose time is over."""

    partner: str
    table: str
    since: str
    ids: frozenset[str]


def told_ended(
    ended: Sequence[Ended], differences: Mapping[str, Difference], stood: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """How many published rows left with them, for each partner, table and day since which they were missing.

    `stood` gives for each table the id that every own id was published under. A row that others report too stays.
    """
    told = []
    for one in sorted(ended, key=lambda one: (one.partner, one.table, one.since)):
        difference = differences.get(one.table)
        if difference is None:
            continue
        removed = set(difference.removed.select(pl.concat_str(difference.key, separator="|")).to_series())
        published = {stood.get(one.table, {}).get(own, own) for own in one.ids}
        if count := len(published & removed):
            told.append({"partner": one.partner, "table": one.table, "since": one.since, "rows": count})
    return told


def told_absent(absent: Sequence[Input]) -> list[dict[str, Any]]:
    """The rows that a version holds though they are no longer in their partner's file."""
    return [
        {"partner": one.partner, "table": one.table, "since": one.absent_since, "rows": one.passed}
        for one in sorted(absent, key=lambda one: (one.partner, one.table, one.absent_since or ""))
    ]
