"""Reads a partner's file: from bytes on disk to records with their lines.

Belongs here: which reader serves which format; the face of this sub-room (read, Reading, Record, ReadError).
Does not belong here: fetching (harvest.py), the readers (formats/), what columns mean (mapping.py).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sources.annotation import is_annotated, read_annotated
from sources.declaration import FileFormat, Kind
from sources.formats.archive import is_archive, unfolded
from sources.formats.columns import read_parquet
from sources.formats.delimited import read_delimited
from sources.formats.documents import read_geojson, read_json, read_jsonl
from sources.formats.reading import Part, ReadError, Reading, Record, as_text
from sources.formats.sheets import read_sheet

__all__ = ["ReadError", "Reading", "Record", "as_text", "members", "read"]

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
                readings = [(member, _READERS[declared.kind](file, declared)) for member, file in files]
            return _joined(readings, told=declared.together)
        return _READERS[declared.kind](path, declared)
    except ReadError as error:
        if name is None:
            raise
        raise error.of(name) from error


@contextmanager
def members(path: Path, declared: FileFormat) -> Iterator[list[tuple[str, Path, int]]]:
    """The files of an archive that are read: their names, where each is for this while, and the number of the line
    before its first. Raises ReadError."""
    with unfolded(path, declared) as files:
        found, before = [], 0
        for name, file in files:
            found.append((name, file, before))
            before += _extent(_READERS[declared.kind](file, declared))
        yield found


def _extent(reading: Reading) -> int:
    """How many lines a file has, as far as whoever reads it can tell."""
    last = reading.records[-1].line if reading.records else 0
    return max(last, reading.blank + len(reading.records))


def _joined(readings: list[tuple[str, Reading]], *, told: bool) -> Reading:
    """Several files as one reading: the pages of an API, or tables that are read together, whose names are `told`.

    The lines of records go on counting from file to file.
    """
    if len(readings) == 1 and not told:
        return readings[0][1]
    records: list[Record] = []
    parts: list[Part] = []
    before = 0
    for name, reading in readings:
        parts.append(Part(name, before))
        records += [Record(before + record.line, record.cells) for record in reading.records]
        before += _extent(reading)
    every = [reading for _, reading in readings]
    return Reading(
        columns=tuple(dict.fromkeys(name for one in every for name in one.columns)),
        records=records,
        blank=sum(one.blank for one in every),
        encoding=_said(one.encoding for one in every),
        delimiter=_said(one.delimiter for one in every),
        detected=any(one.detected for one in every),
        sure=min((one.sure for one in every if one.sure is not None), default=None),
        parts=tuple(parts) if told else (),
        header=every[0].header if every else None,
        decimal=_said(one.decimal for one in every),
        notes=tuple(note for one in every for note in one.notes),
    )


def _said(found: Iterable[str | None]) -> str | None:
    return ", ".join(dict.fromkeys(filter(None, found))) or None
