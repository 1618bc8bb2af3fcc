"""A partner's answer in a real browser: on a phone, on paper, in the dark, and to a screen reader; it asks nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from pipelines.catalogue import find_source, load_catalogue
from pipelines.judging import answer_to
from pipelines.settings import load_settings
from schemas.phrases import languages
from schemas.report import Counts, Earlier
from schemas.report_page import to_page
from schemas.report_values import Others, Published
from tests.browser.chromium import browsing, needs_browser
from tests.browser.looking import CONTRAST, RULES, logged, opened, requests

PAGES = [
    *((f"inclusion_sites/{partner}", "fr") for partner in ("hub-rives-de-loire", "mediation-outre-mer")),
    *(("inclusion_sites/epn-bruxelles", language) for language in languages()),
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    needs_browser,
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path_factory.mktemp("chromium"), logs={"performance": "ALL", "browser": "ALL"}) as driver:
        yield driver


@pytest.fixture(scope="module", params=PAGES, ids=[f"{name.split('/')[1]}-{language}" for name, language in PAGES])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The answer to a sample partner, with deliveries of the past: the whole page there can be."""
    name, language = request.param
    dataset, source = find_source(load_catalogue(load_settings()), name)
    report, _ = answer_to(source, dataset, source.folder / str(source.line.where.file))
    assert report.counts is not None
    past = [
        Earlier(at=f"2026-{month:02}-01", counts=Counts(rows_in=40 + month, passed=30 + month, to_correct=8, on_hold=2))
        for month in range(1, 10)
    ]
    now = Earlier(at=report.run_at, counts=report.counts)
    path = tmp_path_factory.mktemp("answer") / "answer.html"
    values = tuple(
        Others(
            id=f"mediatheques-ouest--{number}",
            line=number,
            field="horaires",
            theirs=None if number % 2 else "Mo-Fr 09:00-12:00 | 14:00-18:00",
            published="Mo-Fr 09:00-12:00,14:00-18:00; Sa 09:00-12:00; PH off",
            by=("Médiathèques de l'Ouest", "Collectif de la médiation numérique"),
            why="filled" if number % 2 else "preferred",
        )
        for number in range(2, 40)
    )
    held = Published(version="1.2.0", created="2026-11-01T00:00:00+00:00", rows=70, shared=38, values=values)
    whole = report.model_copy(update={"history": (*past, now), "previous": past[-1].counts, "published": held})
    path.write_text(to_page(whole, language), encoding="utf-8")
    return path


def test_the_page_asks_nobody_and_complains_of_nothing(browser: webdriver.Chrome, page: Path) -> None:
    browser.get("about:blank")
    logged(browser, "performance")
    logged(browser, "browser")
    opened(browser, page)
    assert requests(browser) == [page.as_uri()]
    assert logged(browser, "browser") == []


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_is_cut_or_scrolls_sideways(browser: webdriver.Chrome, page: Path, width: int) -> None:
    opened(browser, page, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    words = "return [...document.querySelectorAll('svg[role=img] text')].map((t) => [t.textContent, t.getBBox()])"
    outside = [text for text, box in browser.execute_script(words) if box["x"] < -1 or box["x"] + box["width"] > 361]
    assert outside == []


def test_a_screen_reader_finds_its_way(browser: webdriver.Chrome, page: Path) -> None:
    opened(browser, page)
    assert browser.execute_script(RULES) == []
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    images = [node for node in tree if node["role"]["value"] in ("image", "img") and not node.get("ignored")]
    assert len(images) >= 3
    assert all(node["name"]["value"] and node["description"]["value"] for node in images)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_and_marks_stand_out_by_day_and_by_night(browser: webdriver.Chrome, page: Path, dark: bool) -> None:
    opened(browser, page, dark=dark)
    assert browser.execute_script(CONTRAST) == []


def test_it_is_printed_on_paper(browser: webdriver.Chrome, page: Path) -> None:
    opened(browser, page)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    assert len(printed) > 10_000
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script("return getComputedStyle(document.querySelector('nav')).display") == "none"
