"""What a reader gives for each format, and how it says that a file cannot be read."""

import datetime
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sources.declaration import FileFormat
from sources.formats.encoding import decode
from sources.formats.reading import as_text
from sources.read import ReadError, Reading, Record, read
from tests.sources.material import REAL


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def csv(folder: Path, data: bytes | str, **keys: Any) -> Reading:
    return read(write(folder, "sites.csv", data), FileFormat(kind="csv", **keys))


def rows(reading: Reading) -> list[tuple[int, dict[str, object]]]:
    return [(record.line, record.cells) for record in reading.records]


def test_a_record_has_the_physical_line_on_which_it_starts(tmp_path: Path) -> None:
    reading = csv(tmp_path, 'Nom,Note\r\nA,"deux\r\nlignes"\r\n\r\n,\r\nB,"trois\n\nlignes"\r\nC,x\r\n')
    assert reading == Reading(
        columns=("Nom", "Note"),
        records=[
            Record(2, {"Nom": "A", "Note": "deux\r\nlignes"}),
            Record(6, {"Nom": "B", "Note": "trois\n\nlignes"}),
            Record(9, {"Nom": "C", "Note": "x"}),
        ],
        blank=2,
        encoding="utf-8",
        delimiter=",",
        detected=True,
        sure=1.0,
        header=1,
    )


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter"),
    [
        ("Nom;Prix\nÉté;1,5\nHôtel;2,5\n".encode("utf-8-sig"), "utf-8-sig", ";"),
        ("Nom\tPrix\nÉté\t1,5\n".encode("utf-16"), "utf-16", "\t"),
        ("Nom;Prix\nÉté à l'œuvre;1,5\n".encode("cp1252"), "cp1252", ";"),
        ("Nom;Prix\rÉté à la fenêtre;1,5\rHôtel;2\r".encode("mac_roman"), "mac_roman", ";"),
        ("Nom|Prix\nÉté, ou hiver|1,5\n".encode(), "utf-8", "|"),
    ],
)
def test_encodings_and_delimiters_are_found(tmp_path: Path, data: bytes, encoding: str, delimiter: str) -> None:
    reading = csv(tmp_path, data)
    assert (reading.encoding, reading.delimiter, reading.detected) == (encoding, delimiter, True)
    assert str(reading.records[0].cells["Nom"]).startswith("Été")
    assert reading.records[0].cells["Prix"] == "1,5"


WORDS = [
    "été",
    "élève",
    "hôtel",
    "forêt",
    "français",
    "à",
    "où",
    "maïs",
    "l’œuvre",
    "Angers",
    "ça",
    "Noël",
    "École",
]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), st.sampled_from(["cp1252", "mac_roman"]))
def test_french_words_are_read_in_the_encoding_they_were_written_in(words: list[str], encoding: str) -> None:
    text = f"Nom;Note\nFablab;{' '.join(words)} été\n"
    assert decode(Path("x"), text.encode(encoding), "detect").text == text


@pytest.mark.parametrize(
    ("text", "encoding"), [("Příliš žluťoučký kůň úpěl", "cp1250"), ("Ελλάδα και Κύπρος, κέντρο", "cp1253")]
)
def test_other_alphabets_are_not_read_as_french(text: str, encoding: str) -> None:
    assert decode(Path("x"), (text * 20).encode(encoding), "detect").text == text * 20


def test_a_declared_dialect_is_not_detected(tmp_path: Path) -> None:
    reading = csv(tmp_path, "Nom;Ville, code\nA;B\n", delimiter=";", encoding="utf8")
    assert (reading.columns, reading.detected, reading.sure) == (("Nom", "Ville, code"), False, None)


def test_a_single_column_is_a_table(tmp_path: Path) -> None:
    assert rows(csv(tmp_path, "Nom\nAngers\nNantes\n")) == [(2, {"Nom": "Angers"}), (3, {"Nom": "Nantes"})]


def test_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    reading = csv(tmp_path, "Extraction du 12/03\n\nNom;Ville\nA;B\n", header=3)
    assert (reading.columns, rows(reading)) == (("Nom", "Ville"), [(4, {"Nom": "A", "Ville": "B"})])


def test_names_of_columns_lose_their_odd_spaces(tmp_path: Path) -> None:
    assert csv(tmp_path, '"Nom  du\nlieu", Ville\u00a0,\nA,B,\n').columns == ("Nom du lieu", "Ville")


def test_a_short_row_is_filled_and_an_unnamed_column_shows_once_it_is_filled(tmp_path: Path) -> None:
    reading = csv(tmp_path, "Nom,Ville,\nA\nB,C,perdu\n")
    assert reading.columns == ("Nom", "Ville", "column 3")
    assert [record.cells.get("column 3") for record in reading.records] == [None, "perdu"]
    assert reading.records[0].cells == {"Nom": "A", "Ville": ""}


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert csv(tmp_path, "Nom;Ville\n").records == []


CSV_FAULTS: dict[str, tuple[bytes | str, dict[str, Any], str]] = {
    "empty": ("", {}, "sites.csv: the file is empty"),
    "mark only": (b"\xef\xbb\xbf\r\n", {}, "the file is empty"),
    "wrong encoding": (
        "Nom\nA\nÉté\n".encode("cp1252"),
        {"encoding": "utf-8"},
        r"line 3: byte 6 \(0xC9\) is not utf-8.*looks like cp1252",
    ),
    "one byte of another file": (
        "\ufeffNom\nÉté\n".encode() + b"\xe9\n",
        {"encoding": "utf-8"},
        r"line 3: byte 13 \(0xE9\).*put together from two files",
    ),
    "utf-16 without a mark": ("Numéro\n".encode("utf-16-le"), {"encoding": "utf-8"}, "looks like utf-16-le"),
    "a codec's own refusal": ("é", {"encoding": "idna"}, "is not idna"),
    "a pdf": (b"%PDF-1.7\n\xe2\xe3", {}, "this is a PDF, and text was expected"),
    "a workbook": (b"PK\x03\x04\x14\0", {}, r"this is a ZIP archive or a workbook \(XLSX"),
    "doubled column": ("Nom,Ville,Nom\nA,B,C\n", {}, r"line 1: the column 'Nom' is doubled \(columns 1 and 3\)"),
    "blank header": (",,\nA,B,C\n", {}, "line 1: the names of the columns were expected here"),
    "header beyond the end": ("Nom\nA\n", {"header": 9}, "expected on line 9, and the file ends before it"),
    "too wide": ("Nom,Ville\nA,B\nC,D,E\n", {}, r"line 3: cell 3 \('E'\) is one too many.*line 1 has 2"),
    "cut in a quote": ('Nom,Ville\nA,"B\nC,D\n', {}, "line 2: a quote opens here and is never closed"),
    "stray quote": ('Nom,Ville\nA,"B"x\n', {}, "line 2: the quotes do not fit"),
    "cut in a row": ("Nom,Ville,Rue\nA,B,C\nD,E", {}, "line 3: the last line holds 2 of 3 cells"),
}


@pytest.mark.parametrize("case", CSV_FAULTS.values(), ids=CSV_FAULTS.keys())
def test_a_csv_that_cannot_be_read_says_where_and_why(
    tmp_path: Path, case: tuple[bytes | str, dict[str, Any], str]
) -> None:
    data, declared, said = case
    with pytest.raises(ReadError, match=f"(?s){said}") as caught:
        csv(tmp_path, data, **declared)
    assert caught.value.exit_code == 1


def test_an_error_calls_the_file_by_its_own_name(tmp_path: Path) -> None:
    path = write(tmp_path, "3f2a", "")
    with pytest.raises(ReadError, match=r"^lieux\.csv: the file is empty"):
        read(path, FileFormat(kind="csv"), name="lieux.csv")


def test_a_delimiter_or_encoding_that_is_none_is_refused_by_the_declaration() -> None:
    with pytest.raises(ValidationError, match="is no delimiter"):
        FileFormat(kind="csv", delimiter=";;")
    with pytest.raises(ValidationError, match="is no encoding"):
        FileFormat(kind="csv", encoding="utf-9")
    for encoding in ("hex", "rot13", "undefined", "zlib"):
        with pytest.raises(ValidationError, match="is no encoding"):
            FileFormat(kind="csv", encoding=encoding)
    for delimiter in ("\n", '"', "\0"):
        with pytest.raises(ValidationError, match="is no delimiter"):
            FileFormat(kind="csv", delimiter=delimiter)


def workbook(folder: Path, *sheets: tuple[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, cells in sheets:
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    path = folder / "sites.xlsx"
    book.save(path)
    return path


def clock(hour: int, minute: int) -> datetime.datetime:
    return datetime.datetime(2024, 3, 12, hour, minute)  # noqa: DTZ001 (spreadsheets know no time zones)


SHEET: list[list[object]] = [
    ["Fichier des lieux"],
    [],
    ["Nom", "CP", "Date", "Heure", "Ouvert", "SIRET", "Note"],
    ["A", 75001, datetime.date(2024, 3, 12), datetime.time(9, 30), True, 53318137800021, 1.5],
    [],
    ["B", "01000", clock(10, 30), None, False, None, None],
]


def test_a_workbook_keeps_types_and_the_rows_numbers(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Lisez-moi", [["rien"]]), ("Lieux", SHEET))
    reading = read(path, FileFormat(kind="xlsx", sheet="Lieux", header=3))
    assert (reading.blank, [record.line for record in reading.records]) == (1, [4, 6])
    texts = [[as_text(cell) for cell in record.cells.values()] for record in reading.records]
    assert texts == [
        ["A", "75001", "2024-03-12", "09:30", "true", "53318137800021", "1.5"],
        ["B", "01000", "2024-03-12T10:30:00", "", "false", "", ""],
    ]


def test_an_ods_reads_like_the_xlsx(tmp_path: Path) -> None:
    content = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        '<table:table table:name="Lieux">'
        '<table:table-row><table:table-cell office:value-type="string"><text:p>Nom</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>CP</text:p></table:table-cell></table:table-row>'
        "<table:table-row><table:table-cell/><table:table-cell/></table:table-row>"
        '<table:table-row><table:table-cell office:value-type="string"><text:p>A</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="1000"><text:p>1000</text:p></table:table-cell>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    path = tmp_path / "sites.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    reading = read(path, FileFormat(kind="ods"))
    assert (reading.columns, reading.blank) == (("Nom", "CP"), 1)
    assert [(r.line, [as_text(c) for c in r.cells.values()]) for r in reading.records] == [(3, ["A", "1000"])]


def test_a_workbook_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Lieux", [["Nom"], ["A"]]))
    with pytest.raises(ReadError, match=r"no sheet 'Lieus'\. The workbook has: Lieux"):
        read(path, FileFormat(kind="xlsx", sheet="Lieus"))
    with pytest.raises(ReadError, match="has 2 rows: no header on row 3"):
        read(path, FileFormat(kind="xlsx", header=3))
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"PK\x03\x04", b"Nom;Ville\n"):
        path.write_bytes(broken)
        with pytest.raises(ReadError, match="no workbook that can be opened"):
            read(path, FileFormat(kind="xlsx"))
    path.write_bytes(b"")
    with pytest.raises(ReadError, match="the file is empty"):
        read(path, FileFormat(kind="xlsx"))


def test_a_stray_cell_in_the_last_corner_of_a_sheet_is_named_and_never_asks_for_all_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Lisez-moi", [["rien"]]), ("Lieux", [["Nom"], ["A"]]))
    book = openpyxl.load_workbook(path)
    # Cells that are only formatted are nothing: partners format whole columns.
    book["Lieux"].cell(1_048_576, 16_384).font = openpyxl.styles.Font(bold=True)
    book.save(path)
    assert len(read(path, FileFormat(kind="xlsx", sheet="Lieux")).records) == 1
    book["Lieux"].cell(1_048_576, 16_384).value = "x"
    book.save(path)
    assert read(path, FileFormat(kind="xlsx", sheet="Lisez-moi")).columns == ("rien",)
    with pytest.raises(ReadError, match="as far as column XFD and row 1048576"):
        read(path, FileFormat(kind="xlsx", sheet="Lieux"))


def test_a_workbook_damaged_inside_says_so(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("Lieux", [[f"é{n}" * 9, n] for n in range(500)]))
    with zipfile.ZipFile(path) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    data = bytearray(path.read_bytes())
    middle = sheet.header_offset + sheet.compress_size // 2
    data[middle : middle + 60] = b"\xff" * 60
    path.write_bytes(bytes(data))
    with pytest.raises(ReadError, match="no workbook that can be opened"):
        read(path, FileFormat(kind="xlsx"))


NESTED = {
    "total": 2,
    "data": {
        "items": [
            {"nom": "A", "lieu": {"lat": 48.5, "ville": "Angers"}, "tags": ["x", ["y"], None], "vide": {}},
            {"nom": "", "lieu": None},
            {"nom": "B", "contacts": [{"mail": "a@b.fr"}], "n": 3, "ouvert": True},
        ]
    },
}


def test_nested_json_becomes_dotted_columns(tmp_path: Path) -> None:
    path = write(tmp_path, "sites.json", json.dumps(NESTED))
    reading = read(path, FileFormat(kind="json", records="data.items"))
    assert reading.columns == (
        "nom", "lieu.lat", "lieu.ville", "tags", "vide", "lieu", "contacts.0.mail", "n", "ouvert",
    )  # fmt: skip
    assert rows(reading) == [
        (1, {"nom": "A", "lieu.lat": 48.5, "lieu.ville": "Angers", "tags": ["x", ["y"], None], "vide": None}),
        (3, {"nom": "B", "contacts.0.mail": "a@b.fr", "n": 3, "ouvert": True}),
    ]
    assert (reading.blank, as_text(reading.records[0].cells["tags"])) == (1, "x|y")


JSON_FAULTS = {
    "no list at the top": (json.dumps(NESTED), "", r"a list of records was expected at the top.*lists stand at: data"),
    "unknown path": (json.dumps(NESTED), "data.rows", "no 'rows' on the path 'data.rows'.*data.items"),
    "truncated": (json.dumps([{"nom": "A"}])[:-3], "", "line 1: the file ends in the middle of a value"),
    "truncated text": ('[\n{"nom": "Ang', "", "line 2: the file ends in the middle of a value"),
    "no json": ("nom;ville\n", "", "line 1: this is not JSON"),
    "no objects": ("[1, 2]", "", "record 1 is a number, not an object"),
    "doubled key": ('[{"nom": 1, "nom": 2}]', "", "the key 'nom' is doubled"),
    "doubled path": ('[{"a.b": 1, "a": {"b": 2}}]', "", "the column 'a.b' is doubled"),
    "empty": ("  ", "", "the file is empty"),
    "endless number": ('[{"n": ' + "9" * 5000 + "}]", "", "a value cannot be read"),
}


@pytest.mark.parametrize("case", JSON_FAULTS.values(), ids=JSON_FAULTS.keys())
def test_a_json_that_cannot_be_read_says_where_and_why(tmp_path: Path, case: tuple[str, str, str]) -> None:
    data, records, said = case
    with pytest.raises(ReadError, match=f"(?s){said}"):
        read(write(tmp_path, "sites.json", data), FileFormat(kind="json", records=records))


def test_half_a_letter_is_shown_as_lost(tmp_path: Path) -> None:
    text = r'[{"a": "x\ud83d", "b": "\ude00", "c": "\ud83d\ude00", "d": "\\ud83d"}]'
    reading = read(write(tmp_path, "sites.json", text), FileFormat(kind="json"))
    assert reading.records[0].cells == {"a": "x\ufffd", "b": "\ufffd", "c": "\U0001f600", "d": r"\ud83d"}


def test_features_whose_properties_are_none_are_told(tmp_path: Path) -> None:
    for properties, said in (("[1]", "record 1 is a list"), ('"x"', "record 1 is a text")):
        text = f'{{"type": "FeatureCollection", "features": [{{"type": "Feature", "properties": {properties}}}]}}'
        with pytest.raises(ReadError, match=said):
            read(write(tmp_path, "sites.geojson", text), FileFormat(kind="geojson"))


def test_json_lines_have_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "sites.jsonl", '{"nom": "A"}\n\n{"nom": "B"}\n')
    assert rows(read(path, FileFormat(kind="jsonl"))) == [(1, {"nom": "A"}), (3, {"nom": "B"})]
    path.write_text('{"nom": "A"}\n{"nom": "B\n')
    with pytest.raises(ReadError, match="line 2: the file ends in the middle"):
        read(path, FileFormat(kind="jsonl"))


def test_geojson_points_become_two_columns_and_no_point_is_made_up(tmp_path: Path) -> None:
    features = [
        {
            "type": "Feature",
            "id": 7,
            "properties": {"nom": "A"},
            "geometry": {"type": "Point", "coordinates": [2.3, 48.8]},
        },
        {"type": "Feature", "properties": {"nom": "B"}, "geometry": {"type": "LineString", "coordinates": [[0, 1]]}},
        {"type": "Feature", "properties": {"nom": "C"}, "geometry": None},
    ]
    path = write(tmp_path, "s.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    reading = read(path, FileFormat(kind="geojson"))
    assert reading.columns == ("nom", "feature.id", "geometry.type", "geometry.longitude", "geometry.latitude")
    assert rows(reading)[0] == (
        1,
        {"nom": "A", "feature.id": 7, "geometry.type": "Point", "geometry.longitude": 2.3, "geometry.latitude": 48.8},
    )
    assert rows(reading)[1:] == [(2, {"nom": "B", "geometry.type": "LineString"}), (3, {"nom": "C"})]
    with pytest.raises(ReadError, match="FeatureCollection was expected"):
        read(write(tmp_path, "t.geojson", '{"type": "Feature"}'), FileFormat(kind="geojson"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (75001.0, "75001"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e22, "1e+22"),
        (float("nan"), ""),
        (True, "true"),
        (None, ""),
        ("\u00a0 x \u202f", "x"),
        (clock(0, 0), "2024-03-12"),
        (clock(9, 5), "2024-03-12T09:05:00"),
    ],
)
def test_a_typed_cell_has_one_text(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.real
def test_the_french_and_the_american_twin_give_equal_tables() -> None:
    """Boavizta publishes one table twice: `;` and decimal comma, `,` and decimal point (facts, domain 5)."""
    folder = REAL / "refurbished_devices" / "boavizta"
    if not folder.is_dir():
        pytest.skip("no real files here")
    french = read(folder / "boavizta-data-fr.csv", FileFormat(kind="csv", delimiter=";", encoding="utf-8"))
    american = read(folder / "boavizta-data-us.csv", FileFormat(kind="csv", delimiter=",", encoding="utf-8"))
    assert french.columns == american.columns
    assert len(french.records) == len(american.records) == 1226

    def plain(cell: object) -> str:
        text = as_text(cell).replace(",", ".")
        try:
            return repr(float(text.removesuffix("%")))
        except ValueError:
            return text

    def cells(reading: Reading) -> list[list[str]]:
        return [[plain(cell) for cell in record.cells.values()] for record in reading.records]

    assert cells(french) == cells(american)


@pytest.mark.real
def test_one_table_in_json_and_in_csv_is_one_table() -> None:
    """PACA delivers its table twice, in another order. The CSV lost its accents on the way (U+FFFD), numbers in it keep
    closing zeros, and `materiels_disponibles` really differs in some rows; all else must be equal."""
    folder = REAL / "inclusion_sites"
    if not folder.is_dir():
        pytest.skip("no real files here")
    as_json = read(folder / "paca.json", FileFormat(kind="json"))
    as_csv = read(folder / "paca_regionsud-2022_v2.csv", FileFormat(kind="csv"))
    assert (as_csv.delimiter, len(as_json.records), len(as_csv.records)) == (";", 1245, 1245)
    assert set(as_json.columns) - set(as_csv.columns) == {"date"}
    compared = [column for column in as_csv.columns if column != "materiels_disponibles"]

    def plain(cell: object) -> str:
        text = as_text(cell)
        text = text.rstrip("0") if re.fullmatch(r"-?\d+\.\d+", text) else text
        return re.sub(r"[^!#-~]", "", text)

    def table(reading: Reading) -> list[list[str]]:
        return sorted([plain(record.cells[column]) for column in compared] for record in reading.records)

    assert table(as_json) == table(as_csv)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "columns", "records"),
    [
        ("FixitClinic_201909_v0.1.csv", 13, 477),
        ("FixitClinic_202009_v0.2.1.csv", 12, 487),
        ("FixitClinic_202309_v0.3.csv", 14, 737),
        ("FixitClinic_202507_v0.3.csv", 14, 1033),
    ],
)
def test_four_generations_of_one_partner_are_read(name: str, columns: int, records: int) -> None:
    path = REAL / "refurbished_devices" / "openrepair" / name
    if not path.is_file():
        pytest.skip("no real files here")
    reading = read(path, FileFormat(kind="csv"))
    assert (len(reading.columns), len(reading.records)) == (columns, records)


def test_an_old_excel_file_reads_like_the_others(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Lieux")
    dated = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for row, cells in enumerate([["Nom", "Date", "Places"], [], ["Fablab d'Été", datetime.date(2026, 11, 2), 12]]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell, *([dated] if isinstance(cell, datetime.date) else []))
    path = tmp_path / "lieux.xls"
    book.save(str(path))
    reading = read(path, FileFormat(kind="xls"))
    assert rows(reading) == [(3, {"Nom": "Fablab d'Été", "Date": datetime.date(2026, 11, 2), "Places": 12.0})]
    assert reading.blank == 1
    # Many web applications export an HTML table under this name.
    with pytest.raises(ReadError, match="no workbook that can be opened"):
        read(write(tmp_path, "export.xls", "<table><tr><td>Nom</td></tr></table>"), FileFormat(kind="xls"))


def test_parquet_keeps_its_types_and_nested_cells_get_paths(tmp_path: Path) -> None:
    table = pa.table(
        {
            "Nom": ["Fablab", None, "Médiathèque"],
            "Date": pa.array([datetime.date(2026, 11, 2), None, None], pa.date32()),
            "Adresse": [{"ville": "Angers", "cp": 49000}, None, {"ville": "Nantes", "cp": 44000}],
            "Services": [["a", "b"], None, []],
        }
    )
    path = tmp_path / "lieux.parquet"
    pq.write_table(table, path)
    reading = read(path, FileFormat(kind="parquet"))
    assert [(line, as_text(cells["Nom"]), as_text(cells["Services"])) for line, cells in rows(reading)] == [
        (1, "Fablab", "a|b"),
        (3, "Médiathèque", ""),
    ]
    assert reading.records[0].cells["Date"] == datetime.date(2026, 11, 2)
    assert (reading.records[1].cells["Adresse.ville"], reading.records[1].cells["Adresse.cp"]) == ("Nantes", 44000)
    assert reading.blank == 1
    for name, data in (("cut", path.read_bytes()[:-20]), ("other", b"Nom;Ville\n" * 50)):
        with pytest.raises(ReadError, match="no Parquet file that can be read"):
            read(write(tmp_path, f"{name}.parquet", data), FileFormat(kind="parquet"))
