"""Merged cells of a spreadsheet: the file keeps their value in the first of them alone.

Belongs here: giving it to each row that the person who merged them meant, and telling titles across the table from
rows. Does not belong here: names of columns over several rows (shape.py).
"""

from collections.abc import Sequence
from typing import Any

from glane.text import Text
from schemas.phrases import listing, word
from sources.formats.reading import as_text

Merged = Sequence[tuple[tuple[int, int], tuple[int, int]]]
"""Ranges of cells: (row, column) of the first and of the last, from 0."""

_TITLE = 3


def unmerged(
    rows: list[list[Any]], merged: Merged, begin: int
) -> tuple[list[list[Any]], frozenset[int], tuple[Text, ...]]:
    """The rows with the value of cells merged downwards in each of their rows, below the header (`begin`, from 0).

    Gives the rows' numbers (from 1) that are titles across the table too, and the notes on both.
    """
    titles: dict[int, str] = {}
    filled: list[str] = []
    out = list(rows)
    for (top, left), (bottom, right) in sorted(merged):
        if top < begin or top >= len(rows):
            continue
        value = rows[top][left] if left < len(rows[top]) else ""
        alone = sum(bool(as_text(cell)) for cell in rows[top]) == 1
        if top == bottom:
            if right - left + 1 >= _TITLE and alone and as_text(value):
                titles[top + 1] = as_text(value)
            continue
        if not as_text(value):
            continue
        filled.append(f"{_letters(left)}{top + 1}:{_letters(left)}{bottom + 1}")
        for number in range(top + 1, min(bottom + 1, len(rows))):
            row = [*out[number], *[""] * (left + 1 - len(out[number]))]
            # Empty rows under the last one stay empty: a merged cell alone makes no row.
            if any(as_text(cell) for cell in row) and not as_text(row[left]):
                row[left] = value
                out[number] = row
    notes = [word("reading.title", line=str(line), cell=text) for line, text in titles.items()]
    if filled:
        notes.insert(0, word("reading.merged", cells=listing(filled)))
    return out, frozenset(titles), tuple(notes)


def _letters(column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
