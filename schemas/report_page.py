"""The partner's report as a web page that stands alone: it asks nobody else for anything, on a phone or on paper.

Belongs here: the page around the report's text, and how it looks. Does not belong here: the text (report_text.py).
"""

from html import escape

from markdown_it import MarkdownIt

from schemas.report import SourceReport
from schemas.report_text import to_markdown

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --paper: #fff; --line: #c9d3de; --soft: #eef3f8; --mark: #8a1f11; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf3; --paper: #12181f; --line: #3a4653; --soft: #1d2630; --mark: #ffb4a8; }
}
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 1.05rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1.05rem; }
code { background: var(--soft); padding: .1em .3em; border-radius: .2em; font-size: .95em; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid var(--line); padding: .35rem .7rem; text-align: left; }
td:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
th { background: var(--soft); }
a { color: inherit; }
strong { color: var(--mark); }
@media print { body { font-size: 10pt; } }
"""


def to_page(report: SourceReport, language: str) -> str:
    """The whole page (HTML 5, UTF-8), in `language`. What partners wrote is text in it, never markup."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(to_markdown(report, language))
    title = escape(f"{report.about.title[language]} · {report.run_at[:10]}")
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
