"""One source, from its address to its kept rows and the partner's report; without Dagster.

Belongs here: the order harvest -> judge -> keep -> report, and what becomes of a source that fails on the way: its last
good rows stay. Does not belong here: judging its file (judging.py), the other steps (sources/, schemas/), nor many
sources at once (harvesting.py).
"""

import contextlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from glane.errors import GlaneError
from glane.store import DiskError, Store, StoreError
from pipelines.approving import check_shrunk
from pipelines.arrival import arrival_of, rows_before
from pipelines.catalogue import BrokenDataset
from pipelines.consenting import keep_proposed, with_consent
from pipelines.forgetting.arriving import Arriving, arrive
from pipelines.given_back import annotated, cleaned_copy, give_back
from pipelines.gracing import note_absent, with_absent
from pipelines.judging import Judged, judge_file, mapped_by
from pipelines.standing import credit_of, keep_standing, personal_now
from schemas.dataset import Dataset
from schemas.judgement import Verdict
from schemas.personal.gate import gate_key
from schemas.report import (
    SourceReport,
    Step,
    failed_report,
    keep_report,
    last_report,
    says_the_same,
    unchanged_report,
)
from schemas.report_page import to_page
from schemas.report_text import to_markdown, values_of
from schemas.report_values import keep_values
from schemas.rows import judged, judged_key, keep, stand
from schemas.tally import history_of, keep_tally, tally
from sources.declaration import BrokenSource, Source
from sources.enough import TooFewRowsError
from sources.fetch.deposit import FindOwnPortal
from sources.fetch.http import Patience
from sources.harvest import harvest
from sources.identity.ids import past_of
from sources.identity.register import keep_register
from sources.inbox.reading import may_stand
from sources.snapshot import Snapshot


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
