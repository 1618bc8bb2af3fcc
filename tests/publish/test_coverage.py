"""Coverage: every row is counted once, every commune is there, and who lives where no row is."""

import json
from collections.abc import Sequence
from functools import cache

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glane.text import Text
from publish.coverage import COMMUNES, coverage_of, departments_of
from schemas.territory.declaration import Territory
from schemas.territory.departments import department_of, departments, folded
from schemas.territory.reference import COLUMNS, Reference, Told
from tests.sources.material import REAL

TERRITORY = Territory(country="pays", code="code_insee", postcode="code_postal", commune="commune", reference="cog")
FIELDS = ("pays", "code_insee", "code_postal", "commune")
TOLD = Told(
    name="cog",
    title=Text(fr="Communes", en="Communes"),
    licence="etalab-2.0",
    attribution="INSEE",
    address="https://example.org/communes.json",
    sha256="0" * 64,
    received="2026-11-22",
)
LINES = [
    ("01138", "Béon", "500", "01350", None),
    ("04058", "Claret", "300", "05110", None),
    ("05170", "Tallard", "2000", "05130", None),
    ("2A004", "Ajaccio", "76320", "20000|20167", None),
    ("2B033", "Bastia", "49000", "20200|20600", None),
    ("44109", "Nantes", "325070", "44000|44100", None),
    ("44162", "Saint-Herblain", "50561", "44800", None),
    ("75056", "Paris", "2103778", "75001|75012", None),
    ("75112", "Paris 12e Arrondissement", "139000", "75012", None),
    ("93066", "Saint-Denis", "149077", "93200|93380", None),
    ("93059", "Pierrefitte-sur-Seine", None, None, "93066"),
    ("97411", "Saint-Denis", "155634", "97400", None),
    ("97701", "Saint-Barthélemy", "10464", "97133", None),
    ("98411", "Îles Saint-Paul et Amsterdam", None, None, None),
]
REFERENCE = Reference(TOLD, pl.DataFrame(LINES, schema=dict.fromkeys(COLUMNS, pl.String), orient="row"))


def rows(*cells: Sequence[str | None]) -> pl.DataFrame:
    return pl.DataFrame(list(cells), schema=dict.fromkeys(FIELDS, pl.String), orient="row")


def sites(*cells: Sequence[str | None]) -> dict[str, int]:
    """How many rows each commune has that has any."""
    found = coverage_of(TERRITORY, rows(*cells), REFERENCE).communes.filter(pl.col("rows") > 0)
    return dict(found.select("code", "rows").iter_rows())


@pytest.mark.parametrize(
    ("cells", "commune"),
    [
        (("FR", "44109", "44000", "Nantes"), "44109"),
        ((None, None, "44100", "NANTES CEDEX 3"), "44109"),
        (("FR", None, "44094", "Nantes Cedex BP 12"), "44109"),
        (("FRA", None, "44800", "St Herblain"), "44162"),
        (("FR", None, "44800", None), "44162"),
        (("FR", None, "44800", "Zone d'activités du Chêne"), "44162"),
        (("FR", "75112", "75012", "Paris 12e"), "75056"),
        (("FR", None, "75012", "Paris 12e Arrondissement"), "75056"),
        (("FR", "93059", "93380", "Pierrefitte"), "93066"),
        (("FR", None, "93380", "Pierrefitte-sur-Seine"), "93066"),
        (("FR", None, "97400", "Saint-Denis"), "97411"),
        (("RE", None, "97400", "St-Denis"), "97411"),
        (("FR", None, "05110", "Claret"), "04058"),
        (("FR", None, "97133", "Gustavia"), "97701"),
        (("FR", None, "20600", "Bastia"), "2B033"),
        (("FR", "2A004", None, None), "2A004"),
        (("FR", None, "44999", "Ailleurs"), None),
        (("FR", "99132", None, "Nantes"), None),
        (("BE", None, "75012", "Paris"), None),
    ],
)
def test_a_row_is_in_the_commune_that_its_code_its_name_or_its_postcode_tells(
    cells: tuple[str | None, ...], commune: str | None
) -> None:
    assert sites(cells) == ({commune: 1} if commune else {})


def test_the_whole_coverage_of_a_few_rows() -> None:
    coverage = coverage_of(
        TERRITORY,
        rows(
            ("FR", "44109", None, None),
            (None, None, "44000", "Nantes"),
            ("FR", None, "44999", "Nulle part"),
            ("FR", None, None, "Nantes"),
            ("BE", None, "1000", "Bruxelles"),
            ("XX", None, None, None),
        ),
        REFERENCE,
    )
    assert coverage.departments.filter(pl.col("code").is_in(["44", "75", "02"]) | pl.col("code").is_null()).rows() == [
        ("FR", "02", "Aisne", 0, 0, 0, 0, 0, 0, 0),
        ("FR", "44", "Loire-Atlantique", 3, 1, 2, 1, 1, 375631, 50561),
        ("FR", "75", "Paris", 0, 0, 1, 0, 1, 2103778, 2103778),
        ("FR", None, None, 1, None, None, None, None, None, None),
        ("BE", None, "Belgique", 1, None, None, None, None, None, None),
        ("XX", None, None, 1, None, None, None, None, None, None),
    ]
    assert coverage.empty("44").rows() == [("44162", "Saint-Herblain", "44", 50561, 0)]
    assert coverage.empty()["name"].to_list()[:3] == ["Paris", "Saint-Denis", "Saint-Denis"]
    assert coverage.empty()["name"].to_list()[-1] == "Îles Saint-Paul et Amsterdam"
    summary = coverage.summary()
    assert summary["france"] == {
        "rows": 4,
        "rows_not_placed": 1,
        "communes": 12,
        "communes_with": 1,
        "communes_without": 11,
        "population": 2922704,
        "population_without": 2597634,
    }
    assert json.loads(json.dumps(summary))["reference"]["sha256"] == "0" * 64


def test_without_a_reference_departements_are_counted_and_nothing_is_said_of_communes() -> None:
    coverage = coverage_of(TERRITORY, rows(("FR", "44109", None, None), ("FR", None, "20600", None)), None)
    assert coverage.departments.filter(pl.col("rows") > 0).rows() == [
        ("FR", "2B", "Haute-Corse", 1, *[None] * 6),
        ("FR", "44", "Loire-Atlantique", 1, *[None] * 6),
    ]
    assert coverage.communes.schema == COMMUNES
    assert coverage.communes.is_empty()
    assert coverage.summary()["france"] == {
        "rows": 2,
        **dict.fromkeys(["rows_not_placed", "communes"]),
        **dict.fromkeys(["communes_with", "communes_without", "population", "population_without"]),
    }
    assert coverage.summary()["reference"] is None


CELLS = st.tuples(
    st.sampled_from([None, "FR", "BE", "GP", "??"]),
    st.sampled_from([None, "44109", "75112", "93059", "2A004", "x", "99132"]),
    st.sampled_from([None, "44000", "20200", "05110", "97133", "98000", "75012", "4400"]),
    st.sampled_from([None, "", "Nantes", "Claret", "Saint-Denis", "Bastia", "l'"]),
)


@given(st.lists(CELLS, max_size=12))
def test_every_row_is_on_one_line_and_in_one_departement_file(cells: list[tuple[str | None, ...]]) -> None:
    frame = rows(*cells)
    coverage = coverage_of(TERRITORY, frame, REFERENCE)
    assert coverage.departments["rows"].sum() == frame.height
    placed = coverage.departments["rows_not_placed"].sum() + coverage.communes["rows"].sum()
    each = departments_of(TERRITORY.columns, frame)
    assert placed == each.drop_nulls().len()
    counted = coverage.departments.filter(pl.col("code").is_not_null() & (pl.col("rows") > 0))
    assert dict(counted.select("code", "rows").iter_rows()) == dict(each.drop_nulls().value_counts().iter_rows())
    assert coverage.departments["population"].sum() == coverage.communes["population"].sum()
    assert coverage_of(TERRITORY, frame.reverse(), REFERENCE).departments.equals(coverage.departments)


def test_there_are_101_departements_and_the_collectivities_overseas() -> None:
    codes = list(departments())
    assert len([code for code in codes if code not in ("975", "977", "978", "984", "986", "987", "988", "989")]) == 101
    assert {department_of(f"{code}001"[:5], None, None) for code in codes} == set(codes)


@cache
def real_reference() -> Reference:
    lines = pl.read_csv(REAL / "reference" / "fr_communes_cog.csv", infer_schema=False, null_values=[""])
    named = lines.select("code_insee", "nom", "population", "codes_postaux", "chef_lieu")
    return Reference(TOLD, named.rename(dict(zip(named.columns, COLUMNS, strict=True))))


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="the list of communes is not here: ../shared/data")
def test_every_commune_of_france_is_found_by_its_code_and_nearly_all_by_postcode_and_name() -> None:
    listed = real_reference().today
    everywhere = real_reference().communes.filter(pl.col("current").is_null() & pl.col("postcodes").is_not_null())
    coded = rows(*((None, code, None, None) for code in everywhere["code"]))
    found = coverage_of(TERRITORY, coded, real_reference())
    assert found.departments["population"].sum() == 68_952_941
    assert found.communes.height == 34_969
    assert found.departments["rows_not_placed"].sum() == 0
    assert found.departments["population_without"].sum() == 0
    named = [(None, None, codes.split("|")[0], name) for codes, name in everywhere.select("postcodes", "name").rows()]
    by_name = coverage_of(TERRITORY, rows(*named), real_reference())
    assert by_name.departments["rows_not_placed"].sum() <= 4
    assert by_name.communes.filter(pl.col("rows") > 0).height >= 34_955
    assert listed.filter(pl.col("code") == "44109").rows() == [("44109", "Nantes", 327_734)]


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="partners' real files are not here: ../shared/data")
def test_of_3811_real_sites_only_two_cannot_be_placed_and_without_their_codes_26() -> None:
    sites = json.loads((REAL / "inclusion_sites" / "data-inclusion.json").read_text())
    cells = [("FR", one.get("code_insee"), one.get("code_postal"), one.get("commune")) for one in sites]
    coverage = coverage_of(TERRITORY, rows(*cells), real_reference())
    assert (coverage.departments["rows"].sum(), coverage.departments["rows_not_placed"].sum()) == (3811, 2)
    assert coverage.empty()["name"][0] == "Aubervilliers"
    bare = coverage_of(TERRITORY, rows(*((nation, None, *rest) for nation, _, *rest in cells)), real_reference())
    assert bare.departments["rows_not_placed"].sum() <= 30
    assert folded("La Queue-lez-Yvelines") == folded("LA QUEUE LEZ YVELINES")
