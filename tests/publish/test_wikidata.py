"""What rows say in Wikidata: with a reference each, nobody's personal data, and only properties whose page was read."""

import datetime
from pathlib import Path

import pytest

from publish.wikidata import Exported, quickstatements
from schemas.dataset import load_datasets
from schemas.wikidata import Wikidata, known

DAY = datetime.date(2026, 11, 22)
PAGE = "https://data.example.org/dataset/lieux"
SOURCES = f'S854\t"{PAGE}"\tS813\t+2026-11-22T00:00:00Z/11'
DECLARED = Wikidata(
    kind="Q13226383",
    language="fr",
    labels={"fr": "nom", "nl": "nom_nl"},
    descriptions={"fr": "lieu d'inclusion numérique à {commune}"},
    item="liens",
    statements={
        "P17": "pays",
        "P625": ["latitude", "longitude"],
        "P6375": "adresse",
        "P856": "site",
        "P1329": "telephone",
        "P571": "depuis",
        "P1616": "numero",
        "P3215": "numero",
    },
)
LIBRARY: dict[str, str | None] = {
    "id": "a--1",
    "nom": 'Médiathèque "Toussaint"',
    "nom_nl": None,
    "commune": "Angers",
    "pays": "FR",
    "latitude": "47.4689",
    "longitude": "-0.5546",
    "adresse": "49 rue\tToussaint",
    "site": "https://bm.angers.example|https://angers.example",
    "telephone": "+33241242550",
    "depuis": "1978-05",
    "numero": "73282932000074",
    "liens": None,
}


def exported(**cells: str | None) -> Exported:
    return quickstatements(DECLARED, [{**LIBRARY, **cells}], ("id",), reference=PAGE, day=DAY)


def test_a_new_item_has_its_names_its_kind_and_every_statement_its_reference() -> None:
    made = exported()
    assert made.text.splitlines() == [
        "CREATE",
        "LAST\tLfr\t\"Médiathèque 'Toussaint'\"",
        'LAST\tDfr\t"lieu d\'inclusion numérique à Angers"',
        f"LAST\tP31\tQ13226383\t{SOURCES}",
        f"LAST\tP17\tQ142\t{SOURCES}",
        f"LAST\tP625\t@47.4689/-0.5546\t{SOURCES}",
        f'LAST\tP6375\tfr:"49 rue Toussaint"\t{SOURCES}',
        f'LAST\tP856\t"https://bm.angers.example"\t{SOURCES}',
        f'LAST\tP856\t"https://angers.example"\t{SOURCES}',
        f'LAST\tP1329\t"+33-2-41-24-25-50"\t{SOURCES}',
        f"LAST\tP571\t+1978-05-00T00:00:00Z/10\t{SOURCES}",
        f'LAST\tP1616\t"732829320"\t{SOURCES}',
        f'LAST\tP3215\t"73282932000074"\t{SOURCES}',
    ]
    assert (made.new, made.there, made.left_out) == (1, 0, ())


def test_an_item_that_is_there_is_given_statements_and_keeps_its_names() -> None:
    made = exported(liens="https://osm.example/1|https://www.wikidata.org/wiki/Q3305213#top")
    lines = made.text.splitlines()
    assert {line.split("\t")[0] for line in lines} == {"Q3305213"}
    assert lines[0] == f"Q3305213\tP31\tQ13226383\t{SOURCES}"
    assert (made.new, made.there) == (0, 1)


def test_what_is_empty_wrong_or_unknown_is_not_said() -> None:
    none = dict.fromkeys(("latitude", "adresse", "site", "telephone", "depuis", "numero", "commune"))
    assert exported(**none, pays="ZZ").text.splitlines()[1:] == [
        "LAST\tLfr\t\"Médiathèque 'Toussaint'\"",
        f"LAST\tP31\tQ13226383\t{SOURCES}",
    ]
    wrong = exported(numero="73282932000075", depuis="vers 1978", telephone="12").text
    assert not any(name in wrong for name in ("P1616", "P3215", "P571", "P1329"))
    assert "\tP3215\t" not in exported(numero="732829320").text


def test_personal_data_never_goes_there() -> None:
    assert "P1329" not in exported(telephone="+33612345678").text
    assert "P6375" not in exported(adresse="chez Mme Jeanne Martin, 3 rue Basse").text
    person = exported(nom="Mme Jeanne Martin")
    assert (person.text, person.new, person.left_out) == ("", 0, ("a--1",))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "Q42"}, "Q42 is not on the list of kinds"),
        ({"statements": {"P569": "ne_le"}}, "P569 is not on the list of properties"),
        ({"statements": {"P625": "latitude"}}, "P625 takes two fields"),
        ({"statements": {"P17": ["a", "b"]}}, "P17 takes one field"),
    ],
)
def test_only_what_somebody_read_the_page_of_can_be_declared(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Wikidata.model_validate({"kind": "Q43229", "language": "fr", "labels": {"fr": "nom"}, **wrong})


def test_every_dataset_says_its_country_and_no_list_is_longer_than_what_is_used() -> None:
    datasets = load_datasets(Path(__file__).parent.parent.parent / "schemas")
    declared = [t.line.wikidata for one in datasets.values() for t in one.tables if t.line.wikidata is not None]
    assert len(declared) == 3
    assert all("P17" in one.statements for one in declared)
    assert {name for one in declared for name in one.statements} == set(known().properties)
    assert {one.kind for one in declared} == set(known().kinds)
