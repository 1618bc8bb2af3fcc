"""Text as a person wrote it, without what software did to it on the way.

Belongs here: mojibake, HTML, odd spaces and hyphens. Does not belong here: rewording or correcting anyone's text.
"""

import contextlib
import html as entities
import re
import unicodedata

from sources.clean.context import CleanContext

# UTF-8 that was read as cp1252 shows as a capital of the first half and one of these; nothing in French does.
_MOJIBAKE = re.compile(r"[ÂÃÅâ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
# The same bytes read as Mac Roman.
_MOJIBAKE_MAC = re.compile(r"[√¬][©®†°¢£§•¶ß™´¨ÆØ∞±≤≥¥µ∂∑∏π∫ªºæø¿]")
_C1 = re.compile(r"[\u0080-\u009f]")
_SPACES = re.compile(r"[^\S\n]+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?-->", re.DOTALL)
_BREAK = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_HYPHENS = {ord("\u2010"): "-", ord("\u2011"): "-", ord("\u2212"): "-"}


def text(cell: str, context: CleanContext) -> str | None:
    """Repair mojibake ("Ã©" -> "é"), then spaces, invisible signs, no-break hyphens; composed letters (NFC)."""
    repaired = _repaired(cell).translate(_INVISIBLE).translate(_HYPHENS)
    lines = [_SPACES.sub(" ", line).strip() for line in unicodedata.normalize("NFC", repaired).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def html(cell: str, context: CleanContext) -> str | None:
    """Text out of HTML: tags go (breaks become line ends), entities become their letters; then as `text` does."""
    plain = cell
    # Some texts were escaped twice on their way; what is left after a few rounds is meant.
    for _ in range(4):
        before = plain
        plain = entities.unescape(_TAG.sub("", _BREAK.sub("\n", plain)))
        if plain == before:
            break
    return text(plain, context)


def _repaired(cell: str) -> str:
    """UTF-8 that was read as cp1252, undone; once more where it happened twice. Else the cell, C1 signs mapped."""
    plain = cell
    for _ in range(3):
        if not _MOJIBAKE.search(plain):
            break
        try:
            plain = b"".join(map(_cp1252, plain)).decode("utf-8")
        except UnicodeError:
            break
    if _MOJIBAKE_MAC.search(plain):
        with contextlib.suppress(UnicodeError):
            plain = plain.encode("mac_roman").decode("utf-8")
    return _C1.sub(lambda found: found[0].encode("latin-1").decode("cp1252", "ignore"), plain)


def _cp1252(letter: str) -> bytes:
    # The five bytes that cp1252 leaves out pass through as control signs in most software.
    return letter.encode("latin-1") if "\x80" <= letter <= "\x9f" else letter.encode("cp1252")
