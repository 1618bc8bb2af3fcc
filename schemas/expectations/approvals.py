"""What stewards approved of that is not as expected: `decisions/<dataset>.approvals.csv`, reviewed like code.

Belongs here: the approvals as values, their file, and what one lets pass. Does not belong here: what waits
(publish/waiting.py, sources/enough.py).

A line approves one thing that waits, by its `hash`: what would be the next version, or where `partner` is named, that
partner's file (the SHA-256 of its bytes). It speaks of nothing else. With `until` it also lets pass what comes after it
up to that day, as far as nothing is worse: `lets` holds the guards that it lets pass, each with what was beyond its
bound and how far. After `until` it lets nothing pass any more, what it was given for neither.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from glane import csv_lines
from glane.csv_lines import bytes_at, put, read_lines
from glane.declaration import DeclarationError, Fault
from schemas.expectations.outcome import Outcome

COLUMNS = ("hash", "partner", "by", "on", "until", "why", "lets")
DIGITS = 16
"""Of a SHA-256 as a person copies it."""

_NEEDED = ("hash", "by", "on", "why")
_HASH = re.compile(f"[0-9a-f]{{{DIGITS}}}")
_SPECIAL = {"%": "%25", ";": "%3B", "=": "%3D"}

Excess = Mapping[str, Mapping[str, float]]
"""By the name of a guard: what is beyond its bound, and how far."""


@dataclass(frozen=True)
class Approval:
    """One approval: of what (`hash`; `partner` empty: the dataset's version), who by role, when, until when, why."""

    hash: str
    partner: str
    by: str
    on: datetime.date
    until: datetime.date | None
    why: str
    lets: Excess = field(default_factory=dict)

    def ended(self, today: datetime.date) -> bool:
        """Whether its last day is past."""
        return self.until is not None and self.until < today

    def passes(self, found: str, asked: Sequence[Outcome], today: datetime.date) -> bool:
        """Whether it lets pass, on the day `today`, what has the hash `found` and is `asked` about."""
        if self.ended(today):
            return False
        return self.hash == found or (self.until is not None and all(self._no_worse(one) for one in asked))

    def _no_worse(self, outcome: Outcome) -> bool:
        most = self.lets.get(outcome.name, {})
        # Figures are written with four decimals.
        return bool(outcome.excess) and all(
            name in most and figure <= most[name] + 0.00005 for name, figure in outcome.excess.items()
        )


@dataclass(frozen=True)
class Approvals:
    """All approvals of a dataset, in the order in which they were given."""

    all: tuple[Approval, ...] = ()

    def passing(
        self, found: str, asked: Sequence[Outcome], today: datetime.date, *, partner: str = ""
    ) -> Approval | None:
        """The approval that lets pass what has the hash `found` and is `asked` about, the latest; None if none does."""
        mine = (one for one in reversed(self.all) if one.partner == partner)
        return next((one for one in mine if one.passes(found, asked, today)), None)

    def __add__(self, other: "Approvals") -> "Approvals":
        return Approvals((*self.all, *other.all))


NONE = Approvals()
"""Nothing was approved."""


def excess_of(asked: Sequence[Outcome]) -> Excess:
    """What an approval of `asked` lets pass: each guard with what is beyond its bound."""
    return {one.name: dict(one.excess) for one in asked if one.excess}


def read_approvals(path: Path) -> Approvals:
    """Read the approvals at `path`; none where there is no file. Raises DeclarationError with every fault."""
    data = bytes_at(path)
    return NONE if data is None else parse_approvals(data, path)


def parse_approvals(data: bytes, path: Path) -> Approvals:
    """The approvals in the bytes of a file; `path` is named in faults. Raises DeclarationError with every fault."""
    faults: list[Fault] = []
    found: list[Approval] = []
    for line, row in read_lines(data, path, COLUMNS):
        wrong = list(_wrong(line, row))
        faults += wrong
        if not wrong:
            found.append(_approval(row))
    if faults:
        raise DeclarationError(path, faults)
    return Approvals(tuple(found))


def with_line(data: bytes, approval: Approval, path: Path) -> bytes:
    """The bytes of a file with one more approval at its end. Raises DeclarationError where it is not complete."""
    cells = {
        "hash": approval.hash,
        "partner": approval.partner,
        "by": approval.by,
        "on": approval.on.isoformat(),
        "until": approval.until.isoformat() if approval.until else "",
        "why": " ".join(approval.why.split()),
        "lets": _written(approval.lets),
    }
    after = csv_lines.with_line(data, COLUMNS, cells)
    parse_approvals(after, path)
    return after


def add_approval(path: Path, approval: Approval) -> None:
    """Add an approval at the end of the file; there at once and whole, or not at all. Raises DeclarationError."""
    put(path, with_line(bytes_at(path) or b"", approval, path))


def _wrong(line: int, row: Mapping[str, str]) -> Iterator[Fault]:
    for name in _NEEDED:
        if not row[name]:
            yield Fault(line, name, "Nothing stands here.", f"An approval needs {', '.join(_NEEDED)}.")
    if row["hash"] and not _HASH.fullmatch(row["hash"]):
        remedy = "Copy it from glane today, glane approve or Dagit, whole."
        yield Fault(line, "hash", f"{row['hash']!r} is no hash of what waits.", remedy)
    for name in ("on", "until"):
        if row[name] and day_of(row[name]) is None:
            yield Fault(line, name, f"{row[name]!r} is no day.", "Write it as YYYY-MM-DD, as in 2027-01-31.")
    if "@" in row["by"]:
        yield Fault(line, "by", "This names a person.", "Write a role: who approved stands in a public file.")
    if row["lets"] and _read(row["lets"]) is None:
        remedy = "Let glane approve write it, or leave it empty."
        yield Fault(line, "lets", f"{row['lets']!r} does not say what it lets pass.", remedy)


def _approval(row: Mapping[str, str]) -> Approval:
    on = day_of(row["on"])
    assert on is not None, "checked before"
    lets = _read(row["lets"]) or {}
    return Approval(row["hash"], row["partner"], row["by"], on, day_of(row["until"]), row["why"], lets)


def day_of(text: str) -> datetime.date | None:
    """The day that is written as YYYY-MM-DD; None where none is."""
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _written(lets: Excess) -> str:
    """`complete_row_count_change_ask fall=0.2534; complete_partners_kept_ask caen=1`."""
    told = []
    for guard, excess in lets.items():
        for name, figure in excess.items():
            plain = "".join(_SPECIAL.get(letter, letter) for letter in name)
            told.append(f"{guard} {plain}={round(figure, 4):g}")
    return "; ".join(told)


def _read(text: str) -> Excess | None:
    lets: dict[str, dict[str, float]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        guard, _, rest = part.partition(" ")
        name, sign, figure = rest.rpartition("=")
        try:
            lets.setdefault(guard, {})[unquote(name)] = float(figure)
        except ValueError:
            return None
        if not sign:
            return None
    return lets
