"""Tables as people make them: what is a row of them, what is none, and what is said of it in each language."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.clean import CLEANERS, CleanContext
from sources.declaration import FileFormat
from sources.formats.shape import find_header, names_over
from sources.read import ReadError, Reading, as_text, read


def csv(tmp_path: Path, text: str, **keys: Any) -> Reading:
    path = tmp_path / "lieux.csv"
    path.write_bytes(text.encode())
    return read(path, FileFormat(kind="csv", **keys))


def xlsx(tmp_path: Path, rows: list[list[Any]], *merged: str, **keys: Any) -> Reading:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    book.save(tmp_path / "lieux.xlsx")
    return read(tmp_path / "lieux.xlsx", FileFormat(kind="xlsx", **keys))


def told(reading: Reading) -> list[str]:
    return [note.en for note in reading.notes]


def rows(reading: Reading) -> list[tuple[int, list[str]]]:
    return [(record.line, [as_text(cell) for cell in record.cells.values()]) for record in reading.records]


def test_totals_and_remarks_under_a_table_are_no_rows(tmp_path: Path) -> None:
    text = "Nom;Ville;Places;Prix\nFablab;Angers;12;1,5\nTotal Recycle;Brest;3;2\n;;;\nTOTAL;;15;\n* hors août;;;\n"
    reading = csv(tmp_path, text)
    assert rows(reading) == [(2, ["Fablab", "Angers", "12", "1,5"]), (3, ["Total Recycle", "Brest", "3", "2"])]
    assert told(reading) == [
        "Line 5 (“TOTAL”) is a total under the table: we did not read it as a row of data.",
        "Line 6 (“* hors août”) is a remark under the table: we did not read it as a row of data.",
    ]
    assert reading.notes[0].fr == (
        "La ligne 5 (« TOTAL ») est un total sous le tableau : nous ne l'avons pas lue comme une ligne de données."
    )


@pytest.mark.parametrize(
    "last",
    ["Total Fab;;49000;", "Total;Angers;49000;0241", "Somme;Ault;;", "Point info;;;", "Total;;2;;x", "La Source;;;"],
)
def test_a_site_that_is_called_like_a_total_stays_a_site(tmp_path: Path, last: str) -> None:
    reading = csv(tmp_path, f"Nom;Ville;CP;Tel;\nFablab;Angers;49000;1;\n{last}\n")
    assert (len(reading.records), told(reading)) == (2, [])


def test_a_total_in_the_middle_stays_for_the_rules_to_judge(tmp_path: Path) -> None:
    reading = csv(tmp_path, "Nom;Ville;CP\nA;Angers;49000\nTotal;;1\nB;Brest;29200\n")
    assert [line for line, _ in rows(reading)] == [2, 3, 4]


def test_two_files_put_one_after_the_other_are_one_table_and_it_is_said(tmp_path: Path) -> None:
    reading = csv(tmp_path, "\ufeffNom;Ville\nA;Angers\n\ufeffNom;Ville\nB;Brest\n")
    assert rows(reading) == [(2, ["A", "Angers"]), (4, ["B", "Brest"])]
    assert told(reading) == [
        "An invisible sign (U+FEFF) stands in the middle of the file, on line 3: we removed it. Were two files put one "
        "after the other?",
        "Line 3 repeats the names of the columns: we did not read it as a row of data. Were two files put one after "
        "the other?",
    ]


def test_another_delimiter_half_way_is_a_failed_read_that_names_the_line(tmp_path: Path) -> None:
    text = "Nom;Ville;CP;Tel\nA;Angers;49000;1\nB;Brest;29200;2\nC,Caen,14000,3\nD,Dax,40100,4\n"
    with pytest.raises(ReadError) as caught:
        csv(tmp_path, text, delimiter=";")
    assert str(caught.value) == (
        "lieux.csv, line 4: from here on the cells are parted by ',', and before by ';'. Two files stand one after the "
        "other: save the whole table with one separator, and send it again."
    )
    with pytest.raises(ReadError, match=r"line 3: from here on the cells are parted by 'tab'"):
        csv(tmp_path, "Nom;Ville\nA;Angers\nB\tBrest\nC\tCaen\n", delimiter=";")
    # One cell with a comma in a row that is short is no other delimiter.
    assert len(csv(tmp_path, "Nom;Ville\nA;Angers\nAtelier, café\n", delimiter=";").records) == 2


def test_lines_within_cells_keep_every_row_and_its_line(tmp_path: Path) -> None:
    reading = csv(tmp_path, 'Nom;Note\n"A";"un\n\n;deux"\nB;x\n')
    assert rows(reading) == [(2, ["A", "un\n\n;deux"]), (5, ["B", "x"])]


def test_cells_merged_downwards_hold_for_each_of_their_rows(tmp_path: Path) -> None:
    table: list[list[Any]] = [
        ["Nom", "Ville", "Tel"],
        ["A", "Angers", "1"],
        ["B", None, "2"],
        ["C", None, "3"],
        ["D", "Dax", None],
    ]
    reading = xlsx(tmp_path, table, "B2:B4")
    assert rows(reading) == [
        (2, ["A", "Angers", "1"]),
        (3, ["B", "Angers", "2"]),
        (4, ["C", "Angers", "3"]),
        (5, ["D", "Dax", ""]),
    ]
    assert told(reading) == [
        "Cells are merged (B2:B4): we took their value for each of their rows. Split them if it does not hold for all."
    ]


def test_a_title_across_the_table_is_no_row(tmp_path: Path) -> None:
    table: list[list[Any]] = [["Nom", "Ville", "Tel"], ["Secteur Nord", None, None], ["A", "Angers", "1"]]
    reading = xlsx(tmp_path, table, "A2:C2")
    assert rows(reading) == [(3, ["A", "Angers", "1"])]
    assert told(reading) == [
        "Line 2 (“Secteur Nord”) is a title across the table: we did not read it as a row of data. If it matters, give "
        "it a column."
    ]


TWO_ROWS: list[list[Any]] = [
    ["Lieux de médiation 2026", None, None, None],
    ["Lieu", None, "Contact", None],
    ["Nom", "Ville", "Nom", "Courriel"],
    ["A", "Angers", "Accueil", "a@b.example"],
    ["B", "Brest", "Accueil", "b@b.example"],
]


def test_names_over_two_rows_are_joined_where_it_is_declared(tmp_path: Path) -> None:
    reading = xlsx(tmp_path, TWO_ROWS, "A2:B2", "C2:D2", header=3, header_rows=2)
    assert reading.columns == ("Lieu Nom", "Lieu Ville", "Contact Nom", "Contact Courriel")
    assert [line for line, _ in rows(reading)] == [4, 5]
    text = "\n".join(";".join(cell or "" for cell in row) for row in TWO_ROWS)
    assert csv(tmp_path, f"{text}\n", header=3, header_rows=2, delimiter=";").columns == reading.columns


def test_without_that_the_doubled_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        xlsx(tmp_path, TWO_ROWS, header=3)
    assert "line 3: the column 'Nom' is doubled (columns 1 and 3)" in caught.value.what
    assert "format: header_rows" in caught.value.remedy


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_header_that_is_looked_for_is_found_and_it_is_said_how_sure(tmp_path: Path, kind: str) -> None:
    above: list[list[Any]] = [
        ["Lieux de médiation numérique", None, None],
        ["Mis à jour le", "2026-11-01", None],
        [None, None, None],
    ]
    table = [*above, ["Nom", "Ville", "CP"], ["A", "Angers", "49000"], ["B", "Brest", None]]
    if kind == "xlsx":
        reading = xlsx(tmp_path, table, header="detect")
    else:
        text = "\n".join(";".join(cell or "" for cell in row) for row in table)
        reading = csv(tmp_path, f"{text}\n", header="detect")
    assert (reading.columns, reading.header, reading.detected, reading.sure) == (("Nom", "Ville", "CP"), 4, True, 1.0)
    assert [line for line, _ in rows(reading)] == [5, 6]


names = st.lists(st.text("abcdéè", min_size=1, max_size=6), min_size=2, max_size=6, unique=True)


@given(names, st.integers(0, 4), st.integers(2, 20))
def test_a_full_header_is_found_under_any_number_of_titles(header: list[str], titles: int, length: int) -> None:
    above = [["Titre"] + [""] * (len(header) - 1)] * titles
    under = [[str(number)] * len(header) for number in range(length)]
    assert find_header([*above, header, *under]).row == titles


@given(names)
def test_one_row_of_names_is_what_it_is(header: list[str]) -> None:
    assert names_over([header]) == header


def test_the_sign_before_decimals_is_seen_and_another_than_agreed_is_told(tmp_path: Path) -> None:
    text = "Nom;Lat\nA;47,47\nB;48.1\nC;49,2\n"
    assert csv(tmp_path, text).decimal == ","
    assert csv(tmp_path, "Nom;Tel\nA;1,234\n").decimal is None
    assert told(csv(tmp_path, text, decimal=".")) == [
        "The numbers of this file have “,” before the decimals, not “.” as agreed."
    ]


def test_dates_that_are_texts_and_dates_that_are_dates_come_out_alike(tmp_path: Path) -> None:
    cells = [datetime.date(2026, 3, 12), "12/03/2026", "2026-03-12", " 12/03/2026 "]
    reading = xlsx(tmp_path, [["Nom", "Date"], *([f"Lieu {number}", cell] for number, cell in enumerate(cells))])
    clean = CLEANERS["date_fr"]
    context = CleanContext()
    assert [clean(as_text(record.cells["Date"]), context) for record in reading.records] == ["2026-03-12"] * 4
    # What is no date stays as it stands, for the rules to tell: never 1970.
    assert clean("31/02/2026", context) == "31/02/2026"
