"""The charts of a partner's answer: what became of its rows, this time and the times before.

Belongs here: drawing counts. Does not belong here: counting (report.py, tally.py), the map (site_map.py), the page.
"""

from collections.abc import Sequence
from html import escape

from schemas.report import Counts, Earlier
from schemas.speaker import Speaker
from schemas.svg import FILLS, WIDTH, drawing, legend, line, rectangle, text

_BAR = 34
_LEAST = 3
"""Units that the least of counts is drawn with, or one row in a thousand would not be seen."""

_HIGH = 120
_ABOVE = 18
_WORDS = {"passed": "passed", "to_correct": "to-correct", "on_hold": "on-hold"}


def share_bar(counts: Counts, say: Speaker) -> str:
    """One bar of all rows read: fit to publish, to be corrected, on hold."""
    parts = [(fill, getattr(counts, fill)) for fill in FILLS if getattr(counts, fill)]
    told = [(fill, f"{say(_WORDS[fill])}{say.general('colon')} {say.number(n)}") for fill, n in parts]
    widths = [max(_LEAST, WIDTH * n / counts.rows_in) for _, n in parts]
    scale, x, drawn = WIDTH / sum(widths), 0.0, []
    for (fill, said), width in zip(told, widths, strict=True):
        drawn.append(rectangle(x, 0, width * scale, _BAR, fill, said))
        x += width * scale
    description = say.general("between").join(said for _, said in told)
    picture = drawing("shares", _BAR, say("chart-shares"), description, drawn)
    return f"<figure>{picture}{legend((rectangle(0, 0, 12, 12, fill), said) for fill, said in told)}</figure>"


def columns(history: Sequence[Earlier], say: Speaker) -> str:
    """One column for each time that the file was judged anew, oldest first; its figures stand in a table below."""
    highest = max(one.counts.rows_in for one in history) or 1
    step = WIDTH / max(len(history), 4)
    drawn = [line(0, _ABOVE + _HIGH, WIDTH, _ABOVE + _HIGH, "axis")]
    for number, one in enumerate(history):
        x, y = number * step, float(_ABOVE + _HIGH)
        for fill, word in _WORDS.items():
            value = getattr(one.counts, fill)
            if not value:
                continue
            height = max(_LEAST, _HIGH * value / highest)
            y -= height
            said = f"{say.date(one.at)}{say.general('colon')} {say.number(value)} {say(word)}"
            drawn.append(rectangle(x + step * 0.15, y, step * 0.7, height, fill, said))
        if step >= 28:
            drawn.append(text(x + step / 2, max(y - 5, 11), say.number(one.counts.rows_in), "middle"))
    below = _ABOVE + _HIGH + 16
    drawn.append(text(0, below, say.date(history[0].at)))
    drawn.append(text(WIDTH, below, say.date(history[-1].at), "end"))
    first, last = history[0], history[-1]
    description = say(
        "chart-history-text",
        times=say.number(len(history)),
        first=say.number(first.counts.passed),
        start=say.date(first.at),
        last=say.number(last.counts.passed),
        end=say.date(last.at),
    )
    picture = drawing("history", below + 6, say("chart-history"), description, drawn)
    caption = f"<figcaption>{escape(say('chart-history'))}</figcaption>"
    return f"<figure>{caption}{picture}{_figures(history, say)}</figure>"


def _figures(history: Sequence[Earlier], say: Speaker) -> str:
    words = [say(word) for word in ("chart-date", "rows-in", *_WORDS.values())]
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in words)
    rows = []
    for one in reversed(history):
        cells = [getattr(one.counts, name) for name in ("rows_in", *_WORDS)]
        told = "".join(f"<td>{say.number(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(say.date(one.at))}</th>{told}</tr>')
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f"<details><summary>{escape(say('chart-figures'))}</summary>{table}</details>"
