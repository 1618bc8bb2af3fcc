"""What is taken out of the store on purpose, and the log that says so: what, when, why.

Belongs here: removing with a trace. Does not belong here: what may go (schemas/retention.py says how long things are
kept, each room what must stay).

    log/removed/<name>/<year>-<month>.jsonl   one line for each key that is gone; written before it goes
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from glane.store import Store


@dataclass(frozen=True)
class Removal:
    """One key of the store that goes or is gone: the SHA-256 and size of what it held, when (UTC), and why."""

    key: str
    sha256: str
    bytes: int
    at: str
    why: str


def remove(store: Store, name: str, removals: Sequence[Removal]) -> None:
    """Take `removals` out of the store, and say so in the log called `name` (a dataset's). Raises StoreError.

    The line is written first: nothing is ever missing without one. Killed in between, the same key is noted twice.
    """
    by_month: dict[str, list[Removal]] = {}
    for removal in removals:
        by_month.setdefault(removal.at[:7], []).append(removal)
    for month, gone in by_month.items():
        key = f"log/removed/{name}/{month}.jsonl"
        seen = store.look(key)
        lines = [json.dumps(asdict(removal), ensure_ascii=False) + "\n" for removal in gone]
        store.replace(seen, (seen.data or b"") + "".join(lines).encode())
    for removal in removals:
        store.remove(removal.key)


def removed(store: Store, name: str) -> dict[str, Removal]:
    """What was taken out, by key, as the log called `name` says; the last line where a key went twice."""
    found: dict[str, Removal] = {}
    for month in store.list(f"log/removed/{name}"):
        for line in store.read(f"log/removed/{name}/{month}").splitlines():
            # A line that a disk damaged says nothing: what it stood for will be called missing.
            with contextlib.suppress(ValueError, TypeError):
                removal = Removal(**json.loads(line))
                found[removal.key] = removal
    return found
