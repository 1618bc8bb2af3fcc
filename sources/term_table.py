"""A partner's own table of terms: `terms.csv` beside source.yaml, what it writes and which term of ours that is.

Belongs here: reading that table, and writing a line that a person accepted into it. Does not belong here: the lists of
terms and their synonyms, which are all partners' (schemas/term_lists.py), nor finding a term (terms.py).

    field,written,ours        ours may be several terms, parted as in the field, or empty: it says nothing
"""

import csv
import io
from collections.abc import Collection
from pathlib import Path

from glane.declaration import DeclarationError, Fault

NAME = "terms.csv"
_COLUMNS = ("field", "written", "ours")


def read_terms(folder: Path, fields: Collection[str]) -> dict[str, dict[str, str]]:
    """{field: {written: ours}} of the source in `folder`, which maps `fields`; nothing where it has no table.

    Raises DeclarationError naming the line of a table that cannot be used.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DeclarationError(
            path, [Fault(1, "", f"The table cannot be read ({error}).", "Write it anew.")]
        ) from error
    if not rows or tuple(rows[0]) != _COLUMNS:
        fault = Fault(1, "", f"The first line is not {','.join(_COLUMNS)}.", "Name the columns so, in this order.")
        raise DeclarationError(path, [fault])
    found: dict[str, dict[str, str]] = {}
    faults: list[Fault] = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS) or not row[1].strip():
            faults.append(
                Fault(number, "", "A field, what the partner writes and our term are expected.", "Fill them.")
            )
        elif row[0] not in fields:
            what = f"{row[0]!r} is no field that the source maps."
            faults.append(Fault(number, "field", what, f"Mapped: {', '.join(fields)}."))
        elif found.setdefault(row[0], {}).setdefault(row[1], row[2]) != row[2]:
            what = f"{row[1]!r} has another term already."
            faults.append(Fault(number, "written", what, "Keep the line that is right."))
    if faults:
        raise DeclarationError(path, faults)
    return found


def add_term(folder: Path, field: str, written: str, ours: str) -> Path:
    """Write that the partner's term `written` is `ours` in this field, in place of what was said of it; gives the
    table."""
    path = folder / NAME
    rows = [list(_COLUMNS)]
    if path.exists():
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    rows = [row for row in rows if row[:2] != [field, written]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows, [field, written, ours]])
    _replace(path, text.getvalue())
    return path


def _replace(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(text, "utf-8")
    staged.replace(path)
