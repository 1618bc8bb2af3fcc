"""A web page that stands alone: one file, no script, nothing fetched, for a person on a phone, on paper, or hearing it.

Belongs here: the frame of such a page, how it looks, its sections and its list of contents. Does not belong here: what
it says (report_page.py, and the pages of other rooms), its drawings (svg.py).
"""

from html import escape

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

_CONTENTS = 4
"""Headings from which on the page begins with a list of them."""


def page(title: str, header: str, body: str, say: Speaker, style: str = "") -> str:
    """The whole page (HTML 5, UTF-8) in the language of `say`: its `title` as text, its `header` and `body` as HTML.

    Each h2 of the body and what follows it become a section; `style` is what this page needs beside what all have.
    """
    sections, headings = _sections(body)
    return (
        f'<!doctype html>\n<html lang="{say.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{DRAWN}{style}</style>\n</head>\n<body>\n"
        f"{PATTERNS if 'url(#' in body else ''}"
        f"<header>\n{header}</header>\n{_contents(headings, say)}<main>\n{sections}</main>\n</body>\n</html>\n"
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
