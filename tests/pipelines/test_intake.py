"""One source taken in: what is kept, what is told, and that a failed read is never an empty source."""

import json
import os
import socket
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from glane.errors import GlaneError
from glane.store import FolderStore
from pipelines.catalogue import Entry, load_catalogue
from pipelines.cli.say import day
from pipelines.contributing import contributions_of, is_too_stale
from pipelines.harvesting import SourceCrashError, take_all_in
from pipelines.intake import Intake, take_in
from pipelines.taken_in import is_taken_in
from schemas.dataset import Dataset
from schemas.report import last_report
from schemas.report_text import to_markdown
from schemas.rows import last_good
from sources.fetch.http import Patience
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons, three_partners


@pytest.fixture
def commons(tmp_path: Path) -> Commons:
    return three_partners(tmp_path)


def _entry(commons: Commons) -> Entry:
    return load_catalogue(commons.settings)["lieux"]


def _take_in(commons: Commons, partner: str) -> Intake:
    entry = _entry(commons)
    return take_in(
        entry.source(partner),
        entry.dataset,
        FolderStore(commons.settings.store),
        patience=Patience(attempts=2, wait_first=0),
    )


def _kept(commons: Commons, partner: str) -> list[str]:
    found = last_good(FolderStore(commons.settings.store), "lieux", partner)
    return found[0]["nom"].to_list() if found else []


def _brought(commons: Commons) -> list[str]:
    entry = _entry(commons)
    assert isinstance(entry.dataset, Dataset)
    return [c.partner for c in contributions_of(entry, entry.dataset, FolderStore(commons.settings.store))]


def test_their_own_file_comes_back_marked_until_nothing_is_to_be_corrected(
    commons: Commons, glane: Glane, tmp_path: Path
) -> None:
    _take_in(commons, "caen")
    back = tmp_path / "retour.xlsx"
    assert glane("report", "lieux/caen", "--annotated", str(back)).code == 0
    sheet = openpyxl.load_workbook(back).worksheets[0]
    notes = [cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment]
    assert len(notes) == 1
    assert notes[0].startswith("Ligne 3 de votre fichier")
    # Sent again as it is, whatever its name, it is the same file.
    again = glane("check", str(back), "--source", "lieux/caen", "--json")
    first = glane("report", "lieux/caen", "--json")
    assert json.loads(again.out)["counts"] == json.loads(first.out)["counts"]
    commons.file("caen", "1,Cyberbase,14000\n")
    _take_in(commons, "caen")
    refused = glane("report", "lieux/caen", "--annotated", str(tmp_path / "other.xlsx"))
    assert (refused.code, refused.err.startswith("glane: Nothing is to be corrected")) == (2, True)
    assert not FolderStore(commons.settings.store).exists("reports/lieux/caen/annotated.xlsx")


def test_the_same_bytes_under_the_same_rules_are_judged_once(commons: Commons) -> None:
    first, second = _take_in(commons, "caen"), _take_in(commons, "caen")
    assert (first.report.state, second.report.state) == ("judged", "unchanged")
    assert first.verdict == second.verdict
    assert first.report.problems == second.report.problems
    commons.edit("caen", "2026", "2027")
    assert _take_in(commons, "caen").report.state == "judged"


def test_where_nothing_changed_no_report_is_made_again_and_it_is_said_since_when(commons: Commons) -> None:
    first = _take_in(commons, "caen").report
    kept = _reports(commons, "caen")
    for _ in range(2):
        again = _take_in(commons, "caen")
        assert (again.report.state, again.report.unchanged_since) == ("unchanged", first.run_at)
        assert "has not changed: our answer of" in to_markdown(again.report, "en")
        assert _reports(commons, "caen") == kept
    assert last_report(FolderStore(commons.settings.store), "lieux", "caen") == first


def test_an_answer_that_stood_before_a_failure_stands_again_after_it(commons: Commons) -> None:
    path = commons.settings.sources / "lieux" / "brest" / "lieux.csv"
    good, first = path.read_bytes(), _take_in(commons, "brest").report
    path.write_bytes(b"")
    failing = [_take_in(commons, "brest").report for _ in range(2)]
    assert [(one.failing_runs, one.failing_since) for one in failing] == [(n, failing[0].run_at) for n in (1, 2)]
    path.write_bytes(good)
    healed = _take_in(commons, "brest").report
    assert (healed.state, healed.unchanged_since, healed.failing_runs) == ("unchanged", first.run_at, 0)
    assert last_report(FolderStore(commons.settings.store), "lieux", "brest") == healed
    kept = _reports(commons, "brest")
    assert _take_in(commons, "brest").report.unchanged_since == first.run_at
    assert _reports(commons, "brest") == kept


def test_a_file_that_becomes_again_what_it_was_is_no_unchanged_file(commons: Commons) -> None:
    path = commons.settings.sources / "lieux" / "caen" / "lieux.csv"
    former, first = path.read_bytes(), _take_in(commons, "caen").report
    commons.file("caen", "1,Cyberbase,14000\n")
    between = _take_in(commons, "caen").report
    path.write_bytes(former)
    back = _take_in(commons, "caen").report
    assert (back.state, back.counts, back.previous) == ("judged", first.counts, between.counts)
    assert FolderStore(commons.settings.store).exists("reports/lieux/caen/annotated.xlsx")


def _reports(commons: Commons, partner: str) -> dict[str, tuple[int, bytes]]:
    """Every file of a partner's reports, with when it was written."""
    folder = Path(commons.settings.store) / "reports" / "lieux" / partner
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty", b"", "gave an empty file"),
        ("header alone", b"numero,nom,cp\n", "holds 0 rows; 1 at least were expected"),
        ("a column is missing", b"numero,cp\n1,49000\n", "has not got the column 'nom'"),
        ("a column is doubled", b"numero,nom,nom,cp\n1,a,b,49000\n", "nom"),
        ("another encoding", "numero,nom,cp\n1,Café,49000\n".encode("cp1252"), "utf-8"),
        ("a web page", b"<!DOCTYPE html><html><body>404</body></html>", "gave a web page"),
    ],
)
def test_a_failed_read_is_not_an_empty_source(commons: Commons, name: str, content: bytes, said: str) -> None:
    good = _take_in(commons, "brest")
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").write_bytes(content)
    failed = _take_in(commons, "brest")
    assert failed.error is not None, name
    assert failed.error.exit_code == 1
    assert said.lower() in str(failed.error).lower()
    assert "lieux.csv" in str(failed.error) or "The file" in str(failed.error)
    assert (failed.verdict, _kept(commons, "brest")) == (good.verdict, ["Le Fil", "Le Phare"])
    assert (failed.report.state, failed.report.last_good, bool(failed.report.stale_since)) == ("failed", 2, True)
    assert _brought(commons) == ["brest"]


def test_a_dead_address_is_the_worlds_fault(commons: Commons) -> None:
    _take_in(commons, "brest")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    commons.edit(
        "brest", "where: {file: lieux.csv}", f"where: {{url: http://127.0.0.1:{port}/lieux.csv, private: true}}"
    )
    failed = _take_in(commons, "brest")
    assert (failed.error.exit_code if failed.error else 0, failed.report.failure and failed.report.failure.step) == (
        3,
        "fetch",
    )
    assert _kept(commons, "brest") == ["Le Fil", "Le Phare"]


def test_it_is_stale_since_the_first_failure_and_no_more_once_it_is_read_again(commons: Commons) -> None:
    path = commons.settings.sources / "lieux" / "brest" / "lieux.csv"
    good = path.read_bytes()
    _take_in(commons, "brest")
    path.write_bytes(b"")
    first, second = _take_in(commons, "brest"), _take_in(commons, "brest")
    path.write_bytes(good)
    healed = _take_in(commons, "brest")
    assert first.report.stale_since == second.report.stale_since == first.report.run_at
    assert (healed.error, healed.report.state, healed.report.stale_since) == (None, "unchanged", None)


def test_rows_that_are_stale_beyond_the_sources_bound_leave(commons: Commons) -> None:
    for partner in ("angers", "brest"):
        _take_in(commons, partner)
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").unlink()
    _take_in(commons, "brest")
    assert _brought(commons) == ["angers", "brest"]
    key = commons.settings.store / "reports" / "lieux" / "brest" / "latest.json"
    report = json.loads(key.read_text(encoding="utf-8"))
    key.write_text(json.dumps(report | {"stale_since": "2020-01-01T00:00:00+00:00"}), encoding="utf-8")
    assert _brought(commons) == ["angers"]


def test_the_bound_on_staleness_counts_whole_days() -> None:
    today = date(2026, 11, 21)
    assert not is_too_stale(None, 1, today)
    assert not is_too_stale("2026-11-20T23:59:59+00:00", 1, today)
    assert is_too_stale("2026-11-19T00:00:00+00:00", 1, today)


def test_a_broken_declaration_keeps_the_credit_it_was_given_under(commons: Commons) -> None:
    _take_in(commons, "brest")
    commons.edit("brest", "map:", "mapp:")
    failed = _take_in(commons, "brest")
    assert failed.error is not None
    assert "Did you mean 'map'?" in str(failed.error)
    assert failed.report.about.attribution == "Association brest, 2026"
    assert _brought(commons) == ["brest"]


def test_more_than_was_declared_is_said_and_holds_nothing_back(commons: Commons) -> None:
    commons.edit("caen", "map:", "bounds: {rows_max: 1, to_correct_max: 0.1}\nmap:")
    *notes, copy = [note.en for note in _take_in(commons, "caen").report.notes]
    assert copy.startswith("There is a cleaned copy of your file")
    assert notes == [
        "Your file holds 2 rows; we expected 1 at most.",
        "1 of 2 rows are to be corrected, which is more than usual (10%). Has the way of filling the file changed?",
    ]
    assert _kept(commons, "caen") == ["L'Atelier"]


def test_a_source_is_taken_in_until_its_file_or_declaration_changes(commons: Commons) -> None:
    store, entry = FolderStore(commons.settings.store), _entry(commons)
    source = entry.source("angers")
    before = is_taken_in(source, entry.dataset, store)
    _take_in(commons, "angers")
    after = is_taken_in(source, entry.dataset, store)
    commons.file("angers", "1,Le Fil,49100\n")
    assert [before, after, is_taken_in(source, entry.dataset, store)] == [False, True, False]


def test_the_report_is_kept_where_the_partner_finds_it(commons: Commons) -> None:
    intake = _take_in(commons, "caen")
    store = FolderStore(commons.settings.store)
    assert last_report(store, "lieux", "caen") == intake.report
    assert store.read("reports/lieux/caen/latest.md").decode() == intake.markdown


def test_a_fault_of_our_own_in_one_source_comes_after_the_others_are_done(
    commons: Commons, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, store = _entry(commons), FolderStore(commons.settings.store)

    def broken(source: object, *arguments: object, **named: object) -> Intake:
        if getattr(source, "partner", "") == "brest":
            raise ZeroDivisionError("a fault of our own")
        return take_in(source, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("pipelines.harvesting.take_in", broken)
    seen: list[str] = []
    with pytest.raises(SourceCrashError, match="/brest$") as caught:
        seen.extend(intake.partner for intake in take_all_in(entry, entry.sources, store))
    assert sorted(seen) == ["angers", "caen"]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_refuses_is_the_worlds_fault(commons: Commons) -> None:
    commons.settings.store.mkdir(mode=0o500)
    with pytest.raises(GlaneError):
        _take_in(commons, "angers")


def test_source_list_says_for_how_many_runs_a_source_fails_and_since_when(commons: Commons, glane: Glane) -> None:
    def told(partner: str) -> str:
        (line,) = [one for one in glane("source", "list").out.splitlines() if one.startswith(f"lieux/{partner} ")]
        return line

    assert told("caen").endswith("daily: never run")
    _take_in(commons, "caen")
    today = day(datetime.now(UTC).isoformat())
    assert told("caen").endswith(f"2 rows in, 1 to be corrected, 0 on hold, data of {today}")
    (commons.settings.sources / "lieux" / "caen" / "lieux.csv").unlink()
    reason = "The file 'lieux.csv' that lieux/caen declares is not there."
    _take_in(commons, "caen")
    assert told("caen").endswith(f"daily: failed: {reason}; its last good rows stay")
    failed = [_take_in(commons, "caen").report for _ in range(2)]
    assert told("caen").endswith(f"failing for 3 runs since {today}: {reason}; its last good rows stay")
    assert (failed[1].failing_runs, failed[1].failing_since) == (3, failed[0].failing_since)
    commons.file("caen", "a,L'Atelier,14000\n")
    assert _take_in(commons, "caen").report.failing_runs == 0
    assert told("caen").endswith(f"1 rows in, 0 to be corrected, 0 on hold, data of {today}")


def test_a_source_of_a_dataset_that_cannot_be_read_is_shown_as_broken(commons: Commons, glane: Glane) -> None:
    (commons.settings.schemas / "lieux" / "dataset.yaml").write_text("title: [")
    lines = json.loads(glane("source", "list", "--json").out)
    assert {line["state"] for line in lines} == {"broken"}
