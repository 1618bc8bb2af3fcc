"""Tables of HTML for the quality page: named columns and rows, and bars behind shares.

Belongs here: markup. Does not belong here: what stands in a table (page.py, parts.py, found.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root { --bar: #cfe0f5; } @media (prefers-color-scheme: dark) { :root { --bar: #24476e; } }
td.bar { background: linear-gradient(to right, var(--bar) var(--w), transparent 0); min-width: 4.5rem;
  print-color-adjust: exact; }
td:not(.words) { white-space: nowrap; }
"""

_WIDE = 4
"""Columns that a phone cannot show beside one another: such a table scrolls within itself, by the keys too."""


@dataclass(frozen=True)
class Bar:
    """A share as a bar behind its text."""

    share: float
    text: str


Cell = str | Bar


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], label: str, *, words: Sequence[int] = ()) -> str:
    """A table whose first column names its rows; `words` are the numbers of further columns that hold words. `label`
    is what it is called where it is read aloud."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(_row(row, words) for row in rows)
    made = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>\n"
    if len(heads) < _WIDE:
        return made
    return f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">{made}</div>\n'


def _row(cells: Sequence[Cell], words: Sequence[int]) -> str:
    first, *rest = cells
    told = "".join(_cell(cell, number in words) for number, cell in enumerate(rest, start=1))
    return f'<tr><th scope="row">{escape(str(first))}</th>{told}</tr>'


def _cell(cell: Cell, words: bool) -> str:
    if isinstance(cell, Bar):
        return f'<td class="bar" style="--w:{100 * cell.share:.0f}%">{escape(cell.text)}</td>'
    return f'<td class="words">{escape(cell)}</td>' if words else f"<td>{escape(cell)}</td>"


def folded(summary: str, content: str) -> str:
    """What is opened by who wants to know more."""
    return f"<details><summary>{escape(summary)}</summary>\n{content}</details>\n"


def heading(text: str) -> str:
    """The heading of a part of a section."""
    return f"<h3>{escape(text)}</h3>\n"


def paragraph(text: str) -> str:
    """A paragraph of text."""
    return f"<p>{escape(text)}</p>\n"


def listing(items: Iterable[str]) -> str:
    """A list of texts; nothing where there are none."""
    told = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{told}</ul>\n" if told else ""
