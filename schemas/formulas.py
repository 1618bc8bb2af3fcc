"""Cells that a spreadsheet program would run as a formula (CSV injection).

Belongs here: finding them, for the partner to know. Does not belong here: disarming them, which each published format
does in its own way (publish/).
"""

import polars as pl

from schemas.dataset import Table
from schemas.judgement import LINE, Found, Problem
from schemas.phrases import say

_FORMULA = r"^[=+\-@\t\r]"
_HARMLESS = r"^[+-]?[\d\s.,()/-]*$|^-+$|^@?\w+$"
"""Numbers, telephone numbers, dashes and account names begin so too, and run nothing."""


def formula_problems(table: Table, rows: pl.DataFrame) -> list[Found]:
    """Give an info problem for every text cell that would run as a formula."""
    found: list[Found] = []
    phrase = say("rules.formula")
    texts = [name for name in table.fields if table.field(name).get("type", "string") == "string"]
    numbered = rows.with_row_index("_row")
    for name in texts:
        cell = pl.col(name)
        risky = numbered.filter(cell.str.contains(_FORMULA) & ~cell.str.contains(_HARMLESS))
        for index, line, text in risky.select("_row", LINE, name).iter_rows():
            found.append((index, Problem(line, name, "formula", "info", text, phrase.wrong, remedy=phrase.write)))
    return found
