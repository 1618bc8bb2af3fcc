"""A partner who mails its file: over a real IMAP server and a real SMTP server on loopback, from its mail to what is
published, and back."""

import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import polars as pl
import pytest

from glane.store import Store, open_store
from pipelines.catalogue import Entry, load_catalogue
from pipelines.delivery import Delivery
from pipelines.intake import Intake, take_in
from pipelines.mail.channel import mail_answers
from schemas.rows import last_good
from sources.declaration import BrokenSource, Source
from sources.inbox import reading
from sources.inbox.senders import count_strangers
from tests.mail_servers import ImapServer, SmtpServer
from tests.mails import PARTNER, mail, zipped
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons
from tests.pipelines.test_mail import settings_of

OURS = "partage@glane.example"
MAILBOX = f"where: {{mailbox: {{address: {OURS}, senders: [{PARTNER}, direction@caen.example]}}}}"
GOOD = b"numero,nom,cp\na,L'Atelier,14000\nb,Le Grenier,14100\n"
BETTER = GOOD + b"c,Le Hangar,14200\n"
PARTLY = b"numero,nom,cp\na,L'Atelier,14000\nb,Le Grenier,1400\n"


class Caen:
    """The partner `caen` mails its file; each call is one run and the mails that follow from it."""

    def __init__(self, commons: Commons, imap: ImapServer, smtp: SmtpServer) -> None:
        commons.edit("caen", "where: {file: lieux.csv}", MAILBOX)
        self.commons, self.imap, self.smtp = commons, imap, smtp
        self.store: Store = open_store(commons.settings.store)
        self.last: Intake | None = None

    @property
    def entry(self) -> Entry:
        return load_catalogue(self.commons.settings)["lieux"]

    def __call__(self, *mails: EmailMessage | bytes, port: SmtpServer | None = None) -> list[Delivery]:
        """Deliver mails, run, and mail what is due."""
        self.imap.deliver(*mails)
        entry = self.entry
        self.last = take_in(entry.source("caen"), entry.dataset, self.store)
        smtp = settings_of(port or self.smtp, sender=OURS)
        return list(mail_answers(entry, [self.last], self.store, smtp=smtp))

    @property
    def published(self) -> list[str]:
        """The names of the rows that would go out."""
        found = last_good(self.store, "lieux", "caen")
        return [] if found is None else found[0]["nom"].to_list()

    @property
    def question(self) -> EmailMessage:
        """The last mail that we sent."""
        return self.smtp.taken[-1]

    @property
    def inbox(self) -> dict[str, Any]:
        found: Any = self.store.read_json("raw/lieux/caen/inbox.json")
        return dict(found)

    def days_pass(self, days: int) -> None:
        """The question was asked so many days earlier."""
        box = self.inbox
        at = datetime.fromisoformat(box["waiting"]["asked_at"]) - timedelta(days=days)
        box["waiting"]["asked_at"] = at.isoformat(timespec="seconds")
        self.store.write_json("raw/lieux/caen/inbox.json", box)


@pytest.fixture
def caen(commons: Commons, imap: ImapServer, smtp: SmtpServer) -> Caen:
    return Caen(commons, imap, smtp)


def _text(made: EmailMessage) -> str:
    part = made.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mailed_file_is_answered_with_what_would_be_published_and_published_after_the_yes(caen: Caen) -> None:
    sent = mail("Voici", ("lieux.csv", GOOD))
    (told,) = caen(sent)
    asked = caen.question
    assert caen.published == []
    assert (asked["To"], asked["Reply-To"], asked["In-Reply-To"]) == (PARTNER, OURS, sent["Message-ID"])
    assert asked["Auto-Submitted"] == "auto-replied"
    assert b"\r\nMessage-ID: <glane." in caen.smtp.raw[0]
    assert "2 lignes sont bonnes à publier" in _text(asked)
    assert "répondez à ce message en commençant par le mot oui" in _text(asked)
    files = {part.get_filename(): part.get_payload(decode=True) for part in asked.iter_attachments()}
    assert list(files) == ["a-publier.csv"]
    proposed = pl.read_csv(files["a-publier.csv"], infer_schema=False)  # type: ignore[arg-type]
    assert proposed["nom"].to_list() == ["L'Atelier", "Le Grenier"]
    assert "waits for the partner's yes" in " ".join(told.done)
    assert caen.last is not None
    assert "nous attendons votre oui" in caen.last.markdown
    assert caen() == [Delivery("lieux", "caen", told.done[1:])]
    caen(mail("Oui, merci", replies_to=asked))
    assert caen.published == ["L'Atelier", "Le Grenier"]
    assert caen.last.verdict is not None
    assert "nous attendons votre oui" not in caen.last.markdown
    assert caen.smtp.subjects[1:] == ["Lieux de caen : merci, votre fichier sera publié"]
    assert caen() == []
    # The very bytes are the snapshot, and nothing was done to the mail.
    assert caen.store.read(caen.last.snapshot.key) == GOOD  # type: ignore[union-attr]
    assert [b"FLAGS ()" in told for told in caen.imap.flags()] == [True, True]


def test_what_is_to_be_corrected_comes_back_with_the_question_and_is_told_once(caen: Caen) -> None:
    caen(mail("Voici", ("lieux.csv", PARTLY)))
    names = [part.get_filename() for part in caen.question.iter_attachments()]
    assert names == ["a-publier.csv", "a-corriger.xlsx"]
    assert "Une ligne est bonne à publier" in _text(caen.question)
    caen(mail("oui", replies_to=caen.question))
    assert caen.published == ["L'Atelier"]
    assert len(caen.smtp.taken) == 2


def test_the_last_good_rows_stay_until_the_yes_and_a_newer_file_takes_the_place_of_the_one_that_waits(
    caen: Caen,
) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    caen(mail("oui", replies_to=caen.question))
    caen(mail("Un de plus", ("lieux.csv", BETTER)))
    assert caen.published == ["L'Atelier", "Le Grenier"]
    old = caen.question
    caen(mail("Non, celui-ci", ("lieux.csv", BETTER + b"d,La Cave,14300\n")))
    assert caen.published == ["L'Atelier", "Le Grenier"]
    caen(mail("oui", replies_to=old))
    assert caen.published == ["L'Atelier", "Le Grenier"]
    assert caen.smtp.subjects[-1] == "Lieux de caen : votre oui est arrivé trop tard"
    newest = caen.smtp.taken[-2]
    caen(mail("oui", sender="direction@caen.example", replies_to=newest))
    assert caen.published == ["L'Atelier", "Le Grenier", "Le Hangar", "La Cave"]
    assert caen.question["To"] == "direction@caen.example"


def test_the_same_mail_twice_and_the_same_file_again_change_nothing(caen: Caen) -> None:
    sent = mail("Voici", ("lieux.csv", GOOD))
    caen(sent, sent)
    asked = caen.question
    assert len(caen.smtp.taken) == 1
    caen(mail("Encore", ("lieux.csv", GOOD)))
    assert caen.smtp.subjects[1:] == ["Lieux de caen : le même fichier que la dernière fois"]
    yes = mail("oui", replies_to=asked)
    caen(yes, yes)
    assert caen.smtp.subjects[2:] == ["Lieux de caen : merci, votre fichier sera publié"]
    caen(yes)
    caen(sent)
    assert len(caen.smtp.taken) == 3
    assert caen.published == ["L'Atelier", "Le Grenier"]


def test_a_folder_that_was_numbered_anew_is_not_answered_anew(caen: Caen) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    caen(mail("oui", replies_to=caen.question))
    before, count = caen.inbox, len(caen.smtp.taken)
    caen.imap.renumber()
    caen()
    assert caen.inbox["validity"] != before["validity"]
    assert (caen.inbox["taken"], caen.inbox["waiting"], len(caen.smtp.taken)) == (before["taken"], None, count)


def test_a_stranger_is_neither_opened_nor_answered(caen: Caen, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    whole = reading.MailFolder.whole

    def noted(folder: reading.MailFolder, uid: int) -> bytes | None:
        opened.append(uid)
        return whole(folder, uid)

    monkeypatch.setattr(reading.MailFolder, "whole", noted)
    strangers = ("x@evil.example", f"faux-{PARTNER}", f"{PARTNER} <x@evil.example>", f"{PARTNER}, x@evil.example")
    told = caen(*(mail("Voici", ("lieux.xlsm", b"PK\x03\x04"), ("l.csv", GOOD), sender=one) for one in strangers))
    assert (opened, caen.smtp.connections, caen.inbox["waiting"], told) == ([], 0, None, [])
    assert caen.last is not None
    assert caen.last.error is not None
    assert f"mail its file to {OURS}" in caen.last.error.remedy
    caen(mail("Voici", ("lieux.csv", GOOD)))
    caen(mail("oui", sender="x@evil.example", replies_to=caen.question))
    assert caen.published == []
    assert len(caen.smtp.taken) == 1


def test_a_yes_without_our_token_is_none_whoever_its_from_header_names(caen: Caen) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    (told,) = caen(mail("oui", subject="Re: votre fichier"), mail("Oui [0123456789abcdef]"))
    assert caen.published == []
    assert "1 mail of the partner with neither a file nor a yes: read what it says" in told.done
    assert caen.smtp.subjects[1:] == ["Lieux de caen : votre oui est arrivé trop tard"]


def test_a_sender_whom_our_server_did_not_confirm_is_not_opened(caen: Caen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANE_IMAP_PROVES", "mx.glane.example")
    forged = "mx.glane.example; dmarc=fail header.from=caen.example"
    (told,) = caen(mail("Voici", ("lieux.csv", GOOD), Authentication_Results=forged))
    assert (caen.inbox["waiting"], caen.smtp.connections) == (None, 0)
    assert told.done == ("1 mail whose sender our mail server did not confirm, not opened",)
    caen(mail("Voici", ("lieux.csv", GOOD), Authentication_Results=forged.replace("fail", "pass")))
    assert caen.inbox["waiting"] is not None


@pytest.mark.parametrize(
    "headers", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<x>"}, {"Return_Path": "<>"}]
)
def test_what_a_program_sent_is_never_answered_nor_taken_for_a_yes(caen: Caen, headers: dict[str, str]) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    (told,) = caen(mail("oui", replies_to=caen.question, **headers), mail("Voici", ("lieux.csv", BETTER), **headers))
    assert caen.published == []
    assert len(caen.smtp.taken) == 1
    assert "2 mails that a program sent, not opened" in told.done
    # Our own mails, should a rule bring them back to us, are no news either.
    caen(caen.smtp.raw[0])
    assert len(caen.smtp.taken) == 1


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("lieux.xlsm", b"PK\x03\x04")], "« lieux.xlsm » contient des macros, que nous n'ouvrons jamais."),
        ([("winmail.dat", b"\x78\x9f\x3e\x22")], "Dans Outlook, choisissez le format HTML ou texte brut"),
        ([("a.csv", GOOD), ("b.csv", BETTER)], "Envoyez-en un seul par message."),
        ([("lieux.pdf", b"%PDF")], "« lieux.pdf » n'est pas un fichier du format convenu (CSV)."),
        ([("l.zip", zipped(a__csv=GOOD, b__csv=BETTER))], "Joignez ce fichier seul, sans archive."),
        ([("lieux.csv", b"")], "« lieux.csv » est vide."),
    ],
)
def test_what_cannot_be_taken_is_answered_once_with_what_to_send_instead(
    caen: Caen, files: list[tuple[str, bytes]], said: str
) -> None:
    caen(mail("Voici", *files))
    caen()
    (answer,) = caen.smtp.taken
    assert answer["Subject"] == "Lieux de caen : nous n'avons pas pris votre envoi"
    assert said in _text(answer)
    assert caen.inbox["waiting"] is None


def test_a_mail_that_is_too_large_is_not_fetched(caen: Caen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.inbox.reading.MAIL_MAX", 2000)
    monkeypatch.setattr(reading.MailFolder, "whole", lambda *_: pytest.fail("fetched"))
    caen(mail("Voici", ("lieux.csv", GOOD * 100)))
    assert "Votre message est trop lourd (plus de 25 Mo)." in _text(caen.question)


def test_pictures_in_a_mail_are_nothing_and_a_zip_with_one_table_is_one(caen: Caen) -> None:
    caen(mail("Voici", ("logo.png", b"\x89PNG"), ("lieux.zip", zipped(lieux__csv=GOOD))))
    assert "2 lignes sont bonnes à publier" in _text(caen.question)
    caen(mail("oui", ("image001.png", b"\x89PNG"), replies_to=caen.question))
    assert caen.published == ["L'Atelier", "Le Grenier"]


def test_a_file_that_cannot_be_used_is_answered_once_and_what_stands_stays(caen: Caen) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    caen(mail("oui", replies_to=caen.question))
    caen(mail("Voici", ("autre.csv", b"autre,chose\n1,2\n")))
    caen()
    assert caen.published == ["L'Atelier", "Le Grenier"]
    assert caen.smtp.subjects[2:] == ["Lieux de caen : nous n'avons pas pu lire votre fichier"]
    caen(mail("Voici", ("lieux.csv", b"numero,nom,cp\na,,14000\n")))
    caen()
    assert caen.smtp.subjects[3:] == ["Lieux de caen : rien à publier pour l'instant"]
    caen(mail("oui", replies_to=caen.question))
    assert caen.published == ["L'Atelier", "Le Grenier"]


def test_there_is_one_reminder_then_it_is_the_stewards_matter_and_the_file_may_come_again(caen: Caen) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    asked = caen.question
    caen.days_pass(8)
    caen()
    caen()
    assert caen.smtp.subjects[1:] == [
        f"Lieux de caen : votre fichier attend votre oui [{caen.inbox['waiting']['token']}]"
    ]
    caen.days_pass(30)
    (told,) = caen()
    assert told.done == (
        f"lieux.csv of {datetime.now(UTC).date()} was never agreed to: ask the partner, who may send it again",
    )
    assert caen.last is not None
    assert caen.last.error is not None
    caen(mail("oui", replies_to=asked))
    assert caen.published == []
    caen(mail("Encore", ("lieux.csv", GOOD)))
    caen(mail("oui", replies_to=caen.question))
    assert caen.published == ["L'Atelier", "Le Grenier"]


def test_a_question_that_could_not_be_mailed_is_mailed_by_a_later_run(caen: Caen) -> None:
    caen.smtp.recipient = lambda _: "451 later"
    (told,) = caen(mail("Voici", ("lieux.csv", GOOD)))
    assert "451 later" in told.problems[0].what
    assert caen.inbox["waiting"]["asked_at"] is None
    caen.smtp.recipient = lambda _: None
    caen()
    assert len(caen.smtp.taken) == 1
    assert caen.inbox["waiting"]["asked_at"] is not None


def test_who_sent_what_is_not_kept(caen: Caen) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD), subject="Anne Durand"))
    caen(mail("oui, Anne Durand", replies_to=caen.question))
    root = caen.commons.settings.store
    kept = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}  # type: ignore[union-attr]
    assert [path for path, data in kept.items() if b"Durand" in data or PARTNER.encode() in data] == []


def test_a_mailbox_that_cannot_be_read_is_a_failed_read_that_names_no_secret(
    caen: Caen, monkeypatch: pytest.MonkeyPatch
) -> None:
    caen(mail("Voici", ("lieux.csv", GOOD)))
    caen(mail("oui", replies_to=caen.question))
    for name, value, said in (
        ("GLANE_IMAP_PASSWORD", "wrong secret", "refuses the user or the password"),
        ("GLANE_IMAP_PORT", "9", "cannot be read"),
        ("SSL_CERT_FILE", "", "is not trusted"),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            if name == "SSL_CERT_FILE":
                patched.delenv(name)
            entry = caen.entry
            failed = take_in(entry.source("caen"), entry.dataset, caen.store)
        assert failed.error is not None
        assert said in failed.error.what
        assert "secret" not in str(failed.error)
    assert caen.published == ["L'Atelier", "Le Grenier"]


def test_glane_run_asks_publishes_after_the_yes_and_says_who_is_waited_for(
    caen: Caen, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"HOST": "127.0.0.1", "PORT": str(caen.smtp.port), "SECURITY": "none", "SENDER": OURS}
    for name, value in values.items():
        monkeypatch.setenv(f"GLANE_SMTP_{name}", value)
    caen.imap.deliver(mail("Voici", ("lieux.csv", GOOD)))
    said = glane("run")
    assert said.code == 0, said
    assert f"mailed to {PARTNER}: the question" in said.out
    assert "lieux.csv waits for the partner's yes" in said.out
    assert "waits for the partner's yes, asked for on" in glane("source", "list").out
    listed = {one["partner"]: one["mailed"] for one in json.loads(glane("source", "list", "--json").out)}
    assert (listed["angers"], listed["caen"]["standing"], listed["caen"]["file"]) == (None, "waits", "lieux.csv")
    caen.imap.deliver(mail("oui", replies_to=caen.question))
    outcome = json.loads(glane("run", "--json").out)
    (source,) = (one for one in outcome["datasets"][0]["sources"] if one["partner"] == "caen")
    assert (source["state"], source["published"]) == ("ok", 2)


def test_mails_of_strangers_are_counted_and_only_their_from_header_is_asked_for(
    caen: Caen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading.MailFolder, "whole", lambda *_: pytest.fail("opened"))
    monkeypatch.setattr(reading.MailFolder, "head", lambda *_: pytest.fail("opened"))
    sources = [source for source in caen.entry.sources if isinstance(source, Source)]
    caen.imap.deliver(mail(sender="old@evil.example"))
    assert count_strangers(sources, caen.store) == 0
    strangers = ("x@evil.example", f"{PARTNER}, x@evil.example", f"{PARTNER} <x@evil.example>")
    caen.imap.deliver(*(mail(sender=one) for one in strangers), mail(), mail(sender=OURS))
    assert [count_strangers(sources, caen.store) for _ in range(2)] == [3, 0]
    kept: Any = caen.store.read_json("mail/strangers.json")
    assert (kept["INBOX"]["mails"], "evil" in str(kept)) == (3, False)


def test_two_sources_that_one_sender_writes_for_need_folders_of_their_own(caen: Caen) -> None:
    caen.commons.edit("brest", "where: {file: lieux.csv}", MAILBOX)
    brest, found = (caen.entry.source(partner) for partner in ("brest", "caen"))
    assert isinstance(brest, Source)
    assert isinstance(found, BrokenSource)
    assert "source.yaml:6: where.mailbox: donnees@caen.example writes to the folder 'INBOX'" in found.error.what
    caen.commons.edit("caen", "address:", "folder: Caen, address:")
    assert isinstance(caen.entry.source("caen"), Source)


def test_a_mailbox_whose_partner_may_not_be_mailed_is_a_wrong_declaration(caen: Caen) -> None:
    caen.commons.edit("caen", "licence:", "mail: off\nlicence:")
    found = caen.entry.source("caen")
    assert isinstance(found, BrokenSource)
    assert "mail: off" in found.error.what


def test_a_file_that_lost_most_of_its_rows_is_published_after_the_yes_of_one_who_saw_it(caen: Caen) -> None:
    many = b"numero,nom,cp\n" + b"".join(b"%d,Lieu %d,14%03d\n" % (n, n, n) for n in range(40))
    caen(mail("Voici", ("lieux.csv", many)))
    caen(mail("oui", replies_to=caen.question))
    caen(mail("Moins", ("lieux.csv", GOOD)))
    assert len(caen.published) == 40
    caen(mail("oui", replies_to=caen.question))
    assert caen.published == ["L'Atelier", "Le Grenier"]


def test_without_a_mail_server_the_steward_is_told_that_nobody_can_be_asked(caen: Caen) -> None:
    caen.imap.deliver(mail("Voici", ("lieux.csv", GOOD)))
    entry = caen.entry
    intake = take_in(entry.source("caen"), entry.dataset, caen.store)
    (told,) = mail_answers(entry, [intake], caen.store, smtp=None)
    assert "GLANE_SMTP_HOST" in told.problems[0].remedy
    assert caen.published == []
