"""Verifying and comparing versions in the store."""

import json
from pathlib import Path

import pytest

from glane.store import FolderStore, Store
from publish.build import build_version
from publish.diff import KeyChangedError, diff
from publish.verify import verify_store
from publish.version import UnknownVersionError, VersionError, listed, load
from tests.publish.material import contribute, declare
from tests.publish.test_build import ANGERS, DAY, NANTES, RENNES


@pytest.fixture
def store(tmp_path: Path) -> Store:
    dataset, store = declare(tmp_path / "schemas"), FolderStore(tmp_path / "store")
    for rows in ([ANGERS], [ANGERS, NANTES], [{**ANGERS, "nom": "Autre"}, RENNES]):
        build_version(dataset, [contribute(dataset, "a", rows)], store, created=DAY)
    return store


def test_a_whole_store_has_no_fault_and_every_damage_is_named(store: Store) -> None:
    assert verify_store(store, "essai") == []
    folder = store.local("versions/essai/1.1.0")
    (folder / "essai-sites.csv").write_text("id\n", encoding="utf-8")
    parquet = folder / "essai-sites.parquet"
    size = parquet.stat().st_size
    parquet.write_bytes(parquet.read_bytes()[:-9])
    visits = folder / "essai-visites.csv"
    visits.write_bytes(visits.read_bytes().swapcase())
    (folder / "changelog.fr.md").unlink()
    (folder / "stranger.txt").write_text("?", encoding="utf-8")
    manifest = store.local("versions/essai/1.2.0/manifest.json")
    manifest.write_text(manifest.read_text("utf-8") + " ", encoding="utf-8")
    found = {Path(fault.where).name: fault for fault in verify_store(store, "essai")}
    assert {name: fault.what for name, fault in found.items()} == {
        "essai-sites.csv": "The file has 3 bytes, and 172 were listed.",
        "essai-sites.parquet": f"The file has {size - 9} bytes, and {size} were listed.",
        "essai-visites.csv": "The file is not the one that was listed.",
        "changelog.fr.md": "The file is missing.",
        "stranger.txt": "The file is not of this version.",
        "manifest.json": f"{manifest} is not the one that was listed.",
    }
    digests = {file.path: file.sha256 for file in load(store, "essai", "1.1.0").files}
    digests["manifest.json"] = listed(store, "essai")[2].manifest_sha256
    assert found.pop("stranger.txt").remedy == "No reader is led to it. Remove it."
    for name, fault in found.items():
        assert "Every other file is as it was listed" in fault.remedy
        assert fault.remedy.endswith(f"its SHA-256 is {digests[name]}.")


def test_a_version_listed_twice_is_refused(store: Store) -> None:
    path = store.local("versions/essai/versions.json")
    value = json.loads(path.read_text("utf-8"))
    value["versions"].append(value["versions"][0])
    path.write_text(json.dumps(value), encoding="utf-8")
    (fault,) = verify_store(store, "essai")
    assert "names a version twice" in fault.what
    assert "The files of the versions are untouched" in fault.remedy
    with pytest.raises(VersionError, match="names a version twice"):
        listed(store, "essai")
    path.write_text('{"dataset": "essai", "versions": [', encoding="utf-8")
    (fault,) = verify_store(store, "essai")
    assert "is not a list of versions" in fault.what


def test_any_two_versions_can_be_compared_in_either_direction(store: Store) -> None:
    numbers = [line.version for line in listed(store, "essai")]
    assert numbers == ["1.0.0", "1.1.0", "1.2.0"]
    changes, tables = diff(store, "essai", "1.0.0", "1.2.0")
    assert changes == []
    assert tables["sites"].added["id"].to_list() == ["b--1"]
    assert tables["sites"].changed.rows() == [("a--1", "nom", "Médiathèque", "Autre")]
    _, back = diff(store, "essai", "1.2.0", "1.1.0")
    assert back["sites"].removed["id"].to_list() == ["b--1"]
    assert back["sites"].added["id"].to_list() == ["a--2"]
    with pytest.raises(UnknownVersionError):
        diff(store, "essai", "1.0.0", "7.0.0")


def test_a_key_that_changed_is_a_major_and_cannot_be_compared(store: Store, tmp_path: Path) -> None:
    schema = json.loads((tmp_path / "schemas/essai/sites.schema.json").read_text("utf-8"))
    schema["primaryKey"] = ["nom"]
    dataset = declare(tmp_path / "later", sites=schema)
    built = build_version(dataset, [contribute(dataset, "a", [ANGERS])], store, created=DAY)
    assert built.version.version == "2.0.0"
    with pytest.raises(KeyChangedError, match="The key of sites changed"):
        diff(store, "essai", "1.0.0", "2.0.0")
