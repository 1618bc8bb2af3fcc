"""Which rows are the same place: explainable, bounded, and the same whatever the order."""

import random
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.matching.engine import KEY, PARTNER, Copied, Decided, Matched, Repeated, match
from publish.matching.explain import explain
from publish.matching.score import PARTS
from schemas.dataset import Geometry
from schemas.merging import Likeness

POINT = Geometry(latitude="lat", longitude="lon")
LIKENESS = Likeness(
    name="nom",
    address="adresse",
    postcode="cp",
    town="commune",
    national_id="siret",
    phone="tel",
    email="mail",
    page="web",
)
FIELDS = ("nom", "adresse", "cp", "commune", "siret", "tel", "mail", "web", "lat", "lon")
LIBRARY = {
    "nom": "Médiathèque Toussaint",
    "adresse": "49 rue Toussaint",
    "cp": "49100",
    "commune": "Angers",
    "tel": "+33241242550",
    "lat": "47.4689",
    "lon": "-0.5546",
}


def row(key: str, **cells: str | None) -> dict[str, str | None]:
    """A row of the partner that its key names first."""
    return {KEY: key, PARTNER: key.split("--")[0], **dict.fromkeys(FIELDS), **cells}


def frame(rows: Sequence[dict[str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict.fromkeys((KEY, PARTNER, *FIELDS), pl.String))


def matched(
    *rows: dict[str, str | None], decided: Decided | None = None, certain: Sequence[tuple[str, str]] = ()
) -> Matched:
    return match(frame(rows), LIKENESS, POINT, certain=certain, decided=decided)


def together(found: Matched) -> set[frozenset[str]]:
    """The groups of more than one key."""
    groups: dict[str, set[str]] = {}
    for key, first in found.groups.items():
        groups.setdefault(first, set()).add(key)
    return {frozenset(keys) for keys in groups.values() if len(keys) > 1}


def test_a_place_written_in_two_ways_is_one() -> None:
    other = LIBRARY | {"nom": "BIBLIOTHEQUE TOUSSAINT", "adresse": "49, r. Toussaint 49100 ANGERS", "tel": None}
    assert together(matched(row("a--1", **LIBRARY), row("b--1", **other))) == {frozenset({"a--1", "b--1"})}


@pytest.mark.parametrize(
    "other",
    [
        {"nom": "CCAS d'Angers"},
        {"nom": "Bus de la médiathèque Toussaint"},
        {"nom": "Médiathèque Annie Fratellini", "adresse": "3 rue du Cirque-Théâtre", "lat": "47.47", "lon": "-0.50"},
        {"adresse": "12 place de la Mairie", "cp": "35000", "commune": "Rennes", "tel": None, "lat": None, "lon": None},
    ],
    ids=["another body in the house", "the bus that starts there", "another branch", "another town"],
)
def test_what_only_shares_an_address_or_a_name_stays_two(other: dict[str, str | None]) -> None:
    assert together(matched(row("a--1", **LIBRARY), row("b--1", **(LIBRARY | other)))) == set()


def test_espace_1_is_not_espace_2() -> None:
    one, two = LIBRARY | {"nom": "Cyber-base Roseraie 1"}, LIBRARY | {"nom": "Cyber-base Roseraie 2"}
    found = matched(row("a--1", **one), row("b--1", **two))
    assert together(found) == set()
    assert found.questions.select("a", "b").rows() == [("a--1", "b--1")]


def test_every_point_of_a_score_is_told() -> None:
    found = matched(row("a--1", **LIBRARY), row("b--1", **(LIBRARY | {"adresse": None})))
    told = found.pairs.row(0, named=True)
    assert {name: told[name] for name in PARTS if told[name]} == {
        "name": 3.0,
        "label": 2.5,
        "town": 1.5,
        "distance": 3.0,
        "phone": 3.0,
    }
    assert (told["score"], told["metres"], told["merged"]) == (13.0, 0.0, True)


def test_two_rows_that_one_partner_lists_are_a_question_and_never_one() -> None:
    found = matched(row("a--1", **LIBRARY), row("a--2", **LIBRARY))
    assert together(found) == set()
    assert found.questions.select("a", "b", "partner_a", "partner_b").rows() == [("a--1", "a--2", "a", "a")]


def test_at_most_one_row_of_a_partner_is_in_a_group() -> None:
    found = matched(row("a--1", **LIBRARY), row("b--1", **LIBRARY), row("b--2", **LIBRARY), row("c--1", **LIBRARY))
    assert together(found) == {frozenset({"a--1", "b--1", "c--1"})}
    assert ("b--1", "b--2") in found.questions.select("a", "b").rows()


def test_a_chain_of_neighbours_is_not_one_place() -> None:
    """Each is like the next one, the first and the last are two: the street is followed house by house."""
    steps = [
        LIBRARY | {"nom": "Espace Aragon", "adresse": "2 rue Aragon", "lat": "47.4000", "tel": None},
        LIBRARY | {"nom": "Espace Aragon", "adresse": "2 rue Aragon", "lat": None, "lon": None, "tel": None},
        LIBRARY | {"nom": "Espace Aragon", "adresse": None, "lat": None, "lon": None, "tel": "+33241000000"},
        LIBRARY | {"nom": "Espace Aragon", "adresse": "90 quai Royal", "lat": "47.9", "tel": "+33241000000"},
    ]
    found = matched(*(row(f"{partner}--1", **cells) for partner, cells in zip("abcd", steps, strict=True)))
    first = next((keys for keys in together(found) if "a--1" in keys), frozenset())
    assert "d--1" not in first


@pytest.mark.parametrize("point", [("0", "0"), ("47.4711", "-0.5518")], ids=["null island", "the town hall"])
def test_a_point_that_stands_for_a_whole_town_merges_nothing(point: tuple[str, str]) -> None:
    names = {
        "a": ["Atelier du Lac", "Point du Parc", "Relais du Pont", "Espace du Bois", "Maison du Port"],
        "b": ["Atelier du Coin", "Point du Jour", "Relais du Puits", "Espace du Bourg", "Maison du Phare"],
    }
    where = {"cp": "49000", "commune": "Angers", "lat": point[0], "lon": point[1]}
    rows = [row(f"{p}--{n}", nom=name, **where) for p, listed in names.items() for n, name in enumerate(listed)]
    assert together(matched(*rows)) == set()


def test_five_thousand_rows_that_say_the_same_are_left_alone_and_take_no_time() -> None:
    rows = [row(f"{partner}--{n:04d}", **LIBRARY) for partner in "ab" for n in range(5_000)]
    found = matched(*rows)
    assert together(found) == set()
    assert found.pairs.height == 0


def test_one_id_on_8400_rows_is_told_and_merges_nothing() -> None:
    many = [
        row(f"poste--{n:04d}", nom=f"Agence {n}", cp=f"{n:05d}", commune=f"Ville {n}", siret="35600000000048")
        for n in range(8_400)
    ]
    found = matched(*many, row("b--1", nom="Relais", cp="00003", commune="Ville 3", siret="35600000000048"))
    assert together(found) == set()
    assert found.repeated == (Repeated("poste", "35600000000048", 8_400),)


def test_a_partner_that_repeats_another_is_told() -> None:
    names = [
        f"{first} {last}"
        for first in ("Maison", "Atelier", "Point")
        for last in ("Alma", "Bora", "Cima", "Dune", "Erea", "Foch", "Gaia", "Hugo")
    ]
    rows = [
        row(f"{p}--{n}", nom=name, adresse=f"{n} rue {name}", cp="49000", commune="Angers")
        for p in "ab"
        for n, name in enumerate(names)
    ]
    found = matched(*rows)
    assert len(together(found)) == len(names)
    assert found.copied == (Copied(("a", "b"), len(names)),)


def test_what_somebody_decided_holds_against_every_score_and_key() -> None:
    rows = [row("a--1", **LIBRARY), row("b--1", **LIBRARY), row("c--1", nom="Tout autre chose", commune="Lyon")]
    decided = Decided(same=frozenset({("c--1", "a--1")}), different=frozenset({("b--1", "a--1")}))
    found = matched(*rows, decided=decided, certain=[("a--1", "b--1")])
    assert together(found) == {frozenset({"a--1", "c--1"})}
    assert found.questions.filter(pl.col("a") == "a--1", pl.col("b") == "b--1").is_empty()


def test_different_wins_over_a_ring_of_same() -> None:
    rows = [row(f"{partner}--1", nom=f"Lieu {partner}") for partner in "abc"]
    same = frozenset({("a--1", "b--1"), ("b--1", "c--1")})
    found = matched(*rows, decided=Decided(same=same, different=frozenset({("a--1", "c--1")})))
    assert together(found) == {frozenset({"a--1", "b--1"})}


def test_decisions_on_rows_that_are_gone_change_nothing() -> None:
    decided = Decided(same=frozenset({("x--1", "a--1")}), different=frozenset({("x--1", "y--1")}))
    rows = [row("a--1", **LIBRARY), row("b--1", **LIBRARY)]
    assert matched(*rows, decided=decided).groups == matched(*rows).groups


_names = st.sampled_from(
    ["Espace Aragon", "espace aragon", "Espace Aragno", "CCAS", "Mairie", "Le Lieu 2", "Le Lieu 3", "?"]
)
_places = st.fixed_dictionaries(
    {
        "nom": _names,
        "adresse": st.sampled_from(["2 rue Aragon", "2, r. Aragon", "14 quai Royal", None]),
        "cp": st.sampled_from(["49000", "49100", None]),
        "commune": st.sampled_from(["Angers", "ANGERS CEDEX 2", None]),
        "tel": st.sampled_from(["+33241000000", "+33241000001", None]),
        "lat": st.sampled_from(["47.40", "47.41", None]),
        "lon": st.just("-0.55"),
    }
)
_rows = st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), _places, min_size=1, max_size=7).map(
    lambda found: [row(f"{partner}--{n}", **cells) for (partner, n), cells in found.items()]
)
_decisions = st.sets(
    st.tuples(st.sampled_from(["a--0", "a--1", "b--0"]), st.sampled_from(["b--1", "c--0", "c--1"])), max_size=3
)


@settings(max_examples=60, deadline=None)
@given(rows=_rows, same=_decisions, different=_decisions, seed=st.integers(0, 9))
def test_order_changes_nothing_and_what_is_decided_different_stays_apart(
    rows: list[dict[str, str | None]], same: set[tuple[str, str]], different: set[tuple[str, str]], seed: int
) -> None:
    decided = Decided(frozenset(same), frozenset(different))
    found = matched(*rows, decided=decided)
    shuffled = random.Random(seed).sample(rows, len(rows))
    again = matched(*shuffled, decided=decided)
    assert again.groups == found.groups
    assert again.pairs.equals(found.pairs)
    assert not any(set(pair) <= keys for pair in different for keys in together(found))
    if not same:
        for keys in together(found):
            partners = [key.split("--")[0] for key in keys]
            assert len(partners) == len(set(partners))


@settings(max_examples=40, deadline=None)
@given(rows=_rows)
def test_a_far_away_row_changes_no_other_group(rows: list[dict[str, str | None]]) -> None:
    far = row(
        "z--9",
        nom="Casa do Povo",
        adresse="Rua Direita 7",
        cp="3000-150",
        commune="Coimbra",
        tel="+351239000000",
        lat="40.2",
        lon="-8.4",
    )
    groups = matched(*rows).groups
    assert matched(*rows, far).groups == {**groups, "z--9": "z--9"}


@settings(max_examples=40, deadline=None)
@given(rows=_rows)
def test_a_row_is_never_paired_with_the_copy_of_another_one(rows: list[dict[str, str | None]]) -> None:
    mine = [cells for cells in rows if cells[PARTNER] == "a"]
    copies = [{**cells, KEY: f"copy--{str(cells[KEY])[3:]}", PARTNER: "copy"} for cells in mine]
    found = matched(*mine, *copies)
    twins = {frozenset({str(one[KEY]), str(other[KEY])}) for one, other in zip(mine, copies, strict=True)}
    alone = {tuple(cells[name] for name in FIELDS) for cells in mine}
    if len(alone) == len(mine) and not found.questions.filter(pl.col("partner_a") == pl.col("partner_b")).height:
        assert together(found) <= twins


def test_a_score_is_said_part_by_part_in_every_language_and_adds_up() -> None:
    other = LIBRARY | {"nom": "Bus de la médiathèque Toussaint", "tel": "+33241000000"}
    pair = matched(row("a--1", **LIBRARY), row("b--1", **other)).questions.row(0, named=True)
    said = explain(pair, LIKENESS)
    assert [text["en"] for text in said] == [
        "Similar addresses (+4).",
        "The names are 93 % alike (+3.83).",
        "The names say two sorts of places, or one moves about and the other does not (-2).",
        "Same town or same postcode (+1.5).",
        "0 m from each other (+1).",
        "Different telephone numbers (-0.5).",
        "Nothing else is enough where the names say two places: a person decides.",
        "7.83 points in all; the same entry from 7 on, a question from 4.5 on.",
    ]
    assert said[-1]["fr"] == "En tout 7,83 points ; la même fiche à partir de 7, une question à partir de 4,5."
    assert round(sum(pair[part] for part in PARTS), 2) == pair["score"]
