"""A partner sends a workbook of ours instead of its own file: the template that it filled, or the cleaned copy.

Belongs here: knowing such a workbook by its mark, whatever its name and the source's own format, and reading it column
by column instead of by the source's mapping. Does not belong here: making one (schemas/template.py), the ids in it
(identity/), their own file back, which reads as the file that it was made of (annotation.py).
"""

import contextlib
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from schemas.dataset import Dataset, Table
from schemas.template_mark import SHEET, Mark, mark_in
from sources.annotation import is_annotated
from sources.declaration import FileFormat, Identity, Source
from sources.fields import FieldMapping
from sources.formats.reading import ReadError, Reading, as_text
from sources.formats.sheets import read_sheet, sheet_cells
from sources.identity.ids import Brings
from sources.identity.likeness import compared_fields
from sources.read import read

_PARTS: tuple[tuple[str, bytes, Literal["xlsx", "ods"]], ...] = (
    ("xl/workbook.xml", f'"{SHEET}"'.encode(), "xlsx"),
    ("content.xml", f'"{SHEET}"'.encode(), "ods"),
)
_PART_MAX = 256 * 1024**2


@dataclass(frozen=True)
class Arrived:
    """A file as it was read: `source` says how it is mapped, which for a template or a cleaned copy is not as declared;
    then `brings` are the ids in it. `ours` says that it is one of these, or the partner's own file back."""

    reading: Reading
    source: Source
    brings: Brings | None = None
    ours: bool = True


def arrived(path: Path, source: Source, dataset: Dataset, table: Table) -> Arrived:
    """Read the file that `source` sent, its own or a workbook of ours. Raises ReadError."""
    found = _mark(path)
    if found is None:
        return Arrived(read(path, source.line.format), source, ours=is_annotated(path))
    mark, kind = found
    _check_meant(path, mark, source, dataset, table)
    declared = FileFormat(kind=kind, sheet=_sheet(path, table), header=1, missing=_missing(source, table))
    reading = read_sheet(path, declared)
    key = table.primary_key[0] if len(table.primary_key) == 1 else None
    # A row with nothing left but its id is one that the partner took out.
    kept = [r for r in reading.records if any(as_text(cell) for name, cell in r.cells.items() if name != key)]
    reading = replace(reading, records=kept, blank=reading.blank + len(reading.records) - len(kept))
    texts = [as_text(record.cells.get(key)) for record in kept] if key else []
    brings = Brings(texts, filled=mark.source == source.partner) if key else None
    return Arrived(reading, _as_ours(source, table, declared, reading.columns), brings)


def is_ours(path: Path) -> bool:
    """Whether the file is a workbook of ours that a partner fills."""
    return _mark(path) is not None


def _mark(path: Path) -> tuple[Mark, Literal["xlsx", "ods"]] | None:
    # What is broken or too large is told by whoever reads it as the partner's own file.
    with contextlib.suppress(zipfile.BadZipFile, zlib.error, KeyError, OSError, CalamineError, ReadError):
        if not zipfile.is_zipfile(path):
            return None
        with zipfile.ZipFile(path) as archive:
            names = {entry.filename: entry.file_size for entry in archive.infolist()}
            for part, told, kind in _PARTS:
                if names.get(part, _PART_MAX) < _PART_MAX and told in archive.read(part):
                    mark = mark_in(sheet_cells(path, FileFormat(kind=kind, sheet=SHEET)))
                    return None if mark is None else (mark, kind)
    return None


def _check_meant(path: Path, mark: Mark, source: Source, dataset: Dataset, table: Table) -> None:
    if (mark.dataset, mark.table) != (dataset.name, table.name):
        what = f"this workbook is for {mark.dataset}/{mark.table}, and {source.name} feeds {table.name!r}."
        raise ReadError(path, what, f"Fill the one that `glane template {dataset.name}/{table.name}` writes.")
    if mark.source not in ("", source.partner):
        what = f"this workbook was made for {mark.dataset}/{mark.source}: the rows in it are that partner's."
        raise ReadError(
            path, what, f"Fill the one that `glane template {dataset.name} --source {source.partner}` writes."
        )


def _sheet(path: Path, table: Table) -> str | None:
    names = CalamineWorkbook.from_path(str(path)).sheet_names
    return table.name[:31] if table.name[:31] in names else None


def _missing(source: Source, table: Table) -> list[str]:
    """What this partner writes where it has nothing to say, but for what is a term of ours (NA is Namibia)."""
    terms = {term for listed in table.terms.values() for term in listed}
    return [text for text in source.line.format.missing if text not in terms]


def _as_ours(source: Source, table: Table, declared: FileFormat, columns: Iterable[str]) -> Source:
    """The source with the mapping of our own workbook: each column is the field of that name, cleaned as this partner's
    cells are. Its hook, which knows the partner's own file, is not run."""
    key = table.primary_key
    fillable = [name for name in table.fields if name in table.asked or name in source.line.map]
    names = [name for name in columns if name in fillable and (name not in key or len(key) > 1)]
    own = source.line.id.fields if source.line.id else None
    compared = compared_fields(table)
    telling = [name for name in (compared.name, *compared.texts) if name in names]
    identity = Identity(fields=own or telling or names) if len(key) == 1 and names else None
    line = source.line.model_copy(
        update={
            "format": declared,
            "map": {name: _column(source.line.map.get(name), name, table) for name in names},
            "id": identity,
            "ignore": list(key) if len(key) == 1 else [],
            "several": None,
        }
    )
    return replace(source, line=line, folder=source.folder / SHEET)


def _column(theirs: FieldMapping | None, name: str, table: Table) -> FieldMapping:
    listed = table.line.terms.get(name)
    separator = listed.separator if listed else None
    if theirs is None:
        return FieldMapping(column=name, split=separator)
    # What is the same in all their rows need not be typed in a new one.
    constant = theirs.constant if not (theirs.terms or theirs.clean) else None
    return FieldMapping(column=name, split=separator, clean=theirs.clean, default=theirs.default or constant)


def with_kept_dates(table: Table, rows: pl.DataFrame, last: pl.DataFrame | None, *, today: str) -> pl.DataFrame:
    """The rows of a workbook of ours with dates that say again where they come from.

    A date that Glane filled last time stands in the workbook, and does not thereby become the partner's word; it stays
    that of a row that is as it was, and is filled anew (`today`) where the row changed.
    """
    origin = table.line.origin
    if last is None or origin is None or len(table.primary_key) != 1 or not set(table.fields) <= set(last.columns):
        return rows
    key, dates = table.primary_key[0], (origin.of, origin.field)
    before = {row[key]: row for row in last.select(table.fields).to_dicts()}
    told = rows.to_dicts()
    for row in told:
        was = before.get(row[key])
        if was is None:
            continue
        untouched = row[origin.of] == was[origin.of]
        if was[origin.field] == origin.provided and (untouched or row[origin.field] == origin.provided):
            same = all(row[name] == was[name] for name in table.fields if name not in dates)
            row[origin.of], row[origin.field] = was[origin.of] if same else today, origin.provided
        elif untouched:
            row[origin.field] = was[origin.field]
    return pl.DataFrame(told, schema=rows.schema)
