"""Which column fills which field: by its name, by what its cells look like, by the terms in them.

Belongs here: scores, and choosing one column a field; what other partners of the dataset call their columns is learned
from their declarations. Does not belong here: reading the file (look.py), writing the declaration (writing.py).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rapidfuzz import fuzz

from schemas.dataset import Table
from sources.declaration import Source
from sources.fields import FieldMapping
from sources.proposal.content import Column
from sources.terms import Terms, fold

SURE = 0.8
"""From this score on a match is proposed without a mark."""

_LEAST = 0.6
_DIFFERENT = 0.95
_SEPARATORS = ("|", ";", ",", " / ", "\n")
_DAYS = {
    "Mo": ("lundi", "monday", "maandag", "lunes"),
    "Tu": ("mardi", "tuesday", "dinsdag", "martes"),
    "We": ("mercredi", "wednesday", "woensdag", "miercoles"),
    "Th": ("jeudi", "thursday", "donderdag", "jueves"),
    "Fr": ("vendredi", "friday", "vrijdag", "viernes"),
    "Sa": ("samedi", "saturday", "zaterdag", "sabado"),
    "Su": ("dimanche", "sunday", "zondag", "domingo"),
}
_TIME = re.compile(r"\s*\d{1,2}\s*(?:[:hH]\s*\d{0,2})\s*")
_LOOK_OF_RULE = {
    "phone": "phone",
    "email": "email",
    "url": "url",
    "opening_hours": "hours",
    "postcode_of_country": "postcode",
    "national_id": "siret",
}
_LOOK_OF_TYPE = {"date": "date", "year": "year", "boolean": "boolean", "number": "number", "integer": "number"}
_TONGUES = ("fr", "en", "nl")
_KINDS = frozenset({"id", "nl", "type", "date", "origine", "origin", "email", "url", "count", "nb"})
_NUMBERS = frozenset({"id", "uid", "uuid", "identifiant", "identifier", "code", "numero", "n", "ref", "reference"})
_LATITUDES = frozenset({"lat", "latitude", "y wgs84", "geo lat", "geometry latitude"})
_LONGITUDES = frozenset({"lon", "lng", "long", "longitude", "x wgs84", "geo lon", "geometry longitude"})
# What a cell looks like says by itself which field it is for; a number or a date may be anything.
_TELLING = frozenset({"phone", "email", "url", "hours", "siret"})


@dataclass(frozen=True)
class Match:
    """One column for one field, and how sure that is (0 to 1). `split` parts the terms in its cells."""

    field: str
    column: Column
    score: float
    split: str | None = None


@dataclass(frozen=True)
class Matching:
    """What was found for a table: a match a field, the columns of each day (one, or when it opens and closes), those
    that hold a point (one, or Lambert-93 metres in two), the id's columns. `rest` are the columns for no field.
    """

    table: Table
    matches: Mapping[str, Match]
    days: Mapping[str, tuple[str, ...]]
    point: tuple[str, ...]
    identity: tuple[str, ...]
    rest: tuple[str, ...]

    @property
    def score(self) -> float:
        """How well the file fits the table: what its matches are worth together."""
        return sum(match.score for match in self.matches.values()) + bool(self.days) + bool(self.point)


@dataclass(frozen=True)
class Custom:
    """What the partners of a table are used to: how they call a field's columns, and which cleaners it is given."""

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cleaners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def custom_of(table: Table, sources: Iterable[Source], main: str) -> Custom:
    """Learn from the declarations of the sources that feed `table` (`main`: the table of those that name none)."""
    names: dict[str, set[str]] = defaultdict(set)
    cleaners: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for source in sources:
        if (source.line.table or main) != table.name:
            continue
        for name, mapping in source.line.map.items():
            names[name] |= {fold(column) for column in _single(mapping)}
            if mapping.columns:
                cleaners[name][tuple(mapping.clean)] += 1
        if source.line.id is not None:
            names[""] |= {fold(column) for column in source.line.id.columns or ()}
    usual = {name: counted.most_common(1)[0][0] for name, counted in cleaners.items()}
    return Custom({name: frozenset(called) for name, called in names.items()}, usual)


def match(table: Table, columns: Sequence[Column], custom: Custom, language: str = "fr") -> Matching:
    """Choose at most one column a field, the best pairs first; a column serves one field. `language` is the file's."""
    days = _days(columns) if any(rule.rule == "opening_hours" for rule in table.line.rules) else {}
    by_day = {name for names in days.values() for name in names}
    free = [column for column in columns if column.name not in by_day]
    identity = _identity(table, free, custom)
    fields = [_Field(table, name, custom, language) for name in table.asked if name not in table.primary_key]
    pairs = [_pair(one, column) for one in fields for column in free]
    chosen: dict[str, Match] = {}
    taken: set[str] = set()
    hours = {one.name for one in fields if days and one.look == "hours"}
    for pair in sorted(pairs, key=lambda pair: -pair.score):
        least = SURE if pair.column.name in identity else _LEAST
        if pair.score >= least and pair.field not in chosen.keys() | hours and pair.column.name not in taken:
            chosen[pair.field] = pair
            taken.add(pair.column.name)
    point = _point(table, free, chosen, taken)
    used = taken | by_day | set(identity) | set(point)
    ordered = {name: chosen[name] for name in table.fields if name in chosen}
    return Matching(table, ordered, days, point, identity, tuple(c.name for c in columns if c.name not in used))


def _single(mapping: FieldMapping) -> tuple[str, ...]:
    """The columns that hold the field by themselves, not a part of it."""
    return (mapping.column,) if mapping.column else tuple(mapping.first or ())


class _Field:
    """One field as it is looked for: its names, the look of its cells, its terms."""

    def __init__(self, table: Table, name: str, custom: Custom, language: str) -> None:
        self.name = name
        # A text in several languages is a field each: the file's own comes first.
        tongue = name.rsplit("_", 1)[-1]
        self.foreign = tongue in _TONGUES and tongue != language
        self.only_named = name in table.line.provided and table.line.provided[name] != "snapshot_date"
        schema = table.field(name)
        titles = [schema.get("title") or "", schema.get("title_en") or ""]
        self.known = {fold(text) for text in (name, *titles) if text} | custom.names.get(name, frozenset())
        geometry = table.line.geometry
        if geometry is not None:
            self.known |= {geometry.latitude: _LATITUDES, geometry.longitude: _LONGITUDES}.get(name, frozenset())
        self.type = str(schema.get("type"))
        looks = [_LOOK_OF_RULE[r.rule] for r in table.line.rules if r.rule in _LOOK_OF_RULE and name in r.fields[:1]]
        many = [r for r in table.line.rules if r.rule in ("url", "email", "phone") and name in r.fields]
        usual = custom.cleaners.get(name, ())
        by_cleaner = [cleaner for cleaner in usual if cleaner == "insee"]
        on_map = ["decimal"] if geometry and name in (geometry.latitude, geometry.longitude) else []
        by_type = [_LOOK_OF_TYPE[self.type]] if self.type in _LOOK_OF_TYPE else []
        found = [*on_map, *looks, *[_LOOK_OF_RULE[r.rule] for r in many], *by_cleaner, *by_type]
        self.look = found[0] if found else None
        # Several fields of one look (two addresses of pages): the look alone does not say which of them it is.
        self.alone = bool(looks) and not any(r.rule == "url" and name in r.fields[1:] for r in many)
        term = table.line.terms.get(name)
        self._table, self._list = table, term.list if term else None
        self.separator = term.separator if term else None

    @cached_property
    def terms(self) -> Terms | None:
        """The accepted terms and synonyms; None where the field has no list."""
        if self._list is None:
            return None
        return Terms({term: term for term in self._table.terms[self._list]} | self._table.synonyms[self._list])


def _pair(one: _Field, column: Column) -> Match:
    # A column that bears the field's own name is meant for it, whatever the file's language.
    named = _likeness(one.known, column.name) - (0.15 if one.foreign and fold(column.name) != fold(one.name) else 0)
    if not column.cells or one.only_named:
        return Match(one.name, column, named if named == 1 else 0.0)
    told, split = (0.0, None) if one.terms is None else _accepted(one.terms, column, many=one.separator is not None)
    if one.terms is not None:
        # A column of "Oui" and "Non" meets many lists: terms count by how many different ones there are.
        by_terms = told * min(1.0, 0.4 + 0.15 * len(set(column.cells)))
        return Match(one.name, column, max(named - (0.25 if told == 0 and named < 1 else 0), by_terms), split)
    if one.look is None:
        # Free text: a column that looks like something else is for something else.
        other = max((column.looks[look] for look in _TELLING), default=0.0)
        return Match(one.name, column, named - (0.4 if other > 0.7 and named < 1 else 0))
    share = column.looks[one.look]
    if one.look == "decimal":
        share = max(share, column.looks["number"] if named == 1 else 0.0)
    if share < 0.3:
        return Match(one.name, column, named - 0.45)
    by_look = 0.75 * share if one.look in _TELLING and one.alone else 0.0
    return Match(one.name, column, max(named + 0.1 * share if named >= 0.5 else named, by_look))


def _likeness(known: Iterable[str], name: str) -> float:
    """How near the name of a column is to those of a field: 1 where it is one of them."""
    called = {fold(name), fold(name.rsplit(".", 1)[-1])}
    names = list(known)
    return 1.0 if called & set(names) else max((_alike(a, b) for a in called for b in names), default=0.0)


def _alike(called: str, known: str) -> float:
    # "source" is not "source id": a word that tells what kind of thing it is counts.
    apart = set(called.split()) ^ set(known.split())
    return 0.95 * (fuzz.token_set_ratio(called, known) + fuzz.ratio(called, known)) / 200 - 0.3 * bool(apart & _KINDS)


def _accepted(terms: Terms, column: Column, *, many: bool) -> tuple[float, str | None]:
    """The largest share of terms that are on the list, and the separator with which it is reached: of several, the one
    that leaves the fewest different terms."""
    ways: list[tuple[float, int, str | None]] = []
    for separator in (None, *(_SEPARATORS if many else ())):
        parts = [part for cell in column.cells for part in split_of(cell, separator)]
        if parts and (separator is None or len(parts) > len(column.cells)):
            share = sum(terms.find(part) is not None for part in parts) / len(parts)
            ways.append((round(share, 2), -len(set(parts)), separator))
    share, _, separator = max(ways, key=lambda way: way[:2], default=(0.0, 0, None))
    return share, separator


def split_of(cell: str, separator: str | None) -> list[str]:
    """The filled parts of a cell; lists of a JSON file come joined by `|`."""
    parts = cell.split("|") if separator is None else [p for whole in cell.split("|") for p in whole.split(separator)]
    return [part.strip() for part in parts if part.strip()]


def _days(columns: Sequence[Column]) -> dict[str, tuple[str, ...]]:
    """The columns that are called like the days of the week, where there are five days at least: one a day, or as many
    a day that hold a time each (opens, closes, opens, closes)."""
    found: dict[str, tuple[str, ...]] = {}
    times: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        words = set(fold(column.name).split())
        for day, names in _DAYS.items():
            if words & set(names):
                if day not in found and len(words) <= 3:
                    found[day] = (column.name,)
                if sum(_TIME.fullmatch(cell) is not None for cell in column.cells) >= 0.8 * len(column.cells):
                    times[day].append(column.name)
    counts = {len(names) for names in times.values()}
    if len(times) >= 5 and len(counts) == 1 and not min(counts) % 2:
        found = {day: tuple(names) for day, names in times.items()}
    return {day: found[day] for day in _DAYS if day in found} if len(found) >= 5 else {}


def _point(table: Table, columns: Sequence[Column], chosen: Mapping[str, Match], taken: set[str]) -> tuple[str, ...]:
    geometry = table.line.geometry
    if geometry is None or geometry.latitude in chosen or geometry.longitude in chosen:
        return ()
    free = [column for column in columns if column.name not in taken]
    whole = [column.name for column in free if column.looks["point"] > 0.7]
    axes = [[column.name for column in free if _is_metres(column, axis)] for axis in ("x", "y")]
    if all(len(named) == 1 for named in axes):
        return axes[0][0], axes[1][0]
    return tuple(whole[:1])


def _is_metres(column: Column, axis: str) -> bool:
    """Whether the column is called like this axis of a map and holds metres, not degrees."""
    called = fold(column.name).split()
    numbers = [float(cell.replace(",", ".")) for cell in column.cells if re.fullmatch(r"-?\d+([.,]\d+)?", cell)]
    return axis in called and len(numbers) > 0.7 * len(column.cells) and min(map(abs, numbers), default=0) > 1000


def _identity(table: Table, columns: Sequence[Column], custom: Custom) -> tuple[str, ...]:
    """The column with the partner's own number: called like one, and another in (nearly) every row.

    The few rows that share a number come back to the partner, who should know of them.
    """
    if len(table.primary_key) != 1:
        return ()
    known = custom.names.get("", frozenset()) | _NUMBERS
    free = [column for column in columns if column.different >= _DIFFERENT]
    called = [(_likeness(known, column.name), column.name) for column in free]
    called += [(0.8, column.name) for column in free if set(fold(column.name).split()) & _NUMBERS]
    best = max(called, key=lambda pair: pair[0], default=None)
    return (best[1],) if best is not None and best[0] >= 0.75 else ()
