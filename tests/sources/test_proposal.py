"""What is proposed for a partner's file of which nothing is declared, and what is marked as not sure."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from glane.errors import CallError
from glane.text import Text
from schemas.dataset import Dataset, load_dataset
from schemas.template import template
from sources.check import check_against
from sources.declaration import Source, load_source, load_sources
from sources.proposal.look import look
from sources.proposal.matching import SURE
from sources.proposal.proposal import Proposal, propose, write_source
from sources.proposal.writing import Credit
from sources.testing import run_sample
from tests.sources.material import REAL

ROOT = Path(__file__).parents[2]
CREDIT = Credit(Text(fr="Lieux", en="Places"), "Un hub", "etalab-2.0", "Un hub, 2026", "fr", "FR")
HEADER = ["Réf", "Nom du lieu", "Adresse", "CP", "Ville", "Tel", "Courriel", "Note interne", "Lat", "Lng"]
ROWS = [
    line.split(";")
    for line in (
        "A1;Fablab d'Été;3 rue Haute;49000;Angers;02 41 00 00 01;a@hub.example;ne pas dire;47.4712;-0.5518",
        "A2;Médiathèque;1 place Verte;44000;Nantes;02 40 00 00 02;b@hub.example;secret;47.2184;-1.5536",
        "A3;Espace public;9 quai Nord;35000;Rennes;02 99 00 00 03;c@hub.example;rien;48.1173;-1.6778",
    )
]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset(ROOT / "schemas" / "inclusion_sites")


@pytest.fixture(scope="module")
def known() -> list[Source]:
    return [one for one in load_sources(ROOT / "sources", "inclusion_sites") if isinstance(one, Source)]


def proposed(dataset: Dataset, known: list[Source], path: Path, **more: Any) -> Proposal:
    return propose(dataset, known, path, name=path.name, country="FR", language="fr", **more)


def as_csv(rows: list[list[str]], delimiter: str = ";") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


def test_columns_are_known_by_name_and_by_what_stands_in_them(
    dataset: Dataset, known: list[Source], tmp_path: Path
) -> None:
    # The names of the telephone's and address's columns say nothing.
    header = [{"Tel": "Champ 6", "Courriel": "Champ 7"}.get(name, name) for name in HEADER]
    path = tmp_path / "lieux.csv"
    path.write_bytes(as_csv([header, *ROWS]).encode("cp1252"))
    found = proposed(dataset, known, path)
    assert {name: one.column.name for name, one in found.found.matches.items()} == {
        "nom": "Nom du lieu",
        "adresse": "Adresse",
        "code_postal": "CP",
        "commune": "Ville",
        "telephone": "Champ 6",
        "courriels": "Champ 7",
        "latitude": "Lat",
        "longitude": "Lng",
    }
    assert [name for name, one in found.found.matches.items() if one.score < SURE] == ["telephone", "courriels"]
    assert (found.found.identity, found.found.rest) == (("Réf",), ("Note interne",))
    assert (found.format.kind, found.format.encoding, found.format.delimiter) == ("csv", "cp1252", ";")


def test_the_folder_that_is_written_runs_and_waits_for_a_person(
    dataset: Dataset, known: list[Source], tmp_path: Path
) -> None:
    path = tmp_path / "lieux.csv"
    path.write_text(as_csv([HEADER, *ROWS]))
    folder = tmp_path / "sources" / "inclusion_sites" / "un-hub"
    files = write_source(proposed(dataset, known, path), folder, CREDIT, {"file": "../lieux.csv"}, active=False)
    assert [file.name for file in files] == ["expected.csv", "sample.csv", "source.yaml"]
    source = load_source(folder)
    check_against(source, dataset)
    assert (source.line.state, source.line.licence, source.line.ignore) == ("paused", "etalab-2.0", ["Note interne"])
    assert run_sample(source, dataset).ok
    assert source.line.expected is not None
    assert source.line.expected.rows == 3
    # What no field takes may be what must not leave the partner: the sample does not hold it.
    assert "secret" not in (folder / "sample.csv").read_text()
    assert "Nantes" in (folder / "sample.csv").read_text()


def test_nothing_is_written_over_and_nothing_half(dataset: Dataset, known: list[Source], tmp_path: Path) -> None:
    path = tmp_path / "lieux.csv"
    path.write_text(as_csv([HEADER, *ROWS]))
    found = proposed(dataset, known, path)
    folder = tmp_path / "sources" / "inclusion_sites" / "un-hub"
    with pytest.raises(CallError, match="'Un_Hub' is no name for a source"):
        write_source(found, folder.with_name("Un_Hub"), CREDIT, {"file": "x.csv"}, active=False)
    with pytest.raises(CallError, match="exactly one of file"):
        write_source(found, folder, CREDIT, {"file": "x.csv", "url": "https://a.example"}, active=False)
    assert not folder.exists()
    folder.mkdir(parents=True)
    with pytest.raises(CallError, match="is there already"):
        write_source(found, folder, CREDIT, {"file": "x.csv"}, active=False)


def test_terms_that_the_list_does_not_know_are_proposed_and_never_decided(
    dataset: Dataset, known: list[Source], tmp_path: Path
) -> None:
    offers = ["gratuit", "Payan", "sur devis", "Gratuit"]
    path = tmp_path / "lieux.csv"
    rows = [[*row, offers[number]] for number, row in enumerate([*ROWS, ["A4", *ROWS[0][1:]]])]
    path.write_text(as_csv([[*HEADER, "Tarif"], *rows]))
    folder = tmp_path / "sources" / "inclusion_sites" / "un-hub"
    write_source(proposed(dataset, known, path), folder, CREDIT, {"file": "../lieux.csv"}, active=True)
    text = (folder / "source.yaml").read_text()
    assert "    #   Payan: Payant\n" in text
    assert "    #   sur devis: ''\n" in text
    source = load_source(folder)
    assert (source.line.map["frais_a_charge"].column, source.line.map["frais_a_charge"].terms) == ("Tarif", {})
    assert source.line.state == "active"


def test_days_and_metres_are_put_together(dataset: Dataset, known: list[Source], tmp_path: Path) -> None:
    days = ["Lundi", "Mardi", "Mercredi", "Jeudi", "Vendredi", "Samedi"]
    header = [*HEADER[:8], "X", "Y", *days]
    rows = [[*row[:8], "432000,5", "6710000,2", *["9h-12h"] * 6] for row in ROWS]
    path = tmp_path / "lieux.csv"
    path.write_text(as_csv([header, *rows]))
    folder = tmp_path / "sources" / "inclusion_sites" / "un-hub"
    write_source(proposed(dataset, known, path), folder, CREDIT, {"file": "../lieux.csv"}, active=False)
    made = load_source(folder).line.map
    assert made["horaires"].days == dict(zip(("Mo", "Tu", "We", "Th", "Fr", "Sa"), days, strict=True))
    assert (made["latitude"].point, made["latitude"].projection) == (["X", "Y"], "lambert93")
    with (folder / "expected.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (first["horaires"], first["latitude"][:5]) == ("Mo-Sa 09:00-12:00", "47.43")


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "json", "jsonl", "geojson"])
def test_every_kind_is_recognised_and_its_sample_reads_like_the_file(
    kind: str, dataset: Dataset, known: list[Source], tmp_path: Path
) -> None:
    path = tmp_path / f"lieux.{kind}"
    objects = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    if kind == "xlsx":
        book = openpyxl.Workbook()
        sheet: Any = book.active
        sheet.append(["À lire d'abord"])
        sheet = book.create_sheet("Lieux")
        for line in (["Annuaire du hub"], [], HEADER, *ROWS):
            sheet.append(line)
        book.save(path)
    elif kind == "json":
        path.write_text(json.dumps({"total": 3, "donnees": {"lieux": objects}}))
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in objects))
    elif kind == "geojson":
        shapes = [{"type": "Point", "coordinates": [float(one.pop("Lng")), float(one.pop("Lat"))]} for one in objects]
        features = [{"type": "Feature", "properties": o, "geometry": g} for o, g in zip(objects, shapes, strict=True)]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    else:
        path.write_text(as_csv([HEADER, *ROWS], "\t" if kind == "tsv" else ","))
    folder = tmp_path / "sources" / "inclusion_sites" / "un-hub"
    found = proposed(dataset, known, path)
    write_source(found, folder, CREDIT, {"file": "x"}, active=False)
    source = load_source(folder)
    assert (source.line.format.kind, source.line.format.sheet) == (kind, "Lieux" if kind == "xlsx" else None)
    assert source.line.id is not None
    assert source.line.id.columns == ["Réf"]
    with (folder / "expected.csv").open() as file:
        rows = [(row["id"], row["commune"], row["latitude"][:4]) for row in csv.DictReader(file)]
    assert rows == [
        ("un-hub--a1", "Angers", "47.4"),
        ("un-hub--a2", "Nantes", "47.2"),
        ("un-hub--a3", "Rennes", "48.1"),
    ]


def test_a_file_without_numbers_of_its_own_is_told_apart_by_what_it_has(
    dataset: Dataset, known: list[Source], tmp_path: Path
) -> None:
    path = tmp_path / "lieux.csv"
    path.write_text(as_csv([HEADER[1:], *[row[1:] for row in ROWS]]))
    folder = tmp_path / "sources" / "inclusion_sites" / "un-hub"
    write_source(proposed(dataset, known, path), folder, CREDIT, {"file": "x.csv"}, active=False)
    identity = load_source(folder).line.id
    assert identity is not None
    assert identity.fields == ["nom", "code_postal", "adresse"]
    named = proposed(dataset, known, path, identity=["Courriel"])
    assert named.found.identity == ("Courriel",)
    with pytest.raises(CallError, match="has no column 'Numéro'"):
        proposed(dataset, known, path, identity=["Numéro"])


def test_our_own_template_is_known_column_by_column(dataset: Dataset, known: list[Source], tmp_path: Path) -> None:
    path = tmp_path / "modele.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(template(dataset, dataset.main, "fr")))
    sheet = book.worksheets[0]
    names = [str(cell.value) for cell in sheet[1]]
    for row in (2, 3):
        sheet.cell(row, names.index("id") + 1, f"{row}")
        sheet.cell(row, names.index("nom") + 1, "Fablab")
    book.save(path)
    found = proposed(dataset, known, path).found
    assert {name: one.column.name for name, one in found.matches.items()} == {n: n for n in names if n != "id"}
    assert (found.identity, found.rest) == (("id",), ())


def test_a_file_of_something_else_is_said_to_be(dataset: Dataset, known: list[Source], tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("zzz,qqq\n7,8\n9,10\n")
    with pytest.raises(CallError, match=r"No column of stock\.csv is for a field of inclusion_sites"):
        proposed(dataset, known, path)


def test_days_that_open_and_close_in_columns_of_their_own_are_put_together(
    dataset: Dataset, known: list[Source], tmp_path: Path
) -> None:
    path = tmp_path / "horaires.csv"
    days = ["lundi", "mardi", "mercredi", "jeudi", "vendredi"]
    names = [f"{what} {day}" for day in days for what in ("Ouverture matin", "Fermeture matin")]
    path.write_text(
        ";".join(["Nom", "Lundi", *names]) + "\n" + "Fablab;Mo;" + ";".join(["08:30", "16h"] * 5) + "\n", "utf-8"
    )
    found = proposed(dataset, known, path).found
    assert found.days == {
        day: (f"Ouverture matin {name}", f"Fermeture matin {name}")
        for day, name in zip(("Mo", "Tu", "We", "Th", "Fr"), days, strict=True)
    }


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="partners' real files are not here: ../shared/data")
@pytest.mark.long
def test_nearly_four_fifths_of_the_columns_of_real_files_are_mapped_right() -> None:
    from bench.proposal import measure_all

    figures = measure_all()
    assert sum(one.right for one in figures) / sum(one.columns for one in figures) >= 0.79
    assert sum(one.wrong for one in figures) <= 9
    assert [one.source for one in figures if not one.table_right] == []


def test_what_is_looked_at_is_pinned(tmp_path: Path) -> None:
    path = tmp_path / "sans-extension"
    path.write_bytes("Nom|Ville\nÉcole|Angers\n".encode("utf-16"))
    declared, reading = look(path)
    assert (declared.kind, declared.encoding, declared.delimiter) == ("csv", "utf-16", "|")
    assert reading.records[0].cells == {"Nom": "École", "Ville": "Angers"}
