"""Answers by mail, against a real SMTP server on loopback: once a distinct problem, never lost, and never twice where
that can be helped."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.errors import CallError
from glane.store import Store, open_store
from glane.text import Text
from pipelines.catalogue import Entry, load_catalogue
from pipelines.delivery import Delivery
from pipelines.intake import Intake, take_in
from pipelines.mail.box import Known
from pipelines.mail.channel import mail_answers
from pipelines.mail.planning import answer_due, settled
from pipelines.mail.settings import SmtpSettings, smtp_settings
from schemas.report import SourceReport
from tests.mail_servers import Authority, Loop, SmtpServer, start_smtp
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons

TO = "donnees@caen.example"


def settings_of(server: SmtpServer, **more: Any) -> SmtpSettings:
    values: dict[str, Any] = {"security": "none", "sender": "communs@glane.example", "wait": 2.0, "wait_end": 2.0}
    return SmtpSettings("127.0.0.1", server.port, **{**values, **more})


class Answered:
    """One partner's run after run, and what is mailed of it."""

    def __init__(self, commons: Commons) -> None:
        self.commons = commons
        self.store: Store = open_store(commons.settings.store)

    def __call__(self, server: SmtpServer | SmtpSettings, *partners: str) -> list[Delivery]:
        smtp = server if isinstance(server, SmtpSettings) else settings_of(server)
        entry = self.entry
        taken = [self.taken(partner) for partner in partners or ("caen",)]
        return list(mail_answers(entry, taken, self.store, smtp=smtp))

    @property
    def entry(self) -> Entry:
        return load_catalogue(self.commons.settings)["lieux"]

    def taken(self, partner: str) -> Intake:
        entry = self.entry
        return take_in(entry.source(partner), entry.dataset, self.store)

    def box(self, partner: str = "caen") -> dict[str, Any]:
        found: Any = self.store.read_json(f"mail/lieux/{partner}/box.json")
        return dict(found)

    def age(self, **ago: float) -> None:
        """Let time pass: the letter on its way was handed over so long ago."""
        box = self.box()
        box["handed"]["at"] = (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="seconds")
        self.store.write_json("mail/lieux/caen/box.json", box)


@pytest.fixture
def answered(commons: Commons) -> Answered:
    return Answered(commons)


def _part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_a_partner_is_mailed_its_answer_as_text_page_and_workbook(answered: Answered, smtp: SmtpServer) -> None:
    (delivery,) = answered(smtp)
    (mail,) = smtp.taken
    assert (delivery.partner, delivery.problems) == ("caen", ())
    assert delivery.done == (f"mailed to {TO}: 1 new problem",)
    assert smtp.envelopes == [("communs@glane.example", [TO])]
    assert (mail["To"], mail["From"]) == (TO, "Les communs <communs@glane.example>")
    assert (mail["Reply-To"], mail["Auto-Submitted"]) == ("communs@example.org", "auto-generated")
    assert mail["Subject"] == "Lieux de caen : des points à corriger dans votre fichier"
    text, page = _part(mail, "plain"), _part(mail, "html")
    assert text.startswith("Bonjour,\n\nNous avons examiné votre fichier « Lieux de caen ».")
    assert "# Lieux de caen : réponse du" in text
    assert "communs@example.org" in text
    assert "<p>Bonjour,</p>" in page
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "a-corriger.xlsx"
    book = openpyxl.load_workbook(BytesIO(attached.get_payload(decode=True)))  # type: ignore[arg-type]
    assert book.worksheets[0].cell(3, 3).value == "1400"


def test_a_problem_is_mailed_once_and_a_new_one_when_it_comes(answered: Answered, smtp: SmtpServer) -> None:
    answered(smtp)
    assert answered(smtp) == []
    answered.commons.file("caen", "a,L'Atelier,14000\nb,Le Grenier,1400\nc,,14200\n")
    answered(smtp)
    assert answered(smtp) == []
    first, second = smtp.taken
    assert first["Message-ID"] != second["Message-ID"]
    assert "- " in _part(second, "plain").split("Notre réponse entière")[0]


def test_a_solved_problem_makes_no_mail_and_is_said_in_the_next(answered: Answered, smtp: SmtpServer) -> None:
    answered(smtp)
    answered.commons.file("caen", "a,L'Atelier,14000\nb,Le Grenier,14100\n")
    assert answered(smtp) == []
    answered.commons.file("caen", "a,L'Atelier,14000\nb,Le Grenier,14100\nc,,14200\n")
    answered(smtp)
    answered.commons.file("caen", "a,L'Atelier,14000\nb,Le Grenier,1400\nc,,14200\n")
    answered(smtp)
    first, second, third = (_part(mail, "plain") for mail in smtp.taken)
    assert "Ce qui suit est réglé, merci :" not in first
    assert "Ce qui suit est réglé, merci :" in second
    assert "Ce qui suit est réglé, merci :" not in third


def test_a_partner_without_problems_or_without_address_or_with_mail_off_is_not_mailed(
    answered: Answered, smtp: SmtpServer
) -> None:
    assert answered(smtp, "angers", "brest") == []
    answered.commons.edit("caen", "licence:", "mail: off\nlicence:")
    assert answered(smtp) == []
    answered.commons.edit("caen", "mail: off\n", "")
    answered.commons.edit("caen", ", email: donnees@caen.example", "")
    assert answered(smtp) == []
    assert smtp.connections == 0


def test_a_partner_is_answered_in_its_language(answered: Answered, smtp: SmtpServer) -> None:
    answered.commons.edit("caen", "licence:", "language: en\nlicence:")
    answered(smtp)
    assert smtp.subjects == ["Places of caen: points to correct in your file"]
    assert "Bonjour" not in _part(smtp.taken[0], "plain")


def test_a_refused_address_is_told_and_tried_again_once_it_is_corrected(answered: Answered, smtp: SmtpServer) -> None:
    smtp.recipient = lambda to: "550 5.1.1 no such user" if to == TO else None
    (told,) = answered(smtp)
    (again,) = answered(smtp)
    assert told.done == again.done == ()
    assert told.problems[0].what == f"The mail server refuses the mail to {TO}: 550 5.1.1 no such user."
    assert "contact.email" in told.problems[0].remedy
    assert again.problems[0].what == told.problems[0].what
    assert smtp.connections == 1
    answered.commons.edit("caen", TO, "numerique@caen.example")
    answered(smtp)
    assert smtp.envelopes == [("communs@glane.example", ["numerique@caen.example"])]
    assert answered(smtp) == []


def test_an_address_with_letters_of_its_language_is_mailed_to_and_one_that_nobody_can_mail_to_is_told(
    answered: Answered, smtp: SmtpServer
) -> None:
    answered.commons.edit("caen", TO, "donnees@économie-caen.example")
    answered(smtp)
    assert smtp.envelopes == [("communs@glane.example", ["donnees@xn--conomie-caen-9db.example"])]
    answered.commons.edit("caen", "donnees@économie-caen.example", "données@caen.example")
    answered.commons.file("caen", "a,,14000\n")
    (told,) = answered(smtp)
    assert "'données@caen.example' is no address that a mail server takes." in told.problems[0].what
    assert len(smtp.taken) == 1


@pytest.mark.parametrize("at", ["recipient", "mail"])
def test_a_mail_that_is_put_off_is_sent_by_a_later_run(answered: Answered, smtp: SmtpServer, at: str) -> None:
    setattr(smtp, at, lambda _: "451 4.7.1 try later")
    (told,) = answered(smtp)
    assert "451 4.7.1 try later" in told.problems[0].what
    assert smtp.taken == []
    setattr(smtp, at, lambda _: None)
    answered(smtp)
    assert len(smtp.taken) == 1
    assert answered(smtp) == []
    assert answered.box()["handed"] is None


def test_a_problem_that_was_solved_before_the_server_took_the_mail_is_never_mailed(
    answered: Answered, smtp: SmtpServer
) -> None:
    smtp.recipient = lambda _: "451 later"
    answered(smtp)
    answered.commons.file("caen", "a,L'Atelier,14000\n")
    smtp.recipient = lambda _: None
    assert answered(smtp) == []
    assert smtp.taken == []


def test_one_partner_who_is_refused_keeps_no_other_from_being_answered(answered: Answered, smtp: SmtpServer) -> None:
    answered.commons.file("brest", "7,Le Fil,490\n")
    smtp.recipient = lambda to: "550 no" if "brest" in to else None
    told = answered(smtp, "brest", "caen")
    assert [(one.partner, len(one.done), len(one.problems)) for one in told] == [("brest", 0, 1), ("caen", 1, 0)]


def test_a_letter_at_which_the_server_breaks_off_keeps_no_other_back_and_twice_is_enough(
    answered: Answered, smtp: SmtpServer
) -> None:
    answered.commons.file("angers", "1,,49000\n")
    answered.commons.file("brest", "7,Le Fil,490\n")
    smtp.mail = lambda to: "421 4.3.2 closing" if "angers" in to else None
    told = answered(smtp, "angers", "brest", "caen")
    assert [(one.partner, len(one.done), len(one.problems)) for one in told] == [
        ("angers", 0, 1),
        ("brest", 1, 0),
        ("caen", 1, 0),
    ]
    answered.commons.file("brest", "7,,29000\n")
    smtp.mail = lambda to: None if "caen" in to else "421 4.3.2 closing"
    told = answered(smtp, "angers", "brest", "caen")
    assert [(one.partner, len(one.problems)) for one in told] == [("angers", 1), ("", 1)]


def test_after_a_mail_whose_taking_was_not_heard_a_run_mails_no_more(answered: Answered, smtp: SmtpServer) -> None:
    async def break_off(server: Any) -> None:
        server.transport.abort()

    answered.commons.file("brest", "7,Le Fil,490\n")
    smtp.after_mail = break_off
    (told,) = answered(smtp, "brest", "caen")
    assert (told.partner, "mails no more" in told.problems[0].remedy, len(smtp.taken)) == ("brest", True, 1)
    smtp.after_mail = None
    (told,) = answered(smtp, "brest", "caen")
    assert (told.partner, len(told.done), len(smtp.taken)) == ("caen", 1, 2)


def test_a_mail_whose_taking_was_not_heard_is_sent_once_more_under_its_number_and_never_a_third_time(
    answered: Answered, smtp: SmtpServer
) -> None:
    async def break_off(server: Any) -> None:
        server.transport.abort()
        await asyncio.sleep(0.1)

    smtp.after_mail = break_off
    (told,) = answered(smtp)
    assert "may have taken it" in told.problems[0].what
    # Another run, at once: that mail may still be in the first one's hands.
    assert answered(smtp) == []
    answered.age(minutes=16)
    (told,) = answered(smtp)
    assert "may have taken it" in told.problems[0].what
    answered.age(minutes=16)
    (told,) = answered(smtp)
    assert "It is not sent again" in told.problems[0].remedy
    assert answered(smtp) == []
    assert len(smtp.raw) == 2
    assert smtp.raw[0] == smtp.raw[1]
    assert not list(Path(answered.commons.settings.store).glob("mail/**/*.eml"))


def test_a_mail_that_is_sent_once_more_and_taken_is_done(answered: Answered, smtp: SmtpServer) -> None:
    async def break_off(server: Any) -> None:
        server.transport.abort()

    smtp.after_mail = break_off
    answered(smtp)
    smtp.after_mail = None
    answered.age(minutes=16)
    (told,) = answered(smtp)
    assert (len(told.done), told.problems) == (1, ())
    assert answered(smtp) == []
    assert smtp.taken[0]["Message-ID"] == smtp.taken[1]["Message-ID"]


def test_a_run_killed_before_the_end_of_a_mail_has_sent_nothing_and_the_next_sends_it(
    answered: Answered, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.mail.box.Kept.keep", killed)
        with pytest.raises(KilledError):
            answered(smtp)
    assert smtp.taken == []
    answered(smtp)
    assert len(smtp.taken) == 1


_CHILD = """
import pathlib, sys
from tests.pipelines.material import Commons
from tests.pipelines.test_mail import Answered, settings_of
from tests.mail_servers import SmtpServer
from pipelines.settings import Settings
root = pathlib.Path(sys.argv[1])
commons = Commons(root, Settings(root / "store", root / "sources", root / "schemas", root / "dagster"))
Answered(commons)(settings_of(SmtpServer(int(sys.argv[2])), wait=60.0, wait_end=60.0))
"""


@pytest.mark.parametrize("at", ["recipient", "taken"])
def test_a_process_killed_while_it_mails_loses_nothing_and_mails_twice_only_what_nobody_can_know(
    answered: Answered, smtp: SmtpServer, at: str
) -> None:
    """Killed before the end of the mail: the server has none, the next run sends it. Killed when the server has taken
    it and has not said so: once more after a quarter of an hour, the same bytes."""
    killed: list[int] = []

    def kill() -> None:
        os.kill(child.pid, signal.SIGKILL)
        killed.append(child.wait())

    async def after_mail(_: Any) -> None:
        kill()

    def recipient(_: str) -> None:
        kill()

    if at == "taken":
        smtp.after_mail = after_mail
    else:
        smtp.recipient = recipient
    command = [sys.executable, "-c", _CHILD, str(answered.commons.root), str(smtp.port)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as child:
        child.wait(timeout=120)
    assert killed == [-signal.SIGKILL]
    smtp.after_mail, smtp.recipient = None, lambda _: None
    told = answered(smtp)
    if at == "recipient":
        assert (len(told), len(smtp.taken)) == (1, 1)
        return
    assert (told, len(smtp.taken)) == ([], 1)
    answered.age(minutes=16)
    assert len(answered(smtp)) == 1
    assert smtp.raw[0] == smtp.raw[1]
    assert answered(smtp) == []


def test_of_two_runs_at_once_one_mails(answered: Answered, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.mail import box

    keep = box.Kept.keep
    other: list[list[Delivery]] = []

    def overtaken(kept: box.Kept, value: box.Box) -> None:
        if value.handed is not None and not other:
            # Just before the end of our mail another run does the whole of the same.
            other.append([])
            other[0] = answered(smtp)
        keep(kept, value)

    monkeypatch.setattr("pipelines.mail.box.Kept.keep", overtaken)
    assert answered(smtp) == []
    assert [len(delivery.done) for delivery in other[0]] == [1]
    assert len(smtp.taken) == 1


def test_a_server_that_cannot_be_used_is_told_once_for_all_and_nothing_is_lost(
    answered: Answered, smtp: SmtpServer
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = settings_of(smtp)
        dead = SmtpSettings(nobody.host, taken.getsockname()[1], nobody.security, nobody.sender, wait=1)
        answered.commons.file("brest", "7,Le Fil,490\n")
        (told,) = answered(dead, "brest", "caen")
    assert (told.partner, len(told.problems)) == ("", 1)
    assert "Nothing is lost" in told.problems[0].remedy
    answered(smtp, "brest", "caen")
    assert sorted(mail["To"] for mail in smtp.taken) == ["donnees@brest.example", TO]


def test_a_server_that_hangs_is_given_up_in_time(answered: Answered, smtp: SmtpServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        usual = settings_of(smtp)
        hung = SmtpSettings(usual.host, silent.getsockname()[1], usual.security, usual.sender, wait=0.2)
        (told,) = answered(hung)
    assert "it does not answer" in told.problems[0].what


def test_tls_is_spoken_with_a_server_that_is_trusted_and_with_no_other(
    answered: Answered, mail_loop: Loop, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {
        "starttls": start_smtp(mail_loop, starttls=authority.server),
        "tls": start_smtp(mail_loop, tls=authority.server),
    }
    for security, server in both.items():
        (told,) = answered(settings_of(server, security=security))
        assert "is not trusted" in told.problems[0].what
        assert server.taken == []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    answered(settings_of(both["starttls"], security="starttls"))
    assert len(both["starttls"].taken) == 1
    answered.commons.file("caen", "a,,14000\n")
    answered(settings_of(both["tls"], security="tls"))
    assert len(both["tls"].taken) == 1


def test_the_user_logs_in_under_tls_and_a_wrong_password_is_said_without_it(
    answered: Answered, mail_loop: Loop, authority: Authority, trusted: Path
) -> None:
    server = start_smtp(mail_loop, starttls=authority.server)
    server.passwords["glane"] = "very secret"
    wrong = settings_of(server, security="starttls", user="glane", password="wrong secret")
    (told,) = answered(wrong)
    assert "refuses the user or the password" in told.problems[0].what
    assert "secret" not in f"{told} {wrong}"
    answered(settings_of(server, security="starttls", user="glane", password="very secret"))
    assert len(server.taken) == 1


def test_a_source_that_cannot_be_fetched_is_mailed_about_after_three_runs_in_a_row_and_once(
    answered: Answered, smtp: SmtpServer
) -> None:
    path = answered.commons.settings.sources / "lieux" / "caen" / "lieux.csv"
    kept = path.read_bytes()
    path.unlink()
    assert [len(answered(smtp)) for _ in range(5)] == [0, 0, 1, 0, 0]
    assert "Nous n'avons pas pu aller chercher votre fichier." in _part(smtp.taken[0], "plain")
    path.write_bytes(kept)
    answered(smtp)
    path.unlink()
    assert [len(answered(smtp)) for _ in range(3)] == [0, 0, 1]


def test_a_file_that_cannot_be_read_is_mailed_about_at_once_and_once_for_those_bytes(
    answered: Answered, smtp: SmtpServer
) -> None:
    path = answered.commons.settings.sources / "lieux" / "caen" / "lieux.csv"
    path.write_text("autre,chose\n1,2\n", encoding="utf-8")
    assert [len(answered(smtp)) for _ in range(3)] == [1, 0, 0]
    path.write_text("encore,autre\n1,2\n", encoding="utf-8")
    assert [len(answered(smtp)) for _ in range(2)] == [1, 0]


def test_what_is_wrong_with_our_own_declaration_is_no_partners_affair(answered: Answered, smtp: SmtpServer) -> None:
    answered(smtp)
    answered.commons.edit("caen", "licence: etalab-2.0", "licence: none-such")
    assert [len(answered(smtp)) for _ in range(4)] == [0, 0, 0, 0]


def test_glane_run_prints_what_was_mailed_and_what_could_not_be(
    commons: Commons, glane: Glane, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    commons.file("brest", "7,Le Fil,490\n")
    smtp.recipient = lambda to: "550 no such user" if "brest" in to else None
    values = {"HOST": "127.0.0.1", "PORT": str(smtp.port), "SECURITY": "none", "SENDER": "communs@glane.example"}
    for name, value in values.items():
        monkeypatch.setenv(f"GLANE_SMTP_{name}", value)
    said = glane("run")
    assert said.code == 0, said
    assert f"mailed to {TO}: 1 new problem" in said.out
    assert "look at The mail server refuses the mail to donnees@brest.example: 550 no such user." in said.out
    sources = json.loads(glane("run", "--json").out)["datasets"][0]["sources"]
    assert {source["partner"]: len(source["unanswered"]) for source in sources} == {"angers": 0, "brest": 1, "caen": 0}
    assert len(smtp.taken) == 1


def test_a_mail_server_that_is_declared_wrongly_is_a_wrong_call_that_says_what_to_write() -> None:
    right = {"GLANE_SMTP_HOST": "mail.example", "GLANE_SMTP_SENDER": "Les communs <communs@glane.example>"}
    found = smtp_settings(right)
    assert found is not None
    assert (found.port, found.security, found.sender, found.sender_name) == (
        587,
        "starttls",
        "communs@glane.example",
        "Les communs",
    )
    assert smtp_settings({}) is None
    for wrong in (
        {"GLANE_SMTP_SENDER": ""},
        {"GLANE_SMTP_SECURITY": "ssl"},
        {"GLANE_SMTP_SECURITY": "none"},
        {"GLANE_SMTP_PORT": "smtp"},
        {"GLANE_SMTP_USER": "glane"},
    ):
        with pytest.raises(CallError):
            smtp_settings({**right, **wrong})


_TEXT = Text(fr="x", en="x")
_JUDGED = SourceReport.model_validate(
    {
        "about": {"dataset": "d", "table": "t", "partner": "p", "title": {"fr": "x", "en": "x"}, "organisation": "o"},
        "run_at": "2026-11-22T00:00:00+00:00",
        "state": "judged",
    }
)


@given(st.lists(st.sets(st.sampled_from("abcdef")), max_size=12))
def test_every_problem_is_told_when_it_comes_and_not_while_it_lasts(runs: list[set[str]]) -> None:
    known, numbers = Known(), []
    before: set[str] = set()
    for found in runs:
        problems = dict.fromkeys(sorted(found), _TEXT)
        known = settled(known, _JUDGED, problems)
        letter = answer_due("d/p", "to@p.example", known, problems, "2026-11-22T00:00:00+00:00")
        assert (letter is not None) == bool(found - before)
        if letter is not None:
            assert len(letter.new) == len(found - before)
            numbers.append(letter.number)
            known = letter.then
        assert set(known.told) == found
        before = found
    assert len(set(numbers)) == len(numbers)
