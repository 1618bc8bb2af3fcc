"""One record of a partner's file, from its cells to the fields of our table, each step on the way listened to.

Belongs here: mapping that one record again with an ear on every cleaner, its id, the dates that a workbook of ours
brought back, the point of its address. Does not belong here: the mapping itself (mapping.py), what follows it
(schemas/tracing.py), which record it is (pipelines/tracing).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from glane.store import Store
from schemas.dataset import Table
from schemas.tracing import Cells, Step, Steps, cells_of, frame_of
from sources.declaration import Source
from sources.fields import FieldMapping
from sources.formats.reading import Record, as_text, collapse
from sources.geocoding.geocoding import recalled
from sources.mapping import Mapper, columns_read, key_columns, named
from sources.returned import Arrived, with_kept_dates
from sources.ways import Row, parts_of

_WAYS = ("column", "join", "first", "each", "constant", "choices", "lookup", "days", "point")


@dataclass(frozen=True)
class TracedRecord:
    """A record mapped again: the cells of the partner's file (as text) that each field is made from, by column; what
    was done to them; the `cells` that came of it. `known` says whether its id is one that the record is known by."""

    read: Mapping[str, Mapping[str, str]]
    steps: Steps
    cells: Cells
    known: bool


class _Listening(Mapper):
    """A mapper that remembers what was done to each field of one row."""

    def __init__(self, source: Source, table: Table, snapshot_date: str) -> None:
        super().__init__(source, table, snapshot_date)
        self.heard: Steps = {}
        self.mapped: Mapping[str, str] = {}
        self.seen: Row | None = None

    def count(self, field: str, name: str, before: str, after: str) -> None:
        """Remember what a cleaner did."""
        self.heard.setdefault(field, []).append(Step(name, before or None, after or None))

    def saw(self, field: str, what: str, before: str, after: str) -> None:
        """Remember what a declaration did."""
        self.count(field, what, before, after)

    def completed(self, row: Row, cells: dict[str, str], line: int) -> dict[str, str]:
        """Remember what the mapping gave, before anything else is done."""
        self.mapped, self.seen = dict(cells), row
        return super().completed(row, cells, line)


def trace_record(
    sent: Arrived, source: Source, table: Table, line: int, own: str, keys: Collection[str], *, snapshot_date: str
) -> list[TracedRecord]:
    """Map the record on `line` of the file that `source` sent, as the whole file is mapped; where the record holds
    several rows, the one known as `own` first. Empty where the file has no such line.

    `keys` are those under which the row came, as the register of the partner's ids knows them. Raises MappingError,
    HookError where today's declaration does not fit the file.
    """
    record = sent.reading.record(line)
    if record is None:
        return []
    mapped_by, spread = named(sent.source, replace(sent.reading, records=[record]))
    columns = {**columns_read(sent.source.line, sent.reading.columns), **key_columns(sent.source.line, table)}
    brings = _brought(sent, line)
    found = []
    for part in spread.records:
        mapper = _Listening(mapped_by, table, snapshot_date)
        cells: Cells = mapper.row(0, part)
        steps = {name: _steps(mapper, mapped_by, table, name, cells) for name in table.fields}
        read = {name: _cells(record if name in columns else part, names) for name, names in columns.items()}
        known = True
        if len(table.primary_key) == 1:
            key = table.primary_key[0]
            made, known = _identity(cells.get(key) or "", own, keys, brings)
            if made is not None:
                steps[key].append(made)
                cells = {**cells, key: own}
        found.append(TracedRecord(read, {name: told for name, told in steps.items() if told}, cells, known))
    return sorted(found, key=lambda row: not row.known)


def with_dates_kept(
    table: Table, record: TracedRecord, last: pl.DataFrame | None, line: int, *, today: str
) -> TracedRecord:
    """The record of a workbook of ours with the dates that its row had last time, where `last` still says them."""
    row = frame_of(table, record.cells, line)
    return _after(table, record, cells_of(table, with_kept_dates(table, row, last, today=today)), "kept-date")


def with_point(
    source: Source, table: Table, record: TracedRecord, line: int, store: Store
) -> tuple[TracedRecord, bool]:
    """The record with the point that a service gave for its address, as the store remembers the answer; and whether it
    does, where one was wanted."""
    row, known = recalled(source, table, frame_of(table, record.cells, line), store)
    return _after(table, record, cells_of(table, row), "geocode"), known


def _cells(record: Record, names: Sequence[str]) -> dict[str, str]:
    return {name: as_text(record.cells.get(collapse(name))) for name in names}


def _brought(sent: Arrived, line: int) -> str | None:
    """What the id cell of a workbook of ours says on this line; None in a file of the partner's own."""
    return None if sent.brings is None else sent.brings.texts[list(sent.reading.lines).index(line)]


def _identity(made: str, own: str, keys: Collection[str], brings: str | None) -> tuple[Step | None, bool]:
    """How a row whose fields give the id `made` came to be `own`, and whether that can be seen."""
    if brings == own:
        return Step("brought", brings, own), True
    if made == own:
        return None, True
    return Step("register", made or None, own, None if made in keys else "unseen"), made in keys


def _steps(mapper: _Listening, source: Source, table: Table, name: str, cells: Cells) -> list[Step]:
    """The steps of one field of a row that was mapped: how its text was taken, what was heard, what else filled it."""
    mapping, mapped = source.line.map.get(name), mapper.mapped.get(name) or None
    steps = list(mapper.heard.get(name, ()))
    if mapping is not None and mapper.seen is not None:
        steps = [*_taken(mapping, mapper.seen), *steps]
        if len(steps) > 1 and steps[-1].after != mapped:
            steps.append(Step("together", None, mapped))
    after = cells.get(name) or None
    if after != mapped:
        steps.append(Step(_filled_by(source, table, name), mapped, after))
    return steps


def _taken(mapping: FieldMapping, row: Row) -> list[Step]:
    parts = parts_of(mapping, row)
    way = next(way for way in _WAYS if getattr(mapping, way) is not None)
    steps = [Step(way, None, "|".join(parts) or None)]
    pieces = [piece.strip() for part in parts for piece in part.split(mapping.split)] if mapping.split else parts
    if pieces != parts:
        steps.append(Step("split", steps[0].after, "|".join(pieces)))
    return steps


def _filled_by(source: Source, table: Table, name: str) -> str:
    if source.line.id is not None and name == table.primary_key[0]:
        return "id"
    if table.line.origin is not None and name == table.line.origin.field:
        return "origin"
    if name in table.line.provided and not (source.line.map.get(name) and (source.folder / "hook.py").exists()):
        return "provided"
    return "hook" if (source.folder / "hook.py").exists() else "provided"


def _after(table: Table, record: TracedRecord, cells: Cells, what: str) -> TracedRecord:
    """The record with its cells after `what` was done to it."""
    steps = {name: list(told) for name, told in record.steps.items()}
    for name in table.fields:
        before = record.cells.get(name) or None
        if cells[name] != before:
            steps.setdefault(name, []).append(Step(what, before, cells[name]))
    return replace(record, steps=steps, cells=cells)
