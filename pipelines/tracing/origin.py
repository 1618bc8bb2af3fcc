"""One partner's row behind a published one: from the line of its snapshot to the row that was kept, worked out again.

Belongs here: the order of these steps for one record (read, map, identify, geocode, gate), each against what the store
still has of it. Does not belong here: the steps, and what follows once partners' rows meet (trace.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from glane.errors import DataError, GlaneError
from glane.removals import Removal
from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.judging import mapped_by, opened
from pipelines.tracing.links import Missing, gone, missing
from publish.merge import key_of
from publish.tracing.found import Line
from publish.version import Input
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE
from schemas.past import rows_before, rows_let_through
from schemas.personal.gate import personal_of
from schemas.report import last_report
from schemas.rows import judged_key
from schemas.tracing import Cells, Step, held_fields, through_the_gate
from sources.check import table_of
from sources.declaration import BrokenSource, Source
from sources.identity.register import keys_known
from sources.snapshot import forgotten_in, received
from sources.tracing import TracedRecord, trace_record, with_dates_kept, with_point


@dataclass(frozen=True)
class OriginField:
    """How one field of a partner's row came to be: the cells of its file by column, each step, what the snapshot gives
    today (`again`) and what was kept of it (`kept`); both None where the row says nothing."""

    read: Mapping[str, str]
    steps: tuple[Step, ...]
    again: str | None
    kept: str | None


@dataclass(frozen=True)
class Origin:
    """A partner's row that a published one came of: whose it is and on which terms, where it stands, and what became of
    its cells. `file` is the one of several in which the line stands, at `place`; `cells` the row as it went into the
    merge (None: nothing is left of it), `gated` what today's gate for personal data leaves of it, where that is less;
    `missing` what stands between us and the snapshot, `traced` whether we got there."""

    input: Input
    line: Line
    file: str | None
    place: int
    fields: Mapping[str, OriginField] = field(default_factory=dict)
    cells: Cells | None = None
    gated: Cells | None = None
    missing: tuple[Missing, ...] = ()
    traced: bool = False


@dataclass(frozen=True)
class _Again:
    """What the snapshot gives today."""

    record: TracedRecord | None = None
    cells: Cells | None = None
    file: str | None = None
    place: int = 0
    steps: Mapping[str, list[Step]] = field(default_factory=dict)


class OriginOf:
    """Works out one partner's row again; remembers on the way which links are missing."""

    def __init__(self, entry: Entry, dataset: Dataset, table: Table, store: Store, gone_keys: Mapping[str, Removal]):
        self._entry = entry
        self._dataset = dataset
        self._table = table
        self._store = store
        self._gone = gone_keys
        self._missing: list[Missing] = []

    def __call__(self, brought: Input, line: Line) -> Origin:
        """The row on `line` that was part of what a partner `brought`."""
        self._missing = []
        judged, kept = self._kept(brought, line)
        again = self._again(brought, line, judged, kept)
        fields = {}
        for name in self._table.fields:
            now = again.cells.get(name) if again.cells is not None else None
            then = kept.get(name) if kept is not None else now
            read = again.record.read.get(name, {}) if again.record is not None else {}
            fields[name] = OriginField(read, tuple(again.steps.get(name, ())), now, then)
        return Origin(
            brought,
            line,
            again.file,
            again.place or line.line,
            fields,
            kept if kept is not None else again.cells,
            self._gated(brought, line, kept) if kept is not None else None,
            tuple(self._missing),
            again.cells is not None,
        )

    def _gated(self, brought: Input, line: Line, kept: Cells) -> Cells | None:
        """What the gate leaves of a kept row today: a version is made of what passes the gate of its own day."""
        source = self._declared(brought)
        personal = personal_of(self._table)
        if isinstance(source, Source):
            declared = source.line
            personal = personal_of(self._table, declared.personal, declared.country, declared.read_from)
        known = {name: kept.get(name) for name in self._table.fields}
        cells, _ = through_the_gate(self._table, known, line.line, personal, ())
        return cells if cells is not None and cells != known else None

    def _kept(self, brought: Input, line: Line) -> tuple[str | None, Cells | None]:
        """The judgement that let the row through, and the row as it was kept."""
        how = (brought.snapshot, brought.mapped_by, brought.judged_by)
        found = rows_let_through(self._store, self._dataset.name, brought.partner, brought.rows_sha256, how)
        if found is None:
            prefix = f"rows/{self._dataset.name}/{brought.partner}/"
            keys = (key for key, removal in self._gone.items() if removal.sha256 == brought.rows_sha256)
            key = next((key for key in keys if key.startswith(prefix)), None)
            self._missing.append(gone("rows-gone", self._gone.get(key or "")))
            return None, None
        judged, key = found
        if judged.startswith("absent"):
            judged = judged_key(*how)
        rows = pl.scan_parquet(self._store.fetch(key)).filter(pl.col(LINE) == line.line).collect()
        if set(self._table.primary_key) <= set(rows.columns):
            rows = rows.filter(key_of(self._table) == line.own)
        return judged, rows.drop(LINE).row(0, named=True) if rows.height else None

    def _again(self, brought: Input, line: Line, judged: str | None, kept: Cells | None) -> _Again:
        source = self._source(brought)
        key = f"raw/{self._dataset.name}/{brought.partner}/{line.snapshot}"
        if not self._store.exists(key):
            self._missing.append(gone("snapshot-gone", self._gone.get(key)))
            return _Again()
        found = self._store.digest(key)
        if found != line.snapshot:
            mark = forgotten_in(self._store, key)
            left = mark is not None and mark.get("sha256") == found and not mark.get("replaced")
            self._missing.append(missing("snapshot-forgotten" if left else "snapshot-damaged"))
            if not left:
                return _Again()
        if source is None:
            return _Again()
        if mapped_by(source) != brought.mapped_by:
            self._missing.append(missing("mapping-changed"))
        if self._dataset.fingerprint != brought.judged_by:
            self._missing.append(missing("rules-changed"))
        try:
            return self._worked_out(source, brought, line, judged, kept, key)
        except DataError as error:
            self._missing.append(missing("unreadable", why=_said(error)))
            return _Again()

    def _declared(self, brought: Input) -> Source | BrokenSource | None:
        return next((one for one in self._entry.sources if one.partner == brought.partner), None)

    def _source(self, brought: Input) -> Source | None:
        source = self._declared(brought)
        if source is None:
            self._missing.append(missing("source-gone"))
        elif isinstance(source, BrokenSource):
            self._missing.append(missing("source-broken", why=_said(source.error)))
        return source if isinstance(source, Source) else None

    def _worked_out(
        self, source: Source, brought: Input, line: Line, judged: str | None, kept: Cells | None, key: str
    ) -> _Again:
        store, table = self._store, table_of(source, self._dataset)
        day, name = received(store, source.dataset, source.partner, line.snapshot) or (
            brought.snapshot_date,
            line.snapshot,
        )
        sent = opened(source, self._dataset, table, name, store.fetch(key))
        keys = keys_known(store, source.dataset, source.partner, line.own)
        records = trace_record(sent, source, table, line.line, line.own, keys, snapshot_date=day)
        if not records:
            self._missing.append(missing("line-gone"))
            return _Again()
        record = records[0] if records[0].known or kept is None else max(records, key=lambda one: _agree(one, kept))
        if not record.known:
            self._missing.append(missing("id-unseen"))
        if sent.ours:
            before = rows_before(store, source.dataset, source.partner, judged) if judged is not None else None
            if before is None and sent.brings is not None and table.line.origin is not None:
                self._missing.append(missing("dates-gone"))
            last = pl.read_parquet(store.fetch(before)) if before is not None else None
            record = with_dates_kept(table, record, last, line.line, today=day)
        record, known = with_point(source, table, record, line.line, store)
        if not known and kept is not None and table.line.geometry and kept.get(table.line.geometry.latitude):
            self._missing.append(missing("point-gone"))
        told = last_report(store, source.dataset, source.partner, judged) if judged is not None else None
        if told is None:
            latest = last_report(store, source.dataset, source.partner)
            same = latest is not None and latest.arrival is not None and latest.arrival.sha256 == line.snapshot
            told = latest if same else None
        personal = personal_of(table, source.line.personal, source.line.country, sent.source.line.read_from)
        held = held_fields(told.personal) if told is not None else frozenset[str]()
        cells, more = through_the_gate(table, record.cells, line.line, personal, held)
        if cells is None:
            self._missing.append(missing("on-hold"))
        steps = {one: [*record.steps.get(one, ()), *more.get(one, ())] for one in table.fields}
        file, place = sent.reading.place(line.line)
        return _Again(record, cells, file or name, place, steps)


def _agree(record: TracedRecord, kept: Cells) -> int:
    return sum(record.cells.get(name) == cell for name, cell in kept.items() if cell)


def _said(error: GlaneError) -> str:
    return f"{error.what} {error.remedy}"
