"""The map and the charts of an answer: every point is in the drawing, nothing is cut, no more than a page can bear."""

import re
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.charts import columns, share_bar
from schemas.dataset import Dataset, load_dataset
from schemas.judgement import LINE, Judgement
from schemas.report import Counts, Earlier
from schemas.report_sites import MOST_SITES, Site, Sites, sites_of
from schemas.site_map import site_maps
from schemas.speaker import Speaker
from schemas.svg import WIDTH

ROOT = Path(__file__).parent.parent.parent / "schemas"
DEGREES = {"latitude": st.floats(-89.9, 89.9), "longitude": st.floats(-180, 180)}
SITE = st.builds(
    Site,
    line=st.integers(2, 9),
    standing=st.sampled_from(["passed", "to_correct"]),
    name=st.none() | st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20),
    town=st.none() | st.sampled_from(["Angers", "Liège & <Co>", "L'Haÿ-les-Roses"]),
    **DEGREES,
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset(ROOT / "inclusion_sites")


def maps(sites: list[Site], without: int = 0) -> str:
    return site_maps(Sites(points=len(sites), without=without, shown=tuple(sites)), Speaker("fr"))


def drawings(html: str) -> list[ElementTree.Element]:
    found = re.findall(r"<svg role.*?</svg>", html, flags=re.DOTALL)
    return [ElementTree.fromstring(one) for one in found]


@settings(max_examples=60, deadline=None)
@given(st.lists(SITE, min_size=1, max_size=12))
def test_every_point_is_in_a_drawing_wherever_it_is_on_earth(sites: list[Site]) -> None:
    drawn = drawings(maps([site.model_copy(update={"standing": "passed"}) for site in sites]))
    assert 1 <= len(drawn) <= 6
    for picture in drawn:
        _, _, width, height = map(float, picture.attrib["viewBox"].split())
        assert (width, 100 < height <= 420.5) == (WIDTH, True)
        for circle in picture.iter("circle"):
            x, y = float(circle.attrib["cx"]), float(circle.attrib["cy"])
            assert 0 < x < width
            assert 0 < y < height


def test_islands_far_apart_are_maps_of_their_own_and_near_ones_are_one() -> None:
    places = [(48.1, -1.7), (47.5, -0.6), (-20.9, 55.4), (-21.3, 55.5), (14.6, -61.0)]
    sites = [
        Site(line=n, latitude=north, longitude=east, standing="passed", town=f"Ville {n}")
        for n, (north, east) in enumerate(places)
    ]
    assert [len(list(one.iter("circle"))) for one in drawings(maps(sites))] == [2, 2, 1]
    assert '<th scope="row">Ville 4</th><td>1</td>' in maps(sites)
    assert "2 lignes n&#x27;ont pas de coordonnées" in maps(sites, without=2)


def test_names_of_partners_are_text_in_a_drawing() -> None:
    site = Site(line=2, latitude=1, longitude=1, standing="passed", name="<script>alert(1)</script>", town="<b>")
    assert "<script" not in maps([site])
    assert "<b>" not in maps([site])


def rows(dataset: Dataset, points: list[tuple[str | None, str | None]]) -> pl.DataFrame:
    table = dataset.main
    cells = [
        {"nom": f"Lieu {n}", "commune": "Angers", "latitude": a, "longitude": b} for n, (a, b) in enumerate(points)
    ]
    frame = pl.DataFrame(cells, schema_overrides=dict.fromkeys(("latitude", "longitude"), pl.String))
    empty = [pl.lit(None, pl.String).alias(name) for name in table.fields if name not in frame.columns]
    lines = pl.Series(LINE, range(2, len(points) + 2), dtype=pl.Int64)
    return frame.with_columns(*empty).select(table.fields).with_columns(lines)


def judged(passing: pl.DataFrame, *, wrong: int = 0) -> Judgement:
    return Judgement(passing, (), passing.height + wrong, wrong, 0, 0)


def test_rows_without_a_point_are_counted_and_odd_cells_are_none(dataset: Dataset) -> None:
    frame = rows(dataset, [("47.5", "-0.6"), (None, None), ("47,5", "x"), ("91", "0"), ("nan", "1")])
    found = sites_of(dataset.main, frame, judged(frame))
    assert found == Sites(
        points=1,
        without=4,
        shown=(Site(line=2, latitude=47.5, longitude=-0.6, standing="passed", name="Lieu 0", town="Angers"),),
    )
    assert sites_of(dataset.main, frame.clear(), judged(frame.clear())) is None


def test_an_answer_keeps_a_thousand_points_spread_over_the_whole_file(dataset: Dataset) -> None:
    frame = rows(dataset, [(f"{45 + n / 4000:.4f}", f"{n % 70 / 100:.2f}") for n in range(8000)])
    found = sites_of(dataset.main, frame, judged(frame))
    assert found is not None
    assert (found.points, len(found.shown)) == (8000, MOST_SITES)
    assert "La carte montre" in site_maps(found, Speaker("fr"))
    assert len(site_maps(found, Speaker("fr"))) < 300_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), min_size=1, max_size=12))
def test_charts_hold_all_counts_within_their_frame(figures: list[tuple[int, int, int]]) -> None:
    past = [
        Earlier(at="2026-01-01", counts=Counts(rows_in=sum(one), passed=one[0], to_correct=one[1], on_hold=one[2]))
        for one in figures
    ]
    say = Speaker("nl")
    html = columns(past, say) + (share_bar(past[0].counts, say) if past[0].counts.rows_in else "")
    for picture in drawings(html):
        height = float(picture.attrib["viewBox"].split()[3])
        for bar in picture.iter("rect"):
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= WIDTH + 0.2
            assert -0.2 <= float(bar.attrib["y"]) <= height
    assert html.count('<th scope="row">') == len(past)
