"""A partner's file without a record: the others stay where they are, whatever the format."""

import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from glane.erasing import Telling, telling
from glane.store import FolderStore, sha256_of
from sources.declaration import FileFormat
from sources.forgetting import blank, blanked, mark_of
from sources.read import read
from sources.snapshot import damaged

ZOE = telling(["Zoé D'Été"])
HEAD = "numéro;nom;ville\n"
ROWS = [
    "1;Le Quai;Nantes\n",
    '2;"Zoé\nD\'Été";"deux ""lignes"""\n',
    '3;"Le ""Fil""";Angers\n',
    "4;Zoé D'Été;Brest\n",
    "5;Pont;Lyon\n",
]
TABLE = {"numéro": ["1", "2"], "nom": ["Le Quai", "Zoé D'Été"]}


def parquet(columns: dict[str, list[str]]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(columns).write_parquet(data)
    return data.getvalue()


def zipped(**files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.csv", content)
    return data.getvalue()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_record_of_several_lines_leaves_as_many_empty_ones(tmp_path: Path, codec: str, end: str) -> None:
    path = tmp_path / "file"
    path.write_bytes((HEAD + "".join(ROWS)).replace("\n", end).encode(codec))
    declared = FileFormat(kind="csv")
    before = {record.line: record.cells for record in read(path, declared).records}
    data = blanked(path, declared, {2 + 1, 6}, ZOE)
    assert data is not None
    path.write_bytes(data)
    after = {record.line: record.cells for record in read(path, declared).records}
    assert after == {line: cells for line, cells in before.items() if line not in (3, 6)}
    assert list(after) == [2, 5, 7]


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        (FileFormat(kind="json"), json.dumps([{"nom": "Le Quai"}, {"nom": "Zoé D'Été"}, {"nom": "Pont"}]).encode()),
        (
            FileFormat(kind="json", records="données.lieux"),
            json.dumps({"données": {"lieux": [{"nom": "Le Quai"}, {"nom": "Zoé D'Été"}], "vu": 1}}).encode(),
        ),
        (FileFormat(kind="jsonl"), '{"nom": "Le Quai"}\n{"nom": "Zoé D\'Été"}\n{"nom": "Pont"}\n'.encode()),
        (
            FileFormat(kind="geojson"),
            json.dumps(
                {
                    "type": "FeatureCollection",
                    "features": [{"type": "Feature", "properties": {"nom": n}} for n in ("Le Quai", "Zoé D'Été")],
                }
            ).encode(),
        ),
        (FileFormat(kind="parquet"), parquet(TABLE)),
    ],
)
def test_the_others_keep_their_numbers(tmp_path: Path, declared: FileFormat, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    before = {record.line: record.cells for record in read(path, declared).records}
    found = blanked(path, declared, {2}, ZOE)
    assert found is not None
    path.write_bytes(found)
    assert {record.line: record.cells for record in read(path, declared).records} == {
        line: cells for line, cells in before.items() if line != 2
    }


def test_a_record_of_the_second_file_of_an_archive_goes_there_alone(tmp_path: Path) -> None:
    path, declared = tmp_path / "file.zip", FileFormat(kind="csv", together=True)
    path.write_bytes(zipped(a=b"nom\nLe Quai\nPont\n", b="nom\nLe Fil\nZoé D'Été\nPhare\n".encode()))
    lines = [record.line for record in read(path, declared).records]
    found = blanked(path, declared, {lines[3]}, ZOE)
    assert found is not None
    path.write_bytes(found)
    assert [(one.line, one.cells["nom"]) for one in read(path, declared).records] == [
        (line, name) for line, name in zip(lines, ("Le Quai", "Pont", "Le Fil", "", "Phare"), strict=True) if name
    ]


@pytest.mark.parametrize(
    ("declared", "lines"),
    [(FileFormat(kind="ods"), {2}), (FileFormat(kind="csv"), {3})],
    ids=["cannot-be-written", "tells-elsewhere-too"],
)
def test_what_cannot_be_kept_without_them_is_replaced_by_its_mark(
    tmp_path: Path, declared: FileFormat, lines: set[int]
) -> None:
    store, data = FolderStore(tmp_path / "store"), "nom\nZoé D'Été\nLe Quai\n".encode()
    (tmp_path / "file").write_bytes(data)
    name = sha256_of(tmp_path / "file")
    key = f"raw/d/p/{name}"
    store.write(key, data)
    store.write_json(f"{key}.json", {"fetched_at": "2026-11-20T00:00:00+00:00"})
    mark = blank(store, key, declared, lines, ZOE, at="2026-12-01T00:00:00+00:00")
    assert mark is not None
    assert (mark.replaced, mark_of(store, key), list(damaged(store, "d"))) == (True, mark, [])
    assert not ZOE.in_file(store.read(key))
    assert blank(store, key, declared, lines, ZOE, at="later") == mark


def test_what_tells_is_found_however_it_is_written() -> None:
    for text in (
        "chez Zoé D'Été.",
        json.dumps({"a": "x\nZoé D'Été"}),
        json.dumps(json.dumps({"a": "\nzoé d'été"})),
        "<td>Zoé D&#x27;Été</td>",
        "?q=Zo%C3%A9%20D%27%C3%89t%C3%A9",
    ):
        assert ZOE.in_text(text), text
        assert not ZOE.in_text(ZOE.covered(text))
    assert not telling(["epn--1"]).in_text("epn--12, aepn--1")
    assert not Telling(frozenset()).in_text("anything")
