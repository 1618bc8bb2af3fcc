"""Going back to an older version: a new version that says what the older one said, and why."""

import json
from pathlib import Path

import pytest

from glane.errors import CallError
from glane.store import FolderStore, Store
from publish.build import build_version
from publish.delta import apply_delta
from publish.restoration import NothingToRestoreError, OtherShapeError, restore
from publish.verify import verify_store
from publish.version import UnknownVersionError, VersionError, current, listed
from schemas.dataset import Dataset
from tests.publish.material import SITES, declare
from tests.publish.test_build import ANGERS, DAY, NANTES, RENNES, parts

LATER = "2026-12-01T06:00:00+00:00"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas")


@pytest.fixture
def store(dataset: Dataset, tmp_path: Path) -> Store:
    store = FolderStore(tmp_path / "store")
    build_version(dataset, parts(dataset, ANGERS, NANTES), store, created=DAY)
    build_version(dataset, parts(dataset, {**ANGERS, "nom": "Gribouillis"}), store, created=DAY)
    return store


def test_an_older_version_comes_back_as_a_new_one_and_nothing_is_unmade(dataset: Dataset, store: Store) -> None:
    version = restore(dataset, store, "1.0.0", "Noms abîmés chez  un partenaire.", created=LATER)
    assert [line.version for line in listed(store, "essai")] == ["1.0.0", "1.1.0", "1.2.0"]
    assert (version.version, version.previous, version.level) == ("1.2.0", "1.1.0", "minor")
    for name in ("essai-sites.csv", "essai-sites.parquet", "essai-sites.xlsx", "essai-visites.csv"):
        assert store.read(f"versions/essai/1.2.0/{name}") == store.read(f"versions/essai/1.0.0/{name}")
    delta = store.local("versions/essai/1.2.0/delta/sites.delta.json")
    old, new = (store.read(f"versions/essai/{number}/essai-sites.csv") for number in ("1.1.0", "1.0.0"))
    assert apply_delta(delta, old) == new
    french = store.read("versions/essai/1.2.0/changelog.fr.md").decode()
    assert "version du 1er décembre 2026 (1.2.0)" in french
    assert "\n\nRetour à la version 1.0.0. Motif : Noms abîmés chez un partenaire.\n\n" in french
    assert "1 ligne ajoutée, 1 ligne modifiée ; 3 lignes en tout" in french
    told = json.loads(store.read("versions/essai/1.2.0/changelog.json"))
    assert told["restores"] == {"version": "1.0.0", "reason": "Noms abîmés chez un partenaire."}
    assert verify_store(store, "essai") == []


def test_a_run_does_not_bring_back_what_was_put_aside_until_it_changes(dataset: Dataset, store: Store) -> None:
    restore(dataset, store, "1.0.0", "Noms abîmés.", created=LATER)
    spoilt = {**ANGERS, "nom": "Gribouillis"}
    again = build_version(dataset, parts(dataset, spoilt), store, created=LATER)
    assert (again.new, again.put_aside, again.version.version) == (False, True, "1.2.0")
    mended = build_version(
        dataset, parts(dataset, ANGERS, b=(RENNES, {"id": "b--2", "nom": "B"})), store, created=LATER
    )
    assert (mended.new, mended.version.version, mended.version.restores) == (True, "1.3.0", None)
    spoilt_again = build_version(dataset, parts(dataset, spoilt), store, created=LATER)
    assert spoilt_again.new


def test_what_was_put_aside_stays_so_when_one_goes_back_twice(dataset: Dataset, store: Store) -> None:
    worse = {**ANGERS, "nom": "Charabia"}
    build_version(dataset, parts(dataset, worse), store, created=DAY)
    for number in ("1.1.0", "1.0.0"):
        restore(dataset, store, number, "Noms abîmés.", created=LATER)
    for spoilt in (worse, {**ANGERS, "nom": "Gribouillis"}):
        again = build_version(dataset, parts(dataset, spoilt), store, created=LATER)
        assert (again.new, again.put_aside) == (False, True)


def test_a_restoration_can_itself_be_taken_back(dataset: Dataset, store: Store) -> None:
    restore(dataset, store, "1.0.0", "Noms abîmés.", created=LATER)
    back = restore(dataset, store, "1.1.0", "Ils ne l'étaient pas.", created=LATER)
    assert back.version == "1.3.0"
    assert store.read("versions/essai/1.3.0/essai-sites.csv") == store.read("versions/essai/1.1.0/essai-sites.csv")


def test_what_cannot_be_restored_is_refused_and_nothing_changes(dataset: Dataset, store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnknownVersionError, match=r"no version 9\.9\.9"):
        restore(dataset, store, "9.9.9", "Pourquoi pas.", created=LATER)
    with pytest.raises(NothingToRestoreError, match=r"1\.1\.0, the current version"):
        restore(dataset, store, "1.1.0", "Pourquoi pas.", created=LATER)
    with pytest.raises(CallError, match="Say why"):
        restore(dataset, store, "1.0.0", " \n", created=LATER)
    fewer = {**SITES, "fields": [field for field in SITES["fields"] if field["name"] != "places"]}
    with pytest.raises(OtherShapeError, match=r"sites\.places: field removed"):
        restore(declare(tmp_path / "later", sites=fewer), store, "1.0.0", "Pourquoi pas.", created=LATER)
    damaged = store.local("versions/essai/1.0.0/essai-sites.csv")
    damaged.write_bytes(damaged.read_bytes().replace(b"a--1", b"a--9"))
    with pytest.raises(VersionError, match=r"essai-sites\.csv is not the file that was listed"):
        restore(dataset, store, "1.0.0", "Pourquoi pas.", created=LATER)
    last = current(store, "essai")
    assert last is not None
    assert last.version == "1.1.0"
