"""From the last good rows of every source to a version, and from a version to the portal; without Dagster.

Belongs here: the calls into publish/ in their order, and what each gives. Does not belong here: which sources bring
rows (contributing.py), what publish/ does with them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from glane.errors import CallError, GlaneError
from glane.store import Store
from pipelines.approving import permits_of
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.contributing import contributions_of
from pipelines.covering import bring_references, missing
from pipelines.gracing import ended, forget_ended
from pipelines.messaging import gather, settle
from pipelines.published_answers import tell_published
from pipelines.settings import PortalSettings
from publish.about import ids_that_stood
from publish.build import Built, Foreseen, build_version, foresee
from publish.ckan.address import read_address
from publish.ckan.departments import publish_departments
from publish.ckan.publication import Receipt, publish
from publish.contribution import Held, Refusal, admit
from publish.decisions import Decisions, read_decisions
from publish.quality import Accounts, account
from publish.references import merge_tables
from publish.revealing import revealed
from publish.version import Version, current
from schemas.dataset import Dataset
from schemas.tally import RejectedTerm, RuleCount, rejected_terms, rule_counts


@dataclass(frozen=True)
class Merge:
    """What merging made of the sources' rows, before it is known whether that is a new version; and what was found
    wrong with the rows that the sources brought: the terms that no list knows, and how often each rule spoke."""

    dataset: str
    accounts: Accounts
    held: tuple[Held, ...]
    refused: tuple[Refusal, ...]
    rejected: tuple[RejectedTerm, ...]
    rules: Mapping[str, tuple[RuleCount, ...]]


@dataclass(frozen=True)
class Release:
    """The version that stands after a run, and whether the run made it (`built.new`)."""

    dataset: str
    built: Built

    @property
    def version(self) -> Version:
        """The version that stands."""
        return self.built.version


@dataclass(frozen=True)
class Publication:
    """What was done on a portal to show a version."""

    dataset: str
    receipt: Receipt


@dataclass(frozen=True)
class Sending:
    """How far something is on its way to a portal: `done` of `total`, bytes of a file or rows of a table."""

    dataset: str
    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Failed:
    """A release that stopped at `what` (merged, version or portal); the last version stands."""

    dataset: str
    what: str
    error: GlaneError


def merge_sources(entry: Entry, store: Store, now: datetime | None = None) -> Merge:
    """Merge the last good rows of every source of a dataset, and account for each of them.

    Raises the dataset's DeclarationError, or what publish/ says is wrong with the rows.
    """
    dataset = usable(entry)
    today = (now or datetime.now(UTC)).date()
    admitted, refused = admit(dataset, contributions_of(entry, dataset, store, today), store)
    stood = ids_that_stood(store, dataset.name)
    decisions = revealed(decisions_of(entry), dataset, admitted, stood, store)
    applied = merge_tables(dataset, admitted, stood, decisions, today=today)
    merged, held = applied.merged, applied.held
    partners = entry.partners
    return Merge(
        dataset=entry.name,
        accounts=account(admitted, merged, held, {}),
        held=held,
        refused=refused,
        rejected=rejected_terms(store, entry.name, partners),
        rules=rule_counts(store, entry.name, partners),
    )


def make_version(entry: Entry, store: Store, now: datetime | None = None) -> Release:
    """Make a dataset's next version out of its sources' last good rows, or find that nothing changed.

    Raises the dataset's DeclarationError, or what publish/ says is wrong with the rows or the disk.
    """
    dataset = usable(entry)
    moment = now or datetime.now(UTC)
    today = moment.date()
    contributions = contributions_of(entry, dataset, store, today)
    unlisted = missing(bring_references(dataset, store))
    unread = gather(dataset, store)
    decisions, permits = decisions_of(entry), permits_of(entry, store)
    built = build_version(
        dataset,
        contributions,
        store,
        created=moment.isoformat(timespec="seconds"),
        decisions=decisions,
        permits=permits,
        partners=entry.partners,
        ended=ended(entry, dataset, store, today),
    )
    settle(dataset, store, built.version)
    forget_ended(entry, dataset, store, today)
    tell_published(entry, dataset, built, store)
    return Release(entry.name, replace(built, warnings=(*built.warnings, *filter(None, (unread, *unlisted)))))


def project(
    entry: Entry,
    store: Store,
    portal: PortalSettings,
    say: Callable[[str], None],
    observe: Callable[[Sending], None] = lambda sending: None,
) -> Publication:
    """Bring a portal to the dataset's current version; `observe` is told how far what is sent there is.

    Raises CallError before the first version, WorldError.
    """
    dataset = usable(entry)
    version = current(store, entry.name)
    if version is None:
        raise CallError(f"{entry.name} has no version yet.", f"Make one first: glane run {entry.name}.")
    address = read_address(portal.url, portal.token_file, portal.organisation, portal.public_store)

    def tell(what: str, done: int, total: int) -> None:
        observe(Sending(entry.name, what, done, total))

    receipt = publish(version, dataset, store, address, say, tell=tell)
    more = publish_departments(version, dataset, store, address, say)
    return Publication(entry.name, replace(receipt, sent_in_all=receipt.sent_in_all + more))


def foresee_version(entry: Entry, store: Store, into: Path | None = None, now: datetime | None = None) -> Foreseen:
    """What would wait for a person, were a version made now; nothing is made. The difference to the current version is
    written `into` a folder where one is given. Raises as make_version."""
    dataset = usable(entry)
    moment = now or datetime.now(UTC)
    created = moment.isoformat(timespec="seconds")
    contributions = contributions_of(entry, dataset, store, moment.date())
    decisions, permits = decisions_of(entry), permits_of(entry, store)
    return foresee(dataset, contributions, store, created=created, decisions=decisions, permits=permits, into=into)


def decisions_of(entry: Entry) -> Decisions:
    """What stewards decided of the rows of a dataset. Raises DeclarationError."""
    return read_decisions(entry.decisions, usable(entry).decided)


def usable(entry: Entry) -> Dataset:
    """The dataset of an entry, ready for use. Raises its DeclarationError."""
    if isinstance(entry.dataset, BrokenDataset):
        raise entry.dataset.error
    return entry.dataset
