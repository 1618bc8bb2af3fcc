"""What is declared of personal data: every sample partner's file is decided about, and so is every real one."""

from pathlib import Path

import pytest

from schemas.dataset import Dataset, load_datasets
from schemas.personal.gate import Gated, gate, personal_of
from sources.check import load_checked, table_of
from sources.declaration import Source
from sources.mapping import map_rows
from sources.read import read
from sources.testing import SAMPLE_DATE, sample_of

ROOT = Path(__file__).parents[2]
DATASETS = load_datasets(ROOT / "schemas")
SAMPLES = {source.name: source for source in load_checked(ROOT / "sources", DATASETS)}
REAL = {source.name: source for source in load_checked(ROOT / "tests" / "real", DATASETS)}
SHARED = ROOT.parent / "shared" / "data"


def gated(source: Source, dataset: Dataset) -> Gated:
    table = table_of(source, dataset)
    mapped = map_rows(source, table, read(sample_of(source), source.line.format), snapshot_date=SAMPLE_DATE)
    personal = personal_of(table, source.line.personal, source.line.country, source.line.read_from)
    return gate(table, mapped.rows, personal)


def held_back(source: object) -> list[tuple[str, str]]:
    assert isinstance(source, Source)
    counts = gated(source, DATASETS[source.dataset]).counts
    return [(one.field, one.kind) for one in counts if one.outcome.startswith("hold")]


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_of_a_sample_is_held_back(name: str) -> None:
    assert held_back(SAMPLES[name]) == []


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_dir(), reason="partners' real files are not here: ../shared/data")
@pytest.mark.parametrize("name", REAL)
@pytest.mark.long
def test_nothing_of_a_real_file_is_held_back(name: str) -> None:
    assert held_back(REAL[name]) == []


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_decides_about_its_texts_and_addresses(name: str) -> None:
    for table in DATASETS[name].contributed:
        decided = {field for decision in table.line.personal for field in decision.fields}
        assert decided
        texts = {rule_field for rule, rule_field in table.rule_fields if rule in ("email", "url")}
        described = {field for field in table.fields if field.startswith(("description", "presentation", "problem"))}
        assert sorted((texts | described) & {*table.published_fields} - decided) == []
