"""Text as a person wrote it, without what software did to it on the way.

Belongs here: mojibake, HTML, odd spaces and hyphens. Does not belong here: rewording or correcting anyone's text.
"""

import contextlib
import html as entities
import re
import unicodedata
from collections.abc import Callable

from sources.clean.context import CleanContext

# A byte of the second half of a UTF-8 letter, as cp1252 shows it (it leaves out five bytes, which pass as controls).
_TAIL = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xC0))
# UTF-8 that was read as cp1252: accented letters begin with one of four capitals, typographic signs with "â", a byte
# order mark is "ï»¿". Nothing that French writes looks so.
_MOJIBAKE = re.compile(f"[ÂÃÄÅ][{re.escape(_TAIL)}]|â[{re.escape(_TAIL)}]{{2}}|ï»¿")
# The same bytes read as Mac Roman.
_MOJIBAKE_MAC = re.compile(r"[√¬][©®†°¢£§•¶ß™´¨ÆØ∞±≤≥¥µ∂∑∏π∫ªºæø¿]")
_C1 = re.compile(r"[\u0080-\u009f]")
_SPACES = re.compile(r"[^\S\n]+")
_TAG = re.compile(
    r"</?(?:a|abbr|b|blockquote|body|br|center|code|div|em|font|h[1-6]|head|hr|html|i|iframe|img|li|ol|p|pre|s|script"
    r"|section|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|u|ul)\b[^<>]*>|<!--.*?-->",
    re.DOTALL | re.IGNORECASE,
)
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)
# With the control characters that are no space.
_INVISIBLE = dict.fromkeys([*map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\x7f"), *range(9), *range(0x0E, 0x1C)])
_HYPHENS = {ord("\u2010"): "-", ord("\u2011"): "-", ord("\u2212"): "-"}


def text(cell: str, context: CleanContext) -> str | None:
    """Repair mojibake ("Ã©" -> "é"), then spaces, invisible signs, no-break hyphens; composed letters (NFC)."""
    return _until_stable(_plain, cell)


def html(cell: str, context: CleanContext) -> str | None:
    """Text out of HTML: tags go (breaks become line ends), entities become their letters; then as `text` does."""
    return _until_stable(lambda part: _plain(entities.unescape(_TAG.sub("", _BREAK.sub("\n", part)))), cell)


def _until_stable(clean: Callable[[str], str], cell: str) -> str:
    # What went wrong twice on its way (escaped twice, read wrongly twice) takes two rounds to come right.
    for _ in range(8):
        before, cell = cell, clean(cell)
        if cell == before:
            break
    return cell


def _plain(cell: str) -> str:
    repaired = _MOJIBAKE.sub(_letter, cell)
    if _MOJIBAKE_MAC.search(repaired):
        with contextlib.suppress(UnicodeError):
            repaired = repaired.encode("mac_roman").decode("utf-8")
    repaired = _C1.sub(lambda found: found[0].encode("latin-1").decode("cp1252", "ignore"), repaired)
    repaired = unicodedata.normalize("NFC", repaired.translate(_INVISIBLE).translate(_HYPHENS))
    lines = [_SPACES.sub(" ", line).strip() for line in repaired.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _letter(found: re.Match[str]) -> str:
    data = b"".join(sign.encode("latin-1" if "\x80" <= sign <= "\x9f" else "cp1252") for sign in found[0])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return found[0]
