"""The partner's answer: what failed first, what to write instead, in words a person without a developer understands."""

import csv
import datetime
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from glane.errors import WorldError
from glane.store import FolderStore
from glane.text import LANGUAGES, Language, Text
from schemas.judge import judge
from schemas.judgement import AccountingError, Judgement, Problem, Verdict
from schemas.markdown import code, in_table
from schemas.phrases import listing, phrases, say, words
from schemas.report import (
    MOST_GROUPS,
    MOST_OF_A_KIND,
    About,
    Arrival,
    Cleaned,
    Counts,
    Example,
    ProblemGroup,
    SourceReport,
    failed_report,
    grouped,
    judged_report,
    keep_report,
    last_report,
    unchanged_report,
)
from schemas.report_page import to_page
from schemas.report_text import problems_csv, summary_line, to_markdown
from tests.schemas.material import good, places, rows_of

NOW = "2026-11-21T22:00:00Z"
ABOUT = About(
    dataset="places",
    table="places",
    partner="mill",
    title=Text(fr="Lieux du Moulin", en="Places of the Mill"),
    organisation="Le Moulin",
    licence="etalab-2.0",
    attribution="Le Moulin, 2026",
)
ARRIVAL = Arrival(
    address="https://moulin.example/lieux.csv",
    sha256="ab" * 32,
    bytes=12_345,
    fetched_at="2026-11-01T04:00:00Z",
    encoding="cp1252",
    delimiter=";",
    detected=True,
)
VERDICT = Verdict("places", "places", "mill", "s", "r", "d", "m", "2026-10-02T00:00:00Z", 5, 4, 1, 0)


@pytest.fixture
def judgement(tmp_path: Path) -> Judgement:
    dataset = places(tmp_path)
    rows = [
        good(),
        good(id="b", postcode="1000"),
        good(id="c", postcode="2000"),
        good(id="d", services="Learnin|Access", updated="2027-01-01"),
        good(id="e", consent=None),
        good(id="f", services="classes"),
    ]
    frame = rows_of(dataset.main.fields, rows, [2, 3, 5, 6, 7, 9])
    return judge(dataset, dataset.main, frame, today=datetime.date(2026, 11, 21))


@pytest.fixture
def report(judgement: Judgement) -> SourceReport:
    return judged_report(
        ABOUT,
        NOW,
        judgement,
        arrival=ARRIVAL,
        judged="k",
        previous=Counts(rows_in=4, passed=4, to_correct=0, on_hold=0),
        columns={"postcode": "Code Postal"},
        their_cell=lambda line, field: f"{field}@{line}" if field == "postcode" else None,
        unmapped=["Remarques"],
        cleaned=[Cleaned(cleaner="phone", count=3, examples=(("03 26", "+3326"),))],
        notes=[Text(fr="Moins de lignes que prévu.", en="Fewer rows than expected.")],
    )


def test_problems_are_grouped_by_what_is_wrong_errors_first_then_most_frequent(report: SourceReport) -> None:
    assert [(g.severity, g.rule, g.field, g.column, g.count, g.lines, g.suggestion) for g in report.problems] == [
        ("error", "postcode_of_country", "postcode", "Code Postal", 2, (3, 5), None),
        ("error", "terms", "services", None, 1, (6,), "Learning"),
        ("warning", "date_not_future", "updated", None, 1, (6,), None),
        ("info", "published_when", "consent", None, 1, (7,), None),
        ("info", "terms", "services", None, 1, (9,), "Learning"),
    ]
    assert report.problems[0].examples == (
        Example(line=3, cell="postcode@3", suggestion="01000"),
        Example(line=5, cell="postcode@5", suggestion="02000"),
    )
    assert report.counts == Counts(rows_in=6, passed=2, to_correct=3, on_hold=1)


def test_a_line_of_several_files_is_told_with_the_name_of_its_file(judgement: Judgement) -> None:
    def place(line: int) -> tuple[str | None, int]:
        return ("a.csv", line) if line < 5 else ("b.csv", line - 3)

    report = judged_report(ABOUT, NOW, judgement, place=place)
    first = report.problems[0]
    assert (first.lines, [(one.file, one.line) for one in first.examples]) == ((), [("a.csv", 3), ("b.csv", 2)])
    text = to_markdown(report, "en")
    assert "line 3 (`a.csv`): `1000`" in text
    assert "line 2 (`b.csv`): `2000`" in text


def test_a_report_survives_the_way_through_json(report: SourceReport) -> None:
    assert SourceReport.model_validate_json(report.model_dump_json()) == report


def test_a_report_whose_counts_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises((AccountingError, ValidationError)):
        Counts(rows_in=3, passed=1, to_correct=1, on_hold=0)


def test_the_answer_says_what_to_write_instead_in_french(report: SourceReport) -> None:
    text = to_markdown(report, "fr")
    assert text.startswith(
        "# Lieux du Moulin : réponse du 21 novembre 2026\n\n"
        "Nous avons lu 6 lignes dans votre fichier.\n\n"
        "| Vos lignes | cette fois | la fois d'avant |\n|---|---:|---:|\n"
        "| lues | 6 | 4 |\n| bonnes à publier | 2 | 4 |\n"
        "| à corriger | 3 | 0 |\n| en attente | 1 | 0 |\n\n"
        "Moins de lignes que prévu.\n\n"
        "## À corriger\n\n"
    )
    assert (
        "1. **Ce n'est pas un code postal de ce pays (France).** "
        "(colonne « Code Postal », qui devient « postcode » chez nous, 2 fois)\n"
        "    Écrivez 5 chiffres, le zéro du début compris, par exemple 01000.\n"
        "    - ligne 3 : `postcode@3` → peut-être `01000` ?\n"
        "    - ligne 5 : `postcode@5` → peut-être `02000` ?\n"
    ) in text
    assert (
        "    Écrivez « Learning », si c'est bien ce que vous voulez dire ; sinon, une autre valeur de la liste.\n"
        "    - ligne 6, valeur 1 de la cellule : `Learnin|Access`\n"
    ) in text
    assert "Reçu le 1er novembre 2026, 12\u202f345 octets" in text
    assert "sous la licence etalab-2.0. Qui les réutilise doit vous citer ainsi : « Le Moulin, 2026 »." in text


def test_the_answer_says_the_same_in_english(report: SourceReport) -> None:
    text = to_markdown(report, "en")
    assert "# Places of the Mill: answer of 21 November 2026\n" in text
    assert "    - line 3: `postcode@3` → perhaps `01000`?\n" in text
    assert "Tell us if one of them holds something useful: `Remarques`." in text
    assert "- Telephone numbers: 3 cells (`03 26` became `+3326`)" in text


def _failed(last_good: Verdict | None) -> SourceReport:
    error = WorldError("https://moulin.example answered 404.", "Ask the partner.")
    return failed_report(ABOUT, NOW, "fetch", error, last_good)


def test_a_failure_stands_first_with_its_remedy_and_what_stays(report: SourceReport) -> None:
    lines = to_markdown(_failed(VERDICT), "fr").split("\n\n")
    assert lines[1].startswith("**Nous n'avons pas pu aller chercher votre fichier.** Vérifiez que le fichier")
    assert lines[2] == (
        "En attendant, vos dernières lignes bonnes à publier restent en place : 4 lignes, du 2 octobre 2026."
    )
    assert lines[3].startswith("> Détail pour la personne qui s'occupe du fichier (en anglais) : https://moulin")
    assert "No row of this file has been published yet." in to_markdown(_failed(None), "en")


def test_an_unchanged_file_gets_the_same_answer(report: SourceReport) -> None:
    again = unchanged_report(report, "2026-11-22T22:00:00Z")
    assert again.problems == report.problems
    assert "Votre fichier n'a pas changé : notre réponse du 21 novembre 2026 reste la même." in to_markdown(again, "fr")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", "places/mill : 6 lignes, 2 à publier, 3 à corriger, 1 en attente, 1 à vérifier"),
        ("en", "places/mill: 6 rows, 2 to publish, 3 to be corrected, 1 on hold, 1 to be checked"),
    ],
)
def test_one_line_a_source_says_the_counts(report: SourceReport, language: Language, expected: str) -> None:
    assert summary_line(report, language) == expected
    assert summary_line(unchanged_report(report, NOW), language).startswith(expected + " (")


def test_one_line_a_source_says_why_it_failed_and_what_is_kept() -> None:
    assert summary_line(_failed(VERDICT), "en") == (
        "places/mill: https://moulin.example answered 404. Last rows kept: 4 rows, of 2 October 2026."
    )
    assert summary_line(_failed(None), "fr") == "places/mill : Nous n'avons pas pu aller chercher votre fichier."
    paused = SourceReport(about=ABOUT, run_at=NOW, state="paused")
    assert summary_line(paused, "en").startswith("places/mill: This source is paused")


def test_no_partner_reads_the_words_of_developers(report: SourceReport) -> None:
    forbidden = re.compile(r"\b(rejet|reject|materiali|survivor|tombston|null|regex|pattern|constraint|schema)", re.I)
    for language in LANGUAGES:
        for told in (report, _failed(VERDICT), unchanged_report(report, NOW)):
            assert not forbidden.search(to_markdown(told, language).split("> ")[0])
    for file in ("conformity", "rules", "terms"):
        for name, phrase in phrases(file).items():
            if name != "other":
                assert not forbidden.search(f"{phrase.wrong.en} {phrase.write.en} {phrase.wrong.fr} {phrase.write.fr}")


def test_french_texts_are_set_as_french_is() -> None:
    texts = [word.fr for word in words("report").values()]
    texts += [
        text.fr
        for file in ("conformity", "rules", "terms")
        for p in phrases(file).values()
        for text in (p.wrong, p.write)
    ]
    for text in texts:
        assert not re.search(r"\S»|«\S", text), text
        assert not re.search(r"\S[!?;](\s|$)|[a-zé]:\s", re.sub("«[^»]*»", "«»", text)), text


def test_a_cell_cannot_break_the_page() -> None:
    message = Text(fr="m", en="m")
    cells = ["a`b", "x\ny", "<script>", "  ", "", "z" * 500]
    problems = [Problem(n, "f", "r", "error", cell, message) for n, cell in enumerate(cells[:3])]
    groups, _ = grouped(problems, {"f": "col*umn|<b>"})
    report = SourceReport(about=ABOUT, run_at=NOW, state="judged", problems=groups)
    text = to_markdown(report, "en")
    assert "column “col\\*umn\\|\\<b>”, which becomes “f” with us" in text
    assert "`` a`b ``" in text
    assert "`x⏎y`" in text
    assert "`<script>`" in text
    groups, _ = grouped([Problem(1, "f", "r", "error", cell, message) for cell in cells[3:]], {})
    text = to_markdown(report.model_copy(update={"problems": groups}), "en")
    assert f"`{'z' * 79}…`" in text


def test_what_a_rule_covered_stays_covered() -> None:
    problem = Problem(2, "problem", "forbidden_content", "error", "IMEI 49•••8", Text(fr="m", en="m"))
    (group,), _ = grouped([problem], {}, lambda line, field: "IMEI 490154203237518")
    assert group.examples[0].cell == "IMEI 49•••8"


def test_a_file_that_is_wrong_in_a_thousand_ways_still_gets_a_short_answer() -> None:
    problems = [Problem(n, "f", "terms", "error", str(n), Text(fr=f"« {n} »", en=f"“{n}”")) for n in range(2, 1002)]
    groups, more = grouped(problems, {})
    assert (len(groups), more) == (MOST_OF_A_KIND, 1000 - MOST_OF_A_KIND)
    others = [replace(problem, field=str(problem.line % 20)) for problem in problems]
    groups, more = grouped(others, {})
    assert (len(groups), more) == (MOST_GROUPS, 1000 - MOST_GROUPS)
    same = [Problem(n, "f", "r", "error", "x", Text(fr="m", en="m"), "y") for n in range(2, 1002)]
    (group,), more = grouped(same, {})
    assert (group.count, len(group.lines), len(group.examples), group.suggestion, more) == (1000, 50, 3, "y", 0)
    report = SourceReport(about=ABOUT, run_at=NOW, state="judged", problems=(group,))
    text = to_markdown(report, "fr")
    assert "    - aussi aux lignes 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 et suivantes\n" in text


def test_the_list_of_all_problems_opens_in_a_spreadsheet_and_runs_nothing(judgement: Judgement) -> None:
    risky = Problem(4, "name", "formula", "info", "=1+1", Text(fr="m", en="m"))
    data = problems_csv([*judgement.problems, risky], "fr", {"postcode": "Code Postal"})
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == ["ligne", "colonne", "cellule", "à faire ?", "ce qui ne va pas", "que faire", "proposition"]
    assert [row[:4] for row in rows[1:3]] == [
        ["3", "Code Postal", "1000", "À corriger"],
        ["5", "Code Postal", "2000", "À corriger"],
    ]
    assert rows[-1][2] == "'=1+1"
    assert len(rows) == len(judgement.problems) + 2


def test_a_report_is_kept_and_found_again_by_its_judgement(report: SourceReport, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    assert last_report(store, "places", "mill") is None
    keep_report(store, report, to_markdown(report, "fr"), to_page(report, "fr"))
    keep_report(store, _failed(VERDICT), to_markdown(_failed(VERDICT), "fr"), to_page(_failed(VERDICT), "fr"))
    assert last_report(store, "places", "mill") == _failed(VERDICT)
    assert last_report(store, "places", "mill", judged="k") == report
    assert store.read("reports/places/mill/latest.md").decode() == to_markdown(_failed(VERDICT), "fr")
    assert store.read("reports/places/mill/latest.html").decode() == to_page(_failed(VERDICT), "fr")
    store.write_json("reports/places/mill/latest.json", {"from": "another version of Glane"})
    assert last_report(store, "places", "mill") is None


def test_a_group_names_the_file_as_a_whole_where_no_column_is_meant() -> None:
    group = ProblemGroup(
        rule="blank-row",
        field=None,
        column=None,
        severity="error",
        message=say("conformity.blank-row").wrong,
        remedy=None,
        suggestion=None,
        count=1,
        lines=(4,),
        examples=(Example(line=4, cell=None),),
    )
    report = SourceReport(about=ABOUT, run_at=NOW, state="judged", problems=(group,))
    assert "**La ligne est vide.** (toute la ligne, une fois)\n    - ligne 4\n" in to_markdown(report, "fr")


def test_a_long_remedy_is_told_once() -> None:
    wrong = [say("terms.unknown", term=term, terms=listing(["a value of the list"] * 6)) for term in "xyz"]
    problems = [
        Problem(n, "f", "terms", "error", "x", phrase.wrong, None, phrase.write) for n, phrase in enumerate(wrong)
    ]
    groups, _ = grouped(problems, {})
    text = to_markdown(SourceReport(about=ABOUT, run_at=NOW, state="judged", problems=groups), "en")
    assert text.count("Write one of these values") == 1
    assert text.count("    What to do: as under point 1.\n") == 2


def test_a_duplicate_names_the_line_that_it_repeats() -> None:
    (group,), _ = grouped([Problem(9, "id", "primary-key", "error", "a", Text(fr="m", en="m"), repeats=4)], {})
    report = SourceReport(about=ABOUT, run_at=NOW, state="judged", problems=(group,))
    assert "    - ligne 9 : `a`, déjà à la ligne 4\n" in to_markdown(report, "fr")


def test_one_value_of_a_long_cell_is_named_by_its_place_alone() -> None:
    cell = "|".join(["Apprendre à se servir d'un ordinateur"] * 4)
    (group,), _ = grouped([Problem(9, "f", "terms", "error", cell, Text(fr="m", en="m"), position=4)], {})
    report = SourceReport(about=ABOUT, run_at=NOW, state="judged", problems=(group,))
    assert "    - ligne 9, valeur 4 de la cellule\n" in to_markdown(report, "fr")


def test_a_quoted_cell_never_makes_a_sentence_longer_than_a_line() -> None:
    wrong = say("terms.unknown", term="x\ny" * 200, terms=listing(["a"])).wrong
    assert len(wrong.en) < 150
    assert "\n" not in wrong.en


def test_a_long_list_is_cut_with_the_number_left_out() -> None:
    cut, whole = listing(["a", "b", "c", "d"], 2), listing(["a", "b", "c"], 2)
    assert (cut.fr, cut.en) == ("a ; b (et 2 autres)", "a; b (and 2 more)")
    assert (whole.fr, whole.en) == ("a ; b ; c", "a; b; c")


def test_what_cannot_be_seen_is_shown_in_what_was_tidied() -> None:
    assert [code("Le\u00a0Lavoir"), code("Le Lavoir"), code("a\u200bb"), code("a|b`c")] == [
        "`Le⍽Lavoir`",
        "`Le Lavoir`",
        "`a·b`",
        "`` a|b`c ``",
    ]
    assert in_table("a|b") == "`a\\|b`"


def test_rows_that_wait_for_an_agreement_are_not_called_nothing_urgent(report: SourceReport) -> None:
    assert "1 ligne en attente : elles ne seront publiées" in to_markdown(report, "fr")
    assert "Rien à faire d'urgent." not in to_markdown(report, "fr")
