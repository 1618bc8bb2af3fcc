"""Texts that are not what they seem, in any table: formulas (CSV injection), lost letters, signs that no database and
no spreadsheet takes, and whole files pasted into a cell.

Belongs here: finding them, for the partner to know. Does not belong here: disarming formulas, which each published
format does in its own way (publish/).
"""

import polars as pl

from schemas.dataset import Severity, Table
from schemas.judgement import LINE, Found, Problem
from schemas.phrases import say

_FORMULA = r"^[=+\-@\t\r]"
_HARMLESS = r"^[+-]?[\d\s.,()/-]*$|^-+$|^@?\w+$"
"""Numbers, telephone numbers, dashes and account names begin so too, and run nothing."""

_LOST = "\ufffd"

_UNSEEN = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{FFFE}\x{FFFF}]"
"""Signs that stand for no letter and no space. PostgreSQL refuses U+0000, and XML (so XLSX) all of them: one such cell
would keep everybody's rows from the portal."""

_LONGEST = 100_000
"""Three times what a cell of Excel can hold."""


def text_problems(table: Table, rows: pl.DataFrame) -> list[Found]:
    """Give a problem for every text cell that would run as a formula (info), that has lost letters (warning), or that
    nothing could show: signs that cannot be seen, an endless text (errors)."""
    found: list[Found] = []
    numbered = rows.with_row_index("_row")
    kinds: list[tuple[str, Severity]] = [
        ("formula", "info"),
        ("lost_letters", "warning"),
        ("unseen_signs", "error"),
        ("endless_text", "error"),
    ]
    for name in table.fields:
        if table.field(name).get("type", "string") != "string":
            continue
        cell = pl.col(name)
        formula = cell.str.contains(_FORMULA) & ~cell.str.contains(_HARMLESS)
        lost = cell.str.contains(_LOST, literal=True)
        wrongs = (formula, lost, cell.str.contains(_UNSEEN), cell.str.len_chars() > _LONGEST)
        for (rule, severity), wrong in zip(kinds, wrongs, strict=True):
            said = say(f"rules.{rule}")
            for index, line, text in numbered.filter(wrong).select("_row", LINE, name).iter_rows():
                found.append((index, Problem(line, name, rule, severity, text, said.wrong, remedy=said.write)))
    return found
