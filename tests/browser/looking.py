"""Looking at a page that stands alone as a phone, a screen reader and a person at night do.

Belongs here: opening it, what it asked for, and the rules that every such page keeps. Does not belong here: the pages.
"""

import json
from pathlib import Path
from typing import Any

from selenium import webdriver

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
