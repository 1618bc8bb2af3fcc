"""Spreadsheets: XLSX, XLS and ODS.

Belongs here: opening a workbook, finding the sheet, giving typed rows with the sheet's own row numbers.
Does not belong here: formulas (their last computed value is what the partner saw, and what is read).
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from posixpath import join, normpath
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, load_workbook

from sources.declaration import FileFormat
from sources.formats.merged import Merged, unmerged
from sources.formats.reading import ReadError, Reading, tabulate
from sources.formats.shape import decimal_of, find_header, names_over, rows_alone

# A workbook is a ZIP: a few kilobytes can unfold into all of the machine's memory.
_UNFOLDED_MAX = 1024**3
# The reader holds every cell of the rectangle that a sheet spans. A cell left by mistake in the last corner of a sheet
# asks for 17 thousand million: the system ends the process, and with it the run of all partners.
_CELLS_MAX = 20_000_000
_FILLED = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"'][^>]*(?<!/)>\s*<(?!/)")
_CHUNK, _OVERLAP = 1024**2, 1024


def read_sheet(path: Path, declared: FileFormat) -> Reading:
    """Read one sheet of a workbook; a record's line is the sheet's row. Raises ReadError."""
    try:
        name, rows, merged = _rows(path, declared)
    except (zipfile.BadZipFile, zlib.error, EOFError, ElementTree.ParseError, CalamineError) as error:
        raise ReadError(
            path,
            f"this is no workbook that can be opened ({error}): it is cut short, protected, or another kind of file.",
            "Open it in your spreadsheet, save it again as .xlsx or .ods without a password, and send it whole.",
        ) from error
    found, sure = find_header(rows) if declared.header == "detect" else (declared.header - 1, None)
    if len(rows) <= found:
        remedy = "Fill the sheet, or name another one in source.yaml (format: sheet, header)."
        raise ReadError(path, f"the sheet {name!r} has {len(rows)} rows: no header on row {found + 1}.", remedy)
    first = max(0, found + 1 - declared.header_rows)
    header = names_over(rows[first : found + 1]) if declared.header_rows > 1 else rows[found]
    rows, titles, merged_notes = unmerged(rows, merged, found + 1)
    numbered = ((number, row) for number, row in enumerate(rows[found + 1 :], start=found + 2) if number not in titles)
    columns, records, blank = tabulate(path, header, found + 1, numbered, "")
    records, left_out = rows_alone(columns, records)
    decimal, unlike = decimal_of(records, declared.decimal)
    return Reading(
        columns,
        records,
        blank,
        detected=sure is not None,
        sure=sure,
        header=found + 1,
        decimal=decimal,
        notes=(*merged_notes, *left_out, *unlike),
    )


def sheet_cells(path: Path, declared: FileFormat) -> list[list[Any]]:
    """The cells of the declared sheet as they stand, under the same limits. Raises ReadError, and what the reader of
    workbooks raises of one that is broken."""
    return _rows(path, declared)[1]


def _rows(path: Path, declared: FileFormat) -> tuple[str, list[list[Any]], Merged]:
    """The name of the sheet that is declared, all its rows, blank ones too, and its merged cells."""
    if path.stat().st_size == 0:
        raise ReadError(path, "the file is empty.", "Send the workbook again.")
    if declared.kind == "xls":
        # Not a ZIP, and of 65,536 rows and 256 columns at most: nothing in it unfolds.
        with path.open("rb") as file:
            return _sheet(path, load_workbook(file), declared)
    with zipfile.ZipFile(path) as archive:
        unfolded = sum(entry.file_size for entry in archive.infolist())
        if unfolded > _UNFOLDED_MAX:
            raise ReadError(path, f"the workbook unfolds to {unfolded} bytes.", "Send a file of less than 1 GB.")
        return _sheet(path, load_workbook(str(path)), declared, archive)


def _sheet(
    path: Path, workbook: CalamineWorkbook, declared: FileFormat, archive: zipfile.ZipFile | None = None
) -> tuple[str, list[list[Any]], Merged]:
    names = workbook.sheet_names
    name = declared.sheet if declared.sheet is not None else names[0]
    if name not in names:
        remedy = f"The workbook has: {', '.join(names)}. Correct the name in source.yaml (format: sheet)."
        raise ReadError(path, f"there is no sheet {name!r}.", remedy)
    if archive is not None:
        _check_extent(path, archive, name)
    # skip_empty_area would drop blank rows at the top, and with them the numbers of all rows below.
    sheet = workbook.get_sheet_by_name(name)
    # An ODS does not tell: None.
    return name, sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges or []


def _check_extent(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an XLSX sheet whose cells stand too far apart, naming the last ones; the reader itself minds ODS."""
    part = _part_of(archive, name)
    if part is None:
        return
    column, row = "A", 1
    for letters, number in _filled(archive, part):
        column = max(column, letters, key=lambda text: (len(text), text))
        row = max(row, number)
    if _number(column) * row > _CELLS_MAX:
        raise ReadError(
            path,
            f"the cells of the sheet {name!r} go as far as column {column} and row {row}.",
            "Delete the rows and columns after your table (a stray cell stands there), save, and send the file again.",
        )


def _part_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """Where in an XLSX workbook the sheet `name` is kept; None in another kind, or where it does not say."""
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= set(archive.namelist()):
        return None
    sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()
    named = next((s for s in sheets if s.tag.endswith("}sheet") and s.get("name") == name), None)
    wanted = next((value for key, value in named.items() if key.endswith("}id")), None) if named is not None else None
    targets = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels")).iter()
    target = next((t.get("Target", "") for t in targets if wanted is not None and t.get("Id") == wanted), None)
    part = normpath(join("/xl", target)).lstrip("/") if target else None
    return part if part in archive.namelist() else None


def _filled(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, int]]:
    """Column and row of every cell that is not empty, the part being streamed."""
    rest = b""
    with archive.open(part) as xml:
        while chunk := xml.read(_CHUNK):
            text = rest + chunk
            for found in _FILLED.finditer(text):
                yield found[1].decode(), int(found[2])
            rest = text[-_OVERLAP:]


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
