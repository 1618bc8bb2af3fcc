"""An organisation is in the atlas only while it consents: whatever else its status says, no byte of a version tells of
it."""

from pathlib import Path

import polars as pl

from glane.store import FolderStore
from glane.text import Text
from publish.build import build_version
from publish.contribution import Contribution
from publish.formats.delimited import read_csv
from publish.version import Version
from schemas.dataset import Dataset, load_dataset
from schemas.judge import judge
from schemas.judgement import LINE
from schemas.rows import keep
from tests.publish.test_forgetting import opened

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sources/atlas_organisations/commons-map-europe/expected.csv"


def version_of(dataset: Dataset, rows: pl.DataFrame, store: FolderStore, day: int) -> Version:
    table = dataset.main
    filled = rows.select(
        *(pl.col(name) if name in rows.columns else pl.lit(None, pl.String).alias(name) for name in table.fields),
        pl.int_range(2, pl.len() + 2).alias(LINE),
    )
    judgement = judge(dataset, table, filled)
    moment = f"2026-11-{day:02}T06:00:00+00:00"
    verdict = keep(store, dataset, table, "a", judgement, snapshot=f"{day:064}", mapped_by="0" * 64, judged_at=moment)
    licence = dataset.line.licence.accept[0]
    title = Text(fr="Partenaire", en="Partner")
    brought = Contribution("a", title, "A", licence, "A", verdict, judgement.rows, moment[:10])
    return build_version(dataset, [brought], store, created=moment).version


def test_an_entry_without_consent_never_leaves(tmp_path: Path) -> None:
    dataset, store = load_dataset(ROOT / "schemas/atlas_organisations"), FolderStore(tmp_path / "store")
    given = read_csv(SAMPLE).filter(pl.col("consent_status") == "given").head(6)
    without = ["pending", "withdrawn", "yes, in part", None]
    told = pl.Series("consent_status", [*without, *["given"] * (given.height - len(without))], dtype=pl.String)
    version = version_of(dataset, given.with_columns(told), store, 1)
    assert version.rows[dataset.main.name] == given.height - len(without)
    for name in given["name"].head(len(without)):
        for file in version.files:
            assert name not in opened(store.read(f"{version.key}/{file.path}")), file.path
