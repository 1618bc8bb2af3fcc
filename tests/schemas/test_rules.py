"""Each rule on cells it must accept and cells it must refuse, and the laws that hold for all rules."""

import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.declaration import DeclarationError
from schemas.dataset import RuleLine, load_dataset, load_datasets
from schemas.phrases import phrases, say
from schemas.rules import RULES
from schemas.rules.countries import countries, country_code
from schemas.rules.prepare import RuleError
from schemas.rules.prepare import prepared as prepared_rule
from schemas.rules.rule import Finding, Rule, Settings
from tests.schemas.material import places

TODAY = datetime.date(2026, 11, 21)
Cell = str | None


def prepared(line: RuleLine) -> tuple[Rule, Settings]:
    return prepared_rule(line.rule, line.fields, line.settings, TODAY)


def found(rule: str, cells: dict[str, Cell], **given_settings: Any) -> list[Finding]:
    line = RuleLine.model_validate({"rule": rule, "fields": list(cells), "with": given_settings})
    checked, its_settings = prepared(line)
    return list(checked.check(cells, its_settings))


ACCEPTED: list[tuple[str, dict[str, Cell], dict[str, Any]]] = [
    ("both_or_neither", {"a": None, "b": None}, {}),
    ("both_or_neither", {"a": "1", "b": "2"}, {}),
    ("at_least_one", {"a": None, "b": "x"}, {}),
    ("only_with", {"barrier": None, "status": "Fixed"}, {"values": ["End of life"]}),
    ("only_with", {"barrier": "worn out", "status": "End of life"}, {"values": ["End of life"]}),
    ("only_with", {"area": "x", "place": "here|away"}, {"values": ["away"]}),
    ("only_with", {"a": "x", "b": "anything"}, {}),
    ("required_with", {"date": None, "status": "pending"}, {"values": ["given"]}),
    ("required_with", {"date": "2026-01-01", "status": "given"}, {"values": ["given"]}),
    ("empty_with", {"street": None, "scope": "no-address"}, {"values": ["no-address"]}),
    ("empty_with", {"street": "1 rue A", "scope": "all"}, {"values": ["no-address"]}),
    ("postcode_of_country", {"p": "01000", "c": "FR"}, {}),
    ("postcode_of_country", {"p": "97400", "c": "FRA"}, {}),
    ("postcode_of_country", {"p": "1060", "c": "BE"}, {}),
    ("postcode_of_country", {"p": "1060", "c": None}, {"country": "BE"}),
    ("postcode_of_country", {"p": "SW1A 1AA", "c": "UK"}, {}),
    ("postcode_of_country", {"p": "anything", "c": "JP"}, {}),
    ("postcode_of_country", {"p": None, "c": "FR"}, {}),
    ("siret", {"s": "35600000000048"}, {}),
    ("siret", {"s": "35600000049837"}, {}),  # La Poste's exception to the check digits
    ("siret", {"s": None}, {}),
    ("national_id", {"n": "356000000", "c": "FR"}, {}),
    ("national_id", {"n": "W751234567", "c": "FR"}, {}),
    ("national_id", {"n": "0403170701", "c": "BE"}, {}),
    ("national_id", {"n": "BE0403170701", "c": "BE"}, {}),
    ("national_id", {"n": "B58818501", "c": "ES"}, {}),
    ("national_id", {"n": "501964843", "c": "PT"}, {}),
    ("national_id", {"n": "whatever", "c": "JP"}, {}),
    ("national_id", {"n": "whatever", "c": None}, {}),
    ("phone", {"t": "+33326775555", "c": "FR"}, {}),
    ("phone", {"t": "+262262123456", "c": "FR"}, {}),
    ("phone", {"t": "+3225380000", "c": None}, {}),
    ("phone", {"t": "3639", "c": "FR"}, {}),  # a short number (facts/domain 5)
    ("opening_hours", {"h": "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00"}, {}),
    ("opening_hours", {"h": "24/7"}, {}),
    ("opening_hours", {"h": "Mo,Tu 09:00-12:00; PH off"}, {}),
    ("url", {"u": "https://www.example.org/a?b=c#d"}, {}),
    ("url", {"u": "http://médiathèque.fr/"}, {}),
    ("url", {"u": "https://a.fr/|https://b.fr"}, {"separator": "|"}),
    ("email", {"e": "contact@example.org"}, {}),
    ("email", {"e": "a.b+c@example.co.uk|d@e.fr"}, {"separator": "|"}),
    ("coordinates_in_country", {"la": "48.85", "lo": "2.35", "c": "FR"}, {}),
    ("coordinates_in_country", {"la": "-21.1", "lo": "55.5", "c": "FR"}, {}),
    ("coordinates_in_country", {"la": "4.9", "lo": "-52.3", "c": "GF"}, {}),
    ("coordinates_in_country", {"la": "28.1", "lo": "-15.4", "c": "ES"}, {}),
    ("coordinates_in_country", {"la": "35.7", "lo": "139.7", "c": "JP"}, {}),
    ("coordinates_in_country", {"la": "2,5", "lo": "2.35", "c": "FR"}, {}),  # no number: the schema says so
    ("coordinates_in_country", {"la": None, "lo": "2.35", "c": "FR"}, {}),
    ("not_null_island", {"la": "0.0", "lo": "2.35"}, {}),
    ("not_null_island", {"la": None, "lo": None}, {}),
    ("date_not_future", {"d": "2026-11-21"}, {}),
    ("date_not_future", {"d": "2026"}, {}),
    ("date_not_future", {"d": "tomorrow"}, {}),
    ("after", {"from": "2026-01-01", "until": "2026-01-01"}, {}),
    ("after", {"from": "2026-05-01", "until": "2026"}, {}),
    ("after", {"from": "2026-01-01", "until": None}, {}),
    ("expired", {"d": "2026-11-21"}, {}),
    ("forbidden_content", {"t": "Screen broken, 123456789012345 counted"}, {"what": ["imei"]}),
    ("forbidden_content", {"t": "a serial killer of batteries"}, {"what": ["serial"]}),
    ("forbidden_content", {"t": None}, {"what": ["imei", "serial"]}),
    ("not_sentinel", {"t": "Test de français"}, {}),
    ("not_sentinel", {"t": None}, {}),
]

REFUSED: list[tuple[str, dict[str, Cell], dict[str, Any], list[tuple[str, str, str | None]]]] = [
    ("both_or_neither", {"a": "1", "b": None}, {}, [("b", "both_or_neither", None)]),
    ("at_least_one", {"a": None, "b": None}, {}, [("a", "at_least_one", None)]),
    ("only_with", {"x": "worn", "y": "Fixed"}, {"values": ["End of life"]}, [("x", "only_with-values", None)]),
    ("only_with", {"x": "worn", "y": None}, {}, [("x", "only_with", None)]),
    ("required_with", {"x": None, "y": "given"}, {"values": ["given"]}, [("x", "required_with", None)]),
    ("empty_with", {"x": "1 rue A", "y": "no"}, {"values": ["no"]}, [("x", "empty_with", None)]),
    ("postcode_of_country", {"p": "1000", "c": "FR"}, {}, [("p", "postcode_of_country", "01000")]),
    ("postcode_of_country", {"p": "35 000", "c": "FR"}, {}, [("p", "postcode_of_country", "35000")]),
    ("postcode_of_country", {"p": "75001.0", "c": "FR"}, {}, [("p", "postcode_of_country", "75001")]),
    ("postcode_of_country", {"p": "00100", "c": "FR"}, {}, [("p", "postcode_of_country", None)]),
    ("postcode_of_country", {"p": "75001", "c": "BE"}, {}, [("p", "postcode_of_country", None)]),
    ("siret", {"s": "00000000000000"}, {}, [("s", "siret-zeros", None)]),
    ("siret", {"s": "35600000000049"}, {}, [("s", "siret", None)]),
    ("siret", {"s": "356000000"}, {}, [("s", "siret-siren", None)]),
    ("siret", {"s": "123"}, {}, [("s", "siret-length", None)]),
    ("siret", {"s": "356 000 000 00048"}, {}, [("s", "siret-spaces", "35600000000048")]),
    ("siret", {"s": "３５６０００００００００４８"}, {}, [("s", "siret-length", None)]),
    ("national_id", {"n": "356000001", "c": "FR"}, {}, [("n", "national_id-FR", None)]),
    ("national_id", {"n": "000000000", "c": "FR"}, {}, [("n", "siret-zeros", None)]),
    ("national_id", {"n": "0403170702", "c": "BE"}, {}, [("n", "national_id-BE", None)]),
    ("national_id", {"n": "0403.170.701", "c": "BE"}, {}, [("n", "national_id-spaces", "0403170701")]),
    ("national_id", {"n": "123", "c": "PT"}, {}, [("n", "national_id", None)]),
    ("phone", {"t": "+331234", "c": "FR"}, {}, [("t", "phone", None)]),
    ("phone", {"t": "03 26 77 55 55", "c": "FR"}, {}, [("t", "phone-form", "+33326775555")]),
    ("phone", {"t": "02 48 00 00 00 / 06 12 00 00 00", "c": "FR"}, {}, [("t", "phone", None)]),
    ("phone", {"t": "0326775555", "c": None}, {}, [("t", "phone", None)]),
    ("opening_hours", {"h": "lundi 9h-12h"}, {}, [("h", "opening_hours", None)]),
    ("opening_hours", {"h": " "}, {}, [("h", "opening_hours", None)]),
    ("url", {"u": "www.example.org"}, {}, [("u", "url", "https://www.example.org")]),
    ("url", {"u": "http//example.org"}, {}, [("u", "url", "http://example.org")]),
    ("url", {"u": "fr"}, {}, [("u", "url", None)]),  # DSI4EU's websites "en" and "fr" (facts/domain 5)
    ("url", {"u": "https://a.fr/ b"}, {}, [("u", "url", None)]),
    ("url", {"u": "ftp://a.fr/|https://b.fr"}, {"separator": "|"}, [("u", "url", None)]),
    ("url", {"u": "javascript:alert(1)"}, {}, [("u", "url", None)]),
    ("email", {"e": "contact (at) example.org"}, {}, [("e", "email", "contact@example.org")]),
    ("email", {"e": "mailto:a@b.fr"}, {}, [("e", "email", "a@b.fr")]),
    ("email", {"e": "a@b.fr; c@d.fr"}, {"separator": "|"}, [("e", "email", None)]),
    ("email", {"e": "a@b.fr|x"}, {"separator": "|"}, [("e", "email", None)]),
    (
        "coordinates_in_country",
        {"la": "2.35", "lo": "48.85", "c": "FR"},
        {},
        [("la", "coordinates_in_country-swapped", "48.85")],
    ),
    (
        "coordinates_in_country",
        {"la": "6862305", "lo": "652469", "c": "FR"},
        {},
        [("la", "coordinates_in_country-metres", None)],
    ),
    ("coordinates_in_country", {"la": "35.7", "lo": "139.7", "c": "FR"}, {}, [("la", "coordinates_in_country", None)]),
    ("not_null_island", {"la": "0", "lo": "0.000"}, {}, [("la", "not_null_island", None)]),
    ("date_not_future", {"d": "2026-11-22"}, {}, [("d", "date_not_future", None)]),
    ("date_not_future", {"d": "2027"}, {}, [("d", "date_not_future", None)]),
    ("after", {"from": "2026-02-01", "until": "2026-01-01"}, {}, [("until", "after", None)]),
    ("expired", {"d": "2026-11-20"}, {}, [("d", "expired", None)]),
    ("forbidden_content", {"t": "IMEI 490154203237518"}, {"what": ["imei"]}, [("t", "forbidden_content-imei", None)]),
    ("forbidden_content", {"t": "S/N: C02XK1JHJG5"}, {"what": ["serial"]}, [("t", "forbidden_content-serial", None)]),
    (
        "forbidden_content",
        {"t": "numéro de série 5CD1234XYZ"},
        {"what": ["serial"]},
        [("t", "forbidden_content-serial", None)],
    ),
    ("forbidden_content", {"t": "00:1A:2B:3C:4D:5E"}, {"what": ["mac"]}, [("t", "forbidden_content-mac", None)]),
    ("forbidden_content", {"t": "write to a@b.fr"}, {"what": ["email"]}, [("t", "forbidden_content-email", None)]),
    ("forbidden_content", {"t": "06 39 98 12 34"}, {"what": ["phone"]}, [("t", "forbidden_content-phone", None)]),
    ("not_sentinel", {"t": "00000000000000"}, {}, [("t", "not_sentinel", None)]),
    ("not_sentinel", {"t": " N.C.  publiquement"}, {}, [("t", "not_sentinel", None)]),
    ("not_sentinel", {"t": "bidon"}, {"values": ["Bidon"]}, [("t", "not_sentinel", None)]),
]


@pytest.mark.parametrize(("rule", "cells", "its"), ACCEPTED)
def test_a_rule_says_nothing_of_right_cells(rule: str, cells: dict[str, Cell], its: dict[str, Any]) -> None:
    assert found(rule, cells, **its) == []


@pytest.mark.parametrize(("rule", "cells", "its", "expected"), REFUSED)
def test_a_rule_names_the_wrong_cell_and_what_to_write(
    rule: str, cells: dict[str, Cell], its: dict[str, Any], expected: list[tuple[str, str, str | None]]
) -> None:
    assert [(f.field, f.phrase, f.suggestion) for f in found(rule, cells, **its)] == expected


@pytest.mark.parametrize(("rule", "cells", "its", "_expected"), REFUSED)
def test_a_suggestion_is_right_in_the_eyes_of_its_own_rule(
    rule: str, cells: dict[str, Cell], its: dict[str, Any], _expected: object
) -> None:
    for finding in found(rule, cells, **its):
        if finding.suggestion is not None and finding.position is None and "swapped" not in finding.phrase:
            assert found(rule, {**cells, finding.field: finding.suggestion}, **its) == []


def test_every_rule_is_tested_both_ways() -> None:
    assert {rule for rule, *_ in ACCEPTED} == {rule for rule, *_ in REFUSED} == set(RULES)


def test_every_finding_can_be_said_in_french_and_in_english() -> None:
    said = set()
    for rule, cells, its, _ in REFUSED:
        for finding in found(rule, cells, **its):
            phrase = say(f"rules.{finding.phrase}", **finding.values)
            said.add(finding.phrase)
            assert "{" not in phrase.wrong.fr + phrase.wrong.en + phrase.write.fr + phrase.write.en
    assert said == set(phrases("rules")) - {"published_when", "formula", "lost_letters", "unseen_signs", "endless_text"}


def test_a_wrong_value_among_several_is_told_by_its_position() -> None:
    findings = found("email", {"e": "a@b.fr|x|c@d.fr|y"}, separator="|")
    assert [(f.position, f.values["part"]) for f in findings] == [(2, "x"), (4, "y")]


def test_what_may_not_be_published_is_covered_in_what_is_said_of_it() -> None:
    (finding,) = found("forbidden_content", {"t": "IMEI 490154203237518, red"}, what=["imei"])
    assert finding.shown == "IMEI 49••••••••••••8, red"


def test_every_rule_of_the_declared_datasets_fits_the_registry() -> None:
    datasets = load_datasets(Path(__file__).parents[2] / "schemas")
    lines = [line for dataset in datasets.values() for table in dataset.tables for line in table.line.rules]
    assert lines
    for line in lines:
        assert prepared(line)[0].name == line.rule


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ({"rule": "sirett", "fields": ["a"]}, "no rule 'sirett'", "Did you mean 'siret'?"),
        ({"rule": "after", "fields": ["a"]}, "names 1 fields", "It takes 2."),
        ({"rule": "siret", "fields": ["a"], "with": {"x": 1}}, "settings of the rule 'siret'", "takes no settings"),
        ({"rule": "forbidden_content", "fields": ["a"], "with": {"what": ["dna"]}}, "what.0", "what"),
        ({"rule": "expired", "fields": ["a"], "with": {"today": "2020-01-01"}}, "'today'", "Remove it"),
    ],
)
def test_a_rule_line_that_does_not_fit_says_why(line: dict[str, Any], what: str, remedy: str) -> None:
    with pytest.raises(RuleError) as caught:
        prepared(RuleLine.model_validate(line))
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_a_dataset_with_a_wrong_rule_line_names_the_line_of_the_file(tmp_path: Path) -> None:
    path = places(tmp_path).folder / "dataset.yaml"
    path.write_text(path.read_text().replace("rule: url", "rule: ulr"), encoding="utf-8")
    line = 1 + path.read_text().splitlines().index("      - {rule: ulr, fields: [site]}")
    with pytest.raises(DeclarationError) as caught:
        load_dataset(path.parent)
    assert str(caught.value) == (f"{path}:{line}: tables.0.rules.0: There is no rule 'ulr'. Did you mean 'url'?")


def test_the_example_of_each_country_fits_its_pattern() -> None:
    for code, country in countries().items():
        assert country.postcode is not None
        assert found("postcode_of_country", {"p": country.postcode.example}, country=code) == []
    assert [country_code(cell) for cell in ("fra", " BE ", "UK", "Belgique", None)] == ["FR", "BE", "GB", None, None]


_TEXT = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.from_regex(r"[a-z0-9.-]{1,8}@[a-z0-9.-]{1,8}\.[a-z]{1,4}(\|[a-z]@b\.fr)?", fullmatch=True),
    st.from_regex(r"https?://[a-z0-9.-]{1,9}\.[a-z]{2,4}(/[a-z0-9|?%=;,.-]{0,6})?", fullmatch=True),
    st.sampled_from(["0", "0.0", "-0", "00", ".0", "0e5", " 0", "0_0", "48.5", "1", "", "a|b", "a"]),
)
_PROVEN = sorted(name for name, rule in RULES.items() if rule.proof)
_WITH: dict[str, list[dict[str, Any]]] = {
    "email": [{}, {"separator": "|"}, {"separator": ";"}, {"separator": "-"}],
    "url": [{}, {"separator": "|"}, {"separator": ","}, {"separator": "/"}],
    "only_with": [{}, {"values": ["a"]}],
    "required_with": [{}, {"values": ["a"]}],
    "empty_with": [{}, {"values": ["a"]}],
    "forbidden_content": [{"what": ["imei", "serial", "mac", "email", "phone"]}],
    "coordinates_in_country": [{"country": "FR"}],
}


@pytest.mark.parametrize("name", _PROVEN)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_a_proof_settles_the_rule_finds_right(name: str, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=20))
    its = data.draw(st.sampled_from(_WITH.get(name, [{}])))
    line = RuleLine.model_validate({"rule": name, "fields": ["a", "b"], "with": its})
    rule, its_settings = prepared(line)
    assert rule.proof is not None
    frame = pl.DataFrame(cells, schema={"a": pl.String, "b": pl.String}, orient="row")
    proven = frame.select(rule.proof(["a", "b"], its_settings).alias("proven"))["proven"].to_list()
    assert None not in proven
    for settled, (a, b) in zip(proven, cells, strict=True):
        if settled:
            assert list(rule.check({"a": a, "b": b}, its_settings)) == []


@given(st.from_regex(r"\+(33|32|34|351|39|49|1|44|262)[0-9]{5,11}", fullmatch=True))
@settings(max_examples=300, deadline=None)
def test_a_number_proven_by_patterns_is_one_for_the_library_too(number: str) -> None:
    import phonenumbers

    from schemas.rules.contact import _proven_number

    if _proven_number(number):
        parsed = phonenumbers.parse(number, None)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number
