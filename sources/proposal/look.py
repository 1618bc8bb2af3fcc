"""Looks at a partner's file of which nothing is declared yet, and finds out how it is written.

Belongs here: kind, encoding, delimiter, row of the header, path to the records; read with the readers that a run uses.
Does not belong here: what its columns mean (matching.py).
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, load_workbook

from sources.declaration import FileFormat, Kind
from sources.formats.archive import is_archive
from sources.read import ReadError, Reading, read

_HEADERS = 10
_SUFFIXES: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".xlsx": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".geojson": "geojson",
    ".parquet": "parquet",
}


def look(path: Path, *, name: str | None = None) -> tuple[FileFormat, Reading]:
    """How the file at `path` (called `name`) is written, pinned, and what it holds. Raises ReadError where no way of
    reading it gives a table."""
    kind = kind_of(path, name or path.name)
    if kind in ("json", "geojson"):
        found = _json(path, kind)
    elif kind in ("csv", "tsv", "xlsx", "xls", "ods"):
        found = _with_header(path, kind)
    else:
        declared = FileFormat(kind=kind)
        found = declared, read(path, declared)
    declared, reading = found
    pinned = {"encoding": reading.encoding or "detect", "delimiter": _written(reading.delimiter)}
    return declared.model_copy(update=pinned), reading


def kind_of(path: Path, name: str) -> Kind:
    """The kind of file that the bytes show; the name decides among kinds of text."""
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK") and not is_archive(path):
        with zipfile.ZipFile(path) as archive:
            return "ods" if "mimetype" in archive.namelist() else "xlsx"
    if start.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            kinds = [_SUFFIXES[end] for one in archive.namelist() if (end := Path(one).suffix.lower()) in _SUFFIXES]
        return kinds[0] if kinds else "csv"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if start.startswith(b"PAR1"):
        return "parquet"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"["):
        return _kind_of_json(text, name)
    by_name = _SUFFIXES.get(Path(name).suffix.lower(), "csv")
    return by_name if by_name in ("csv", "tsv") else "csv"


def _kind_of_json(start: bytes, name: str) -> Kind:
    if b'"FeatureCollection"' in start:
        return "geojson"
    line, _, rest = start.partition(b"\n")
    several = bool(rest.strip()) or _SUFFIXES.get(Path(name).suffix.lower()) == "jsonl"
    if several and line.startswith(b"{") and line.rstrip().endswith(b"}"):
        try:
            json.loads(line)
        except ValueError:
            return "json"
        return "jsonl"
    return "json"


def _json(path: Path, kind: Kind) -> tuple[FileFormat, Reading]:
    """The longest list of objects in the document is taken for the records."""
    if kind == "json" and not is_archive(path):
        try:
            document = json.loads(path.read_bytes().decode("utf-8-sig"))
        except (ValueError, RecursionError):
            document = None
        lists = dict(_lists(document, ""))
        records = max(lists, key=lambda at: lists[at], default="")
        declared = FileFormat(kind=kind, records=records)
    else:
        declared = FileFormat(kind=kind)
    return declared, read(path, declared)


def _lists(value: Any, at: str, depth: int = 4) -> Iterator[tuple[str, int]]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield at, len(value)
    elif isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from _lists(inner, f"{at}.{name}" if at else name, depth - 1)


def _with_header(path: Path, kind: Kind) -> tuple[FileFormat, Reading]:
    """The sheet, and the first row of it, under which the most columns have a name: above it spreadsheets carry titles
    and dates, and beside it sheets of explanations."""
    best: tuple[FileFormat, Reading] | None = None
    failure: ReadError | None = None
    for sheet in _sheets(path, kind):
        for header in range(1, _HEADERS + 1):
            declared = FileFormat(kind=kind, header=header, sheet=sheet)
            try:
                reading = read(path, declared)
            except ReadError as error:
                failure = failure or error
                continue
            if best is None or _named(reading) > _named(best[1]) + 1:
                best = declared, reading
    if best is None:
        assert failure is not None
        raise failure
    return best


def _sheets(path: Path, kind: Kind) -> list[str | None]:
    """The sheets to look into; a workbook of one sheet, and a ZIP of any kind, name none."""
    if kind not in ("xlsx", "xls", "ods") or is_archive(path):
        return [None]
    try:
        with path.open("rb") as file:
            names = load_workbook(file).sheet_names
    except CalamineError:
        return [None]
    return list(names) if len(names) > 1 else [None]


def _named(reading: Reading) -> int:
    """How many columns have a name that a person gave (not a number, not a blank), where there are rows under them."""
    if not reading.records:
        return 0
    return sum(not name.startswith("column ") and any(map(str.isalpha, name)) for name in reading.columns)


def _written(delimiter: str | None) -> str:
    return "detect" if delimiter is None else "tab" if delimiter == "\t" else delimiter
