"""After a version stands, every partner's answer says what it holds of them, whose values are in it, and how to contest
one; where nothing of that changed, no answer is written again."""

import csv
import io
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from glane.store import FolderStore
from pipelines.catalogue import Entry, load_catalogue
from pipelines.intake import take_in
from pipelines.release import make_version
from publish.decisions import add
from schemas.report import SourceReport, last_report
from schemas.report_text import to_markdown
from schemas.report_values import Others
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons, three_partners


@pytest.fixture
def commons(tmp_path: Path) -> Commons:
    made = three_partners(tmp_path)
    made.file("brest", "7,LE FIL,49000\n8,Le Phare,29200\n")
    return made


def run(commons: Commons) -> tuple[Entry, FolderStore]:
    entry, store = load_catalogue(commons.settings)["lieux"], FolderStore(Path(commons.settings.store))
    for source in entry.sources:
        assert take_in(source, entry.dataset, store).error is None
    make_version(entry, store)
    return entry, store


def answer(store: FolderStore, partner: str) -> SourceReport:
    found = last_report(store, "lieux", partner)
    assert found is not None
    return found


def files(store: FolderStore) -> dict[str, int]:
    root = Path(store.where("reports/lieux"))
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_the_answer_says_what_the_version_holds_and_whose_values_are_in_it(commons: Commons) -> None:
    _, store = run(commons)
    brest = answer(store, "brest").published
    assert brest is not None
    assert (brest.version, brest.rows, brest.shared, brest.more) == ("1.0.0", 2, 1, 0)
    said = {"id": "angers--1", "line": 2, "by": ("Association angers",), "why": "preferred"}
    assert brest.values == (
        Others(field="id", theirs="brest--7", published="angers--1", **said),
        Others(field="nom", theirs="LE FIL", published="Le Fil", **said),
    )
    angers, caen = answer(store, "angers").published, answer(store, "caen").published
    assert angers is not None
    assert caen is not None
    assert [(one.rows, one.shared, one.values) for one in (angers, caen)] == [(2, 1, ()), (1, 0, ())]
    page = store.read("reports/lieux/brest/latest.html").decode()
    assert "2 lignes de votre fichier se trouvent dans notre version du" in page
    assert "Association angers" in page


def test_a_letter_that_contests_a_value_is_begun_for_the_partner(commons: Commons) -> None:
    _, store = run(commons)
    text = to_markdown(answer(store, "brest"), "en")
    (link,) = {
        line.split("](")[1].split(")")[0]
        for line in text.splitlines()
        if line.startswith("| [angers--1]") and "nom" in line
    }
    parts = urlsplit(link)
    letter = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.scheme, unquote(parts.path)) == ("mailto", "communs@example.org")
    assert letter["subject"] == "Value to look at: Places, version 1.0.0 angers--1"
    lines = letter["body"].splitlines()
    assert [line for line in lines if "angers--1" in line or "1.0.0" in line or "brest" in line or "nom" in line] == [
        lines[1],
        "Source: Association brest (brest)",
        "Record: angers--1",
        "Field: nom",
    ]
    assert lines[0] == "Dataset: Places (lieux/places)"
    assert lines[1].startswith("version 1.0.0 (")


def test_where_nothing_of_it_changed_no_answer_is_written_again(commons: Commons) -> None:
    _, store = run(commons)
    before = files(store)
    run(commons)
    assert files(store) == before
    commons.file("caen", "a,L'Atelier,14000\nb,Le Grenier,14000\n")
    run(commons)
    changed = {Path(path).parent.name for path, at in files(store).items() if before.get(path) != at}
    assert changed == {"caen"}, "version 1.1.0 holds nothing new of the others"


def test_an_answer_of_a_failed_run_still_says_what_is_published(commons: Commons) -> None:
    entry, store = run(commons)
    published = answer(store, "brest").published
    (commons.settings.sources / "lieux" / "brest" / "lieux.csv").write_bytes(b"")
    failed = take_in(entry.source("brest"), entry.dataset, store)
    assert failed.error is not None
    assert failed.report.published == published
    assert "| [angers--1](" in failed.markdown


def test_every_value_that_glane_gave_is_in_a_table_with_its_reason(commons: Commons) -> None:
    commons.edit("caen", "  nom: nom\n", "  nom: {column: nom, default: Sans nom}\n")
    commons.edit("caen", "  code_postal: cp\n", "  code_postal: {column: cp, clean: [postcode]}\n")
    commons.edit("brest", "  code_postal: cp\n", '  code_postal: {constant: "29200"}\n')
    commons.file("caen", "a,L'Atelier,1400\nb,,14000\n")
    _, store = run(commons)
    told = {partner: answer(store, partner).given for partner in ("angers", "brest", "caen")}
    assert {partner: [(one.field, one.why, one.count) for one in given] for partner, given in told.items()} == {
        "angers": [],
        "brest": [("code_postal", "constant", 2)],
        "caen": [("nom", "default", 1), ("code_postal", "tidied", 1)],
    }
    table = store.read("reports/lieux/caen/values.csv").decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(table))) == [
        ["ligne", "fiche", "champ", "cellule", "publié", "pourquoi"],
        ["3", "caen--b", "nom", "", "Sans nom", "convenu pour les cellules vides"],
        ["2", "caen--a", "code_postal", "1400", "01400", "remis en forme par nous"],
    ]
    assert not store.exists("reports/lieux/angers/values.csv")
    commons.edit("caen", ", default: Sans nom", "")
    commons.file("caen", "a,L'Atelier,14000\n")
    run(commons)
    assert not store.exists("reports/lieux/caen/values.csv")


def test_a_partner_is_answered_in_its_language_and_in_any_that_is_asked_for(
    commons: Commons, glane: Glane, tmp_path: Path
) -> None:
    commons.edit("caen", "licence:", "language: nl\nlicence:")
    run(commons)
    own, english = glane("report", "lieux/caen"), glane("report", "lieux/caen", "--lang", "en")
    assert own.out.startswith("# Places of caen: antwoord van ")
    assert "Dit is geen" in own.out or "Deze tekst heeft niet de verwachte vorm" in own.out
    assert english.out.startswith("# Places of caen: answer of ")
    unknown = glane("check", "lieux.csv", "--source", "lieux/caen", "--lang", "xx")
    assert (unknown.code, unknown.err) == (2, "glane: There is no language 'xx'.\nChoose one of fr, en, nl.\n")
    none = glane("report", "lieux/angers", "--values", str(tmp_path / "values.csv"))
    assert (none.code, none.err.splitlines()[0]) == (
        2,
        "glane: Every published value of lieux/angers is the partner's own text.",
    )


def test_a_value_that_a_steward_corrected_is_told_with_who_when_and_why(commons: Commons) -> None:
    path = commons.settings.sources / "decisions" / "lieux.csv"
    on = {"by": "coordination", "on": "2026-11-20", "why": "vu sur place"}
    add(
        path,
        ["places"],
        {"kind": "correction", "id": "brest--8", "field": "nom", "seen": "Le Phare", "value": "Le Grand Phare", **on},
    )
    add(
        path,
        ["places"],
        {"kind": "correction", "id": "angers--1", "field": "nom", "seen": "Le Fil", "value": "Le Fil rouge", **on},
    )
    _, store = run(commons)
    brest, angers = answer(store, "brest").published, answer(store, "angers").published
    assert brest is not None
    assert angers is not None
    decided = {"field": "nom", "by": ("coordination",), "why": "decided", "on": "2026-11-20", "reason": "vu sur place"}
    assert (brest.shared, brest.values) == (
        1,
        (
            Others(id="angers--1", line=2, field="id", theirs="brest--7", published="angers--1",
                   by=("Association angers",), why="preferred"),
            Others(id="angers--1", line=2, theirs="LE FIL", published="Le Fil rouge", **decided),
            Others(id="brest--8", line=3, theirs="Le Phare", published="Le Grand Phare", **decided),
        ),
    )  # fmt: skip
    assert angers.values == (Others(id="angers--1", line=2, theirs="Le Fil", published="Le Fil rouge", **decided),)
    told = to_markdown(answer(store, "brest"), "fr")
    assert (
        "| `Le Phare` | `Le Grand Phare` | corrigé à la main par coordination, le 20 novembre 2026 : vu sur place |"
        in told
    )
