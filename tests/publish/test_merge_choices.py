"""Whose value stands, which id stands, and what a declared likeness makes one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.declaration import DeclarationError
from glane.store import FolderStore
from publish.approving import Permits
from publish.build import build_version
from publish.matching.engine import Decided
from publish.merge import Merged, merge
from publish.standing import chosen
from publish.version import path_of
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, Cells, contribute, declare

LIKENESS = """
      likeness: {name: nom, postcode: code_postal, same_from: 5, ask_from: 3}
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return declare(tmp_path_factory.mktemp("schemas"))


def with_rules(dataset: Dataset, **rules: Any) -> Dataset:
    """The dataset with other rules of merging for its first table."""
    line = dataset.main.line.model_copy(update={"merge": dataset.main.line.merge.model_copy(update=rules)})
    return replace(dataset, tables=(replace(dataset.main, line=line), *dataset.tables[1:]))


def site(identifier: str, **cells: str) -> Cells:
    return {"id": identifier, "nom": "Médiathèque Toussaint", "code_postal": "49100", **cells}


def merged(
    dataset: Dataset, *rows: Cells, before: dict[str, str] | None = None, decided: Decided | None = None
) -> Merged:
    """The rows merged, each its partner's that its id names first."""
    partners: dict[str, list[Cells]] = {}
    for row in rows:
        partners.setdefault(str(row["id"]).split("--")[0], []).append(row)
    parts = [contribute(dataset, partner, mine) for partner, mine in partners.items()]
    return merge(dataset.main, parts, before, decided)


def published(found: Merged, *fields: str) -> list[tuple[Any, ...]]:
    return found.rows.select(fields).rows()


def test_who_runs_the_place_wins_on_it_whoever_says_that_it_does(dataset: Dataset) -> None:
    mine = with_rules(dataset, owner="attribution")
    ours = site("asso--1", date_maj="2020-01-01", places="12")
    newer = site("ville--1", date_maj="2026-01-01", places="40", attribution="Asso")
    assert published(merged(mine, ours, newer), "id", "places") == [("asso--1", "12")]
    assert published(merged(dataset, ours, newer), "id", "places") == [("ville--1", "40")]


def test_a_field_may_have_an_order_of_its_own(dataset: Dataset) -> None:
    mine = with_rules(dataset, fields={"consentement": ["complete"], "places": ["trust"]})
    rows = [
        site("asso--1", date_maj="2026-01-01", consentement="oui", places="1"),
        site("ville--1", date_maj="2020-01-01", consentement="oui, par courrier", places="2"),
    ]
    found = merged(mine, *rows)
    assert published(found, "id", "date_maj", "consentement", "places") == [
        ("asso--1", "2026-01-01", "oui, par courrier", "2")
    ]


def test_the_most_complete_row_may_stand(dataset: Dataset) -> None:
    mine = with_rules(dataset, order=["complete", "newest"])
    rows = [site("a--1", date_maj="2026-01-01"), site("b--1", date_maj="2020-01-01", places="2", ouvert="true")]
    assert published(merged(mine, *rows), "id", "date_maj") == [("b--1", "2020-01-01")]


def test_of_a_field_of_several_values_none_is_lost(dataset: Dataset) -> None:
    mine = with_rules(dataset, unite=["consentement"])
    rows = [site("a--1", consentement="ateliers|wifi"), site("b--1", consentement="wifi|accueil"), site("c--1")]
    assert published(merged(mine, *rows), "consentement") == [("accueil|ateliers|wifi",)]


def test_the_id_of_last_time_stands_on_when_its_partner_is_no_longer_the_first(dataset: Dataset) -> None:
    rows = [site("a--1", date_maj="2020-01-01"), site("b--1", date_maj="2026-01-01", places="3")]
    found = merged(dataset, *rows, before={"a--1": "a--1", "b--1": "a--1"})
    assert published(found, "id", "places") == [("a--1", "3")]
    assert found.aliases == {"b--1": "a--1"}
    assert found.merged == {"b": 1}


def test_the_id_of_last_time_stands_on_when_the_partner_that_gave_it_has_left(dataset: Dataset) -> None:
    rows = [site("b--1", date_maj="2020-01-01"), site("c--1", date_maj="2026-01-01")]
    found = merged(dataset, *rows, before={"a--1": "a--1", "b--1": "a--1", "c--1": "a--1"})
    assert published(found, "id") == [("a--1",)]
    assert found.provenance.select("id", "own", "partner", "stands").rows() == [
        ("a--1", "b--1", "b", False),
        ("a--1", "c--1", "c", True),
    ]
    assert found.aliases == {"b--1": "a--1", "c--1": "a--1"}


def test_a_partner_that_comes_changes_no_id(dataset: Dataset) -> None:
    rows = [site("b--1", date_maj="2020-01-01"), site("new--1", date_maj="2026-01-01")]
    assert published(merged(dataset, *rows, before={"b--1": "b--1"}), "id") == [("b--1",)]


def test_an_id_that_a_row_brings_is_never_another_row_s(dataset: Dataset) -> None:
    """The partner came back, and its row is another place now."""
    rows = [site("a--1", nom="Tout autre chose"), site("b--1")]
    found = merged(dataset, *rows, before={"a--1": "a--1", "b--1": "a--1"})
    assert published(found, "id", "nom") == [("a--1", "Tout autre chose"), ("b--1", "Médiathèque Toussaint")]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_ids_are_given_once_whatever_the_order_and_stand_for_ever(data: st.DataObject) -> None:
    own = [f"{number}" for number in range(data.draw(st.integers(1, 7)))]
    group_of = [data.draw(st.integers(0, 3)) for _ in own]
    groups = [[o for o, g in zip(own, group_of, strict=True) if g == number] for number in sorted(set(group_of))]
    before = data.draw(st.dictionaries(st.sampled_from([*own, "gone"]), st.sampled_from([*own, "x", "y"])))
    ids = chosen(groups, before)
    assert len(set(ids)) == len(groups)
    home = {member: number for number, group in enumerate(groups) for member in group}
    assert all(home.get(name, number) == number for number, name in enumerate(ids))
    order = data.draw(st.permutations(range(len(groups))))
    assert chosen([groups[number] for number in order], before) == [ids[number] for number in order]
    again = {member: name for group, name in zip(groups, ids, strict=True) for member in group}
    assert chosen([sorted(group) for group in groups], again) == ids


def test_what_was_decided_different_stays_two_under_a_declared_key(dataset: Dataset) -> None:
    rows = [site("a--1"), site("b--1"), site("c--1", nom="Le Quai")]
    found = merged(dataset, *rows, decided=Decided(frozenset({("b--1", "c--1")}), frozenset({("a--1", "b--1")})))
    assert published(found, "id") == [("a--1",), ("b--1",)]


def likely(folder: Path) -> Dataset:
    declaration = DECLARATION.replace("      newest: date_maj\n", f"      newest: date_maj{LIKENESS}")
    return declare(folder, declaration=declaration)


def test_likeness_is_off_where_it_is_not_declared(dataset: Dataset, tmp_path: Path) -> None:
    rows = [site("a--1"), site("b--1", nom="Mediateque Toussaint")]
    assert merged(dataset, *rows).matched is None
    assert published(merged(dataset, *rows), "id") == [("a--1",), ("b--1",)]
    assert published(merged(likely(tmp_path), *rows), "id") == [("a--1",)]


def test_likeness_names_fields_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="adresse") as caught:
        declare(tmp_path, declaration=likely_declaration("{name: nom, address: adresse}"))
    assert "tables.0.merge.likeness.address" in str(caught.value)


def test_questions_cannot_begin_above_what_is_merged(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="ask_from"):
        declare(tmp_path, declaration=likely_declaration("{name: nom, same_from: 3, ask_from: 5}"))


def likely_declaration(likeness: str) -> str:
    return DECLARATION.replace("      newest: date_maj\n", f"      newest: date_maj\n      likeness: {likeness}\n")


def test_a_file_merged_with_itself_changes_nothing(tmp_path: Path) -> None:
    dataset = likely(tmp_path)
    names = ["Médiathèque Toussaint", "Espace Aragon", "Le Quai", "CCAS d'Angers", "Mairie d'Angers"]
    rows = [site(f"a--{number}", nom=name, places=str(number)) for number, name in enumerate(names)]
    once = merge(dataset.main, [contribute(dataset, "a", rows)])
    twice = merge(dataset.main, [contribute(dataset, "a", rows), contribute(dataset, "a", rows)])
    assert twice.rows.equals(once.rows)
    copied = [{**row, "id": f"z--{number}"} for number, row in enumerate(rows)]
    other = merge(dataset.main, [contribute(dataset, "a", rows), contribute(dataset, "z", copied)])
    assert other.rows.equals(once.rows)


@settings(max_examples=30, deadline=None)
@given(
    parts=st.dictionaries(
        st.sampled_from("abc"),
        st.lists(
            st.tuples(
                st.sampled_from(["Le Quai", "le quay", "Espace Aragon", "Mairie"]), st.sampled_from(["49000", "49100"])
            ),
            max_size=4,
        ),
        max_size=3,
    )
)
def test_merged_again_the_ids_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, parts: dict[str, Sequence[tuple[str, str]]]
) -> None:
    dataset = likely(tmp_path_factory.mktemp("again"))
    rows = [
        site(f"{partner}--{number}", nom=name, code_postal=postcode)
        for partner, listed in parts.items()
        for number, (name, postcode) in enumerate(listed)
    ]
    first = merged(dataset, *rows)
    stood = dict(first.provenance.select("own", "id").iter_rows())
    again = merged(dataset, *rows, before=stood)
    assert again.rows.equals(first.rows)
    assert again.provenance.equals(first.provenance)


def test_a_version_tells_how_many_pairs_wait_and_names_no_row(tmp_path: Path) -> None:
    dataset = likely(tmp_path)
    store = FolderStore(tmp_path / "store")
    rows = {"a": [site("a--1", nom="Médiathèque Toussaint")], "b": [site("b--1", nom="CCAS Toussaint")]}
    parts = [contribute(dataset, partner, mine) for partner, mine in rows.items()]
    built = build_version(dataset, parts, store, created="2026-11-21T08:00:00+00:00")
    quality = json.loads(path_of(store, built.version, built.version.file("quality.json")).read_bytes())
    waiting = [{"partner_a": "a", "partner_b": "b", "pairs": 1}]
    assert quality["likeness"] == {"sites": {"waiting": waiting, "repeated_ids": [], "copies": []}}
    assert not build_version(dataset, parts, store, created="2026-11-22T08:00:00+00:00").new


def test_from_version_to_version_a_place_keeps_its_id_whoever_comes_and_goes(dataset: Dataset, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")

    def ids(*partners: str) -> list[str]:
        parts = [
            contribute(dataset, partner, [site(f"{partner}--1", date_maj=f"202{number}-01-01")])
            for number, partner in enumerate(partners)
        ]
        parts.append(contribute(dataset, "autre", [site("autre--1", nom="Le Quai", places=str(len(partners)))]))
        left = Permits(left=frozenset({"ville", "asso", "etat"} - set(partners)))
        build_version(dataset, parts, store, created=f"2026-11-2{len(partners)}T08:00:00+00:00", permits=left)
        version = build_version(dataset, parts, store, created="2026-11-30T08:00:00+00:00", permits=left).version
        lines = path_of(store, version, version.file("essai-sites.csv")).read_text("utf-8").splitlines()
        return [line.split(",")[0] for line in lines[1:] if "Toussaint" in line]

    assert [ids("ville"), ids("ville", "asso"), ids("asso"), ids("asso", "etat", "ville")] == [["ville--1"]] * 4
