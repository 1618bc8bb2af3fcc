"""Decisions about people name nobody, hold all the same, and never go unread where the salt is missing."""

import json
from pathlib import Path

import pytest

from glane.declaration import DeclarationError
from glane.errors import CallError
from glane.pseudonyms import SALT_KEY, known_salt, salt_of
from glane.store import FolderStore, Stamp
from publish.build import Built, build_version
from publish.decisions import COLUMNS, read_decisions
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, Cells, contribute, declare

ONE_TABLE = DECLARATION[: DECLARATION.index("  - name: national")]
ZOE: Cells = {"id": "a--1", "nom": "Atelier Conseil", "code_postal": "01000", "places": "1"}
ZOE_AGAIN: Cells = {"id": "b--7", "nom": "atelier conseil", "code_postal": "01000"}
OTHER: Cells = {"id": "a--2", "nom": "Le Fil", "code_postal": "35000", "places": "3"}
DAYS = ("2026-11-21T06:00:00+00:00", "2026-11-22T06:00:00+00:00")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas", declaration=ONE_TABLE)


def built(dataset: Dataset, store: FolderStore, path: Path, *rows: Cells, created: str) -> Built:
    parts = [contribute(dataset, name, [row for row in rows if str(row["id"])[0] == name]) for name in "ab"]
    decisions = read_decisions(path, ["sites"])
    return build_version(
        dataset, [part for part in parts if part.rows.height], store, created=created, decisions=decisions
    )


def decide(path: Path, kind: str, identifier: str, **more: str) -> None:
    row = {"kind": kind, "id": identifier, "by": "hub", "on": "2026-11-20", "why": "demande", **more}
    lines = [",".join(COLUMNS), ",".join(row.get(name, "") for name in COLUMNS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("kind", ["withdrawal", "forgotten"])
def test_a_row_goes_by_a_decision_that_names_nobody_and_nobody_is_named_for_it(
    dataset: Dataset, tmp_path: Path, kind: str
) -> None:
    store, path = FolderStore(tmp_path / "store"), tmp_path / "essai.csv"
    rows = [ZOE, ZOE_AGAIN, OTHER, {**OTHER, "id": "b--3", "nom": "Quai"}]
    built(dataset, store, path, *rows, created=DAYS[0])
    more = {"why": ""} if kind == "forgotten" else {}
    # By the id of the row that was merged into the published one, too.
    decide(path, kind, salt_of(store).of("essai", "sites", "b--7"), **more)
    assert "b--7" not in path.read_text(encoding="utf-8")
    version = built(dataset, store, path, *rows, created=DAYS[1]).version
    folder = store.local(version.key)
    assert (folder / "essai-sites.csv").read_text(encoding="utf-8").count("Conseil") == 0
    told = json.loads((folder / "changelog.json").read_bytes())["decisions"]
    assert [(one["fr"], one["en"]) for one in told] == [
        ("une ligne retirée (hub, 2026-11-20)", "one row withdrawn (hub, 2026-11-20)")
    ]
    assert (folder / "withdrawn.csv").read_text(encoding="utf-8").splitlines()[1:] == ["sites,a--1,1.1.0,2026-11-22"]
    for file in version.files:
        assert b"onseil" not in (folder / file.path).read_bytes()


def test_without_its_salt_a_decision_stops_the_version(dataset: Dataset, tmp_path: Path) -> None:
    store, path = FolderStore(tmp_path / "store"), tmp_path / "essai.csv"
    decide(path, "withdrawal", salt_of(store).of("essai", "sites", "a--1"))
    store.remove(SALT_KEY)
    for _ in range(2):
        with pytest.raises(DeclarationError) as caught:
            built(dataset, store, path, ZOE, OTHER, created=DAYS[0])
        assert [(fault.line, fault.key) for fault in caught.value.faults] == [(2, "id")]
        salt_of(store)


def test_pseudonyms_are_of_one_salt_one_dataset_and_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path / "store")
    assert known_salt(store) is None
    salt = salt_of(store)
    assert salt == known_salt(store) == salt_of(store)
    one = salt.of("d", "t", "a--1")
    assert len({one, salt.of("e", "t", "a--1"), salt.of("d", "u", "a--1"), salt.of("d", "t", "a--2")}) == 4
    assert (salt.found(one, "d", "t", ["a--2", "a--1"]), salt.found(one, "d", "u", ["a--1"])) == ("a--1", None)
    named = tmp_path / "salt"
    monkeypatch.setenv("GLANE_SALT_FILE", str(named))
    with pytest.raises(CallError):
        known_salt(store)
    named.write_text("short\n", encoding="utf-8")
    with pytest.raises(CallError):
        known_salt(store)
    named.write_text("f" * 64 + "\n", encoding="utf-8")
    other = salt_of(store)
    assert (other.made(one), salt.made(one), other == salt) == (False, True, False)
    assert "f" * 8 not in repr(other)


def test_a_salt_that_another_process_makes_at_the_same_moment_stays(tmp_path: Path) -> None:
    class Beside(FolderStore):
        """A store in which somebody else makes the salt right after it was seen that there is none."""

        def look(self, key: str) -> Stamp:
            seen = super().look(key)
            if key == SALT_KEY and seen.data is None:
                salt_of(FolderStore(self.root))
            return seen

    found = salt_of(Beside(tmp_path / "store"))
    assert found == known_salt(FolderStore(tmp_path / "store"))
    assert found == salt_of(Beside(tmp_path / "store"))


@pytest.mark.parametrize(
    ("kind", "identifier", "more"),
    [
        ("forgotten", "a--1", {}),
        ("forgotten", "#" + "0" * 31, {}),
        ("withdrawal", "#marie-durand", {}),
        ("forgotten", "#" + "0" * 32, {"until": "2027-01-01"}),
    ],
)
def test_a_forgotten_row_is_never_named(tmp_path: Path, kind: str, identifier: str, more: dict[str, str]) -> None:
    decide(tmp_path / "essai.csv", kind, identifier, **more)
    with pytest.raises(DeclarationError):
        read_decisions(tmp_path / "essai.csv", ["sites"])
