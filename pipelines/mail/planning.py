"""Decides which letter a partner gets, if any: once for each distinct problem, and again only when there is a new one.

Belongs here: pure decisions, from the report of a run and what was mailed before. Does not belong here: the words
(letter.py), sending (channel.py), what a mailbox's partner is asked (asking.py).

What counts. A distinct problem is a rule, a field and what is said of it; errors and warnings count, notices do not.
So does what a reader said of a row, once a steward passed it on, and that rows are missing from the file since a day.
A problem that is solved is said in the next letter and makes none; if it comes back it is new. A file that cannot be
read is told at once, and once for those bytes; one that cannot be fetched after RUNS_BEFORE_TOLD runs in a row, and
once until it was fetched again: servers have their nights. What is ours (a declaration, the store, a step of judging)
is never mailed to a partner.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from glane.errors import DataError, GlaneError
from glane.text import Text
from pipelines.mail.box import Known
from schemas.phrases import words
from schemas.report import SourceReport
from schemas.report_published_text import said_in
from schemas.report_text import absent_text
from schemas.speaker import spoken
from sources.fetch.failures import HarvestError

Kind = Literal["answer", "ask", "nothing", "unread", "reminder", "thanks", "refused", "same", "late"]

RUNS_BEFORE_TOLD = 3
"""A source that cannot be fetched is mailed about when it has failed so many runs in a row."""

_FAILURE = "failure:"
_ABSENT = "absent:"
_STATES = (_FAILURE, _ABSENT)
"""What is told once and is over by itself: no letter says that it is solved."""


@dataclass(frozen=True)
class Letter:
    """One mail to one partner, before its words.

    `number` is what its Message-ID is made of, and follows from what is told; `then` is what is known once it was sent.
    `new` and `solved` are the problems that it tells for the first time, and those that are gone. `token` marks a
    question, `reasons` say what was wrong with what came; a letter that answers a mail names it (`answers_id`) and its
    file (`name`).
    """

    kind: Kind
    number: str
    to: str
    then: Known
    new: tuple[Text, ...] = ()
    solved: tuple[Text, ...] = ()
    token: str | None = None
    reasons: tuple[str, ...] = ()
    answers_id: str | None = None
    name: str = ""


def open_problems(report: SourceReport, error: GlaneError | None) -> dict[str, Text]:
    """The distinct problems of a report that are the partner's, by their key, and the rows that its file lacks since a
    day; what failed where it failed."""
    failure = report.failure
    if failure is None:
        counted = (group for group in report.problems if group.severity in ("error", "warning"))
        found = {_key(group.rule, group.field or "", group.message.en): group.message for group in counted}
        remarks = report.published.said if report.published is not None else ()
        found |= {f"{_ABSENT}{one.since}": spoken(partial(absent_text, one)) for one in report.absent}
        return found | {_key("said", one.id, one.on, one.text): spoken(partial(said_in, one)) for one in remarks}
    if not isinstance(error, (DataError, HarvestError)) or failure.step == "judge":
        return {}
    said = words("report")[f"failed-{failure.step}"]
    if failure.step == "fetch":
        told = report.failing_runs >= RUNS_BEFORE_TOLD
        return {f"{_FAILURE}fetch:{report.failing_since}": said} if told else {}
    arrived = report.arrival.sha256 if report.arrival is not None else ""
    return {f"{_FAILURE}{failure.step}:{arrived}": said}


def settled(known: Known, report: SourceReport, found: Mapping[str, Text]) -> Known:
    """What is known after a look at the report: told problems that are gone wait to be said in the next letter.

    Where a file could not be read, or its report leaves problems out, nothing is known to be gone.
    """
    if report.failure is not None:
        return known
    gone = {
        key: text
        for key, text in known.told.items()
        if key not in found and (key.startswith(_STATES) or not report.more_problems)
    }
    if not gone:
        return known
    solved = {key: text for key, text in gone.items() if not key.startswith(_STATES)}
    told = {key: text for key, text in known.told.items() if key not in gone}
    return known.model_copy(update={"told": told, "solved": {**known.solved, **solved}})


def answer_due(source: str, to: str, known: Known, found: Mapping[str, Text], at: str) -> Letter | None:
    """The letter about problems, where one of them is new; `known` is settled."""
    new = {key: text for key, text in found.items() if key not in known.told}
    if not new:
        return None
    solved = {key: text for key, text in known.solved.items() if key not in found}
    return Letter(
        kind="answer",
        # A problem that comes back is told again: the count of letters tells the two apart.
        number=number(source, "answer", str(known.letters), *sorted(found)),
        to=to,
        then=known.after(at, told={**known.told, **found}),
        new=tuple(new.values()),
        solved=tuple(solved.values()),
    )


def number(*parts: str) -> str:
    """The number of a letter: the same for the same parts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
