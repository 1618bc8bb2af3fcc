"""One source, from its address to its kept rows and the partner's report; without Dagster.

Belongs here: the order harvest -> read -> map -> judge -> keep -> report, and what becomes of a source that fails on
the way: its last good rows stay. Does not belong here: each step (sources/, schemas/), nor many sources at once
(harvesting.py).
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import sources
from glane.errors import DataError, GlaneError
from glane.store import DiskError, Store, StoreError, sha256_of
from pipelines.approving import check_shrunk
from pipelines.arrival import arrival_of, rows_before
from pipelines.bounds import notes_of
from pipelines.catalogue import BrokenDataset
from pipelines.consenting import keep_proposed, with_consent
from pipelines.forgetting.arriving import Arriving, arrive
from pipelines.given_back import annotated, cleaned_copy, copy_note, give_back
from pipelines.gracing import note_absent, with_absent
from pipelines.quoting import quoted_changes
from pipelines.standing import about_source, credit_of, keep_standing, personal_now
from schemas.dataset import Dataset, Table
from schemas.judgement import Judgement, Verdict
from schemas.personal.gate import Cover, gate_key, judge_gated, personal_of
from schemas.report import (
    SourceReport,
    Step,
    TheirCell,
    failed_report,
    judged_report,
    keep_report,
    last_report,
    says_the_same,
    unchanged_report,
)
from schemas.report_page import to_page
from schemas.report_sites import sites_of
from schemas.report_text import to_markdown, values_of
from schemas.report_values import Value, grouped_values, keep_values
from schemas.rows import judged, judged_key, keep, stand
from schemas.tally import history_of, keep_tally, tally
from sources.check import table_of
from sources.declaration import BrokenSource, Source
from sources.enough import TooFewRowsError, check_enough, more_than_expected
from sources.fetch.deposit import FindOwnPortal
from sources.fetch.http import Patience
from sources.forgetting import without
from sources.geocoding.geocoding import earliest, geocoded
from sources.given import given_values
from sources.harvest import harvest
from sources.identity.ids import Past, past_of
from sources.identity.register import Register, keep_register
from sources.inbox.reading import may_stand
from sources.mapping import Mapped, columns_read, key_columns
from sources.read import Reading, as_text
from sources.returned import Arrived, arrived
from sources.snapshot import Snapshot
from sources.taking import taken


@dataclass(frozen=True)
class Intake:
    """What became of one source in one run.

    `error` is why it failed, None where it was read; `verdict` speaks of its last good rows, of this run or an
    earlier one, None where there never were any.
    """

    dataset: str
    partner: str
    report: SourceReport
    language: str
    snapshot: Snapshot | None = None
    verdict: Verdict | None = None
    error: GlaneError | None = None

    @property
    def markdown(self) -> str:
        """The partner's report, in the partner's language."""
        return to_markdown(self.report, self.language)

    @property
    def page(self) -> str:
        """The same as a web page."""
        return to_page(self.report, self.language)


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


def take_in(
    source: Source | BrokenSource,
    dataset: Dataset | BrokenDataset,
    store: Store,
    *,
    patience: Patience | None = None,
    own_portal: FindOwnPortal = lambda: None,
    now: datetime | None = None,
) -> Intake:
    """Harvest, read, map and judge one source; keep its rows and its report. `own_portal` is asked for a deposit. `now`
    is the moment of the run (by default, this one).

    Whatever is wrong with the data, the declaration or the world is in the Intake's `error` and in the report: it
    stops nobody else, and the last good rows stay. The same bytes under the same rules are judged once.
    """
    run = _Run(source, dataset, store, now or datetime.now(UTC))
    try:
        intake = run.whole(patience, own_portal)
        run.arriving.afterwards()
        return intake
    except GlaneError as error:
        return run.failed(error)
    except OSError as error:
        return run.failed(DiskError(error))


class _Run:
    """One source's run; it remembers the step it is at, so that a failure can say so."""

    def __init__(
        self, source: Source | BrokenSource, dataset: Dataset | BrokenDataset, store: Store, now: datetime
    ) -> None:
        self._source = source
        self._dataset = dataset
        self._store = store
        self._step: Step = "fetch"
        self._snapshot: Snapshot | None = None
        self._run_at = now.isoformat(timespec="seconds")
        self._today = now.date()
        self.arriving = Arriving()

    def whole(self, patience: Patience | None, own_portal: FindOwnPortal) -> Intake:
        source, dataset, store = self._source, self._dataset, self._store
        if isinstance(source, BrokenSource):
            raise source.error
        if isinstance(dataset, BrokenDataset):
            raise dataset.error
        before = last_report(store, dataset.name, source.partner)
        snapshot = self._snapshot = harvest(source, store, patience=patience, own_portal=own_portal)
        self.arriving = arrive(source, dataset, snapshot, store, at=self._run_at)
        key = judged_key(snapshot.sha256, mapped_by(source), dataset.fingerprint)
        # What came by mail waits for the partner's yes: it is answered, and what stands stays as it is.
        stands = may_stand(source, store, snapshot)
        known = judged(store, dataset.name, source.partner, key, today=self._today) if stands else None
        told = last_report(store, dataset.name, source.partner, key)
        # An earlier file that comes again is judged again: its answer is another one than last time's, and rows without
        # numbers go by those of last time.
        same = before is not None and before.judged == key
        if known is not None and told is not None and same:
            stand(store, dataset.name, source.partner, key)
            report = unchanged_report(told, self._run_at, arrival_of(snapshot, told.arrival))
            verdict: Verdict | None = known[1]
        elif told is not None and not stands:
            report = unchanged_report(told, self._run_at, arrival_of(snapshot, told.arrival))
            verdict = keep_standing(source, dataset, store)
        else:
            found = judge_file(
                source,
                dataset,
                snapshot,
                store.fetch(snapshot.key),
                self._at,
                run_at=self._run_at,
                key=key,
                last=before,
                past=past_of(store, dataset.name, source.partner),
                store=store,
                patience=patience,
                forgotten=self.arriving.lines,
            )
            verdict = self._keep(source, dataset, snapshot, found, stands=stands)
            counted = tally(found.judgement, found.table, at=self._run_at, judged=key)
            history = history_of(keep_tally(store, dataset.name, source.partner, counted))
            report = found.report.model_copy(update={"history": history})
            give_back(store, source, annotated(source, dataset, found), cleaned_copy(source, dataset, found))
            keep_values(store, dataset.name, source.partner, values_of(found.given, source.line.answered_in))
        if before is not None:
            report = report.model_copy(update={"published": before.published})
        report = with_absent(with_consent(report, source, store), source, dataset, store, self._today)
        intake = Intake(dataset.name, source.partner, report, source.line.answered_in, snapshot, verdict)
        if not says_the_same(before, report):
            keep_report(store, report, intake.markdown, intake.page)
        return intake

    def _keep(
        self, source: Source, dataset: Dataset, snapshot: Snapshot, found: Judged, *, stands: bool
    ) -> Verdict | None:
        """Make the rows found the last good ones, where they may stand; give the verdict that stands."""
        store = self._store
        if not stands:
            keep_proposed(store, source, found.table, found.judgement)
            return keep_standing(source, dataset, store)
        if source.line.where.mailbox is None:
            # Who said yes to a file has seen how many rows are left in it.
            self._at("read")
            held = rows_before(store, dataset.name, source.partner, ours=found.sent.ours)
            check_shrunk(source, store, snapshot, found.judgement.rows_in, held)
        # Before the rows: killed in between, the next run gives the same rows the same ids, and misses the same ones.
        note_absent(source, dataset, found.table, store, found.mapped.rows, snapshot.sha256, self._today)
        keep_register(store, dataset.name, source.partner, found.register)
        return keep(
            store,
            dataset,
            found.table,
            source.partner,
            found.judgement,
            snapshot=snapshot.sha256,
            mapped_by=mapped_by(source),
            judged_at=self._run_at,
            gated_by=gate_key(personal_now(source, found.table)),
        )

    def failed(self, error: GlaneError) -> Intake:
        """The last good rows stay; the report says what happened, and since when they are stale.

        Where the store takes nothing, not even the report, that is what went wrong.
        """
        source, store = self._source, self._store
        try:
            before = last_report(store, source.dataset, source.partner)
            verdict = keep_standing(source, self._dataset, store)
        except StoreError as refused:
            before, verdict, error = None, None, refused
        report = failed_report(
            credit_of(source, self._dataset, store),
            self._run_at,
            self._step,
            error,
            verdict,
            arrival=arrival_of(self._snapshot) if self._snapshot else None,
            before=before,
            guards=[error.outcome] if isinstance(error, TooFewRowsError) else [],
        )
        if verdict is not None:
            since = before.stale_since if before is not None and before.state == "failed" else None
            report = report.model_copy(update={"stale_since": since or self._run_at})
        with contextlib.suppress(StoreError):
            report = with_absent(report, source, self._dataset, store, self._today)
        language = source.line.answered_in if isinstance(source, Source) else "fr"
        intake = Intake(source.dataset, source.partner, report, language, self._snapshot, verdict, error)
        try:
            keep_report(store, report, intake.markdown, intake.page)
        except StoreError as refused:
            return replace(intake, error=refused)
        return intake

    def _at(self, step: Step) -> None:
        self._step = step


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
