"""From bytes to text: the declared encoding, or the one that the bytes show.

Belongs here: decoding, byte order marks, and guessing among the encodings that partners' spreadsheets write.
Does not belong here: text that was decoded wrongly before it reached us (clean/text.py repairs what can be).
"""

import codecs
from pathlib import Path
from typing import NamedTuple

from charset_normalizer import from_bytes

from sources.formats.reading import ReadError

# What spreadsheets and databases of partners write when it is not UTF-8 (facts, domain 5); a closed list keeps the
# guess from wandering into alphabets that share the same bytes.
_LEGACY = ["cp1252", "mac_roman", "cp850"]
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
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
    if declared == "detect":
        return _detect(path, data)
    codec = "utf-8-sig" if codecs.lookup(declared).name == "utf-8" else declared
    try:
        return Decoded(data.decode(codec), declared, None)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReadError(
            path,
            f"byte {error.start} (0x{data[error.start]:02X}) is not {declared}, the encoding declared in source.yaml.",
            f"The file looks like {guess(data)}: declare that (format: encoding), or save the file as {declared}.",
            line=line,
        ) from error


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
    try:
        return Decoded(data.decode("utf-8"), "utf-8", 1.0)
    except UnicodeDecodeError as error:
        first = error.start
    ranked = sorted(_candidates(data), key=lambda decoded: decoded.sure or 0.0, reverse=True)
    if not ranked:
        raise ReadError(
            path,
            f"byte {first} is not UTF-8 and no usual encoding fits ({', '.join(_LEGACY)}).",
            "Save the file as UTF-8, or declare its encoding in source.yaml (format: encoding).",
        )
    return ranked[0]


def _candidates(data: bytes) -> list[Decoded]:
    """Each encoding that fits, with the share of usual letters among those beyond ASCII.

    charset-normalizer decides between equals (the order of its matches); counting letters decides first, because it
    stays right on the short files that partners send, where the former has too little to measure.
    """
    order = [match.encoding for match in from_bytes(data[:200_000], cp_isolation=_LEGACY)]
    found = []
    for codec in sorted(_LEGACY, key=lambda name: order.index(name) if name in order else len(order)):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        beyond = [letter for letter in text if letter > "\x7f"]
        usual = sum(letter in _USUAL for letter in beyond)
        found.append(Decoded(text, codec, round(usual / len(beyond), 3) if beyond else 1.0))
    return found
