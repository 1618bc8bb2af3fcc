"""Lookup tables: a CSV file of keys and values that a mapping finds texts in.

Belongs here: reading such a table, and finding a value by its keys. Does not belong here: what a lookup declares
(fields.py), terms (terms.py), which a mapping writes out itself.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from glane.errors import DataError
from sources.fields import FieldMapping, Lookup
from sources.terms import fold


class LookupTableError(DataError):
    """A lookup table that cannot be used: not there, without a column, or with two values for one key."""


class LookupTable:
    """One table, ready to be asked."""

    def __init__(self, path: Path, lookup: Lookup) -> None:
        """Read the table at `path`. Raises LookupTableError."""
        self._values: dict[tuple[str, ...], str] = {}
        lines: dict[tuple[str, ...], int] = {}
        for line, row in _rows(path, [*lookup.by, lookup.value]):
            key = tuple(fold(row[name] or "") for name in lookup.by)
            value = (row[lookup.value] or "").strip()
            if self._values.setdefault(key, value) != value:
                what = f"Lines {lines[key]} and {line} of {path.name} give two values for one key ({', '.join(key)})."
                raise LookupTableError(what, "Keep the one that is right.")
            lines.setdefault(key, line)

    def find(self, keys: Sequence[str]) -> str | None:
        """The value under these keys, in the order of `by`; None where the table does not have them."""
        return self._values.get(tuple(map(fold, keys)))


def table_path(folder: Path, lookup: Lookup) -> Path:
    """Where the table of a source in `folder` stands."""
    return folder / lookup.table


def table_paths(folder: Path, mappings: Iterable[FieldMapping]) -> list[Path]:
    """The tables that these mappings look up texts in: part of what maps a source's rows."""
    return sorted({table_path(folder, mapping.lookup) for mapping in mappings if mapping.lookup is not None})


def _rows(path: Path, needed: Sequence[str]) -> Iterable[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                what = f"The lookup table {path.name} has no column {', '.join(map(repr, missing))}."
                raise LookupTableError(what, f"Its first line has {', '.join(reader.fieldnames or ()) or 'nothing'}.")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        what = f"The lookup table {path.name} cannot be read ({error})."
        raise LookupTableError(
            what, "Put a CSV file in UTF-8 with commas there, or correct 'lookup: table'."
        ) from error
