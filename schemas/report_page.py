"""The partner's report as a web page that stands alone.

Belongs here: the report's text and its drawings put together. Does not belong here: the text (report_text.py), the
drawings themselves (charts.py, site_map.py), the frame of the page (page.py).
"""

import re
from collections.abc import Iterator
from html import escape

from markdown_it import MarkdownIt

from schemas.charts import columns, share_bar
from schemas.page import page
from schemas.report import SourceReport
from schemas.report_text import parts
from schemas.site_map import site_maps
from schemas.speaker import Speaker

_WIDE = 5
"""Columns of words that a phone cannot show beside one another."""


def to_page(report: SourceReport, language: str) -> str:
    """The whole page (HTML 5, UTF-8), in `language`. What partners wrote is text in it, never markup."""
    say = Speaker(language)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    texts = {part: _tables(markdown.render(text), say) for part, text in parts(report, language).items()}
    drawn = list(_drawn(report, say))
    body = "".join([texts["counts"], *drawn, texts["problems"], _map(report, say), texts["rest"]])
    title = f"{report.about.title[language]} · {report.run_at[:10]}"
    return page(title, texts["head"], body, say)


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
