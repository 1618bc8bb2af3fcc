"""What waits of one source: its declaration, its file, its mail, what was found of persons, what is to be corrected.

Belongs here: these lines of the steward's list, out of what the store says of the source. Does not belong here: what
waits of the dataset (today.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from glane.store import Store
from pipelines.approving import held_file
from pipelines.catalogue import Entry
from pipelines.consenting import mailed_file
from pipelines.gracing import grace_of, in_grace
from pipelines.mail.box import Kept
from pipelines.visits import state_of
from publish.holding import approve_command
from schemas.dataset import Dataset
from schemas.report import SourceReport, last_report
from schemas.rows import VerdictError
from sources.declaration import BrokenSource, Source
from sources.fetch.failures import HarvestError
from sources.inbox.reading import kept_inbox

Kind = Literal[
    "declaration", "version", "put aside", "licence", "expired", "failing", "file", "late", "paused", "consent", "mail",
    "personal data", "on hold", "decision", "approval", "notice", "pairs", "messages", "terms", "corrections",
    "absent", "forgetting",
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


def of_source(source: Source | BrokenSource, store: Store, now: datetime) -> Iterator[Waiting]:
    """What waits of one source, what stops it first."""
    again = f"glane run {source.dataset} --source {source.partner}"
    if isinstance(source, BrokenSource):
        why = str(source.error)
        yield Waiting("declaration", source.name, why, "whoever edited it", None, f"glane source test {source.name}")
        return
    if source.line.state == "retired":
        return
    report, visits = state_of(source, store, now)
    whom, fresh = contact_of(source), visits["freshness"]
    if source.line.state == "paused":
        yield from _of_pause(source, report, whom, now)
        return
    if fresh == "never":
        yield Waiting("late", source.name, "It was never run.", whom, None, again)
    elif fresh == "late":
        why = "It was not asked when it was due: the schedules may stand still."
        yield Waiting("late", source.name, why, "who runs Dagster", visits["next_check"], again)
    if report is not None:
        yield from _of_failure(source, store, report, whom, again, gone=fresh == "expired")
        yield from _of_people(source, report, whom)
    yield from _of_mail(source, store, whom)


def of_corrections(entry: Entry, store: Store) -> Iterator[Waiting]:
    """The rows that wait for their partners to correct them: one line for all, for each partner has its answer."""
    found = []
    for source in entry.sources:
        report = last_report(store, source.dataset, source.partner) if _is_active(source) else None
        counts = report.counts if report is not None and report.failure is None else None
        if report is not None and counts is not None and counts.to_correct:
            found.append((counts.to_correct, source.name, report.unchanged_since or report.run_at))
    if not found:
        return
    found.sort(key=lambda one: (-one[0], one[1]))
    rows = sum(count for count, _, _ in found)
    told = ", ".join(f"{name.partition('/')[2]} {count}" for count, name, _ in found)
    why = f"{rows} row{'' if rows == 1 else 's'} to be corrected: {told}. Each partner has its answer."
    since = min(at for _, _, at in found)
    yield Waiting("corrections", entry.name, why, "these partners", since, f"glane report {found[0][1]}")


def of_absent(source: Source | BrokenSource, dataset: Dataset, store: Store, now: datetime) -> Iterator[Waiting]:
    """Rows that are missing from a source's file and leave by themselves, unless somebody says that it is a mistake."""
    if isinstance(source, Source) and source.line.state == "retired":
        return
    try:
        found = in_grace(source, dataset, store, now.date())
    except VerdictError:
        # The version that cannot be made for it says so.
        return
    for one in found:
        count, leave = one.rows.height, one.leave_on(grace_of(source, dataset)).isoformat()
        rows = "row is" if count == 1 else "rows are"
        why = f"{count} {rows} no longer in the file. Leaving on {leave}, unless the partner says otherwise."
        since, command = one.since.isoformat(), f"glane report {source.name}"
        yield Waiting("absent", source.name, why, contact_of(source), since, command)


def contact_of(source: Source | BrokenSource) -> str:
    """Whom to ask about a source: a role, and its address if there is one."""
    if isinstance(source, BrokenSource):
        return "whoever edited it"
    contact = source.line.contact
    address = f" <{contact.email}>" if contact.email else ""
    return f"{source.line.organisation}, {contact.role}{address}"


def _is_active(source: Source | BrokenSource) -> bool:
    return isinstance(source, Source) and source.line.state == "active"


def _of_failure(
    source: Source, store: Store, report: SourceReport, whom: str, again: str, *, gone: bool
) -> Iterator[Waiting]:
    if report.failure is None:
        return
    held = held_file(store, source.dataset, source.partner)
    if held is not None and held.hash:
        command = approve_command(held.name, held.hash)
        yield Waiting("file", source.name, report.failure.what, whom, report.failing_since, command)
        return
    failing = f"Failing for {report.failing_runs} runs. " if report.failing_runs > 1 else ""
    left = "Its rows are too old and no longer published. " if gone else ""
    why = f"{left}{failing}{report.failure.what} {report.failure.remedy}"
    yield Waiting("expired" if left else "failing", source.name, why, whom, report.failing_since, again)


def _of_pause(source: Source, report: SourceReport | None, whom: str, now: datetime) -> Iterator[Waiting]:
    """A pause that lasts longer than its rows may stand without a good read was forgotten, or is for good."""
    days = (now - datetime.fromisoformat(report.run_at)).days if report is not None else 0
    if report is not None and days > source.line.stale_after_days:
        why = f"Paused, and not read for {days} days: take it up again, or retire it."
        yield Waiting("paused", source.name, why, whom, report.run_at, f"$EDITOR {source.folder / 'source.yaml'}")


def _of_people(source: Source, report: SourceReport, whom: str) -> Iterator[Waiting]:
    undecided = sorted({count.field for count in report.personal if count.outcome in ("hold-field", "hold-rows")})
    since, command = report.unchanged_since or report.run_at, f"glane report {source.name}"
    if undecided:
        why = f"Personal data was found in {', '.join(undecided)}, and nobody decided what is done with it."
        yield Waiting("personal data", source.name, why, whom, since, command)
    held = report.counts.on_hold if report.counts is not None and report.failure is None else 0
    if held:
        why = (
            f"{held} row{'' if held == 1 else 's'} may not leave yet: without consent, or with undecided personal data."
        )
        yield Waiting("on hold", source.name, why, whom, since, command)


def _of_mail(source: Source, store: Store, whom: str) -> Iterator[Waiting]:
    command = f"glane report {source.name}"
    mailed = mailed_file(source, store)
    if mailed is not None and mailed["standing"] in ("waits", "expired"):
        said = "waits for the partner's yes" if mailed["standing"] == "waits" else "was never agreed to"
        why = f"{mailed['file']} {said}."
        yield Waiting("consent", source.name, why, whom, mailed["came_at"], command)
    unread = _to_read(source, store)
    if unread:
        why = f"{unread} mail{'' if unread == 1 else 's'} of the partner with neither a file nor a yes: read them."
        yield Waiting("mail", source.name, why, whom, None, command)
    refused = Kept.of(source, store).box.refused
    if refused is not None and source.line.mail == "on":
        why = f"The answer could not be mailed: {refused.what} {refused.remedy}"
        declared = source.folder / "source.yaml"
        yield Waiting("mail", source.name, why, whom, refused.at, f"$EDITOR {declared}")


def _to_read(source: Source, store: Store) -> int:
    if source.line.where.mailbox is None:
        return 0
    try:
        return kept_inbox(source, store).inbox.to_read
    except HarvestError:
        # The source's run fails for it, and says what to do.
        return 0
