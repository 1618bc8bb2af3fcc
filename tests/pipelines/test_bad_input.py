"""A broken or odd file, and the whole of what its partner is answered; the last good rows stay."""

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from glane.store import open_store
from pipelines.catalogue import load_catalogue
from pipelines.contributing import contributions_of
from pipelines.intake import Intake, take_in
from pipelines.visits import visited
from schemas.dataset import Dataset
from schemas.expectations.approvals import Approval, add_approval
from schemas.report_text import to_markdown
from schemas.rows import last_good
from sources.fetch.http import Patience
from tests.pipelines.material import Commons, three_partners

HASTY = Patience(attempts=1, wait_first=0, read=5, whole=10)
ROWS = "".join(f"{number},Lieu {number},49{number:03}\n" for number in range(40))


@pytest.fixture
def commons(tmp_path: Path) -> Commons:
    return three_partners(tmp_path)


def take(commons: Commons, partner: str = "brest") -> Intake:
    entry = load_catalogue(commons.settings)["lieux"]
    return take_in(entry.source(partner), entry.dataset, open_store(commons.settings.store), patience=HASTY)


def kept(commons: Commons) -> int:
    found = last_good(open_store(commons.settings.store), "lieux", "brest")
    return len(found[0]) if found else 0


def brought(commons: Commons) -> list[str]:
    entry = load_catalogue(commons.settings)["lieux"]
    assert isinstance(entry.dataset, Dataset)
    return [c.partner for c in contributions_of(entry, entry.dataset, open_store(commons.settings.store))]


@pytest.fixture
def answer() -> Iterator[Callable[..., str]]:
    """A server that gives one answer for ever, its length as declared."""
    running: list[ThreadingHTTPServer] = []
    said: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(said["status"])
            self.send_header("Content-Length", str(said["length"]))
            self.end_headers()
            self.wfile.write(said["body"])

        def log_message(self, *_: Any) -> None:
            pass

    def start(body: bytes, *, status: int = 200, length: int | None = None) -> str:
        said.update(body=body, status=status, length=len(body) if length is None else length)
        if not running:
            httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
            running.append(httpd)
        return f"http://127.0.0.1:{running[0].server_port}/lieux.csv"

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


GOOD = b"numero,nom,cp\n" + ROWS.encode()
BAD = {
    "failed": ({"body": b"", "status": 500}, "fetch", "answered 500"),
    "empty": ({"body": b""}, "fetch", "gave an empty file"),
    "truncated": ({"body": GOOD[:200], "length": len(GOOD)}, "fetch", "broke off before the whole file had come"),
    "cut where nobody says so": ({"body": GOOD[:-8]}, "read", "the file looks cut short"),
    "a web page": ({"body": b"<html><h1>Maintenance</h1></html>"}, "fetch", "gave a web page or XML instead of CSV"),
    "shrunken": ({"body": GOOD[: GOOD.index(b"\n9,") + 1]}, "read", "and held 40 the last time: it lost more than 50%"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_bad_answer_of_a_server_is_a_failed_read_until_the_bound_on_staleness(
    case: tuple[dict[str, Any], str, str], commons: Commons, answer: Callable[..., str]
) -> None:
    served, step, said = case
    commons.source("brest", url=answer(GOOD))
    assert (take(commons).error, kept(commons)) == (None, 40)
    answer(**served)
    failed = take(commons).report
    assert failed.failure is not None
    assert (failed.state, failed.failure.step, failed.last_good, failed.failing_runs) == ("failed", step, 40, 1)
    assert said in failed.failure.what
    assert (kept(commons), brought(commons)) == (40, ["brest"])
    text = to_markdown(failed, "fr")
    assert "vos dernières lignes bonnes à publier restent en place : 40 lignes" in text
    # It is asked again at its cadence, and what stays is published until the declared bound, no longer.
    assert visited(load_catalogue(commons.settings)["lieux"].source("brest"), open_store(commons.settings.store))
    key = Path(commons.settings.store) / "reports" / "lieux" / "brest" / "latest.json"
    report = json.loads(key.read_text(encoding="utf-8"))
    key.write_text(json.dumps(report | {"stale_since": "2020-01-01T00:00:00+00:00"}), encoding="utf-8")
    assert brought(commons) == []
    answer(GOOD)
    healed = take(commons)
    assert (healed.error, healed.report.failing_runs, brought(commons)) == (None, 0, ["brest"])


def test_a_file_that_really_shrank_is_taken_once_it_is_said_to(commons: Commons) -> None:
    commons.file("brest", ROWS)
    take(commons)
    found = hashlib.sha256(commons.file("brest", "1,Lieu,49000\n").read_bytes()).hexdigest()[:16]
    assert str(take(commons).error) == (
        "lieux.csv holds 1 rows, and held 40 the last time: it lost more than 50%. Ask the partner whether the export "
        f"is whole. If it is, let it pass, and run again: glane approve lieux/brest {found} --as ROLE --why REASON"
    )
    assert kept(commons) == 40
    approval = Approval(found, "brest", "coordination", date(2026, 11, 22), None, "The partner says so.")
    add_approval(load_catalogue(commons.settings)["lieux"].approvals, approval)
    assert (take(commons).error, kept(commons)) == (None, 1)
    commons.file("brest", "1,Lieu,49000\n2,Autre,49100\n")
    assert (take(commons).error, kept(commons)) == (None, 2)


def test_few_rows_may_become_fewer(commons: Commons) -> None:
    commons.file("brest", "".join(ROWS.splitlines(keepends=True)[:10]))
    take(commons)
    commons.file("brest", "1,Lieu,49000\n")
    assert (take(commons).error, kept(commons)) == (None, 1)


def workbook(*rows: list[Any], merged: str = "") -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells(merged)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_a_workbook_as_people_make_them_is_answered_in_clear_sentences(commons: Commons) -> None:
    folder = commons.source("brest")
    (folder / "lieux.xlsx").write_bytes(
        workbook(
            ["Nos lieux", None, None],
            ["numero", "nom", "cp"],
            ["7", "Le Fil", "49000"],
            ["8", "Le Phare", None],
            ["9", "Le Port", "2920"],
            [None, "Total", 3],
            merged="C3:C4",
        )
    )
    commons.edit("brest", "{file: lieux.csv}", "{file: lieux.xlsx}")
    commons.edit("brest", '{kind: csv, encoding: utf-8, delimiter: ","}', "{kind: xlsx, header: detect}")
    report = take(commons).report
    assert (report.counts and report.counts.rows_in, kept(commons)) == (3, 2)
    assert [note.en for note in report.notes][:2] == [
        "Cells are merged (C3:C4): we took their value for each of their rows. Split them if it does not hold for all.",
        "Line 6 (“Total”) is a total under the table: we did not read it as a row of data.",
    ]
    text = to_markdown(report, "fr")
    assert "La ligne 6 (« Total ») est un total sous le tableau" in text
    assert "- Écriture du fichier : noms des colonnes à la ligne 2 (reconnus par nous, sûrs à 100 %)" in text
    (problem,) = report.of_severity("error")
    assert (problem.column, problem.lines) == ("cp", (5,))
    found = last_good(open_store(commons.settings.store), "lieux", "brest")
    assert found is not None
    assert found[0]["nom"].to_list() == ["Le Fil", "Le Phare"]


def test_what_was_found_out_is_said_with_how_sure_it_is(commons: Commons) -> None:
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").write_bytes(
        "numero;nom;cp\n1;Café de la gare;29200\n2;Hôtel;29200\n".encode("cp1252")
    )
    commons.edit("brest", '{kind: csv, encoding: utf-8, delimiter: ","}', "{kind: csv}")
    arrival = take(commons).report.arrival
    assert arrival is not None
    assert (arrival.encoding, arrival.delimiter, arrival.header, arrival.detected) == ("cp1252", ";", 1, True)
    assert arrival.sure == 1.0
    again = take(commons).report
    assert (again.state, again.arrival) == ("unchanged", arrival)
    assert (
        "How it is written: encoding cp1252, separator “;”, names of the columns on line 1 (found out by us, 100% "
        in (to_markdown(again, "en"))
    )
