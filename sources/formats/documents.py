"""JSON, JSON Lines and GeoJSON.

Belongs here: finding the list of records in a document, and flattening nested objects to dotted paths.
Does not belong here: which path becomes which field (mapping.py).

A list of plain values stays one cell holding a list; a list of objects is numbered (`contacts.0.email`).
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sources.declaration import FileFormat
from sources.formats.encoding import decode
from sources.formats.reading import ReadError, Reading, Record, as_text, collapse
from sources.formats.spool import Spool
from sources.formats.streaming import records_of

LARGE = 64 * 1024 * 1024
"""Bytes from which on a document is streamed, and its records are kept on the disk."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Escapes are read from the left, so that the text `\\ud800` with its own backslash stays what it is.
_HALF = re.compile(
    r"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][\da-fA-F]{2})|\\."
)


class _DoubledKeyError(ValueError):
    """A key stands twice in one object: which of the two counts would be a guess."""


def read_json(path: Path, declared: FileFormat) -> Reading:
    """Read the list of objects at the path `declared.records`; a record's line is its position from 1."""
    if path.stat().st_size > LARGE:
        return _streamed(path, declared, declared.records)
    decoded = decode(path, path.read_bytes(), declared.encoding)
    items = _records(path, _parse(path, decoded.text), declared.records)
    return _reading(path, enumerate(items, start=1), decoded.encoding, decoded.sure)


def read_jsonl(path: Path, declared: FileFormat) -> Reading:
    """Read one object a line; a record's line is that line of the file."""
    if path.stat().st_size > LARGE:
        return _streamed_lines(path, declared)
    decoded = decode(path, path.read_bytes(), declared.encoding)
    lines = enumerate(decoded.text.split("\n"), start=1)
    items = [(number, _parse(path, line, number)) for number, line in lines if line.strip()]
    return _reading(path, items, decoded.encoding, decoded.sure)


def read_geojson(path: Path, declared: FileFormat) -> Reading:
    """Read the features of a FeatureCollection: properties, and points as geometry.latitude and geometry.longitude.

    A feature's own `id` becomes the column `feature.id`. A shape that is no point gives its `geometry.type` alone:
    no point is made up for it. A record's line is the position of the feature from 1.
    """
    if path.stat().st_size > LARGE:
        return _streamed(path, declared, declared.records or "features", _feature)
    decoded = decode(path, path.read_bytes(), declared.encoding)
    document = _parse(path, decoded.text)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        kind = document.get("type") if isinstance(document, dict) else type(document).__name__
        remedy = "Send a FeatureCollection, or declare the kind 'json' with the path to the records."
        raise ReadError(path, f"a FeatureCollection was expected, the file holds {kind!r}.", remedy)
    features = _records(path, document, declared.records or "features")
    return _reading(path, enumerate(map(_feature, features), start=1), decoded.encoding, decoded.sure)


def _feature(feature: Any) -> Any:
    if not isinstance(feature, dict):
        return feature
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        return properties
    row = dict(properties)
    if "id" in feature:
        row["feature.id"] = feature["id"]
    geometry = feature.get("geometry")
    if isinstance(geometry, dict):
        row["geometry.type"] = geometry.get("type")
        point = geometry.get("coordinates")
        if geometry.get("type") == "Point" and isinstance(point, list) and len(point) >= 2:
            row["geometry.longitude"], row["geometry.latitude"] = point[0], point[1]
    return row


def _streamed(path: Path, declared: FileFormat, at: str, made: Callable[[Any], Any] = lambda item: item) -> Reading:
    """The same of a document that is too large to be held whole."""
    decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=lambda _: None)

    def items() -> Iterator[tuple[int, Any]]:
        values = records_of(path, declared.encoding, at, decoder, _whole_letters)
        number = 0
        while True:
            try:
                value = next(values)
            except StopIteration:
                return
            except (ValueError, RecursionError) as error:
                # The line in a document of gigabytes, often all on one, helps less than the record.
                raise _refused(path, error, number + 1) from error
            number += 1
            yield number, made(value)

    return _reading(path, items(), "utf-8" if declared.encoding == "detect" else declared.encoding, None, Spool())


def _streamed_lines(path: Path, declared: FileFormat) -> Reading:
    encoding = "utf-8" if declared.encoding == "detect" else declared.encoding
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    try:
        with path.open(encoding=codec, newline="\n") as file:
            lines = enumerate(file, start=1)
            items = ((number, _parse(path, line.rstrip("\n"), number)) for number, line in lines if line.strip())
            return _reading(path, items, encoding, None, Spool())
    except UnicodeDecodeError as error:
        remedy = "Declare its encoding in source.yaml (format: encoding), or save it as UTF-8."
        raise ReadError(path, f"a byte in this file is not {encoding} ({error.reason}).", remedy) from error


def _parse(path: Path, text: str, line: int | None = None) -> Any:
    try:
        return json.loads(_whole_letters(text), object_pairs_hook=_pairs, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise _refused(path, error, line) from error


def _refused(path: Path, error: Exception, line: int | None) -> ReadError:
    """What is said of text that is no JSON."""
    match error:
        case json.JSONDecodeError():
            cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
            what = f"this is not JSON: {error.msg}."
            if cut:
                what = "the file ends in the middle of a value: it is cut short."
            remedy = "Send the whole file again." if cut else "Correct the file where the line says."
            return ReadError(path, what, remedy, line=line or error.lineno)
        case _DoubledKeyError():
            return ReadError(path, f"the key {error} is doubled in one object.", "Keep one of the two.", line=line)
        case RecursionError():
            return ReadError(path, "the values are nested too deeply.", "Send a flatter file.", line=line)
    # Python reads no number of more than 4,300 digits.
    return ReadError(path, f"a value cannot be read ({error}).", "Correct it.", line=line)


def _whole_letters(text: str) -> str:
    """The document with \\ufffd for every half of a letter: software that cuts texts leaves half an emoji behind."""
    return _HALF.sub(lambda found: r"\ufffd" if found["half"] else found[0], text) if _SURROGATE.search(text) else text


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DoubledKeyError(repr(next(name for name in names if names.count(name) > 1)))
    return found


def _records(path: Path, document: Any, at: str) -> list[Any]:
    value = document
    for step in at.split(".") if at else ():
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            remedy = f"Correct the path in source.yaml (format: records); {_lists_in(document)}"
            raise ReadError(path, f"there is no {step!r} on the path {at!r} to the records.", remedy)
    if not isinstance(value, list):
        where = f"at {at!r}" if at else "at the top of the file"
        what = f"a list of records was expected {where}, there is {_kind(value)}."
        raise ReadError(path, what, f"Say in source.yaml where the list is (format: records); {_lists_in(document)}")
    return value


def _lists_in(document: Any) -> str:
    found = list(_paths(document, "", 3))
    return f"lists stand at: {', '.join(found[:6])}." if found else "the file holds no list of objects."


def _paths(value: Any, at: str, depth: int) -> Iterable[str]:
    if isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from _paths(inner, f"{at}.{name}" if at else name, depth - 1)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield at or "the top (leave 'records' out)"


def _kind(value: Any) -> str:
    names = {dict: "an object", str: "a text", type(None): "null", bool: "true or false"}
    return names.get(type(value), "a number")


def _reading(
    path: Path,
    items: Iterable[tuple[int, Any]],
    encoding: str,
    sure: float | None,
    spool: Spool | None = None,
) -> Reading:
    columns: dict[str, None] = {}
    records: list[Record] | Spool = [] if spool is None else spool
    blank = 0
    for line, item in items:
        if not isinstance(item, dict):
            what = f"record {line} is {_kind(item) if not isinstance(item, list) else 'a list'}, not an object."
            raise ReadError(path, what, "Write every record as {name: value}.", line=line)
        cells = flat(path, line, item)
        columns.update(dict.fromkeys(cells))
        if any(as_text(cell) for cell in cells.values()):
            records.append(Record(line, cells))
        else:
            blank += 1
    return Reading(tuple(columns), records, blank, encoding, None, sure is not None, sure)


def flat(path: Path, line: int, item: Any) -> dict[str, object]:
    """The cells of one object, nested ones under dotted paths. Raises ReadError where two paths meet."""
    cells: dict[str, object] = {}
    _flatten(path, line, item, "", cells)
    return cells


def _flatten(path: Path, line: int, value: Any, at: str, cells: dict[str, object]) -> None:
    inner: Iterable[tuple[str, Any]]
    if isinstance(value, dict) and value:
        inner = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        inner = ((str(number), item) for number, item in enumerate(value))
    else:
        if at in cells:
            raise ReadError(
                path, f"the column {at!r} is doubled in record {line}.", "Rename one of the two.", line=line
            )
        cells[at] = None if value == {} else value
        return
    for name, item in inner:
        name = collapse(name)
        _flatten(path, line, item, f"{at}.{name}" if at else name, cells)
