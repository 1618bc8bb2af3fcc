"""What partners sent before: every snapshot of a partner but the current one.

Belongs here: finding them in raw/, and when each came. Does not belong here: which of them may go
(pipelines/pruning.py), nor what is current (snapshot.py).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from glane.store import Store

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PastSnapshot:
    """Bytes that a partner sent: their SHA-256, the day they first came (UTC), and their keys, the bytes first: their
    story alone is found again, and says how old they were."""

    sha256: str
    came: str
    keys: tuple[str, ...]


def past_snapshots(store: Store, dataset: str, partner: str, *, but: Collection[str]) -> list[PastSnapshot]:
    """The snapshots of a partner that are neither the current one nor among those of `but`.

    None at all where it cannot be told which one is the current one.
    """
    folder = f"raw/{dataset}/{partner}"
    pointer: Any = store.read_json(f"{folder}/latest.json")
    if not isinstance(pointer, dict) or "sha256" not in pointer:
        return []
    files = store.files(folder)
    found = []
    for sha256 in sorted({name.removesuffix(".json") for name in files}):
        if not _SHA256.fullmatch(sha256) or sha256 in but or sha256 == pointer["sha256"]:
            continue
        story: Any = store.read_json(f"{folder}/{sha256}.json")
        # Without its story nobody knows how old it is.
        if isinstance(story, dict) and isinstance(story.get("fetched_at"), str):
            keys = [f"{folder}/{name}" for name in (sha256, f"{sha256}.json") if name in files]
            found.append(PastSnapshot(sha256, story["fetched_at"][:10], tuple(keys)))
    return found
