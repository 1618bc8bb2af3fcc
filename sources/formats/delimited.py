"""CSV and TSV.

Belongs here: finding the delimiter, and cutting text into records with the physical line each starts on.
Does not belong here: decoding (encoding.py), the rules of headers and rows (reading.py).
"""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sources.declaration import FileFormat
from sources.formats.encoding import decode
from sources.formats.reading import ReadError, Reading, tabulate

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 200
# The standard's 131,072 characters are too few for a description pasted with its pictures; this is one whole cell.
csv.field_size_limit(16 * 1024 * 1024)


def read_delimited(path: Path, declared: FileFormat) -> Reading:
    """Read a CSV or TSV file; a record's line is the physical line on which it starts. Raises ReadError."""
    decoded = decode(path, path.read_bytes(), declared.encoding)
    text = decoded.text
    delimiter, share = _delimiter(text, declared)
    rows = _rows(path, text, delimiter)
    header_line, header = next((row for row in rows if row[0] >= declared.header), (0, []))
    if not header_line:
        raise ReadError(
            path,
            f"the names of the columns were expected on line {declared.header}, and the file ends before it.",
            "Correct the row of the header in source.yaml (format: header).",
        )
    _check_end(path, text, delimiter, len(header))
    shown = "tab" if delimiter == "\t" else delimiter
    hint = f" Cells that hold {shown!r} need quotes around them; if cells are parted by another sign, declare it."
    columns, records, blank = tabulate(path, header, header_line, rows, hint)
    detected = "detect" in (declared.encoding, declared.delimiter)
    sure = min(share, 1.0 if decoded.sure is None else decoded.sure) if detected else None
    return Reading(columns, records, blank, decoded.encoding, delimiter, detected, sure)


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            what = "a quote opens here and is never closed: the file is cut short, or a quote is missing."
        else:
            what = f"the quotes do not fit ({error})."
        remedy = 'Inside a quoted cell write each quote twice (""), and send the whole file.'
        raise ReadError(path, what, remedy, line=line) from error


def _delimiter(text: str, declared: FileFormat) -> tuple[str, float]:
    """The delimiter, and the share of the first rows that have as many cells as the header under it."""
    if declared.delimiter != "detect":
        return ("\t" if declared.delimiter == "tab" else declared.delimiter), 1.0
    if declared.kind == "tsv":
        return "\t", 1.0
    scores = {}
    for delimiter in _DELIMITERS:
        lines = io.StringIO(text, newline="")
        for _ in range(declared.header - 1):
            lines.readline()
        widths = [len(row) for row in islice(csv.reader(lines, delimiter=delimiter), _SAMPLE) if any(row)]
        if widths:
            scores[delimiter] = (widths[0] > 1, round(widths.count(widths[0]) / len(widths), 2), widths[0])
    if not scores:
        return ",", 0.0
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best, scores[best][1]


def _check_end(path: Path, text: str, delimiter: str, width: int) -> None:
    """A last line that is short and has no end of line is where a transfer broke off: such a file is refused."""
    if text.endswith(("\n", "\r")) or text.rstrip(" \0").endswith(("\n", "\r")):
        return
    last: list[str] = []
    line = 0
    for line, row in _rows(path, text, delimiter):  # noqa: B007 (the last one is wanted)
        last = row
    if 0 < len(last) < width and line > 1:
        raise ReadError(
            path,
            f"the last line holds {len(last)} of {width} cells and does not end: the file looks cut short.",
            "Send the whole file again.",
            line=line,
        )
