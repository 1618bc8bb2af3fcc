"""Forgetting a person: no byte of a version tells of it, deltas still lead on, and a kill at any step does no harm."""

import io
import itertools
import zipfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from glane.erasing import telling
from glane.store import FolderStore, Store, open_store
from publish.build import build_version
from publish.delta import apply_delta
from publish.forgetting.person import Person, cells_in_versions, family, only_theirs, traced
from publish.forgetting.versions import forget_in_versions, touched
from publish.remaking import derive_again
from publish.verify import verify_store
from publish.version import listed, load
from schemas.dataset import Dataset
from tests.publish.material import Cells, contribute, declare

MARKED = "Marqueplanté"
ZOE: Cells = {"id": "a--1", "nom": f"{MARKED} conseil", "code_postal": "01000", "latitude": "46.2", "longitude": "5.2"}
OTHER: Cells = {
    "id": "a--12",
    "nom": "Le Fil",
    "code_postal": "35000",
    "places": "3",
    "latitude": "48.1",
    "longitude": "-1.6",
}
TWIN: Cells = {"id": "b--9", "nom": f"{MARKED} CONSEIL", "code_postal": "01000", "source": "le marqueplan de b"}
RENNES: Cells = {"id": "b--1", "nom": "Quai", "code_postal": "35000", "date_maj": "2026-01-02", "source": "b"}
VISITS: Sequence[Cells] = [
    {"id": "v1", "site_id": "a--1", "le": "2026-02-03"},
    {"id": "v2", "site_id": "b--1", "le": "2026-02-04"},
]
AT = "2026-12-01T10:00:00+00:00"


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return (
        open_store(request.getfixturevalue("s3").place()) if request.param == "s3" else FolderStore(tmp_path / "store")
    )


def five_versions(tmp_path: Path, store: Store) -> Dataset:
    """The person comes with 1.1.0, changes with the next, leaves with the fourth; the fifth knows nothing of it."""
    dataset = declare(tmp_path / "schemas")
    files: list[tuple[list[Cells], list[Cells]]] = [
        ([OTHER], [RENNES]),
        ([ZOE, OTHER], [TWIN, RENNES]),
        ([{**ZOE, "places": "7"}, OTHER], [TWIN, RENNES]),
        ([OTHER], [RENNES]),
        ([{**OTHER, "places": "4"}], [RENNES]),
    ]
    for day, (a, b) in enumerate(files, start=1):
        visits = [one for one in VISITS if one["site_id"] in {row["id"] for row in [*a, *b]}]
        parts = [contribute(dataset, "a", a), contribute(dataset, "b", b)]
        parts.append(contribute(dataset, "c", visits, table="visites"))
        build_version(dataset, parts, store, created=f"2026-11-{day:02}T06:00:00+00:00")
    return dataset


def zoe(dataset: Dataset, store: Store, *, asked: str = "b--9", id_too: bool = False) -> Person:
    found = traced(store, dataset.name, family(dataset, "sites"), [asked])
    texts = only_theirs(*cells_in_versions(store, found))
    lines = {"table": "sites", "texts": texts, "at": AT, "id_too": id_too}
    return Person(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, **lines})


def holding(store: Store, text: str) -> list[str]:
    """The keys of the store that hold a text, workbooks and Parquet opened."""
    return [
        key for key in store.files("versions") if text.casefold() in opened(store.read(f"versions/{key}")).casefold()
    ]


def opened(data: bytes) -> str:
    if data[:4] == b"PAR1":
        return pl.read_parquet(io.BytesIO(data)).write_json()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return data.decode()


def check_whole(store: Store, folder: Path) -> None:
    """Every byte as listed, and every delta leads from one version to the next."""
    assert verify_store(store, "essai") == []
    versions = [load(store, "essai", line.version) for line in listed(store, "essai")]
    for old, new in itertools.pairwise(versions):
        for header in (file for file in new.files if file.path.endswith(".delta.json")):
            for file in (file for file in new.files if file.kind == "delta"):
                target = folder / new.version / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(store.read(f"{new.key}/{file.path}"))
            before = store.read(f"{old.key}/essai-{header.table}.csv")
            after = store.read(f"{new.key}/essai-{header.table}.csv")
            assert apply_delta(folder / new.version / header.path, before) == after


def test_no_version_tells_of_a_person_who_is_forgotten(tmp_path: Path, store: Store) -> None:
    dataset = five_versions(tmp_path, store)
    numbers = [line.version for line in listed(store, "essai")]
    was = {one.version: one.manifest_sha256 for one in listed(store, "essai")}
    person = zoe(dataset, store)
    assert (person.ids, person.published, person.partners) == ({"a--1", "b--9"}, {"a--1"}, {"a", "b"})
    assert holding(store, MARKED)
    foreseen = [one.version for one in touched(store, person)]
    with store.writer():
        done = forget_in_versions(dataset, store, person)
    assert done == foreseen == ["1.1.0", "1.1.1", "1.2.0"]
    assert holding(store, MARKED) == holding(store, "marqueplan de") == holding(store, '"v1"') == []
    assert [line.version for line in listed(store, "essai")] == numbers
    check_whole(store, tmp_path)
    rows = {line.version: dict(line.rows) for line in listed(store, "essai")}
    assert rows["1.1.0"] == rows["1.0.0"] == {"sites": 2, "national": 2, "visites": 1}
    for line in listed(store, "essai")[1:4]:
        mark = load(store, "essai", line.version).forgotten[-1]
        assert (line.forgotten[-1].at, line.forgotten[-1].was, mark.at) == (AT, was[line.version], AT)
        assert set(mark.was) >= {"datapackage.json"}
    # Who has the row still finds its key, and nothing else.
    assert "sites,a--1,1.2.0,2026-11-04" in store.read(f"versions/essai/{numbers[-1]}/withdrawn.csv").decode()


def test_the_same_rows_make_no_version_after_a_forgetting(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    dataset = five_versions(tmp_path, store)
    with store.writer():
        forget_in_versions(dataset, store, zoe(dataset, store))
    parts = [contribute(dataset, "a", [{**OTHER, "places": "4"}]), contribute(dataset, "b", [RENNES])]
    parts.append(contribute(dataset, "c", [VISITS[1]], table="visites"))
    again = build_version(dataset, parts, store, created=AT)
    assert (again.new, again.version.version) == (False, "1.2.1")
    parts[0] = contribute(dataset, "a", [{**OTHER, "places": "5"}])
    after = build_version(dataset, parts, store, created=AT)
    assert (after.new, after.version.version) == (True, "1.2.2")
    assert "a--1" in store.read("versions/essai/1.2.2/withdrawn.csv").decode()
    check_whole(store, tmp_path)


def test_an_id_that_names_somebody_stays_nowhere(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    dataset = five_versions(tmp_path, store)
    person = zoe(dataset, store, id_too=True)
    with store.writer():
        forget_in_versions(dataset, store, person)
    ids = telling(person.ids)
    assert not [key for key in store.files("versions") if ids.in_text(opened(store.read(f"versions/{key}")))]
    check_whole(store, tmp_path)


def test_a_derived_file_that_went_as_declared_comes_again_without_the_person(tmp_path: Path) -> None:
    from glane.removals import Removal, remove

    store = FolderStore(tmp_path / "store")
    dataset = five_versions(tmp_path, store)
    gone = load(store, "essai", "1.1.0").file("essai-sites.xlsx")
    remove(store, "essai", [Removal(f"versions/essai/1.1.0/{gone.path}", gone.sha256, gone.bytes, AT, "pruned")])
    with store.writer():
        forget_in_versions(dataset, store, zoe(dataset, store))
    check_whole(store, tmp_path)
    (again,) = derive_again(store, "essai", "1.1.0", tmp_path / "again", ["xlsx"])
    assert MARKED not in opened(again.read_bytes())


class KilledError(Exception):
    pass


def test_killed_at_any_step_it_goes_on_where_it_was(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    dataset = five_versions(tmp_path, store)
    person = zoe(dataset, store)
    killed: list[str] = []

    def before(step: str) -> None:
        if step not in killed:
            killed.append(step)
            raise KilledError

    while True:
        try:
            with store.writer():
                forget_in_versions(dataset, store, person, before)
            break
        except KilledError:
            # Whatever was reached, every version is whole and listed.
            assert verify_store(store, "essai") == []
    kinds = ("write", "announce", "replace", "list")
    # What was replaced when the run was killed is only listed by the next one.
    assert killed == [f"{kind} {number}" for number in ("1.1.0", "1.1.1", "1.2.0") for kind in kinds]
    assert holding(store, MARKED) == []
    check_whole(store, tmp_path)
    assert [len(line.forgotten) for line in listed(store, "essai")] == [0, 1, 1, 1, 0]
