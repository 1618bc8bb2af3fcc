"""One partner's file, judged: read, mapped, looked through for personal data, held against its schema, and answered.

Belongs here: the order read -> take -> map -> place -> gate -> judge -> report, of a file of this machine; nothing is
kept. Does not belong here: each step (sources/, schemas/), nor harvesting and keeping (intake.py).
"""

import hashlib
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import polars as pl
import polars.selectors as cs

import sources
from glane.errors import DataError
from glane.store import Store, sha256_of
from glane.text import Text
from pipelines.arrival import arrival_of
from pipelines.bounds import notes_of
from pipelines.quoting import quoted_changes
from pipelines.standing import about_source
from schemas.dataset import Dataset, Table
from schemas.filling import CELL_MAX
from schemas.judgement import Judgement
from schemas.personal.gate import Cover, judge_gated, personal_of
from schemas.phrases import word
from schemas.report import (
    SourceReport,
    Step,
    TheirCell,
    failed_report,
    judged_report,
)
from schemas.report_sites import sites_of
from schemas.report_values import Value, grouped_values
from sources.check import table_of
from sources.declaration import Source
from sources.enough import check_enough, more_than_expected
from sources.fetch.http import Patience
from sources.forgetting import without
from sources.geocoding.geocoding import earliest, geocoded
from sources.given import given_values
from sources.identity.ids import Past
from sources.identity.register import Register
from sources.mapping import Mapped, columns_read, key_columns
from sources.read import Reading, as_text
from sources.returned import Arrived, arrived
from sources.snapshot import Snapshot
from sources.taking import taken

ROWS_MAX = 10_000
"""Rows of a cleaned copy; whoever has more has somebody who writes programs."""


@dataclass(frozen=True)
class Judged:
    """A partner's file judged as `source` and its dataset say, before anything is kept."""

    table: Table
    mapped: Mapped
    judgement: Judgement
    report: SourceReport
    sent: Arrived
    register: Register
    given: tuple[Value, ...]


def judge_file(
    source: Source,
    dataset: Dataset,
    snapshot: Snapshot,
    path: Path,
    at: Callable[[Step], None] = lambda step: None,
    *,
    run_at: str,
    key: str | None = None,
    last: SourceReport | None = None,
    past: Past | None = None,
    store: Store | None = None,
    patience: Patience | None = None,
    forgotten: Collection[int] = (),
) -> Judged:
    """Read, map and judge the file at `path` as if `source` had sent it; nothing of it is kept.

    `at` is told of each step as it begins. Points are looked for where there is a `store` that keeps the answers. The
    lines `forgotten` are not read.

    Raises ReadError, MappingError, TooFewRowsError, ConformityError.
    """
    line = source.line
    table = table_of(source, dataset)
    at("read")
    sent = without(opened(source, dataset, table, snapshot.file_name, path), forgotten)
    at("map")
    rows = taken(sent, source, table, past or Past(), snapshot_date=snapshot.date)
    check_enough(rows.mapped.rows_in, rows.rows_min, snapshot.file_name, source.partner)
    points = geocoded(source, table, rows.mapped, store, patience=patience)
    mapped = points.mapped
    at("judge")
    personal = personal_of(table, line.personal, line.country, sent.source.line.read_from)
    found, gated = judge_gated(dataset, table, mapped.rows, personal, questions=mapped.questions)
    judgement = replace(found, valid_until=earliest(found.valid_until, points.again))
    # An id that is there twice is told as the partner's own number, in its own column.
    reading, own = sent.reading, key_columns(sent.source.line, table)
    columns = {**own, **columns_read(sent.source.line, reading.columns)}
    their_cell = _their_cells(reading, columns, gated.cover)
    given = tuple(given_values(sent.source.line, table, judgement.rows, their_cell))
    guards = more_than_expected(judgement, line.bounds, source.partner)
    report = judged_report(
        about_source(source, dataset),
        run_at,
        judgement,
        arrival=arrival_of(snapshot, reading=reading),
        judged=key,
        previous=last.counts if last is not None else None,
        columns={name: " + ".join(read_from) for name, read_from in {**own, **sent.source.line.read_from}.items()},
        their_cell=their_cell,
        place=reading.place,
        unmapped=mapped.unmapped,
        cleaned=quoted_changes(mapped, gated.cover),
        personal=gated.counts,
        notes=[*reading.notes, *points.notes, *notes_of(guards), *copy_note(mapped.rows)],
        guards=guards,
        sites=sites_of(table, gated.rows, judgement),
        given=grouped_values(given, lambda name: " + ".join(columns.get(name, ())) or None),
    )
    return Judged(table, mapped, judgement, report, sent, rows.register, given)


def _their_cells(reading: Reading, columns: Mapping[str, tuple[str, ...]], cover: Cover) -> TheirCell:
    """Gives the cell of the partner's own file that a field was made from, what is personal in it covered."""

    def their_cell(number: int, name: str) -> str | None:
        record = reading.record(number)
        texts = [as_text(record.cells.get(column)) for column in columns.get(name, ())] if record else []
        return cover(" ".join(filter(None, texts)), name) or None

    return their_cell


def opened(source: Source, dataset: Dataset, table: Table, file_name: str, path: Path) -> Arrived:
    """Read the bytes at `path`, which `source` sent in a file of that name. Raises ReadError."""
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        # Under the partner's own name, so that what is wrong is said of a file that they know.
        named = Path(folder) / file_name
        named.symlink_to(path.absolute())
        return arrived(named, source, dataset, table)


def answer_to(
    source: Source, dataset: Dataset, path: Path, past: Past | None = None
) -> tuple[SourceReport, Judged | None]:
    """The answer that the partner would get for the file at `path`, and what it is made of; nothing is kept. `past` is
    what the store knows of its rows (none: it is taken for the partner's first file)."""
    now = _now()
    size = path.stat().st_size
    digest = sha256_of(path)
    snapshot = Snapshot(
        source.dataset, source.partner, digest, size, "", True, now, now, decided_by="first", address=path.name
    )
    steps: list[Step] = ["read"]
    try:
        found = judge_file(source, dataset, snapshot, path, steps.append, run_at=now, past=past)
        return found.report, found
    except DataError as error:
        about = about_source(source, dataset)
        return failed_report(about, now, steps[-1], error, None, arrival=arrival_of(snapshot)), None


def mapped_by(source: Source) -> str:
    """The SHA-256 of all that maps this source's rows: its declaration and hook, and Glane's own code that reads,
    maps and cleans. A corrected cleaner must not leave old rows standing."""
    return hashlib.sha256(f"{source.fingerprint}\n{_mapper_fingerprint()}".encode()).hexdigest()


@cache
def _mapper_fingerprint() -> str:
    room = Path(sources.__file__).parent
    digest = hashlib.sha256()
    rooms = ("*.py", "formats/*.py", "geocoding/*.py", "identity/*.py", "clean/**/*.*")
    for path in sorted(path for pattern in rooms for path in room.glob(pattern)):
        if path.suffix != ".pyc" and path.is_file():
            digest.update(f"{path.relative_to(room).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def has_copy(rows: pl.DataFrame) -> bool:
    """Whether a cleaned copy is made of these rows: some, not too many, and no cell too long for one."""
    if not 0 < rows.height <= ROWS_MAX:
        return False
    longest = rows.select(cs.string().str.len_chars().max()).row(0)
    return max((size for size in longest if size is not None), default=0) <= CELL_MAX


def copy_note(rows: pl.DataFrame) -> list[Text]:
    """What the answer says of the cleaned copy, where one is made."""
    return [word("template.copy")] if has_copy(rows) else []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
