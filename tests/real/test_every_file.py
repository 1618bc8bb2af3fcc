"""Every real file of a partner, as the partner would be answered: exactly so many rows pass, are to be corrected, wait.

The files lie in ../shared/data; those that hold no records of ours are named here, each with why. `expected.csv` holds
the counts: a change of a cleaner or a rule that moves one of them is looked at, and written there.
"""

import csv
from functools import cache
from pathlib import Path

import pytest

from pipelines.judging import answer_to
from schemas.dataset import load_datasets
from schemas.report import Counts
from sources.check import load_checked
from sources.declaration import Source
from tests.sources.material import REAL

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="partners' real files are not here: ../shared/data"),
]

_CODES = "a list of codes and their labels, not of who repairs or what was repaired"
NOT_OURS = {
    "atlas_organisations/nominee-schema.json": "the form of a nominee, which nominees.jsonl holds",
    "reference/fr_communes_cog.csv": "a list of communes: what cleaners and rules look up",
    "reference/insee_communes.csv": "a list of communes",
    "refurbished_devices/ademe/acteur_services.json": _CODES,
    "refurbished_devices/ademe/acteur_types.json": _CODES,
    "refurbished_devices/ademe/actions.json": _CODES,
    "refurbished_devices/ademe/categories.json": _CODES,
    "refurbished_devices/ademe/db_mapping.json": "which code another software gives to a partner's word",
    "refurbished_devices/ademe/labels.json": _CODES,
    "refurbished_devices/ademe/objets.json": _CODES,
    "refurbished_devices/ademe/propositions_services.json": "which actor takes what: ties between codes, no actors",
    "refurbished_devices/ademe/que-faire-de-mes-dechets-produits.csv": "advice for kinds of things, not devices",
    "refurbished_devices/ademe/sources.json": "who gave ADEME its lists",
    "refurbished_devices/boavizta/boavizta-data-fr.csv": "footprints of models, no device of anyone (test_oracles)",
    "refurbished_devices/boavizta/boavizta-data-us.csv": "its twin in American numbers (test_oracles)",
    "refurbished_devices/declaration-biens-reemploi_exemple-valide.csv": "what a public body bought, in euros",
    "refurbished_devices/openrepair/product_categories_202507.csv": "a list of terms",
    "refurbished_devices/openrepair/product_category_item_type_translations_en_nl_de_fr.csv": "translations of terms",
}


@cache
def declared() -> dict[str, Source]:
    found = load_checked(HERE, load_datasets(HERE.parents[1] / "schemas"))
    assert [source.name for source in found if not isinstance(source, Source)] == []
    return {source.name: source for source in found if isinstance(source, Source)}


def _file(source: Source) -> Path:
    assert source.line.where.file is not None
    return (source.folder / source.line.where.file).resolve()


def _expected() -> dict[str, Counts]:
    with (HERE / "expected.csv").open(encoding="utf-8", newline="") as file:
        return {
            row.pop("source"): Counts.model_validate({name: int(n) for name, n in row.items()})
            for row in csv.DictReader(file)
        }


EXPECTED = _expected()


def test_every_file_is_declared_once_or_said_to_be_no_record_of_ours() -> None:
    with (REAL / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        there = {row["file"] for row in csv.DictReader(file)}
    ours = [_file(source).relative_to(REAL.resolve()).as_posix() for source in declared().values()]
    assert sorted(ours) == sorted(there - NOT_OURS.keys())
    assert there >= NOT_OURS.keys()


def test_every_declared_file_has_its_counts() -> None:
    assert sorted(declared()) == sorted(EXPECTED)


_LARGE = 2_000
"""Rows, from which on a file is left to `make real`."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] * (counts.rows_in >= _LARGE)) for name, counts in EXPECTED.items()],
)
def test_the_answer_to_a_real_file_counts_every_row(name: str) -> None:
    source = declared()[name]
    report, _ = answer_to(source, load_datasets(HERE.parents[1] / "schemas")[source.dataset], _file(source))
    assert (report.failure, report.counts) == (None, EXPECTED[name])
