"""What is said of a source that its dataset has no place for, and of a sample that breaks its promise."""

from pathlib import Path
from typing import Any

import pytest

from glane.declaration import DeclarationError
from glane.errors import CallError
from schemas.dataset import Dataset, load_dataset
from sources.check import check_against, load_checked, table_of
from sources.declaration import BrokenSource, Expected, Source, load_source
from sources.testing import SampleResult, run_sample, write_expected
from tests.sources.material import Declare

DATASET = """\
title: {fr: Lieux, en: Sites}
description: {fr: Des lieux, en: Sites}
language: fr
frequency: daily
steward: {name: Intendance, email: commons@glane.example}
licence: {publish: etalab-2.0, accept: [etalab-2.0]}
governance:
  contribution: {fr: Libre, en: Free}
  reuse: {fr: Libre, en: Free}
  objection: {fr: Par courriel, en: By e-mail}
tables:
  - name: places
    title: {fr: Lieux, en: Sites}
    description: {fr: Des lieux, en: Sites}
    provided: {partenaire: partner}
    terms: {frais: {list: frais, separator: "|"}}
  - name: visits
    title: {fr: Visites, en: Visits}
    description: {fr: Des visites, en: Visits}
  - name: national
    title: {fr: Lieux, en: Sites}
    description: {fr: Des lieux, en: Sites}
    derived_from: places
"""
PLACES = """\
{"fields": [
  {"name": "id", "type": "string", "constraints": {"required": true}},
  {"name": "nom", "type": "string", "constraints": {"required": true}},
  {"name": "code_postal", "type": "string"},
  {"name": "frais", "type": "string"},
  {"name": "partenaire", "type": "string"}
], "primaryKey": "id"}
"""
FRAIS = "term,synonyms,fr,en\nGratuit,libre|offert,Gratuit,Free\nPayant,,Payant,Paid\n"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    folder = tmp_path / "schemas" / "sites"
    (folder / "terms").mkdir(parents=True)
    (folder / "dataset.yaml").write_text(DATASET)
    (folder / "places.schema.json").write_text(PLACES)
    (folder / "national.schema.json").write_text(PLACES)
    (folder / "visits.schema.json").write_text('{"fields": [{"name": "jour", "type": "date"}]}')
    (folder / "terms" / "frais.csv").write_text(FRAIS)
    return load_dataset(folder)


MAP: dict[str, Any] = {"nom": "Nom", "code_postal": {"column": "CP", "clean": ["postcode"]}, "frais": "Tarif"}
ID = {"columns": ["N"]}
NON = {"when": {"column": "A", "values": ["x"]}, "value": "Non"}


def faults(source: Source, dataset: Dataset) -> list[tuple[int, str, str]]:
    with pytest.raises(DeclarationError) as caught:
        check_against(source, dataset)
    assert caught.value.path == source.folder / "source.yaml"
    return [(fault.line, fault.key, f"{fault.what} {fault.remedy}") for fault in caught.value.faults]


def line_of(source: Source, text: str) -> int:
    lines = (source.folder / "source.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_a_source_that_fits_passes(declare: Declare, dataset: Dataset) -> None:
    check_against(declare(map=MAP, id=ID), dataset)


def test_every_fault_names_its_line_its_key_and_the_nearest_name(declare: Declare, dataset: Dataset) -> None:
    tarif = {
        "column": "Tarif",
        "terms": {"oui": "Gratuit", "non": "Paiant", "les deux": "offert|Payant", "rien": ""},
        "default": "Inconu",
    }
    source = declare(
        map={"nom": {"column": "Nom", "clean": ["text", "phonne"]}, "code_postale": "CP", "frais": tarif},
        id={"fields": ["nom", "rue"]},
    )
    assert faults(source, dataset) == [
        (line_of(source, "phonne"), "map.nom.clean.1", "There is no cleaner 'phonne'. Did you mean 'phone'?"),
        (
            line_of(source, "code_postale"),
            "map.code_postale",
            "The table places has no field 'code_postale'. Did you mean 'code_postal'?",
        ),
        (
            line_of(source, "non:"),
            "map.frais.terms.non",
            "'Paiant' is not on the list frais. Did you mean 'Payant'?",
        ),
        (
            line_of(source, "Inconu"),
            "map.frais.default",
            "'Inconu' is not on the list frais. Known: Gratuit, Payant.",
        ),
        (
            line_of(source, "- rue"),
            "id.fields.1",
            "The id is made of 'rue', which is not mapped. Known: nom, code_postale, frais.",
        ),
    ]


@pytest.mark.parametrize(
    ("keys", "key", "said"),
    [
        ({"map": MAP}, "map", "Nothing gives the key of the table places: id."),
        ({"map": {**MAP, "id": "N"}, "id": ID}, "map.id", "The field 'id' comes from 'id' already."),
        ({"map": {"jour": "J"}, "id": ID, "table": "visits"}, "id", "The key of the table visits is not one field."),
        ({"map": MAP, "id": ID, "table": "place"}, "table", "no table 'place' that partners feed. Did you mean 'place"),
        ({"map": MAP, "id": ID, "table": "national"}, "table", "no table 'national' that partners feed."),
        (
            {"map": {**MAP, "frais": {"choices": [NON]}}, "id": ID},
            "map.frais.choices.0.value",
            "'Non' is not on the list frais.",
        ),
        ({"map": {**MAP, "frais": {"constant": "gratis"}}, "id": ID}, "map.frais.constant", "'gratis' is not on"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    declare: Declare, dataset: Dataset, keys: dict[str, Any], key: str, said: str
) -> None:
    [(_, found, text)] = faults(declare(**keys), dataset)
    assert (found, said in text) == (key, True)


def test_a_hook_may_fill_what_the_mapping_does_not(declare: Declare, dataset: Dataset) -> None:
    source = declare(map={"frais": "Tarif"})
    (source.folder / "hook.py").write_text("def row(cells):\n    return cells\n")
    check_against(source, dataset)


def test_the_first_table_is_fed_unless_another_is_named(declare: Declare, dataset: Dataset) -> None:
    assert table_of(declare(map=MAP, id=ID), dataset).name == "places"
    assert table_of(declare(map={"jour": "J"}, table="visits"), dataset).name == "visits"


def test_a_broken_source_never_hides_the_others(declare: Declare, dataset: Dataset, tmp_path: Path) -> None:
    declare(partner="bon", map=MAP, id=ID)
    declare(partner="champ", map={**MAP, "rue": "Rue"}, id=ID)
    declare(partner="ailleurs", dataset="lieux", map=MAP, id=ID)
    illegible = tmp_path / "sources" / "sites" / "illisible"
    illegible.mkdir()
    (illegible / "source.yaml").write_text("title: [")
    found = load_checked(tmp_path / "sources", {"sites": dataset})
    assert [(source.name, type(source)) for source in found] == [
        ("lieux/ailleurs", BrokenSource),
        ("sites/bon", Source),
        ("sites/champ", BrokenSource),
        ("sites/illisible", BrokenSource),
    ]
    assert isinstance(found[0], BrokenSource)
    assert "feeds 'lieux', which is no dataset. Known: sites." in found[0].error.what
    assert [source.name for source in load_checked(tmp_path / "sources", {"sites": dataset}, "lieux")] == [
        "lieux/ailleurs"
    ]


SAMPLE = "N;Nom;CP;Tarif\n1;Fablab;1000;libre\n2;;49000;Payant\n3;Médiathèque;49000;cher\n"


@pytest.fixture
def sampled(declare: Declare) -> Source:
    source = declare(map=MAP, id=ID, expected={"rows": 3, "published": 1, "to_correct": 2})
    (source.folder / "sample.csv").write_text(SAMPLE)
    return source


def test_a_sample_that_keeps_its_promise_is_ok(sampled: Source, dataset: Dataset) -> None:
    path = write_expected(sampled, dataset)
    assert path.read_text(encoding="utf-8") == (
        "id,nom,code_postal,frais,partenaire\nangers--1,Fablab,01000,Gratuit,angers\n"
    )
    assert run_sample(sampled, dataset) == SampleResult(True, Expected(rows=3, published=1, to_correct=2), ())


def test_a_broken_promise_is_told_row_by_row_and_field_by_field(sampled: Source, dataset: Dataset) -> None:
    (sampled.folder / "sample.csv").write_text(SAMPLE.replace("2;;", "2;Bus;"))
    (sampled.folder / "expected.csv").write_text("id,nom,frais\nangers--1,Fablabo,Gratuit\nangers--9,Absent,\n")
    result = run_sample(sampled, dataset)
    assert result == SampleResult(
        False,
        Expected(rows=3, published=2, to_correct=1),
        (
            "published: 1 promised, 2 found",
            "to_correct: 2 promised, 1 found",
            "angers--9: promised, and not there",
            "angers--1 (line 2), nom: 'Fablabo' promised, 'Fablab' found",
            "angers--1 (line 2), code_postal: None promised, '01000' found",
            "angers--1 (line 2), partenaire: None promised, 'angers' found",
            "angers--2 (line 3): there, and not promised",
        ),
    )


def test_a_source_without_sample_or_promise_says_what_to_do(sampled: Source, dataset: Dataset) -> None:
    with pytest.raises(CallError, match=r"promises no rows: expected\.csv is missing"):
        run_sample(sampled, dataset)
    (sampled.folder / "sample.csv").unlink()
    with pytest.raises(CallError, match="has no sample to test"):
        run_sample(load_source(sampled.folder), dataset)


def test_of_two_partners_whose_ids_would_meet_the_second_is_refused(
    declare: Declare, dataset: Dataset, tmp_path: Path
) -> None:
    for partner in ("hub-sud", "hub.sud", "hub_nord"):
        declare(partner=partner, map=MAP, id=ID)
    found = load_checked(tmp_path / "sources", {"sites": dataset})
    assert [(source.partner, type(source)) for source in found] == [
        ("hub-sud", Source),
        ("hub.sud", BrokenSource),
        ("hub_nord", Source),
    ]
    assert isinstance(found[1], BrokenSource)
    assert "Its ids would begin with 'hub-sud', like those of the folder 'hub-sud'." in found[1].error.what


def test_a_lookup_table_that_cannot_be_used_is_told_of_at_its_line(declare: Declare, dataset: Dataset) -> None:
    lookup = {"table": "codes.csv", "by": {"code": "Type"}, "value": "libelle"}
    source = declare(map={**MAP, "nom": {"lookup": lookup}}, id=ID)
    [(line, key, said)] = faults(source, dataset)
    assert (line, key) == (line_of(source, "lookup:"), "map.nom.lookup")
    assert "codes.csv cannot be read" in said
    (source.folder / "codes.csv").write_text("code;libelle\nA;a\n")
    assert "has no column 'code', 'libelle'" in faults(source, dataset)[0][2]
    (source.folder / "codes.csv").write_text("code,libelle\nA,un\nB,deux\na,trois\n")
    assert "Lines 2 and 4 of codes.csv give two values for one key (a)" in faults(source, dataset)[0][2]
    (source.folder / "codes.csv").write_text("code,libelle\nA,un\nB,deux\na,un\n")
    check_against(source, dataset)


def test_rows_of_one_record_must_not_share_their_id(declare: Declare, dataset: Dataset) -> None:
    several = {"columns": {"Nom": "site{n}_nom"}}
    source = declare(map=MAP, several=several, id=ID)
    assert [(key, "same for all rows" in said) for _, key, said in faults(source, dataset)] == [("id.columns", True)]
    check_against(declare(map=MAP, several=several, id={"columns": ["N", "{n}"]}), dataset)


def test_a_field_that_is_filled_when_a_version_is_made_is_mapped_by_nobody(declare: Declare, dataset: Dataset) -> None:
    (dataset.folder / "dataset.yaml").write_text(DATASET.replace("partenaire: partner", "partenaire: error_address"))
    source = declare("ville", id=ID, map={**MAP, "partenaire": "Qui"})
    assert [(key, what) for _, key, what in faults(source, load_dataset(dataset.folder))] == [
        ("map.partenaire", "Glane fills the field 'partenaire' when it makes a version. Take this line out.")
    ]
