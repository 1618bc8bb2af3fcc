"""A source that has its points looked for, taken in as a whole: an unchanged one asks nobody, a failing service stops
nothing and is asked again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from glane.store import FolderStore
from pipelines.intake import Intake, take_in
from schemas.dataset import Dataset, load_dataset
from schemas.rows import last_good
from sources.declaration import Source, load_source
from tests.sources.geocoder import Geocoder, Known, geocoder
from tests.sources.material import HASTY

ADDRESS = "1 place de la Mairie 49000 Angers"
CSV = """N;Nom;Adresse;CP;Ville
1;Fablab;1 place de la Mairie;49000;Angers
2;Espace public;rue inconnue;49000;Angers
"""


@pytest.fixture
def service() -> Iterator[Geocoder]:
    with geocoder() as running:
        running.known[ADDRESS] = Known(47.4701, -0.5512, 0.97, "housenumber", ADDRESS, "49007")
        yield running


@pytest.fixture
def dataset() -> Dataset:
    return load_dataset(Path(__file__).resolve().parents[2] / "schemas" / "inclusion_sites")


@pytest.fixture
def source(tmp_path: Path, service: Geocoder) -> Source:
    folder = tmp_path / "sources" / "inclusion_sites" / "angers"
    folder.mkdir(parents=True)
    (folder / "lieux.csv").write_text(CSV, "utf-8")
    line: dict[str, Any] = {
        "title": {"fr": "Lieux d'Angers", "en": "Sites of Angers"},
        "organisation": "Ville d'Angers",
        "contact": {"role": "Service numérique"},
        "licence": "etalab-2.0",
        "attribution": "Ville d'Angers",
        "where": {"file": "lieux.csv"},
        "format": {"kind": "csv"},
        "id": {"columns": ["N"]},
        "map": {
            "nom": "Nom",
            "adresse": "Adresse",
            "code_postal": "CP",
            "commune": "Ville",
            "pays": {"constant": "FR"},
        },
        "geocode": {
            "address": ["adresse", "code_postal", "commune"],
            "service": {"url": f"{service.url}/search/csv", "by": "csv", "private": True, "gap": 0},
        },
    }
    (folder / "source.yaml").write_text(yaml.safe_dump(line, allow_unicode=True), "utf-8")
    return load_source(folder)


def points(store: FolderStore) -> list[tuple[str, str | None]]:
    found = last_good(store, "inclusion_sites", "angers")
    assert found is not None
    return found[0].select("nom", "latitude").rows()


def told(intake: Intake, rule: str = "geocode") -> list[tuple[str, int]]:
    return [(group.severity, group.count) for group in intake.report.problems if group.rule == rule]


def test_points_are_published_doubts_are_asked_and_an_unchanged_source_asks_nobody(
    source: Source, dataset: Dataset, service: Geocoder, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "store")
    first = take_in(source, dataset, store, patience=HASTY)
    assert points(store) == [("Fablab", "47.4701"), ("Espace public", None)]
    assert told(first) == [("warning", 1), ("info", 1)]
    assert "latitude" in first.markdown
    assert len(service.forms) == 1
    again = take_in(source, dataset, store, patience=HASTY)
    assert (again.report.state, len(service.forms)) == ("unchanged", 1)


def test_a_service_that_fails_leaves_rows_without_points_a_note_and_another_try(
    source: Source, dataset: Dataset, service: Geocoder, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "store")
    service.failures = [(500, {})] * 3
    found = take_in(source, dataset, store, patience=HASTY)
    assert (found.error, points(store)) == (None, [("Fablab", None), ("Espace public", None)])
    assert any("2" in note.fr for note in found.report.notes)
    assert found.verdict is not None
    assert found.verdict.valid_until == (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
