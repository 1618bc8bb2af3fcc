"""Brings the references that datasets name: public lists of communes (`schemas/references/`), read like a source.

Belongs here: when a list is asked for again, understanding it, and keeping what was understood. Does not belong here:
the request itself (fetch/), what is made of the list (publish/coverage.py).

No version waits for a reference: where it cannot be read, the last one stays, what failed is remembered, and nobody is
asked again before the next day.

    GLANE_REFERENCES=off    asks for none; those that the store has are used as they are
"""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from glane.errors import GlaneError
from glane.store import Store
from schemas.territory.reference import (
    COLUMNS,
    SEPARATOR,
    Latest,
    ReferenceLine,
    latest,
    latest_key,
    load_reference,
    table_key,
)
from sources.fetch.failures import ContentError, HarvestError
from sources.fetch.http import Answered, Client, Patience
from sources.fetch.ladder import Seen
from sources.where import Where

PATIENCE = Patience(attempts=1, connect=5.0, read=30.0, whole=120.0, bytes_max=64 * 1024 * 1024)
"""One try: a list that changes once a year can be asked for tomorrow."""

_SHRINKS = 0.9
"""A list of communes that lost more than a tenth of them was cut short, or is another one."""

_Line = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class _Brought:
    """Where the list is from; and the server's answer, which may be that nothing changed (`told`), None for a file."""

    address: str
    answered: Answered | None


def bring_reference(path: Path, store: Store, today: date, patience: Patience = PATIENCE) -> Latest:
    """See that `store` has the reference declared at `path`, not older than it says; give what is known of it now.

    Whatever the world does, this only remembers it (`failure`). Raises DeclarationError, StoreError.
    """
    line, name, declared = load_reference(path), path.stem, sha256(path.read_bytes()).hexdigest()
    known = latest(store, name)
    same = known.declared == declared and (known.sha256 is None or store.exists(table_key(name, known.sha256)))
    if os.environ.get("GLANE_REFERENCES") == "off" or (same and not _due(known, line, today)):
        return known
    try:
        found = _read(line, path, store, known if same and known.sha256 else None, today, patience)
    except (GlaneError, OSError) as error:
        found = known.model_copy(
            update={
                "failed_on": known.failed_on or today.isoformat(),
                "failure": str(error),
                "tried_on": today.isoformat(),
            }
        )
    found = found.model_copy(update={"declared": declared})
    store.write_json(latest_key(name), found.model_dump(mode="json", exclude_none=True))
    return found


def _due(known: Latest, line: ReferenceLine, today: date) -> bool:
    if known.tried_on == today.isoformat():
        return False
    if known.failed_on or not known.checked_on:
        return True
    return date.fromisoformat(known.checked_on) + timedelta(days=line.refresh_days) <= today


def _read(
    line: ReferenceLine, path: Path, store: Store, known: Latest | None, today: date, patience: Patience
) -> Latest:
    with store.staged() as folder:
        staged = folder / "received"
        brought = _bring(line, path, staged, known, patience)
        checked = {"checked_on": today.isoformat(), "failed_on": None, "failure": None, "tried_on": None}
        if known is not None and brought.answered is not None and brought.answered.told is not None:
            return known.model_copy(update=checked)
        lines = understood(line, staged.read_bytes(), brought.address)
    last = latest(store, path.stem)
    _check_size(brought.address, lines, store, path.stem, last)
    data = _to_csv(lines)
    digest = sha256(data).hexdigest()
    if not store.exists(table_key(path.stem, digest)):
        store.write(table_key(path.stem, digest), data)
    headers = brought.answered.headers if brought.answered is not None else {}
    return Latest(
        sha256=digest,
        title=line.title,
        licence=line.licence,
        attribution=line.attribution,
        address=brought.address,
        received=last.received if last.sha256 == digest else today.isoformat(),
        checked_on=today.isoformat(),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        length=headers.get("content-length"),
    )


def _bring(line: ReferenceLine, path: Path, staged: Path, known: Latest | None, patience: Patience) -> _Brought:
    if line.file is not None:
        source = path.parent / Path(line.file).expanduser()
        if not source.is_file():
            raise HarvestError(f"There is no file {line.file}.", f"Correct 'file' in {path.name}.")
        shutil.copyfile(source, staged)
        # Its name alone: versions publish where a list is from, and a path is this machine's affair.
        return _Brought(source.name, None)
    assert line.url is not None, "a reference has an address or a file"
    seen = Seen(known.etag, known.last_modified, known.length, f"{known.checked_on}T00:00:00Z") if known else None
    with Client(Where(url=line.url, private=line.private), patience) as client:
        return _Brought(line.url, client.fetch(line.url, staged, seen))


def understood(line: ReferenceLine, data: bytes, address: str) -> list[_Line]:
    """The communes of a list (code, name, population, postcodes, current), sorted. Raises ContentError."""
    columns = line.columns
    named = [column for column in (columns.code, columns.name, columns.population, columns.postcodes) if column]
    found: set[_Line] = set()
    for row in _rows(line, data, address):
        if any(row.get(column) not in values for column, values in line.only.items()):
            continue
        if not {columns.code, columns.name} <= row.keys():
            raise ContentError(
                f"{address} has lines without {columns.code!r} or {columns.name!r}.",
                f"Correct 'columns': {', '.join(named)} are declared, {', '.join(map(str, row))} is there.",
            )
        current = _text(row.get(columns.current)) if columns.current else ""
        postcodes = _postcodes(row.get(columns.postcodes), line.separator)
        people = _text(row.get(columns.population))
        found.add((_text(row[columns.code]), _text(row[columns.name]), people, postcodes, current))
    today = [code for code, *_, current in found if not current]
    if not today or len(today) != len(set(today)) or not any(people.isdecimal() for _, _, people, _, _ in found):
        raise ContentError(
            f"{address} is no list of communes: it has none, has one twice, or says no population.",
            "Open the address in a browser; correct 'columns' or 'only' in the declaration.",
        )
    return sorted(found)


def _rows(line: ReferenceLine, data: bytes, address: str) -> Iterator[Mapping[str, Any]]:
    try:
        text = data.decode("utf-8-sig")
        rows = json.loads(text) if line.format == "json" else list(csv.DictReader(StringIO(text, newline="")))
    except (ValueError, csv.Error) as error:
        raise ContentError(f"{address} is no {line.format.upper()}.", "Correct 'format' in the declaration.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContentError(f"{address} is no list of objects.", "Name an address that gives the communes alone.")
    yield from rows


def _postcodes(value: Any, separator: str) -> str:
    parts = value if isinstance(value, list) else _text(value).split(separator)
    return SEPARATOR.join(sorted({_text(part) for part in parts} - {""}))


def _text(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _check_size(address: str, lines: list[_Line], store: Store, name: str, last: Latest) -> None:
    """Raise ContentError where most of the communes that were known are not there."""
    if last.sha256 is None or not store.exists(table_key(name, last.sha256)):
        return
    before = csv.DictReader(StringIO(store.read(table_key(name, last.sha256)).decode(), newline=""))
    known, now = sum(not row["current"] for row in before), sum(not current for *_, current in lines)
    if now < known * _SHRINKS:
        raise ContentError(
            f"{address} lists {now} communes, and listed {known} before.",
            f"If that is right, remove references/{name}/latest.json from the store.",
        )


def _to_csv(lines: list[_Line]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    return text.getvalue().encode()
