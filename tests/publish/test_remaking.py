"""Derived formats come again from a version's canonical files, byte for byte; canonical ones are for ever."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from glane.errors import CallError
from glane.removals import Removal, remove
from glane.store import FolderStore
from publish.build import build_version
from publish.formats import FORMATS
from publish.remaking import OtherBytesError, derive_again
from publish.restoration import restore
from publish.retention import inputs_of, surplus, with_derived
from publish.verify import verify_store
from publish.version import Listed, VersionError, load
from schemas.dataset import Dataset, Table, load_dataset
from tests.publish.material import SITES, Cells, declare
from tests.publish.test_build import ANGERS, NANTES, parts

ODD: Cells = {"id": "a--3", "nom": 'Un "nom",\nsur deux\r\nlignes', "source": "", "attribution": " ", "latitude": "1e3"}
DERIVED = ("essai-sites.geojson", "essai-sites.xlsx")
AT = "2026-12-31T00:00:00+00:00"
DAYS = ("10-02", "10-30", "11-01", "11-02", "11-03", "11-04")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions in October, four in November."""
    root = tmp_path_factory.mktemp("remaking")
    dataset, store = declare(root / "schemas"), FolderStore(root / "store")
    for day, name in zip(DAYS, "abcdef", strict=True):
        rows = parts(dataset, {**ANGERS, "nom": name}, NANTES, ODD)
        build_version(dataset, rows, store, created=f"2026-{day}T06:00:00+00:00")
    return root


@pytest.fixture
def store(built: Path, tmp_path: Path) -> FolderStore:
    return FolderStore(Path(shutil.copytree(built / "store", tmp_path / "store")))


@pytest.fixture
def dataset(built: Path) -> Dataset:
    return load_dataset(built / "schemas" / "essai")


def pruned(store: FolderStore) -> list[str]:
    """Take out of the store the derived files that need not stay; gives their keys."""
    removals = list(surplus(store, "essai", at=AT))
    remove(store, "essai", removals)
    return [removal.key for removal in removals]


def test_the_last_two_versions_and_the_last_of_each_month_keep_all_their_formats() -> None:
    days = ("2026-08-31", "2026-10-02", "2026-10-30", "2026-11-01", "2026-11-02", "2026-11-03")
    lines = [Listed(version=day, created=day, previous=None, rows={}, manifest_sha256="") for day in days]
    assert sorted(with_derived(lines)) == ["2026-08-31", "2026-10-30", "2026-11-02", "2026-11-03"]
    assert with_derived(lines[:1]) == {"2026-08-31"}
    assert with_derived([]) == frozenset()


def test_what_was_removed_comes_again_byte_for_byte_whatever_is_declared_today(
    store: FolderStore, tmp_path: Path
) -> None:
    before = {name: store.read(f"versions/essai/1.0.2/{name}") for name in DERIVED}
    assert pruned(store) == [
        f"versions/essai/{number}/{name}" for number in ("1.0.0", "1.0.2", "1.0.3") for name in DERIVED
    ]
    assert pruned(store) == []
    texts = {**SITES, "fields": [{**field, "type": "string"} for field in SITES["fields"]]}
    later = declare(tmp_path / "later", sites=texts)
    assert build_version(later, parts(later, ANGERS, NANTES, ODD), store, created=AT).version.version == "2.0.0"
    made = derive_again(store, "essai", "1.0.2", tmp_path / "again")
    assert {path.name: path.read_bytes() for path in made} == before
    (kept,) = derive_again(store, "essai", "1.0.1", tmp_path / "kept", ["xlsx"])
    assert kept.read_bytes() == store.read("versions/essai/1.0.1/essai-sites.xlsx")
    with pytest.raises(CallError, match="has no such derived files") as error:
        derive_again(store, "essai", "1.0.2", tmp_path / "no", ["csv"])
    assert error.value.remedy == "Its derived formats: geojson, xlsx."


def test_verify_knows_what_went_as_declared_and_names_everything_else(store: FolderStore) -> None:
    pruned(store)
    assert verify_store(store, "essai") == []
    for path in ("1.0.5/essai-sites.xlsx", "1.0.2/essai-sites.parquet", "1.0.2/essai-sites.csv"):
        store.remove(f"versions/essai/{path}")
    store.write("versions/essai/1.0.3/essai-sites.xlsx", b"another")
    forged = Removal("versions/essai/1.0.2/essai-sites.csv", "0" * 64, 3, AT, "no")
    csv = load(store, "essai", "1.0.2").file("essai-sites.csv")
    remove(store, "essai", [forged, replace(forged, sha256=csv.sha256)])
    assert sorted(
        Path(fault.where).relative_to(store.root / "versions/essai").as_posix()
        for fault in verify_store(store, "essai")
    ) == [
        "1.0.2/essai-sites.csv",
        "1.0.2/essai-sites.parquet",
        "1.0.3/essai-sites.xlsx",
        "1.0.5/essai-sites.xlsx",
    ]


def test_what_another_release_writes_otherwise_stays_and_is_never_given_for_the_listed_one(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned(store)
    store.remove("log/removed/essai/2026-12.jsonl")

    def newer(table: Table, rows: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"written otherwise")

    monkeypatch.setitem(FORMATS, "xlsx", replace(FORMATS["xlsx"], write=newer, packages=("polars",)))
    with pytest.raises(
        OtherBytesError, match="cannot be made again byte for byte here: it was written by polars"
    ) as error:
        derive_again(store, "essai", "1.0.2", tmp_path / "again")
    assert "xlsxwriter" in error.value.what
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["essai-sites.geojson"]


def test_a_file_that_would_not_come_again_is_not_removed(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def newer(table: Table, rows: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"written otherwise")

    monkeypatch.setitem(FORMATS, "xlsx", replace(FORMATS["xlsx"], write=newer))
    assert {key.rpartition(".")[2] for key in pruned(store)} == {"geojson"}


def test_nothing_is_made_from_a_damaged_file(store: FolderStore, tmp_path: Path) -> None:
    pruned(store)
    path = store.local("versions/essai/1.0.2/essai-sites.csv")
    path.write_bytes(path.read_bytes().replace(b"c,01000", b"d,01000"))
    with pytest.raises(VersionError, match="is not the file that was listed"):
        derive_again(store, "essai", "1.0.2", tmp_path / "again")


def test_a_version_is_restored_with_all_its_formats_though_the_store_has_them_no_more(
    store: FolderStore, dataset: Dataset, tmp_path: Path
) -> None:
    before = {name: store.read(f"versions/essai/1.0.2/{name}") for name in DERIVED}
    pruned(store)
    version = restore(dataset, store, "1.0.2", "Les noms étaient justes.", created=AT)
    assert {name: store.read(f"{version.key}/{name}") for name in DERIVED} == before
    assert verify_store(store, "essai") == []


def test_a_restored_version_describes_the_formats_as_they_are_written_now(
    store: FolderStore, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned(store)

    def newer(table: Table, rows: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"written otherwise")

    monkeypatch.setitem(FORMATS, "xlsx", replace(FORMATS["xlsx"], write=newer))
    version = restore(dataset, store, "1.0.2", "Les noms étaient justes.", created=AT)
    described = json.loads(store.read(f"{version.key}/datapackage.json"))["resources"][0]
    (sheet,) = [one for one in described["alternatives"] if one["format"] == "xlsx"]
    assert sheet["hash"] == f"sha256:{hashlib.sha256(b'written otherwise').hexdigest()}"
    assert (sheet["bytes"], verify_store(store, "essai")) == (17, [])


def test_inputs_are_known_with_the_day_until_which_versions_were_made_of_them(
    store: FolderStore, dataset: Dataset
) -> None:
    last = parts(dataset, ANGERS, ODD)
    again = [replace(last[0], verdict=replace(last[0].verdict, snapshot="f" * 64)), *last[1:]]
    build_version(dataset, again, store, created=AT)
    snapshots = {part.partner: part.verdict.snapshot for part in last}
    assert inputs_of(store, "essai") == {
        ("a", snapshots["a"]): AT,
        ("a", "f" * 64): None,
        ("b", snapshots["b"]): None,
        ("visiteurs", snapshots["visiteurs"]): None,
    }
