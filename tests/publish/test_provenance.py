"""Every published row has its sources, their terms, the date of each one's snapshot, and the lines of their files."""

from pathlib import Path

import polars as pl
import pytest

from glane.store import FolderStore
from publish.about import PROVENANCE
from publish.build import build_version
from publish.ckan.layout import page_keys, public_files
from publish.provenance import credited
from publish.restoration import restore
from publish.version import Version
from schemas.dataset import Dataset
from tests.publish.material import contribute, declare

TERMS = ("partner", "own", "line", "snapshot", "snapshot_date", "licence", "attribution")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas")


def lines_of(store: FolderStore, version: Version) -> pl.DataFrame:
    return pl.read_parquet(store.fetch(f"{version.key}/{PROVENANCE}"))


def test_each_row_has_a_line_for_each_partner_that_brought_it_with_its_terms(dataset: Dataset, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    fil = {"nom": "Le Fil", "code_postal": "49000"}
    parts = [
        contribute(dataset, "a", [{"id": "a--1", **fil}, {"id": "a--2", "nom": "Le Phare"}]),
        contribute(dataset, "b", [{"id": "b--1", **fil}], licence="CC-BY-4.0"),
        contribute(dataset, "c", [{"id": "c--1", "site_id": "b--1"}], table="visites"),
    ]
    version = build_version(dataset, parts, store, created="2026-11-21T08:00:00+00:00").version
    lines = lines_of(store, version)
    of_fil = lines.filter(pl.col("id") == "a--1").select(TERMS)
    assert of_fil.rows() == [
        ("a", "a--1", 2, f"{'a':0<64}", "2026-11-20", "etalab-2.0", "Données de a"),
        ("b", "b--1", 2, f"{'b':0<64}", "2026-11-20", "CC-BY-4.0", "Données de b"),
    ]
    assert lines.null_count().transpose().sum().item() == 0
    for table in ("sites", "visites"):
        rows = pl.read_csv(store.fetch(f"{version.key}/essai-{table}.csv"), infer_schema=False)
        assert set(lines.filter(pl.col("table") == table)["id"]) == set(rows["id"])
    assert PROVENANCE in [file.path for file in public_files(version)]
    assert PROVENANCE in [key for key, _ in page_keys(dataset, version)]

    moved = [contribute(dataset, "a", [{"id": "a--1", **fil, "places": "3"}, {"id": "a--2", "nom": "Le Phare"}])]
    changed = build_version(dataset, [*moved, *parts[1:]], store, created="2026-11-22T08:00:00+00:00").version
    assert (changed.version, lines_of(store, changed)["own"].to_list()) == ("1.0.1", lines["own"].to_list())
    again = restore(dataset, store, version.version, "essai", created="2026-11-23T08:00:00+00:00")
    assert lines_of(store, again).equals(lines)


def test_lines_of_a_version_made_before_rows_told_their_terms_get_them(dataset: Dataset, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    parts = [contribute(dataset, "a", [{"id": "a--1", "nom": "Le Fil"}])]
    version = build_version(dataset, parts, store, created="2026-11-21T08:00:00+00:00").version
    lines = lines_of(store, version)
    assert credited(lines.drop("snapshot_date", "licence", "attribution"), version.inputs).equals(lines)
