"""A partner's answer in a real browser: on a phone, on paper, in the dark, and to a screen reader; it asks nobody."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from pipelines.catalogue import find_source, load_catalogue
from pipelines.intake import answer_to
from pipelines.settings import load_settings
from schemas.phrases import languages
from schemas.report import Counts, Earlier
from schemas.report_page import to_page
from schemas.report_values import Others, Published
from tests.browser.chromium import browsing, needs_browser

PAGES = [
    *((f"inclusion_sites/{partner}", "fr") for partner in ("hub-rives-de-loire", "mediation-outre-mer")),
    *(("inclusion_sites/epn-bruxelles", language) for language in languages()),
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    needs_browser,
]

# What axe asks of such a page, by hand: names for drawings and regions, headings in order, headers of tables, ids once.
RULES = """
const problems = [];
const all = (query) => [...document.querySelectorAll(query)];
const ids = all('[id]').map((node) => node.id);
if (new Set(ids).size !== ids.length) problems.push('an id twice');
if (!document.documentElement.lang || !document.title) problems.push('no language or title');
for (const [tag, count] of [['h1', 1], ['main', 1], ['header', 1]])
  if (all('body ' + tag).length !== count) problems.push(tag + ' is not there once');
for (const node of all('[aria-labelledby]'))
  for (const id of node.getAttribute('aria-labelledby').split(' '))
    if (!document.getElementById(id)?.textContent.trim()) problems.push('named by nothing: ' + id);
for (const node of all('svg'))
  if (node.getAttribute('aria-hidden') !== 'true' && node.getAttribute('role') !== 'img') problems.push('a silent svg');
for (const node of all('table')) {
  if (![...node.querySelectorAll('thead th')].every((head) => head.scope === 'col' && head.textContent.trim()))
    problems.push('a column without a name');
  if (![...node.querySelectorAll('tbody tr')].every((row) => row.querySelector('th[scope=row]')))
    problems.push('a row without a name');
}
let level = 1;
for (const node of all('h1,h2,h3,h4')) {
  const found = Number(node.tagName[1]);
  if (found > level + 1) problems.push('a level of headings left out at ' + node.textContent);
  level = found;
}
for (const node of all('body > *'))
  if (!['HEADER', 'NAV', 'MAIN', 'svg'].includes(node.tagName)) problems.push('outside of landmarks: ' + node.tagName);
for (const node of all('a'))
  if (!node.textContent.trim() || (node.hash && !document.getElementById(node.hash.slice(1))))
    problems.push('a link to nowhere: ' + node.outerHTML);
return problems;
"""

# WCAG's contrast of the words, the marks and the lines of charts with what is behind them.
CONTRAST = """
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ratio = (one, other) => {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const paper = getComputedStyle(document.body).backgroundColor;
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  return paper;
};
const faint = [];
for (const node of document.querySelectorAll('h1,h2,p,li,td,th,code,strong,a,summary,figcaption'))
  if (ratio(getComputedStyle(node).color, behind(node)) < 4.5) faint.push(node.tagName);
for (const node of document.querySelectorAll('svg text'))
  if (ratio(getComputedStyle(node).fill, paper) < 4.5) faint.push('svg text');
for (const node of document.querySelectorAll('.passed, .to-correct, .on-hold'))
  if (ratio(getComputedStyle(node).fill, paper) < 3) faint.push(node.getAttribute('class'));
return [...new Set(faint)];
"""


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


def opened(browser: webdriver.Chrome, page: Path, *, width: int = 360, dark: bool = False) -> None:
    size = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(page.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def logged(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """What the browser has logged since this was last asked."""
    return list(browser.execute("getLog", {"type": kind})["value"])


def requests(browser: webdriver.Chrome) -> list[str]:
    messages = [json.loads(line["message"])["message"] for line in logged(browser, "performance")]
    sent: list[dict[str, Any]] = [one for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [one["params"]["request"]["url"] for one in sent]


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
