"""Over what the sample partners send: every cell that is published is worked out again, byte for byte, down to the
cells of their files, with no link of the chain missing."""

import random
from pathlib import Path

import polars as pl
import pytest

from glane.store import FolderStore
from pipelines.catalogue import Entry, load_catalogue
from pipelines.intake import take_in
from pipelines.release import make_version
from pipelines.settings import Settings
from pipelines.tracing.telling import lines, to_dict
from pipelines.tracing.trace import trace
from publish.about import PROVENANCE
from publish.diff import descriptor_of, key_of, schemas_of, whole_csv
from publish.formats.delimited import read_csv
from publish.version import Version
from schemas.dataset import Dataset

ROOT = Path(__file__).parents[2]


def published(name: str, folder: Path) -> tuple[Entry, FolderStore, Version]:
    """A version of the dataset `name`, made of the samples of all its sources."""
    entry = load_catalogue(Settings(folder, ROOT / "sources", ROOT / "schemas", folder))[name]
    store = FolderStore(folder / "store")
    for source in entry.sources:
        assert take_in(source, entry.dataset, store).error is None
    return entry, store, make_version(entry, store).version


def chosen(store: FolderStore, version: Version, table: str, base: str, most: int) -> list[str]:
    """Ids of a table: some at random, and some of rows that several partners brought."""
    rows = read_csv(whole_csv(store, version, table))
    key = key_of(schemas_of(descriptor_of(store, version))[table])
    ids = sorted(rows.select(pl.concat_str(list(key), separator="|"))[:, 0])
    brought = pl.read_parquet(store.fetch(f"{version.key}/{PROVENANCE}")).filter(pl.col("table") == base)
    merged = brought.filter(pl.len().over("id") > 1)["id"].unique().sort()
    drawn = random.Random(f"{version.dataset} {table}")
    of_several = [name for name in merged if name in set(ids)]
    return [*drawn.sample(ids, min(most, len(ids))), *drawn.sample(of_several, min(most, len(of_several)))]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("atlas_organisations", 3),
        *(pytest.param(name, 30, marks=pytest.mark.long) for name in ("inclusion_sites", "refurbished_devices")),
    ],
)
def test_every_cell_of_a_published_row_leads_back_to_the_files(name: str, most: int, tmp_path: Path) -> None:
    entry, store, version = published(name, tmp_path)
    assert isinstance(entry.dataset, Dataset)
    seen = 0
    for table in entry.dataset.tables:
        if table in entry.dataset.linked:
            continue
        for identifier in chosen(store, version, table.name, table.line.derived_from or table.name, most):
            found = trace(entry, store, identifier, table=table.name)
            assert [one for one in found.fields if not one.whole] == []
            assert [one.field for one in found.fields] == list(table.published_fields)
            assert to_dict(found)["agrees"] is True
            assert all(list(lines(found, language, every=True)) for language in ("fr", "en"))
            seen += 1
    assert seen >= most * len(entry.dataset.tables) // 2
