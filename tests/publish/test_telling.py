"""Days and counts as people write them, and the page of a dataset."""

from pathlib import Path

import polars as pl

from glane.store import FolderStore
from publish.build import build_version
from publish.ckan import layout, words
from publish.telling import changed_rows, day, number, rows
from tests.publish.material import contribute, declare
from tests.publish.test_build import ANGERS, DAY


def test_days_and_counts_follow_each_language() -> None:
    assert [day("2026-08-01T00:00:00Z", one) for one in ("fr", "en")] == ["1er août 2026", "1 August 2026"]
    assert [number(12345, one) for one in ("fr", "en")] == ["12\u202f345", "12,345"]
    assert [rows(count, "fr") for count in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]
    assert [rows(count, "en") for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert changed_rows(1, 0, 2, "fr") == "1 ligne ajoutée, 2 lignes retirées"
    assert changed_rows(0, 0, 0, "en") == "no row changed"


def test_the_page_credits_every_partner_and_says_since_when_one_is_silent(tmp_path: Path) -> None:
    dataset = declare(tmp_path / "schemas")
    parts = [
        contribute(dataset, "a", [ANGERS]),
        contribute(dataset, "b", [{"id": "b--1", "nom": "B"}], licence="CC-BY-4.0", stale_since="2026-11-01"),
    ]
    version = build_version(dataset, parts, FolderStore(tmp_path / "store"), created=DAY).version
    notes = words.page_notes(dataset, version, "https://portal/dataset/essai-versions")
    french, english = notes.split("\n\n---\n\n")
    assert (
        "- Partenaire a, A, Données de a, sous Licence Ouverte / Open Licence 2.0, données du 20 novembre 2026"
        in french
    )
    assert "Creative Commons Attribution 4.0, data of 20 November 2026, nothing new since 1 November 2026" in english
    assert "- **Lieux** (2 lignes) : Tous les lieux." in french
    assert "[Every version, with what each one changed](https://portal/dataset/essai-versions)" in english


def test_tags_are_what_ckan_takes_and_files_fill_as_few_uploads_as_fit(tmp_path: Path) -> None:
    text = declare(tmp_path / "a").folder.joinpath("dataset.yaml").read_text("utf-8")
    odd = text.replace("{fr: inclusion numérique, en: digital inclusion}", "{fr: \"l'aide, (l'accès)\", en: a}")
    assert layout.tags(declare(tmp_path / "b", declaration=odd)) == ["l aide l accès"]
    assert layout.batches([("a", 4), ("b", 5), ("c", 9), ("d", 30), ("e", 1)], 10) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert layout.batches([], 10) == []


def test_the_box_around_all_points_is_given_for_maps(tmp_path: Path) -> None:
    dataset = declare(tmp_path)
    points = pl.DataFrame({"latitude": ["46.2", None, "48.1"], "longitude": ["5.2", None, "-1.7"]})
    told = layout.spatial(dataset, {"sites": points})
    assert told is not None
    assert "[[[-1.7, 46.2], [5.2, 46.2], [5.2, 48.1], [-1.7, 48.1], [-1.7, 46.2]]]" in told
    assert layout.spatial(dataset, {"sites": points.head(0)}) is None
