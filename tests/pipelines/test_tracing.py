"""A published cell leads back to the line it came of, and what is worked out again is what is published; what is
missing on the way is told, and nothing is written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from glane.errors import CallError
from glane.removals import Removal, remove
from glane.store import FolderStore, sha256_of
from pipelines.catalogue import Entry, load_catalogue
from pipelines.cli.say import day
from pipelines.intake import take_in
from pipelines.release import make_version
from pipelines.tracing.trace import Trace, trace
from publish.about import PROVENANCE
from publish.restoration import restore
from publish.tracing.found import UnknownRowError
from schemas.dataset import Dataset
from schemas.tracing import Step
from tests.pipelines.conftest import Glane
from tests.pipelines.material import Commons, make_commons, three_partners
from tests.pipelines.test_decisions import decide
from tests.sources.geocoder import Known, geocoder

OWN_WAY = "  nom: {column: nom, clean: [text], terms: {Le fil: Le Fil}}"


@pytest.fixture
def two(tmp_path: Path) -> Commons:
    return of_two(three_partners(tmp_path))


def of_two(commons: Commons) -> Commons:
    """`angers` and `brest` list one place, each in its own way."""
    commons.edit("angers", "  nom: nom", OWN_WAY)
    commons.file("angers", "1,Le  fil,49000\n2,La Boussole,49100\n")
    commons.file("brest", "7,LE FIL,49000\n8,Le Phare,29200\n")
    return commons


def entry_of(commons: Commons) -> Entry:
    return load_catalogue(commons.settings)["lieux"]


def store_of(commons: Commons) -> FolderStore:
    return FolderStore(Path(commons.settings.store))


def run(commons: Commons) -> str:
    """Take every source in and make a version; gives its number."""
    entry, store = entry_of(commons), store_of(commons)
    for source in entry.sources:
        assert take_in(source, entry.dataset, store).error is None
    return make_version(entry, store).version.version


def traced(commons: Commons, identifier: str, field: str | None = None, **how: Any) -> Trace:
    return trace(entry_of(commons), store_of(commons), identifier, field, **how)


def steps(found: Trace, field: str, partner: str) -> list[Step]:
    origin = next(one for one in found.origins if one.input.partner == partner)
    return list(origin.fields[field].steps)


def links(found: Trace) -> set[str]:
    of_rows = {one.link for origin in found.origins for one in origin.missing}
    return of_rows | {one.link for field in found.fields for one in field.missing}


def test_a_cell_leads_back_to_its_line_through_each_cleaner_and_each_choice(two: Commons) -> None:
    assert run(two) == "1.0.0"
    found = traced(two, "brest--7", "nom")
    (field,) = found.fields
    assert (found.row.id, found.asked, field.published, field.worked_out) == (
        *("angers--1", "brest--7", "Le Fil", "Le Fil"),
    )
    assert (field.agrees, field.whole, links(found)) == (True, True, set())
    told = [(one.input.partner, one.file, one.place, one.line.own, one.line.stands) for one in found.origins]
    assert told == [("angers", "lieux.csv", 2, "angers--1", True), ("brest", "lieux.csv", 2, "brest--7", False)]
    assert found.origins[0].fields["nom"].read == {"nom": "Le  fil"}
    assert steps(found, "nom", "angers") == [
        Step("column", None, "Le  fil"),
        Step("text", "Le  fil", "Le fil"),
        Step("terms", "Le fil", "Le Fil"),
    ]
    assert field.chosen is not None
    assert [(one.partner, one.cell, one.stood, one.by) for one in field.chosen.candidates] == [
        ("angers", "Le Fil", True, None),
        ("brest", "LE FIL", False, "partner"),
    ]
    assert [(tie.why, tie.a, tie.b, tie.fields) for tie in found.ties] == [
        ("key", "angers--1", "brest--7", ("nom", "code_postal"))
    ]


def test_the_command_tells_it_in_both_languages_and_to_programs(commons: Commons, glane: Glane) -> None:
    run(of_two(commons))
    found = traced(commons, "angers--1")
    shas = [one.line.snapshot for one in found.origins]
    today = day(found.version.created)
    said = glane("trace", "lieux", "brest--7", "nom")
    assert (said.code, said.out.splitlines()) == (
        0,
        [
            f"lieux, version of {today} (1.0.0), table places",
            "  row angers--1",
            "  brest--7 went into angers--1",
            "",
            "Where the row comes from",
            "  angers (Association angers), etalab-2.0, to be credited as “Association angers, 2026”",
            f"    line 2 of lieux.csv, snapshot of {today}, sha256 {shas[0]}",
            "    its own id: angers--1, the one that is published",
            "  brest (Association brest), etalab-2.0, to be credited as “Association brest, 2026”",
            f"    line 2 of lieux.csv, snapshot of {today}, sha256 {shas[1]}",
            "    its own id: brest--7",
            "",
            "Why this is one thing",
            "  angers--1 and brest--7: same nom, code_postal",
            "",
            "nom",
            "  angers (angers--1)",
            '    column nom: "Le  fil"',
            '    cleaner text: "Le  fil" -> "Le fil"',
            '    term translated: "Le fil" -> "Le Fil"',
            "  brest (brest--7)",
            '    column nom: "LE FIL"',
            "  a choice of 2 rows, in the order owner, newest, trust",
            '    * angers (angers--1): "Le Fil"',
            '    - brest (brest--7): "LE FIL" (all else alike, by the name of the partner)',
            '  = "Le Fil", worked out again: the same, byte for byte',
        ],
    )
    french = glane("trace", "lieux", "angers--1", "--lang", "fr").out.splitlines()
    assert '  = "Le Fil", retracé : identique à l\'octet près' in french
    told = json.loads(glane("trace", "lieux", "angers--1", "nom", "--json").out)
    assert (told["agrees"], told["fields"][0]["published"], told["origins"][1]["own"]) == (True, "Le Fil", "brest--7")
    wrong = [glane("trace", "lieux", "angers--1", "--lang", "xx"), glane("trace", "lieu", "angers--1")]
    assert [one.code for one in wrong] == [2, 2]
    assert "Did you mean 'lieux'?" in wrong[1].err


def test_tracing_writes_nothing(two: Commons) -> None:
    run(two)
    root = Path(two.settings.store)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    traced(two, "angers--1")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_what_stewards_decided_is_a_step_with_its_line(two: Commons) -> None:
    decide(
        two,
        {"kind": "correction", "id": "brest--7", "field": "nom", "seen": "Le Fil", "value": "Le Beau Fil"},
        {"kind": "correction", "id": "angers--1", "field": "nom", "seen": "Le Beau Fil", "value": "Au Beau Fil"},
        {"kind": "same", "id": "angers--2", "other": "brest--8"},
    )
    run(two)
    (field,) = traced(two, "angers--1", "nom").fields
    assert (field.published, field.whole, [one.line for one in field.decided]) == ("Au Beau Fil", True, [2, 3])
    assert field.then == (Step("correction", "Le Fil", "Au Beau Fil"),)
    joined = traced(two, "brest--8")
    assert [(tie.why, tie.line) for tie in joined.ties] == [("decision", 4)]
    assert joined.agrees


def test_a_decision_that_came_later_is_told_as_such(two: Commons) -> None:
    run(two)
    decide(two, {"kind": "correction", "id": "angers--1", "field": "nom", "seen": "Le Fil", "value": "Au Fil"})
    (field,) = traced(two, "angers--1", "nom").fields
    assert (field.agrees, field.then, field.decided) == (True, (), ())
    assert [one.link for one in field.missing] == ["decided-since"]


def test_an_older_version_is_traced_by_what_it_was_made_of(two: Commons) -> None:
    run(two)
    two.file("angers", "1,Le  fil,49000\n")
    two.file("brest", "8,Le Grand Phare,29200\n7,LE FIL,49000\n")
    run(two)
    assert traced(two, "brest--8", "nom").fields[0].published == "Le Grand Phare"
    before = traced(two, "brest--8", "nom", number="1.0.0")
    assert (before.fields[0].published, before.fields[0].whole, before.origins[0].place) == ("Le Phare", True, 3)
    with pytest.raises(UnknownRowError) as left:
        traced(two, "angers--2")
    assert left.value.remedy == "It was last in 1.0.0: glane trace lieux angers--2 --version 1.0.0"
    dataset = entry_of(two).dataset
    assert isinstance(dataset, Dataset)
    version = restore(dataset, store_of(two), "1.0.0", "essai", created="2026-11-23T08:00:00+00:00")
    assert traced(two, "angers--2", number=version.version).agrees


def test_an_id_that_is_not_there_is_told_with_what_became_of_it_or_the_nearest(two: Commons) -> None:
    with pytest.raises(CallError, match="has no version yet"):
        traced(two, "angers--1")
    run(two)
    with pytest.raises(UnknownRowError) as unknown:
        traced(two, "angers-1")
    assert unknown.value.what == "No row of lieux 1.0.0 is 'angers-1', nor of another version."
    assert unknown.value.remedy.startswith("The nearest: angers--1, ")
    for how in ({"field": "name"}, {"table": "places_2"}, {"number": "9.0.0"}):
        with pytest.raises(CallError):
            traced(two, "angers--1", **how)


def test_a_changed_declaration_is_told_and_the_rows_that_were_kept_still_lead_to_the_cell(two: Commons) -> None:
    run(two)
    two.edit("angers", OWN_WAY, "  nom: cp")
    found = traced(two, "angers--1", "nom")
    assert (found.agrees, found.fields[0].whole) == (True, False)
    assert links(found) == {"mapping-changed", "other-cell"}
    assert "gives '49000' today; the row that was kept said 'Le Fil'" in found.fields[0].missing[0].said.en
    two.edit("angers", "  nom: cp", "  nom: nowhere")
    assert links(traced(two, "angers--1", "nom")) == {"mapping-changed", "unreadable"}
    two.edit("angers", "title:", "titel:")
    assert links(traced(two, "angers--1", "nom")) == {"source-broken"}


def test_what_was_pruned_is_named_and_the_chain_begins_where_it_is_left(two: Commons) -> None:
    run(two)
    store = store_of(two)

    def prune(key: str) -> None:
        path = store.fetch(key)
        remove(store, "lieux", [Removal(key, sha256_of(path), path.stat().st_size, "2026-11-22T08:00:00", "too old")])

    found = traced(two, "angers--2", "nom")
    origin = found.origins[0]
    (rows,) = [f"rows/lieux/angers/{name}" for name in store.list("rows/lieux/angers") if len(name) == 72]
    prune(f"raw/lieux/angers/{origin.line.snapshot}")
    found = traced(two, "angers--2", "nom")
    assert (links(found), found.agrees, found.fields[0].whole) == ({"snapshot-gone"}, True, False)
    assert "(pruned on 2026-11-22: too old)" in found.origins[0].missing[0].said.en
    prune(rows)
    found = traced(two, "angers--2", "nom")
    assert (links(found), found.agrees) == ({"snapshot-gone", "rows-gone", "no-rows"}, False)
    assert found.fields[0].agrees is None


def test_without_the_rows_that_were_kept_the_snapshot_is_enough(two: Commons) -> None:
    run(two)
    folder = Path(two.settings.store) / "rows" / "lieux"
    for path in folder.rglob("*.parquet"):
        path.unlink()
    found = traced(two, "angers--1")
    assert (links(found), found.agrees) == ({"rows-gone"}, True)


def test_a_partner_that_left_is_told_and_its_row_still_leads_to_the_kept_one(two: Commons) -> None:
    run(two)
    (two.settings.sources / "lieux" / "brest" / "source.yaml").unlink()
    found = traced(two, "angers--1", "nom")
    assert (links(found), found.agrees) == ({"source-gone"}, True)
    damaged = Path(two.settings.store) / "raw" / "lieux" / "angers" / found.origins[0].line.snapshot
    damaged.write_bytes(b"numero,nom,cp\n")
    assert "snapshot-damaged" in links(traced(two, "angers--1", "nom"))


def test_a_row_in_its_grace_period_leads_to_the_file_that_had_it(two: Commons) -> None:
    path = two.settings.schemas / "lieux" / "dataset.yaml"
    path.write_text(path.read_text("utf-8").replace("grace: 0\n", ""), "utf-8")
    run(two)
    two.file("angers", "1,Le  fil,49000\n3,L'Escale,49300\n")
    number = run(two)
    found, other = traced(two, "angers--2"), traced(two, "angers--3")
    assert (number, found.agrees, links(found)) == ("1.1.0", True, set())
    (origin,), (newer,) = found.origins, other.origins
    assert (origin.place, origin.line.snapshot == newer.line.snapshot, origin.input.absent_since is None) == (
        *(3, False, False),
    )
    dates = pl.read_parquet(store_of(two).fetch(f"versions/lieux/{number}/{PROVENANCE}"))["snapshot_date"]
    assert dates.null_count() == 0


def test_where_a_person_was_forgotten_the_other_lines_are_traced_all_the_same(two: Commons) -> None:
    run(two)
    store, sha256 = store_of(two), traced(two, "angers--1").origins[0].line.snapshot
    key = f"raw/lieux/angers/{sha256}"
    left = store.read(key).replace(b"2,La Boussole,49100", b",,")
    story = json.loads(store.read(f"{key}.json"))
    store.write(key, left)
    store.write_json(f"{key}.json", {**story, "forgotten": {"sha256": store.digest(key), "lines": [3], "at": ""}})
    found = traced(two, "angers--1", "nom")
    assert (found.agrees, links(found), found.origins[0].traced) == (True, {"snapshot-forgotten"}, True)


WIDE = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "nom", "type": "string", "constraints": {"required": True}},
        {"name": "adresse", "type": "string"},
        {"name": "courriel", "type": "string"},
        {"name": "note", "type": "string"},
        {"name": "latitude", "type": "number"},
        {"name": "longitude", "type": "number"},
        {"name": "services", "type": "string"},
        {"name": "signaler", "type": "string"},
    ],
    "primaryKey": "id",
}


@pytest.fixture
def wide(tmp_path: Path) -> Iterator[Commons]:
    """A partner whose file holds several sites a line, persons, and addresses without points."""
    with geocoder() as service:
        service.known["1 rue du Port"] = Known(47.47, -0.55, 0.97, "housenumber", "1 rue du Port", "49007")
        commons = make_commons(tmp_path)
        folder = commons.dataset()
        (folder / "places.schema.json").write_text(json.dumps(WIDE), encoding="utf-8")
        text = (folder / "dataset.yaml").read_text(encoding="utf-8").partition("    merge:")[0]
        personal = "{fields: [courriel], decision: role-address-only, reason: {fr: Le lieu., en: The site.}}"
        more = "geometry: {latitude: latitude, longitude: longitude}\n    provided: {signaler: error_address}"
        (folder / "dataset.yaml").write_text(f"{text}    {more}\n    personal: [{personal}]\n", encoding="utf-8")
        home = commons.source("hub")
        text = (home / "source.yaml").read_text(encoding="utf-8").partition("format:")[0]
        geocode = f"{{url: {service.url}/search/csv, by: csv, private: true, gap: 0}}"
        (home / "source.yaml").write_text(
            f"{text}format: {{kind: csv}}\nid: {{columns: [numero, '{{n}}']}}\n"
            "several: {columns: {site: 'site{n}'}}\n"
            f"geocode: {{address: [adresse], service: {geocode}}}\n"
            "map:\n  nom: site\n  adresse: adresse\n  courriel: courriel\n  note: note\n"
            "  services: {column: services, split: ';', default: accueil}\n",
            encoding="utf-8",
        )
        (home / "lieux.csv").write_text(
            "numero,site1,site2,adresse,courriel,note,services\n"
            "1,Le Fil,Le Fil Bis,1 rue du Port,contact@fil.example;jean.dupont@orange.fr,ouvert,b;a\n"
            "2,Le Phare,,2 rue du Bac,contact@phare.example,voir Jean Dupont 06 12 34 56 78,\n",
            encoding="utf-8",
        )
        yield commons


def test_the_gate_the_geocoder_and_records_of_several_rows_are_steps_too(wide: Commons) -> None:
    run(wide)
    found = traced(wide, "hub--1-2")
    assert (found.agrees, links(found), [one.field for one in found.fields if not one.whole]) == (True, set(), [])
    cells = {one.field: one.published for one in found.fields}
    assert (cells["nom"], cells["latitude"], cells["note"]) == ("Le Fil Bis", "47.47", None)
    assert cells["signaler"] == "mailto:communs@example.org?subject=lieux%201.0.0%20hub--1-2"
    assert steps(found, "latitude", "hub") == [Step("geocode", None, "47.47")]
    assert steps(found, "courriel", "hub")[-1] == Step(
        "personal", "contact@fil.example;jean.dupont@orange.fr", "contact@fil.example"
    )
    # Held back in the whole file, because of what stands in the other line.
    assert steps(found, "note", "hub")[-1] == Step("personal", "ouvert", None, "held")
    assert steps(found, "services", "hub") == [
        Step("column", None, "b;a"),
        Step("split", "b;a", "b|a"),
    ]
    assert steps(traced(wide, "hub--2-1", "services"), "services", "hub")[-1] == Step("default", None, "accueil")
    (Path(wide.settings.store) / "geocoded" / "lieux" / "hub.json").unlink()
    told = traced(wide, "hub--1-2", "latitude")
    assert (told.agrees, links(told)) == (True, {"point-gone", "other-cell"})


def test_a_template_that_came_back_is_traced_to_its_own_lines(commons: Commons, glane: Glane, tmp_path: Path) -> None:
    run(commons)
    assert glane("template", "lieux", "--source", "angers", "--to", str(tmp_path / "angers")).code == 0
    (made,) = (tmp_path / "angers").glob("*.xlsx") if (tmp_path / "angers").is_dir() else [tmp_path / "angers"]
    theirs = commons.settings.sources / "lieux" / "angers" / "lieux.csv"
    theirs.write_bytes(made.read_bytes())
    commons.file("brest", "7,Le Fil,49000\n8,Le Phare neuf,29200\n")
    run(commons)
    found = traced(commons, "angers--2")
    assert (found.agrees, links(found)) == (True, set())
    assert steps(found, "id", "angers")[-1].what == "brought"


def test_what_the_gate_took_out_on_the_last_moment_is_a_step_after_the_merge(wide: Commons) -> None:
    home = wide.settings.sources / "lieux" / "hub"
    text = (home / "source.yaml").read_text("utf-8")
    line = "personal: [{{fields: [note], found: [name, mobile], decision: {what}, reason: {{fr: Oui., en: Yes.}}}}]\n"
    (home / "source.yaml").write_text(text + line.format(what="publish"), "utf-8")
    run(wide)
    assert traced(wide, "hub--2-1", "note").fields[0].published == "voir Jean Dupont 06 12 34 56 78"
    (home / "source.yaml").write_text(text + line.format(what="mask"), "utf-8")
    (home / "lieux.csv").unlink()
    entry, store = entry_of(wide), store_of(wide)
    assert take_in(entry.source("hub"), entry.dataset, store).error is not None
    make_version(entry, store)
    (field,) = traced(wide, "hub--2-1", "note").fields
    assert (field.published, field.agrees) == ("voir ••• •••", True)
    assert field.then == (Step("personal", "voir Jean Dupont 06 12 34 56 78", "voir ••• •••"),)
