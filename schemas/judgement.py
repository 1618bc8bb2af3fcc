"""What is said of rows: problems, the judgement of one source's rows, and the verdict that lets them through.

Belongs here: these values and the law that binds their counts. Does not belong here: how they are found (judge.py,
conformity.py, rules/, terms.py), kept (rows.py) or told to people (report.py).
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from glane.errors import DataError
from glane.text import Text
from schemas.dataset import Severity

LINE = "_line"
"""The column beside the fields: the line of the partner's own file that a row comes from."""


class AccountingError(DataError):
    """Rows were lost or made up: a fault of Glane's, never the partner's."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one cell or row of a partner's file.

    `line` is the line of the partner's own file (0: the file as a whole). `message` says what is wrong and `remedy`
    what to write instead. `cell` is the cell as it was judged, and `position` says which of its values is meant, from
    1, where it holds several; `suggestion` is the very text to write for that value, or for the whole cell. `repeats`
    is the earlier line that a duplicate repeats.
    """

    line: int
    field: str | None
    rule: str
    severity: Severity
    cell: str | None
    message: Text
    suggestion: str | None = None
    remedy: Text | None = None
    position: int | None = None
    repeats: int | None = None


Found = tuple[int, Problem]
"""A problem and the row it was found in, counted from 0 (WHOLE_FILE: in none): two rows may share a line."""

WHOLE_FILE = -1


@dataclass(frozen=True)
class Judgement:
    """The rows of one source that passed (fields + `_line`), and what was found wrong with any of them.

    `to_correct` counts the rows with at least one error; `on_hold` those without any that wait for what
    `published_when` asks (a consent, say); `warnings` counts problems of that severity. `valid_until` is the first
    day on which the same rows might be judged otherwise (a date that is still ahead), None if time changes nothing.
    """

    rows: pl.DataFrame
    problems: tuple[Problem, ...]
    rows_in: int
    to_correct: int
    on_hold: int
    warnings: int
    valid_until: date | None = None

    def __post_init__(self) -> None:
        check_accounts(self.rows_in, self.rows.height, self.to_correct, self.on_hold)

    @property
    def passed(self) -> int:
        """How many rows passed."""
        return self.rows.height


@dataclass(frozen=True)
class Verdict:
    """What was decided about one source's rows, bound to their bytes: whoever publishes checks it again (design, 3).

    `snapshot` is the SHA-256 of the bytes received, `rows_sha256` that of the Parquet bytes kept, `judged_by` the
    dataset's fingerprint, `mapped_by` the source's and `gated_by` the gate's (None where an older release kept the
    rows). `valid_until` (ISO date) is as in Judgement.
    """

    dataset: str
    table: str
    partner: str
    snapshot: str
    rows_sha256: str
    judged_by: str
    mapped_by: str
    judged_at: str
    rows_in: int
    passed: int
    to_correct: int
    on_hold: int
    valid_until: str | None = None
    gated_by: str | None = None

    def __post_init__(self) -> None:
        check_accounts(self.rows_in, self.passed, self.to_correct, self.on_hold)


def check_accounts(rows_in: int, passed: int, to_correct: int, on_hold: int) -> None:
    """Hold the law of accounts: every row that came in passed, is to be corrected, or is on hold.

    Raises AccountingError.
    """
    if rows_in != passed + to_correct + on_hold or min(passed, to_correct, on_hold) < 0:
        raise AccountingError(
            f"{rows_in} rows came in, but {passed} passed, {to_correct} are to be corrected and {on_hold} are on hold.",
            "Do not publish: report this to Glane's developers.",
        )
