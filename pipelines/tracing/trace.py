"""A published row and each of its cells, back to the lines of the partners' snapshots, and forth again.

Belongs here: the order of it, and the check that what was worked out is what was published. Does not belong here: one
partner's row (origin.py), the merge's choices (publish/tracing), how it is told (telling.py).
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from glane.errors import CallError
from glane.removals import removed
from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.release import decisions_of, usable
from pipelines.tracing.links import Missing, missing
from pipelines.tracing.origin import Origin, OriginOf
from publish.contribution import Contribution
from publish.decisions import Decision, Decisions
from publish.revealing import revealed
from publish.tracing.choosing import Chosen, changed, corrected, derived_again, merged_again
from publish.tracing.found import Line, Row, aliases_of, find
from publish.tracing.ties import Tie, ties
from publish.version import Input, Version, current, load
from schemas.dataset import Dataset, Table
from schemas.error_address import addresses, error_field, version_in
from schemas.judgement import LINE, Verdict
from schemas.past import rows_let_through
from schemas.tracing import Cells, Step, frame_of


@dataclass(frozen=True)
class FieldTrace:
    """One published cell: how the merge chose it, what was done to it `then`, what came of that (`worked_out`), and
    whether it is the published one, byte for byte (None: it could not be worked out). `whole`: down to the snapshots'
    own cells, with no link missing."""

    field: str
    published: str | None
    chosen: Chosen | None
    then: tuple[Step, ...]
    decided: tuple[Decision, ...]
    worked_out: str | None
    agrees: bool | None
    whole: bool
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Trace:
    """A row of a version and where it comes from. `asked` is the id that was asked for: it may have gone into `row`."""

    version: Version
    asked: str
    row: Row
    origins: tuple[Origin, ...]
    ties: tuple[Tie, ...]
    fields: tuple[FieldTrace, ...]

    @property
    def agrees(self) -> bool:
        """Whether every cell that was asked for could be worked out and is the published one."""
        return all(one.agrees for one in self.fields)


def trace(
    entry: Entry,
    store: Store,
    identifier: str,
    field: str | None = None,
    *,
    number: str | None = None,
    table: str | None = None,
) -> Trace:
    """Work out where the row `identifier` of a dataset comes from, one `field` of it or all.

    `number` is the version (the current one), `table` the table (the first that has the id). Reads the store, and
    writes nothing. Raises CallError (no version, an unknown id, field or table), VersionError, the dataset's
    DeclarationError, StoreError.
    """
    dataset = usable(entry)
    version = load(store, dataset.name, number) if number else current(store, dataset.name)
    if version is None:
        raise CallError(f"{dataset.name} has no version yet.", f"Make one first: glane run {dataset.name}")
    row = find(store, version, dataset, identifier, table)
    if field is not None and field not in row.cells:
        what = f"The table {row.table} of {dataset.name} {version.version} publishes no field {field!r}."
        raise CallError(what, f"Its fields: {', '.join(row.cells)}.")
    base = dataset.table(row.base)
    origin_of = OriginOf(entry, dataset, base, store, removed(store, dataset.name))
    origins = tuple(origin_of(_input_of(version, row, line), line) for line in row.lines)
    ids = {one: one for one in (row.id, *(line.own for line in row.lines))}
    decisions = revealed(decisions_of(entry), dataset, (), {row.base: ids}, store)
    day = _day_of(store, version)
    fields = _fields(
        dataset, row, origins, aliases_of(store, version), decisions, day, [field] if field else list(row.cells)
    )
    return Trace(version, identifier, row, origins, tuple(_ties(base, store, version, origins, decisions, day)), fields)


def _input_of(version: Version, row: Row, line: Line) -> Input:
    every = [*version.inputs, *version.absent]
    mine = [one for one in every if (one.partner, one.table) == (line.partner, row.base)]
    return next((one for one in mine if one.snapshot == line.snapshot), mine[0])


def _day_of(store: Store, version: Version) -> datetime.date:
    """The day whose decisions hold in a version: of the one that it brings back, where it does."""
    while version.restores is not None:
        version = load(store, version.dataset, version.restores.version)
    return datetime.datetime.fromisoformat(version.created).date()


def _fields(
    dataset: Dataset,
    row: Row,
    origins: Sequence[Origin],
    aliases: Mapping[str, Mapping[str, str]],
    decisions: Decisions,
    day: datetime.date,
    asked: Sequence[str],
) -> tuple[FieldTrace, ...]:
    base, table = dataset.table(row.base), dataset.table(row.table)
    lost = [one.input.title for one in origins if one.cells is None]
    if lost:
        partners = {"partners": ", ".join(title.en for title in lost)}
        return tuple(_lost(row, name, missing("no-rows", **partners)) for name in asked)
    if table in dataset.linked:
        return tuple(_lost(row, name, _link(dataset, row)) for name in asked)
    merged, chosen = merged_again(base, row, [_contribution(base, one) for one in origins], aliases)
    gated = _merged_as_gated(base, row, origins, aliases)
    found = []
    for name in asked:
        if name not in table.fields:
            found.append(_lost(row, name, missing("field-gone")))
            continue
        differing = _differing(origins, name) if name in base.fields else []
        whole = not differing and not any(one.missing for one in origins)
        made = _after_merging(dataset, row, name, merged, decisions, day)
        if not made.agrees and gated is not None:
            less = _after_merging(dataset, row, name, gated, decisions, day)
            then = (*changed("personal", merged.get(name), gated.get(name)), *less.then)
            made = replace(less, then=then) if less.agrees else made
        found.append(
            replace(made, chosen=chosen.get(name), missing=(*differing, *made.missing), whole=made.whole and whole)
        )
    return tuple(found)


def _after_merging(
    dataset: Dataset, row: Row, name: str, merged: Cells, decisions: Decisions, day: datetime.date
) -> FieldTrace:
    """What became of a merged cell: stewards' corrections, then the table that is made of the merged one."""
    base, table, published = dataset.table(row.base), dataset.table(row.table), row.cells[name]

    def last(cell: str | None) -> str | None:
        return cell if table is base else derived_again(dataset, table, {**merged, name: cell})[name]

    before = merged.get(name)
    after, decided = corrected(base, row, name, before, decisions, day) if name in base.fields else (None, [])
    told: list[Missing] = []
    if decided and last(after) != published and last(before) == published:
        told.append(missing("decided-since", lines=", ".join(str(one.line) for one in decided)))
        after, decided = before, []
    made = last(after)
    if name == error_field(table):
        made = _address(dataset, table, row, published)
    agrees = (made or "") == (published or "")
    if not agrees:
        told.append(missing("unexplained", made=repr(made or ""), path=decisions.path.name))
    filled = "address" if name == error_field(table) else "derived"
    then = (*changed("correction", before, after), *changed(filled, after, made))
    return FieldTrace(name, published, None, then, tuple(decided), made, agrees, agrees and not told, tuple(told))


def _merged_as_gated(
    base: Table, row: Row, origins: Sequence[Origin], aliases: Mapping[str, Mapping[str, str]]
) -> Cells | None:
    """What the merge makes of what the gate leaves of the kept rows, where that is less than they say."""
    if not any(one.gated for one in origins):
        return None
    less = [replace(one, cells=one.gated or one.cells) for one in origins]
    return merged_again(base, row, [_contribution(base, one) for one in less], aliases)[0]


def _link(dataset: Dataset, row: Row) -> Missing:
    cells = row.cells
    there = f"{cells['dataset']} {cells['row']} --table {cells['table']}"
    return missing("link", how=cells["how"] or "", here=f"{dataset.name} {cells['organisation']}", there=there)


def _address(dataset: Dataset, table: Table, row: Row, published: str | None) -> str | None:
    """The address for errors of a row, which names the version in which it last changed."""
    told = pl.select(version_in(pl.lit(published, pl.String)).alias("number"))
    made = told.select(addresses(dataset, table, pl.col("number"), pl.lit(row.id)))
    return str(made.item()) if made.item() is not None else None


def _lost(row: Row, name: str, link: Missing) -> FieldTrace:
    return FieldTrace(name, row.cells[name], None, (), (), None, None, False, (link,))


def _differing(origins: Sequence[Origin], name: str) -> list[Missing]:
    """The partners' rows whose snapshot gives another cell today than the row that was kept."""
    return [
        missing("other-cell", now=repr(one.fields[name].again or ""), kept=repr(one.fields[name].kept or ""))
        for one in origins
        if one.traced and one.fields[name].again != one.fields[name].kept
    ]


def _contribution(table: Table, origin: Origin) -> Contribution:
    """One row as its partner brought it to the version."""
    brought = origin.input
    verdict = Verdict(
        dataset="",
        table=table.name,
        partner=brought.partner,
        snapshot=origin.line.snapshot,
        rows_sha256=brought.rows_sha256,
        judged_by=brought.judged_by,
        mapped_by=brought.mapped_by,
        judged_at="",
        rows_in=brought.rows_in,
        passed=brought.passed,
        to_correct=brought.to_correct,
        on_hold=brought.on_hold,
    )
    return Contribution(
        partner=brought.partner,
        title=brought.title,
        organisation=brought.organisation,
        licence=brought.licence,
        attribution=brought.attribution,
        verdict=verdict,
        rows=frame_of(table, origin.cells or {}, origin.line.line),
        snapshot_date=brought.snapshot_date,
        stale_since=brought.stale_since,
    )


def _ties(
    table: Table,
    store: Store,
    version: Version,
    origins: Sequence[Origin],
    decisions: Decisions,
    day: datetime.date,
) -> list[Tie]:
    rows = {one.line.own: one.cells for one in origins if one.cells is not None}
    if len(rows) < 2:
        return []
    every = []
    for brought in (*version.inputs, *version.absent) if table.line.merge.likeness is not None else ():
        how = (brought.snapshot, brought.mapped_by, brought.judged_by)
        kept = rows_let_through(store, version.dataset, brought.partner, brought.rows_sha256, how)
        if kept is not None and brought.table == table.name:
            frame = pl.read_parquet(store.fetch(kept[1]))
            if set(table.fields) <= set(frame.columns):
                every.append((brought.partner, frame.drop(LINE)))
    return ties(table, rows, every, decisions, day)
