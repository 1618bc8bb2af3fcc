"""A row keeps its id: whatever the order of the file, a typo in its name, or the years that it was away."""

import random
import string
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.store import FolderStore
from schemas.dataset import load_datasets
from sources.identity.brought import brought
from sources.identity.identify import DOUBTFUL, Identified, Row, identified, renumbered
from sources.identity.likeness import compared_fields
from sources.identity.register import Known, Register, RegisterError, keep_register, load_register, register_key
from sources.terms import fold

DATASETS = load_datasets(Path(__file__).parents[2] / "schemas")
TABLE = DATASETS["inclusion_sites"].main
FIELDS = compared_fields(TABLE, ("nom", "code_postal"))
Cells = dict[str, str]

STREETS = ("rue Pasteur", "avenue de la Gare", "place du Marché", "boulevard Foch", "chemin des Dames", "quai Voltaire")
KINDS = ("Médiathèque", "Espace numérique", "Centre social", "Maison de quartier", "Fablab", "Cyberbase", "Mairie")
NAMES = ("Victor Hugo", "Louise Michel", "Jean Jaurès", "Simone Veil", "Jules Verne", "Rosa Parks", "Marie Curie")


def row(cells: Mapping[str, str], line: int = 2) -> Row:
    key = "hub--" + "-".join(fold(cells.get(name, "")) for name in ("nom", "code_postal"))
    return Row(line, None, key, dict(cells))


def given_ids(files: Sequence[Sequence[Cells]], *, apart: Sequence[str] = ()) -> Identified:
    """What becomes of the last of these files, each taken in after the other."""
    register = Register()
    for file in files:
        result = identified(FIELDS, [row(c, n) for n, c in enumerate(file, 2)], register, key_field="id", apart=apart)
        register = result.register
    return result


def site(nom: str, postcode: str, adresse: str = "", **more: str) -> Cells:
    return {"nom": nom, "code_postal": postcode, **({"adresse": adresse} if adresse else {}), **more}


HUGO = site("Médiathèque Victor Hugo", "49000", "12 rue Pasteur", telephone="+33241000001")
FIL = site("Le Fil", "49100", "3 place du Marché")
PHARE = site("Le Phare", "29200", "7 quai Voltaire")


@st.composite
def sites(draw: st.DrawFn) -> list[Cells]:
    """Sites of a partner: chains of the same name in many towns, several in one house, some with little said."""
    found: dict[tuple[str, str], Cells] = {}
    for number in range(draw(st.integers(1, 25))):
        nom = f"{draw(st.sampled_from(KINDS))} {draw(st.sampled_from(NAMES))}"
        postcode = f"{draw(st.integers(1, 8)):02}{draw(st.integers(0, 9))}00"
        adresse = f"{draw(st.integers(1, 60))} {draw(st.sampled_from(STREETS))}" if draw(st.booleans()) else ""
        phone = {"telephone": f"+332410{number:05}"} if draw(st.booleans()) else {}
        found[fold(nom), postcode] = site(nom, postcode, adresse, **phone)
    return list(found.values())


def by_cells(result: Identified, file: Sequence[Cells]) -> dict[tuple[tuple[str, str], ...], str | None]:
    return {tuple(sorted(cells.items())): name for cells, name in zip(file, result.ids, strict=True)}


@settings(max_examples=60, deadline=None)
@given(sites(), sites(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(before: list[Cells], after: list[Cells], chance: random.Random) -> None:
    mixed = chance.sample(after, len(after))
    assert by_cells(given_ids([before, after]), after) == by_cells(given_ids([before, mixed]), mixed)
    assert given_ids([before, after]).register == given_ids([before, mixed]).register


@settings(max_examples=60, deadline=None)
@given(st.lists(sites(), min_size=1, max_size=4))
def test_ids_are_unique_and_none_is_ever_another_rows(files: list[list[Cells]]) -> None:
    seen: dict[str, set[str]] = {}
    for number in range(1, len(files) + 1):
        result = given_ids(files[:number])
        assert len(set(result.ids)) == len(result.ids)
        for cells, name in zip(files[number - 1], result.ids, strict=True):
            seen.setdefault(str(name), set()).add(fold(cells["nom"]))
    assert all(set(seen) >= {str(name) for name in given_ids(files[:n]).ids} for n in range(1, len(files) + 1))


@settings(max_examples=60, deadline=None)
@given(sites(), sites())
def test_the_same_file_again_gives_the_same_and_asks_no_more(before: list[Cells], after: list[Cells]) -> None:
    once, twice = given_ids([before, after]), given_ids([before, after, after])
    assert (twice.ids, twice.register) == (once.ids, once.register)
    assert twice.questions == ()


@settings(max_examples=60, deadline=None)
@given(sites(), st.data())
def test_a_row_that_was_away_has_its_id_again(file: list[Cells], data: st.DataObject) -> None:
    away = data.draw(st.integers(0, len(file) - 1))
    without = file[:away] + file[away + 1 :]
    assert given_ids([file, without, file]).ids == given_ids([file]).ids


@settings(max_examples=100, deadline=None)
@given(sites(), st.data())
def test_a_typo_in_a_name_keeps_the_id(file: list[Cells], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(file) - 1))
    nom = file[at]["nom"]
    place = data.draw(st.integers(0, len(nom) - 1))
    typo = nom[:place] + data.draw(st.sampled_from(string.ascii_lowercase)) + nom[place + 1 :]
    changed = [*file[:at], {**file[at], "nom": typo}, *file[at + 1 :]]
    if len({(fold(c["nom"]), c["code_postal"]) for c in changed}) < len(changed):
        return  # The typo made it another row of the file.
    assert given_ids([file, changed]).ids == given_ids([file]).ids


@pytest.mark.parametrize(
    ("now", "sure"),
    [
        (site("Médiathèque Victor-Hugo d'Angers", "49000", "12 rue Pasteur", telephone="+33241000001"), True),
        (site("Bibliothèque municipale", "49000", "12 rue Pasteur", telephone="+33241000001"), False),
        (site("Médiathèque Victor Hugo", "49100", "12 rue Pasteur", telephone="+33241000001"), True),
        (site("Maison des services", "49000", "12 rue Pasteur", latitude="47.47", longitude="-0.55"), False),
        (site("Médiathèque V. Hugo", "49000", "80 avenue de la Gare"), False),
    ],
)
def test_a_row_that_changed_is_the_same_and_where_that_is_doubtful_it_is_asked(now: Cells, sure: bool) -> None:
    before = {**HUGO, "latitude": "47.4701", "longitude": "-0.5501"}
    result = given_ids([[before, FIL], [now, FIL]])
    assert result.ids == given_ids([[before, FIL]]).ids
    asked = [problem for _, problem in result.questions]
    assert [problem.rule for problem in asked] == ([] if sure else [DOUBTFUL])
    if not sure:
        assert before["nom"] in asked[0].message.fr
        assert now["nom"] in asked[0].message.fr


@pytest.mark.parametrize(
    "now",
    [
        site("Médiathèque Victor Hugo", "29200", "4 rue de Siam", latitude="48.39", longitude="-4.48"),
        site("Cyberbase", "49000", "80 avenue de la Gare", telephone="+33241999999"),
        site("Le Phare", "29200"),
    ],
)
def test_another_thing_has_another_id_and_nobody_is_asked(now: Cells) -> None:
    before = {**HUGO, "latitude": "47.4701", "longitude": "-0.5501"}
    result = given_ids([[before], [now]])
    assert (result.ids != given_ids([[before]]).ids, result.questions) == (True, ())


def test_of_two_that_look_alike_one_keeps_the_id_and_that_is_asked() -> None:
    twins = [site("Espace numérique Nord", "49000"), site("Espace numérique Sud", "49000")]
    result = given_ids([[site("Espace numérique", "49000")], twins])
    assert len(set(result.ids)) == 2
    assert given_ids([[site("Espace numérique", "49000")]]).ids[0] in result.ids
    assert [problem.rule for _, problem in result.questions] == [DOUBTFUL]


def test_the_answer_no_gives_the_row_an_id_of_its_own_and_leaves_the_other_to_its_owner() -> None:
    moved = site("Médiathèque V. Hugo", "49000", "80 avenue de la Gare")
    (old,) = given_ids([[HUGO]]).ids
    assert given_ids([[HUGO], [moved]]).ids == (old,)
    answered = identified(FIELDS, [row(moved)], given_ids([[HUGO], [moved]]).register, key_field="id", apart=[str(old)])
    assert (answered.ids != (old,), answered.questions) == (True, ())
    back = identified(FIELDS, [row(HUGO), row(moved, 3)], answered.register, key_field="id", apart=[str(old)])
    assert back.ids == (old, answered.ids[0])


def test_a_name_that_another_row_had_once_does_not_bring_its_id() -> None:
    renamed = {**HUGO, "nom": "Médiathèque Louise Michel"}
    first = given_ids([[HUGO], [renamed]])
    new = site("Médiathèque Victor Hugo", "49000", "44 boulevard Foch")
    both = given_ids([[HUGO], [renamed], [renamed, new]])
    assert both.ids[0] == first.ids[0]
    assert both.ids[1] not in (None, *first.ids)


def test_rows_without_anything_to_tell_them_by_have_no_id() -> None:
    assert identified(FIELDS, [Row(2, None, None, {})], Register(), key_field="id").ids == (None,)


@pytest.mark.long
def test_twenty_thousand_rows_whose_names_all_changed_take_seconds() -> None:
    chance = random.Random(7)

    def one(number: int) -> Cells:
        nom = f"{chance.choice(KINDS)} {chance.choice(NAMES)} {chance.choice(STREETS)}"
        adresse = f"{chance.randint(1, 99)} {chance.choice(STREETS)}"
        return site(nom, f"{number % 95 + 1:02}{number % 50:03}", adresse, telephone=f"+33{number:09}")

    file = [one(number) for number in range(20_000)]
    changed = [{**cells, "nom": f"{cells['nom']} bis"} for cells in file]
    before = given_ids([file])
    started = time.monotonic()
    rows = [row(cells, line) for line, cells in enumerate(changed, 2)]
    after = identified(FIELDS, rows, before.register, key_field="id")
    assert time.monotonic() - started < 60
    same = sum(a == b for a, b in zip(before.ids, after.ids, strict=True))
    assert same > 19_900


def numbered(file: Sequence[Cells], start: int) -> list[Row]:
    return [Row(line, f"hub--{start + line}", None, cells) for line, cells in enumerate(file)]


def test_a_partner_who_numbers_its_rows_anew_is_told() -> None:
    file = [HUGO, FIL, PHARE]
    before = {str(one.given): one.cells for one in numbered(file, 0)}
    ((at, problem),) = renumbered(FIELDS, numbered(file, 100), before, key_field="id")
    assert (at, problem.severity) == (0, "warning")
    assert "3 rows changed their number" in problem.message.en
    assert "hub--0 became hub--100" in problem.message.en
    other = [site(f"Lieu {number}", "75001") for number in range(3)]
    assert renumbered(FIELDS, numbered(other, 100), before, key_field="id") == []
    assert renumbered(FIELDS, numbered(file, 0), before, key_field="id") == []


def back(texts: Sequence[str], file: Sequence[Cells]) -> tuple[tuple[str | None, ...], list[tuple[int, str, str]]]:
    known = {f"hub--{n}": Known((f"hub--{n}",), None, cells) for n, cells in enumerate([HUGO, FIL, PHARE])}
    rows = [(line, cells) for line, cells in enumerate(file, 2)]
    found = brought(FIELDS, texts, rows, known, None, key_field="id")
    return found.given, [(at, problem.rule, problem.severity) for at, problem in found.found]


def test_an_id_that_we_never_gave_is_told() -> None:
    assert back(["hub--0", "hub--9"], [HUGO, FIL]) == (("hub--0", None), [(1, "identity_unknown", "error")])


def test_of_an_id_that_was_copied_the_row_keeps_it_that_had_it() -> None:
    copy = {**HUGO, "nom": "Médiathèque Rosa Parks", "adresse": "1 quai Voltaire"}
    told = [(0, "identity_copied", "error")]
    assert back(["hub--0", "hub--0", "hub--1"], [copy, HUGO, FIL]) == ((None, "hub--0", "hub--1"), told)


def test_a_column_of_ids_that_slipped_while_sorting_is_put_right_and_told() -> None:
    edited = {**PHARE, "nom": "Le Phare de Brest"}
    given, told = back(["hub--0", "hub--1", "hub--2"], [FIL, HUGO, edited])
    assert given == ("hub--1", "hub--0", "hub--2")
    assert told == [(0, "identity_moved", "warning"), (1, "identity_moved", "warning")]
    given, told = back(["hub--0", "hub--1", "hub--2"], [edited, HUGO, FIL])
    assert given == (None, "hub--0", "hub--1")
    assert [rule for _, rule, _ in told] == ["identity_moved", "identity_moved", "identity_slipped"]


def test_a_row_that_is_new_brings_none() -> None:
    assert back(["", "hub--1"], [PHARE, FIL]) == ((None, "hub--1"), [])


def test_the_register_is_kept_as_it_is_and_written_only_when_it_changed(tmp_path: Path) -> None:
    store, register = FolderStore(tmp_path), given_ids([[HUGO, FIL], [FIL]]).register
    keep_register(store, "d", "p", register)
    assert load_register(store, "d", "p") == register
    assert {name: one.cells for name, one in register.ids.items()} == {"hub--le fil-49100": FIL} | {
        "hub--mediatheque victor hugo-49000": None
    }
    written = store.written
    keep_register(store, "d", "p", register)
    assert store.written == written
    store.write(register_key("d", "p"), b"no Parquet")
    with pytest.raises(RegisterError, match="cannot be read"):
        load_register(store, "d", "p")
