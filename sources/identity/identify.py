"""The ids of the rows of a file: the partner's own where it gives them, else those that the same rows had last time.

Belongs here: the rule, in this order. A row that brings its id keeps it. Of the others, a row whose key (the hash of
its declared fields) is known has the id that this key had, also after years away. A row with a new key is paired with
the row of last time that it is most like; where that is doubtful it keeps that id too, and the partner is asked: a
partner who does not answer is not renumbered, and what is published does not vanish. `id: apart` in source.yaml is the
answer "no, another one". All others get a new id, which no other row ever had.
Does not belong here: how alike rows are (likeness.py), pairing (matching.py), reading files and declarations.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from schemas.judgement import Found, Problem
from schemas.phrases import say
from sources.identity.likeness import Compared, Features, features, shared_values
from sources.identity.matching import Pair, pairs
from sources.identity.register import Known, Register

DOUBTFUL, RENUMBERED = "identity_doubtful", "identity_renumbered"
_RENUMBERED_LEAST, _RENUMBERED_SHARE = 3, 0.1
_SHOWN = 3


@dataclass(frozen=True)
class Row:
    """One row of the file: its line, the id that it brings (`given`) or the `key` of one that brings none, and its
    telling cells. With neither, nothing tells which row it is, and it has no id."""

    line: int
    given: str | None
    key: str | None
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Identified:
    """The id of each row, in their order; what is asked of the partner; the register with these rows in it."""

    ids: tuple[str | None, ...]
    questions: tuple[Found, ...]
    register: Register


def identified(
    fields: Compared, rows: Sequence[Row], before: Register, *, key_field: str, apart: Collection[str] = ()
) -> Identified:
    """Give every row its id. `before` is the register after the last file; the ids of `apart` are those of rows that
    must not be taken for another one by likeness. The order of the rows changes nothing; the same file again, after
    itself, gives the same."""
    claimed = {row.given for row in rows if row.given}
    known = {name: replace(one, keys=one.keys[:1]) if name in apart else one for name, one in before.ids.items()}
    by_key: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.given is None and row.key:
            by_key[row.key].append(number)
    chosen = _by_key(by_key, known, claimed)
    taken = claimed | set(chosen.values())
    fresh = {key: numbers for key, numbers in by_key.items() if key not in chosen}
    free = {name for name, one in known.items() if one.cells is not None and name not in taken and name not in apart}
    paired = _paired(fields, rows, fresh, known, free) if fresh and free else []
    chosen |= {pair.now: pair.before for pair in paired}
    taken |= set(chosen.values())
    for key in sorted(by_key):
        if key not in chosen:
            chosen[key] = _new(key, taken | known.keys())
            taken.add(chosen[key])
    ids = tuple(row.given or (chosen[row.key] if row.key else None) for row in rows)
    asked = [_question(fields, rows, by_key[pair.now], pair, known, key_field) for pair in paired if not pair.sure]
    return Identified(ids, tuple(sorted(asked, key=lambda found: found[0])), _after(known, rows, ids))


def _by_key(by_key: Mapping[str, object], known: Mapping[str, Known], claimed: Collection[str]) -> dict[str, str]:
    """The ids of the keys that are known. Of two keys of one id, the one of last time's row has it."""
    owner = {key: name for name, one in known.items() for key in one.keys}
    wanted: dict[str, list[str]] = defaultdict(list)
    for key in by_key:
        if key in owner and owner[key] not in claimed:
            wanted[owner[key]].append(key)
    chosen = {}
    for name, keys in wanted.items():
        one = known[name]
        best = one.current if one.current in keys else max(keys, key=one.keys.index)
        if best is not None:
            chosen[best] = name
    return chosen


def _paired(
    fields: Compared,
    rows: Sequence[Row],
    fresh: Mapping[str, Sequence[int]],
    known: Mapping[str, Known],
    free: Collection[str],
) -> list[Pair]:
    told = {number: features(fields, row.cells) for number, row in enumerate(rows)}
    last = {name: features(fields, one.cells) for name, one in known.items() if one.cells is not None}
    shared = shared_values(told.values(), last.values())
    now = {key: _one_of(told, numbers) for key, numbers in fresh.items()}
    return pairs(fields, now, {name: last[name] for name in free}, shared)


def _one_of(told: Mapping[int, Features], numbers: Iterable[int]) -> Features:
    """What stands for rows of one key: chosen by what they say, not by where they stand."""
    return min((told[number] for number in numbers), key=lambda one: sorted(one.values.items()))


def _new(key: str, taken: Collection[str]) -> str:
    number, name = 1, key
    while name in taken:
        number += 1
        name = f"{key}-{number}"
    return name


def _after(known: Mapping[str, Known], rows: Sequence[Row], ids: Sequence[str | None]) -> Register:
    now: dict[str, tuple[str | None, Mapping[str, str]]] = {}
    for row, name in sorted(zip(rows, ids, strict=True), key=lambda pair: sorted(pair[0].cells.items()), reverse=True):
        if name is not None:
            now[name] = (row.key, row.cells)
    moved = {key for key, _ in now.values() if key}
    after = {
        name: Known(tuple(key for key in one.keys if key not in moved or now.get(name, ("", {}))[0] == key))
        for name, one in known.items()
    }
    for name, (key, cells) in now.items():
        keys = after.get(name, Known()).keys
        after[name] = Known((*keys, key) if key and key not in keys else keys, key, cells)
    return Register(after)


def _question(
    fields: Compared, rows: Sequence[Row], numbers: Sequence[int], pair: Pair, known: Mapping[str, Known], key: str
) -> Found:
    number = numbers[0]
    row, before = rows[number], known[pair.before].cells or {}
    said = say("identity.doubtful", now=shown(fields, row.cells), before=shown(fields, before), id=pair.before)
    return number, Problem(row.line, key, DOUBTFUL, "warning", pair.before, said.wrong, remedy=said.write)


def shown(fields: Compared, cells: Mapping[str, str]) -> str:
    """A row in a few words, for a question: its name and the first of what else tells it."""
    texts = (cells.get(name) for name in (fields.name, *fields.texts) if name)
    return ", ".join([text for text in texts if text][:_SHOWN])


def renumbered(
    fields: Compared, rows: Sequence[Row], before: Mapping[str, Mapping[str, str]], *, key_field: str
) -> list[Found]:
    """Whether a partner that numbers its rows itself has numbered them anew: many rows of `before` (their cells, by id)
    stand in the file with all that tells them, under a number that is new. Rows that say the same do not count."""
    now = {row.given for row in rows if row.given}
    gone = _only({name: features(fields, cells) for name, cells in before.items() if name not in now})
    fresh = _only({str(at): features(fields, row.cells) for at, row in enumerate(rows) if row.given not in before})
    same = sorted((int(fresh[content]), gone[content]) for content in fresh.keys() & gone.keys())
    if len(same) < max(_RENUMBERED_LEAST, _RENUMBERED_SHARE * len(before)):
        return []
    at, old = same[0]
    row = rows[at]
    said = say(
        "identity.renumbered", count=str(len(same)), name=shown(fields, row.cells), old=old, new=row.given or "?"
    )
    return [(at, Problem(row.line, key_field, RENUMBERED, "warning", row.given, said.wrong, remedy=said.write))]


def _only(rows: Mapping[str, Features]) -> dict[object, str]:
    found: dict[object, list[str]] = defaultdict(list)
    for name, one in rows.items():
        if one.content:
            found[one.content].append(name)
    return {content: names[0] for content, names in found.items() if len(names) == 1}
