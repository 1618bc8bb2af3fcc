"""Files whose shape is not ours: several rows in a record, columns by number, codes that a table knows."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.judgement import Problem
from sources.clean import CLEANERS
from sources.declaration import Source
from sources.fields import FieldMapping
from sources.formats.reading import Reading, Record
from sources.mapping import ChangeCount, Mapped, MappingError, columns_read, map_rows
from sources.several import Several, spread
from tests.sources.material import Declare, table

Cells = dict[str, object]
SITES = {"nom_site": "site{n}_nom", "rue": "site{n}_rue"}


def reading(*rows: Cells) -> Reading:
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Reading(columns, [Record(line, row) for line, row in enumerate(rows, start=2)])


def mapped(source: Source, *rows: Cells, fields: tuple[str, ...] = ("f",), key: str | None = None) -> Mapped:
    return map_rows(source, table(*fields, key=key), reading(*rows), snapshot_date="2026-11-01")


def made(declare: Declare, how: Any, *rows: Cells) -> list[str | None]:
    return mapped(declare(map={"f": how}), *rows).rows["f"].to_list()


def test_one_record_with_several_sites_is_a_row_for_each_on_the_partner_s_own_line(declare: Declare) -> None:
    source = declare(
        several={"columns": SITES},
        map={"nom": "nom_site", "adresse": "rue", "porteur": "Porteur"},
        id={"columns": ["N°", "{n}"]},
    )
    rows: list[Cells] = [
        {"N°": 7, "Porteur": "ADS", "site1_nom": "A", "site1_rue": "rue A", "site2_nom": "B", "site2_rue": None},
        {"N°": 8, "Porteur": "FOL", "site1_nom": "", "site1_rue": "", "site2_nom": "", "site2_rue": "rue C"},
        {"N°": 9, "Porteur": "CIDFF", "site1_nom": "", "site1_rue": "", "site2_nom": "", "site2_rue": ""},
    ]
    result = mapped(source, *rows, fields=("id", "nom", "adresse", "porteur"), key="id")
    assert result.rows.rows() == [
        ("angers--7-1", "A", "rue A", "ADS", 2),
        ("angers--7-2", "B", None, "ADS", 2),
        ("angers--8-2", None, "rue C", "FOL", 3),
        ("angers--9-1", None, None, "CIDFF", 4),
    ]
    assert (result.rows_in, result.unmapped) == (4, ())
    assert source.line.read_from == {"nom": ("site{n}_nom",), "adresse": ("site{n}_rue",), "porteur": ("Porteur",)}


def test_sites_nested_in_a_record_are_rows_too(declare: Declare) -> None:
    source = declare(several={"columns": {"site": "lieux.{n}.nom"}}, map={"f": "site"})
    row: Cells = {"lieux.0.nom": "A", "lieux.1.nom": "B", "lieux.10.nom": "C", "lieux.1.tel": "0241"}
    result = mapped(source, row)
    assert result.rows.rows() == [("A", 2), ("B", 2), ("C", 2)]
    assert result.unmapped == ("lieux.1.tel",)


def test_a_file_without_the_numbered_columns_is_told_of_by_their_own_names(declare: Declare) -> None:
    source = declare(several={"columns": {"site": "site{n}_nom"}}, map={"f": "site"})
    with pytest.raises(MappingError) as caught:
        mapped(source, {"site_nom": "A"})
    assert "'site{n}_nom'" in caught.value.what


@given(
    st.lists(
        st.fixed_dictionaries({f"s{n}": st.sampled_from(["", "a", "b"]) for n in (1, 2, 3)} | {"x": st.just("x")}),
        max_size=5,
    )
)
def test_spreading_loses_no_cell_and_no_record(rows: list[dict[str, object]]) -> None:
    before = reading(*rows)
    after = spread(before, Several(columns={"s": "s{n}"}))
    assert {record.line for record in after.records} == {record.line for record in before.records}
    filled = sorted(str(row[f"s{n}"]) for row in rows for n in (1, 2, 3) if row[f"s{n}"])
    assert sorted(str(record.cells["s"]) for record in after.records if record.cells.get("s")) == filled
    assert all(record.cells["x"] == "x" for record in after.records)


def test_several_columns_make_one_field_of_several_values_each_once(declare: Declare) -> None:
    row: Cells = {"Tag 1": "Wifi", "Tag 2": "", "Tag 10": "Scanner", "Autre": "Wifi", "Étage": "2"}
    assert made(declare, {"each": ["Tag *", "Autre"]}, row) == ["Wifi|Scanner"]
    terms = {"Wifi": "Accès internet", "Scanner": ""}
    assert made(declare, {"each": ["Tag *"], "terms": terms}, row) == ["Accès internet"]
    assert mapped(declare(map={"f": {"each": ["Tag *"]}}), row).unmapped == ("Autre", "Étage")


def test_which_columns_of_a_file_a_field_is_made_from(declare: Declare) -> None:
    by = {"code": ["Type *"]}
    source = declare(
        several={"columns": SITES},
        map={
            "nom": "nom_site",
            "f": {"each": ["Tag *"]},
            "t": {"lookup": {**LOOKUP, "by": by}},
            "v": {"constant": "x"},
        },
    )
    columns = ("Tag 1", "site2_nom", "Tag 2", "site1_nom", "site1_rue", "Type a")
    assert columns_read(source.line, columns) == {
        "nom": ("site1_nom", "site2_nom"),
        "f": ("Tag 1", "Tag 2"),
        "t": ("Type a",),
    }


def test_a_pattern_of_columns_that_none_fits_is_a_missing_column(declare: Declare) -> None:
    with pytest.raises(MappingError, match=r"Tag \*"):
        made(declare, {"each": ["Tag *"]}, {"Étiquette 1": "Wifi"})


def table_file(source: Source, text: str, name: str = "codes.csv") -> None:
    (source.folder / name).write_text(text, "utf-8")


LOOKUP = {"table": "codes.csv", "by": {"code": "Type"}, "value": "libelle"}


def test_a_code_is_found_in_its_table_and_the_report_counts_it(declare: Declare) -> None:
    source = declare(map={"f": {"lookup": LOOKUP}})
    table_file(source, "code,libelle\nBIB,Bibliothèque\nPIM,Point info\n")
    result = mapped(source, {"Type": "bib"}, {"Type": "PIM"}, {"Type": ""})
    assert result.rows["f"].to_list() == ["Bibliothèque", "Point info", None]
    assert result.changes == {"lookup": ChangeCount(2, (("bib", "Bibliothèque"), ("PIM", "Point info")))}
    assert result.questions == ()


def test_a_code_that_no_table_has_is_asked_of_the_partner_and_never_invented(declare: Declare) -> None:
    source = declare(map={"f": {"lookup": LOOKUP, "split": ";"}})
    table_file(source, "code,libelle\nBIB,Bibliothèque\n")
    result = mapped(source, {"Type": "BIB;XYZ"}, {"Type": "xyz"})
    assert result.rows["f"].to_list() == ["Bibliothèque", None]
    asked = [(row, p.line, p.field, p.rule, p.severity, p.cell) for row, p in result.questions]
    assert asked == [(0, 2, "f", "lookup", "warning", "XYZ"), (1, 3, "f", "lookup", "warning", "xyz")]
    problem: Problem = result.questions[0][1]
    assert "XYZ" in problem.message.fr
    assert problem.remedy is not None


def test_a_table_may_have_a_key_of_several_columns(declare: Declare) -> None:
    by = {"pays": "Pays", "code": "Type"}
    source = declare(map={"f": {"lookup": {"table": "../../codes.csv", "by": by, "value": "libelle"}}})
    table_file(source, "pays,code,libelle\nFR,1,Mairie\nBE,1,Commune\n", "../../codes.csv")
    rows: list[Cells] = [{"Pays": "BE", "Type": 1.0}, {"Pays": "FR", "Type": "1"}, {"Pays": "", "Type": "1"}]
    rows.append({"Pays": "LU", "Type": "1"})
    result = mapped(source, *rows)
    assert result.rows["f"].to_list() == ["Commune", "Mairie", None, None]
    assert [problem.cell for _, problem in result.questions] == ["LU + 1"]


def test_the_keys_of_a_table_may_stand_in_several_columns(declare: Declare) -> None:
    source = declare(map={"f": {"lookup": {**LOOKUP, "by": {"code": ["Tag *"]}}}})
    table_file(source, "code,libelle\nBIB,Bibliothèque\nMED,Bibliothèque\nFAB,Fablab\n")
    result = mapped(source, {"Tag 1": "BIB", "Tag 2": "", "Tag 3": "fab", "Tag 4": "MED", "Tag 5": "XYZ"})
    assert result.rows["f"].to_list() == ["Bibliothèque|Fablab"]
    assert [problem.cell for _, problem in result.questions] == ["XYZ"]
    assert result.unmapped == ()


def test_another_table_is_another_source(declare: Declare) -> None:
    source = declare(map={"f": {"lookup": LOOKUP}})
    table_file(source, "code,libelle\nBIB,Bibliothèque\n")
    before = declare(map={"f": {"lookup": LOOKUP}}).fingerprint
    table_file(source, "code,libelle\nBIB,Médiathèque\n")
    assert before != declare(map={"f": {"lookup": LOOKUP}}).fingerprint


def test_conditions_ask_for_values_a_pattern_or_whether_anything_stands_there(declare: Declare) -> None:
    choices = [
        {"when": {"column": "A", "pattern": "(?i)atelier"}, "value": "Atelier"},
        {"when": {"column": "B", "filled": True}, "value": "B"},
        {"when": {"column": "B", "filled": False}, "value": "sans B"},
    ]
    rows: list[Cells] = [{"A": "Ateliers (tableur)", "B": "x"}, {"A": "rien", "B": "-"}]
    assert made(declare, {"choices": choices}, *rows) == ["Atelier|B", "sans B"]


def test_a_field_may_be_made_only_where_a_condition_holds(declare: Declare) -> None:
    how = {"column": "Tél", "when": {"column": "Public", "values": ["oui"]}, "default": "non publié"}
    rows: list[Cells] = [{"Tél": "0241", "Public": "Oui"}, {"Tél": "0242", "Public": "non"}]
    assert made(declare, how, *rows) == ["0241", "non publié"]
    source = declare(map={"f": how})
    assert source.line.read_from == columns_read(source.line, ("Tél", "Public")) == {"f": ("Tél",)}
    assert mapped(source, *rows).unmapped == ()


def test_hours_in_cells_by_pairs_become_a_week(declare: Declare) -> None:
    days = {"Mo": ["o1", "f1", "o2", "f2"], "Tu": "mardi"}
    full: Cells = {"o1": "08:30", "f1": "12:00", "o2": "13:00", "f2": "16:30", "mardi": ""}
    one: Cells = {"o1": "09:00", "f1": "17:00", "o2": "", "f2": "", "mardi": "fermé"}
    torn: Cells = {"o1": "09:00", "f1": "", "o2": "", "f2": "", "mardi": ""}
    expected = ["Mo 08:30-12:00,13:00-16:30", "Mo 09:00-17:00", "Mo 09:00-"]
    assert made(declare, {"days": days}, full, one, torn) == expected


def test_dates_are_read_as_declared_and_those_that_fail_stay_to_be_seen(declare: Declare) -> None:
    how = {"column": "Maj", "dates": ["%d/%m/%y", "%Y%m%d"]}
    source = declare(map={"f": how})
    result = mapped(source, {"Maj": "15/01/24"}, {"Maj": "20240115"}, {"Maj": "31/02/24"}, {"Maj": "hier"}, {"Maj": ""})
    assert result.rows["f"].to_list() == ["2024-01-15", "2024-01-15", "31/02/24", "hier", None]
    assert result.changes == {"dates": ChangeCount(2, (("15/01/24", "2024-01-15"), ("20240115", "2024-01-15")))}


@pytest.mark.parametrize(
    "how",
    [
        {"column": "A", "dates": ["%d/%m"]},
        {"column": "A", "dates": ["%Y"]},
        {"column": "A", "dates": ["jj/mm/aaaa"]},
        {"days": {"Mo": ["o1", "f1", "o2"]}},
        {"column": "A", "when": {"column": "B"}},
        {"column": "A", "when": {"column": "B", "values": ["x"], "filled": True}},
        {"lookup": {**LOOKUP, "by": {"a": "A", "b": "B"}}, "split": ";"},
        {"lookup": {**LOOKUP, "by": {"a": ["A 1", "A 2"], "b": "B"}}},
        {"choices": [{"when": {"column": "A", "pattern": "("}, "value": "x"}]},
    ],
)
def test_a_mapping_that_could_only_guess_is_refused(how: Any) -> None:
    with pytest.raises(ValidationError):
        FieldMapping.model_validate(how)


def test_the_documentation_names_every_way_and_every_cleaner() -> None:
    told = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text("utf-8")
    keys = set(FieldMapping.model_fields) - {"column", "axis"}
    assert [name for name in sorted(keys) if not re.search(rf"\b{name}\b", told)] == []
    assert [name for name in CLEANERS if f"`{name}`" not in told] == []
