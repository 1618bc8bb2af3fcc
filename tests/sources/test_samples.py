"""What the sample partners promise: each file becomes its expected rows, together they hold the mess that real files
hold, and nothing in them belongs to a real person."""

import datetime
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from stdnum.fr import siret

from schemas.dataset import Table, load_datasets
from schemas.judge import judge
from schemas.judgement import Judgement
from sources.check import load_checked, table_of
from sources.clean import CLEANERS, CleanContext
from sources.declaration import Source
from sources.fields import FieldMapping
from sources.mapping import Mapped, map_rows
from sources.read import Reading, as_text, read
from sources.terms import fold
from sources.testing import SAMPLE_DATE, SampleResult, run_sample

ROOT = Path(__file__).parents[2]
DATASETS = load_datasets(ROOT / "schemas")
SOURCES = {source.name: source for source in load_checked(ROOT / "sources", DATASETS)}
# What ARCEP keeps for works of fiction, mobiles included; elsewhere none is kept: round numbers given to nobody.
FICTION = ("19900", "26191", "35301", "46571", "53649", "63998")
NOBODY_S = tuple(f"+{prefix}00" for prefix in ("262262", "262269", "590590", "594594", "596596"))
BRUSSELS = re.compile(r"\+32288\d00\d\d")
# The names that stand in the contacts of every file; each says that it is none.
CONTACTS = ("Untel", "Exemple", "Fictif", "Modèle", "Specimen", "Témoin")

every_source = pytest.mark.parametrize("name", SOURCES)


def declared(name: str) -> Source:
    source = SOURCES[name]
    assert isinstance(source, Source), source.error
    return source


def all_sources() -> list[Source]:
    return [declared(name) for name in SOURCES]


def sample(name: str) -> Path:
    source = declared(name)
    assert source.line.where.file is not None
    return source.folder / source.line.where.file


@cache
def reading(name: str) -> Reading:
    return read(sample(name), declared(name).line.format)


@cache
def outcome(name: str) -> tuple[Table, Mapped, Judgement]:
    source = declared(name)
    dataset = DATASETS[source.dataset]
    table = table_of(source, dataset)
    mapped = map_rows(source, table, reading(name), snapshot_date=SAMPLE_DATE)
    return (
        table,
        mapped,
        judge(dataset, table, mapped.rows, questions=mapped.questions, today=datetime.date.fromisoformat(SAMPLE_DATE)),
    )


def cells(name: str) -> list[str]:
    """Every filled cell of the partner's file, as text."""
    texts = (as_text(cell) for record in reading(name).records for cell in record.cells.values())
    return [text for text in texts if text]


def mappings() -> list[FieldMapping]:
    return [mapping for source in all_sources() for mapping in source.line.map.values()]


@every_source
def test_a_sample_becomes_its_expected_rows_and_the_declared_counts_hold(name: str) -> None:
    source = declared(name)
    assert source.line.expected is not None
    assert run_sample(source, DATASETS[source.dataset]) == SampleResult(True, source.line.expected, ())


@every_source
def test_every_row_of_a_sample_is_accounted_for(name: str) -> None:
    _, mapped, judgement = outcome(name)
    assert mapped.rows_in == len(reading(name).records)
    assert mapped.rows_in == judgement.rows.height + judgement.to_correct + judgement.on_hold


@every_source
def test_a_few_rows_in_a_hundred_are_to_be_corrected_within_the_declared_bounds(name: str) -> None:
    _, mapped, judgement = outcome(name)
    bounds = declared(name).line.bounds
    assert 0.03 <= judgement.to_correct / mapped.rows_in <= min(0.10, bounds.to_correct_max)
    assert bounds.rows_min <= mapped.rows_in <= (bounds.rows_max or mapped.rows_in)


@every_source
def test_no_date_of_a_sample_is_the_day_of_its_reading(name: str) -> None:
    table, _, judgement = outcome(name)
    origin = table.line.origin
    if origin is not None:
        assert set(judgement.rows[origin.field]) == {origin.given}


@every_source
def test_a_sample_and_what_stands_beside_it_stay_small(name: str) -> None:
    assert max(path.stat().st_size for path in declared(name).folder.iterdir() if path.is_file()) < 250_000


def test_there_are_partners_and_rows_enough_for_each_dataset() -> None:
    partners = Counter(source.dataset for source in all_sources())
    rows = Counter[str]()
    for name in SOURCES:
        rows[declared(name).dataset] += len(reading(name).records)
    assert partners["inclusion_sites"] >= 6
    assert partners["refurbished_devices"] >= 4
    assert partners["atlas_organisations"] >= 4
    assert rows["inclusion_sites"] >= 900
    assert rows["refurbished_devices"] >= 450
    assert rows["atlas_organisations"] >= 200
    fed = {(source.dataset, table_of(source, DATASETS[source.dataset]).name) for source in all_sources()}
    assert fed == {(dataset.name, table.name) for dataset in DATASETS.values() for table in dataset.contributed}


def test_the_samples_hold_every_format_encoding_and_shape() -> None:
    formats = [source.line.format for source in all_sources()]
    assert {form.kind for form in formats} == {"csv", "xlsx", "ods", "json", "jsonl", "geojson"}
    assert {reading(name).delimiter for name in SOURCES} >= {",", ";"}
    assert {form.encoding for form in formats} >= {"utf-8", "utf-8-sig", "cp1252", "mac_roman", "detect"}
    assert any(sample(name).read_bytes().startswith(b"\xef\xbb\xbf") for name in SOURCES)
    bytes_of_csv = [sample(name).read_bytes() for name in SOURCES if declared(name).line.format.kind == "csv"]
    assert any(b"\r" in data and b"\n" not in data for data in bytes_of_csv)
    assert any("." in form.records for form in formats)
    assert any(form.header > 1 for form in formats)
    assert sum(form.sheet is not None for form in formats) >= 3
    typed = [cell for name in SOURCES for record in reading(name).records for cell in record.cells.values()]
    assert any(isinstance(cell, datetime.date) for cell in typed)
    assert any(isinstance(cell, list) and len(cell) > 1 for cell in typed)
    assert sum(reading(name).blank for name in SOURCES) > 0


def test_the_declarations_show_every_way_to_make_a_field() -> None:
    ways = ("column", "join", "first", "constant", "choices", "days", "point", "split", "pattern")
    for way in ways:
        assert any(getattr(mapping, way) is not None for mapping in mappings()), way
    assert {mapping.projection for mapping in mappings()} == {"wgs84", "lambert93"}
    assert {len(mapping.point) for mapping in mappings() if mapping.point} == {1, 2}
    assert sum(bool(mapping.terms) for mapping in mappings()) >= 15
    lines = [source.line for source in all_sources()]
    assert any(line.id and line.id.columns for line in lines)
    assert any(line.id and line.id.fields for line in lines)
    assert any(mapped.unmapped for _, mapped, _ in map(outcome, SOURCES))
    assert any((source.folder / "hook.py").exists() for source in all_sources())
    assert {line.country for line in lines} >= {"FR", "BE", "ES", "PT"}
    assert len({line.licence for line in lines}) >= 4


def test_the_samples_hold_the_mess_of_real_files() -> None:
    texts = [text for name in SOURCES for text in cells(name)]
    repaired = CLEANERS["text"]
    context = CleanContext("FR", "", "fr")
    mess = {
        "no-break space": [text for text in texts if "\u00a0" in text],
        "no-break hyphen": [text for text in texts if "\u2011" in text],
        "mojibake": [text for text in texts if "Ã" in text and "Ã" not in (repaired(text, context) or "")],
        "HTML entity": [text for text in texts if re.search(r"&\w+;|&#", text)],
        "CEDEX": [text for text in texts if re.search(r" cedex\b", text, re.IGNORECASE)],
        "decimal comma": [text for text in texts if re.fullmatch(r"-?\d+,\d+", text)],
        "not to be said": [text for text in texts if text in ("N.C.", "N.C. publiquement", "NC", "-")],
        "zeros for a SIRET": [text for text in texts if text == "0" * 14],
        "French date": [text for text in texts if re.fullmatch(r"\d\d?/\d\d?/\d{4}", text)],
        "date in words": [text for text in texts if re.fullmatch(r"\d\d? [a-zéû]{3,9} \d{4}", text)],
        "hours in words": [text for text in texts if re.search(r"\blundi\b.*\d\s?h", text, re.IGNORECASE)],
        "two numbers": [text for text in texts if re.search(r"\d / 06", text)],
    }
    assert {what: len(found) > 1 for what, found in mess.items()} == dict.fromkeys(mess, True)
    digits = [re.sub(r"\s", "", text) for text in texts if re.fullmatch(r"99[789][\d\s]+", text)]
    assert sum(len(text) == 14 and not siret.is_valid(text) for text in digits) >= 5
    assert sum(len(text) == 9 for text in digits) >= 3


def test_duplicates_stand_inside_files_and_across_partners() -> None:
    keys = [problem for name in SOURCES for problem in outcome(name)[2].problems if problem.rule == "primary-key"]
    assert len(keys) >= 5
    places: dict[tuple[str, ...], set[str]] = {}
    for name in SOURCES:
        table, _, judgement = outcome(name)
        for fields in table.line.merge.same:
            for row in judgement.rows.select(fields).iter_rows():
                if all(row):
                    places.setdefault((table.name, *fields, *map(fold, row)), set()).add(name)
    shared = Counter(key[0] for key, partners in places.items() if len(partners) > 1)
    assert shared["complete"] >= 20
    assert shared["refurbishers"] >= 10
    assert shared["organisations"] >= 5


def test_consent_is_mixed_and_only_those_who_gave_it_pass() -> None:
    for name in (name for name in SOURCES if declared(name).dataset == "atlas_organisations"):
        _, mapped, judgement = outcome(name)
        assert {"given", "pending", "withdrawn"} <= set(mapped.rows["consent_status"])
        assert set(judgement.rows["consent_status"]) == {"given"}


@every_source
def test_a_sample_holds_no_number_or_address_of_a_real_person(name: str) -> None:
    text = "\n".join(cells(name))
    french = re.findall(r"(?<![\d.,+])(?:\+33|0033|0)\s?(?:\(0\)\s?)?([1-79](?:[\s.-]?\d\d){4})(?![\d])", text)
    numbers = [re.sub(r"\D", "", number) for number in french]
    overseas = tuple(prefix[-5:] for prefix in NOBODY_S)
    assert [number for number in numbers if not number.startswith(FICTION + overseas)] == []
    mails = re.findall(r"[^\s@|;,<>]+@([^\s@|;,<>]+\.[^\s@|;,<>]+)", text)
    assert [host for host in mails if not host.lower().endswith(".example")] == []
    hosts = re.findall(r"https?://([^/\s|]+)", text)
    assert [host for host in hosts if not host.endswith(".example") and host != "www.wikidata.org"] == []


@every_source
def test_a_published_telephone_number_is_given_to_nobody(name: str) -> None:
    _, _, judgement = outcome(name)
    if "telephone" in judgement.rows.columns:
        numbers = set(judgement.rows["telephone"].drop_nulls()) - {"3639"}
        known = tuple(f"+33{start}" for start in FICTION) + NOBODY_S
        assert [n for n in numbers if not n.startswith(known) and not BRUSSELS.fullmatch(n)] == []


@every_source
def test_a_named_contact_is_never_mapped(name: str) -> None:
    _, mapped, _ = outcome(name)
    written = json.dumps(mapped.rows.to_dicts(), ensure_ascii=False)
    assert [contact for contact in CONTACTS if re.search(rf"[A-Z]\w+ {contact}\b", written)] == []
