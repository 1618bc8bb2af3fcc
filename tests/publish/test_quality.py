"""The public quality report of a version: its figures, its page, and what neither ever says."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from glane.errors import GlaneError
from glane.store import FolderStore, Store
from glane.text import LANGUAGES
from publish.build import build_version
from publish.contribution import Contribution
from publish.quality.page import PAGES, quality_pages
from publish.quality.places import area_of, forget_places
from publish.quality.report import QualityReport, read_quality
from publish.quality.words import Teller, rule_text, words
from publish.quality.wrong import may_be_named
from publish.restoration import restore
from publish.version import Version, path_of
from schemas.dataset import Dataset
from schemas.judge import judge
from schemas.judgement import Judgement
from schemas.report import About, failed_report, keep_report
from schemas.rows import judged_key
from schemas.rules import RULES
from schemas.tally import RejectedTerm, keep_tally, tally
from tests.publish.material import DECLARATION, Cells, contribute, declare, rows_of

DAY = "2026-11-21T08:00:00+00:00"
LATER = "2026-11-22T08:00:00+00:00"
SECRETS = ("Mireille Quatrepoint", "mireille.quatrepoint", "0612345678", "06 12 34 56 78", "Impasse des Secrets")
PLACED = DECLARATION.replace(
    "    unpublished: [consentement]\n",
    "    unpublished: [consentement]\n    rules: [{rule: email, fields: [source]}]\n"
    "    territory: {postcode: code_postal}\n",
)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return declare(tmp_path / "schemas", declaration=PLACED)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path / "store")


def site(key: str, **cells: str) -> Cells:
    return {"id": key, "nom": f"Lieu {key}", "code_postal": "49000", **cells}


def made(dataset: Dataset, store: Store, *parts: Contribution, created: str = DAY) -> Version:
    built = build_version(dataset, parts, store, created=created, partners=["a", "b", "c"])
    assert built.new
    return built.version


def text(store: Store, version: Version, path: str) -> str:
    return path_of(store, version, version.file(path)).read_text(encoding="utf-8")


def report(store: Store, version: Version) -> QualityReport:
    found = read_quality(text(store, version, "quality.json").encode())
    assert found is not None
    return found


def judged(dataset: Dataset, store: Store, one: Contribution, rows: Sequence[Cells]) -> Judgement:
    """Keep the counts of what is found wrong in `rows`, as if the contribution had been taken from them."""
    judgement = judge(dataset, dataset.main, rows_of(dataset.main, rows))
    verdict = one.verdict
    key = judged_key(verdict.snapshot, verdict.mapped_by, verdict.judged_by)
    keep_tally(store, dataset.name, one.partner, tally(judgement, dataset.main, at=DAY, judged=key))
    return judgement


def test_each_field_is_counted_in_all_and_by_partner_and_held_against_the_version_before(
    dataset: Dataset, store: Store
) -> None:
    half = [site("a--1", places="4"), site("a--2")]
    first = report(store, made(dataset, store, contribute(dataset, "a", half)))
    told = first.completeness["sites"]
    assert {one.field: (one.filled, one.change) for one in told.fields} == {
        "id": (2, None),
        "nom": (2, None),
        "code_postal": (2, None),
        "latitude": (0, None),
        "longitude": (0, None),
        "ouvert": (0, None),
        "places": (1, None),
        "date_maj": (0, None),
    }
    assert told.partners[0].model_dump() == {
        "partner": "a",
        "rows": 2,
        "filled": {"id": 2, "nom": 2, "code_postal": 2, "places": 1},
    }
    other = contribute(dataset, "b", [site("b--1"), site("b--2")])
    again = report(store, made(dataset, store, contribute(dataset, "a", half), other, created=LATER))
    assert {one.field: one.change for one in again.completeness["sites"].fields}["places"] == -0.25
    assert [one.partner for one in again.completeness["sites"].partners] == ["a", "b"]


def test_a_date_that_a_row_gives_is_counted_by_age_and_none_is_made_up(dataset: Dataset, store: Store) -> None:
    days = ("2026-11-20", "2026-10-01", "2025-01-01", "2019-05-05", "2026-11-21", "un jour")
    rows = [site(f"a--{number}", date_maj=day) for number, day in enumerate(days)] + [site("a--9")]
    told = report(store, made(dataset, store, contribute(dataset, "a", rows))).dates["sites"]
    assert (told.field, told.rows, told.undated, told.median) == ("date_maj", (2, 1, 0, 1, 0, 1), 2, 51)
    assert told.partners[0].rows == told.rows


def test_rows_are_counted_where_they_are_down_to_the_province_and_in_cells(dataset: Dataset, store: Store) -> None:
    rows = [
        site("a--1", latitude="47.47", longitude="-0.55"),
        site("a--2", latitude="47.49", longitude="-0.56"),
        site("a--3", code_postal="20000", latitude="41.92", longitude="8.73"),
        site("a--4", latitude="91"),
    ]
    placed = report(store, made(dataset, store, contribute(dataset, "a", rows))).places["sites"]
    (france,) = placed.countries
    assert (france.code, france.rows, france.elsewhere, placed.unknown, placed.without_point) == ("FR", 4, 0, 0, 1)
    assert [(one.code, one.rows, one.latitude) for one in france.areas] == [("49", 3, 47.48), ("2A", 1, 41.92)]
    assert placed.grid is not None
    assert (placed.grid.step, placed.grid.rows) == (0.01, (1, 1, 1))
    assert [area_of("FR", *cells) for cells in (("2A004", None, None), (None, "97133", None), (None, "x", None))] == [
        "2A",
        "977",
        None,
    ]
    codes = {"1000": "BRU", "1348": "WBR", "1500": "VBR", "3500": "VLI", "6600": "WLX", "7000": "WHT", "9999": "VOV"}
    assert {postcode: area_of("BE", None, postcode, None) for postcode in codes} == codes
    assert (area_of("ES", None, "28013", None), area_of("PT", None, "1000-001", None)) == ("M", None)
    assert area_of("BE", None, "0999", None) is None


def test_a_table_with_points_alone_has_a_map(tmp_path: Path, store: Store) -> None:
    rows = [site(f"a--{number}", latitude="47.47", longitude="-0.55") for number in range(3)]
    placed = report(store, made(bare := declare(tmp_path / "bare"), store, contribute(bare, "a", rows))).places["sites"]
    assert (placed.countries, placed.unknown, placed.grid and placed.grid.rows) == ((), 3, (3,))


def test_who_shares_rows_is_told_and_how_many_went_into_others(dataset: Dataset, store: Store) -> None:
    same = [contribute(dataset, name, [{**site(f"{name}--1"), "nom": "Le Quai"}]) for name in ("a", "b", "ville")]
    told = report(store, made(dataset, store, *same)).duplicates["sites"].model_dump()
    assert told == {
        "rows_of_several": 1,
        "merged": 2,
        "most_in_one": 3,
        "shared": (
            {"partners": ("a", "b"), "rows": 1},
            {"partners": ("a", "ville"), "rows": 1},
            {"partners": ("b", "ville"), "rows": 1},
        ),
    }


def test_what_is_to_be_corrected_is_counted_with_its_reason_and_no_cell(dataset: Dataset, store: Store) -> None:
    mine = contribute(dataset, "a", [site("a--1")])
    wrong = [
        site("a--7", nom=SECRETS[0], code_postal=SECRETS[4], source=f"{SECRETS[1]} à exemple.fr", places=SECRETS[3]),
        site("a--8", code_postal=SECRETS[2]),
    ]
    assert judged(dataset, store, mine, wrong).to_correct == 2
    version = made(dataset, store, mine)
    found = report(store, version)
    assert {(one.rule, one.field, one.severity, one.count) for one in found.to_correct} == {
        ("constraint-pattern", "code_postal", "error", 2),
        ("email", "source", "error", 1),
        ("type-error", "places", "error", 1),
    }
    assert found.rules["email"] == rule_text("email")
    for path in ("quality.json", *PAGES):
        said = text(store, version, path)
        assert [secret for secret in (*SECRETS, "a--7", "a--1", "Lieu a") if secret in said] == []
    assert "n&#x27;est pas une adresse électronique" in text(store, version, "quality.fr.html")


def test_counts_of_an_older_judgement_are_not_taken_for_those_of_the_rows_published(
    dataset: Dataset, store: Store
) -> None:
    before = contribute(dataset, "a", [site("a--1")], snapshot="1" * 64)
    judged(dataset, store, before, [site("a--7", code_postal="?")])
    now = contribute(dataset, "a", [site("a--1")], snapshot="2" * 64)
    version = made(dataset, store, now)
    assert (report(store, version).to_correct, report(store, version).uncounted) == ((), ("a",))
    said = "Ce qui est à corriger chez Partenaire a : le compte n&#x27;en est plus gardé."
    assert said in text(store, version, "quality.fr.html")


@pytest.mark.parametrize(
    ("term", "count", "named"),
    [
        ("Atelier couture", 3, True),
        ("Atelier couture", 2, False),
        ("Mme Mireille Dupont", 9, False),
        ("marie.dupont@orange.fr", 9, False),
        ("06 12 34 56 78", 9, False),
    ],
)
def test_a_partner_s_word_is_shown_where_several_rows_say_it_and_it_names_nobody(
    term: str, count: int, named: bool
) -> None:
    assert may_be_named(RejectedTerm("services", term, count, None, ("a",), DAY, None)) == named


def test_a_partner_whose_file_fails_is_told_without_what_the_error_says(dataset: Dataset, store: Store) -> None:
    about = About(dataset=dataset.name, table="sites", partner="c", title=rule_text("email"), organisation="C")
    error = GlaneError(f"Column {SECRETS[0]!r} cannot be read.", f"Ask {SECRETS[1]}.")
    keep_report(store, failed_report(about, "2026-11-19T06:00:00+00:00", "read", error, None), "", "")
    version = made(dataset, store, contribute(dataset, "a", [site("a--1")]))
    assert [one.model_dump() for one in report(store, version).failing] == [
        {"partner": "c", "step": "read", "since": "2026-11-19", "runs": 1}
    ]
    page = text(store, version, "quality.fr.html")
    assert "c : le fichier reçu n&#x27;a pas pu être lu depuis le 19 novembre 2026" in page
    assert [secret for secret in SECRETS if secret in page] == []


def test_the_same_inputs_give_the_same_bytes_and_no_second_version(dataset: Dataset, tmp_path: Path) -> None:
    def whole(name: str, order: int) -> list[str]:
        store = FolderStore(tmp_path / name)
        parts = [contribute(dataset, one, [site(f"{one}--1", latitude="47", longitude="1")]) for one in ("a", "b")]
        version = made(dataset, store, *parts[::order])
        judged(dataset, store, parts[0], [site("a--7", code_postal="?")])
        assert not build_version(dataset, parts, store, created=LATER).new
        return [text(store, version, path) for path in ("quality.json", *PAGES)]

    assert whole("one", 1) == whole("two", -1)


def test_the_page_of_a_version_brought_back_says_whose_figures_these_are(dataset: Dataset, store: Store) -> None:
    made(dataset, store, contribute(dataset, "a", [site("a--1")]))
    made(dataset, store, contribute(dataset, "a", [site("a--1"), site("a--2")]), created=LATER)
    version = restore(dataset, store, "1.0.0", "trop tôt", created="2026-11-23T08:00:00+00:00")
    page = text(store, version, "quality.fr.html")
    assert f"Version du 23 novembre 2026 ({version.version}) Cette version rétablit la version 1.0.0" in page
    assert report(store, version).version == "1.0.0"


def test_a_report_that_another_glane_wrote_makes_no_page_and_no_fault(dataset: Dataset, store: Store) -> None:
    version = made(dataset, store, contribute(dataset, "a", [site("a--1")]))
    assert quality_pages(b'{"rows": {}}', version, {}) == []


def test_where_somebody_was_is_forgotten_with_the_row(dataset: Dataset, store: Store) -> None:
    rows = [site("a--1", latitude="47.4", longitude="1"), site("a--2", latitude="43.2", longitude="5")]
    version = made(dataset, store, contribute(dataset, "a", rows))
    told: dict[str, Any] = json.loads(text(store, version, "quality.json"))
    left = rows_of(dataset.main, rows[:1])
    forget_places(told, {"sites": left}, {"sites": ("latitude", "longitude")})
    grid = {"step": 0.01, "latitude": [47.4], "longitude": [1.0], "rows": [1]}
    assert (told["places"]["sites"]["grid"], "43.2" in json.dumps(told)) == (grid, False)
    forget_places(told, {"sites": left.clear()}, {"sites": ("latitude", "longitude")})
    assert told["places"]["sites"]["grid"] is None


def test_every_rule_says_what_it_asks_and_every_word_is_there_in_both_languages() -> None:
    assert [name for name in RULES if rule_text(name) == words()["rule-other"]] == []
    assert [key for key, one in words().items() for language in LANGUAGES if not one[language].strip()] == []


def test_shares_changes_and_ages_are_written_as_people_do() -> None:
    fr, en = Teller("fr"), Teller("en")
    assert [fr.percent(part, 1000) for part in (0, 1, 499, 999, 1000)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]
    assert (en.percent(1, 0), en.change(None), en.change(0.0002), fr.change(-0.031)) == (
        "not known",
        "not known",
        "=",
        "−3,1 pt",
    )
    assert [fr.age(days) for days in (0, 1, 59, 60, 729, 730)] == [
        "0 jour",
        "1 jour",
        "59 jours",
        "2 mois",
        "24 mois",
        "2,0 ans",
    ]
