"""What a file may ask of the machine that checks it, looked at before any reader opens it.

Belongs here: the few shapes that bring other people's readers down instead of giving an error: a number of thousands of
digits ends the process, values nested a hundred thousand deep take gigabytes, each unknown column costs a copy of all
the others. Does not belong here: anything that a reader answers for itself.
"""

import csv
import mmap
import re
from pathlib import Path

DEPTH_MAX = 200
"""Levels of lists and objects; a table needs three."""

DIGITS_MAX = 4_300
"""Digits of one number: what Python itself reads."""

COLUMNS_MAX = 1_000
"""Columns beyond those of the schema; frictionless takes minutes from there on (each costs a copy of all)."""

_JSON = (".json", ".jsonl", ".ndjson")
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|([\[{])|([\]}])|([0-9]{4301})', re.DOTALL)
_LINE_MAX = 16 * 1024 * 1024
_DELIMITERS = {".csv": ",;\t|", ".tsv": "\t"}


def find_excess(path: Path, fields: int) -> tuple[str, str] | None:
    """What of the file at `path` asks too much, and what to do; None where nothing does.

    `fields` is the number of the schema's fields. A file that cannot be opened is left to its reader.
    """
    suffix = path.suffix.lower()
    if suffix in _JSON:
        return _in_json(path)
    if suffix in _DELIMITERS:
        return _in_header(path, _DELIMITERS[suffix], fields)
    return None


def _in_json(path: Path) -> tuple[str, str] | None:
    if not path.is_file() or not path.stat().st_size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        depth = 0
        for token in _TOKENS.finditer(data):
            if token.lastindex == 1:
                depth += 1
                if depth > DEPTH_MAX:
                    what = f"Its values are nested more than {DEPTH_MAX} deep (byte {token.start()})."
                    return what, "Send a flat list of records."
            elif token.lastindex == 2:
                depth -= 1
            elif token.lastindex == 3:
                what = f"It holds a number of more than {DIGITS_MAX} digits (byte {token.start()})."
                return what, "Correct it, or write it as text, in quotes."
    return None


def _in_header(path: Path, delimiters: str, fields: int) -> tuple[str, str] | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", errors="replace", newline="") as text:
        line = text.readline(_LINE_MAX)
    try:
        widths = [len(next(csv.reader([line], delimiter=one), [])) for one in delimiters]
    except csv.Error:
        return None
    width = max(widths)
    if width <= fields + COLUMNS_MAX:
        return None
    remedy = f"Send the columns that are asked for: the schema has {fields} fields."
    return f"Its first row has {width} cells.", remedy
