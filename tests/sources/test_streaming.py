"""A document too large to be held: the same records as if it were small, in memory that does not grow with it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.declaration import FileFormat, Kind
from sources.formats import documents, streaming
from sources.formats.reading import Record
from sources.formats.spool import Spool
from sources.read import ReadError, Reading, read

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.é", max_size=2), inner, max_size=3),
    max_leaves=6,
)
documents_ = st.lists(st.dictionaries(st.sampled_from(["nom", "ville", "é"]), values, max_size=3), max_size=6)


def outcome(path: Path, declared: FileFormat) -> tuple[str, Any]:
    try:
        reading = read(path, declared)
    except ReadError as error:
        return "refused", str(error).partition(":")[0].partition(",")[0]
    return "read", (reading.columns, list(reading.records), reading.blank)


def both(path: Path, declared: FileFormat, chunk: int) -> tuple[tuple[str, Any], tuple[str, Any]]:
    """What comes of the file held whole, and streamed through a window of so many letters."""
    whole = outcome(path, declared)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(documents, "LARGE", -1)
        patched.setattr(streaming, "_CHUNK", chunk)
        return whole, outcome(path, declared)


@given(documents_, st.integers(1, 40), st.booleans(), st.sampled_from([None, 2]))
@settings(max_examples=150, deadline=None)
def test_streamed_is_the_same_as_whole(
    tmp_path_factory: pytest.TempPathFactory, items: list[Any], chunk: int, ascii_only: bool, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("json") / "lieux.json"
    document = {"meta": {"n": 12, "data": [1]}, "page": {"data": items}, "fin": "é😀"}
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    whole, streamed = both(path, FileFormat(kind="json", records="page.data"), chunk)
    assert streamed == whole


BROKEN = {
    "cut in a record": '{"data": [{"nom": "A"}, {"no',
    "cut in a text": '{"data": [{"nom": "A"}, {"nom": "B',
    "cut after the list": '{"data": [{"nom": "A"}]',
    "more behind it": '{"data": [{"nom": "A"}]} {}',
    "a comma too many": '{"data": [{"nom": "A"},]}',
    "a doubled key": '{"data": [{"nom": "A", "nom": "B"}]}',
    "a doubled list": '{"data": [{"nom": "A"}], "data": []}',
    "no such path": '{"autre": []}',
    "no list there": '{"data": {"nom": "A"}}',
    "a record that is none": '{"data": [{"nom": "A"}, 3]}',
    "words": "Bonjour",
    "nothing but space": "   \n ",
    "another encoding": '{"data": [{"nom": "\udce9"}]}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_what_is_refused_whole_is_refused_streamed(tmp_path: Path, text: str, chunk: int) -> None:
    path = tmp_path / "lieux.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    whole, streamed = both(path, FileFormat(kind="json", records="data", encoding="utf-8"), chunk)
    assert (whole[0], streamed) == ("refused", whole)


@pytest.mark.parametrize("chunk", [1, 5, 13, 64])
def test_half_letters_constants_and_whole_letters_are_read_alike(tmp_path: Path, chunk: int) -> None:
    path = tmp_path / "lieux.json"
    path.write_text(r'[{"a": "x\ud83d", "b": "\ud83d\ude00\ude00", "c": "\\ud83d", "d": NaN, "e": 12}]')
    whole, streamed = both(path, FileFormat(kind="json"), chunk)
    assert streamed == whole
    assert whole[1][1][0].cells == {"a": "x\ufffd", "b": "\U0001f600\ufffd", "c": r"\ud83d", "d": None, "e": 12}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("jsonl", '{"nom": "A"}\n\n{"nom": "é"}\n'),
        (
            "geojson",
            '{"type": "FeatureCollection", "features": [{"id": 1, "properties": {"nom": "A"}, '
            '"geometry": {"type": "Point", "coordinates": [2.5, 47]}}]}',
        ),
    ],
)
def test_the_other_documents_are_streamed_too(tmp_path: Path, kind: Kind, text: str) -> None:
    path = tmp_path / f"lieux.{kind}"
    path.write_text(text, encoding="utf-8")
    whole, streamed = both(path, FileFormat(kind=kind), 5)
    assert (whole[0], streamed) == ("read", whole)


def test_a_spool_reads_like_the_list_it_stands_for() -> None:
    records = [Record(line * 2, {"nom": f"Lieu {line}", "n": line}) for line in range(50)]
    spool = Spool(records)
    assert (list(spool), len(spool), spool[7], spool[-1], spool[3:5]) == (
        records,
        50,
        records[7],
        records[-1],
        records[3:5],
    )
    reading = Reading(("nom", "n"), spool)
    assert [reading.record(line) for line in (14, 15, 98, 99)] == [records[7], None, records[49], None]


MEASURED = """
import resource, sys
from pathlib import Path
from sources.declaration import FileFormat
from sources.read import read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reading = read(Path(sys.argv[1]), FileFormat(kind="json", records="data"))
assert sum(1 for _ in reading.records) == len(reading.records)
print(len(reading.records), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.long
def test_eighty_megabytes_of_json_are_read_in_a_few(tmp_path: Path) -> None:
    path = tmp_path / "lieux.json"
    record = json.dumps({"id": 1, "nom": "Espace numérique", "tags": ["a", "b"], "texte": "x" * 1500})
    with path.open("w", encoding="utf-8") as file:
        file.write('{"meta": {"total": 50000}, "data": [')
        file.write(",".join([record] * 50_000))
        file.write("]}")
    assert path.stat().st_size > documents.LARGE
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    records, megabytes = map(int, done.stdout.split())
    assert (records, megabytes < 40) == (50_000, True), megabytes
