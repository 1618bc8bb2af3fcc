"""What was judged before: the rows and reports of every judgement of a partner but the one that stands.

Belongs here: finding them in rows/ and reports/, and when each was given. Does not belong here: which of them may go
(pipelines/pruning.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glane.store import Store
from schemas.rows import rows_folder

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
    folder = rows_folder(dataset, partner)
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


def rows_let_through(
    store: Store, dataset: str, partner: str, rows_sha256: str, judged: tuple[str, str, str]
) -> tuple[str, str] | None:
    """The name of the judgement that let these rows through, and the store's key of the rows; None where they are gone
    or damaged.

    `judged` is what was judged, mapped by what, under which rules (a verdict's snapshot, mapped_by and judged_by): rows
    in their grace period are kept by themselves for a while, and are among those of their judgement for longer.
    """
    folder = rows_folder(dataset, partner)
    names = store.list(folder)
    whole: tuple[str, str, Any] | None = None
    for name in names:
        judgement = name.removesuffix(".json")
        if judgement == name or f"{judgement}.parquet" not in names:
            continue
        key, verdict = f"{folder}/{judgement}.parquet", store.read_json(f"{folder}/{name}")
        if not isinstance(verdict, dict) or "rows_sha256" not in verdict:
            continue
        if verdict["rows_sha256"] == rows_sha256 and store.digest(key) == rows_sha256:
            return judgement, key
        if _JUDGED.fullmatch(name) and judged == tuple(verdict.get(n) for n in ("snapshot", "mapped_by", "judged_by")):
            whole = judgement, key, verdict["rows_sha256"]
    return whole[:2] if whole is not None and store.digest(whole[1]) == whole[2] else None


def rows_before(store: Store, dataset: str, partner: str, judged: str) -> str | None:
    """The store's key of the rows that were let through last before the judgement `judged`; None where none are."""
    folder = rows_folder(dataset, partner)
    then: Any = store.read_json(f"{folder}/{judged}.json")
    told: list[tuple[str, str]] = []
    for name in _judgements(store.list(folder)):
        verdict: Any = store.read_json(f"{folder}/{name}.json")
        if isinstance(verdict, dict) and isinstance(then, dict) and verdict["judged_at"] < then["judged_at"]:
            told.append((verdict["judged_at"], f"{folder}/{name}.parquet"))
    return max(told)[1] if told and store.exists(max(told)[1]) else None


def past_reports(store: Store, dataset: str, partner: str) -> list[PastJudgement]:
    """The reports on every judgement but the standing one and the last one; the last report itself stays."""
    folder = f"reports/{dataset}/{partner}"
    last: Any = store.read_json(f"{folder}/latest.json")
    standing = {_standing(store, rows_folder(dataset, partner)), last.get("judged") if isinstance(last, dict) else None}
    found = []
    for key in _judgements(store.list(folder)):
        report: Any = store.read_json(f"{folder}/{key}.json") if key not in standing else None
        if isinstance(report, dict) and isinstance(report.get("run_at"), str):
            found.append(PastJudgement(report["run_at"][:10], None, (f"{folder}/{key}.json",)))
    return found


def standing_snapshot(store: Store, dataset: str, partner: str) -> str | None:
    """The SHA-256 of the bytes that a partner's last good rows were read from; None where it cannot be told."""
    folder = rows_folder(dataset, partner)
    verdict: Any = store.read_json(f"{folder}/{_standing(store, folder)}.json")
    return str(verdict["snapshot"]) if isinstance(verdict, dict) and verdict.get("snapshot") else None


def _standing(store: Store, folder: str) -> str | None:
    pointer: Any = store.read_json(f"{folder}/latest.json")
    return pointer.get("judged") if isinstance(pointer, dict) else None


def _judgements(names: Sequence[str]) -> list[str]:
    return [found[1] for name in names if (found := _JUDGED.fullmatch(name))]
