"""Which id a row has that several partners' rows became: the one that it had last time.

Belongs here: the rule. Does not belong here: which rows are one (merge.py), reading which ids stood (about.py).
"""

from collections import Counter
from collections.abc import Mapping, Sequence


def chosen(groups: Sequence[Sequence[str]], before: Mapping[str, str]) -> list[str]:
    """The id of each group of rows, given by their own ids, whose value stands first.

    The id that most of its rows stood under last time stands on, also when the partner that gave it has left; else the
    first row's. An id that another group's row brings itself is that group's, and each id is given once: of two groups
    that had one, the row that brings it keeps it, else the larger one does. The order of the groups changes nothing.
    """
    home = {own: number for number, group in enumerate(groups) for own in group} if before else {}
    claims = []
    for number, group in enumerate(groups):
        counted = Counter(before[own] for own in group if own in before) if before else {}
        for published, rows in counted.items():
            brought = home.get(published) == number
            if brought or published not in home:
                claims.append((not brought, -rows, published, min(group), number))
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for *_, published, _, number in sorted(claims):
        if number not in ids and published not in taken:
            ids[number] = published
            taken.add(published)
    return [ids.get(number, group[0]) for number, group in enumerate(groups)]
