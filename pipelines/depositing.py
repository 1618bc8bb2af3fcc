"""Answers partners in their deposits on our portal, and finds that portal for the harvest.

Belongs here: which deposits are due an answer, and what it is made of. Does not belong here: putting it there
(publish/ckan/deposit.py), reading what was uploaded (sources/fetch/deposit.py), the answer itself (schemas/report.py).

An answer is put there once for each file judged and each failure of another kind: not where nothing changed. What the
portal refused is put there by the next run.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath

from glane.errors import DataError, GlaneError
from glane.store import Store
from pipelines.catalogue import Entry
from pipelines.delivery import Delivery
from pipelines.given_back import cleaned_key
from pipelines.intake import Intake
from pipelines.settings import PortalSettings
from publish.ckan.address import PortalAddress, read_address
from publish.ckan.api import Api
from publish.ckan.deposit import Answer, AnswerFile, put_answer
from schemas.deposit import Answered, keep_answered, last_answered
from schemas.phrases import words_in
from schemas.report import SourceReport, annotated_key
from schemas.speaker import Speaker
from sources.declaration import Source
from sources.fetch.deposit import FindOwnPortal, OwnPortal

FindPortal = Callable[[], PortalSettings | None]


def own_portal(find_portal: FindPortal) -> FindOwnPortal:
    """Where the harvest finds our own portal; it raises AddressError where its token cannot be read."""

    def find() -> OwnPortal | None:
        address = _address(find_portal())
        return None if address is None else OwnPortal(address.url, address.token)

    return find


def deposit_answers(
    entry: Entry, intakes: Sequence[Intake], store: Store, *, find_portal: FindPortal
) -> Iterator[Delivery]:
    """Put what is due of each intake into its source's deposit. Raises AddressError."""
    due = [found for intake in intakes if (found := _due(entry, intake, store)) is not None]
    address = _address(find_portal()) if due else None
    if address is None:
        return
    with ExitStack() as stack:
        api = stack.enter_context(Api(address))
        for one in due:
            yield _deliver(one, api, store)


@dataclass(frozen=True)
class _Due:
    """An answer that its deposit does not hold yet; `told` says what of, `former` are the files of the last one."""

    deposit: str
    intake: Intake
    told: str
    former: Mapping[str, str]


def told_of(report: SourceReport) -> str:
    """What an answer speaks of: the judgement of a file, or a kind of failure. The same again is no other answer."""
    if report.failure is None:
        return f"judged {report.judged}"
    why = f"{report.failure.step}\n{report.failure.what}"
    return f"failed {hashlib.sha256(why.encode()).hexdigest()}"


def _due(entry: Entry, intake: Intake, store: Store) -> _Due | None:
    source = entry.source(intake.partner)
    if not isinstance(source, Source) or source.line.where.deposit is None:
        return None
    if intake.error is not None and not isinstance(intake.error, DataError):
        # The deposit could not be read, or a declaration is wrong: the steward is told, and the partner can do nothing.
        return None
    deposit, told = source.line.where.deposit.dataset, told_of(intake.report)
    last = last_answered(store, intake.dataset, intake.partner)
    if last is not None and (last.deposit, last.told) == (deposit, told):
        return None
    return _Due(deposit, intake, told, last.files if last is not None else {})


def _deliver(due: _Due, api: Api, store: Store) -> Delivery:
    intake, sent_before = due.intake, api.sent_bytes
    name, title = f"{intake.dataset}/{intake.partner}", intake.report.about.title[intake.language]
    try:
        answer = Answer(due.deposit, name, title, _line(intake), _files(intake, store), due.former)
        put = put_answer(api, answer)
        keep_answered(store, intake.dataset, intake.partner, Answered(due.deposit, due.told, put.files))
    except GlaneError as error:
        return Delivery(intake.dataset, intake.partner, problems=(error,), sent=api.sent_bytes - sent_before)
    left = f", without what the portal finds too large: {'; '.join(put.left_out)}" if put.left_out else ""
    done = f"answered in its deposit, {put.url}{left}"
    return Delivery(intake.dataset, intake.partner, done=(done,), sent=api.sent_bytes - sent_before)


def _files(intake: Intake, store: Store) -> list[AnswerFile]:
    """The files of the answer, named in the partner's language."""
    words, date = words_in("deposit", intake.language), Speaker(intake.language).date(intake.report.run_at)
    dataset, partner = intake.dataset, intake.partner
    keys = {
        "page": f"reports/{dataset}/{partner}/latest.html",
        "annotated": annotated_key(dataset, partner),
        "cleaned": cleaned_key(dataset, partner),
        "data": f"reports/{dataset}/{partner}/latest.json",
    }
    if intake.report.failure is not None:
        # They are of a file before this one.
        del keys["annotated"], keys["cleaned"]
    return [
        AnswerFile(
            kind,
            words["title"].format(what=words[kind], date=date),
            words[f"file-{kind}"] + PurePosixPath(key).suffix,
            store.fetch(key),
            needed=kind in ("page", "data"),
        )
        for kind, key in keys.items()
        if store.exists(key)
    ]


def _line(intake: Intake) -> str:
    """One line for the deposit's notes: the date, the counts or why there are none, and what to read."""
    say, words, report = Speaker(intake.language), words_in("deposit", intake.language), intake.report
    date, title = say.date(report.run_at), words["page"]
    if report.failure is not None:
        return words["failed"].format(date=date, why=say(f"failed-{report.failure.step}"), title=title)
    assert report.counts is not None, "a file that was judged was counted"
    counts = report.counts
    return words["judged"].format(
        date=date,
        rows=say.count("row", counts.rows_in),
        passed=say.number(counts.passed),
        to_correct=say.number(counts.to_correct),
        on_hold=say.number(counts.on_hold),
        title=title,
    )


def _address(known: PortalSettings | None) -> PortalAddress | None:
    return None if known is None else read_address(known.url, known.token_file, known.organisation, known.public_store)
