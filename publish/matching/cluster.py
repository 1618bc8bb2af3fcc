"""Which rows become one: pairs joined from the best down, and never a chain of rows that are not alike themselves.

Belongs here: the joining, over numbers of rows. Does not belong here: scores (score.py), whose value stands
(publish/merge.py).
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Row = TypeVar("Row", bound=Hashable)
Pair = tuple[int, int]


class _Groups:
    """Rows in groups, and which groups somebody said are two."""

    def __init__(self, rows: int, different: Iterable[Pair]) -> None:
        self.of = list(range(rows))
        self.members = {row: [row] for row in range(rows)}
        self._different: dict[int, set[int]] = {}
        for a, b in different:
            self._different.setdefault(a, set()).add(b)
            self._different.setdefault(b, set()).add(a)

    def said_different(self, a: int, b: int) -> bool:
        """Whether a row of the group `a` and one of the group `b` were said to be two."""
        if not self._different:
            return False
        others = set(self.members[b])
        return any(self._different.get(row, set()) & others for row in self.members[a])

    def join(self, a: int, b: int) -> None:
        """Make the groups `a` and `b` one."""
        kept, gone = min(a, b), max(a, b)
        for row in self.members[gone]:
            self.of[row] = kept
        self.members[kept] += self.members.pop(gone)


def join(
    partners: Sequence[str],
    certain: Iterable[Pair],
    scores: Mapping[Pair, float],
    *,
    alike: Collection[Pair],
    ask_from: float,
    said_same: Iterable[Pair] = (),
    said_different: Iterable[Pair] = (),
) -> list[int]:
    """Join rows, which are numbers into `partners`; gives each the lowest number of those that are one with it.

    Rows that somebody said are the same, then those that a declared key makes the same (`certain`, carried over from
    one to the next), then the pairs `alike`, best score first: two groups become one only where all their rows are
    alike (`ask_from`) and no partner has rows in both, for it listed them as two. Nothing joins what was said to be
    different. The outcome depends on the numbers of the rows alone, not on the order of the pairs.
    """
    groups = _Groups(len(partners), said_different)
    for pair in [*sorted(said_same), *sorted(certain)]:
        a, b = (groups.of[row] for row in pair)
        if a != b and not groups.said_different(a, b):
            groups.join(a, b)
    for pair in sorted(alike, key=lambda pair: (-scores[pair], pair)):
        a, b = (groups.of[row] for row in pair)
        if a != b and _may_join(groups, a, b, partners, scores, ask_from):
            groups.join(a, b)
    return groups.of


def components(links: Iterable[tuple[Row, Row]]) -> list[set[Row]]:
    """The rows that links lead from one to the other, where there are any."""
    parent: dict[Row, Row] = {}

    def root(row: Row) -> Row:
        parent.setdefault(row, row)
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for a, b in links:
        parent[root(b)] = root(a)
    found: dict[Row, set[Row]] = defaultdict(set)
    for row in list(parent):
        found[root(row)].add(row)
    return list(found.values())


def _may_join(
    groups: _Groups, a: int, b: int, partners: Sequence[str], scores: Mapping[Pair, float], ask_from: float
) -> bool:
    ours, theirs = groups.members[a], groups.members[b]
    if {partners[row] for row in ours} & {partners[row] for row in theirs} or groups.said_different(a, b):
        return False
    if len(ours) == len(theirs) == 1:
        return True
    return all(scores.get((min(x, y), max(x, y)), 0.0) >= ask_from for x in ours for y in theirs)
