"""The shape of a table as people make them: where its header is, and what in it is no row though it stands like one.

Belongs here: finding the header, names over two rows, totals and notes under the table, titles across it, a header
that comes again. Does not belong here: opening a format (delimited.py, sheets.py), what a cell means.

What is left out here is never left out in silence: each has its note, which the partner reads.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from glane.text import Text
from schemas.phrases import word
from sources.formats.reading import Record, as_text, collapse
from sources.terms import fold

LOOKED_AT = 30
"""Rows in which the header is looked for."""

_FULL = 0.6
_UNDER = 5
_TOTAL = re.compile(
    r"(sous |grand |sub ?)?(total|totaux|totals|totaal|subtotaal|somme|sum|moyenne|average|gemiddelde)"
    r"( general| generaal)?( (de|des|du|d|of|van) [a-z ]+)?( \d+( [a-z]+)?)?"
    r"|(nombre|number|aantal) (total )?(de |d |of )?[a-z]+( \d+)?"
)
_NOTE = re.compile(r"(source|note|nb|n b|legende|mise a jour|derniere mise a jour|maj|bron|updated|last update)\b.*")
_SHOWING = 2000
# Three figures after the sign may be thousands.
_DECIMALS = re.compile(r"\s*-?\d{1,9}([.,])(?:\d{1,2}|\d{4,})\s*")
_NUMBER = re.compile(r"[-+]?[\d\s.,/:-]+\s*[%€]?")


class Header(NamedTuple):
    """The row (from 0) that holds the names, and how sure that is (0 to 1)."""

    row: int
    sure: float


def find_header(rows: Sequence[Sequence[object]]) -> Header:
    """The first row that is as full as the table is wide, and holds texts, no two the same, with a row under it."""
    texts = [[as_text(cell) for cell in row] for row in rows[:LOOKED_AT]]
    widths = Counter(sum(map(bool, row)) for row in texts if any(row))
    if not widths:
        return Header(0, 0.0)
    # Titles above a table are narrower than it, and so is a row that lacks a cell; one row that is wider is a slip.
    width = max([size for size, times in widths.items() if times > 1] or widths)
    for number, row in enumerate(texts[:-1] or texts):
        filled = [text for text in row if text]
        wide, named = len(filled) / width, sum(not _NUMBER.fullmatch(text) for text in filled)
        if filled and wide >= _FULL and named == len(filled) and len(set(filled)) == len(filled):
            return Header(number, round(min(1.0, wide), 2))
    first = next(number for number, row in enumerate(texts) if any(row))
    return Header(first, 0.3)


def names_over(rows: Sequence[Sequence[object]]) -> list[str]:
    """The names of columns that stand over several rows: a name above counts for the columns to its right, as in the
    merged cells that people make ("Contact" over "Nom" and "Courriel": "Contact Nom", "Contact Courriel")."""
    width = max(map(len, rows))
    above: list[list[str]] = []
    for row in rows[:-1]:
        said, spread = "", []
        for cell in [*map(collapse, row), *[""] * (width - len(row))]:
            said = cell or said
            spread.append(said)
        above.append(spread)
    last = [*map(collapse, rows[-1]), *[""] * (width - len(rows[-1]))]
    return [
        " ".join(dict.fromkeys(filter(None, [*(row[at] for row in above), name]))) if name else ""
        for at, name in enumerate(last)
    ]


def rows_alone(columns: Sequence[str], records: list[Record]) -> tuple[list[Record], tuple[Text, ...]]:
    """The records without those that are none: the header that comes again, totals and notes under the table.

    Gives the notes too, one for each that was left out.
    """
    notes: list[Text] = []
    kept = []
    for record in records:
        if len(columns) > 1 and all(collapse(record.cells.get(name, "")) == name for name in columns):
            notes.append(word("reading.header-again", line=str(record.line)))
        else:
            kept.append(record)
    under: list[Text] = []
    while kept and len(under) < _UNDER and len(columns) > 2:
        said = _under_the_table(kept[-1], len(columns))
        if said is None:
            break
        under.insert(0, said)
        kept.pop()
    return kept, (*notes, *under)


def _under_the_table(record: Record, width: int) -> Text | None:
    """What is said of a last row that is a total or a note; None of one that is a row like the others."""
    filled = [text for text in map(as_text, record.cells.values()) if text]
    rest = [text for text in filled if not _NUMBER.fullmatch(text)]
    if len(rest) != 1 or len(filled) > max(2, width // 2):
        return None
    (text,) = rest
    if _TOTAL.fullmatch(fold(text)):
        return word("reading.total", line=str(record.line), cell=text)
    if len(filled) == 1 and (text.startswith("*") or _NOTE.fullmatch(fold(text))):
        return word("reading.note", line=str(record.line), cell=text)
    return None


def decimal_of(records: Sequence[Record], declared: str) -> tuple[str | None, tuple[Text, ...]]:
    """The sign before the decimals in cells that are numbers written as text (None where no cell shows it), and a note
    where it is another than was `declared` (or `detect`)."""
    signs: Counter[str] = Counter()
    for record in records[:_SHOWING]:
        for cell in record.cells.values():
            if isinstance(cell, str) and (found := _DECIMALS.fullmatch(cell)):
                signs[found[1]] += 1
    sign = signs.most_common(1)[0][0] if signs else None
    if declared == "detect" or sign in (None, declared):
        return (sign if declared == "detect" else declared), ()
    return sign, (word("reading.decimal", sign=str(sign), declared=declared),)
