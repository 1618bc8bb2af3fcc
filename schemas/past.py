"""What was judged before: the rows and reports of every judgement of a partner but the one that stands.

Belongs here: finding them in rows/ and reports/, and when each was given. Does not belong here: which of them may go
(pipelines/pruning.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glane.store import Store

_JUDGED = re.compile(r"([0-9a-f]{64})\.json")


@dataclass(frozen=True)
class PastJudgement:
    """What is kept of an older judgement: the day it was given (UTC), the SHA-256 of the rows that it let through
    (None for a report), and its keys in the store."""

    day: str
    rows_sha256: str | None
    keys: tuple[str, ...]


def past_rows(store: Store, dataset: str, partner: str) -> list[PastJudgement]:
    """The rows of every judgement but the standing one; none where it cannot be told which one stands."""
    folder = f"rows/{dataset}/{partner}"
    standing = _standing(store, folder)
    found = []
    names = store.list(folder)
    for key in _judgements(names) if standing else ():
        verdict: Any = store.read_json(f"{folder}/{key}.json")
        if key != standing and isinstance(verdict, dict) and isinstance(verdict.get("judged_at"), str):
            # The rows first: a verdict without rows is found again here, and those who need them judge again.
            keys = tuple(f"{folder}/{key}{suffix}" for suffix in (".parquet", ".json") if f"{key}{suffix}" in names)
            found.append(PastJudgement(verdict["judged_at"][:10], verdict.get("rows_sha256"), keys))
    return found


def past_reports(store: Store, dataset: str, partner: str) -> list[PastJudgement]:
    """The reports on every judgement but the standing one and the last one; the last report itself stays."""
    folder = f"reports/{dataset}/{partner}"
    last: Any = store.read_json(f"{folder}/latest.json")
    standing = {_standing(store, f"rows/{dataset}/{partner}"), last.get("judged") if isinstance(last, dict) else None}
    found = []
    for key in _judgements(store.list(folder)):
        report: Any = store.read_json(f"{folder}/{key}.json") if key not in standing else None
        if isinstance(report, dict) and isinstance(report.get("run_at"), str):
            found.append(PastJudgement(report["run_at"][:10], None, (f"{folder}/{key}.json",)))
    return found


def standing_snapshot(store: Store, dataset: str, partner: str) -> str | None:
    """The SHA-256 of the bytes that a partner's last good rows were read from; None where it cannot be told."""
    folder = f"rows/{dataset}/{partner}"
    verdict: Any = store.read_json(f"{folder}/{_standing(store, folder)}.json")
    return str(verdict["snapshot"]) if isinstance(verdict, dict) and verdict.get("snapshot") else None


def _standing(store: Store, folder: str) -> str | None:
    pointer: Any = store.read_json(f"{folder}/latest.json")
    return pointer.get("judged") if isinstance(pointer, dict) else None


def _judgements(names: Sequence[str]) -> list[str]:
    return [found[1] for name in names if (found := _JUDGED.fullmatch(name))]
