"""What a dataset has no right to publish stays out, or stands apart under its own licence; and what reusers may do."""

import json
from pathlib import Path

import polars as pl
import pytest

from glane.declaration import DeclarationError
from glane.store import FolderStore, Store
from publish.build import Built, NothingToPublishError, build_version
from publish.contribution import Contribution
from publish.formats.delimited import read_csv
from publish.reuse import UnknownTableError, UnknownUseError, permissions, usable_rows
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, contribute, declare
from tests.publish.test_build import ANGERS, DAY, NANTES, RENNES

ONE_TABLE = DECLARATION[: DECLARATION.index("  - name: national")]
APART = (
    ONE_TABLE
    + """\
  - name: sites_odbl
    title: {fr: Lieux sous ODbL, en: Sites under the ODbL}
    description: {fr: Les lieux à part., en: The sites apart.}
    formats: [csv]
    apart_from: sites
    licence: ODbL-1.0
"""
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path / "store")


def under(dataset: Dataset, licence: str) -> list[Contribution]:
    return [
        contribute(dataset, "a", [ANGERS, NANTES]),
        contribute(dataset, "b", [RENNES, {**ANGERS, "id": "b--2"}], licence=licence),
    ]


def refused(built: Built) -> dict[str, str]:
    return {one.partner: one.reason.en for one in built.refused}


@pytest.mark.parametrize(
    ("licence", "clause"),
    [
        ("ODbL-1.0", "has to stay under the ODbL (section 4.4)"),
        ("CC-BY-SA-4.0", "has to stay under that licence (sections 3(b) and 4(b))"),
        ("CC-BY-NC-4.0", "keeps commercial use back"),
        ("CC-BY-ND-4.0", "forbids to share altered material"),
        ("NOASSERTION", "Without a licence only its author may publish the data"),
    ],
)
def test_rows_whose_licence_does_not_go_into_the_datasets_are_held_back_with_the_clause(
    tmp_path: Path, store: Store, licence: str, clause: str
) -> None:
    dataset = declare(tmp_path / "schemas", declaration=ONE_TABLE)
    built = build_version(dataset, under(dataset, licence), store, created=DAY)
    assert built.version.rows == {"sites": 2}
    assert [one.partner for one in built.version.inputs] == ["a"]
    assert list(refused(built)) == ["b"]
    assert clause in refused(built)["b"]
    assert "etalab-2.0" in refused(built)["b"]
    assert "https://" in refused(built)["b"]


def test_what_asks_for_nothing_waits_only_for_the_community_to_accept_it(tmp_path: Path, store: Store) -> None:
    dataset = declare(tmp_path / "schemas", declaration=ONE_TABLE)
    built = build_version(dataset, under(dataset, "CC0-1.0"), store, created=DAY)
    assert refused(built)["b"].startswith(
        "The licence CC0-1.0 (Creative Commons Zero 1.0) is not one that this dataset"
    )
    accepting = ONE_TABLE.replace("accept: [etalab-2.0, CC-BY-4.0]", "accept: [etalab-2.0, CC0-1.0]")
    dataset = declare(tmp_path / "accepting", declaration=accepting)
    assert build_version(dataset, under(dataset, "CC0-1.0"), store, created=DAY).refused == ()


def test_where_nobody_may_be_published_there_is_no_version(tmp_path: Path, store: Store) -> None:
    dataset = declare(tmp_path / "schemas", declaration=ONE_TABLE)
    with pytest.raises(NothingToPublishError, match="b: The licence NOASSERTION"):
        build_version(dataset, [contribute(dataset, "b", [RENNES], licence="NOASSERTION")], store, created=DAY)


def test_rows_under_the_odbl_stand_in_a_table_of_their_own_and_are_merged_with_nobody(
    tmp_path: Path, store: Store
) -> None:
    dataset = declare(tmp_path / "schemas", declaration=APART)
    built = build_version(dataset, under(dataset, "ODbL-1.0"), store, created=DAY)
    version = built.version
    # Angers is told by both, and stays two rows: merged, all of it would have to be under the ODbL.
    assert (version.rows, built.refused) == ({"sites": 2, "sites_odbl": 2}, ())
    assert [(one.partner, one.table) for one in version.inputs] == [("a", "sites"), ("b", "sites_odbl")]
    apart = read_csv(store.fetch(f"{version.key}/essai-sites_odbl.csv"))
    assert apart["id"].to_list() == ["b--1", "b--2"]
    package = json.loads(store.read(f"{version.key}/datapackage.json") or b"")
    assert [one["name"] for one in package["licenses"]] == ["etalab-2.0", "ODbL-1.0"]
    assert {one["name"]: [a["name"] for a in one.get("licenses", [])] for one in package["resources"]} == {
        "sites": [],
        "sites_odbl": ["ODbL-1.0"],
    }
    assert {one["partner"]: one["table"] for one in package["sources"]} == {"a": "sites", "b": "sites_odbl"}
    assert package["resources"][1]["schema"] == package["resources"][0]["schema"]


def test_a_partner_who_changes_licence_moves_from_one_table_to_the_other(tmp_path: Path, store: Store) -> None:
    dataset = declare(tmp_path / "schemas", declaration=APART)
    stays = contribute(dataset, "c", [{**ANGERS, "id": "c--1", "nom": "Le Quai"}], licence="ODbL-1.0")
    build_version(dataset, [*under(dataset, "ODbL-1.0"), stays], store, created=DAY)
    moved = [*under(dataset, "CC-BY-4.0"), stays]
    version = build_version(dataset, moved, store, created="2026-11-22T06:00:00+00:00").version
    assert version.rows == {"sites": 3, "sites_odbl": 1}
    told = json.loads(store.read(f"{version.key}/changelog.json") or b"")
    assert told["tables"] == {
        "sites": {"added": 1, "changed": 0, "removed": 0},
        "sites_odbl": {"added": 0, "changed": 0, "removed": 2},
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("    apart_from: sites\n", ""), "'apart_from' and 'licence' go together"),
        (("    apart_from: sites\n", "    apart_from: site\n"), "stands apart from 'site', which is no table"),
        (
            ("    licence: ODbL-1.0\n", "    licence: etalab-2.0\n"),
            "stands apart under etalab-2.0, as another one does",
        ),
        (
            ("    licence: ODbL-1.0\n", "    licence: ODbL-1.0\n    unpublished: [nom]\n"),
            "a table apart takes unpublished",
        ),
    ],
)
def test_a_table_apart_that_is_declared_wrong_is_told_with_its_line(
    tmp_path: Path, wrong: tuple[str, str], said: str
) -> None:
    with pytest.raises(DeclarationError, match=said):
        declare(tmp_path / "schemas", declaration=APART.replace(*wrong))


def test_a_row_may_be_used_where_the_licences_of_all_its_partners_say_so(tmp_path: Path, store: Store) -> None:
    accepting = DECLARATION.replace("accept: [etalab-2.0, CC-BY-4.0]", "accept: [etalab-2.0, CC0-1.0]")
    dataset = declare(tmp_path / "schemas", declaration=accepting)
    version = build_version(dataset, under(dataset, "CC0-1.0"), store, created=DAY).version
    assert [(one.partner, one.licence, one.right.answer) for one in permissions(version.inputs, "wikidata")] == [
        ("a", "etalab-2.0", "no"),
        ("b", "CC0-1.0", "yes"),
    ]
    # Angers stands for both partners' rows: under one of the two licences it may not go to Wikidata.
    assert usable_rows(store, version, "sites", "wikidata")["id"].to_list() == ["b--1"]
    assert usable_rows(store, version, "national", "wikidata")["id"].to_list() == ["b--1"]
    whole = read_csv(store.fetch(f"{version.key}/essai-sites.csv"))
    assert usable_rows(store, version, "sites", "commercial").equals(whole)
    assert usable_rows(store, version, "visites", "wikidata").equals(
        pl.DataFrame(schema=dict.fromkeys(["id", "site_id", "le"], pl.String))
    )
    with pytest.raises(UnknownUseError, match="'selling'"):
        usable_rows(store, version, "sites", "selling")
    with pytest.raises(UnknownTableError, match="no table 'site'"):
        usable_rows(store, version, "site", "wikidata")
