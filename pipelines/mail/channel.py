"""Mails the partners' answers, as far as they are due, over one connection a run.

Belongs here: the order of things around one letter: plan, put together, hand over, remember. Does not belong here: the
decisions (planning.py), the words (letter.py), the protocol (smtp.py), what is remembered (box.py).

A letter is remembered as handed over just before its end is said to the server, and as sent once the server has taken
it. So a run that is killed before has sent nothing and plans anew; one that is killed in between leaves a letter of
which nobody knows: after a quarter of an hour it is sent once more, the same bytes under the same Message-ID, and
never a third time. That a partner gets such a letter twice is all that is left, and most mail programs show it once.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from glane.errors import GlaneError, WorldError
from glane.store import OvertakenError, Store
from pipelines.catalogue import BrokenDataset, Entry
from pipelines.consenting import proposed_key
from pipelines.delivery import Delivery
from pipelines.intake import Intake
from pipelines.mail.asking import address_of, news_of, reconciled, reply_due
from pipelines.mail.box import Box, Handed, Kept, Refusal
from pipelines.mail.letter import WITH_REPORT, Enclosed, as_bytes, compose, day_after, deliverable
from pipelines.mail.planning import Letter, answer_due, open_problems, settled
from pipelines.mail.settings import SmtpSettings
from pipelines.mail.smtp import Connection, LaterError, RefusedError, ServerError, UncertainError
from schemas.dataset import Dataset
from schemas.report import annotated_key
from sources.declaration import Source
from sources.inbox.consent import told
from sources.inbox.reading import LARGEST_MB, KeptInbox, kept_inbox

UNCERTAIN_FOR = timedelta(minutes=15)
"""A letter handed over less long ago may still be in another run's hands: the server has ten minutes to answer."""

REFUSED_FOR = timedelta(days=7)
"""An address that was refused for good is not tried again before, unless it is corrected."""


class UnansweredError(WorldError):
    """A partner who cannot be mailed."""


def mail_answers(
    entry: Entry, intakes: Sequence[Intake], store: Store, *, smtp: SmtpSettings | None
) -> Iterator[Delivery]:
    """Mail what is due of each intake; nothing where no server is configured, nor to sources that say `mail: off`."""
    if isinstance(entry.dataset, BrokenDataset):
        return
    if smtp is None:
        yield from _without_server(entry, intakes)
        return
    with _Post(smtp) as post:
        for intake in intakes:
            source = entry.source(intake.partner)
            if isinstance(source, Source) and source.line.mail == "on":
                yield from _Correspondence(source, entry.dataset, intake, store, post).deliver()
    if post.broken is not None:
        yield Delivery(entry.name, "", problems=(post.broken,))


def _without_server(entry: Entry, intakes: Sequence[Intake]) -> Iterator[Delivery]:
    for intake in intakes:
        source = entry.source(intake.partner)
        if isinstance(source, Source) and source.line.where.mailbox is not None:
            error = UnansweredError(
                "The partner mails its file and cannot be answered, so nothing of it is published: no server is set.",
                "Set GLANE_SMTP_HOST and GLANE_SMTP_SENDER (docs/sources.md).",
            )
            yield Delivery(entry.name, intake.partner, problems=(error,))


@dataclass
class _Post:
    """The connection of a run: opened for the first letter.

    A server that cannot be reached, or breaks off twice, is `broken` for the run; a letter at which it breaks off once
    keeps no other back. After one of which nobody knows whether it was taken the run mails no more: it might make more.
    """

    settings: SmtpSettings
    broken: ServerError | None = None
    _failures: int = 0
    _ended: bool = False
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _connection: Connection | None = None

    def __enter__(self) -> "_Post":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, to: str, mail: bytes, before_end: Callable[[], None]) -> None:
        """As Connection.send; ServerError where this run mails no more."""
        if self.broken is not None or self._ended:
            raise self.broken or ServerError("This run mails no more.", "The next run does.")
        connection = self._connection or self._open()
        # Whatever goes wrong but a refusal, the next letter gets a connection of its own.
        self._connection = None
        try:
            connection.send(to, mail, before_end)
        except (LaterError, RefusedError):
            self._connection = connection
            raise
        except UncertainError:
            self._ended = True
            raise
        except ServerError as error:
            self._failures += 1
            if self._failures > 1:
                self.broken = error
                raise
            raise LaterError(error.what, error.remedy) from error
        self._connection = connection

    def _open(self) -> Connection:
        try:
            return self._stack.enter_context(Connection(self.settings))
        except ServerError as error:
            self.broken = error
            raise


class _Correspondence:
    """The mail with one partner in one run."""

    def __init__(self, source: Source, dataset: Dataset, intake: Intake, store: Store, post: _Post) -> None:
        self._source = source
        self._dataset = dataset
        self._intake = intake
        self._store = store
        self._post = post
        self._kept = Kept.of(source, store)
        self._inbox: KeptInbox | None = None
        self._now = datetime.now(UTC)

    @property
    def _at(self) -> str:
        return self._now.isoformat(timespec="seconds")

    def deliver(self) -> Iterator[Delivery]:
        """Send every letter that is due, one after the other; stop at the first that cannot be sent."""
        done: list[str] = []
        problems: list[GlaneError] = []
        try:
            if self._source.line.where.mailbox is not None:
                self._inbox = kept_inbox(self._source, self._store)
            self._settle_handed(done, problems)
            while not problems and self._kept.box.handed is None and (letter := self._next()) is not None:
                to = self._address(letter.to)
                self._send(replace(letter, to=to))
                done.append(f"mailed to {to}: {_said(letter)}")
        except ServerError:
            # Told once for all partners, by mail_answers.
            pass
        except OvertakenError:
            # Another run is at this partner's mail: it sends what is due.
            pass
        except GlaneError as error:
            problems.append(error)
        if self._inbox is not None:
            done += news_of(self._inbox.inbox)
            with contextlib.suppress(GlaneError):
                self._inbox.keep(told(self._inbox.inbox))
        if done or problems:
            yield Delivery(self._source.dataset, self._source.partner, tuple(done), tuple(problems))

    def _next(self) -> Letter | None:
        """The next letter that is due, after what is known; what needs no letter is remembered."""
        found = open_problems(self._intake.report, self._intake.error)
        known = settled(self._kept.box.known, self._intake.report, found)
        self._kept.keep(self._kept.box.model_copy(update={"known": known}))
        to = self._source.line.contact.email
        if self._inbox is not None:
            inbox = reconciled(self._inbox.inbox, known)
            self._inbox.keep(inbox)
            reply = reply_due(self._source, inbox, self._intake.report, found, known, self._now)
            if reply is not None or inbox.waiting is not None:
                return reply
            to = to if inbox.taken is None else address_of(self._source, inbox.taken.by)
        return None if to is None else answer_due(self._source.name, to, known, found, self._at)

    def _send(self, letter: Letter) -> None:
        mail = as_bytes(compose(letter, self._enclosed(letter), self._post.settings, self._at))
        kept = self._kept
        handed = Handed(key=letter.number, kind=letter.kind, to=letter.to, at=self._at, times=1, then=letter.then)

        def before_end() -> None:
            self._store.write(kept.letter_key(letter.number), mail)
            kept.keep(kept.box.model_copy(update={"handed": handed}))

        self._hand_over(handed, mail, before_end)

    def _hand_over(self, handed: Handed, mail: bytes, before_end: Callable[[], None]) -> None:
        kept = self._kept
        try:
            self._post.send(handed.to, mail, before_end)
        except (LaterError, RefusedError, ServerError) as error:
            refused = Refusal(to=handed.to, at=self._at, what=error.what, remedy=error.remedy)
            known_not_taken = {"handed": None, **({"refused": refused} if isinstance(error, RefusedError) else {})}
            kept.keep(kept.box.model_copy(update=known_not_taken))
            self._store.remove(kept.letter_key(handed.key))
            raise
        self._taken(handed)

    def _taken(self, handed: Handed) -> None:
        kept = self._kept
        kept.keep(Box(known=handed.then, mailed_at=self._at))
        self._store.remove(kept.letter_key(handed.key))

    def _settle_handed(self, done: list[str], problems: list[GlaneError]) -> None:
        """A letter of which it is not known whether the server took it: once more, and then never again."""
        handed = self._kept.box.handed
        if handed is None or self._now - datetime.fromisoformat(handed.at) < UNCERTAIN_FOR:
            return
        key = self._kept.letter_key(handed.key)
        if handed.times > 1 or not self._store.exists(key):
            self._taken(handed)
            problems.append(
                UnansweredError(
                    f"Whether the mail to {handed.to} of {handed.at[:16]} arrived is not known: the connection broke "
                    "off twice at its end.",
                    "Ask the partner, and see to the mail server. It is not sent again.",
                )
            )
            return
        again = handed.model_copy(update={"at": self._at, "times": handed.times + 1})
        kept = self._kept
        self._hand_over(
            again,
            self._store.read(key),
            lambda: kept.keep(kept.box.model_copy(update={"handed": again})),
        )
        done.append(f"mailed to {handed.to} once more, as it is not known whether the first mail was taken")

    def _address(self, declared: str) -> str:
        """An address as the server takes it. Raises UnansweredError for one that is none, or that it refused lately."""
        to = deliverable(declared)
        if to is None:
            raise UnansweredError(
                f"{declared!r} is no address that a mail server takes.",
                "Correct contact.email (or senders) in source.yaml.",
            )
        refused = self._kept.box.refused
        if refused is None or refused.to != to or self._now - datetime.fromisoformat(refused.at) > REFUSED_FOR:
            return to
        raise UnansweredError(refused.what, refused.remedy)

    def _enclosed(self, letter: Letter) -> Enclosed:
        report = self._intake.report
        steward = self._dataset.line.steward
        back = annotated_key(self._source.dataset, self._source.partner)
        wanted = letter.kind in WITH_REPORT and report.problems and self._store.exists(back)
        rows = proposed_key(self._source.dataset, self._source.partner)
        mailbox = self._source.line.where.mailbox
        waiting = self._inbox.inbox.waiting if self._inbox is not None else None
        asked_at = (waiting.asked_at if waiting is not None else None) or self._at
        return Enclosed(
            report=report,
            language=self._intake.language,
            steward=steward.name,
            steward_email=steward.email,
            reply_to=steward.email if mailbox is None else mailbox.address,
            annotated=self._store.read(back) if wanted else None,
            proposed=self._store.read(rows) if letter.kind == "ask" and self._store.exists(rows) else None,
            name=letter.name,
            came=waiting.came.at if waiting is not None else "",
            until=day_after(asked_at, mailbox.expire_after_days) if mailbox is not None else "",
            largest=str(LARGEST_MB),
            kind=self._source.line.format.kind.upper(),
        )


_SAID: Mapping[str, str] = {
    "ask": "the question whether its file may be published, with the answer",
    "nothing": "the answer; nothing of its file is fit to publish",
    "unread": "that its file cannot be used",
    "reminder": "a reminder that its file waits for a yes",
    "thanks": "thanks for its yes",
    "refused": "what to send instead",
    "same": "that its file is the same as before",
    "late": "that its yes came too late",
}


def _said(letter: Letter) -> str:
    count = len(letter.new)
    return f"{count} new problem{'' if count == 1 else 's'}" if letter.kind == "answer" else _SAID[letter.kind]
