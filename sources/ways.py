"""Where the text of one field comes from in one row: the ways of a FieldMapping.

Belongs here: column, join, first, each, constant, choices, the keys of a lookup, days, point; each gives the field's
parts before anything is done to them. Does not belong here: what is done to them then (mapping.py, clean/).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sources.clean.coordinates import as_number, lambert93_point, point_in, written
from sources.clean.hours import week
from sources.fields import Condition, FieldMapping, Lookup
from sources.formats.reading import as_parts, as_text, collapse
from sources.terms import fold


@dataclass(frozen=True)
class Row:
    """One record seen by the mapping: cells by column, with what the format calls missing blanked."""

    cells: dict[str, object]
    missing: frozenset[str]
    country: str = ""

    def text(self, column: str) -> str:
        """The text of the cell of `column`, empty where it is missing."""
        text = as_text(self.cells.get(_written(column)))
        return "" if text in self.missing else text

    def parts(self, column: str) -> list[str]:
        """The filled parts of the cell of `column`: several where the format gives a list."""
        parts = as_parts(self.cells.get(_written(column)))
        return [part for part in parts if part not in self.missing]


@lru_cache(maxsize=4096)
def _written(column: str) -> str:
    """The name of a declared column as readers write it."""
    return collapse(column)


def parts_of(mapping: FieldMapping, row: Row) -> list[str]:
    """The parts of a field in this row, in order; empty where the row says nothing. A lookup's are the keys' own."""
    if mapping.when is not None and not _holds(mapping.when, row):
        return []
    return _given(mapping, row)


def keys_of(lookup: Lookup, row: Row) -> list[str]:
    """The texts that a lookup goes by, in the order of the table's key columns."""
    return [row.text(column) for column in lookup.columns]


def _given(mapping: FieldMapping, row: Row) -> list[str]:
    if mapping.column is not None:
        return row.parts(mapping.column)
    if mapping.constant is not None:
        return [mapping.constant]
    if mapping.first is not None:
        return next((parts for column in mapping.first if (parts := row.parts(column))), [])
    if mapping.each is not None:
        return [part for column in mapping.each for part in row.parts(column)]
    if mapping.lookup is not None and len(mapping.lookup.by) == 1:
        return [part for column in mapping.lookup.columns for part in row.parts(column)]
    if mapping.lookup is not None:
        return [" + ".join(keys)] if all(keys := keys_of(mapping.lookup, row)) else []
    if mapping.choices is not None:
        return list(dict.fromkeys(choice.value for choice in mapping.choices if _holds(choice.when, row)))
    if mapping.join is not None:
        text = mapping.separator.join(filter(None, map(row.text, mapping.join)))
    elif mapping.days is not None:
        text = _days(_day_cells(mapping, row))
    else:
        text = _point(mapping, row)
    return [text] if text else []


def _holds(condition: Condition, row: Row) -> bool:
    parts = row.parts(condition.column)
    if condition.filled is not None:
        return bool(parts) == condition.filled
    if condition.pattern is not None:
        return any(re.search(condition.pattern, part) for part in parts)
    wanted = {fold(value) for value in condition.values or ()}
    return any(fold(part) in wanted for part in parts or [""])


def _day_cells(mapping: FieldMapping, row: Row) -> dict[str, str]:
    return {
        day: row.text(columns) if isinstance(columns, str) else _spans([row.text(column) for column in columns])
        for day, columns in (mapping.days or {}).items()
    }


def _spans(texts: list[str]) -> str:
    """Opening hours from cells in pairs; one half of a pair alone stays, to be shown."""
    pairs = [f"{opens}-{closes}" for opens, closes in zip(texts[::2], texts[1::2], strict=True) if opens or closes]
    return " / ".join(pairs)


def _days(cells: dict[str, str]) -> str:
    written = week(cells)
    if written is not None:
        return written
    # One day is not understood: all are shown as the partner wrote them, for the report to point at.
    return _as_written(cells)


def _as_written(cells: Mapping[Any, str]) -> str:
    return "; ".join(f"{day} {cell}" for day, cell in cells.items() if cell)


def rewritten(mapping: FieldMapping, row: Row, text: str) -> tuple[str, str] | None:
    """The way and the partner's own words where a way made another `text` of them; None where it took them as they are.

    A coordinate that only lost decimals is the same one.
    """
    if mapping.days is not None:
        cells = _day_cells(mapping, row)
        own_words = _as_written(cells)
        return ("days", own_words) if text not in ("", own_words) else None
    if mapping.point is None:
        return None
    texts = [row.text(column) for column in mapping.point]
    own = _own_axis(mapping, texts)
    number = as_number(own)
    same = text == (own if number is None else written(number))
    return None if same else ("point", ", ".join(texts))


def _point(mapping: FieldMapping, row: Row) -> str:
    texts = [row.text(column) for column in mapping.point or ()]
    lambert = mapping.projection == "lambert93"
    point = lambert93_point(texts) if lambert else point_in(texts, row.country)
    if point is None:
        # What the partner wrote is shown, in the field of its own axis.
        return _own_axis(mapping, texts)
    value = point.latitude if mapping.axis == "latitude" else point.longitude
    return written(value) if value is not None else ""


def _own_axis(mapping: FieldMapping, texts: list[str]) -> str:
    """The text of the column that should hold this axis: [latitude, longitude], but [x, y] in Lambert-93."""
    if len(texts) == 1:
        return texts[0]
    return texts[(mapping.axis == "longitude") != (mapping.projection == "lambert93")]
