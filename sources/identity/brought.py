"""The ids that a partner brings back in our own workbook: which of them stand, and what is said of the others.

Belongs here: an id that we never gave, one that stands on two rows, and a column of ids that slipped against its rows
while somebody sorted. Does not belong here: rows that bring no id (identify.py), reading the workbook (returned.py).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from schemas.dataset import Severity
from schemas.judgement import Found, Problem
from schemas.phrases import say
from sources.identity.identify import shown
from sources.identity.likeness import Compared, Features, features, weigh
from sources.identity.register import Known

NO_NUMBER = "?"
"""Stands for an id in a workbook of ours where the partner's own file gives none."""

WRONG_IDS = frozenset({"identity_missing", "identity_unknown", "identity_copied"})
"""What is said of an id that does not stand; its row is to be corrected."""


@dataclass(frozen=True)
class Brought:
    """The ids that rows bring: `given` in the rows' order (None: none, or one that does not stand). `aside` are the
    rows that get no id at all until the partner corrects them, and `found` says why."""

    given: tuple[str | None, ...]
    aside: frozenset[int]
    found: tuple[Found, ...]


def brought(
    fields: Compared,
    texts: Sequence[str],
    rows: Sequence[tuple[int, Mapping[str, str]]],
    known: Mapping[str, Known],
    own_number: Callable[[str], str] | None,
    *,
    key_field: str,
) -> Brought:
    """Judge the cells of the id column (`texts`); `rows` are their lines and telling cells. `own_number` makes an id of
    a number that the partner writes itself, where it numbers its rows or the workbook was an empty one."""
    told = [features(fields, cells) for _, cells in rows]
    given: list[str | None] = [_named(text, known, own_number) for text in texts]
    found: list[Found] = []
    aside: set[int] = set()

    def say_of(at: int, what: str, severity: Severity, **values: str) -> None:
        said, line = say(f"identity.{what}", **values), rows[at][0]
        problem = Problem(line, key_field, f"identity_{what}", severity, texts[at], said.wrong, remedy=said.write)
        found.append((at, problem))

    for at, text in enumerate(texts):
        if text and given[at] is None:
            aside.add(at)
            say_of(at, "missing" if text == NO_NUMBER else "unknown", "error")
    moved = _moved(fields, given, told, known)
    for at, true in moved.items():
        say_of(at, "moved", "warning", id=true, other=shown(fields, known[str(given[at])].cells or {}))
    theirs = set(moved.values())
    for at, name in enumerate(given):
        if at not in moved and name in theirs:
            say_of(at, "slipped", "warning")
    settled = [moved.get(at, None if name in theirs else name) for at, name in enumerate(given)]
    for at, keeper in _copies(fields, settled, told, known).items():
        aside.add(at)
        settled[at] = None
        say_of(at, "copied", "error", line=str(rows[keeper][0]))
    return Brought(tuple(settled), frozenset(aside), tuple(found))


def _named(text: str, known: Mapping[str, Known], own_number: Callable[[str], str] | None) -> str | None:
    if text in known:
        return text
    return own_number(text) or None if own_number and text not in ("", NO_NUMBER) else None


def _moved(
    fields: Compared, given: Sequence[str | None], told: Sequence[Features], known: Mapping[str, Known]
) -> dict[int, str]:
    """The rows that say word for word what another id's row said last time, and not what their own did."""
    read = {name: features(fields, one.cells) for name, one in known.items() if one.cells}
    last = {name: one for name, one in read.items() if one.content}
    counted = Counter(one.content for one in last.values())
    owner = {one.content: name for name, one in last.items() if counted[one.content] == 1}
    in_place = {
        name for name, one in zip(given, told, strict=True) if name in last and last[name].content == one.content
    }
    moved: dict[int, str] = {}
    for at, (name, one) in enumerate(zip(given, told, strict=True)):
        other = owner.get(one.content)
        if other is None or name not in last or last[name].content == one.content:
            continue
        if other not in in_place and other not in moved.values():
            moved[at] = other
    return moved


def _copies(
    fields: Compared, given: Sequence[str | None], told: Sequence[Features], known: Mapping[str, Known]
) -> dict[int, int]:
    """The rows whose id another row has, and that row: the one that is most like what the id's row said last time."""
    same: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(given):
        if name is not None:
            same[name].append(at)
    copies: dict[int, int] = {}
    for name, numbers in same.items():
        if len(numbers) > 1:
            cells = known[name].cells if name in known else None
            last = features(fields, cells) if cells else None
            keeper = min(numbers, key=lambda at: (-_nearness(fields, told[at], last), at))
            copies |= {at: keeper for at in numbers if at != keeper}
    return copies


def _nearness(fields: Compared, one: Features, last: Features | None) -> float:
    if last is None:
        return 0.0
    # What says the same is nearest, whatever its fields weigh.
    return float("inf") if one.content == last.content else weigh(fields, one, last, frozenset())
