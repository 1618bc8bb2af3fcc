"""Inline SVG that a screen reader can tell of, in the colours of the page around it.

Belongs here: the frame of a drawing (its role, title and description), its signs and texts. Does not belong here: what
is drawn (charts.py, site_map.py), nor the page (report_page.py).
"""

from collections.abc import Iterable
from html import escape

WIDTH = 360
"""Units across every drawing: a small phone shows them one to one, so that no text is smaller than it is written."""

STYLE = """
figure { margin: 1.2rem 0; }
figure svg { display: block; width: 100%; max-width: 34rem; height: auto; }
figcaption, .legend { font-size: .95em; }
.legend { list-style: none; padding: 0; margin: .4rem 0 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
.legend svg { display: inline-block; width: 1em; height: 1em; vertical-align: -.1em; margin-right: .4em; }
.passed { fill: var(--passed); } .to-correct { fill: var(--wrong); } .on-hold { fill: var(--held); }
.stripe { stroke: var(--paper); stroke-width: 1.5; } .dot { fill: var(--paper); }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; } .axis { stroke: var(--ink); stroke-width: 1.5; fill: none; }
.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.mark { stroke: var(--paper); stroke-width: 1; }
"""

# Colour alone tells nothing to who does not see it: stripes mark what is to be corrected, dots what is on hold.
PATTERNS = (
    '<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="to-correct" width="6" height="6"/><path class="stripe" d="M0 0V6"/></pattern>'
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="on-hold" width="6" height="6"/><circle class="dot" cx="3" cy="3" r="1"/></pattern>'
    "</defs></svg>\n"
)
FILLS = {"passed": 'class="passed"', "to_correct": 'fill="url(#stripes)"', "on_hold": 'fill="url(#dots)"'}


def drawing(name: str, height: float, title: str, description: str, content: Iterable[str]) -> str:
    """The drawing `name` (once in a page), WIDTH by `height`; `title` and `description` are read aloud for it."""
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {height:g}" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{escape(description)}</desc>'
        f"{''.join(content)}</svg>"
    )


def rectangle(x: float, y: float, width: float, height: float, fill: str, told: str = "") -> str:
    """A filled rectangle; `told` shows when it is pointed at."""
    title = f"<title>{escape(told)}</title>" if told else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {FILLS[fill]}>{title}</rect>'


def text(x: float, y: float, said: str, anchor: str = "start", *, halo: bool = False) -> str:
    """A text; with `halo` it can be read above what is drawn under it."""
    kind = ' class="halo"' if halo else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(said)}</text>'


def line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    """A straight line of the grid or of an axis."""
    return f'<path class="{kind}" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>'


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """What signs stand for: (the sign, drawn on 12 by 12 units; words)."""
    frame = '<svg viewBox="0 0 12 12" aria-hidden="true" focusable="false">'
    return f'<ul class="legend">{"".join(f"<li>{frame}{sign}</svg>{escape(said)}</li>" for sign, said in entries)}</ul>'
