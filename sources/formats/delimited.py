"""CSV and TSV.

Belongs here: finding the delimiter, and cutting text into records with the physical line each starts on.
Does not belong here: decoding (encoding.py), the rules of headers and rows (reading.py).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from glane.text import Text
from schemas.phrases import word
from sources.declaration import FileFormat
from sources.formats.encoding import decode
from sources.formats.reading import ReadError, Reading, tabulate
from sources.formats.shape import LOOKED_AT, decimal_of, find_header, names_over, rows_alone

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 200
# The standard's 131,072 characters are too few for a description pasted with its pictures; this is one whole cell.
csv.field_size_limit(16 * 1024 * 1024)


def read_delimited(path: Path, declared: FileFormat) -> Reading:
    """Read a CSV or TSV file; a record's line is the physical line on which it starts. Raises ReadError."""
    decoded = decode(path, path.read_bytes(), declared.encoding)
    text, notes = _without_marks(decoded.text)
    delimiter, share = _delimiter(text, declared)
    rows = _rows(path, text, delimiter)
    head = list(islice(rows, max(LOOKED_AT, 0 if declared.header == "detect" else declared.header)))
    found, sure_of_header = _header(path, [row for _, row in head], [line for line, _ in head], declared)
    header_line = head[found][0]
    header: Sequence[object] = head[found][1]
    if declared.header_rows > 1:
        header = names_over([row for _, row in head[max(0, found + 1 - declared.header_rows) : found + 1]])
    _check_end(path, text, delimiter, len(header))
    shown = "tab" if delimiter == "\t" else delimiter
    hint = f" Cells that hold {shown!r} need quotes around them; if cells are parted by another sign, declare it."
    under = _one_delimiter(path, chain(head[found + 1 :], rows), delimiter, len(header))
    columns, records, blank = tabulate(path, header, header_line, under, hint)
    records, left_out = rows_alone(columns, records)
    decimal, unlike = decimal_of(records, declared.decimal)
    detected = "detect" in (declared.encoding, declared.delimiter, declared.header)
    sure = min(share, sure_of_header, 1.0 if decoded.sure is None else decoded.sure) if detected else None
    return Reading(
        columns,
        records,
        blank,
        decoded.encoding,
        delimiter,
        detected,
        sure,
        header=header_line,
        decimal=decimal,
        notes=(*notes, *left_out, *unlike),
    )


def _without_marks(text: str) -> tuple[str, tuple[Text, ...]]:
    """The text without byte order marks inside it, as files that were put one after the other have them."""
    if "\ufeff" not in text:
        return text, ()
    line = text[: text.index("\ufeff")].count("\n") + 1
    return text.replace("\ufeff", ""), (word("reading.mark-inside", line=str(line)),)


def _header(path: Path, rows: list[list[str]], lines: list[int], declared: FileFormat) -> tuple[int, float]:
    """Which of the first rows holds the names of the columns, and how sure that is."""
    if declared.header == "detect":
        return find_header(rows)
    found = next((number for number, line in enumerate(lines) if line >= declared.header), None)
    if found is None:
        raise ReadError(
            path,
            f"the names of the columns were expected on line {declared.header}, and the file ends before it.",
            "Correct the row of the header in source.yaml (format: header).",
        )
    return found, 1.0


def _one_delimiter(
    path: Path, rows: Iterable[tuple[int, list[str]]], delimiter: str, width: int
) -> Iterator[tuple[int, list[str]]]:
    """The rows; a file that goes on with another delimiter is refused, for its rows would be read as one long name."""
    others = [sign for sign in _DELIMITERS if sign != delimiter]
    seen: list[int] = []
    for line, row in rows:
        if 0 < len(row) < width:
            whole = delimiter.join(row)
            other = next((sign for sign in others if len(next(csv.reader([whole], delimiter=sign), [])) == width), None)
            seen += [line] if other else []
            # With few columns a single row may hold a comma by chance.
            if other is not None and (width > 3 or len(seen) > 1):
                was, now = ("tab" if sign == "\t" else sign for sign in (delimiter, other))
                raise ReadError(
                    path,
                    f"from here on the cells are parted by {now!r}, and before by {was!r}.",
                    "Two files stand one after the other: save the whole table with one separator, and send it again.",
                    line=seen[0],
                )
        yield line, row


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
        for _ in range(0 if declared.header == "detect" else declared.header - 1):
            lines.readline()
        widths = [len(row) for row in islice(csv.reader(lines, delimiter=delimiter), _SAMPLE) if any(row)]
        if widths:
            # Above a header that is looked for there may be titles: what is most common is the table.
            usual = Counter(widths).most_common(1)[0][0] if declared.header == "detect" else widths[0]
            scores[delimiter] = (usual > 1, round(widths.count(usual) / len(widths), 2), usual)
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
