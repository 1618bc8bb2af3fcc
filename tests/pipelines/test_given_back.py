"""What a partner sends back of ours: unchanged it changes nothing, and an id stays with what it names."""

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pytest

from glane.store import FolderStore, sha256_of
from pipelines.catalogue import load_catalogue
from pipelines.given_back import annotated, cleaned_copy, published_rows
from pipelines.intake import take_in
from pipelines.judging import Judged, judge_file
from schemas.judgement import LINE
from schemas.report import SourceReport
from schemas.rows import keep, last_good
from schemas.template import template
from sources.declaration import Source
from sources.identity.ids import past_of
from sources.identity.register import keep_register
from sources.returned import is_ours
from sources.snapshot import Snapshot
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons
from tests.sources.test_samples import DATASETS, declared, every_source, sample

FIRST, LATER = "2026-11-01T06:00:00+00:00", "2026-11-20T06:00:00+00:00"


def judged(store: FolderStore, source: Source, path: Path, day: str = FIRST) -> Judged:
    """What becomes of the file at `path` when it comes on that day."""
    digest = sha256_of(path)
    snapshot = Snapshot(
        source.dataset, source.partner, digest, path.stat().st_size, "", True, day, day, "first", path.name
    )
    past = past_of(store, source.dataset, source.partner)
    return judge_file(source, DATASETS[source.dataset], snapshot, path, run_at=day, past=past)


def kept(store: FolderStore, source: Source, found: Judged, day: str = FIRST) -> None:
    dataset = DATASETS[source.dataset]
    keep_register(store, source.dataset, source.partner, found.register)
    keep(
        store,
        dataset,
        found.table,
        source.partner,
        found.judgement,
        snapshot="a" * 64,
        mapped_by=source.fingerprint,
        judged_at=day,
    )


def rows_of(found: Judged) -> list[tuple[Any, ...]]:
    return found.judgement.rows.drop(LINE).rows()


def counts(found: Judged) -> tuple[int, int, int]:
    return found.judgement.passed, found.judgement.to_correct, found.judgement.on_hold


def keys(found: Judged) -> dict[str, tuple[str, ...]]:
    return {name: one.keys for name, one in found.register.ids.items()}


def filled_template(store: FolderStore, source: Source, found: Judged) -> bytes:
    return template(DATASETS[source.dataset], found.table, "fr", published_rows(store, source, found.table))


def cleaned(store: FolderStore, source: Source, found: Judged) -> bytes:
    data = cleaned_copy(source, DATASETS[source.dataset], found)
    assert data is not None
    return data


def marked(store: FolderStore, source: Source, found: Judged) -> bytes:
    data = annotated(source, DATASETS[source.dataset], found)
    assert data is not None
    return data


def opened_and_saved(path: Path) -> None:
    """As a spreadsheet program does: what it does not know is not in the file any more."""
    openpyxl.load_workbook(io.BytesIO(path.read_bytes())).save(path)


@every_source
def test_sent_back_unchanged_each_of_them_changes_nothing(name: str, tmp_path: Path) -> None:
    source, store = declared(name), FolderStore(tmp_path / "store")
    before = judged(store, source, sample(name))
    kept(store, source, before)
    path = tmp_path / "leur nom.xlsx"
    for make in (marked, cleaned, filled_template):
        path.write_bytes(make(store, source, before))
        after = judged(store, source, path, LATER)
        assert rows_of(after) == rows_of(before)
        assert keys(after) == keys(before)
        assert counts(after)[0] == counts(before)[0]
        # In the template stands what we publish, and nothing else.
        assert counts(after) == (counts(before) if make is not filled_template else (counts(before)[0], 0, 0))


def as_ods(path: Path) -> None:
    """The workbook at `path` as an OpenDocument one: what LibreOffice makes of it where a person saves it so."""

    def cell(value: object) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, float | int):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        text = value.date().isoformat() if isinstance(value, datetime.datetime) else str(value)
        return f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'

    sheets = "".join(
        f'<table:table table:name="{sheet.title}">'
        + "".join(
            f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in sheet.iter_rows(values_only=True)
        )
        + "</table:table>"
        for sheet in openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    )
    names = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text")}
    spaces = " ".join(f'xmlns:{name}="{uri}"' for name, uri in names.items())
    body = f"<office:body><office:spreadsheet>{sheets}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")


@pytest.mark.parametrize("saved", [opened_and_saved, as_ods])
@pytest.mark.parametrize("name", ["inclusion_sites/mediation-outre-mer", "atlas_organisations/atlas-tech-sociale"])
def test_whatever_program_saves_it_it_is_known_again(name: str, saved: Callable[[Path], None], tmp_path: Path) -> None:
    source, store = declared(name), FolderStore(tmp_path / "store")
    before = judged(store, source, sample(name))
    kept(store, source, before)
    path = tmp_path / "lieux.csv"
    path.write_bytes(cleaned(store, source, before))
    saved(path)
    after = judged(store, source, path, LATER)
    assert (rows_of(after), counts(after), keys(after)) == (rows_of(before), counts(before), keys(before))


def test_a_mark_opens_no_door_to_a_workbook_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "lieux.xlsx"
    book = openpyxl.Workbook()
    book.active.cell(1, 1, "Nom")  # type: ignore[union-attr]
    book.create_sheet("_glane").cell(1_048_576, 16_384, "x")
    book.save(path)
    assert not is_ours(path)


def ids_and_names(commons: Commons, partner: str) -> dict[str, str]:
    found = last_good(FolderStore(Path(commons.settings.store)), "lieux", partner)
    return dict(found[0].select("id", "nom").iter_rows()) if found else {}


def taken(commons: Commons, partner: str) -> SourceReport:
    """What a run answers to one partner."""
    entry = load_catalogue(commons.settings)["lieux"]
    intake = take_in(entry.source(partner), entry.dataset, FolderStore(Path(commons.settings.store)))
    assert intake.error is None
    return intake.report


def their_file(commons: Commons, partner: str) -> Path:
    return commons.settings.sources / "lieux" / partner / "lieux.csv"


def test_sent_back_unchanged_none_of_them_makes_a_version(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    def run() -> tuple[str, list[dict[str, str]]]:
        said = glane("run", "--json")
        assert said.code == 0, said.out + said.err
        version = json.loads(said.out)["datasets"][0]["version"]
        return version, [ids_and_names(commons, partner) for partner in ("angers", "brest", "caen")]

    before = run()
    assert glane("template", "lieux", "--source", "angers", "--to", str(tmp_path / "angers")).code == 0
    assert glane("report", "lieux/brest", "--cleaned", str(tmp_path / "brest")).code == 0
    assert glane("report", "lieux/caen", "--annotated", str(tmp_path / "caen")).code == 0
    for partner in ("angers", "brest", "caen"):
        their_file(commons, partner).write_bytes((tmp_path / partner).read_bytes())
    assert run() == before


def test_what_we_publish_is_no_file_that_shrank(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    right, wrong = [f"{n},Lieu {n},49000" for n in range(20)], [f"{n},Lieu {n},4900" for n in range(20, 80)]
    commons.file("angers", "\n".join([*right, *wrong, ""]))
    taken(commons, "angers")
    path = tmp_path / "angers.xlsx"
    assert glane("template", "lieux", "--source", "angers", "--to", str(path)).code == 0
    their_file(commons, "angers").write_bytes(path.read_bytes())
    counts = taken(commons, "angers").counts
    assert counts is not None
    assert (counts.rows_in, counts.passed) == (20, 20)


def test_a_person_changes_adds_and_takes_out_rows_and_every_id_stays_with_its_row(
    commons: Commons, glane: Glane, tmp_path: Path
) -> None:
    taken(commons, "angers")
    path = tmp_path / "angers.xlsx"
    assert glane("template", "lieux", "--source", "angers", "--to", str(path)).code == 0
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    nom, postcode = names.index("nom") + 1, names.index("code_postal") + 1
    assert [sheet.cell(2, nom).value, sheet.cell(3, nom).value] == ["Le Fil", "La Boussole"]
    sheet.cell(2, nom).value = "La Fabrique"
    sheet.cell(3, nom).value = sheet.cell(3, postcode).value = None
    sheet.cell(4, nom).value, sheet.cell(4, postcode).value = "Le Pont", "49300"
    book.save(path)
    their_file(commons, "angers").write_bytes(path.read_bytes())
    taken(commons, "angers")
    after = ids_and_names(commons, "angers")
    (new,) = set(after) - {"angers--1"}
    assert after == {"angers--1": "La Fabrique", new: "Le Pont"}
    assert new.startswith("angers--")
    # Sent again without the ids that we gave meanwhile, the row that was added is still the same.
    book.properties.title = "encore"
    sheet.cell(4, nom).value = "Le Ponts"
    book.save(path)
    their_file(commons, "angers").write_bytes(path.read_bytes())
    taken(commons, "angers")
    assert ids_and_names(commons, "angers") == {"angers--1": "La Fabrique", new: "Le Ponts"}


def test_an_id_that_does_not_stand_is_told_and_holds_its_row_alone(
    commons: Commons, glane: Glane, tmp_path: Path
) -> None:
    taken(commons, "angers")
    path, back = tmp_path / "angers.xlsx", tmp_path / "retour.xlsx"
    glane("template", "lieux", "--source", "angers", "--to", str(path))
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    for row, cells in enumerate([("angers--1", "Le Fil bis", "49000"), ("angers--99", "Le Pont", "49300")], start=4):
        for name, value in zip(("id", "nom", "code_postal"), cells, strict=True):
            sheet.cell(row, names.index(name) + 1).value = value
    book.save(path)
    said = glane("check", str(path), "--source", "lieux/angers", "--json", "--cleaned", str(back))
    answer = json.loads(said.out)
    assert (said.code, answer["counts"]["passed"], answer["counts"]["to_correct"]) == (1, 2, 2)
    told = {group["rule"]: group["examples"][0] for group in answer["problems"]}
    assert {rule: (one["line"], one["cell"]) for rule, one in told.items()} == {
        "identity_copied": (4, "angers--1"),
        "identity_unknown": (5, "angers--99"),
    }
    wrong = {
        cell.value: cell.comment and cell.comment.text
        for row in openpyxl.load_workbook(back).worksheets[0]
        for cell in row
    }
    assert "jamais donné" in str(wrong["angers--99"])
    again = glane("check", str(back), "--source", "lieux/angers", "--json")
    assert json.loads(again.out)["counts"] == answer["counts"]


def test_a_workbook_that_is_not_theirs_is_no_file_of_theirs(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    refused = glane("template", "lieux", "--source", "angers")
    assert (refused.code, "Nothing of lieux/angers is fit to publish yet" in refused.err) == (2, True)
    taken(commons, "angers")
    path = tmp_path / "angers.xlsx"
    glane("template", "lieux", "--source", "angers", "--to", str(path))
    said = glane("check", str(path), "--source", "lieux/brest", "--lang", "en")
    assert said.code == 1
    assert "was made for lieux/angers" in " ".join(said.out.split())


def test_rows_without_a_number_keep_their_ids_and_what_is_doubtful_is_asked(commons: Commons) -> None:
    commons.edit("angers", "id: {columns: [numero]}", "id: {fields: [nom, code_postal]}")
    commons.file("angers", "1,Le Fil d'Ariane,49000\n2,La Boussole,49100\n")
    taken(commons, "angers")
    first = ids_and_names(commons, "angers")
    (fil,) = [name for name, nom in first.items() if nom == "Le Fil d'Ariane"]
    commons.file("angers", "2,La Boussole,49100\n1,Le Fils d'Ariane,49000\n")
    assert taken(commons, "angers").problems == ()
    assert ids_and_names(commons, "angers") == {**first, fil: "Le Fils d'Ariane"}
    commons.file("angers", "2,La Boussole,49100\n1,Le Fil de Diane,49000\n")
    (asked,) = taken(commons, "angers").problems
    assert (asked.rule, asked.severity, asked.lines) == ("identity_doubtful", "warning", (3,))
    assert "Le Fil de Diane, 49000" in asked.message.fr
    assert "Le Fils d'Ariane, 49000" in asked.message.fr
    assert ids_and_names(commons, "angers") == {**first, fil: "Le Fil de Diane"}
    # The partner says no.
    commons.edit("angers", "id: {fields: [nom, code_postal]}", f"id: {{fields: [nom, code_postal], apart: [{fil}]}}")
    taken(commons, "angers")
    assert fil not in ids_and_names(commons, "angers")


def test_a_file_of_before_brings_the_ids_of_before(commons: Commons) -> None:
    commons.edit("angers", "id: {columns: [numero]}", "id: {fields: [nom, code_postal]}")
    seen = []
    for rows in (
        "1,Le Fil,49000\n2,La Boussole,49100\n",
        "2,La Boussole,49100\n",
        "2,La Boussole,49100\n1,Le Fil,49000\n",
    ):
        commons.file("angers", rows)
        taken(commons, "angers")
        seen.append(ids_and_names(commons, "angers"))
    assert seen[0] == seen[2]
    assert len(seen[1]) == 1


def test_a_partner_that_numbers_its_rows_anew_is_told(commons: Commons) -> None:
    rows = [("Le Fil", "49000"), ("La Boussole", "49100"), ("Le Phare", "49200")]
    commons.file("angers", "".join(f"{n},{nom},{cp}\n" for n, (nom, cp) in enumerate(rows, 1)))
    taken(commons, "angers")
    commons.file("angers", "".join(f"{n},{nom},{cp}\n" for n, (nom, cp) in enumerate(rows, 101)))
    (told,) = taken(commons, "angers").problems
    assert (told.rule, told.severity) == ("identity_renumbered", "warning")
    assert "3 lignes ont changé de numéro" in told.message.fr
