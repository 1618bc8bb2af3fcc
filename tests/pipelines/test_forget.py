"""`glane forget`: no byte of the store or of Dagster's home tells of the person any more; no run brings it back."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from glane.store import FolderStore
from pipelines.catalogue import load_catalogue
from pipelines.forgetting.finding import find_person
from pipelines.forgetting.keeping import ROOMS
from pipelines.forgetting.plan import Plan, pending
from pipelines.forgetting.whole import forget
from pipelines.instance import open_instance
from pipelines.settings import load_settings
from pipelines.today import waiting_in
from publish.version import listed, load
from tests.mail_servers import ImapServer, SmtpServer
from tests.mails import mail
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons
from tests.pipelines.test_mailbox import Caen

MARKED = "Marqueplanté conseil"
SHORT = "Marqueplant"
ZOE = f"77,Chez {MARKED},75011\n"
AS = ("--as", "data protection officer", "--yes")
KNOWN = {"raw", "rows", "versions", "secret", "forgetting", "references", "today", *ROOMS}


def texts_in(path: Path) -> str:
    """All that a file says, whatever its kind."""
    data = path.read_bytes()
    if data.startswith(b"PAR1"):
        return pl.read_parquet(io.BytesIO(data)).write_json()
    if data.startswith(b"SQLite format 3"):
        # Every page of it, those of deleted rows and of its journal too.
        with closing(sqlite3.connect(path)) as database:
            names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = [str(row) for name in names for row in database.execute(f'SELECT * FROM "{name}"')]
        return "\n".join(rows) + data.decode("utf-8", "ignore")
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return data.decode("utf-8", "replace")


def holding(*roots: Path) -> list[str]:
    """The files that tell of the person, hidden ones among them."""
    files = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
    return [str(path) for path in files if SHORT.casefold() in texts_in(path).casefold()]


def rooms(commons: Commons) -> set[str]:
    return {path.name for path in Path(str(commons.settings.store)).iterdir() if not path.name.startswith(".")}


def test_no_byte_tells_of_a_person_who_is_forgotten_and_no_run_brings_them_back(commons: Commons, glane: Glane) -> None:
    store, home = Path(str(commons.settings.store)), commons.settings.dagster_home
    commons.source("bob", f"1,Le Quai,44000\n{ZOE}2,Autre,{SHORT}é-75011\n")
    assert glane("run", "lieux").code == 0
    own = commons.file(
        "bob", f"1,Le Quai,44000\n77,Chez {MARKED} et fils,75011\n2,Autre,{SHORT}é-75011\n3,Pont,69001\n"
    )
    assert glane("run", "lieux").code == 0
    assert rooms(commons) <= KNOWN
    assert holding(store)
    assert holding(home)
    numbers = [line.version for line in listed(FolderStore(store), "lieux")]

    looked = glane("forget", "lieux", "bob--77")
    assert (looked.code, "Nothing was touched" in looked.out) == (0, True)
    assert holding(store)
    assert glane("forget", "lieux", "bob--77", "--yes").code == 2
    done = glane("forget", "lieux", "bob--77", *AS)
    assert (done.code, done.err) == (0, done.err)
    answer = json.loads((store / "reports/lieux/bob/latest.json").read_bytes())
    assert [note["fr"] for note in answer["notes"] if "concernées : 3." in note["fr"]]
    # The row to be corrected is another one of theirs: it was never published, and has an id all the same.
    assert glane("forget", "lieux", "bob/2", *AS).code == 0
    assert holding(store, home, commons.settings.sources / "decisions") == []
    assert [line.version for line in listed(FolderStore(store), "lieux")] == numbers
    assert glane("verify").code == 0
    log = [json.loads(line) for line in (store / "log/forgotten/lieux.jsonl").read_text("utf-8").splitlines()]
    assert [(one["by"], one["versions"]) for one in log] == [
        ("data protection officer", numbers),
        ("data protection officer", []),
    ]

    # The partner's file still has the lines: they are not read, not kept, and the partner is told which.
    again = glane("run", "lieux")
    assert (again.code, [line.version for line in listed(FolderStore(store), "lieux")]) == (0, numbers)
    assert holding(store, home) == []
    own.write_text(own.read_text("utf-8") + "4,Nouveau,13001\n", encoding="utf-8")
    assert glane("run", "lieux").code == 0
    assert holding(store, home) == []
    version = load(FolderStore(store), "lieux", listed(FolderStore(store), "lieux")[-1].version)
    assert version.version not in numbers
    assert "bob--4" in (store / version.key / "lieux-places.csv").read_text("utf-8")
    answer = json.loads((store / "reports/lieux/bob/latest.json").read_bytes())
    assert [note["fr"] for note in answer["notes"] if "concernées : 3 ; 4." in note["fr"]]
    assert glane("verify").code == 0
    decided = (commons.settings.sources / "decisions/lieux.csv").read_text("utf-8")
    assert decided.count("forgotten,,#") == 2
    assert "bob" not in decided


@pytest.mark.long
def test_killed_at_any_step_a_forgetting_goes_on(commons: Commons, glane: Glane) -> None:
    store, home = FolderStore(Path(str(commons.settings.store))), commons.settings.dagster_home
    commons.source("bob", f"1,Le Quai,44000\n{ZOE}")
    assert glane("run", "lieux").code == 0
    entry = load_catalogue(load_settings(commons.environment()))["lieux"]
    plan = Plan(find_person(entry, store, "bob--77", None, at="2026-12-01T00:00:00+00:00"), "officer", "asked")
    killed: list[str] = []

    class KilledError(Exception):
        pass

    def before(step: str) -> None:
        if step not in killed:
            killed.append(step)
            raise KilledError

    with open_instance(home) as instance:
        while True:
            try:
                cut_off = pending(store, "lieux")
                forget(entry, store, home, instance, cut_off or plan, portal=None, say=lambda _: None, before=before)
                break
            except KilledError:
                assert glane("verify").code == 0
                waits = [one.kind for one in waiting_in(entry, store) if one.kind == "forgetting"]
                assert waits == (["forgetting"] if len(killed) > 1 else [])
    assert killed[:4] == ["plan", "decide", "files of bob", "rows of bob"]
    assert killed[-3:] == ["runs", "log", "end"]
    assert holding(store.root, home) == []
    assert len((store.root / "log/forgotten/lieux.jsonl").read_text("utf-8").splitlines()) == 1
    assert (pending(store, "lieux"), glane("verify").code) == (None, 0)
    for asked in ("bob--99", "nobody/1"):
        said = glane("forget", "lieux", asked)
        assert (said.code, "Nothing in lieux has the id" in said.err) == (2, True)


@pytest.mark.long
def test_a_workbook_loses_the_record_and_keeps_the_others(commons: Commons, glane: Glane) -> None:
    folder = commons.source("bob", None)
    book = openpyxl.Workbook()
    for row in (["numero", "nom", "cp"], ["1", "Le Quai", "44000"], ["77", f"Chez {MARKED}", "75011"]):
        book.active.append(row)
    book.save(folder / "lieux.xlsx")
    declared = (folder / "source.yaml").read_text("utf-8")
    declared = declared.replace("lieux.csv", "lieux.xlsx").replace(
        'kind: csv, encoding: utf-8, delimiter: ","', "kind: xlsx"
    )
    (folder / "source.yaml").write_text(declared, encoding="utf-8")
    assert glane("run", "lieux").code == 0
    assert glane("forget", "lieux", "bob--77", *AS).code == 0
    store = FolderStore(Path(str(commons.settings.store)))
    assert holding(store.root) == []
    (raw,) = [name for name in store.list("raw/lieux/bob") if len(name) == 64]
    sheet = openpyxl.load_workbook(io.BytesIO(store.read(f"raw/lieux/bob/{raw}"))).active
    cells = [[cell.value for cell in row] for row in sheet]
    assert cells[1:] == [["1", "Le Quai", "44000"]]
    assert (glane("run", "lieux").code, glane("verify").code, holding(store.root)) == (0, 0, [])


@pytest.mark.long
def test_a_mailed_file_that_waits_and_the_letter_on_its_way_are_without_them(
    commons: Commons, glane: Glane, imap: ImapServer, smtp: SmtpServer
) -> None:
    async def break_off(server: Any) -> None:
        server.transport.abort()

    caen, store = Caen(commons, imap, smtp), Path(str(commons.settings.store))
    smtp.after_mail = break_off
    caen(mail("Voici", ("lieux.csv", f"numero,nom,cp\na,L'Atelier,14000\nz,Chez {MARKED},14001\n".encode())))
    (letter,) = store.glob("mail/lieux/caen/*.eml")
    assert SHORT in letter_text(letter)
    assert {path.split("/")[-4] for path in holding(store)} >= {"raw", "reports"}
    assert glane("forget", "lieux", "caen/z", *AS).code == 0
    assert holding(store) == []
    assert list(store.glob("mail/lieux/caen/*.eml")) == []
    smtp.after_mail = None
    caen()
    assert holding(store) == []


def letter_text(path: Path) -> str:
    found = message_from_bytes(path.read_bytes(), policy=default)
    return "".join(part.get_content() for part in found.walk() if part.get_content_maintype() == "text")


def test_a_withdrawal_names_nobody_and_takes_the_row_out_of_the_next_version(commons: Commons, glane: Glane) -> None:
    commons.source("bob", f"1,Le Quai,44000\n{ZOE}")
    assert glane("run", "lieux").code == 0
    assert glane("withdraw", "lieux", "bob--77", "--as", "hub").code == 0
    decided = (commons.settings.sources / "decisions/lieux.csv").read_text("utf-8")
    assert (decided.count("withdrawal,,#"), "bob" in decided) == (1, False)
    assert glane("run", "lieux").code == 0
    store = FolderStore(Path(str(commons.settings.store)))
    version = load(store, "lieux", listed(store, "lieux")[-1].version)
    for file in version.files:
        assert SHORT not in texts_in(store.fetch(f"{version.key}/{file.path}")), file.path
