"""The partner's report as a web page that stands alone: one file, no script, nothing fetched, for a person on a phone,
on paper, or hearing it.

Belongs here: the page around the report's text and its drawings, and how it looks. Does not belong here: the text
(report_text.py), the drawings themselves (charts.py, site_map.py).
"""

import re
from collections.abc import Iterator
from html import escape

from markdown_it import MarkdownIt

from schemas.charts import columns, share_bar
from schemas.report import SourceReport
from schemas.report_text import parts
from schemas.site_map import site_maps
from schemas.speaker import Speaker
from schemas.svg import PATTERNS
from schemas.svg import STYLE as DRAWN

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --paper: #fff; --line: #c9d3de; --soft: #eef3f8; --mark: #8a1f11;
  --passed: #2a64a8; --wrong: #b8430b; --held: #5f6c7a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf3; --paper: #12181f; --line: #3a4653; --soft: #1d2630; --mark: #ffb4a8;
    --passed: #6fadf0; --wrong: #f59a66; --held: #a3b0bd; }
}
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 1.05rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1.05rem; }
code { background: var(--soft); padding: .1em .3em; border-radius: .2em; font-size: .95em;
  white-space: pre-wrap; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid var(--line); padding: .35rem .7rem; text-align: left; font-weight: inherit; }
thead th { background: var(--soft); font-weight: 600; }
td { text-align: right; font-variant-numeric: tabular-nums; }
td.words { text-align: left; }
.wide { overflow-x: auto; overflow-wrap: break-word; } .wide table { min-width: 36rem; }
a { color: inherit; }
strong { color: var(--mark); }
summary { cursor: pointer; text-decoration: underline; }
ol, ul { padding-left: 1.4rem; }
@media print { body { font-size: 10pt; max-width: none; } nav { display: none; } figure, li { break-inside: avoid; } }
"""

# Whatever a partner wrote, the page fetches nothing and runs nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_WIDE = 5
"""Columns of words that a phone cannot show beside one another."""

_CONTENTS = 4
"""Headings from which on the page begins with a list of them."""


def to_page(report: SourceReport, language: str) -> str:
    """The whole page (HTML 5, UTF-8), in `language`. What partners wrote is text in it, never markup."""
    say = Speaker(language)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    texts = {part: _tables(markdown.render(text), say) for part, text in parts(report, language).items()}
    drawn = list(_drawn(report, say))
    body = "".join([texts["counts"], *drawn, texts["problems"], _map(report, say), texts["rest"]])
    sections, headings = _sections(body)
    title = escape(f"{report.about.title[language]} · {report.run_at[:10]}")
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}{DRAWN}</style>\n</head>\n<body>\n"
        f"{PATTERNS if 'url(#' in body else ''}"
        f"<header>\n{texts['head']}</header>\n{_contents(headings, say)}<main>\n{sections}</main>\n</body>\n</html>\n"
    )


def _drawn(report: SourceReport, say: Speaker) -> Iterator[str]:
    if report.counts is not None and report.counts.rows_in:
        yield share_bar(report.counts, say)
    if len(report.history) > 1:
        yield columns(report.history, say)


def _map(report: SourceReport, say: Speaker) -> str:
    if report.sites is None:
        return ""
    look = f"<p>{escape(say('map-look'))}</p>\n"
    return f"<h2>{escape(say('head-map'))}</h2>\n{site_maps(report.sites, say)}\n{look}"


def _tables(html: str, say: Speaker) -> str:
    """Every heading of a column and of a row named as one, and cells of words kept to the left; a wide table scrolls
    within itself, by the keys too, so that the page never does."""
    html = html.replace("<th>", '<th scope="col">').replace('<th style="text-align:right">', '<th scope="col">')
    html = re.sub(r"(<tr>\n)<td>(.*?)</td>", r'\1<th scope="row">\2</th>', html)
    html = html.replace("<td>", '<td class="words">').replace('<td style="text-align:right">', "<td>")
    named = escape(say("others-table"))
    opened = f'<div class="wide" role="region" tabindex="0" aria-label="{named}"><table>'
    return re.sub(
        r"<table>(.*?)</table>",
        lambda one: f"{opened}{one[1]}</table></div>" if one[1].count('scope="col"') >= _WIDE else one[0],
        html,
        flags=re.DOTALL,
    )


def _sections(html: str) -> tuple[str, list[str]]:
    """Each heading and what follows it as a region of its own, and the headings as they are shown."""
    before, *rest = html.split("<h2>")
    headings, made = [], [before]
    for number, part in enumerate(rest, start=1):
        heading, _, text = part.partition("</h2>")
        headings.append(heading)
        made.append(
            f'<section aria-labelledby="part-{number}">\n<h2 id="part-{number}">{heading}</h2>{text}</section>\n'
        )
    return "".join(made), headings


def _contents(headings: list[str], say: Speaker) -> str:
    if len(headings) < _CONTENTS:
        return ""
    links = "".join(f'<li><a href="#part-{n}">{heading}</a></li>' for n, heading in enumerate(headings, start=1))
    named = escape(say("page-contents"))
    return f'<nav aria-label="{named}"><details><summary>{named}</summary><ul>{links}</ul></details></nav>\n'
