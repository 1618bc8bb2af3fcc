"""From bytes to text: the declared encoding, or the one that the bytes show.

Belongs here: decoding, byte order marks, and guessing among the encodings that partners' spreadsheets write.
Does not belong here: text that was decoded wrongly before it reached us (clean/text.py repairs what can be).
"""

import codecs
import contextlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from charset_normalizer import from_bytes

from sources.formats.reading import ReadError

# What spreadsheets and databases of partners write when it is not UTF-8 (facts, domain 5), the commonest first.
_LEGACY = ("cp1252", "mac_roman", "cp850")
_LIKELY = 0.7
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# What is no text whatever its name says, by its first bytes.
_KINDS = (
    (b"PK\x03\x04", "a ZIP archive or a workbook (XLSX, ODS)"),
    (b"\xd0\xcf\x11\xe0", "an old workbook (XLS)"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file (GZIP)"),
)
# Letters and signs of French and its neighbours beyond ASCII: what a right guess shows.
_USUAL = frozenset("àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŒÆ«»’‘“”–—…€°ñÑáíóúãõßêµ²³½\u00a0\u202f•·")


class Decoded(NamedTuple):
    """A text, the codec that gave it, and how sure the guess is (None where it was declared)."""

    text: str
    encoding: str
    sure: float | None


def decode(path: Path, data: bytes, declared: str) -> Decoded:
    """Decode `data` with the codec `declared`, or with the one found where that is "detect".

    Raises ReadError where the file is empty or is not in the declared encoding (naming byte, line and a guess).
    """
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise ReadError(path, "the file is empty.", "Send the file again with its header and its rows.")
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), None)
    if kind is not None:
        remedy = "Send the table itself as text, or declare the kind of file that it is (format: kind)."
        raise ReadError(path, f"this is {kind}, and text was expected.", remedy)
    if declared == "detect":
        return _detect(path, data)
    codec = "utf-8-sig" if codecs.lookup(declared).name == "utf-8" else declared
    try:
        return Decoded(data.decode(codec), declared, None)
    except UnicodeDecodeError as error:
        # The codec may have set aside a byte order mark, and count from behind it.
        at = error.start + len(data) - len(error.object)
        line = data[:at].count(b"\n") + 1
        raise ReadError(
            path,
            f"byte {at} (0x{data[at]:02X}) is not {declared}, the encoding declared in source.yaml.",
            _remedy(data, declared),
            line=line,
        ) from error
    except UnicodeError as error:
        raise ReadError(path, f"the file is not {declared} ({error}).", _remedy(data, declared)) from error


def _remedy(data: bytes, declared: str) -> str:
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    beyond = sum(letter > "\x7f" for letter in text) - lost
    if declared.lower().startswith("utf-8") and lost < beyond:
        return (
            "The rest of the file is: it was put together from two files. Open it, correct this place, save it again."
        )
    return f"The file looks like {guess(data)}: declare that (format: encoding), or save the file as {declared}."


def guess(data: bytes) -> str:
    """The codec that `data` most likely is in; "unknown" where none fits."""
    try:
        return _detect(Path("file"), data).encoding
    except ReadError:
        return "unknown"


def _detect(path: Path, data: bytes) -> Decoded:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            try:
                return Decoded(data.decode(codec), codec, 1.0)
            except UnicodeDecodeError:
                break
    # Every other byte of Latin text in UTF-16 is zero; elsewhere there is none.
    for zeros, codec in ((data[1::2], "utf-16-le"), (data[::2], "utf-16-be")):
        if zeros.count(0) > len(zeros) // 2:
            with contextlib.suppress(UnicodeDecodeError):
                return Decoded(data.decode(codec), codec, 1.0)
    try:
        return Decoded(data.decode("utf-8"), "utf-8", 1.0)
    except UnicodeDecodeError as error:
        first = error.start
    # max keeps the first of equals: the commonest encoding.
    found = max(_candidates(data), key=lambda decoded: decoded.sure or 0.0, default=None)
    if found is None or (found.sure or 0.0) < _LIKELY:
        other = from_bytes(data).best()
        if other is not None:
            return Decoded(str(other), other.encoding, round(1 - other.percent_chaos / 100, 3))
    if found is None:
        raise ReadError(
            path,
            f"byte {first} is not UTF-8 and no usual encoding fits ({', '.join(_LEGACY)}).",
            "Save the file as UTF-8, or declare its encoding in source.yaml (format: encoding).",
        )
    return found


def _candidates(data: bytes) -> Iterator[Decoded]:
    """Each usual encoding that fits, with the share of plausible letters among those beyond ASCII.

    Counting letters stays right on the short French files that partners send, where charset-normalizer has too little
    to measure; that one is asked when none of these is plausible (a Polish or Greek partner's file).
    """
    for codec in _LEGACY:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        beyond = [(before, letter) for before, letter in pairwise(f" {text}") if letter > "\x7f"]
        plausible = sum(letter in _USUAL and not _odd(before, letter) for before, letter in beyond)
        yield Decoded(text, codec, round(plausible / len(beyond), 3) if beyond else 1.0)


def _odd(before: str, letter: str) -> bool:
    """A capital inside a word, or two letters beyond ASCII in a row: rare in French, the rule in a wrong guess."""
    return (letter.isupper() and before.islower()) or (letter.isalpha() and before.isalpha() and before > "\x7f")
