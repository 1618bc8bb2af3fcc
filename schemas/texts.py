"""Texts that are not what they seem, in any table: formulas (CSV injection) and letters that were lost.

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


def text_problems(table: Table, rows: pl.DataFrame) -> list[Found]:
    """Give a problem for every text cell that would run as a formula (info), or that has lost letters (warning)."""
    found: list[Found] = []
    numbered = rows.with_row_index("_row")
    kinds: list[tuple[str, Severity]] = [("formula", "info"), ("lost_letters", "warning")]
    for name in table.fields:
        if table.field(name).get("type", "string") != "string":
            continue
        cell = pl.col(name)
        formula = cell.str.contains(_FORMULA) & ~cell.str.contains(_HARMLESS)
        for (rule, severity), wrong in zip(kinds, (formula, cell.str.contains(_LOST, literal=True)), strict=True):
            said = say(f"rules.{rule}")
            for index, line, text in numbered.filter(wrong).select("_row", LINE, name).iter_rows():
                found.append((index, Problem(line, name, rule, severity, text, said.wrong, remedy=said.write)))
    return found
