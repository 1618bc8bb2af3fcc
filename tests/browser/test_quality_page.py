"""A version's quality page in a real browser: on a phone, on paper, at night and read aloud; it asks nobody."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from glane.store import FolderStore
from publish.build import build_version
from publish.quality.page import to_page
from publish.quality.report import Likeness, QualityReport, Refused, Term, Terms, Waiting, Wrong
from publish.quality.words import rule_text
from publish.version import path_of
from schemas.territory.departments import departments
from tests.browser.chromium import browsing, needs_browser
from tests.browser.looking import CONTRAST, RULES, logged, opened, requests
from tests.publish.material import contribute, declare
from tests.publish.test_quality import DAY, PLACED, site

pytestmark = [
    pytest.mark.browser,
    needs_browser,
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with browsing(tmp_path_factory.mktemp("chromium"), logs={"performance": "ALL", "browser": "ALL"}) as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every part that there can be."""
    folder = tmp_path_factory.mktemp("quality")
    dataset, store = declare(folder / "schemas", declaration=PLACED), FolderStore(folder / "store")
    parts = [
        contribute(dataset, partner, [_site(partner, number) for number in range(60)])
        for partner in ("a", "b", "un-partenaire-au-nom-bien-plus-long-que-les-autres")
    ]
    version = build_version(dataset, parts, store, created=DAY).version
    descriptor = json.loads(path_of(store, version, version.file("datapackage.json")).read_bytes())
    told = QualityReport.model_validate_json(path_of(store, version, version.file("quality.json")).read_bytes())
    whole = told.model_copy(update=_more())
    path = folder / "quality.html"
    path.write_text(to_page(whole, version, descriptor, "fr"), encoding="utf-8")
    return path


def _site(partner: str, number: int) -> dict[str, str | None]:
    where = {"latitude": f"{43 + number % 30 / 5}", "longitude": f"{number % 27 / 4 - 1}"}
    return site(
        f"{partner}--{number}", date_maj=f"20{10 + number % 17}-05-01", code_postal=f"{number % 90:02}000", **where
    )


def _more() -> dict[str, Any]:
    """What only bad luck brings: partners that fail, rules that speak, terms, pairs, and what is known of communes."""
    counts = {"rows": 3, "communes": 400, "communes_with": 3, "communes_without": 397}
    people = {"population": 650_000, "population_without": 420_000, "rows_not_placed": 2}
    lines = [{"country": "FR", "code": code, "name": name, **counts, **people} for code, name in departments().items()]
    reference = {"title": {"fr": "Les communes", "en": "Municipalities"}, "attribution": "INSEE"}
    rules = ("phone", "email", "terms", "constraint-required")
    wrong = [Wrong(partner="b", rule=rule, field="nom", severity="error", count=12) for rule in rules]
    term = Term(field="nom", term="Atelier", count=4, partners=("a",), nearest="Ateliers")
    pairs = (Waiting(partner_a="a", partner_b="b", pairs=2), Waiting(partner_a="a", partner_b="c", pairs=1))
    return {
        "coverage": {"sites": {"reference": reference, "france": {**counts, **people}, "departments": lines}},
        "to_correct": (*wrong, Wrong(partner="a", rule="url", field=None, severity="warning", count=1)),
        "rules": {rule: rule_text(rule) for rule in (*rules, "url")},
        "terms": Terms(named=(term,), unnamed=3),
        "refused": (Refused(partner="d", why=rule_text("other")),),
        "likeness": {"sites": Likeness(waiting=pairs, repeated_ids=(), copies=())},
    }


def test_the_quality_page_is_read_on_a_phone_on_paper_at_night_and_aloud_and_asks_nobody(
    browser: webdriver.Chrome, page: Path
) -> None:
    browser.get("about:blank")
    logged(browser, "performance")
    logged(browser, "browser")
    for width in (320, 1280):
        opened(browser, page, width=width)
        assert browser.execute_script("return document.documentElement.scrollWidth") == width
    assert set(requests(browser)) == {page.as_uri()}
    assert logged(browser, "browser") == []
    words = "return [...document.querySelectorAll('svg[role=img] text')].map((t) => [t.textContent, t.getBBox()])"
    outside = [text for text, box in browser.execute_script(words) if box["x"] < -1 or box["x"] + box["width"] > 361]
    assert outside == []
    assert browser.execute_script(RULES) == []
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    images = [node for node in tree if node["role"]["value"] in ("image", "img") and not node.get("ignored")]
    assert len(images) >= 3
    assert all(node["name"]["value"] and node["description"]["value"] for node in images)
    for dark in (False, True):
        opened(browser, page, dark=dark)
        assert browser.execute_script(CONTRAST) == []
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    assert len(printed) > 10_000
