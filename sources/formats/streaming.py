"""A JSON document too large to be held whole: its records one after the other, through a window of a few megabytes.

Belongs here: finding the list of records in the text and cutting it into values, each read as the whole document would
be (documents.py gives how). Does not belong here: what a record means, where records are kept meanwhile (spool.py).

Python's own parser reads each value, so that a large file and a small one are the same file to everything else: ijson,
which streams too, drops a key that stands twice and knows no half letters.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from sources.formats.reading import ReadError

_CHUNK = 1024 * 1024
_VALUE_MAX = 64 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_ESCAPES = 14
"""Letters at the end of a window in which an escape, or a pair of them, may have been cut in two."""

_ESCAPE = re.compile(r"\\(?:u[\da-fA-F]{4}|[^u])", re.DOTALL)
_FIRST_HALF = re.compile(r"\\u[dD][89abAB][\da-fA-F]{2}")

Repair = Callable[[str], str]


def records_of(path: Path, declared: str, at: str, decoder: json.JSONDecoder, repair: Repair) -> Iterator[Any]:
    """Each value of the list at the path `at` ("data.items"; empty: the document itself) in the file `path`.

    `declared` is its encoding (`detect`: UTF-8, or what a byte order mark says), `decoder` what reads a value, `repair`
    what is done to text before. Raises ReadError, json.JSONDecodeError with the line in the file, and what the decoder
    raises; only the end of the iteration says that the document is whole.
    """
    codec = _codec(path) if declared == "detect" else declared
    codec = "utf-8-sig" if codecs.lookup(codec).name == "utf-8" else codec
    with path.open(encoding=codec, newline="") as file:
        text = _Window(path, file, decoder, repair)
        try:
            yield from _walk(text, at.split(".") if at else [], at)
            if text.peek():
                raise text.wrong("Extra data")
        except UnicodeDecodeError as error:
            raise ReadError(
                path,
                f"a byte in this file is not {codec} ({error.reason}).",
                "Declare its encoding in source.yaml (format: encoding), or save it as UTF-8.",
            ) from error


class _Window:
    """The part of the text that is being read."""

    def __init__(self, path: Path, file: TextIO, decoder: json.JSONDecoder, repair: Repair) -> None:
        self.path = path
        self._file = file
        self._decoder = decoder
        self._repair = repair
        self._text = self._held = ""
        self._at = self._lines = 0
        self._ended = False

    def peek(self) -> str:
        """The next sign that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, *signs: str) -> str:
        """The next sign, which must be one of `signs`."""
        found = self.peek()
        if found not in signs or not found:
            raise self.wrong(f"Expecting {' or '.join(map(repr, signs))}")
        self._at += 1
        return found

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # Only what is wrong near the end of the window may be right once there is more of it.
                cut = error.pos >= len(self._text) - 16 or error.msg.startswith("Unterminated")
                if not cut or not self._more():
                    raise json.JSONDecodeError(error.msg, self._text, error.pos) from error
                continue
            # "12" may go on.
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def wrong(self, said: str) -> json.JSONDecodeError:
        """The error that something else stands here."""
        return json.JSONDecodeError(said, self._text, self._at)

    def line(self, position: int) -> int:
        """The line in the file of a position in the window."""
        return self._lines + self._text.count("\n", 0, position) + 1

    @property
    def ended(self) -> bool:
        """Whether there is nothing more in the file."""
        return self._ended

    def _more(self) -> bool:
        if self._ended:
            return False
        if len(self._text) - self._at > _VALUE_MAX:
            raise ReadError(
                self.path,
                f"one value is larger than {_VALUE_MAX // 1024**2} MB.",
                "Say where the list of records is (format: records), or send smaller records.",
                line=self.line(self._at),
            )
        # As much again as there is: a large value is looked at a few times, not once a chunk.
        read = self._file.read(max(_CHUNK, len(self._text) - self._at))
        self._ended = not read
        fresh = self._held + read
        self._held = ""
        if not self._ended:
            cut = _cut(fresh)
            fresh, self._held = fresh[:cut], fresh[cut:]
        self._lines += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + self._repair(fresh)
        self._at = 0
        return bool(fresh) or not self._ended


def _cut(text: str) -> int:
    """Where to part the text so that no escape, and no pair of them, is cut in two; it begins outside of any."""
    if "\\" not in text[-_ESCAPES:]:
        return len(text)
    last = None
    for last in _ESCAPE.finditer(text):  # noqa: B007 (the last one is wanted)
        pass
    end = last.end() if last is not None else 0
    begun = text.find("\\", end)
    cut = len(text) if begun < 0 else begun
    # The first half of a letter waits for the second.
    if last is not None and end == cut and _FIRST_HALF.fullmatch(last[0]):
        cut = last.start()
    return cut if len(text) - cut < _ESCAPES else len(text)


def _walk(text: _Window, steps: Sequence[str], at: str) -> Iterator[Any]:
    """The values of the list that `steps` lead to; what stands around it is read too, so that its end is seen."""
    if not steps:
        yield from _list(text, at)
        return
    step, rest = steps[0], steps[1:]
    opened = text.peek()
    if opened not in ("{", "["):
        raise _missing(text, step, at)
    text.take(opened)
    found = False
    number = 0
    while text.peek() != ("}" if opened == "{" else "]"):
        if number:
            text.take(",")
        name = str(number)
        if opened == "{":
            if text.peek() != '"':
                raise text.wrong("Expecting property name enclosed in double quotes")
            name = text.value()
            text.take(":")
        if name == step and not found:
            found = True
            yield from _walk(text, rest, at)
        elif name == step:
            raise ReadError(text.path, f"the key {name!r} is doubled in one object.", "Keep one of the two.")
        else:
            text.value()
        number += 1
    text.take("}", "]")
    if not found:
        raise _missing(text, step, at)


def _list(text: _Window, at: str) -> Iterator[Any]:
    if text.peek() != "[":
        where = f"at {at!r}" if at else "at the top of the file"
        raise ReadError(
            text.path,
            f"a list of records was expected {where}.",
            "Say in source.yaml where the list is (format: records).",
        )
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.take(",", "]") == "]":
            return


def _missing(text: _Window, step: str, at: str) -> ReadError:
    return ReadError(
        text.path, f"there is no {step!r} on the path {at!r} to the records.", "Correct the path (format: records)."
    )


def _codec(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
