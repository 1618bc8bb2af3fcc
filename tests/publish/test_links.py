"""Links across datasets: one national number, else alike, else asked; as long as both rows are published."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from glane.declaration import DeclarationError
from publish.addressing import addressed
from publish.decisions import COLUMNS, Decisions, read_decisions
from publish.links import Linked, link
from publish.merge import Merged
from publish.neighbours import Neighbour
from schemas.dataset import load_dataset
from schemas.judge import judge
from schemas.rules.identifiers import organisation_number

ATLAS = load_dataset(Path(__file__).parent.parent.parent / "schemas" / "atlas_organisations")
LINKS, ORGANISATIONS = ATLAS.table("links"), ATLAS.table("organisations")
TODAY = datetime.date(2026, 11, 22)
SITES, REFURBISHERS = ("inclusion_sites", "complete"), ("refurbished_devices", "refurbishers")
HUB = {
    "id": "atlas--1",
    "name": "Les Assembleurs",
    "street_address": "165 avenue de Bretagne",
    "postal_code": "59000",
    "locality": "Lille",
    "national_id": "732829320",
    "website": "https://assembleurs.example/",
}
SITE = {"nom": "Atelier du Canal", "adresse": "9 rue du Port", "code_postal": "59100", "commune": "Roubaix"}
TWIN = {
    "nom": "Les assembleurs",
    "adresse": "165, av. de Bretagne",
    "code_postal": "59000",
    "commune": "LILLE",
    "site_web": "http://www.assembleurs.example",
}
Cells = Mapping[str, str | None]


def organisations(*rows: Cells, aliases: Mapping[str, str] | None = None) -> Merged:
    common = {"country": "FR", "source": "atlas", "attribution": "L'Atlas", "licence": "CC-BY-SA-4.0"}
    frame = pl.DataFrame(
        [{name: {**common, **row}.get(name) for name in ORGANISATIONS.fields} for row in rows],
        schema=dict.fromkeys(ORGANISATIONS.fields, pl.String),
    )
    return Merged("organisations", frame, pl.DataFrame(), aliases or {})


def neighbour(place: tuple[str, str], rows: Sequence[Cells], owns: Mapping[str, str] | None = None) -> Neighbour:
    """Published rows of another table, each of the partner that its id names; `owns`: id that a row had: its id now."""
    fields = {name for line in LINKS.line.links if (line.dataset, line.table) == place for name in line.fields.values()}
    country = {"pays": "FR", "country": "FR"}
    told = [{"_id": row["id"], **{name: {**country, **row}.get(name) for name in sorted(fields)}} for row in rows]
    pairs = [(str(row["id"]), str(row["id"])) for row in rows] + [(now, own) for own, now in (owns or {}).items()]
    partners = [(now, own, own.split("--")[0]) for now, own in pairs]
    return Neighbour(
        pl.DataFrame(told, schema=dict.fromkeys(("_id", *sorted(fields)), pl.String)),
        pl.DataFrame(
            [(now, own, partner, f"Chez {partner}", "etalab-2.0") for now, own, partner in partners],
            schema=dict.fromkeys(("id", "own", "partner", "attribution", "licence"), pl.String),
            orient="row",
        ),
        {"title": place[0], "dataset": place[0], "table": place[1], "version": "1.0.0"},
    )


def linked(
    merged: Merged, sites: Sequence[Cells] = (), refurbishers: Sequence[Cells] = (), decisions: Decisions | None = None
) -> Linked:
    others = {SITES: neighbour(SITES, sites), REFURBISHERS: neighbour(REFURBISHERS, refurbishers)}
    return link(LINKS, ORGANISATIONS, merged, others, decisions or Decisions(), TODAY)


def found(done: Linked) -> list[tuple[str, ...]]:
    return done.rows.select("organisation", "dataset", "row", "relation", "how").rows()


def asked(done: Linked) -> list[tuple[str, str]]:
    return [(one.a, one.b) for one in done.asked]


def decided(folder: Path, *lines: Mapping[str, str]) -> Decisions:
    path = folder / "atlas_organisations.csv"
    common = {"table": "links", "by": "coordination", "on": "2026-11-20", "why": "called them"}
    rows = [",".join({**common, **line}.get(name, "") for name in COLUMNS) for line in lines]
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return read_decisions(path, ATLAS.decided)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ([("732 829 320 00074", "FR"), ("732829320", "FR"), ("FR44732829320", "FR")], "FR 732829320"),
        ([("BE 0428.759.497", "BE"), ("0428759497", "BE"), ("BE0428759497", "be")], "BE 0428759497"),
        ([("ESG00605808", "ES"), ("G-00605808", "ES")], "ES G00605808"),
        ([("W751000000", "FR")], "FR W751000000"),
        ([("00000000000000", "FR"), ("73282932000075", "FR"), ("12", "FR"), (None, "FR"), ("732829320", None)], None),
    ],
)
def test_an_organisation_has_one_number_however_it_is_written(
    numbers: list[tuple[str | None, str | None]], name: str | None
) -> None:
    assert {organisation_number(*one) for one in numbers} == {name}


def test_a_siret_links_a_place_to_the_organisation_of_its_siren_whatever_they_are_called() -> None:
    done = linked(
        organisations(HUB),
        [{**SITE, "id": "nord--8", "pivot": "73282932000074"}, {**SITE, "id": "nord--9", "pivot": "55208131766522"}],
        [{"id": "registre--3", "name": "Ordi bis", "national_id": "73282932000074", "postal_code": "75001"}],
    )
    assert found(done) == [
        ("atlas--1", "inclusion_sites", "nord--8", "runs", "national_id"),
        ("atlas--1", "refurbished_devices", "registre--3", "refurbishes", "national_id"),
    ]
    assert (done.asked, done.warnings) == ((), ())
    assert done.counts == {
        "inclusion_sites/complete": {"national_id": 1},
        "refurbished_devices/refurbishers": {"national_id": 1},
    }


def test_a_link_has_an_id_of_its_own_the_credits_of_both_ends_and_conforms() -> None:
    done = linked(organisations(HUB), [{**SITE, "id": "nord--8", "pivot": "73282932000074"}])
    (row,) = done.rows.to_dicts()
    assert row == {
        "id": "atlas--1/inclusion_sites/complete/nord--8",
        "organisation": "atlas--1",
        "dataset": "inclusion_sites",
        "table": "complete",
        "row": "nord--8",
        "relation": "runs",
        "how": "national_id",
        "source": "atlas|nord",
        "attribution": "Chez nord|L'Atlas",
        "licence": "CC-BY-SA-4.0|etalab-2.0",
        "report_error": None,
    }
    judged = judge(
        ATLAS, LINKS, done.rows.with_columns(pl.lit(2).alias("_line")), known_keys={"organisations": pl.DataFrame(HUB)}
    )
    assert (judged.problems, judged.rows.height) == ((), 1)


def test_the_address_of_a_link_for_errors_names_its_organisation() -> None:
    done = linked(organisations(HUB), [{**SITE, "id": "nord--8", "pivot": "73282932000074"}])
    numbers = {"links": done.rows.select("id", pl.lit("1.2.0").alias("_number"))}
    tables = {"organisations": organisations(HUB).rows, "links": done.rows}
    (address,) = addressed(ATLAS, tables, numbers)["links"]["report_error"]
    assert address == "mailto:commons@glane.example?subject=atlas_organisations%201.2.0%20atlas--1"


def test_without_a_number_what_is_alike_enough_is_linked_and_what_is_less_so_is_asked() -> None:
    bare = {**HUB, "national_id": None}
    done = linked(
        organisations(bare),
        [
            {**TWIN, "id": "nord--1"},
            {**TWIN, "id": "nord--2", "nom": "Médiathèque de Lille", "site_web": None},
            {**SITE, "id": "nord--3"},
            {
                **SITE,
                "id": "nord--4",
                "structure_parente": "Les Assembleurs",
                "code_postal": "59000",
                "commune": "Lille",
            },
        ],
    )
    assert found(done) == [
        ("atlas--1", "inclusion_sites", "nord--1", "runs", "likeness"),
        ("atlas--1", "inclusion_sites", "nord--4", "runs", "likeness"),
    ]
    assert ("atlas--1", "inclusion_sites/complete/nord--3") not in asked(done)


def test_two_numbers_are_two_organisations_and_at_most_a_question() -> None:
    done = linked(organisations(HUB), [{**TWIN, "id": "nord--1", "pivot": "55208131766522"}])
    assert found(done) == []
    (one,) = done.asked
    assert (one.table, one.a, one.b, one.relation) == ("links", "atlas--1", "inclusion_sites/complete/nord--1", "runs")
    assert one.partners == ("atlas", "nord")
    assert ("name", "Les Assembleurs", "Les assembleurs") in one.fields
    assert "Different national identifiers (-2.5)." in [why["en"] for why in one.why]


def test_of_two_organisations_of_one_number_the_one_with_the_very_siret_is_linked_else_a_person_is_asked() -> None:
    lille = {**HUB, "national_id": "73282932000074"}
    lens = {**HUB, "id": "atlas--2", "name": "Les Assembleurs de Lens", "national_id": "73282932000082"}
    site = {**SITE, "id": "nord--8", "pivot": "73282932000074"}
    assert found(linked(organisations(lille, lens), [site])) == [
        ("atlas--1", "inclusion_sites", "nord--8", "runs", "national_id")
    ]
    third = linked(organisations(lille, lens), [{**site, "pivot": "73282932000090"}])
    assert found(third) == []
    assert sorted(asked(third)) == [
        ("atlas--1", "inclusion_sites/complete/nord--8"),
        ("atlas--2", "inclusion_sites/complete/nord--8"),
    ]


def test_a_number_on_8400_rows_links_none_of_them_and_is_told() -> None:
    post = {**HUB, "id": "atlas--9", "name": "La Poste", "national_id": "356000000", "website": None}
    many = [
        {**SITE, "id": f"poste--{n}", "nom": f"Agence {n}", "pivot": "35600000000048", "code_postal": f"{n:05d}"}
        for n in range(8_400)
    ]
    done = linked(organisations(post), many)
    assert (found(done), done.asked) == ([], ())
    (told,) = done.warnings
    assert told.en == (
        "inclusion_sites/complete: 8400 rows give the same number 35600000000048. It does not say whose they are: none "
        "is linked by it."
    )


def test_what_a_steward_decided_holds_and_what_speaks_of_nothing_published_is_a_question(tmp_path: Path) -> None:
    decisions = decided(
        tmp_path,
        {"kind": "same", "id": "atlas--1", "other": "inclusion_sites/complete/nord--3"},
        {"kind": "different", "id": "atlas--1", "other": "inclusion_sites/complete/nord--8"},
        {"kind": "different", "id": "atlas--1", "other": "inclusion_sites/complete/nord--1"},
        {"kind": "same", "id": "atlas--1", "other": "inclusion_sites/complete/nord--77"},
        {"kind": "same", "id": "atlas--5", "other": "inclusion_sites/complete/nord--3"},
        {"kind": "same", "id": "atlas--1", "other": "nord--3"},
        {"kind": "same", "id": "atlas--1", "other": "inclusion_sites/complete/nord--9", "until": "2026-11-21"},
    )
    sites = [
        {**TWIN, "id": "nord--1", "pivot": "55208131766522"},
        {**SITE, "id": "nord--3"},
        {**SITE, "id": "nord--8", "pivot": "73282932000074"},
    ]
    done = linked(organisations(HUB), sites, decisions=decisions)
    assert found(done) == [("atlas--1", "inclusion_sites", "nord--3", "runs", "decided")]
    assert done.asked == ()
    assert [one.line for one in done.applied] == [2, 3, 4]
    assert [one.decision.line for one in done.questions if one.why == "one_gone"] == [5, 6, 7]


def test_a_decision_follows_both_rows_into_those_that_they_became(tmp_path: Path) -> None:
    decisions = decided(tmp_path, {"kind": "same", "id": "atlas--old", "other": "inclusion_sites/complete/hub--7"})
    others = {SITES: neighbour(SITES, [{**SITE, "id": "nord--3"}], {"hub--7": "nord--3"})}
    merged = organisations(HUB, aliases={"atlas--old": "atlas--1"})
    done = link(LINKS, ORGANISATIONS, merged, others, decisions, TODAY)
    assert found(done) == [("atlas--1", "inclusion_sites", "nord--3", "runs", "decided")]
    assert done.rows["source"].to_list() == ["atlas|hub|nord"]


def test_a_link_is_neither_corrected_nor_withdrawn(tmp_path: Path) -> None:
    decisions = decided(tmp_path, {"kind": "withdrawal", "id": "atlas--1"})
    with pytest.raises(DeclarationError) as caught:
        linked(organisations(HUB), decisions=decisions)
    assert [(fault.line, fault.key, fault.what) for fault in caught.value.faults] == [
        (2, "kind", "A link is neither corrected nor withdrawn.")
    ]


def test_without_versions_of_others_or_without_organisations_there_are_no_links() -> None:
    alone = link(LINKS, ORGANISATIONS, organisations(HUB), {}, Decisions(), TODAY)
    assert (alone.rows.height, alone.rows.columns, alone.sources) == (0, list(LINKS.fields), ())
    assert linked(organisations(), [{**TWIN, "id": "nord--1"}]).rows.height == 0


def test_the_order_of_rows_changes_nothing() -> None:
    one = {**HUB, "national_id": None}
    two = {**one, "id": "atlas--2", "name": "Les Autres", "website": None}
    sites = [{**TWIN, "id": f"nord--{n}"} for n in range(3)] + [{**SITE, "id": "nord--8", "pivot": "73282932000074"}]
    first, second = linked(organisations(one, two), sites), linked(organisations(two, one), sites[::-1])
    assert first.rows.equals(second.rows)
    assert asked(first) == asked(second)
