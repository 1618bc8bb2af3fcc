"""Opening hours: French words, or a table by day, to the OSM opening_hours syntax.

Belongs here: a strict grammar of how French sites write their hours. Does not belong here: checking OSM syntax that a
partner wrote (a rule of the dataset).

The grammar gives up at the first word it does not know ("sauf vacances scolaires"): half-understood hours send people
to a closed door. What it gives up on comes back unchanged.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # missing in its stubs

from sources.clean.context import CleanContext

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_NAMES = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_SHORT = ("lun", "mar", "mer", "jeu", "ven", "sam", "dim")

Times = tuple[tuple[int, int], ...]

_TOKENS = re.compile(
    r"(?P<public>(?:sauf|hors|ferme(?:e|ture)?)\s+(?:les\s+)?jours?\s+feries?)"
    r"|(?P<every>tous\s+les\s+jours|7\s?j(?:ours)?\s?(?:/|sur)\s?7)"
    r"|(?P<clock>24\s?h(?:eures)?\s?(?:/|sur)\s?24(?:\s?h)?)"
    rf"|(?P<day>\b(?:{'|'.join(_NAMES)})s?\b|\b(?:{'|'.join(_SHORT)})\b\.?)"
    r"|(?P<time>\d{1,2}\s?(?:heures?|h)\s?(?:[0-5]\d)?(?!\d)|\d{1,2}:[0-5]\d(?!\d)|\bmidi\b|\bminuit\b)"
    r"|(?P<number>\d{1,2}(?!\d))"
    r"|(?P<closed>\b(?:ferme(?:e|ture)?s?)\b)"
    r"|(?P<except>\bsauf\b)"
    r"|(?P<half>\b(?:le\s+)?(?:matins?|apres[- ]midis?)\b)"
    r"|(?P<to>\bau\b|\ba(?=\d|\b)|\bjusqu'a\b|-+)"
    r"|(?P<also>\bet\b|\bpuis\b|\bainsi que\b|[,;/|&.]+|\n)"
    r"|(?P<filler>\b(?:du|de|des|le|les|tous)\b|\bd'|\b(?:horaires?(?:\s+d'ouverture)?|ouvert(?:ure)?e?s?)\b|:)"
    r"|(?P<space>\s+)"
    r"|(?P<unknown>.)"
)


_FRENCH_TIME = re.compile(r"\b(\d{1,2})\s?[hH]([0-5]\d)?\b")
_OSM_DAY = re.compile(rf"\b(?:{'|'.join(DAYS)})\b")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _GaveUpError(Exception):
    """The text is not in the grammar."""


def hours(cell: str, context: CleanContext) -> str | None:
    """Opening hours in OSM syntax: "Du lundi au vendredi de 9h à 12h" -> "Mo-Fr 09:00-12:00"."""
    if is_osm(cell):
        return cell
    written = _clocked(cell) or in_words(cell)
    return written if written is not None and is_osm(written) else cell


def _clocked(text: str) -> str | None:
    """OSM syntax whose times alone are French: "Mo-Th 10h00-12h30"; None where it is not that."""
    plain = _FRENCH_TIME.sub(lambda found: f"{int(found[1]):02}:{found[2] or '00'}", text.strip())
    return plain if _OSM_DAY.search(plain) and is_osm(plain) else None


def is_osm(text: str) -> bool:
    """Whether `text` is in the OSM opening_hours syntax."""
    try:
        OpeningHours(text)
    except ParserError:
        return False
    return True


def week(cells: Mapping[str, str]) -> str | None:
    """Opening hours from one cell a day ({"Mo": "9h-12h / 14h-17h", "Tu": "fermé"}); None where one is not understood.

    A blank day is a closed one; a week with no filled day says nothing (an empty text).
    """
    opened: dict[int, Times] = {}
    for day, cell in cells.items():
        if not cell.strip(" -"):
            continue
        try:
            tokens = _tokens(cell)
            if [token.kind for token in tokens] != ["closed"]:
                opened[DAYS.index(day)] = _Parser(tokens).only_times()
        except _GaveUpError:
            return None
    return _osm(opened)


def in_words(text: str) -> str | None:
    """The OSM syntax of hours written in French words, or None where they are not understood."""
    try:
        return _Parser(_tokens(text)).text() or None
    except _GaveUpError:
        return None


def _tokens(text: str) -> list[_Token]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"[\u2010-\u2015\u2212]", "-", plain).replace("’", "'")
    plain = re.sub(r"[^\S\n]+", " ", plain)
    found = []
    for match in _TOKENS.finditer(plain):
        kind = match.lastgroup or "unknown"
        if kind == "unknown":
            raise _GaveUpError(match.group())
        if kind not in ("space", "filler"):
            found.append(_Token(kind, match.group().strip()))
    return found


def _minutes(token: _Token) -> int:
    if token.text == "midi":
        return 12 * 60
    if token.text == "minuit":
        return 24 * 60
    digits = re.findall(r"\d+", token.text)
    hour, minute = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    if hour > 24 or (hour == 24 and minute):
        raise _GaveUpError(token.text)
    return hour * 60 + minute


class _Parser:
    """Reads tokens from left to right: days then times, or one list of times then days."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def text(self) -> str:
        opened: dict[int, Times] = {}
        closed: set[int] = set()
        public = False
        self.separators()
        while self.at < len(self.tokens):
            if self.kind() == "public":
                public = True
                self.at += 1
            elif self.kind() == "closed":
                self.at += 1
                closed |= set(self.days())
            elif self.kind() in ("time", "number", "clock"):
                times = self.times()
                self.add(opened, self.days(), times)
            else:
                days = self.days()
                if self.kind() == "also" and self.kind(1) in ("time", "number", "half", "closed", "clock"):
                    self.at += 1
                if self.kind() == "closed":
                    self.at += 1
                    closed |= set(days)
                else:
                    self.add(opened, days, self.times())
            self.separators()
        for day in closed:
            opened.pop(day, None)
        written = _osm(opened)
        return f"{written}; PH off" if written and public else written

    def only_times(self) -> Times:
        self.separators()
        times = self.times()
        self.separators()
        if self.at < len(self.tokens):
            raise _GaveUpError
        return times

    def kind(self, ahead: int = 0) -> str:
        position = self.at + ahead
        return self.tokens[position].kind if position < len(self.tokens) else "end"

    def separators(self) -> None:
        while self.kind() == "also" or (self.kind() == "to" and self.tokens[self.at].text[0] == "-"):
            self.at += 1

    @staticmethod
    def add(opened: dict[int, Times], days: list[int], times: Times) -> None:
        # One day said twice: whether the second adds or corrects is anyone's guess.
        if any(day in opened for day in days):
            raise _GaveUpError
        opened.update(dict.fromkeys(days, times))

    def days(self) -> list[int]:
        found: list[int] = []
        if self.kind() == "every":
            self.at += 1
            found = list(range(7))
        while self.kind() == "day":
            first = self.day()
            last = first
            if self.kind() == "to" and self.kind(1) == "day":
                self.at += 1
                last = self.day()
            if last < first:
                raise _GaveUpError
            found += range(first, last + 1)
            if self.kind() == "also" and self.kind(1) == "day":
                self.at += 1
        if self.kind() == "except" and self.kind(1) == "day":
            self.at += 1
            without = self.days()
            found = [day for day in found if day not in without]
        if not found or len(set(found)) < len(found):
            raise _GaveUpError
        return found

    def day(self) -> int:
        name = self.tokens[self.at].text.rstrip(".s")
        self.at += 1
        return next(i for i, full in enumerate(_NAMES) if full == name or _SHORT[i] == name)

    def times(self) -> Times:
        if self.kind() == "clock":
            self.at += 1
            return ((0, 24 * 60),)
        found: list[tuple[int, int]] = []
        while self.kind() in ("time", "number", "half"):
            if self.kind() == "half":
                self.at += 1
            found.append(self.range())
            if self.kind() == "also" and self.kind(1) in ("time", "number", "half"):
                self.at += 1
        if not found:
            raise _GaveUpError
        for (_, end), (start, _) in pairwise(found):
            if start < end:
                raise _GaveUpError
        return tuple(found)

    def range(self) -> tuple[int, int]:
        kinds = (self.kind(), self.kind(1), self.kind(2))
        if kinds[1] != "to" or "time" not in (kinds[0], kinds[2]) or not {kinds[0], kinds[2]} <= {"time", "number"}:
            raise _GaveUpError
        start, end = _minutes(self.tokens[self.at]), _minutes(self.tokens[self.at + 2])
        self.at += 3
        if end <= start:
            raise _GaveUpError
        return start, end


def _osm(opened: Mapping[int, Times]) -> str:
    if len(opened) == 7 and set(opened.values()) == {((0, 24 * 60),)}:
        return "24/7"
    by_times: dict[Times, list[int]] = {}
    for day in sorted(opened):
        by_times.setdefault(opened[day], []).append(day)
    return "; ".join(f"{_days(days)} {_clock(times)}" for times, days in by_times.items())


def _days(days: list[int]) -> str:
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _clock(times: Times) -> str:
    return ",".join(f"{s // 60:02}:{s % 60:02}-{e // 60:02}:{e % 60:02}" for s, e in times)
