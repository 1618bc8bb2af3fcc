"""The steward's list for this morning: what waits for a person, why, whom to ask, since when, and the command to copy.

Belongs here: which things wait, out of what the store and the declarations say. Does not belong here: printing it
(cli/today.py), deciding any of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from glane.errors import GlaneError
from glane.store import Store
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.consenting import mailed_file
from pipelines.release import foresee_version
from pipelines.visits import state_of
from publish.build import Foreseen
from publish.deciding import in_words
from schemas.report import SourceReport
from schemas.tally import rejected_terms
from sources.declaration import BrokenSource, Source

Kind = Literal[
    "declaration", "version", "licence", "expired", "failing", "late", "consent", "personal data", "decision", "pairs",
    "terms",
]  # fmt: skip


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: `about` names a source or a dataset, `whom` is who can help, `since` an ISO time where it
    is known, `command` what to type next."""

    kind: Kind
    about: str
    why: str
    whom: str
    since: str | None
    command: str


def waiting_in(entry: Entry, store: Store, now: datetime | None = None) -> list[Waiting]:
    """What waits in one dataset, what stops it first. Nothing is changed."""
    now = now or datetime.now(UTC)
    if isinstance(entry.dataset, BrokenDataset):
        error = entry.dataset.error
        return [Waiting("declaration", entry.name, str(error), "whoever edited it", None, f"glane run {entry.name}")]
    return [
        *_of_version(entry, store),
        *(found for source in entry.sources for found in _of_source(source, store, now)),
        *_of_terms(entry, store),
    ]


def _of_version(entry: Entry, store: Store) -> Iterator[Waiting]:
    assert not isinstance(entry.dataset, BrokenDataset)
    steward = entry.dataset.line.steward
    whom = f"{steward.name} <{steward.email}>"
    try:
        foreseen = foresee_version(entry, store)
    except GlaneError as error:
        yield Waiting(
            "version", entry.name, f"{error.what} {error.remedy}".strip(), whom, None, f"glane run {entry.name}"
        )
        return
    if foreseen.held_back is not None:
        why = f"{foreseen.held_back.what} {foreseen.held_back.remedy}"
        yield Waiting("version", entry.name, why, whom, None, f"glane run {entry.name}")
    yield from _asked(entry, foreseen, whom)


def _asked(entry: Entry, foreseen: Foreseen, whom: str) -> Iterator[Waiting]:
    for refusal in foreseen.refused:
        source = entry.source(refusal.partner)
        about = f"{entry.name}/{refusal.partner}"
        yield Waiting("licence", about, refusal.reason.en, _contact(source), None, f"glane rights {entry.name}")
    for question in foreseen.questions:
        since = question.decision.on.isoformat()
        why = in_words(question).en
        yield Waiting("decision", entry.name, why, question.decision.by, since, f"$EDITOR {entry.decisions}")
    if foreseen.suggestions:
        count = len(foreseen.suggestions)
        why = f"{count} pair{'' if count == 1 else 's'} of rows may be one place."
        yield Waiting("pairs", entry.name, why, whom, None, f"glane review {entry.name} --as ROLE")


def _of_source(source: Source | BrokenSource, store: Store, now: datetime) -> Iterator[Waiting]:
    again = f"glane run {source.dataset} --source {source.partner}"
    if isinstance(source, BrokenSource):
        why = str(source.error)
        yield Waiting("declaration", source.name, why, "whoever edited it", None, f"glane source test {source.name}")
        return
    if source.line.state != "active":
        return
    report, visits = state_of(source, store, now)
    whom, fresh = _contact(source), visits["freshness"]
    if fresh == "never":
        yield Waiting("late", source.name, "It was never run.", whom, None, again)
    elif fresh == "late":
        why = "It was not asked when it was due: the schedules may stand still."
        yield Waiting("late", source.name, why, "who runs Dagster", visits["next_check"], again)
    if report is not None and report.failure is not None:
        failing = f"Failing for {report.failing_runs} runs. " if report.failing_runs > 1 else ""
        left = "Its rows are too old and no longer published. " if fresh == "expired" else ""
        why = f"{left}{failing}{report.failure.what} {report.failure.remedy}"
        yield Waiting("expired" if left else "failing", source.name, why, whom, report.failing_since, again)
    if report is not None:
        yield from _of_people(source, report, whom)
    mailed = mailed_file(source, store)
    if mailed is not None and mailed["standing"] in ("waits", "expired"):
        said = "waits for the partner's yes" if mailed["standing"] == "waits" else "was never agreed to"
        why = f"{mailed['file']} {said}."
        yield Waiting("consent", source.name, why, whom, mailed["came_at"], f"glane report {source.name}")


def _of_people(source: Source, report: SourceReport, whom: str) -> Iterator[Waiting]:
    undecided = sorted({count.field for count in report.personal if count.outcome in ("hold-field", "hold-rows")})
    if undecided:
        why = f"Personal data was found in {', '.join(undecided)}, and nobody decided what is done with it."
        yield Waiting("personal data", source.name, why, whom, report.run_at, f"glane report {source.name}")


def _of_terms(entry: Entry, store: Store) -> Iterator[Waiting]:
    rejected = rejected_terms(store, entry.name, entry.partners)
    if rejected:
        count, since = len(rejected), min(term.since for term in rejected)
        why = f"{count} term{'' if count == 1 else 's'} that partners write and no list knows."
        yield Waiting("terms", entry.name, why, "the partners that write them", since, f"glane terms {entry.name}")


def _contact(source: Source | BrokenSource) -> str:
    if isinstance(source, BrokenSource):
        return "whoever edited it"
    contact = source.line.contact
    address = f" <{contact.email}>" if contact.email else ""
    return f"{source.line.organisation}, {contact.role}{address}"
