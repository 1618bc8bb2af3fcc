"""Merging: the same whatever the order, nothing lost, every row accounted for."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.merge import KeyMissingError, merge
from schemas.dataset import Dataset, Origin
from tests.publish.material import Cells, contribute, declare


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return declare(tmp_path_factory.mktemp("schemas"))


def site(identifier: str, **cells: str) -> Cells:
    return {"id": identifier, "nom": f"Lieu {identifier}", **cells}


def test_the_newest_row_stands_and_what_only_the_other_says_is_kept(dataset: Dataset) -> None:
    old = site("a--1", nom="Médiathèque d'Angers", code_postal="49000", date_maj="2024-01-01", places="12")
    new = site("b--9", nom="MEDIATHEQUE D ANGERS", code_postal="49000", date_maj="2026-01-01", source="b")
    merged = merge(dataset.main, [contribute(dataset, "a", [{**old, "source": "a"}]), contribute(dataset, "b", [new])])
    expected = {**dict.fromkeys(dataset.main.fields), **new, "places": "12", "source": "a|b"}
    assert merged.rows.to_dicts() == [expected]
    assert merged.merged == {"a": 1}
    assert merged.aliases == {"a--1": "b--9"}
    assert merged.provenance.select("table", "id", "partner", "line").rows() == [
        ("sites", "b--9", "a", 2),
        ("sites", "b--9", "b", 2),
    ]


def test_a_date_the_partner_gave_wins_over_one_we_filled_in(tmp_path: Path) -> None:
    dataset = declare(tmp_path)
    line = dataset.main.line.model_copy(
        update={"origin": Origin(field="consentement", of="date_maj", given="given", provided="filled")}
    )
    given = site("a--1", nom="X", code_postal="75001", date_maj="2024-01-01", consentement="given")
    filled = site("b--1", nom="X", code_postal="75001", date_maj="2026-11-21", consentement="filled")
    parts = [contribute(dataset, "a", [given]), contribute(dataset, "b", [filled])]
    rows = merge(replace(dataset.main, line=line), parts).rows
    assert rows.select("id", "date_maj", "consentement").rows() == [("a--1", "2024-01-01", "given")]


def test_of_two_rows_of_the_same_day_the_trusted_partner_s_stands(dataset: Dataset) -> None:
    rows = [site(f"{partner}--1", nom="Point info", code_postal="75001") for partner in ("asso", "ville")]
    parts = [contribute(dataset, partner, [row]) for partner, row in zip(("asso", "ville"), rows, strict=True)]
    assert merge(dataset.main, parts).rows["id"].to_list() == ["ville--1"]


def test_a_point_is_taken_whole(dataset: Dataset) -> None:
    half = site("a--1", nom="X", code_postal="75001", date_maj="2026-01-01", latitude="1.0")
    whole = site("b--1", nom="X", code_postal="75001", latitude="48.85", longitude="2.35")
    row = merge(dataset.main, [contribute(dataset, "a", [half]), contribute(dataset, "b", [whole])]).rows.row(0)
    assert row[dataset.main.fields.index("latitude") :][:2] == ("48.85", "2.35")


def test_an_empty_part_of_a_key_never_makes_two_rows_the_same(dataset: Dataset) -> None:
    rows = [site("a--1", nom="Accueil"), site("a--2", nom="Accueil"), site("a--3", nom="--", code_postal="75001")]
    rows += [site("a--4", nom="..", code_postal="75001")]
    merged = merge(dataset.main, [contribute(dataset, "a", rows)])
    assert merged.rows.height == 4
    assert merged.merged == {}


def test_equal_ids_of_two_partners_are_one_row(dataset: Dataset) -> None:
    parts = [contribute(dataset, name, [site("x--1", nom=name)]) for name in ("b", "a")]
    merged = merge(dataset.main, parts)
    assert merged.rows["nom"].to_list() == ["a"]
    assert merged.merged == {"b": 1}
    assert merged.aliases == {}


def test_a_row_without_a_key_is_refused_with_its_partner_and_line(dataset: Dataset) -> None:
    with pytest.raises(KeyMissingError, match="line 2 of a"):
        merge(dataset.main, [contribute(dataset, "a", [{"nom": "Sans id"}])])


def test_nothing_contributed_gives_an_empty_table_with_its_columns(dataset: Dataset) -> None:
    merged = merge(dataset.main, [])
    assert merged.rows.columns == list(dataset.main.fields)
    assert merged.rows.height == merged.provenance.height == 0


_names = st.sampled_from(["Café", "cafe", "CAFÉ ", "Bar", None])
_cells = st.fixed_dictionaries(
    {
        "id": st.integers(0, 6).map(str),
        "nom": _names,
        "code_postal": st.sampled_from(["75001", "75002", None]),
        "date_maj": st.sampled_from(["2024-01-01", "2025-01-01", None]),
        "places": st.sampled_from(["1", "2", None]),
        "source": st.sampled_from(["p", "q", None]),
    }
)
_parts = st.dictionaries(st.sampled_from(["ville", "asso", "etat"]), st.lists(_cells, max_size=6), max_size=3)


@settings(max_examples=60, deadline=None)
@given(parts=_parts, seed=st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_any_order_and_accounts_for_every_row(
    dataset: Dataset, parts: dict[str, list[Cells]], seed: object
) -> None:
    contributions = [contribute(dataset, partner, rows) for partner, rows in parts.items()]
    merged = merge(dataset.main, contributions)
    shuffled = [replace(c, rows=c.rows.sample(fraction=1, shuffle=True, seed=7)) for c in reversed(contributions)]
    again = merge(dataset.main, shuffled)
    assert again.rows.equals(merged.rows)
    assert again.provenance.equals(merged.provenance)
    assert (again.merged, again.aliases) == (merged.merged, merged.aliases)

    rows_in = sum(len(rows) for rows in parts.values())
    assert rows_in == merged.rows.height + sum(merged.merged.values()) == merged.provenance.height
    assert merged.rows["id"].n_unique() == merged.rows.height
    said = pl.concat([c.rows for c in contributions]) if contributions else merged.rows
    for name in ("places", "source"):
        assert bool(said[name].drop_nulls().len()) == bool(merged.rows[name].drop_nulls().len())
