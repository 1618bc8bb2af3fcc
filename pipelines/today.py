"""The steward's list for this morning: what waits for a person, why, whom to ask, since when, and the command to copy.

Belongs here: what waits of a dataset as a whole, and the order of the list. Does not belong here: what waits of one
source (today_sources.py), printing the list (cli/today.py), deciding any of it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from glane.errors import GlaneError
from glane.store import Store
from pipelines.approving import held_version
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.first_seen import seen_since
from pipelines.forgetting.waiting import of_forgetting
from pipelines.release import foresee_version
from pipelines.today_messages import of_readers
from pipelines.today_sources import Waiting, contact_of, of_absent, of_corrections, of_source
from publish.build import Foreseen
from publish.holding import HeldBackError, approve_command
from publish.persons import question_in_words
from schemas.tally import rejected_terms


def waiting(entries: Iterable[Entry], store: Store, now: datetime | None = None) -> list[Waiting]:
    """What waits in these datasets, with the day since which it was seen where nothing else says it."""
    return seen_since(store, [one for entry in entries for one in waiting_in(entry, store, now)])


def waiting_in(entry: Entry, store: Store, now: datetime | None = None) -> list[Waiting]:
    """What waits in one dataset, what stops it first. Nothing is changed."""
    now = now or datetime.now(UTC)
    if isinstance(entry.dataset, BrokenDataset):
        error = entry.dataset.error
        return [Waiting("declaration", entry.name, str(error), "whoever edited it", None, f"glane run {entry.name}")]
    return [
        *of_forgetting(entry.dataset, store),
        *_of_version(entry, store, now),
        *(found for source in entry.sources for found in of_source(source, store, now)),
        *(found for source in entry.sources for found in of_absent(source, entry.dataset, store, now)),
        *of_readers(entry.dataset, store, now),
        *_of_terms(entry, store),
        *of_corrections(entry, store),
    ]


def _of_version(entry: Entry, store: Store, now: datetime) -> Iterator[Waiting]:
    assert not isinstance(entry.dataset, BrokenDataset)
    steward = entry.dataset.line.steward
    whom = f"{steward.name} <{steward.email}>"
    try:
        foreseen = foresee_version(entry, store, now=now)
    except GlaneError as error:
        yield Waiting(
            "version", entry.name, f"{error.what} {error.remedy}".strip(), whom, None, f"glane run {entry.name}"
        )
        return
    if foreseen.held_back is not None:
        yield _held_back(entry, foreseen.held_back, store, whom)
    yield from _put_aside(entry, foreseen, whom)
    yield from _asked(entry, foreseen, whom)


def _held_back(entry: Entry, error: HeldBackError, store: Store, whom: str) -> Waiting:
    noted = held_version(store, entry.name)
    since, found = noted.since if noted is not None else None, error.waits.hash
    if found is None:
        return Waiting("version", entry.name, f"{error.what} {error.remedy}", whom, since, f"glane run {entry.name}")
    why = f"{error.what} See what would change: glane approve {entry.name}."
    return Waiting("version", entry.name, why, whom, since, approve_command(entry.name, found))


def _put_aside(entry: Entry, foreseen: Foreseen, whom: str) -> Iterator[Waiting]:
    back = foreseen.put_aside
    if back is not None and back.restores is not None:
        why = (
            f"What the partners bring was put aside by going back to {back.restores.version} ({back.restores.reason}); "
            "a version is made again when something about it changes."
        )
        command = f"glane diff {entry.name} {back.version} {back.previous}"
        yield Waiting("put aside", entry.name, why, whom, back.created, command)


def _asked(entry: Entry, foreseen: Foreseen, whom: str) -> Iterator[Waiting]:
    assert not isinstance(entry.dataset, BrokenDataset)
    for refusal in foreseen.refused:
        source = entry.source(refusal.partner)
        about = f"{entry.name}/{refusal.partner}"
        yield Waiting("licence", about, refusal.reason.en, contact_of(source), None, f"glane rights {entry.name}")
    for why in foreseen.undecided:
        yield Waiting("personal data", entry.name, why, whom, None, f"$EDITOR {entry.dataset.folder}/dataset.yaml")
    for question in foreseen.questions:
        since = question.decision.on.isoformat()
        why = question_in_words(entry.dataset, question).en
        yield Waiting("decision", entry.name, why, question.decision.by, since, f"$EDITOR {entry.decisions}")
    for one in foreseen.idle:
        since = one.approval.on.isoformat()
        yield Waiting("approval", entry.name, one.why.en, one.approval.by, since, f"$EDITOR {entry.approvals}")
    if foreseen.told:
        declared = entry.dataset.folder / "dataset.yaml"
        yield Waiting("notice", entry.name, foreseen.told, whom, None, f"$EDITOR {declared}")
    if foreseen.suggestions:
        count = len(foreseen.suggestions)
        why = f"{count} pair{'' if count == 1 else 's'} of rows may be one place."
        yield Waiting("pairs", entry.name, why, whom, None, f"glane review {entry.name} --as ROLE")


def _of_terms(entry: Entry, store: Store) -> Iterator[Waiting]:
    rejected = rejected_terms(store, entry.name, entry.partners)
    if rejected:
        count, since = len(rejected), min(term.since for term in rejected)
        why = f"{count} term{'' if count == 1 else 's'} that partners write and no list knows."
        yield Waiting("terms", entry.name, why, "the partners that write them", since, f"glane terms {entry.name}")
