"""Days and counts as people write them, and the page of a dataset."""

import dataclasses
from pathlib import Path

import polars as pl

from glane.store import FolderStore
from publish.build import build_version
from publish.ckan import layout, notes
from publish.ckan.background import History, Past, Quality, background, box_around
from publish.ckan.notes import quality_line
from publish.contribution import Contribution
from publish.diff import whole_csv
from publish.formats.delimited import read_csv
from publish.telling import changed_rows, day, number, rows
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, Cells, contribute, declare
from tests.publish.test_build import ANGERS, DAY, NANTES


def test_days_and_counts_follow_each_language() -> None:
    assert [day("2026-08-01T00:00:00Z", one) for one in ("fr", "en")] == ["1er août 2026", "1 August 2026"]
    assert [number(12345, one) for one in ("fr", "en")] == ["12\u202f345", "12,345"]
    assert [rows(count, "fr") for count in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]
    assert [rows(count, "en") for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert changed_rows(1, 0, 2, "fr") == "1 ligne ajoutée, 2 lignes retirées"
    assert changed_rows(0, 0, 0, "en") == "no row changed"


def page_of(dataset: Dataset, parts: list[Contribution], folder: Path) -> list[str]:
    """The page of the version that `parts` make, in French and in English."""
    store = FolderStore(folder / "store")
    version = build_version(dataset, parts, store, created=DAY).version
    rows = {name: read_csv(whole_csv(store, version, name)) for name in version.rows}
    history = History(
        "https://portal/dataset/essai-versions",
        (
            Past("0.9.0", "2026-11-01T00:00:00Z", {"changelog.fr.md": "https://portal/fr"}),
            Past("0.8.0", "2026-10-31T00:00:00Z", {"datapackage.json": "https://portal/dp"}),
        ),
    )
    told = background(store, dataset, version, rows)
    return notes.page_notes(dataset, version, history, told).split("\n\n---\n\n")


def test_the_page_credits_every_partner_and_says_since_when_one_is_silent(tmp_path: Path) -> None:
    dataset = declare(tmp_path / "schemas")
    parts = [
        contribute(dataset, "a", [ANGERS]),
        contribute(dataset, "b", [{"id": "b--1", "nom": "B"}], licence="CC-BY-4.0", stale_since="2026-11-01"),
    ]
    french, english = page_of(dataset, parts, tmp_path)
    assert (
        "- Partenaire a, A, Données de a, sous Licence Ouverte / Open Licence 2.0, données du 20 novembre 2026"
        in french
    )
    assert "Creative Commons Attribution 4.0, data of 20 November 2026, nothing new since 1 November 2026" in english
    assert "- **Lieux** (2 lignes) : Tous les lieux." in french
    assert "[Every version, with what each one changed](https://portal/dataset/essai-versions)" in english
    assert "**Version du 21 novembre 2026** (1.0.0).\n\nPremière version.\n\n- sites : 2 lignes\n" in french


def test_the_page_tells_period_extent_quality_contact_rhythm_and_older_versions_in_both_languages(
    tmp_path: Path,
) -> None:
    dataset = declare(tmp_path / "schemas")
    placed: Cells = {**ANGERS, "latitude": "47.47", "longitude": "-0.55"}
    late = dataclasses.replace(contribute(dataset, "b", [NANTES]), snapshot_date="2026-03-01")
    french, english = page_of(dataset, [contribute(dataset, "a", [placed]), late], tmp_path)
    assert (
        """### Repères

- Licence : [Licence Ouverte / Open Licence 2.0](https://www.etalab.gouv.fr/licence-ouverte-open-licence)
- Mise à jour : chaque jour
- Période : données reçues du 1er mars 2026 au 20 novembre 2026
- Étendue : latitude de 47,5° à 47,5°, longitude de −0,6° à −0,6°
- Langue des données : français
- Contact : Hubikoop, donnees@example.org

### Qualité

- Lieux : 2 lignes reçues, 2 publiées
"""
        in french
    )
    assert (
        """### Versions

- [1er novembre 2026 (0.9.0)](https://portal/fr)
- [31 octobre 2026 (0.8.0)](https://portal/dp)
- [Toutes les versions, avec ce que chacune change](https://portal/dataset/essai-versions)
"""
        in french
    )
    assert "- Period: data received from 1 March 2026 to 20 November 2026\n" in english
    assert "- Sites: 2 received, 2 published\n" in english


def test_what_changed_stands_on_one_line_for_other_portals(tmp_path: Path) -> None:
    dataset, store = declare(tmp_path / "schemas"), FolderStore(tmp_path / "store")
    version = build_version(dataset, [contribute(dataset, "a", [ANGERS])], store, created=DAY).version
    told = background(
        store, dataset, version, {name: read_csv(whole_csv(store, version, name)) for name in version.rows}
    )
    extras = layout.page(dataset, version, History("https://portal/v"), told, "https://portal/p")["extras"]
    assert extras["version_notes"] == (
        "Première version. sites : 1 ligne. national : 1 ligne. visites : 0 ligne. · "
        "First version. sites: 1 row. national: 1 row. visites: 0 rows."
    )
    assert (extras["temporal_start"], extras["temporal_end"]) == ("2026-11-20", "2026-11-20")
    assert extras["attribution"] == "Données de a"


def test_a_page_of_a_thousand_partners_names_a_hundred_and_says_where_all_are(tmp_path: Path) -> None:
    dataset = declare(tmp_path / "schemas")
    parts = [contribute(dataset, f"p{n:03}", [{"id": f"p{n:03}--1", "nom": f"N{n}"}]) for n in range(101)]
    french, english = page_of(dataset, parts, tmp_path)
    assert french.count("sous Licence Ouverte") == 100
    assert "- et 1 de plus : la description (Data Package) les nomme toutes" in french
    assert "- and 1 more: the description (Data Package) names them all" in english


def test_a_notice_stands_on_the_page_with_its_date_written_out(tmp_path: Path) -> None:
    notice = "notice: {date: 2027-02-01, text: {fr: Le champ part., en: The field goes.}}\n"
    dataset = declare(tmp_path / "schemas", declaration=DECLARATION.replace("\ntables:", f"\n{notice}tables:"))
    french, english = page_of(dataset, [contribute(dataset, "a", [ANGERS])], tmp_path)
    assert "\n\n> **Préavis.** À partir du 1er février 2027 : Le champ part.\n\n" in french
    assert "\n\n> **Notice.** From 1 February 2027 on: The field goes.\n\n" in english


def test_where_rows_went_is_told_in_the_singular_and_the_plural() -> None:
    figures = Quality(rows_in=1201, published=1, to_correct=2, on_hold=3, merged=1, held=2, left_out=1)
    assert quality_line(figures, "fr") == (
        "1 201 lignes reçues, 1 publiée, 2 à corriger, 3 en attente, 1 fusionnée, 2 sans la ligne à laquelle elles "
        "renvoient, 1 ligne laissée de côté, faute de remplir ce format"
    )
    assert (quality_line(Quality(rows_in=1), "en"), quality_line(Quality(), "fr")) == ("1 received", None)


def test_tags_are_what_ckan_takes_and_files_fill_as_few_uploads_as_fit(tmp_path: Path) -> None:
    text = declare(tmp_path / "a").folder.joinpath("dataset.yaml").read_text("utf-8")
    odd = text.replace("{fr: inclusion numérique, en: digital inclusion}", "{fr: \"l'aide, (l'accès)\", en: a}")
    assert layout.tags(declare(tmp_path / "b", declaration=odd)) == ["l aide l accès"]
    assert layout.batches([("a", 4), ("b", 5), ("c", 9), ("d", 30), ("e", 1)], 10) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert layout.batches([], 10) == []


def test_the_box_around_all_points_is_given_for_maps(tmp_path: Path) -> None:
    dataset = declare(tmp_path)
    points = pl.DataFrame({"latitude": ["46.2", None, "48.1"], "longitude": ["5.2", None, "-1.7"]})
    box = box_around(dataset, {"sites": points})
    assert box is not None
    assert "[[[-1.7, 46.2], [5.2, 46.2], [5.2, 48.1], [-1.7, 48.1], [-1.7, 46.2]]]" in layout.spatial(box)
    assert box_around(dataset, {"sites": points.head(0)}) is None
