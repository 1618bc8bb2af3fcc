"""Reads a partner's file: from bytes on disk to records with their lines.

Belongs here: which reader serves which format; the face of this sub-room (read, Reading, Record, ReadError).
Does not belong here: fetching (harvest.py), the readers (formats/), what columns mean (mapping.py).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sources.annotation import is_annotated, read_annotated
from sources.declaration import FileFormat, Kind
from sources.formats.archive import is_archive, unfolded
from sources.formats.columns import read_parquet
from sources.formats.delimited import read_delimited
from sources.formats.documents import read_geojson, read_json, read_jsonl
from sources.formats.reading import ReadError, Reading, Record, as_text
from sources.formats.sheets import read_sheet

__all__ = ["ReadError", "Reading", "Record", "as_text", "read"]

_READERS: dict[Kind, Callable[[Path, FileFormat], Reading]] = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "xlsx": read_sheet,
    "xls": read_sheet,
    "ods": read_sheet,
    "json": read_json,
    "jsonl": read_jsonl,
    "geojson": read_geojson,
    "parquet": read_parquet,
}


def read(path: Path, declared: FileFormat, *, name: str | None = None) -> Reading:
    """Read the file `path`, written as `declared` says; blank rows are skipped and counted.
    Errors call the file `name` (Snapshot.file_name) where that is given.

    Raises ReadError naming the file, the line, what was expected and what to do: an empty or truncated file, another
    encoding than declared, a doubled or missing header, a cell under no name, an unknown sheet or path of records.
    """
    try:
        if is_annotated(path):
            return read_annotated(path, declared)
        if is_archive(path):
            with unfolded(path, declared) as files:
                return _joined([_READERS[declared.kind](file, declared) for file in files])
        return _READERS[declared.kind](path, declared)
    except ReadError as error:
        if name is None:
            raise
        raise error.of(name) from error


def _joined(parts: list[Reading]) -> Reading:
    """The pages of an API as one reading; the lines of records go on counting from page to page."""
    if len(parts) == 1:
        return parts[0]
    records: list[Record] = []
    before = 0
    for part in parts:
        records += [Record(before + record.line, record.cells) for record in part.records]
        before += part.blank + len(part.records)
    columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
    return replace(parts[0], columns=columns, records=records, blank=sum(part.blank for part in parts))
