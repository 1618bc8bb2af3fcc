"""What a rule is.

Belongs here: the values that rules are made of. Does not belong here: any rule, nor running rules on rows (apply.py).
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from glane.declaration import Declared
from schemas.phrases import Value

Cells = Mapping[str, str | None]
"""The cells of one row that a rule looks at, in the order of its line in dataset.yaml; None: nothing was said."""


class Settings(Declared):
    """The settings of a rule that has none; the others derive from it."""


class ByDay(Settings):
    """The settings of a rule whose answer depends on the day; `today` is given by the judge."""

    today: datetime.date


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule finds wrong: in which field, told by which phrase (a key of phrases/rules.yaml).

    `position` is the value meant, from 1, where the cell holds several; `suggestion` the very text to write for it (for
    the whole cell where there is no position); `shown` replaces the cell where it may not be repeated.
    """

    field: str
    phrase: str
    values: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    suggestion: str | None = None
    position: int | None = None
    shown: str | None = None


Check = Callable[[Cells, Any], Iterable[Finding]]
Proof = Callable[[Sequence[str], Any], pl.Expr]
Turn = Callable[[Cells, Any], datetime.date | None]


@dataclass(frozen=True)
class Rule:
    """One rule: `check` gives what is wrong with a row's cells, nothing where they are right.

    `fewest` and `most` (None: no limit) say how many fields its line names, `settings` which settings it takes.
    `proof`, where given, is an expression that holds only for rows in which `check` finds nothing: those are not
    looked at one by one. `turn` gives the first day on which a rule by the day might answer otherwise. `form` says
    that the rule knows how its field is written, and says it better than a pattern.
    """

    name: str
    check: Check
    fewest: int
    most: int | None
    settings: type[Settings] = Settings
    proof: Proof | None = None
    turn: Turn | None = None
    form: bool = False


def parts(cell: str | None, separator: str | None) -> list[tuple[int | None, str]]:
    """The values of a cell with their positions, from 1; a cell without separator is one value, without position."""
    if cell is None:
        return []
    if separator is None or separator not in cell:
        return [(None, cell)]
    return [(number, part) for number, part in enumerate(cell.split(separator), start=1)]
