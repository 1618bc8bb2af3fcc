"""`glane coverage`, and the list of communes on its way from a server to a version."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glane.errors import CallError
from glane.store import open_store
from pipelines.catalogue import find_dataset, load_catalogue
from pipelines.cli.app import app
from pipelines.covering import bring_references, coverage_now, missing
from pipelines.settings import load_settings
from publish.build import build_version
from publish.contribution import Contribution
from tests.publish.loopback import Answer, serving
from tests.publish.material import contribute

CHECKOUT = Path(__file__).parents[2]
COMMUNES = [
    {"code": "44109", "nom": "Nantes", "codesPostaux": ["44000", "44100"], "population": 327734},
    {"code": "44162", "nom": "Saint-Herblain", "codesPostaux": ["44800"], "population": 50561},
    {"code": "75056", "nom": "Paris", "codesPostaux": ["75012"], "population": 2103778},
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The declarations of inclusion_sites; nobody asked for its list of communes yet."""
    for name in ("terms", "references", "inclusion_sites"):
        shutil.copytree(CHECKOUT / "schemas" / name, tmp_path / "schemas" / name)
    (tmp_path / "sources").mkdir()
    monkeypatch.setenv("GLANE_SCHEMAS", str(tmp_path / "schemas"))
    monkeypatch.setenv("GLANE_SOURCES", str(tmp_path / "sources"))
    monkeypatch.setenv("GLANE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("GLANE_REFERENCES", raising=False)
    return tmp_path


def brought() -> Contribution:
    dataset = find_dataset(load_catalogue(load_settings()), "inclusion_sites")
    sites = [
        {"id": "a--1", "nom": "Maison du numérique", "commune": "Nantes", "code_postal": "44000", "pays": "FR"},
        {"id": "a--2", "nom": "EPN", "commune": "Bruxelles", "code_postal": "1000", "pays": "BE"},
    ]
    return contribute(dataset, "a", [{**site, "source": "a"} for site in sites], table="complete")


def declare(place: Path, url: str) -> None:
    path = place / "schemas" / "references" / "fr_communes.yaml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("url:")]
    path.write_text("\n".join([*lines, f"url: {url}/communes", "private: true"]) + "\n", encoding="utf-8")


def test_the_terminal_tells_which_communes_have_nothing_and_who_lives_there(place: Path) -> None:
    settings = load_settings()
    store, created = open_store(settings.store), "2026-11-22T08:00:00+00:00"
    with serving(lambda request: Answer(200, json.dumps(COMMUNES).encode())) as server:
        declare(place, server.url)
        dataset = find_dataset(load_catalogue(settings), "inclusion_sites")
        assert bring_references(dataset, store)["fr_communes"].failure is None
        build_version(dataset, [brought()], store, created=created)
        said = CliRunner().invoke(app, ["coverage", "inclusion_sites"])
        assert len(server.seen) == 1
    assert (said.exit_code, said.stdout.splitlines()) == (
        0,
        [
            "inclusion_sites, complete: version of 22 November 2026 (1.0.0)",
            "FR 44  Loire-Atlantique                  1 row; 1 of 2 communes without, "
            "where 50,561 of 378,295 people live",
            "BE     Belgique                          1 row",
            "",
            "2 communes without a row, the most people first:",
            "  75056  Paris  2,103,778",
            "  44162  Saint-Herblain  50,561",
        ],
    )
    one = json.loads(CliRunner().invoke(app, ["coverage", "inclusion_sites", "-d", "44", "--json"]).stdout)
    assert one["without"] == [
        {"code": "44162", "name": "Saint-Herblain", "department": "44", "population": 50561, "rows": 0}
    ]
    assert (one["version"], one["france"]["population"], one["reference_unread_since"]) == ("1.0.0", 2482073, None)
    quality = json.loads(store.read("versions/inclusion_sites/1.0.0/quality.json"))["coverage"]["complete"]
    assert quality["france"] == one["france"]


def test_where_nobody_answers_the_terminal_says_so_and_counts_what_it_can(place: Path) -> None:
    settings = load_settings()
    store = open_store(settings.store)
    with serving(lambda request: Answer(503)) as server:
        declare(place, server.url)
        dataset = find_dataset(load_catalogue(settings), "inclusion_sites")
        build_version(dataset, [brought()], store, created="2026-11-22T08:00:00+00:00")
        found = coverage_now(dataset, store)
        assert coverage_now(dataset, store).reference == found.reference
        assert len(server.seen) == 1
    assert found.coverage.departments.filter(found.coverage.departments["rows"] > 0).height == 2
    assert found.coverage.communes.is_empty()
    assert found.reference is not None
    assert "answered 503" in str(found.reference.failure)
    (said_of,) = missing({"fr_communes": found.reference})
    assert said_of.endswith("Which communes have no row is not known.")
    said = CliRunner().invoke(app, ["coverage", "inclusion_sites"])
    assert "cannot be read since" in said.stderr


def test_a_departement_or_a_table_that_does_not_exist_is_a_wrong_call(place: Path) -> None:
    dataset = find_dataset(load_catalogue(load_settings()), "inclusion_sites")
    with pytest.raises(CallError, match="declares no 'territory' for national"):
        coverage_now(dataset, open_store(load_settings().store), "national")
    with pytest.raises(CallError, match="no version yet"):
        coverage_now(dataset, open_store(load_settings().store))
    wrong = CliRunner().invoke(app, ["coverage", "inclusion_sites", "-d", "20"])
    assert isinstance(wrong.exception, CallError)
