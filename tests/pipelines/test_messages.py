"""What a reader writes about a published row, over a real IMAP server on loopback: from the row's address to the
steward, the partner's answer, and its end."""

import io
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from glane.store import Store, open_store
from pipelines.catalogue import load_catalogue
from pipelines.intake import take_in
from pipelines.mail.planning import open_problems
from pipelines.release import make_version
from publish.formats.delimited import read_csv
from schemas.report import SourceReport, last_report
from schemas.report_text import to_markdown
from tests.mail_servers import ImapServer
from tests.mails import mail
from tests.pipelines.conftest import Glane
from tests.pipelines.material import SCHEMA, Commons

READER = "lectrice@exemple.example"
FIELDS: list[Any] = [
    *SCHEMA["fields"],
    {"name": "source", "type": "string"},
    {"name": "signaler", "type": "string", "format": "uri"},
]
TABLE = """\
    provided: {source: partner, signaler: error_address}
    geometry: {latitude: code_postal, longitude: code_postal, name: nom}
"""


class Lieux:
    """The dataset `lieux` with an address in each row, and readers who write to it."""

    def __init__(self, commons: Commons, glane: Glane, imap: ImapServer) -> None:
        self.commons, self.glane, self.imap = commons, glane, imap
        folder = commons.settings.schemas / "lieux"
        text = (folder / "dataset.yaml").read_text(encoding="utf-8")
        (folder / "dataset.yaml").write_text(text + TABLE, encoding="utf-8")
        schema = {**SCHEMA, "fields": FIELDS}
        (folder / "places.schema.json").write_text(json.dumps(schema), encoding="utf-8")
        self.store: Store = open_store(commons.settings.store)
        self.folder = Path(str(commons.settings.store))

    def run(self) -> tuple[str, ...]:
        """Judge every partner's file and make a version, as a run does; what a steward is warned of."""
        entry = load_catalogue(self.commons.settings)["lieux"]
        for partner in entry.partners:
            take_in(entry.source(partner), entry.dataset, self.store)
        return make_version(entry, self.store).built.warnings

    @property
    def rows(self) -> dict[str, dict[str, str]]:
        versions = json.loads((self.folder / "versions/lieux/versions.json").read_text("utf-8"))
        folder = self.folder / "versions" / "lieux" / versions["versions"][-1]["version"]
        return {row["id"]: row for row in read_csv(folder / "lieux-places.csv").iter_rows(named=True)}

    def subject(self, identifier: str) -> str:
        """The subject of the mail that a reader's program begins."""
        (subject,) = parse_qs(urlsplit(self.rows[identifier]["signaler"]).query)["subject"]
        return subject

    def write(
        self, identifier: str, text: str, subject: str | None = None, html: str | None = None, submitted: str = "no"
    ) -> EmailMessage:
        to, named = urlsplit(self.rows[identifier]["signaler"]).path, subject or self.subject(identifier)
        return mail(text, sender=READER, to=to, subject=named, html=html, Auto_Submitted=submitted)

    @property
    def waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.glane("review", "lieux", "--json").out)
        return [one for one in found if one["kind"] == "message"]

    @property
    def kept(self) -> dict[str, Any]:
        found: Any = self.store.read_json("messages/lieux.json")
        return dict(found)

    def answer(self, partner: str) -> SourceReport:
        found = last_report(self.store, "lieux", partner)
        assert found is not None
        return found


@pytest.fixture
def lieux(commons: Commons, glane: Glane, imap: ImapServer) -> Lieux:
    found = Lieux(commons, glane, imap)
    found.run()
    return found


def test_a_reader_is_heard_by_the_steward_and_the_partner_until_the_row_changes(
    lieux: Lieux, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lieux.rows["angers--2"]["signaler"] == "mailto:communs@example.org?subject=lieux%201.0.0%20angers--2"
    words = (
        "Bonjour,\nLa Boussole a déménagé. Écrivez-moi : jeanne.martin@gmail.com ou 06 12 34 56 78.\n-- \nJeanne Martin"
    )
    lieux.imap.deliver(lieux.write("angers--2", words))
    lieux.run()
    (message,) = lieux.waiting
    said = "Bonjour, La Boussole a déménagé. Écrivez-moi : ••• ou •••."
    assert (message["id"], message["name"], message["version"], message["text"], message["partners"]) == (
        "angers--2", "La Boussole", "1.0.0", said, ["angers"],
    )  # fmt: skip
    bytes_kept = lieux.store.read("messages/lieux.json").decode()
    assert not any(part in bytes_kept for part in (READER, "jeanne", "Martin", "12 34"))
    today = glane("today").out
    assert "1 message of readers about rows that they find wrong." in " ".join(today.split())
    assert lieux.answer("angers").published is not None
    assert "lecteur" not in to_markdown(lieux.answer("angers"), "fr")

    monkeypatch.setattr("sys.stdin", io.StringIO("p\n"))
    shown = glane("review", "lieux", "--as", "coordination").out
    assert said in shown
    assert "La Boussole" in shown
    lieux.run()
    answer = lieux.answer("angers")
    day = message["at"][:10]
    line = f"de votre ligne 3 (La Boussole), le {day[8:].lstrip('0')}"
    assert line in to_markdown(answer, "fr")
    assert "A reader says of your line 3 (La Boussole)" in to_markdown(answer, "en")
    assert "Een lezer zegt over uw regel 3 (La Boussole)" in to_markdown(answer, "nl")
    assert said in to_markdown(answer, "fr")
    assert sum("A reader says" in text.en for text in open_problems(answer, None).values()) == 1
    assert "lecteur" not in to_markdown(lieux.answer("brest"), "fr")
    assert lieux.waiting == []

    lieux.commons.file("angers", "1,Le Fil,49000\n2,La Boussole (nouvelle adresse),49100\n")
    lieux.run()
    assert (lieux.kept["messages"], lieux.kept["closed"]) == ([], {"changed": 1})
    assert "lecteur" not in to_markdown(lieux.answer("angers"), "fr")


def test_a_steward_corrects_on_a_readers_word_or_dismisses_it(
    lieux: Lieux, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lieux.imap.deliver(lieux.write("angers--2", "C'est La Grande Boussole"), lieux.write("brest--8", "spam"))
    lieux.run()
    monkeypatch.setattr("sys.stdin", io.StringIO("c\nnom\nLa Grande Boussole\nx\n"))
    said = glane("review", "lieux", "--as", "coordination")
    assert said.out.splitlines()[-1] == "2 decided, 0 wait. Follow them with: glane run lieux"
    assert lieux.kept["closed"] == {"corrected": 1, "dismissed": 1}
    assert lieux.rows["angers--2"]["nom"] == "La Boussole"
    lieux.run()
    assert lieux.rows["angers--2"]["nom"] == "La Grande Boussole"
    decided = (lieux.commons.settings.sources / "decisions" / "lieux.csv").read_text(encoding="utf-8")
    assert "correction,,angers--2,,nom,La Boussole,La Grande Boussole,coordination," in decided
    assert glane("review", "lieux").out == "Nothing waits in lieux.\n"


def test_what_is_left_for_later_waits_and_a_row_that_leaves_takes_its_messages_along(
    lieux: Lieux, glane: Glane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lieux.imap.deliver(lieux.write("brest--8", "fermé"))
    lieux.run()
    monkeypatch.setattr("sys.stdin", io.StringIO("\nq\n"))
    assert glane("review", "lieux", "--as", "coordination").out.endswith(
        "0 decided, 1 wait. Follow them with: glane run lieux\n"
    )
    decisions = lieux.commons.settings.sources / "decisions" / "lieux.csv"
    decisions.parent.mkdir(exist_ok=True)
    decisions.write_text(
        "kind,table,id,other,field,seen,value,by,on,until,why\n"
        "withdrawal,,brest--8,,,,,coordination,2026-11-22,,asked for\n"
    )
    lieux.run()
    assert (lieux.kept["messages"], lieux.kept["closed"]) == ([], {"gone": 1})


def test_a_message_about_a_row_that_became_one_with_another_is_about_that_one(lieux: Lieux) -> None:
    (head,) = {"angers--1", "brest--7"} & lieux.rows.keys()
    (other,) = {"angers--1", "brest--7"} - {head}
    subject = lieux.subject(head).replace(head, other)
    lieux.imap.deliver(lieux.write(head, "fermé le lundi", subject=f"Re: {subject}"))
    lieux.run()
    assert [one["id"] for one in lieux.waiting] == [head]


def test_what_no_person_wrote_names_no_row_or_comes_too_often_is_counted_and_never_answered(
    lieux: Lieux, glane: Glane
) -> None:
    declared = lieux.commons.settings.schemas / "lieux" / "dataset.yaml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(f"errors: {{address: communs@example.org, per_day: 7}}\n{text}", encoding="utf-8")
    machine = lieux.write("angers--2", "Je suis absente", submitted="auto-replied")
    nothing = lieux.write("angers--2", "?", subject="lieux 1.0.0 angers--99")
    unrelated = mail("Bonjour", sender=READER, subject="Vos lieux")
    floods = [lieux.write("angers--2", f"encore {number}") for number in range(7)]
    others = [
        lieux.write(
            "brest--8",
            "faux",
        )
        for _ in range(4)
    ]
    for number, one in enumerate(others):
        one.replace_header("From", f"autre{number}@exemple.example")
    lieux.imap.deliver(machine, nothing, unrelated, *floods, *others)
    lieux.run()
    # Five of one writer, seven in all.
    assert len(lieux.waiting) == 7
    assert lieux.kept["left_out"] == {"automatic": 1, "unknown": 1, "many": 4}
    before = lieux.store.read("messages/lieux.json")
    lieux.run()
    assert lieux.store.read("messages/lieux.json") == before
    said = " ".join(glane("today").out.split())
    assert "6 mails of readers left out (1 sent by a program, 4 too many in a day, 1 name no published row)" in said


def test_whatever_a_mail_says_stays_words(lieux: Lieux, glane: Glane, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = lieux.write("angers--2", "[bold red]x[/]\x1b[31m | `rm` <script>alert(1)</script> " + "y" * 5000)
    html = lieux.write("brest--8", "", html="<p>Le nom est <b>faux</b></p><script>alert(1)</script>")
    html.set_payload(html.get_payload()[1:])  # type: ignore[index]
    lieux.imap.deliver(wild, html)
    lieux.run()
    told = {one["id"]: one["text"] for one in lieux.waiting}
    assert len(told["angers--2"]) == 600
    assert "\x1b" not in told["angers--2"]
    assert told["brest--8"] == "Le nom est faux"
    monkeypatch.setattr("sys.stdin", io.StringIO("p\np\n"))
    assert "[bold red]x[/]" in glane("review", "lieux", "--as", "coordination").out
    lieux.run()
    page = (lieux.folder / "reports/lieux/angers/latest.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page


def test_a_mailbox_that_cannot_be_read_stops_no_version(lieux: Lieux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLANE_IMAP_PASSWORD", "another")
    lieux.commons.file("brest", "7,Le Fil,49000\n8,Le Grand Phare,29200\n")
    (said,) = lieux.run()
    assert said.startswith("What readers wrote about lieux was not read: The mail server 127.0.0.1")
    assert lieux.rows["brest--8"]["nom"] == "Le Grand Phare"


def test_messages_that_are_damaged_are_told_of_and_stop_no_version(lieux: Lieux, glane: Glane) -> None:
    lieux.store.write("messages/lieux.json", b"{")
    lieux.run()
    assert "What readers wrote about lieux cannot be read" in " ".join(glane("today").out.split())
