"""How alike two rows are: do they name the same thing?

Belongs here: which fields of a table tell, and weighing them, as record linkage does (Fellegi and Sunter: what agrees
speaks for, what differs against, what one of them leaves empty does not speak). Does not belong here: which of many
rows goes with which (matching.py).

All is read from what the dataset declares: its rules say which field is a telephone number, its merge keys which
fields make two rows the same.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from rapidfuzz import fuzz

from schemas.dataset import Table
from sources.terms import fold

Cells = Mapping[str, str | None]
Told = frozenset[tuple[str, str]]
"""Values of fields that several rows share, and that tell little."""

SHARED = 2
"""A value that more rows of one file have tells little: a network's switchboard, its own page."""

_DIGITS = re.compile(r"\d+")
_RENAMED = 0.5
_DEGREE = 111.2  # kilometres


@dataclass(frozen=True)
class Compared:
    """The fields of a table that tell its rows apart; `texts` are those beside the name (address, postcode, ids)."""

    name: str | None
    texts: tuple[str, ...]
    phone: str | None
    email: str | None
    page: str | None
    point: tuple[str, str] | None

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """All of them, the name first."""
        named = (self.name, *self.texts, self.phone, self.email, self.page, *(self.point or ()))
        return tuple(dict.fromkeys(name for name in named if name))


def compared_fields(table: Table, also: Iterable[str] = ()) -> Compared:
    """The telling fields of `table`; `also` are those of which a source makes its ids."""

    def first(rule: str) -> str | None:
        return next((line.fields[0] for line in table.line.rules if line.rule == rule), None)

    known = {*table.primary_key, *table.line.provided, *table.line.terms}
    required = [f["name"] for f in table.schema["fields"] if f.get("constraints", {}).get("required")]
    keys = [name for same in table.line.merge.same for name in same]
    free = [n for n in [*required, *keys, *also] if n not in known and table.field(n).get("type") == "string"]
    name = next(iter(free), None)
    phone, email, page = first("phone"), first("email"), first("url")
    geometry = table.line.geometry
    point = (geometry.latitude, geometry.longitude) if geometry else None
    apart = {name, phone, email, page, *(point or ()), *table.primary_key}
    postcode = first("postcode_of_country")
    texts = tuple(n for n in dict.fromkeys([*keys, *filter(None, [postcode]), *also]) if n not in apart)
    return Compared(name, texts, phone, email, page, point)


@dataclass(frozen=True)
class Features:
    """One row as it is compared: its telling values, folded. Its `content` is what it is called and where it is, as
    one value: how to reach it may be held back from what is published."""

    values: Mapping[str, str]
    place: tuple[float, float] | None
    content: tuple[str, ...]


def features(fields: Compared, cells: Cells) -> Features:
    """What of the row `cells` is compared."""
    values = {name: folded for name in fields.fields if (folded := _folded(fields, name, cells.get(name) or ""))}
    place = None
    if fields.point and all(name in values for name in fields.point):
        try:
            place = (float(values[fields.point[0]]), float(values[fields.point[1]]))
        except ValueError:
            place = None
    told = (fields.name, *fields.texts, *(fields.point or ()))
    content = tuple(values.get(name or "", "") for name in told)
    return Features(values, place, content if any(content) else ())


def _folded(fields: Compared, name: str, text: str) -> str:
    if name == fields.phone:
        return "".join(_DIGITS.findall(text))[-9:]
    if name == fields.email:
        return text.split("|")[0].strip().casefold()
    if name == fields.page:
        return _host(text.split("|")[0].strip())
    if fields.point and name in fields.point:
        return text.strip()
    return fold(text)


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def shared_values(*files: Iterable[Features]) -> Told:
    """The values that more than SHARED rows of one of the files have."""
    told: set[tuple[str, str]] = set()
    for rows in files:
        counted = Counter(item for row in rows for item in row.values.items())
        told |= {item for item, count in counted.items() if count > SHARED}
    return frozenset(told)


def weigh(fields: Compared, one: Features, other: Features, shared: Told) -> float:
    """How much speaks for the two rows being the same thing; below nothing, what speaks against it is more."""
    weight = 0.0
    for name in fields.fields:
        a, b = one.values.get(name), other.values.get(name)
        if a is None or b is None or (fields.point and name in fields.point):
            continue
        found = _weigh_field(fields, name, a, b)
        weight += found / 3 if found > 0 and {(name, a), (name, b)} & shared else found
    return weight + _weigh_places(fields, one, other, shared)


def _weigh_field(fields: Compared, name: str, a: str, b: str) -> float:
    if name == fields.phone:
        return 3.0 if a == b else -0.5
    if name == fields.email:
        return 2.0 if a == b else -0.3
    if name == fields.page:
        return 1.5 if a == b else -0.3
    if _is_code(a) or _is_code(b):
        return 1.5 if a == b else -2.0
    alike = likeness(a, b)
    if name == fields.name:
        steps: tuple[tuple[float, float], ...] = ((1, 4), (0.85, 3), (0.7, 1), (_RENAMED, -1), (0, -3))
    else:
        steps = ((0.9, 2.5), (0.75, 1), (0.5, 0), (0, -1.5))
    # "12 rue Pasteur" is not "14 rue Pasteur", nor is "Espace 1" "Espace 2", however alike their letters are.
    most = steps[-2][1] if _DIGITS.findall(a) != _DIGITS.findall(b) else math.inf
    return min(most, next(weight for least, weight in steps if alike >= least))


def is_renamed(fields: Compared, one: Features, other: Features) -> bool:
    """Whether the names have nothing in common: at the same door with the same telephone it may still be another."""
    a, b = (row.values.get(fields.name or "") for row in (one, other))
    return a is not None and b is not None and likeness(a, b) < _RENAMED


def likeness(a: str, b: str) -> float:
    """How alike two folded texts are (0 to 1), whatever the order of their words."""
    return 1.0 if a == b else max(fuzz.ratio(a, b), fuzz.token_sort_ratio(a, b)) / 100


def _is_code(text: str) -> bool:
    return " " not in text and any(letter.isdigit() for letter in text)


def _weigh_places(fields: Compared, one: Features, other: Features, shared: Told) -> float:
    if one.place is None or other.place is None or fields.point is None:
        return 0.0
    apart = _kilometres(one.place, other.place)
    weight = 2.5 if apart <= 0.15 else 0.5 if apart <= 1 else -0.5 if apart <= 5 else -3.0
    # A point that many rows share is that of their town.
    centre = all((name, one.values[name]) in shared for name in fields.point)
    return weight / 3 if weight > 0 and centre else weight


def _kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    north = (one[0] - other[0]) * _DEGREE
    east = (one[1] - other[1]) * _DEGREE * math.cos(math.radians((one[0] + other[0]) / 2))
    return math.hypot(north, east)


def blocks(fields: Compared, row: Features, shared: Told) -> Iterator[tuple[str, ...]]:
    """Where to look for rows that may be the same: two rows are compared only if they meet in one of these."""
    name = row.values.get(fields.name or "", "")
    starts = sorted({word[:4] for word in name.split()})
    for field, value in row.values.items():
        if fields.point and field in fields.point:
            continue
        if (field, value) not in shared or field == fields.name:
            yield field, value
        if _is_code(value):
            yield from ((field, value, start) for start in starts)
    yield from (("", start) for start in starts)
    if row.place is not None:
        grid = f"{row.place[0]:.2f} {row.place[1]:.2f}"
        yield "place", grid
        yield from (("place", grid, start) for start in starts)
