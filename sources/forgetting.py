"""A partner's file without the records of people who are forgotten: read so, and kept so.

Belongs here: which records of a file are theirs, the file with these left blank, and the mark that says so. Does not
belong here: who is forgotten (publish/decisions.py), when this happens (pipelines/forgetting/).

    raw/<dataset>/<partner>/<sha256>        the bytes as received, these records blank: their hash is not their name
    raw/<dataset>/<partner>/<sha256>.json   under `forgotten`: the hash that they have now, which lines went, when

A record's line stays its line, so that older versions can be traced all the same. What cannot be written record by
record (XLS, ODS, a workbook that keeps what it does not show) is replaced by its mark: nothing can be traced to it any
more, and what its partner offers now is fetched again.
"""

import codecs
import csv
import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow.parquet as pq
from openpyxl.cell.cell import MergedCell

from glane.erasing import Telling
from glane.store import MissingError, Store, sha256_of, to_json
from schemas.dataset import Dataset
from schemas.phrases import listing, word
from sources.annotation import is_annotated
from sources.check import table_of
from sources.declaration import FileFormat, Source
from sources.formats.archive import is_archive
from sources.formats.encoding import Decoded, decode
from sources.formats.reading import ReadError, Reading, as_text
from sources.identity.ids import Past
from sources.identity.register import keep_register, load_register
from sources.read import members, read
from sources.returned import Arrived, arrived, is_ours
from sources.snapshot import forgotten_in
from sources.taking import taken

_SHA256 = re.compile("[0-9a-f]{64}")
_LARGE = 256 * 1024**2
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Mark:
    """What was done to a snapshot: the SHA-256 that its bytes have now, the `lines` whose records went, when (UTC), and
    whether the whole of it was `replaced`."""

    sha256: str
    lines: tuple[int, ...]
    at: str
    replaced: bool = False


def mark_of(store: Store, key: str) -> Mark | None:
    """The mark of the snapshot at `key`; None where nobody in it was forgotten."""
    told = forgotten_in(store, key)
    try:
        return Mark(**{**told, "lines": tuple(told["lines"])}) if told else None
    except (TypeError, KeyError):
        return None


def kept_snapshots(store: Store, dataset: str, partner: str) -> list[str]:
    """The SHA-256 of every snapshot of a partner that is kept."""
    return [name for name in store.list(f"raw/{dataset}/{partner}") if _SHA256.fullmatch(name)]


def rows_in(
    path: Path, named: str, source: Source, dataset: Dataset, past: Past, *, date: str
) -> tuple[Arrived, pl.DataFrame]:
    """The file at `path`, called `named` by its partner, and its rows with ids. Raises ReadError, MappingError."""
    table = table_of(source, dataset)
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        link = Path(folder) / named
        link.symlink_to(path.absolute())
        sent = arrived(link, source, dataset, table)
    return sent, taken(sent, source, table, past, snapshot_date=date).mapped.rows


def texts_in(reading: Reading, lines: Collection[int]) -> tuple[set[str], set[str]]:
    """Every text in the records on `lines`, and in all others."""
    theirs, others = set[str](), set[str]()
    for record in reading.records:
        cells = {as_text(cell) for cell in record.cells.values()} - {""}
        (theirs if record.line in lines else others).update(cells)
    return theirs, others


def forget_in_register(store: Store, dataset: str, partner: str, ids: Collection[str]) -> int:
    """Let the register of a partner's ids tell nothing of `ids` but that they were given, and gives how many it told
    of: by its key, which is a hash, their row is known when it comes again. Raises RegisterError, StoreError."""
    register = load_register(store, dataset, partner)
    telling = [name for name, one in register.ids.items() if name in ids and (one.cells or one.current)]
    known = {name: replace(register.ids[name], current=None, cells=None) for name in telling}
    if known:
        keep_register(store, dataset, partner, replace(register, ids={**register.ids, **known}))
    return len(known)


def forget_points(store: Store, dataset: str, partner: str, ids: Collection[str]) -> int:
    """Take what services said of the addresses of `ids` out of the partner's file of points, and give how many."""
    key = f"geocoded/{dataset}/{partner}.json"
    value: Any = store.read_json(key)
    if not isinstance(value, dict) or not isinstance(value.get("rows"), dict):
        return 0
    gone = {row for row in value["rows"] if row in ids}
    rows = {row: answer for row, answer in value["rows"].items() if row not in gone}
    if gone:
        answers = {name: one for name, one in value["answers"].items() if name in rows.values()}
        store.write_json(key, {**value, "answers": answers, "rows": rows})
    return len(gone)


def checked(store: Store, key: str, against: str) -> bool:
    """Whether the snapshot at `key` was looked through for the people `against` already, and is as it was left then."""
    if _story(store, key).get("looked_through") != against:
        return False
    mark = mark_of(store, key)
    return mark is None or (not mark.replaced and mark.sha256 == store.digest(key))


def note_checked(store: Store, key: str, against: str) -> None:
    """Remember that the snapshot was looked through."""
    store.write_json(f"{key}.json", {**_story(store, key), "looked_through": against})


def _story(store: Store, key: str) -> Mapping[str, Any]:
    """What is kept of how the snapshot at `key` came."""
    found: Any = store.read_json(f"{key}.json")
    return found if isinstance(found, dict) else {}


def without(sent: Arrived, lines: Collection[int]) -> Arrived:
    """The file as if the records on these lines were not in it; its notes tell the partner to delete them."""
    if not lines:
        return sent
    stay = [number for number, line in enumerate(sent.reading.lines) if line not in lines]
    records = [sent.reading.records[number] for number in stay]
    brings = sent.brings and replace(sent.brings, texts=[sent.brings.texts[number] for number in stay])
    places = [sent.reading.place(line) for line in sorted(lines)]
    said = [str(line) if file is None else f"{line} ({file})" for file, line in places]
    note = word("reading.forgotten", lines=listing(said))
    reading = replace(sent.reading, records=records, notes=(note, *sent.reading.notes))
    return replace(sent, reading=reading, brings=brings)


def blank(
    store: Store, key: str, declared: FileFormat, lines: Collection[int], telling: Telling, *, at: str
) -> Mark | None:
    """Leave the records on `lines` of the snapshot at `key` blank, so that nothing in it tells of a person any more.

    Gives its mark, None where there was nothing to do. Killed anywhere and run again, it ends the same. Raises
    StoreError.
    """
    try:
        path = store.fetch(key)
    except MissingError:
        return mark_of(store, key)
    former = mark_of(store, key)
    if former is not None and former.replaced and former.sha256 == sha256_of(path):
        return former
    every = sorted({*lines, *(former.lines if former else ())})
    if not lines and not telling.in_file(path.read_bytes()):
        return former
    found = blanked(path, declared, set(every), telling)
    fresh = to_json({"forgotten": {"lines": every, "at": at}}) if found is None else found
    if former is not None and hashlib.sha256(fresh).hexdigest() == sha256_of(path) == former.sha256:
        return former
    mark = Mark(hashlib.sha256(fresh).hexdigest(), tuple(every), at, found is None)
    # The mark first: bytes that nobody announced would be taken for damaged ones, and fetched again.
    store.write_json(f"{key}.json", {**_story(store, key), "forgotten": asdict(mark)})
    store.write(key, fresh)
    return mark


def blanked(path: Path, declared: FileFormat, lines: Collection[int], telling: Telling) -> bytes | None:
    """The bytes of the file at `path`, the records on `lines` blank; None for a format that cannot be written so, and
    where something in it would still tell."""
    found = _blanked(path, declared, lines)
    return None if found is None or telling.in_file(found) or not _reads_blank(found, declared, lines) else found


def _blanked(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    if path.stat().st_size > _LARGE:
        return None
    if is_annotated(path):
        return _workbook(path, declared.model_copy(update={"sheet": None}), lines)
    if is_archive(path):
        return _archive(path, declared, lines)
    way = _WAYS.get(declared.kind)
    if zipfile.is_zipfile(path) and declared.kind != "ods":
        # A workbook of ours that came instead of the partner's own file.
        way = _workbook
    return way(path, declared, lines) if way is not None else None


def _delimited(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    """CSV and TSV: each line of the file that a record goes over becomes an empty one."""
    decoded = decode(path, path.read_bytes(), declared.encoding)
    delimiter = read(path, declared).delimiter or ","
    reader = csv.reader(io.StringIO(decoded.text, newline=""), delimiter=delimiter, strict=True)
    hidden, start = set[int](), 1
    for _ in reader:
        if start in lines:
            hidden.update(range(start, reader.line_num + 1))
        start = reader.line_num + 1
    return _without_lines(path, decoded, hidden)


def _objects(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    """JSON Lines: the line becomes an empty one."""
    return _without_lines(path, decode(path, path.read_bytes(), declared.encoding), lines)


def _without_lines(path: Path, decoded: Decoded, hidden: Collection[int]) -> bytes:
    kept = []
    for number, line in enumerate(io.StringIO(decoded.text, newline=""), start=1):
        kept.append(line[len(line.rstrip("\r\n")) :] if number in hidden else line)
    with path.open("rb") as file:
        begins = file.read(3)
    mark = next((mark for mark in (codecs.BOM_UTF8, *_UTF16) if begins.startswith(mark)), b"")
    # A codec that writes a mark of its own would write a second one.
    encoding = _UTF16.get(mark, "utf-8" if mark else decoded.encoding)
    return mark + "".join(kept).removeprefix("\ufeff").encode(encoding)


def _document(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    """JSON: the record becomes an empty object, so that those after it keep their numbers."""
    at = declared.records or ("features" if declared.kind == "geojson" else "")
    document = json.loads(decode(path, path.read_bytes(), declared.encoding).text)
    holder: Any = {"": document}
    name: Any = ""
    for step in at.split(".") if at else ():
        holder = holder[name]
        name = int(step) if isinstance(holder, list) else step
    holder[name] = [{} if number in lines else item for number, item in enumerate(holder[name], start=1)]
    return json.dumps(document if at else holder[""], ensure_ascii=False).encode()


def _workbook(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    named = declared.sheet if declared.sheet in book.sheetnames else book.sheetnames[0]
    # The rows of a workbook of ours stand on the sheet of their table, whatever the partner's own file is like.
    sheets = [one for one in book if one.sheet_state == "visible"] if is_ours(path) else [book[named]]
    for cell in (cell for sheet in sheets for line in lines for cell in sheet[line]):
        if not isinstance(cell, MergedCell):
            cell.value, cell.comment, cell.hyperlink = None, None, None
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _table(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    table = pq.read_table(path)
    rows = [None if number in lines else row for number, row in enumerate(table.to_pylist(), start=1)]
    empty = dict.fromkeys(table.column_names)
    data = io.BytesIO()
    pq.write_table(table.from_pylist([empty if row is None else row for row in rows], schema=table.schema), data)
    return data.getvalue()


def _archive(path: Path, declared: FileFormat, lines: Collection[int]) -> bytes | None:
    """A ZIP: lines go on counting from one file to the next, as they are read (sources/read.py)."""
    data = io.BytesIO()
    with members(path, declared) as files, zipfile.ZipFile(path) as old, zipfile.ZipFile(data, "w") as new:
        written: Mapping[str, bytes | None] = {
            name: _blanked(file, declared, {line - before for line in lines if line > before})
            for name, file, before in files
        }
        if any(one is None for one in written.values()):
            return None
        for entry in old.infolist():
            # The moment of the entry stays, so that the same file gives the same bytes.
            new.writestr(entry, written.get(entry.filename) or old.read(entry), zipfile.ZIP_DEFLATED)
    return data.getvalue()


def _reads_blank(data: bytes, declared: FileFormat, lines: Collection[int]) -> bool:
    """Whether these bytes can be read, and hold no record on `lines`."""
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        fresh = Path(folder) / "file"
        fresh.write_bytes(data)
        try:
            return not set(read(fresh, declared).lines) & set(lines)
        except ReadError:
            return False


_WAYS: Mapping[str, Callable[[Path, FileFormat, Collection[int]], bytes | None]] = {
    "csv": _delimited,
    "tsv": _delimited,
    "jsonl": _objects,
    "json": _document,
    "geojson": _document,
    "xlsx": _workbook,
    "parquet": _table,
}
