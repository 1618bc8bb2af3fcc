"""Making a version: gates, merging, files, number, delta, manifest; listed last, or not at all.

Belongs here: the order of these steps and the writing of the data files. Does not belong here: each step's own
decisions (contribution.py, references.py, succession.py), the files that tell of the data (about.py), nor portals
(ckan/).
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from glane.errors import DataError
from glane.store import Store, to_json
from publish.about import About, ids_that_stood, kept, write_about
from publish.addressing import Numbers, addressed, has_addresses, numbers_of, renumbered
from publish.approving import NO_PERMITS, IdleApproval, Permits, idle, used_in
from publish.contribution import Contribution, Held, Refusal, admit, input_of
from publish.coverage_files import cover
from publish.deciding import Applied, Question, said_of
from publish.decisions import UNDECIDED, Decision, Decisions
from publish.derive import Tables, all_tables
from publish.diff import descriptor_of
from publish.ended import Ended
from publish.feed import told_before
from publish.formats import FORMATS, formats_of
from publish.formats.delimited import read_csv
from publish.holding import Candidate, HeldBackError, expectations_of, hold
from publish.links import Linked, with_links
from publish.listing import put_on_list
from publish.merge import Merged
from publish.notice import over, standing_notice, unannounced, unshown
from publish.package import describe, identity
from publish.persons import covered, question_in_words, undecided_in
from publish.quality import Accounts, account
from publish.quality.making import report_quality
from publish.references import merge_tables
from publish.revealing import revealed
from publish.striking import striking
from publish.succession import succession
from publish.suggesting import Suggestion, suggestions
from publish.version import Version, VersionFile, current, listed, load
from publish.waiting import note_waiting, nothing_waits, write_differences
from schemas.dataset import Dataset
from schemas.expectations.outcome import Outcome


class NothingToPublishError(DataError):
    """No contribution passed the gates: an empty version would tell reusers that everything is gone."""


@dataclass(frozen=True)
class Built:
    """The outcome of making a version: the version that stands now, whether it is `new`, what was left out, and what
    became of the expectations on it when it was made.

    `put_aside`: what the contributions come to is what a person put aside by going back to an older version.
    `warnings`: what a steward should know of a change that was announced, or was not, and of decisions that have become
    questions. `contributions`, `merged`, `decisions`: what was brought, what it came to, and what was decided of it.
    """

    version: Version
    new: bool
    accounts: Accounts
    refused: tuple[Refusal, ...]
    held: tuple[Held, ...]
    expectations: tuple[Outcome, ...]
    put_aside: bool = False
    warnings: tuple[str, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    merged: Mapping[str, Merged] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class _Made:
    """What the contributions come to, before it is known whether that is a new version."""

    dataset: Dataset
    contributions: tuple[Contribution, ...]
    applied: Applied
    derived: Tables
    accounts: Accounts
    refused: tuple[Refusal, ...]
    permits: Permits
    today: datetime.date
    partners: tuple[str, ...] = ()
    ended: tuple[Ended, ...] = ()

    @property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """The rows of every table."""
        return self.derived.rows

    @property
    def linked(self) -> Mapping[str, Linked]:
        """The tables of links to other datasets."""
        return self.derived.linked

    def candidate(self, last: Version | None) -> Candidate:
        """What its guards judge."""
        return Candidate(
            self.dataset, self.contributions, self.applied.merged, self.tables, last, self.applied.withdrawn
        )

    def idle(self, store: Store, last: Version | None, waits: str | None) -> tuple[IdleApproval, ...]:
        """The approvals that let nothing pass, where what has the hash `waits` waits."""
        approvals = self.permits.approvals
        # Where there are none, as a rule, no changelog needs to be read.
        used = used_in(told_before(store, last)) if approvals.all else ()
        return idle(approvals, used, waits, self.today)

    def built(
        self,
        version: Version,
        expectations: tuple[Outcome, ...],
        warnings: tuple[str, ...],
        *,
        new: bool,
        put_aside: bool = False,
    ) -> Built:
        """The outcome, once it is known which version stands."""
        return Built(
            version,
            new,
            self.accounts,
            self.refused,
            self.applied.held,
            expectations,
            put_aside,
            (
                *warnings,
                *undecided_in(self.contributions),
                *(question_in_words(self.dataset, question).en for question in self.applied.questions),
                *(said.en for said in striking(self.applied.merged, self.linked)),
            ),
            self.contributions,
            self.applied.merged,
            self.applied.applied,
        )


def build_version(
    dataset: Dataset,
    contributions: Sequence[Contribution],
    store: Store,
    *,
    created: str,
    decisions: Decisions = UNDECIDED,
    permits: Permits = NO_PERMITS,
    partners: Sequence[str] = (),
    ended: Sequence[Ended] = (),
) -> Built:
    """Make the next version of `dataset` out of `contributions`, or find that nothing changed.

    `partners` are those that are declared, whether they bring rows or not; `decisions` are what stewards decided by
    hand, `permits` what may pass although it is not as expected, `ended` the rows whose grace period is over.
    Everything is written beside its place, flushed, hashed, moved into place, read back, and only then listed: killed
    or refused by the disk anywhere, the last version stands. `created` is the UTC time as ISO 8601. Takes the store's
    writer lock. Raises UnjudgedError, KeyMissingError, StoreError, NothingToPublishError, VersionError,
    DeclarationError for a decision that cannot be applied, and HeldBackError for a version that is not what is expected
    of it, which is then noted as waiting.
    """
    found = _make(dataset, contributions, store, created, decisions, permits)
    made = replace(found, partners=tuple(partners), ended=tuple(ended))
    with store.writer():
        try:
            built = _keep(made, store, created)
        except HeldBackError as error:
            note_waiting(store, error.waits, created)
            raise
        nothing_waits(store, dataset.name)
        return built


@dataclass(frozen=True)
class Foreseen:
    """What would wait for a person, were a version made now. `idle` are the approvals that let nothing pass,
    `put_aside` is the version that was brought back, where what the partners bring was put aside by that, and `told`
    what should be known of a notice. `undecided` tells of personal data that is held back."""

    refused: tuple[Refusal, ...]
    questions: tuple[Question, ...]
    suggestions: tuple[Suggestion, ...]
    held_back: HeldBackError | None
    idle: tuple[IdleApproval, ...] = ()
    put_aside: Version | None = None
    told: str | None = None
    undecided: tuple[str, ...] = ()


def foresee(
    dataset: Dataset,
    contributions: Sequence[Contribution],
    store: Store,
    *,
    created: str,
    decisions: Decisions = UNDECIDED,
    permits: Permits = NO_PERMITS,
    into: Path | None = None,
) -> Foreseen:
    """What would wait for a person, were a version made of `contributions` now; nothing is made. The difference
    to the current version is written `into` a folder where one is given. Raises as build_version."""
    made = _make(dataset, contributions, store, created, decisions, permits)
    held_back = None
    last = current(store, dataset.name)
    with store.staged() as folder:
        draft = _draft(made, store, created, last, folder)
        if into is not None and last is not None:
            write_differences(store, dataset, last, folder, into)
    try:
        if draft.stands == "new":
            hold(made.candidate(last), store, made.permits, made.today)
    except HeldBackError as error:
        held_back = error
    pairs = suggestions(dataset, made.contributions, made.applied.merged)
    pairs += [one for part in made.linked.values() for one in part.asked]
    return Foreseen(
        made.refused,
        made.applied.questions,
        tuple(pairs),
        held_back,
        made.idle(store, last, held_back.waits.hash if held_back else None),
        last if draft.stands == "aside" else None,
        draft.told,
        undecided_in(made.contributions),
    )


def _make(
    dataset: Dataset,
    contributions: Sequence[Contribution],
    store: Store,
    created: str,
    decisions: Decisions,
    permits: Permits,
) -> _Made:
    admitted, refused = admit(dataset, contributions, store)
    if not admitted:
        reasons = " ".join(f"{refusal.partner}: {refusal.reason.en}" for refusal in refused)
        raise NothingToPublishError(
            f"{dataset.name} has no rows that may be published. {reasons}".strip(), "See the reports."
        )
    today = datetime.datetime.fromisoformat(created).date()
    stood = ids_that_stood(store, dataset.name)
    known = revealed(decisions, dataset, admitted, stood, store)
    applied = merge_tables(dataset, admitted, stood, known, today=today)
    derived = all_tables(dataset, applied.merged, store, known, today)
    accounts = account(admitted, applied.merged, applied.held, derived.left_out)
    # What a licence keeps out has its reason, and no approval could let it in.
    permits = replace(permits, left=permits.left | {refusal.partner for refusal in refused})
    return _Made(dataset, admitted, with_links(applied, derived.linked), derived, accounts, refused, permits, today)


@dataclass(frozen=True)
class _Draft:
    """The canonical files as they would be published, what they say (`content`), and whether that is new, the same as
    the version that stands says, or was put aside by going back to it. `numbers`: the versions that the addresses in
    these files name; `told`: what a steward should know of notices.
    """

    numbers: Numbers
    files: list[VersionFile]
    content: str
    notice: dict[str, Any] | None
    told: str | None
    stands: Literal["new", "same", "aside"]


def _draft(made: _Made, store: Store, created: str, last: Version | None, folder: Path) -> _Draft:
    dataset = made.dataset
    lines = listed(store, dataset.name)
    former = descriptor_of(store, last) if last and dataset.line.notice else None
    notice, told = standing_notice(dataset, lines, former, created), over(dataset, lines)
    numbers = numbers_of(store, dataset, last)
    files = _write_canonical(dataset, addressed(dataset, made.tables, numbers), folder)
    content = _content(made, files, notice)
    stands: Literal["new", "same", "aside"] = "new"
    if last is not None and content == last.content:
        stands = "same"
    elif last is not None and _was_put_aside(made, store, last):
        stands, told = "aside", " ".join(_said(told, unshown(last, descriptor_of(store, last), notice))) or None
    return _Draft(numbers, files, content, notice, told, stands)


def _keep(made: _Made, store: Store, created: str) -> Built:
    dataset = made.dataset
    last = current(store, dataset.name)
    # Once there is a version, that all rows are withdrawn is news; before, there is nothing to tell anybody.
    if last is None and not any(rows.height for rows in made.tables.values()):
        raise NothingToPublishError(f"{dataset.name} has no rows that may be published.", "See the reports.")
    with store.staged() as folder:
        draft = _draft(made, store, created, last, folder)
        files, content, notice, told = draft.files, draft.content, draft.notice, draft.told
        if last is not None and draft.stands != "new":
            said = (*_said(told), *(one.why.en for one in made.idle(store, last, None)))
            aside = draft.stands == "aside"
            return made.built(last, expectations_of(store, last), said, new=False, put_aside=aside)
        guarded = hold(made.candidate(last), store, made.permits, made.today)
        if has_addresses(dataset):
            after = succession(store, last, _described(made, files, created, notice), folder)
            numbers = renumbered(dataset, made.tables, draft.numbers, after.differences, after.number)
            files = _write_canonical(dataset, addressed(dataset, made.tables, numbers), folder)
            content = _content(made, files, notice)
        coverage = cover(dataset, files, folder, store)
        files += [*_write_others(dataset, files, folder), *coverage.files]
        described = _described(made, files, created, notice)
        after = succession(store, last, described, folder)
        version = Version(
            dataset=dataset.name,
            version=after.number,
            created=created,
            previous=last.version if last else None,
            level=after.name,
            content=content,
            rows={table.name: made.tables[table.name].height for table in dataset.tables},
            files=tuple(files),
            inputs=tuple(input_of(one) for one in made.contributions if one.absent_since is None),
            absent=tuple(input_of(one) for one in made.contributions if one.absent_since is not None),
        )
        about = About(
            after,
            coverage.in_package({**described, "version": version.version}),
            {table.name: table.line.derived_from or table.name for table in dataset.tables},
            pl.concat([part.provenance for part in made.applied.merged.values()]),
            to_json(coverage.in_quality(report_quality(made, guarded.outcomes, store, version, last))),
            tuple(said_of(covered(dataset, decision)) for decision in made.applied.applied),
            guarded.told,
            made.ended,
        )
        version = write_about(folder, store, version, about)
        put_on_list(folder, store, version)
    early = unannounced(version, descriptor_of(store, last) if last else None)
    said = (*_said(told, early), *(one.why.en for one in made.idle(store, version, None)))
    return made.built(version, guarded.outcomes, said, new=True)


def _said(*warnings: str | None) -> tuple[str, ...]:
    return tuple(filter(None, warnings))


def _content(made: _Made, files: Sequence[VersionFile], notice: Mapping[str, Any] | None) -> str:
    return identity(_described(made, files, "", notice))


def _described(
    made: _Made, files: Sequence[VersionFile], created: str, notice: Mapping[str, Any] | None
) -> dict[str, Any]:
    beside = {name: part.sources for name, part in made.linked.items()}
    return describe(made.dataset, made.contributions, files, number="", created=created, notice=notice, beside=beside)


def _was_put_aside(made: _Made, store: Store, last: Version) -> bool:
    """Whether this is what a person put aside by going back to an older version, once or several times on end: the same
    rows make no version again, until anything about them changes. What was announced then is no such change."""
    version = last
    while version.restores and version.previous:
        version = load(store, version.dataset, version.previous)
        with store.staged() as folder:
            tables = addressed(made.dataset, made.tables, numbers_of(store, made.dataset, version))
            files = _write_canonical(made.dataset, tables, folder)
            if _content(made, files, descriptor_of(store, version).get("notice")) == version.content:
                return True
    return False


def _write_canonical(dataset: Dataset, tables: Mapping[str, pl.DataFrame], folder: Path) -> list[VersionFile]:
    files = []
    for table in dataset.tables:
        path = f"{dataset.name}-{table.name}.csv"
        FORMATS["csv"].write(table, tables[table.name], folder / path)
        files.append(kept(folder, path, "data", table.name, "csv"))
    return files


def _write_others(dataset: Dataset, canonical: Sequence[VersionFile], folder: Path) -> list[VersionFile]:
    files = []
    for table, csv in zip(dataset.tables, canonical, strict=True):
        # From the canonical file, so that a derived format can be made again from it, byte for byte.
        rows = read_csv(folder / csv.path)
        for name in formats_of(table):
            if name != "csv":
                path = f"{dataset.name}-{table.name}.{FORMATS[name].extension}"
                FORMATS[name].write(table, rows, folder / path)
                files.append(kept(folder, path, "data", table.name, name))
    return files
