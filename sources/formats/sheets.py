"""Spreadsheets: XLSX and ODS.

Belongs here: opening a workbook, finding the sheet, giving typed rows with the sheet's own row numbers.
Does not belong here: formulas (their last computed value is what the partner saw, and what is read).
"""

import zipfile
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, load_workbook

from sources.declaration import FileFormat
from sources.formats.reading import ReadError, Reading, tabulate

# A workbook is a ZIP: a few kilobytes can unfold into all of the machine's memory.
_UNFOLDED_MAX = 1024**3


def read_sheet(path: Path, declared: FileFormat) -> Reading:
    """Read one sheet of a workbook; a record's line is the sheet's row. Raises ReadError."""
    workbook = _open(path)
    names = workbook.sheet_names
    sheet = declared.sheet if declared.sheet is not None else names[0]
    if sheet not in names:
        remedy = f"The workbook has: {', '.join(names)}. Correct the name in source.yaml (format: sheet)."
        raise ReadError(path, f"there is no sheet {sheet!r}.", remedy)
    # skip_empty_area would drop blank rows at the top, and with them the numbers of all rows below.
    rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    if len(rows) < declared.header:
        remedy = "Fill the sheet, or name another one in source.yaml (format: sheet, header)."
        raise ReadError(path, f"the sheet {sheet!r} has {len(rows)} rows: no header on row {declared.header}.", remedy)
    numbered = enumerate(rows[declared.header :], start=declared.header + 1)
    columns, records, blank = tabulate(path, rows[declared.header - 1], declared.header, numbered, "")
    return Reading(columns, records, blank)


def _open(path: Path) -> CalamineWorkbook:
    if path.stat().st_size == 0:
        raise ReadError(path, "the file is empty.", "Send the workbook again.")
    try:
        with zipfile.ZipFile(path) as archive:
            unfolded = sum(entry.file_size for entry in archive.infolist())
        if unfolded > _UNFOLDED_MAX:
            raise ReadError(path, f"the workbook unfolds to {unfolded} bytes.", "Send a file of less than 1 GB.")
        return load_workbook(str(path))
    except (zipfile.BadZipFile, CalamineError) as error:
        raise ReadError(
            path,
            f"this is no workbook that can be opened ({error}): it is cut short, protected, or another kind of file.",
            "Open it in your spreadsheet, save it again as .xlsx or .ods without a password, and send it whole.",
        ) from error
