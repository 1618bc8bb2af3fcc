"""Pairs the rows of a file with those of last time that they are most like, one with one.

Belongs here: choosing the pairs, and saying which of them are sure. Does not belong here: how alike two rows are
(likeness.py), what becomes of their ids (identify.py).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sources.identity.likeness import Compared, Features, Told, blocks, is_renamed, weigh

SURE = 4.0
DOUBTFUL = 2.5
MARGIN = 1.5
"""A pair that another one comes nearer to than this is not sure, however alike its rows are."""

_PAIRS_MAX = 4_000


@dataclass(frozen=True)
class Pair:
    """A row of the file (`now`) that is taken for one of last time (`before`); `sure`, or a question to the partner."""

    now: str
    before: str
    sure: bool


def pairs(fields: Compared, now: Mapping[str, Features], before: Mapping[str, Features], shared: Told) -> list[Pair]:
    """Pair rows, given by their keys; each is in one pair at most. The order in which they come changes nothing.

    `shared` are values of many rows (shared_values). The best pairs are made first; a row that is like none stays
    alone. Linear in the rows but for those that share a value: where too many meet, finer values find them.
    """
    weights = {
        (a, b): weight
        for a, b in _candidates(fields, now, before, shared)
        if (weight := weigh(fields, now[a], before[b], shared)) >= DOUBTFUL
    }
    ordered = sorted(weights, key=lambda pair: (-weights[pair], pair))
    of_now: dict[str, list[str]] = defaultdict(list)
    of_before: dict[str, list[str]] = defaultdict(list)
    for a, b in ordered:
        of_now[a].append(b)
        of_before[b].append(a)
    taken_now: set[str] = set()
    taken_before: set[str] = set()
    found: list[Pair] = []
    for a, b in ordered:
        if a in taken_now or b in taken_before:
            continue
        least = weights[a, b] - MARGIN
        # A rival that would rather go with another row, still free, is none.
        rivals_before = [o for o in of_now[a] if o != b and o not in taken_before and weights[a, o] > least]
        rivals_now = [o for o in of_before[b] if o != a and o not in taken_now and weights[o, b] > least]
        rival = any(next((n for n in of_before[o] if n not in taken_now), a) == a for o in rivals_before) or any(
            next((n for n in of_now[o] if n not in taken_before), b) == b for o in rivals_now
        )
        sure = weights[a, b] >= SURE and not rival and not is_renamed(fields, now[a], before[b])
        found.append(Pair(a, b, sure))
        taken_now.add(a)
        taken_before.add(b)
    return found


def _candidates(
    fields: Compared, now: Mapping[str, Features], before: Mapping[str, Features], shared: Told
) -> set[tuple[str, str]]:
    met: dict[tuple[str, ...], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((now, before)):
        for key, row in rows.items():
            for block in set(blocks(fields, row, shared)):
                met[block][side].append(key)
    return {
        (a, b) for ours, theirs in met.values() if len(ours) * len(theirs) <= _PAIRS_MAX for a in ours for b in theirs
    }
