"""A ZIP from a partner: the file that is meant, within bounds, or a sentence that says what is in it."""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.declaration import FileFormat
from sources.formats import archive
from sources.read import ReadError, read
from tests.sources.material import CSV


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name.replace("__", "/").replace("_csv", ".csv").replace("_xlsx", ".xlsx"), data)
    return path


def csv(**keys: Any) -> FileFormat:
    return FileFormat(kind="csv", **keys)


def test_the_only_file_of_the_kind_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "envoi.zip", LISEZMOI=b"Bonjour", export__lieux_csv=CSV)
    reading = read(path, csv())
    assert [(record.line, record.cells) for record in reading.records] == [(2, {"Nom": "Fablab", "Ville": "Angers"})]


def test_one_of_many_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "envoi.zip", lieux_csv=CSV, visites_csv=b"Jour\nlundi\n")
    assert read(path, csv(member="visites*")).columns == ("Jour",)
    with pytest.raises(ReadError, match=r"envoi\.zip: 2 files in this archive fit '\*\.csv'") as caught:
        read(path, csv())
    assert "It holds: lieux.csv, visites.csv" in caught.value.remedy
    assert "or read all as one (together: true)" in caught.value.remedy
    with pytest.raises(ReadError, match="no file in this archive fits 'absent'"):
        read(path, csv(member="absent"))


def test_tables_that_are_read_together_are_one_and_a_line_leads_to_its_file(tmp_path: Path) -> None:
    hours = 'Nom;Ville;Horaires\nPhare;Saumur;"lundi\nmardi"\nQuai;Saumur;\n'.encode("utf-16")
    path = zipped(tmp_path / "envoi.zip", anjou__lieux_csv=CSV, saumur__lieux_csv=hours, LISEZMOI=b"Bonjour")
    reading = read(path, csv(together=True))
    assert reading.columns == ("Nom", "Ville", "Horaires")
    assert (reading.encoding, reading.delimiter) == ("utf-8, utf-16", ";")
    assert [(record.cells["Nom"], *reading.place(record.line)) for record in reading.records] == [
        ("Fablab", "anjou/lieux.csv", 2),
        ("Phare", "saumur/lieux.csv", 2),
        ("Quai", "saumur/lieux.csv", 4),
    ]
    assert (reading.place(0), read(path, csv(member="anjou/*")).place(2)) == ((None, 0), (None, 2))


@given(st.lists(st.lists(st.sampled_from(["", "a", "a\nb"]), max_size=5), min_size=1, max_size=5))
def test_no_two_rows_of_files_read_together_share_a_line(tables: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {
            f"{n}_csv": "\n".join(["Nom;Note", *(f'"{c}";x' for c in cells)]).encode() for n, cells in enumerate(tables)
        }
        reading = read(zipped(Path(folder) / "envoi.zip", **files), csv(together=True))
    lines = [record.line for record in reading.records]
    assert lines == sorted(set(lines))
    assert len(lines) == sum(map(len, tables))
    assert [reading.place(line)[0] for line in lines] == [f"{n}.csv" for n, cells in enumerate(tables) for _ in cells]


def test_an_error_names_the_file_within_the_archive_and_its_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "envoi.zip", lieux_csv=b"Nom;Ville\nFablab;Angers;trop\n")
    with pytest.raises(ReadError, match=r"envoi\.zip : lieux\.csv, line 2: cell 3 \('trop'\) is one too many"):
        read(path, csv(delimiter=";"))


def test_a_workbook_in_an_archive_is_read_and_a_workbook_is_no_archive(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    assert book.active is not None
    book.active.append(["Nom"])
    book.active.append(["Fablab"])
    data = io.BytesIO()
    book.save(data)
    (tmp_path / "lieux.xlsx").write_bytes(data.getvalue())
    path = zipped(tmp_path / "envoi.zip", lieux_xlsx=data.getvalue())
    whole = read(tmp_path / "lieux.xlsx", FileFormat(kind="xlsx"))
    assert read(path, FileFormat(kind="xlsx")) == whole


def test_names_that_lead_out_of_the_archive_lead_nowhere(tmp_path: Path) -> None:
    path = zipped(tmp_path / "envoi.zip", **{"../../../etc/lieux_csv": CSV})
    assert len(read(path, csv()).records) == 1
    assert sorted(tmp_path.rglob("*")) == [path]


def test_an_archive_that_unfolds_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_UNFOLDED_MAX", 3 * 1024**2)
    path = zipped(tmp_path / "bombe.zip", lieux_csv=b"\0" * 50 * 1024**2)
    assert path.stat().st_size < 100_000
    with pytest.raises(ReadError, match="unfolds to more than 3145728 bytes"):
        read(path, csv())


def test_a_damaged_or_protected_archive_says_what_to_do(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "envoi.zip", lieux_csv=CSV * 500).read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole[: len(whole) // 2])
    spoilt = tmp_path / "spoilt.zip"
    spoilt.write_bytes(whole[:45] + b"\xff\xff\xff" + whole[48:])
    locked = tmp_path / "locked.zip"
    at = whole.index(b"PK\x01\x02") + 8
    locked.write_bytes(whole[:6] + b"\x01" + whole[7:at] + b"\x01" + whole[at + 1 :])
    for path, said in ((cut, "cannot be opened"), (spoilt, "cannot be opened"), (locked, "protected by a password")):
        with pytest.raises(ReadError, match=said):
            read(path, csv())
