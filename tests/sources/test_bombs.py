"""Files made to hurt: they are refused with a sentence, and cost no more memory than an honest one."""

import gzip
import io
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from glane.store import Store
from sources.declaration import FileFormat, Kind
from sources.fetch.failures import ContentError
from sources.formats import sheets
from sources.harvest import harvest
from sources.read import ReadError, as_text, read
from tests.sources.material import CSV, HASTY, Answer, Declare, Server

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "{0}">'
    + "".join(f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file://{0}">]>'


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Nom", "Ville"])
    sheet.append(["Fablab", "REPLACED"])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def with_parts(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same archive with its parts changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return made.getvalue()


def entities(doctype: str, entity: str) -> Callable[[str, bytes], bytes]:
    """Put a document type before each part, and its entity in the place of a word."""

    def change(name: str, part: bytes) -> bytes:
        if not name.endswith((".xml", ".rels")):
            return part
        text = part.decode()
        text = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
        return (doctype + text.replace("REPLACED", f"&{entity};")).encode()

    return change


ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>'
    '<table:table table:name="L"><table:table-row>{0}{1}</table:table-row>'
    "<table:table-row>{2}{3}</table:table-row></table:table></office:spreadsheet></office:body>"
    "</office:document-content>"
)


def ods() -> bytes:
    cells = [
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        for text in ("Nom", "Ville", "Fablab", "REPLACED")
    ]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.format(*cells))
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return made.getvalue()


@pytest.mark.parametrize(("kind", "made"), [("xlsx", workbook), ("ods", ods)])
@pytest.mark.parametrize("bomb", ["laughs", "external"])
def test_entities_in_a_workbook_unfold_to_nothing_and_read_no_file(
    kind: Kind, made: Callable[[], bytes], bomb: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cret")
    doctype = LAUGHS.replace("{0}", "ha" * 50) if bomb == "laughs" else EXTERNAL.replace("{0}", str(secret))
    path = tmp_path / f"lieux.{kind}"
    path.write_bytes(with_parts(made(), entities(doctype, "j" if bomb == "laughs" else "a")))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        cells = [
            as_text(cell) for record in read(path, FileFormat(kind=kind)).records for cell in record.cells.values()
        ]
    except ReadError as error:
        cells = [str(error)]
        assert "this is no workbook that can be opened" in cells[0]
    # Unfolded, it would be a hundred thousand million letters.
    assert sum(map(len, cells)) < 10_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    assert not any("s3cret" in cell or "haha" in cell for cell in cells)


def test_a_workbook_that_unfolds_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_UNFOLDED_MAX", 3 * 1024**2)
    path = tmp_path / "lieux.xlsx"
    path.write_bytes(with_parts(workbook(), lambda name, part: part + b" " * (50 * 1024**2 if "sheet1" in name else 0)))
    assert path.stat().st_size < 100_000
    with pytest.raises(ReadError, match="the workbook unfolds to") as caught:
        read(path, FileFormat(kind="xlsx"))
    assert caught.value.remedy == "Send a file of less than 1 GB."


def test_a_workbook_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(with_parts(workbook(), lambda name, part: part + b" " * (5 * 1024**2 if "sheet1" in name else 0)))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        whole = next(entry for entry in archive.infolist() if "sheet1" in entry.filename).file_size
    # Both headers say that the sheet is small.
    data = bytearray(bytes(data).replace(whole.to_bytes(4, "little"), (900).to_bytes(4, "little")))
    path = tmp_path / "lieux.xlsx"
    path.write_bytes(bytes(data))
    with pytest.raises(ReadError):
        read(path, FileFormat(kind="xlsx"))


def test_an_answer_that_is_packed_to_burst_is_left_at_the_limit(
    declare: Declare, store: Store, serve: Callable[..., Server]
) -> None:
    packed = gzip.compress(b"x" * 60 * 1024**2)
    assert len(packed) < HASTY.bytes_max
    server = serve(Answer(body=packed, headers={"Content-Encoding": "gzip"}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ContentError, match="gives more than 1 MB"):
        harvest(declare(where={"url": server.url, "private": True}), store, patience=HASTY)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
    assert list(store.list("raw")) == []


def test_a_packed_answer_is_kept_unpacked(declare: Declare, store: Store, serve: Callable[..., Server]) -> None:
    server = serve(Answer(body=gzip.compress(CSV), headers={"Content-Encoding": "gzip"}))
    snapshot = harvest(declare(where={"url": server.url, "private": True}), store, patience=HASTY)
    assert store.read(snapshot.key) == CSV


@pytest.mark.parametrize("name", ["../../lieux.csv", "/etc/lieux.csv", "C:\\lieux.csv", "a/../../lieux.csv"])
def test_no_name_in_an_archive_leads_out_of_it(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "it"
    folder.mkdir(parents=True)
    path = folder / "envoi.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, CSV)
    assert len(read(path, FileFormat(kind="csv")).records) == 1
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


def test_a_link_in_an_archive_is_a_text_and_leads_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"Nom;Ville\ns3cret;x\n")
    path = tmp_path / "envoi.zip"
    link = zipfile.ZipInfo("lieux.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, str(secret))
    reading = read(path, FileFormat(kind="csv"))
    assert (reading.columns, list(reading.records)) == ((str(secret),), [])


def test_macros_and_formulas_are_not_run(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Nom", "Ville"])
    sheet.append(["=cmd|'/c touch ran'!A1", '=WEBSERVICE("http://127.0.0.1:9/")'])
    book.save(tmp_path / "lieux.xlsx")
    code = (
        "import sys; from pathlib import Path; from sources.declaration import FileFormat; "
        "from sources.read import read; print(len(read(Path(sys.argv[1]), FileFormat(kind='xlsx')).records))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "lieux.xlsx")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    # A formula that nobody computed has no value: the row is empty, and nothing was written or asked.
    assert done.stdout.strip() in ("0", "1")
    assert [one.name for one in tmp_path.iterdir()] == ["lieux.xlsx"]
