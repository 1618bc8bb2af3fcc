"""A version's files of coverage and of its départements: what they hold, how long they stay, that they come again."""

import hashlib
import html
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
from frictionless import Resource, Schema, system

from glane.declaration import DeclarationError
from glane.removals import remove
from glane.store import FolderStore
from publish.build import Built, build_version
from publish.coverage_files import schema_pointer
from publish.forgetting.person import Person, cells_in_versions, family, only_theirs, traced
from publish.forgetting.versions import forget_in_versions
from publish.remaking import derive_again
from publish.restoration import restore
from publish.retention import surplus
from publish.verify import verify_store
from publish.version import load
from schemas.dataset import Dataset
from schemas.territory.reference import Latest, latest_key, table_key
from tests.publish.material import DECLARATION, SITES, Cells, contribute, declare

COMMUNES = "essai-sites-coverage-communes.csv"
DEPARTMENTS = "essai-sites-coverage-departements.csv"
ARCHIVE = "essai-sites.departements.zip"
DECLARED = DECLARATION.replace(
    "    formats: [csv, parquet, geojson, xlsx]\n",
    "    formats: [csv, parquet, departements]\n"
    "    territory: {postcode: code_postal, commune: commune, reference: communes}\n",
)
REFERENCE = """\
title: {fr: Communes, en: Communes}
licence: etalab-2.0
attribution: INSEE
file: communes.csv
columns: {code: code, name: name, postcodes: postcodes, population: population}
"""
LINES = (
    "code,name,population,postcodes,current\n"
    "44109,Nantes,327734,44000|44100,\n"
    "44162,Saint-Herblain,50561,44800,\n"
    "49007,Angers,157555,49000|49100,\n"
)
ANGERS: Cells = {"id": "a--1", "nom": "Médiathèque", "code_postal": "49100", "commune": "Angers", "source": "angers"}
NANTES: Cells = {"id": "n--1", "nom": 'Maison; du "numérique"', "code_postal": "44000", "commune": "Nantes"}
LOST: Cells = {"id": "x--1", "nom": "Bus", "code_postal": "98000", "commune": "Monaco"}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "schemas" / "references").mkdir(parents=True)
    (tmp_path / "schemas" / "references" / "communes.yaml").write_text(REFERENCE, encoding="utf-8")
    fields = [*SITES["fields"], {"name": "commune", "type": "string"}]
    return declare(tmp_path / "schemas", declaration=DECLARED, sites={**SITES, "fields": fields})


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def know(store: FolderStore, lines: str = LINES) -> str:
    """Put a list of communes where sources/references.py puts it."""
    data = lines.encode()
    digest = hashlib.sha256(data).hexdigest()
    store.write(table_key("communes", digest), data)
    known = Latest(
        sha256=digest, title={"fr": "Communes", "en": "Communes"}, attribution="INSEE", received="2026-11-01"
    )  # type: ignore[arg-type]
    store.write_json(latest_key("communes"), known.model_dump(mode="json", exclude_none=True))
    return digest


def build(dataset: Dataset, store: FolderStore, *rows: Cells, day: str = "11-21") -> Built:
    return build_version(dataset, [contribute(dataset, "ville", rows)], store, created=f"2026-{day}T08:00:00+00:00")


def read(store: FolderStore, name: str, number: str = "1.0.0") -> pl.DataFrame:
    return pl.read_csv(store.read(f"versions/essai/{number}/{name}"), infer_schema=False)


def members(store: FolderStore, number: str = "1.0.0") -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(store.read(f"versions/essai/{number}/{ARCHIVE}"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_version_says_which_communes_have_no_site_and_who_lives_there(dataset: Dataset, store: FolderStore) -> None:
    digest = know(store)
    version = build(dataset, store, ANGERS, NANTES, LOST).version
    assert read(store, COMMUNES).rows() == [
        ("44109", "Nantes", "44", "327734", "1"),
        ("44162", "Saint-Herblain", "44", "50561", "0"),
        ("49007", "Angers", "49", "157555", "1"),
    ]
    lines = read(store, DEPARTMENTS).filter(pl.col("rows") != "0")
    assert lines.rows() == [
        ("FR", "44", "Loire-Atlantique", "1", "0", "2", "1", "1", "378295", "50561"),
        ("FR", "49", "Maine-et-Loire", "1", "0", "1", "1", "0", "157555", "0"),
        ("FR", None, None, "1", None, None, None, None, None, None),
    ]
    quality = json.loads(store.read("versions/essai/1.0.0/quality.json"))["coverage"]["sites"]
    assert (quality["france"]["rows"], quality["france"]["population_without"]) == (3, 50561)
    assert (quality["reference"]["sha256"], quality["reference"]["attribution"]) == (digest, "INSEE")
    assert [file.path for file in version.files if file.kind == "coverage"] == [DEPARTMENTS, COMMUNES]


def test_the_quality_page_tells_it_in_both_languages(dataset: Dataset, store: FolderStore) -> None:
    know(store)
    version = build(dataset, store, ANGERS, NANTES, LOST).version
    french, english = (read_page(store, version.version, language) for language in ("fr", "en"))
    assert "En France, 1 communes sur 3 n'ont aucune ligne" in french
    assert "Les plus peuplées d'entre elles : Saint-Herblain (50" in french
    assert "The most populous of them: Saint-Herblain (50,561)." in english
    assert "Municipalities and population: Communes, INSEE." in english


def read_page(store: FolderStore, number: str, language: str) -> str:
    return html.unescape(store.read(f"versions/essai/{number}/quality.{language}.html").decode())


def test_datapackage_describes_the_files_of_coverage_so_that_any_tool_reads_them(
    dataset: Dataset, store: FolderStore
) -> None:
    know(store)
    version = build(dataset, store, ANGERS, NANTES).version
    folder = store.local("versions/essai/1.0.0")
    descriptor = json.loads((folder / "datapackage.json").read_bytes())
    (told,) = descriptor["coverage"]
    assert told["table"] == "sites"
    for kept in (file for file in version.files if file.kind == "coverage"):
        found = descriptor
        for step in schema_pointer(dataset, kept).split("/"):
            found = found[int(step) if step.isdigit() else step]
        assert read(store, kept.path).columns == [field["name"] for field in found["fields"]]
    for file in told["files"]:
        data = (folder / file["path"]).read_bytes()
        assert (file["bytes"], file["hash"]) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")
        with system.use_context(trusted=True):
            report = Resource(path=str(folder / file["path"]), schema=Schema.from_descriptor(file["schema"])).validate()
        assert report.valid, report.flatten()


def test_each_departement_has_its_csv_and_every_row_is_in_one(dataset: Dataset, store: FolderStore) -> None:
    build(dataset, store, ANGERS, NANTES, LOST)
    found = members(store)
    assert len(found) == 110
    whole = store.read("versions/essai/1.0.0/essai-sites.csv").splitlines(keepends=True)
    header, rows = whole[0], whole[1:]
    assert found["sites-departement-44.csv"] == header + rows[1]
    assert found["sites-departement-49.csv"] == header + rows[0]
    assert found["sites-autres.csv"] == header + rows[2]
    assert found["sites-departement-2A.csv"] == header
    assert sorted(row for data in found.values() for row in data.splitlines(keepends=True)[1:]) == sorted(rows)


def test_a_departement_in_which_nothing_changed_keeps_its_bytes(dataset: Dataset, store: FolderStore) -> None:
    build(dataset, store, ANGERS, NANTES)
    build(dataset, store, {**ANGERS, "nom": "Médiathèque Toussaint"}, NANTES, day="11-22")
    before, after = members(store), members(store, "1.0.1")
    assert {name for name in before if before[name] != after[name]} == {"sites-departement-49.csv"}
    assert store.read(f"versions/essai/1.0.0/{ARCHIVE}")[:60] == store.read(f"versions/essai/1.0.1/{ARCHIVE}")[:60]


def test_a_new_list_of_communes_makes_no_version(dataset: Dataset, store: FolderStore) -> None:
    know(store)
    assert build(dataset, store, ANGERS).new
    know(store, LINES.replace("327734", "330000"))
    assert not build(dataset, store, ANGERS, day="11-22").new
    assert build(dataset, store, {**ANGERS, "nom": "Autre"}, day="11-23").version.version == "1.0.1"
    assert read(store, COMMUNES, "1.0.1")["population"][0] == "330000"


def test_without_a_list_of_communes_the_version_comes_all_the_same_and_says_since_when(
    dataset: Dataset, store: FolderStore
) -> None:
    failed = Latest(failed_on="2026-11-20", failure="no network", tried_on="2026-11-20")
    store.write_json(latest_key("communes"), failed.model_dump(mode="json", exclude_none=True))
    version = build(dataset, store, ANGERS).version
    assert [file.path for file in version.files if file.kind == "coverage"] == [DEPARTMENTS]
    quality = json.loads(store.read("versions/essai/1.0.0/quality.json"))["coverage"]["sites"]
    assert (quality["reference"], quality["reference_unread_since"]) == (None, "2026-11-20")
    assert quality["france"]["population"] is None
    assert "leur liste n'a pas pu être lue depuis le 20 novembre 2026" in read_page(store, "1.0.0", "fr")


def test_the_list_of_communes_goes_with_the_derived_formats_and_comes_again_byte_for_byte(
    dataset: Dataset, store: FolderStore, tmp_path: Path
) -> None:
    know(store)
    for day, name in (("10-02", "a"), ("10-03", "b"), ("11-01", "c"), ("11-02", "d")):
        build(dataset, store, {**ANGERS, "nom": name}, NANTES, day=day)
    know(store, LINES.replace("327734", "330000"))
    before = {name: store.read(f"versions/essai/1.0.0/{name}") for name in (COMMUNES, ARCHIVE)}
    removals = list(surplus(store, "essai", at="2026-11-30T00:00:00+00:00"))
    assert sorted(one.key for one in removals) == [f"versions/essai/1.0.0/{name}" for name in (COMMUNES, ARCHIVE)]
    remove(store, "essai", removals)
    assert verify_store(store, "essai") == []
    assert store.exists(f"versions/essai/1.0.0/{DEPARTMENTS}")
    made = derive_again(store, "essai", "1.0.0", tmp_path / "again")
    assert {path.name: path.read_bytes() for path in made} == before


def test_a_restored_version_has_its_coverage_too(dataset: Dataset, store: FolderStore) -> None:
    know(store)
    build(dataset, store, ANGERS, NANTES)
    build(dataset, store, ANGERS, day="11-22")
    number = restore(dataset, store, "1.0.0", "Nantes was left out by mistake", created="2026-11-23T08:00:00+00:00")
    assert store.read(f"versions/essai/{number.version}/{COMMUNES}") == store.read(f"versions/essai/1.0.0/{COMMUNES}")
    assert verify_store(store, "essai") == []
    assert not build(dataset, store, ANGERS, NANTES, day="11-24").new
    assert load(store, "essai", number.version).files[0].path == "essai-sites.csv"


@pytest.mark.parametrize(
    ("territory", "what"),
    [
        ("{postcode: code_postal, commune: commune, reference: nowhere}", "No reference 'nowhere' is declared"),
        ("{postcode: cp, commune: commune}", "The field 'cp' is not in sites.schema.json"),
        ("{postcode: code_postal, reference: communes}", "needs 'commune' or 'code'"),
    ],
)
def test_a_territory_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, territory: str, what: str) -> None:
    (tmp_path / "references").mkdir()
    (tmp_path / "references" / "communes.yaml").write_text(REFERENCE, encoding="utf-8")
    fields = [*SITES["fields"], {"name": "commune", "type": "string"}]
    text = DECLARED.replace("{postcode: code_postal, commune: commune, reference: communes}", territory)
    with pytest.raises(DeclarationError, match=what) as raised:
        declare(tmp_path, declaration=text, sites={**SITES, "fields": fields})
    assert "territory" in raised.value.faults[0].key


def test_where_a_person_is_forgotten_communes_are_counted_again(
    dataset: Dataset, store: FolderStore, tmp_path: Path
) -> None:
    know(store)
    build(dataset, store, ANGERS, NANTES)
    found = traced(store, "essai", family(dataset, "sites"), ["n--1"])
    texts = only_theirs(*cells_in_versions(store, found))
    lines = {"table": "sites", "texts": texts, "at": "2026-12-01T10:00:00+00:00", "id_too": False}
    person = Person(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, **lines})
    with store.writer():
        forget_in_versions(dataset, store, person)
    assert read(store, COMMUNES)["rows"].to_list() == ["0", "0", "1"]
    quality = json.loads(store.read("versions/essai/1.0.0/quality.json"))["coverage"]["sites"]
    assert (quality["france"]["rows"], quality["france"]["communes_without"]) == (1, 2)
    assert members(store)["sites-departement-44.csv"].count(b"\n") == 1
    assert verify_store(store, "essai") == []
    before = store.read(f"versions/essai/1.0.0/{COMMUNES}")
    store.remove(f"versions/essai/1.0.0/{COMMUNES}")
    made = derive_again(store, "essai", "1.0.0", tmp_path / "again", ["communes"])
    assert [path.read_bytes() for path in made] == [before]
