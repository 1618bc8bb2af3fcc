"""Rows that would lead a merge astray: nothing wrong is merged, no row vanishes, and the steward reads what it is."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.store import FolderStore
from publish.build import Built, build_version
from publish.matching.cluster import Pair, join
from schemas.dataset import Dataset
from tests.publish.material import DECLARATION, SITES, Cells, contribute, declare

LIKENESS = "      likeness: {name: nom, postcode: code_postal, national_id: pivot}\n"
ONE_TABLE = DECLARATION[: DECLARATION.index("  - name: national")]
NUMBERED = {**SITES, "fields": [*SITES["fields"], {"name": "pivot", "type": "string"}]}
LA_POSTE = "35600000000048"
NAMES = [
    f"{kind} {name}"
    for kind in ("Atelier", "Relais", "Point")
    for name in ("Alma", "Bora", "Cima", "Dune", "Erea", "Foch", "Gaia", "Hugo", "Iris")
]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    declaration = ONE_TABLE.replace("      newest: date_maj\n", f"      newest: date_maj\n{LIKENESS}")
    return declare(tmp_path / "schemas", declaration=declaration, sites=NUMBERED)


def built(dataset: Dataset, store: Path, **rows: Sequence[Cells]) -> Built:
    parts = [contribute(dataset, partner, mine) for partner, mine in rows.items()]
    return build_version(dataset, parts, FolderStore(store), created="2026-11-21T08:00:00+00:00")


def test_one_id_or_one_point_on_many_rows_merges_none_of_them_and_is_told(dataset: Dataset, tmp_path: Path) -> None:
    at_the_town_hall = {"latitude": "47.47", "longitude": "-0.55"}
    agencies: list[Cells] = [
        {"id": f"poste--{n}", "nom": name, "code_postal": f"{49000 + n}", "pivot": LA_POSTE}
        for n, name in enumerate(NAMES)
    ]
    places: list[Cells] = [
        {"id": f"ville--{n}", "nom": f"Maison {name}", "code_postal": "49100", **at_the_town_hall}
        for n, name in enumerate(NAMES)
    ]
    done = built(dataset, tmp_path / "store", poste=agencies, ville=places)
    assert done.version.rows["sites"] == 2 * len(NAMES)
    assert done.warnings == (
        "sites: poste gives one identifier, 35600000000048, to 27 rows. It does not say which place they are, and "
        "merges none of them. Ask for the identifier of each place, or an empty cell.",
        "sites: ville puts 27 rows at one point (47.47 -0.55), the town hall's perhaps. It does not say where each of "
        "them is. Ask for the point of each place, or an empty cell.",
    )
    assert done.merged["sites"].matched is not None
    assert done.merged["sites"].matched.questions.is_empty()


def test_partners_that_copy_one_another_are_one_row_each_and_told(dataset: Dataset, tmp_path: Path) -> None:
    rows: dict[str, list[Cells]] = {
        partner: [
            {
                "id": f"{partner}--{n}",
                "nom": name,
                "code_postal": f"{49000 + n}",
                "places": "3" if partner == "b" else None,
            }
            for n, name in enumerate(NAMES)
        ]
        for partner in "ab"
    }
    done = built(dataset, tmp_path / "store", **rows)
    assert done.version.rows["sites"] == len(NAMES)
    assert done.merged["sites"].rows["places"].to_list() == ["3"] * len(NAMES)
    assert done.warnings == (
        "sites: a and b say the same word for word in 27 rows: one of them copies the other, it seems. That they agree "
        "proves nothing. Ask who keeps these rows, and take them out of the other source.",
    )


def test_a_cluster_of_5000_rows_with_one_key_is_one_row_all_accounted_for_and_told(
    dataset: Dataset, tmp_path: Path
) -> None:
    rows: dict[str, list[Cells]] = {
        partner: [{"id": f"{partner}--{n:04d}", "nom": "Le Fil", "code_postal": "49000"} for n in range(2_500)]
        for partner in "ab"
    }
    done = built(dataset, tmp_path / "store", **rows)
    assert done.version.rows["sites"] == 1
    assert [(one.partner, one.rows_in, one.published + one.merged) for one in done.accounts.partners] == [
        ("a", 2_500, 2_500),
        ("b", 2_500, 2_500),
    ]
    assert done.warnings == tuple(
        f"sites: {partner} gives 2500 rows that say the same, word for word. Ask what tells them apart."
        for partner in "ab"
    )


_scores = st.dictionaries(
    st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1]),
    st.floats(0, 12).map(lambda score: round(score, 1)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(partners=st.lists(st.sampled_from("abcde"), min_size=12, max_size=12), scores=_scores, shuffled=st.randoms())
def test_a_group_is_bounded_and_no_two_of_its_rows_are_joined_through_a_third_alone(
    partners: list[str], scores: dict[Pair, float], shuffled: random.Random
) -> None:
    """Every two rows of a group are alike themselves, and each partner has one row in it at most."""
    alike = [pair for pair, score in scores.items() if score >= 7 and partners[pair[0]] != partners[pair[1]]]
    of = join(partners, (), scores, alike=alike, ask_from=4.5)
    for first in set(of):
        group = [row for row, head in enumerate(of) if head == first]
        assert first == min(group)
        assert len({partners[row] for row in group}) == len(group)
        assert len(group) <= 2 or all(scores.get((a, b), 0) >= 4.5 for a in group for b in group if a < b)
        assert len(group) != 2 or tuple(group) in alike
    shuffled.shuffle(alike)
    assert join(partners, (), dict(sorted(scores.items(), reverse=True)), alike=alike, ask_from=4.5) == of
