"""Since when a thing stands on the steward's list, where nothing else knows it: the first morning that saw it.

Belongs here: remembering that, one date for each thing. Does not belong here: what waits (today.py).

    today/seen.json   by kind and source or dataset, the time when the asset `today` first saw it; gone with the thing
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from glane.store import Store
from pipelines.today_sources import Waiting

_KEY = "today/seen.json"


def seen_since(store: Store, found: Iterable[Waiting]) -> list[Waiting]:
    """The list, with the time of its first morning where a line has none of its own."""
    seen = _seen(store)
    return [one if one.since else replace(one, since=seen.get(_name(one))) for one in found]


def note_seen(store: Store, found: Sequence[Waiting], at: str) -> None:
    """Remember which of the lines were there at the time `at`, and since when; the others are forgotten."""
    before = _seen(store)
    now = {name: before.get(name, at) for name in sorted({_name(one) for one in found})}
    if now != before:
        store.write_json(_KEY, now)


def _seen(store: Store) -> dict[str, str]:
    told = store.read_json(_KEY)
    return {str(name): str(at) for name, at in told.items()} if isinstance(told, dict) else {}


def _name(one: Waiting) -> str:
    return f"{one.kind}: {one.about}"
