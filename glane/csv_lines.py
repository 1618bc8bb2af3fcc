"""Declarations that are one line each of a CSV file in git: decisions, approvals.

Belongs here: reading the lines with their numbers, and putting one more at the end. Does not belong here: what a line
says (publish/decisions.py, schemas/expectations/approvals.py).
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from glane.declaration import DeclarationError, Fault


def read_lines(data: bytes, path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row of a CSV (`data`, UTF-8, with these `columns` in any order) with the number of its line; cells are
    stripped, an empty one is "". Raises DeclarationError, which names `path`."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True, restval="", restkey="")
        names = list(reader.fieldnames or ())
        if sorted(names) != sorted(columns):
            what = f"The columns are {', '.join(names) or 'not there'}."
            raise DeclarationError(path, [Fault(1, "", what, f"Write {','.join(columns)}.")])
        for row in reader:
            if "" in row:
                what = "There are more cells than columns."
                raise DeclarationError(path, [Fault(reader.line_num, "", what, "Quote the cell with a comma.")])
            yield reader.line_num, {name: cell.strip() for name, cell in row.items()}
    except (UnicodeDecodeError, csv.Error) as error:
        fault = Fault(1, "", f"The file cannot be read as CSV ({error}).", "Write CSV in UTF-8 with commas.")
        raise DeclarationError(path, [fault]) from error


def bytes_at(path: Path) -> bytes | None:
    """What the file holds; None where there is none (an empty one has lost its lines). Raises DeclarationError where it
    cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        fault = Fault(1, "", f"The file cannot be read ({error.strerror}).", "Make it readable.")
        raise DeclarationError(path, [fault]) from error


def with_line(data: bytes, columns: Sequence[str], cells: Mapping[str, str]) -> bytes:
    """The bytes of a file with one more line at its end; what `cells` does not say is empty."""
    text = data or f"{','.join(columns)}\n".encode()
    header = next(csv.reader([text.decode("utf-8-sig").splitlines()[0]]))
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([cells.get(name, "") for name in header])
    return text + (b"" if text.endswith(b"\n") else b"\n") + line.getvalue().encode()


def put(path: Path, data: bytes) -> None:
    """Make `data` the whole of the file, there at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
