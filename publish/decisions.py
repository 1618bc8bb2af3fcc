"""What stewards decided by hand: `decisions/<dataset>.csv` in the tree of sources, reviewed like code.

Belongs here: the decisions as values, reading the file, and what can be wrong with it by itself. Does not belong here:
applying them to rows (deciding.py).

A line is one decision. `table` may be empty: the first of the dataset. `by` is a role, never a person.

    same, different   `id` and `other` are one thing, or are not, whatever their likeness
    correction        the `field` of `id`, where it says `seen`, is to say `value`
    withdrawal        the row `id` is not published any more
    forgotten         the row whose own id is `id` is neither kept nor published any more: glane forget writes it

Each may end (`until`, the last day on which it holds). What a decision speaks of is the published row: its id, and the
cell as it is published. An id may be written as its pseudonym (glane/pseudonyms.py), that of a forgotten row must be.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from glane.csv_lines import bytes_at, put, read_lines, with_line
from glane.declaration import DeclarationError, Fault
from glane.pseudonyms import is_pseudonym
from publish.matching.cluster import components

Kind = Literal["same", "different", "correction", "withdrawal", "forgotten"]
COLUMNS = ("kind", "table", "id", "other", "field", "seen", "value", "by", "on", "until", "why")
_NEEDED = {
    "same": ("id", "other", "by", "on", "why"),
    "different": ("id", "other", "by", "on", "why"),
    "correction": ("id", "field", "by", "on", "why"),
    "withdrawal": ("id", "by", "on", "why"),
    "forgotten": ("id", "by", "on"),
}
_UNUSED = {
    "same": ("field", "seen", "value"),
    "different": ("field", "seen", "value"),
    "correction": ("other",),
    "withdrawal": ("other", "field", "seen", "value"),
    "forgotten": ("other", "field", "seen", "value", "until"),
}


@dataclass(frozen=True)
class Decision:
    """One decision, and the line of the file that it stands on (from 1)."""

    line: int
    kind: Kind
    table: str
    id: str
    other: str
    field: str
    seen: str
    value: str
    by: str
    on: datetime.date
    until: datetime.date | None
    why: str


@dataclass(frozen=True)
class Decisions:
    """The decisions of one dataset, and the file they stand in; none where there is none."""

    path: Path = Path("decisions.csv")
    all: tuple[Decision, ...] = ()

    def standing(self, table: str, kind: Kind, today: datetime.date) -> list[Decision]:
        """Those of one kind on one table that hold on the day `today`, in the order of the file."""
        return [one for one in self.all if (one.table, one.kind) == (table, kind) and not ended(one, today)]


UNDECIDED = Decisions()
"""Nothing was decided."""


def ended(decision: Decision, today: datetime.date) -> bool:
    """Whether the last day of a decision is past."""
    return decision.until is not None and decision.until < today


def read_decisions(path: Path, tables: Sequence[str]) -> Decisions:
    """Read the decisions at `path` on the tables (the first is meant where none is named).

    Raises DeclarationError with every fault: a line that is not complete, a table that is not there, two decisions that
    contradict one another.
    """
    data = bytes_at(path)
    return Decisions(path) if data is None else _parsed(data, path, tables)


def _parsed(data: bytes, path: Path, tables: Sequence[str]) -> Decisions:
    faults: list[Fault] = []
    found: list[Decision] = []
    for line, row in read_lines(data, path, COLUMNS):
        wrong = list(_wrong(line, row, tables))
        faults += wrong
        if not wrong:
            found.append(_decision(line, row, tables[0]))
    faults += [*_contradictions(found), *_turns(found)]
    if faults:
        raise DeclarationError(path, sorted(faults, key=lambda fault: fault.line))
    return Decisions(path, tuple(found))


def add(path: Path, tables: Sequence[str], row: Mapping[str, str]) -> None:
    """Add a decision (its cells by column) at the end of the file; there at once and whole, or not at all.

    Raises DeclarationError where it is not complete, or contradicts another.
    """
    data = with_line(bytes_at(path) or b"", COLUMNS, row)
    _parsed(data, path, tables)
    put(path, data)


def _wrong(line: int, row: dict[str, str], tables: Sequence[str]) -> Iterator[Fault]:
    kind = row["kind"]
    if kind not in get_args(Kind):
        yield Fault(line, "kind", f"{kind!r} is no kind of decision.", f"Write one of {', '.join(get_args(Kind))}.")
        return
    if row["table"] and row["table"] not in tables:
        yield Fault(line, "table", f"There is no table {row['table']!r}.", f"Write one of {', '.join(tables)}.")
    for name in _NEEDED[kind]:
        if not row[name]:
            yield Fault(line, name, "Nothing stands here.", f"A decision '{kind}' needs {', '.join(_NEEDED[kind])}.")
    for name in _UNUSED[kind]:
        if row[name]:
            yield Fault(line, name, f"A decision '{kind}' has no {name}.", "Leave the cell empty.")
    for name in ("id", "other"):
        if (row[name].startswith("#") or (name, kind) == ("id", "forgotten")) and not is_pseudonym(row[name]):
            yield Fault(
                line, name, f"{row[name]!r} is no pseudonym.", "Let glane forget or glane withdraw write the line."
            )
    if kind in ("same", "different") and row["id"] == row["other"]:
        yield Fault(line, "other", "It is the same id twice.", "Name two rows.")
    if kind == "correction" and row["seen"] == row["value"]:
        yield Fault(line, "value", "It changes nothing: 'seen' and 'value' are alike.", "Write the right value.")
    for name in ("on", "until"):
        if row[name] and _day(row[name]) is None:
            yield Fault(line, name, f"{row[name]!r} is no day.", "Write it as YYYY-MM-DD, as in 2027-01-31.")
    if "@" in row["by"]:
        yield Fault(line, "by", "This names a person.", "Write a role: who decided stands in a public file.")


def _decision(line: int, row: dict[str, str], first: str) -> Decision:
    on = _day(row["on"])
    assert on is not None, "checked before"
    return Decision(
        line=line,
        kind=next(kind for kind in get_args(Kind) if kind == row["kind"]),
        table=row["table"] or first,
        id=row["id"],
        other=row["other"],
        field=row["field"],
        seen=row["seen"],
        value=row["value"],
        by=row["by"],
        on=on,
        until=_day(row["until"]),
        why=row["why"],
    )


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=datetime.UTC).date()
    except ValueError:
        return None


def _contradictions(found: Iterable[Decision]) -> Iterator[Fault]:
    """Pairs that are both the same and different, directly or through others; and one thing decided twice."""
    pairs = [one for one in found if one.kind in ("same", "different")]
    groups = components(_ends(one) for one in pairs if one.kind == "same")
    for one in pairs:
        if one.kind == "different" and any(group.issuperset(_ends(one)) for group in groups):
            what = f"{one.id} and {one.other} are said to be different here, and the same on other lines."
            yield Fault(one.line, "kind", what, "Decide which holds, and take the other out.")
    first: dict[tuple[str, ...], Decision] = {}
    for one in found:
        if one.kind in ("correction", "withdrawal", "forgotten"):
            before = first.setdefault((one.kind, one.table, one.id, one.field, one.seen), one)
            if before is not one:
                what = f"Line {before.line} decides this of {one.id} already."
                yield Fault(one.line, "id", what, "Keep the one that holds.")


def _ends(pair: Decision) -> tuple[tuple[str, str], tuple[str, str]]:
    return (pair.table, pair.id), (pair.table, pair.other)


def _turns(found: Iterable[Decision]) -> Iterator[Fault]:
    """Corrections that lead back to where they began: a to b on one line, b to a on another."""
    by_cell: dict[tuple[str, str, str], dict[str, Decision]] = {}
    for one in found:
        if one.kind == "correction":
            by_cell.setdefault((one.table, one.id, one.field), {}).setdefault(one.seen, one)
    for steps in by_cell.values():
        for start, one in steps.items():
            at, passed = one.value, {start}
            while at in steps and at not in passed:
                passed.add(at)
                at = steps[at].value
            if at == start and one.line == max(steps[name].line for name in passed):
                what = f"The corrections of {one.field} of {one.id} lead back to {start!r}."
                yield Fault(one.line, "value", what, "Keep the line that holds, and take the others out.")
