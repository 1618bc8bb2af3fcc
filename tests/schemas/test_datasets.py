"""The datasets that ship with Glane are declared soundly, in both languages, in schemas that any tool reads."""

import csv
import datetime
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from frictionless import Schema

from glane.declaration import DeclarationError
from pipelines.editor_schemas import DOCS, editor_schemas
from schemas.dataset import Dataset, Table, load_dataset, load_datasets
from schemas.judge import judge
from schemas.rules.prepare import prepared

ROOT = Path(__file__).parent.parent.parent / "schemas"
DATASETS = load_datasets(ROOT)
TABLES = [
    pytest.param(dataset, table, id=f"{dataset.name}/{table.name}")
    for dataset in DATASETS.values()
    for table in dataset.tables
]
LISTS = sorted(ROOT.glob("**/terms/*.csv"))
TODAY = datetime.date(2026, 11, 21)
SHARED = ROOT.parent.parent / "shared" / "schemas"

STANDARD = [
    "id", "pivot", "nom", "commune", "code_postal", "code_insee", "adresse", "complement_adresse", "latitude",
    "longitude", "typologie", "telephone", "courriels", "site_web", "horaires", "presentation_resume",
    "presentation_detail", "source", "itinerance", "structure_parente", "date_maj", "services",
    "publics_specifiquement_adresses", "prise_en_charge_specifique", "frais_a_charge",
    "dispositif_programmes_nationaux", "formations_labels", "autres_formations_labels", "modalites_acces",
    "modalites_accompagnement", "fiche_acces_libre", "prise_rdv",
]  # fmt: skip


def test_the_three_datasets_load_with_their_tables() -> None:
    assert {name: [table.name for table in dataset.tables] for name, dataset in DATASETS.items()} == {
        "atlas_organisations": ["organisations", "links"],
        "inclusion_sites": ["complete", "national"],
        "refurbished_devices": ["refurbishers", "repair_records", "labels"],
    }


def test_the_national_table_has_the_32_columns_of_the_standard_and_complete_begins_with_them() -> None:
    sites = DATASETS["inclusion_sites"]
    assert list(sites.table("national").fields) == STANDARD
    assert list(sites.table("complete").fields[:32]) == STANDARD


@pytest.mark.real
def test_the_national_table_accepts_exactly_what_the_published_standard_accepts() -> None:
    published = SHARED / "inclusion_sites" / "standard-mediation-num_1.0.2_repo.schema.json"
    if not published.exists():
        pytest.skip(f"{published} is not here")
    ours = DATASETS["inclusion_sites"].table("national").schema
    theirs = json.loads(published.read_text(encoding="utf-8"))

    def judged(schema: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [(f["name"], f["type"], f.get("format"), f["constraints"]) for f in schema["fields"]]

    assert judged(ours) == judged(theirs)
    assert ours["primaryKey"] == theirs["primaryKey"]


@pytest.mark.parametrize(("dataset", "table"), TABLES)
def test_every_table_schema_is_a_frictionless_one(dataset: Dataset, table: Table) -> None:
    schema = Schema.from_descriptor(table.schema)
    assert [field.name for field in schema.fields] == list(table.fields)
    assert table.primary_key == ("id",)
    assert table.schema["missingValues"] == [""]


def example_folder(folder: Path, dataset: Dataset) -> Path:
    """A data package whose tables hold one row each, made of the examples of their fields."""
    resources = []
    for table in dataset.tables:
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.fields)
            writer.writerow(field.get("example", "") for field in table.schema["fields"])
        resources.append({"name": table.name, "path": f"{table.name}.csv", "schema": table.schema})
    package = folder / "datapackage.json"
    package.write_text(json.dumps({"resources": resources}), encoding="utf-8")
    return package


def frictionless(*arguments: str, folder: Path) -> dict[str, Any]:
    command = [Path(sys.executable).with_name("frictionless"), "validate", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == report["valid"]
    return report


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_frictionless_itself_accepts_the_examples_tied_by_their_foreign_keys(dataset: Dataset, tmp_path: Path) -> None:
    package = example_folder(tmp_path, dataset)
    report = frictionless(package.name, folder=tmp_path)
    assert [(task["name"], task["errors"]) for task in report["tasks"]] == [(t.name, []) for t in dataset.tables]
    assert all(task["stats"]["rows"] == 1 for task in report["tasks"])


@pytest.mark.parametrize(("dataset", "table"), TABLES)
def test_the_examples_of_a_table_make_a_row_that_passes(dataset: Dataset, table: Table) -> None:
    cells = {field["name"]: [field.get("example") or None] for field in table.schema["fields"]}
    row = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)).with_columns(
        pl.lit(2).alias("_line").cast(pl.Int64)
    )
    holders = pl.DataFrame({"id": cells.get("holder", [])}, schema={"id": pl.String})
    linked = pl.DataFrame({"id": cells.get("organisation", [])}, schema={"id": pl.String})
    assert [
        (p.field, p.rule)
        for p in judge(
            dataset, table, row, today=TODAY, known_keys={"refurbishers": holders, "organisations": linked}
        ).problems
    ] == []


def test_frictionless_accepts_a_file_under_our_schema_file_alone(tmp_path: Path) -> None:
    dataset = DATASETS["inclusion_sites"]
    example_folder(tmp_path, dataset)
    for table in dataset.tables:
        shutil.copy(table.schema_path, tmp_path)
        report = frictionless(f"{table.name}.csv", "--schema", table.schema_path.name, folder=tmp_path)
        assert [task["errors"] for task in report["tasks"]] == [[]]


@pytest.mark.parametrize(("dataset", "table"), TABLES)
def test_every_field_is_told_in_both_languages(dataset: Dataset, table: Table) -> None:
    other = "en" if dataset.line.language == "fr" else "fr"
    wanted = ["title", "description", f"title_{other}", f"description_{other}"]
    assert [(f["name"], key) for f in (*table.schema["fields"], table.schema) for key in wanted if not f.get(key)] == []


@pytest.mark.parametrize("path", LISTS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_term_is_told_in_both_languages_and_every_list_is_used(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(list(row) == ["term", "synonyms", "fr", "en"] for row in rows)
    assert [row for row in rows if not (row["term"] and row["fr"] and row["en"])] == []
    assert path.stem in {name for dataset in DATASETS.values() for table in dataset.tables for name in table.terms}


@pytest.mark.parametrize(("dataset", "table"), TABLES)
def test_the_example_of_a_listed_field_is_on_its_list(dataset: Dataset, table: Table) -> None:
    for name, line in table.line.terms.items():
        example = table.field(name).get("example", "")
        parts = example.split(line.separator) if line.separator else [example]
        assert set(filter(None, parts)) <= set(table.terms[line.list]), name


def test_the_lists_of_complete_hold_exactly_the_terms_of_the_standards_patterns() -> None:
    sites = DATASETS["inclusion_sites"]
    complete, national = sites.table("complete"), sites.table("national")
    patterns = {name: (national.field(name).get("constraints") or {}).get("pattern", "") for name in national.fields}
    listed = {name: line.list for name, line in complete.line.terms.items() if "(?:^|\\|)" in patterns.get(name, "")}
    assert len(listed) == 9
    for name, terms in listed.items():
        inner = re.sub(r"^\(\?:\(\?:\^\|\\\|\)\((.*)\)\)\+\$$", r"\1", patterns[name])
        assert [re.sub(r"\\(.)", r"\1", term) for term in inner.split("|")] == list(complete.terms[terms])


@pytest.mark.parametrize(("dataset", "table"), TABLES)
def test_every_rule_is_of_the_registry_and_fits_it(dataset: Dataset, table: Table) -> None:
    rules = [prepared(line.rule, line.fields, line.settings, TODAY)[0].name for line in table.line.rules]
    assert rules == [line.rule for line in table.line.rules]


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_every_contributed_row_says_whom_to_credit_and_under_which_licence(dataset: Dataset) -> None:
    for table in dataset.contributed:
        assert {"source": "partner", "attribution": "attribution", "licence": "licence"}.items() <= (
            table.line.provided.items()
        )
        for name in ("id", "source", "attribution", "licence"):
            assert table.field(name)["constraints"]["required"] is True
        assert table.field("id")["constraints"]["pattern"] == "^[a-z0-9-]+--.+$"


def test_a_dataset_accepts_no_licence_that_would_take_over_the_one_it_is_published_under() -> None:
    assert {name: (d.line.licence.publish, d.line.licence.accept) for name, d in DATASETS.items()} == {
        "atlas_organisations": ("CC-BY-SA-4.0", ["CC-BY-SA-4.0", "CC-BY-4.0", "etalab-2.0", "CC0-1.0"]),
        "inclusion_sites": ("etalab-2.0", ["etalab-2.0", "CC0-1.0", "CC-BY-4.0"]),
        "refurbished_devices": ("CC-BY-SA-4.0", ["CC-BY-SA-4.0", "CC-BY-4.0", "etalab-2.0", "CC0-1.0"]),
    }


def test_consent_is_asked_of_each_organisation_and_never_leaves() -> None:
    table = DATASETS["atlas_organisations"].main
    consent = ["consent_status", "consent_date", "consent_channel", "consent_scope"]
    assert [name for name in table.fields if name.startswith("consent_")] == consent
    assert table.line.published_when == {"consent_status": "given"}
    assert [field["name"] for field in table.published_schema()["fields"]] == [
        f for f in table.fields if f not in consent
    ]


def test_labels_are_tied_to_a_refurbisher_and_repairs_need_not_be() -> None:
    devices = DATASETS["refurbished_devices"]
    ties = {t.name: [key["fields"] for key in t.schema.get("foreignKeys", [])] for t in devices.tables}
    assert ties == {"refurbishers": [], "repair_records": ["refurbisher_id"], "labels": ["holder"]}
    assert devices.table("labels").field("holder")["constraints"] == {"required": True}
    assert "constraints" not in devices.table("repair_records").field("refurbisher_id")


def test_the_json_schemas_of_the_docs_are_current() -> None:
    for name, text in editor_schemas().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "run python -m pipelines.editor_schemas"


# A declaration that is wrong says where.


def copied(folder: Path) -> Path:
    for shared in ("terms", "references"):
        shutil.copytree(ROOT / shared, folder / shared)
    return Path(shutil.copytree(ROOT / "inclusion_sites", folder / "inclusion_sites"))


def edited(folder: Path, before: str, after: str) -> Path:
    dataset = copied(folder)
    path = dataset / "dataset.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return dataset


def faults(dataset: Path) -> list[tuple[str, str, str, str]]:
    """Where each fault is, as the text of its line, and what is said of it."""
    with pytest.raises(DeclarationError) as caught:
        load_dataset(dataset)
    path = caught.value.path
    lines = path.read_text(encoding="utf-8").splitlines() or [""]
    return [(path.name, lines[f.line - 1].strip(), f.key, f"{f.what} {f.remedy}".strip()) for f in caught.value.faults]


def test_a_misspelt_key_names_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    assert faults(edited(tmp_path, "    provided:", "    provide:")) == [
        ("dataset.yaml", "provide:", "tables.0.provide", "The key 'provide' is not known. Did you mean 'provided'?")
    ]


def test_an_unknown_licence_names_its_line_and_the_known_ones(tmp_path: Path) -> None:
    ((name, line, key, said),) = faults(edited(tmp_path, "publish: etalab-2.0", "publish: etalab-3.0"))
    assert (name, line, key) == ("dataset.yaml", "publish: etalab-3.0", "licence.publish")
    assert said.startswith("'etalab-3.0' is not on the list of licences: CC0-1.0, PDDL-1.0, etalab-2.0")


def test_a_notice_is_a_day_and_a_text_and_files_and_datastore_have_their_defaults(tmp_path: Path) -> None:
    notice = "notice:\n  date: 2027-01-31\n  text: {fr: Le champ x part., en: The field x goes.}\n"
    line = load_dataset(edited(tmp_path, "\ntables:\n", f"\n{notice}tables:\n")).line
    assert line.notice is not None
    assert (line.notice.date, line.notice.text.en) == (datetime.date(2027, 1, 31), "The field x goes.")
    assert (line.files, line.datastore) == ("portal", "glane")


@pytest.mark.parametrize(
    "written", ["2027-02-30", "31/01/2027", "20270131", "2027-1-31", "1801353600", "2027-01-31T00:00"]
)
def test_a_notice_whose_date_is_no_day_names_its_line(tmp_path: Path, written: str) -> None:
    notice = f"notice:\n  date: {written}\n  text: {{fr: a, en: b}}\n"
    ((name, line, key, said),) = faults(edited(tmp_path, "\ntables:\n", f"\n{notice}tables:\n"))
    assert (name, line, key) == ("dataset.yaml", f"date: {written}", "notice.date")
    assert said.endswith("is no day: write it as YYYY-MM-DD, as in 2027-01-31.")


def test_the_past_is_kept_as_declared_and_inputs_of_versions_for_ever_unless_it_says_otherwise(tmp_path: Path) -> None:
    default = load_dataset(copied(tmp_path / "default")).line.retention
    assert default.model_dump() == {
        "inputs": "always",
        "snapshots": 90,
        "rows": 30,
        "reports": 365,
        "formats": "monthly",
    }
    written = "\nretention: {inputs: 1825, rows: always, formats: always}\ntables:\n"
    line = load_dataset(edited(tmp_path, "\ntables:\n", written)).line
    assert line.retention.model_dump() == default.model_dump() | {"inputs": 1825, "rows": "always", "formats": "always"}


@pytest.mark.parametrize("written", ["0", "-3", "ever", "1.5", "true", "99999999"])
def test_a_retention_that_is_no_number_of_days_names_its_line(tmp_path: Path, written: str) -> None:
    retention = f"\nretention:\n  snapshots: {written}\ntables:\n"
    ((name, line, key, said),) = faults(edited(tmp_path, "\ntables:\n", retention))
    assert (name, line, key) == ("dataset.yaml", f"snapshots: {written}", "retention.snapshots")
    assert said.endswith("is neither a number of days nor 'always': write it as 90 or always.")


def test_a_field_that_the_schema_lacks_names_its_line_and_the_nearest_field(tmp_path: Path) -> None:
    assert faults(edited(tmp_path, "fields: [horaires]", "fields: [horaire]")) == [
        (
            "dataset.yaml",
            "- {rule: opening_hours, fields: [horaire], severity: warning}",
            "tables.0.rules.11.fields.0",
            "The field 'horaire' is not in complete.schema.json. Did you mean 'horaires'?",
        )
    ]


def test_a_missing_schema_file_names_the_line_of_its_table(tmp_path: Path) -> None:
    dataset = copied(tmp_path)
    (dataset / "national.schema.json").unlink()
    said = "The Table Schema national.schema.json is missing. Put it beside dataset.yaml."
    assert faults(dataset) == [("dataset.yaml", "- name: national", "tables.1.name", said)]


def test_an_empty_term_list_is_named(tmp_path: Path) -> None:
    dataset = copied(tmp_path)
    (dataset / "terms" / "frais.csv").write_text("term,synonyms,fr,en\n", encoding="utf-8")
    assert faults(dataset) == [("frais.csv", "term,synonyms,fr,en", "term", "The list is empty. Add a term.")]


def test_a_missing_term_list_is_named(tmp_path: Path) -> None:
    dataset = copied(tmp_path)
    (dataset / "terms" / "frais.csv").unlink()
    with pytest.raises(DeclarationError, match=r"frais\.csv:1: The term list is missing\."):
        load_dataset(dataset)


def test_a_term_told_in_one_language_or_meant_twice_names_its_line(tmp_path: Path) -> None:
    dataset = copied(tmp_path)
    text = "term,synonyms,fr,en\nGratuit,libre,Gratuit,\nPayant,libre,Payant,Paid\n"
    (dataset / "terms" / "frais.csv").write_text(text, encoding="utf-8")
    assert faults(dataset) == [
        ("frais.csv", "Gratuit,libre,Gratuit,", "en", "The cell is empty. Fill it or remove the line."),
        ("frais.csv", "Payant,libre,Payant,Paid", "synonyms", "'libre' stands on the list already. Keep one."),
    ]


def test_a_term_list_shared_by_datasets_judges_rows_too(tmp_path: Path) -> None:
    before = load_dataset(copied(tmp_path))
    shared = tmp_path / "terms" / "countries.csv"
    shared.write_text(shared.read_text(encoding="utf-8") + "XK,,Kosovo,Kosovo\n", encoding="utf-8")
    after = load_dataset(tmp_path / "inclusion_sites")
    assert after.main.terms["countries"][-1] == "XK"
    assert before.fingerprint != after.fingerprint
