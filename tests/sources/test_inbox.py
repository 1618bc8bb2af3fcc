"""What mails say, pure: headers, files, a yes; and what a mailbox's state becomes."""

import io
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import count

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.inbox.attachments import Attachment, Chosen, choose, safe_name
from sources.inbox.consent import Came, Inbox, Incoming, mailed, passed, received, reminder_due
from sources.inbox.header import read_header
from sources.inbox.message import new_text, read_body
from tests.mails import mail, zipped

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TYPES = {"[Content_Types]__xml": b""}
CSV = b"numero,nom,cp\n1,Le Fil,14000\n"


def workbook() -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["numero", "nom"])  # type: ignore[union-attr]
    book.save(buffer)
    return buffer.getvalue()


def header_of(made: EmailMessage, proves: str | None = None) -> tuple[str | None, bool, bool | None]:
    found = read_header(made.as_bytes(), proves)
    return found.sender, found.automatic, found.proven


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "auto-replied"),
        ("Auto-Submitted", "auto-generated; owner-email=a@b.example"),
        ("Precedence", "bulk"),
        ("Precedence", "list"),
        ("List-Id", "<liste.caen.example>"),
        ("Return-Path", "<>"),
        ("X-Autoreply", "yes"),
    ],
)
def test_what_a_program_or_a_list_sends_is_known(name: str, value: str) -> None:
    assert header_of(mail(**{name: value}))[1]


def test_a_bounce_is_known_and_a_persons_mail_is_not_taken_for_one() -> None:
    bounce = b"From: Mail Delivery System <MAILER-DAEMON@caen.example>\nSubject: Undelivered\n\n"
    assert read_header(bounce).automatic
    report = b"From: donnees@caen.example\nContent-Type: multipart/report; boundary=x\n\n"
    assert read_header(report).automatic
    assert header_of(mail(Auto_Submitted="no", Return_Path="<donnees@caen.example>")) == (
        "donnees@caen.example",
        False,
        None,
    )


@pytest.mark.parametrize(
    "author",
    [
        "a@caen.example, donnees@caen.example",
        '"donnees@caen.example" <x@evil.example>',
        "donnees@caen.example <x@evil.example>",
        "donnees@caen.example@evil.example",
        "donnees@caen.example.evil.example",
        "=?utf-8?q?donnees=40caen=2Eexample?= <x@evil.example>",
        "",
    ],
)
def test_no_trick_in_the_from_header_makes_another_sender_of_it(author: str) -> None:
    assert read_header(f"From: {author}\nSubject: x\n\n".encode()).sender != "donnees@caen.example"


def test_two_from_headers_are_no_sender() -> None:
    assert read_header(b"From: donnees@caen.example\nFrom: x@evil.example\n\n").sender is None


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        ("mx.glane.example; dmarc=pass header.from=caen.example", True),
        ("mx.glane.example; spf=pass smtp.mailfrom=donnees@caen.example", True),
        ("mx.glane.example; dkim=pass header.d=caen.example", True),
        ("mx.glane.example 1; dkim=fail; dmarc=pass (p=none) header.from=caen.example", True),
        ("mx.glane.example; dmarc=fail header.from=caen.example", False),
        ("mx.glane.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=x@evil.example", False),
        ("mx.evil.example; dmarc=pass header.from=caen.example", False),
        ("", False),
    ],
)
def test_only_our_own_servers_word_proves_a_sender(said: str, proven: bool) -> None:
    made = mail(**({"Authentication_Results": said} if said else {}))
    assert header_of(made, "mx.glane.example")[2] is proven
    assert header_of(made)[2] is None


def test_a_word_of_our_server_that_the_mail_brought_itself_is_not_believed() -> None:
    forged = b"Authentication-Results: mx.glane.example; dmarc=pass header.from=caen.example\n"
    ours = b"Authentication-Results: mx.glane.example; dmarc=fail header.from=caen.example\n"
    assert read_header(ours + forged + b"From: donnees@caen.example\n\n", "mx.glane.example").proven is False


def _chosen(*files: tuple[str, bytes], kind: str = "csv", match: str = "*") -> Chosen:
    return choose(read_body(mail("Bonjour", *files).as_bytes()).attachments, kind, match)  # type: ignore[arg-type]


def test_the_one_table_of_a_mail_is_taken_byte_for_byte() -> None:
    beside = (("logo.png", b"\x89PNG"), ("signature.p7s", b"x"), ("rendez-vous.ics", b"x"), ("lettre.pdf", b"%PDF"))
    chosen = _chosen(("lieux.csv", CSV), *beside)
    assert chosen.file is not None
    assert (chosen.file.name, chosen.file.data, chosen.reasons) == ("lieux.csv", CSV, ())
    assert _chosen(("lieux.csv", CSV), ("copie.csv", CSV)).file is not None
    assert _chosen(("lieux.csv", CSV), ("autre.csv", CSV + b"2,x,14000\n"), match="lieux*").file is not None
    assert _chosen(("a.xlsx", workbook()), kind="xlsx").file is not None
    assert _chosen(("a.xls", OLE + b"x" * 600), kind="xls").file is not None
    assert _chosen(("a.zip", zipped(lieux__csv=CSV, lisezmoi__txt=b"x"))).file is not None
    assert _chosen(*beside[:3]) == Chosen()


@pytest.mark.parametrize(
    ("files", "kind", "reasons"),
    [
        ([("lieux.xlsm", b"PK\x03\x04")], "xlsx", ("macros:lieux.xlsm",)),
        (
            [("lieux.xlsx", zipped(**{"[Content_Types]__xml": b"", "xl/vbaProject__bin": b""}))],
            "xlsx",
            ("macros:lieux.xlsx",),
        ),
        (
            [("l.xlsx", zipped(**{"[Content_Types]__xml": b"", "xl/macrosheets/s__xml": b""}))],
            "xlsx",
            ("macros:l.xlsx",),
        ),
        ([("l.xls", OLE + "_VBA_PROJECT".encode("utf-16-le"))], "xls", ("macros:l.xls",)),
        ([("l.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"))], "xlsx", ("locked:l.xlsx",)),
        ([("l.xls", OLE)], "xlsx", ("kind:l.xls",)),
        ([("l.doc", OLE)], "xls", ("kind:l.doc",)),
        ([("winmail.dat", b"\x78\x9f\x3e\x22")], "csv", ("winmail",)),
        ([("l.pdf", b"%PDF")], "csv", ("kind:l.pdf",)),
        ([("l.csv", b" \n")], "csv", ("empty:l.csv",)),
        ([("a.csv", CSV), ("b.csv", CSV + b"2,b,14000\n")], "csv", ("several",)),
        ([("l.zip", zipped(a__csv=CSV, b__csv=CSV))], "csv", ("archive:l.zip",)),
        ([("l.zip", zipped(inner__zip=zipped(a__csv=CSV)))], "csv", ("archive:l.zip",)),
        ([("l.zip", zipped(a__xlsm=b"PK\x03\x04"))], "xlsx", ("macros:a.xlsm",)),
        ([("l.zip", b"PK\x03\x04 damaged")], "csv", ("archive:l.zip",)),
        ([("lieux.csv", CSV), ("outil.xlsm", b"PK\x03\x04")], "csv", ("macros:outil.xlsm",)),
    ],
)
def test_what_is_not_taken_is_refused_with_its_reason(
    files: list[tuple[str, bytes]], kind: str, reasons: tuple[str, ...]
) -> None:
    assert _chosen(*files, kind=kind) == Chosen(reasons=reasons)


def test_a_name_that_would_be_a_path_or_a_header_is_only_a_name() -> None:
    assert [
        safe_name(name) for name in ("../../etc/passwd", "C:\\temp\\a.csv", "a\r\nBcc: x.csv", "..", "x" * 300 + ".csv")
    ] == [
        "passwd",
        "a.csv",
        "a__Bcc_ x.csv",
        "",
        "x" * 80 + ".csv",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "oui",
        "Oui, merci !",
        "OUI\n\nCordialement,\nAnne",
        "ok",
        "Ok pour nous.",
        "Ja, prima",
        "yes please",
        "\n\n  Oui.\n\n-----Message d'origine-----\nDe : Glane\nmais pas ceci ?",
        "Oui\n\nLe dim. 22 nov. 2026 à 10:00, Les communs <x@y.example> a\nécrit :\n> non ?",
        "Yes\nOn Sun, 22 Nov 2026, Les communs wrote:\n> not now",
        "Oui\n________________________________\nDe : Les communs",
    ],
)
def test_a_yes_is_the_first_word_of_the_new_text(text: str) -> None:
    assert read_body(mail(text).as_bytes()).says_yes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bonjour, oui",
        "Non",
        "oui ?",
        "Oui, mais corrigez d'abord la ligne 4",
        "ok, attendez lundi",
        "Yes, except row 3",
        "Ouille",
        "> oui",
        "Le dim. 22 nov. 2026, Les communs a écrit :\n> oui",
        "Merci de votre message.\n\nOui",
    ],
)
def test_what_is_not_plainly_a_yes_is_none(text: str) -> None:
    assert not read_body(mail(text).as_bytes()).says_yes


def test_a_yes_in_html_alone_is_read_without_what_it_quotes() -> None:
    made = EmailMessage()
    made.set_content(
        "<html><head><style>p{}</style></head><body><p>Oui</p><blockquote>mais non ?</blockquote></body></html>",
        subtype="html",
    )
    assert read_body(made.as_bytes()).says_yes


@given(st.binary(max_size=400))
def test_no_bytes_stop_the_reader(data: bytes) -> None:
    read_header(data, "mx")
    read_body(b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + data)
    choose([Attachment("a.zip", "", b"PK\x03\x04" + data), Attachment("b.xls", "", OLE + data)], "xls")


@given(st.text(max_size=300))
def test_new_text_is_a_beginning_of_the_text(text: str) -> None:
    assert "\n".join(text.splitlines()).strip().startswith(new_text(text))


NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def incoming(
    number: int, file: str | None = None, *, yes: str | None = None, reasons: tuple[str, ...] = ()
) -> Incoming:
    at = NOW.isoformat()
    came = Came(sha256=file * 64, bytes=1, name=f"{file}.csv", at=at, by="me", message_id="<m>") if file else None
    tokens = frozenset({yes} if yes else ())
    return Incoming(f"mail {number}", at, "me", "<m>", came, (), yes is not None, tokens)


def tokens() -> list[str]:
    return [f"token-{number}" for number in range(100)]


def run(*mails: Incoming, inbox: Inbox | None = None) -> Inbox:
    made, inbox = iter(tokens()), inbox or Inbox()
    for one in mails:
        inbox = received(inbox, one, lambda: next(made))
    return inbox


def test_a_file_waits_and_is_taken_with_the_yes_to_its_own_question() -> None:
    waits = run(incoming(1, "a"))
    assert (waits.standing, waits.taken) == ("waits", None)
    taken = run(incoming(1, "a"), incoming(2, yes="token-0"))
    assert taken.taken is not None
    assert (taken.standing, taken.taken.name, [due.occasion for due in taken.due]) == ("taken", "a.csv", ["thanks"])


def test_a_newer_file_takes_the_place_of_the_one_that_waits_and_a_yes_to_the_old_question_does_nothing() -> None:
    state = run(incoming(1, "a"), incoming(2, "b"), incoming(3, yes="token-0"))
    assert state.waiting is not None
    assert (state.standing, state.taken, state.waiting.came.name) == ("waits", None, "b.csv")
    assert [due.occasion for due in state.due] == ["late"]


def test_the_same_mail_again_changes_nothing_and_the_same_file_asks_nothing_anew() -> None:
    once = run(incoming(1, "a"))
    assert run(incoming(1, "a"), inbox=once) == once
    again = run(incoming(2, "a"), inbox=once)
    assert (again.waiting, [due.reasons for due in again.due]) == (once.waiting, [("waiting",)])
    agreed = run(incoming(2, "a", yes="token-0"), inbox=once)
    assert agreed.standing == "taken"


def test_a_yes_with_another_file_is_no_yes_to_either() -> None:
    state = run(incoming(1, "a"), incoming(2, "b", yes="token-0"))
    assert (state.standing, state.taken) == ("waits", None)


def test_sending_what_is_published_gives_up_what_waits() -> None:
    state = run(incoming(1, "a"), incoming(2, yes="token-0"), incoming(3, "b"), incoming(4, "a"))
    assert (state.standing, state.waiting) == ("taken", None)
    assert state.due[-1].reasons == ("published",)


def test_there_is_one_reminder_and_then_the_file_expires_and_no_yes_brings_it_back() -> None:
    asked = mailed(run(incoming(1, "a")), "token-0", NOW.isoformat())
    days = {day: NOW + timedelta(days=day) for day in (1, 7, 29, 30)}
    assert [reminder_due(asked, day, 7) for day in days.values()] == [False, True, True, True]
    reminded = mailed(asked, "token-0", days[7].isoformat(), reminder=True)
    assert not reminder_due(reminded, days[29], 7)
    assert passed(reminded, days[29], 30) == reminded
    gone = passed(reminded, days[30], 30)
    assert gone.standing == "expired"
    late = run(incoming(2, yes="token-0"), inbox=gone)
    assert (late.taken, late.due[-1].occasion) == (None, "late")
    assert run(incoming(3, "a"), inbox=gone).standing == "waits"


def test_what_was_never_asked_never_expires() -> None:
    assert passed(run(incoming(1, "a")), NOW + timedelta(days=1000), 30).standing == "waits"


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.sampled_from("abc")),
        st.tuples(st.just("yes"), st.sampled_from(tokens()[:4])),
        st.tuples(st.just("days"), st.integers(1, 40)),
        st.tuples(st.just("other"), st.just("")),
    ),
    max_size=15,
)


@given(_steps)
def test_nothing_is_ever_taken_without_a_yes_to_the_question_about_that_very_file(
    steps: list[tuple[str, object]],
) -> None:
    numbers, made = count(), iter(tokens())
    inbox, now = Inbox(), NOW
    asked: dict[str, str] = {}
    for what, value in steps:
        before = inbox
        if what == "days":
            now += timedelta(days=int(str(value)))
            inbox = passed(inbox, now, 30)
        else:
            file, yes = (str(value) if what == name else None for name in ("file", "yes"))
            inbox = received(inbox, incoming(next(numbers), file, yes=yes), lambda: next(made))
        if inbox.waiting is not None and inbox.waiting.token not in asked:
            asked[inbox.waiting.token] = inbox.waiting.came.sha256
            inbox = mailed(inbox, inbox.waiting.token, now.isoformat())
        if inbox.taken != before.taken:
            assert what == "yes"
            assert inbox.taken is not None
            assert inbox.taken.sha256 == asked[str(value)]
            assert before.waiting is not None
            assert before.waiting.token == value
