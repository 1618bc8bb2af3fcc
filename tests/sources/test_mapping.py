"""How a partner's columns become our fields, and the account that is given of it."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.errors import CallError
from schemas.dataset import Origin, Table
from sources.declaration import Source, SourceLine
from sources.formats.reading import Reading, Record
from sources.hook import HookError
from sources.mapping import ChangeCount, Mapped, MappingError, map_rows
from sources.terms import Terms, fold
from tests.sources.material import Declare, table

Cells = dict[str, object]


def reading(*rows: Cells, blank: int = 0) -> Reading:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Reading(columns, [Record(line, row) for line, row in enumerate(rows, start=2)], blank)


def mapped(source: Source, into: Table, *rows: Cells) -> Mapped:
    return map_rows(source, into, reading(*rows), snapshot_date="2026-11-01")


def made(declare: Declare, how: Any, *rows: Cells, **keys: Any) -> list[str | None]:
    """What one field becomes when mapped `how`, row by row."""
    into = keys.pop("into", table("f", key=None))
    return mapped(declare(map={"f": how}, **keys), into, *rows).rows.get_column("f").to_list()


def test_every_row_comes_out_with_every_field_and_its_line(declare: Declare) -> None:
    source = declare(map={"nom": "Nom", "cp": {"column": "CP", "clean": ["postcode"]}}, ignore=["Interne*", "meta"])
    rows: list[Cells] = [
        {"Nom": " Fablab ", "CP": 1000.0, "Note": "x", "Interne 1": "", "meta.id": 1},
        {"Nom": "-", "CP": "49000"},
    ]
    result = map_rows(source, table("nom", "note", "cp", key=None), reading(*rows, blank=3), snapshot_date="2026-11-01")
    assert result.rows.schema == {"nom": pl.String, "note": pl.String, "cp": pl.String, "_line": pl.Int64}
    assert result.rows.rows() == [("Fablab", None, "01000", 2), (None, None, "49000", 3)]
    assert (result.rows_in, result.blank, result.unmapped) == (2, 3, ("Note",))
    assert result.changes == {"postcode": ChangeCount(1, (("1000", "01000"),))}


def test_a_file_without_rows_gives_a_table_without_rows(declare: Declare) -> None:
    result = mapped(declare(), table("nom", key=None))
    assert (result.rows.shape, result.rows_in) == ((0, 2), 0)


def test_a_dotted_path_reaches_into_nested_records(declare: Declare) -> None:
    assert made(declare, "lieu.ville", {"lieu.ville": "Angers"}) == ["Angers"]


def test_join_first_and_constant(declare: Declare) -> None:
    row: Cells = {"N°": 20, "Rue": "rue X", "BP": ""}
    assert made(declare, {"join": ["N°", "BP", "Rue"]}, row) == ["20 rue X"]
    assert made(declare, {"join": ["N°", "Rue"], "separator": ", "}, row) == ["20, rue X"]
    assert made(declare, {"first": ["BP", "Rue", "N°"]}, row) == ["rue X"]
    assert made(declare, {"constant": "Fixe"}, row) == ["Fixe"]
    assert made(declare, {"column": "BP", "default": "néant"}, row) == ["néant"]


def test_choices_that_hold_are_all_taken(declare: Declare) -> None:
    choices = [
        {"when": {"column": "Wifi", "values": ["oui"]}, "value": "Accès internet"},
        {"when": {"column": "Prêt", "values": ["Oui", "parfois"]}, "value": "Prêt"},
        {"when": {"column": "Prêt", "values": [""]}, "value": "Inconnu"},
    ]
    rows: list[Cells] = [{"Wifi": "OUI", "Prêt": "Parfois"}, {"Wifi": "non", "Prêt": ""}, {"Wifi": "", "Prêt": "non"}]
    assert made(declare, {"choices": choices}, *rows) == ["Accès internet|Prêt", "Inconnu", None]


def test_days_become_opening_hours_and_are_shown_whole_where_one_is_not_understood(declare: Declare) -> None:
    days = {"days": {"Mo": "lun", "Tu": "mar", "We": "mer"}}
    rows: list[Cells] = [
        {"lun": "9h-12h", "mar": "09:00 - 12:00 / 14:00 - 17:00", "mer": "fermé"},
        {"lun": "9h-12h", "mar": "sur rdv", "mer": ""},
        {"lun": "", "mar": "", "mer": ""},
    ]
    assert made(declare, days, *rows) == [
        "Mo 09:00-12:00; Tu 09:00-12:00,14:00-17:00",
        "Mo 9h-12h; Tu sur rdv",
        None,
    ]


@pytest.mark.parametrize(
    ("how", "row", "point"),
    [
        ({"point": ["lat", "lon"]}, {"lat": "47,5", "lon": "-0,5"}, ("47.5", "-0.5")),
        ({"point": ["lat", "lon"]}, {"lat": 5.392946, "lon": 43.333887}, ("43.333887", "5.392946")),
        ({"point": ["lat", "lon"]}, {"lat": 0, "lon": 0.0}, (None, None)),
        ({"point": ["lat", "lon"]}, {"lat": "nord", "lon": "est"}, ("nord", "est")),
        ({"point": ["geo"]}, {"geo": "42.35473, 9.04258"}, ("42.35473", "9.04258")),
        ({"point": ["geo"]}, {"geo": "Angers"}, ("Angers", "Angers")),
        ({"point": ["x", "y"], "projection": "lambert93"}, {"x": 700000, "y": "6600000,0"}, ("46.5", "3")),
        ({"point": ["x", "y"], "projection": "lambert93"}, {"x": "2.3", "y": "48.8"}, ("48.8", "2.3")),
    ],
)
def test_a_point_gives_both_its_axes(
    declare: Declare, how: Cells, row: Cells, point: tuple[str | None, str | None]
) -> None:
    source = declare(map={"lat": {**how, "axis": "latitude"}, "lon": {**how, "axis": "longitude"}})
    assert mapped(source, table("lat", "lon", key=None), row).rows.select("lat", "lon").row(0) == point


def test_points_that_were_swapped_or_blanked_are_counted_and_lost_decimals_are_not(declare: Declare) -> None:
    source = declare(map={"lat": {"point": ["lat", "lon"], "axis": "latitude"}})
    rows: list[Cells] = [
        {"lat": "47,4728093512", "lon": "-0.5"},
        {"lat": "5.39", "lon": "43.33"},
        {"lat": "0", "lon": "0"},
        {"lat": "nord", "lon": ""},
        {"lat": "", "lon": ""},
    ]
    changes = mapped(source, table("lat", key=None), *rows).changes
    assert changes == {"point": ChangeCount(2, (("5.39, 43.33", "43.33"), ("0, 0", "")))}


def test_split_pattern_clean_and_terms_apply_to_each_value(declare: Declare) -> None:
    how = {
        "column": "Services",
        "split": ";",
        "pattern": r"^\d+ (.+)$",
        "clean": ["text"],
        "terms": {"Accès-Libre": "Autonomie", "deux choses": "Une|Deux", "rien": ""},
    }
    rows: list[Cells] = [
        {"Services": "1 acces libre; 2 Deux  choses ;3 RIEN; 4 Inconnu;; sans numéro"},
        {"Services": ["1 Accès-Libre", "2 accès libre"]},
    ]
    assert made(declare, how, *rows) == ["Autonomie|Une|Deux|Inconnu", "Autonomie"]


def test_the_fields_own_list_and_its_synonyms_are_known_without_being_written(declare: Declare) -> None:
    into = table(
        "f", key=None, lists={"frais": ("Gratuit", "Payant")}, terms={"f": {"list": "frais", "separator": ","}}
    )
    into.synonyms["frais"]["sans frais"] = "Gratuit"
    how = {"column": "A", "split": "/", "terms": {"€": "payant"}}
    assert made(declare, how, {"A": "GRATUIT / €"}, {"A": "Sans frais"}, {"A": "cher"}, into=into) == [
        "Gratuit,Payant",
        "Gratuit",
        "cher",
    ]


def test_terms_count_as_changes(declare: Declare) -> None:
    source = declare(map={"f": {"column": "A", "terms": {"oui": "Gratuit"}}})
    result = mapped(source, table("f", key=None), {"A": "Oui"}, {"A": "non"}, {"A": "OUI"})
    assert result.changes == {"terms": ChangeCount(2, (("Oui", "Gratuit"), ("OUI", "Gratuit")))}


def test_at_most_three_examples_are_kept_and_all_changes_counted(declare: Declare) -> None:
    source = declare(map={"f": {"column": "A", "clean": ["siren"]}})
    rows: list[Cells] = [{"A": f"828 213 37{digit}"} for digit in range(5)]
    change = mapped(source, table("f", key=None), *rows).changes["siren"]
    assert (change.count, len(change.examples)) == (5, 3)


def test_a_header_in_one_piece_asks_for_the_delimiter(declare: Declare) -> None:
    whole = Reading(("Nom;CP",), [Record(2, {"Nom;CP": "A;49000"})], delimiter=",")
    with pytest.raises(MappingError) as caught:
        map_rows(declare(map={"nom": "Nom"}), table("nom", key=None), whole, snapshot_date="2026-11-01")
    said = "It has only 'Nom;CP': if its cells are parted by another sign than ',', declare that (format: delimiter)."
    assert caught.value.remedy == said


def test_missing_columns_are_named_with_the_nearest_present(declare: Declare) -> None:
    source = declare(map={"a": "Code Postal", "b": "Nom", "c": "Zzz"})
    with pytest.raises(MappingError) as caught:
        mapped(source, table("a", "b", "c", key=None), {"code_postal": "49000", "Nom": "A"})
    assert caught.value.what == (
        "The file has not got the columns 'Code Postal' (the nearest is 'code_postal'), 'Zzz'."
    )
    assert caught.value.exit_code == 1


def test_phones_and_postcodes_are_read_in_the_country_of_their_row(declare: Declare) -> None:
    source = declare(
        map={
            "tel": {"column": "Tel", "clean": ["phone"]},
            "cp": {"column": "CP", "clean": ["postcode"]},
            "pays": {"column": "Pays", "clean": ["country2"]},
        }
    )
    rows: list[Cells] = [
        {"Tel": "02 512 34 56", "CP": "1000", "Pays": "België"},
        {"Tel": "02 41 43 28 13", "CP": "1000", "Pays": ""},
        {"Tel": "44 57 28", "CP": "98800", "Pays": "France"},
        {"Tel": "02 41 43 28 13", "CP": "1000", "Pays": "Narnia"},
    ]
    assert mapped(source, table("tel", "cp", "pays", key=None), *rows).rows.select("tel", "cp", "pays").rows() == [
        ("+3225123456", "1000", "BE"),
        ("+33241432813", "01000", None),
        ("+687445728", "98800", "FR"),
        ("02 41 43 28 13", "1000", "Narnia"),
    ]


def test_an_id_is_the_partners_own_number_under_the_partners_name(declare: Declare) -> None:
    source = declare(partner="ville_d_angers", map={"nom": "Nom"}, id={"columns": ["Type", "N°"]})
    rows: list[Cells] = [
        {"Nom": "A", "Type": "Établissement", "N°": 43},
        {"Nom": "B", "Type": "", "N°": "7/B"},
        {"Nom": "C", "Type": "", "N°": ""},
        {"Nom": "D", "Type": "София", "N°": ""},
        {"Nom": "E", "Type": "Варна", "N°": "1"},
    ]
    ids = mapped(source, table("id", "nom"), *rows).rows.get_column("id").to_list()
    assert ids[:3] == ["ville-d-angers--etablissement-43", "ville-d-angers--7-b", None]
    assert ids[3:] == ["ville-d-angers--cvlu2wbvoc6x", "ville-d-angers--sbboql3ktmky-1"]


def test_an_id_made_of_fields_outlives_changes_of_case_accents_and_spaces(declare: Declare) -> None:
    source = declare(map={"nom": "Nom", "cp": "CP"}, id={"fields": ["nom", "cp"]})
    rows: list[Cells] = [
        {"Nom": "Médiathèque Toussaint", "CP": "49000"},
        {"Nom": "MEDIATHEQUE  TOUSSAINT", "CP": "49000"},
        {"Nom": "Médiathèque Toussaint", "CP": "49100"},
        {"Nom": "", "CP": ""},
    ]
    ids = mapped(source, table("id", "nom", "cp"), *rows).rows.get_column("id").to_list()
    assert ids[0] == ids[1] == "angers--atz5izme2owi"
    assert len({*ids}) == 3
    assert ids[3] is None


def test_what_the_declaration_provides_fills_what_the_row_leaves_out(declare: Declare) -> None:
    into = table(
        "nom", "source", "titre", "credit", "licence", "maj", "origine",
        key=None,
        provided={
            "source": "partner", "titre": "partner_title", "credit": "attribution", "licence": "licence",
            "maj": "snapshot_date",
        },
        origin=Origin(field="origine", of="maj", given="déclarée", provided="instantané"),
    )  # fmt: skip
    source = declare(map={"nom": "Nom", "maj": "Date"})
    rows = mapped(source, into, {"Nom": "A", "Date": "2024-05-01"}, {"Nom": "B", "Date": ""}).rows.drop("_line").rows()
    provided = ("angers", "Lieux d'Angers", "Ville d'Angers", "etalab-2.0")
    assert rows == [("A", *provided, "2024-05-01", "déclarée"), ("B", *provided, "2026-11-01", "instantané")]


def hook(source: Source, text: str) -> None:
    (source.folder / "hook.py").write_text(text)


def test_a_hook_has_the_last_word_on_a_row_before_its_id_is_made(declare: Declare) -> None:
    source = declare(map={"nom": "Nom"}, id={"fields": ["nom"]})
    plain = mapped(source, table("id", "nom"), {"Nom": "B"}).rows.row(0)
    hook(source, "def row(cells):\n    return {**cells, 'nom': 'B'}\n")
    assert mapped(source, table("id", "nom"), {"Nom": "A"}).rows.row(0) == plain


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("def row(cells):\n    return cells['absent']\n", HookError, r"hook.py, on line 2 .*KeyError: 'absent'"),
        ("def row(cells):\n    return None\n", HookError, "gave no dict of texts on line 2"),
        ("def row(cells):\n    return {'nome': 'x'}\n", HookError, "fields that the table has not got: nome"),
        ("import absent_module\n", CallError, "cannot be used: ModuleNotFoundError"),
        ("", CallError, "cannot be used: AttributeError"),
    ],
)
def test_a_hook_that_fails_says_where(declare: Declare, text: str, kind: type[Exception], said: str) -> None:
    source = declare()
    hook(source, text)
    with pytest.raises(kind, match=said):
        mapped(source, table("nom", key=None), {"Nom": "A"})


@given(st.text(), st.text())
def test_folding_twice_is_folding_once_and_ignores_case(left: str, right: str) -> None:
    assert fold(fold(left)) == fold(left)
    if left.isascii() and left.lower() == right.lower():
        assert fold(left) == fold(right)


def test_an_exact_term_wins_over_a_folded_one() -> None:
    terms = Terms({"A": "capital", "a": "small", "Été": "x"})
    assert [terms.find(text) for text in ("A", "a", "à", "ete", "b")] == ["capital", "small", "capital", "x", None]


@given(
    st.lists(st.fixed_dictionaries({"A": st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans())}))
)
def test_no_row_is_ever_lost(tmp_path_factory: pytest.TempPathFactory, rows: list[Cells]) -> None:
    folder: Path = tmp_path_factory.mktemp("s") / "d" / "p"
    folder.mkdir(parents=True)
    line = SourceLine.model_validate(
        {
            "title": {"fr": "a", "en": "a"},
            "organisation": "org",
            "contact": {"role": "x"},
            "licence": "etalab-2.0",
            "attribution": "org",
            "where": {"file": "x.csv"},
            "format": {"kind": "json"},
            "map": {"f": {"column": "A", "clean": ["text", "phone"]}},
        }
    )
    source = Source("d", "p", folder, line, "")
    result = mapped(source, table("f", key=None), *rows)
    assert result.rows_in == result.rows.height == len(rows)
    assert result.rows.get_column("_line").to_list() == list(range(2, len(rows) + 2))
