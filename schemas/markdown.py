"""A partner's own text within Markdown: as words, as code, as a link that writes a letter.

Belongs here: that nothing in such a text is markup. Does not belong here: what a report says (report_text.py).
"""

import re
from urllib.parse import quote

LONGEST_CELL = 80
_UNSEEN = str.maketrans({"\u00a0": "⍽", "\u202f": "⍽", "\u200b": "·", "\ufeff": "·"})
"""Signs that show nothing, or look like a space: "Le Lavoir" became "Le Lavoir" would tell nobody what changed."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Text in a line of Markdown, where nothing in it is markup (an underscore within a word never is)."""
    return re.sub(r"[\\`*\[\]<|]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))


def code(cell: str) -> str:
    """A cell as it stands, on one line, as code."""
    flat = cell.replace("\r\n", "⏎").replace("\n", "⏎").replace("\r", "⏎")
    # A terminal would obey control characters.
    flat = _CONTROL.sub("\N{SYMBOL FOR SUBSTITUTE}", flat).translate(_UNSEEN)
    short = flat if len(flat) <= LONGEST_CELL else flat[: LONGEST_CELL - 1] + "…"
    ticks = "``" if "`" in short else "`"
    space = " " if ticks == "``" or short != short.strip() or not short else ""
    return f"{ticks}{space}{short}{space}{ticks}"


def in_table(cell: str) -> str:
    """A cell as it stands, in a table of Markdown, where an upright bar would end it even within code."""
    return code(cell).replace("|", "\\|")


def letter(text: str, address: str, subject: str, body: str) -> str:
    """A link under `text` that begins a letter to `address`, its subject and body filled in."""
    return f"[{text}](mailto:{quote(address, safe='@')}?subject={quote(subject)}&body={quote(body)})"
