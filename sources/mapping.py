"""From a partner's columns to our fields: every field of the table, in its order, one text column each.

Belongs here: running a source's mapping over its records, the id of a row, what the declaration provides, and the
account of it all (rows in, blank rows, columns nobody mapped, what cleaners changed). Does not belong here: where one
field's text comes from (ways.py), cleaners (clean/), whether a row is right (schemas/).
"""

import difflib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

import polars as pl

from glane.errors import DataError
from schemas.dataset import Table
from schemas.judgement import Found, Problem
from schemas.phrases import say
from sources.clean import CLEANERS, CleanContext
from sources.clean.places import alpha2
from sources.declaration import Source, SourceLine
from sources.fields import FieldMapping
from sources.formats.reading import Reading, Record, collapse
from sources.hook import Hook, load_hook
from sources.identity.own import own_id
from sources.lookup import LookupTable, table_path
from sources.several import NUMBER, columns_of, spread
from sources.terms import Terms, fold
from sources.ways import Row, keys_of, parts_of, rewritten

_EXAMPLES = 3
_SHOWN = 200
_REMEMBERED = 10_000
_AT_ONCE = 20_000
# Cleaners whose field says where the row is; their fields are made first, so that the others may ask.
_COUNTRY = frozenset({"country2", "country3"})
_POSTCODE = frozenset({"postcode"})


class MappingError(DataError):
    """The file and the mapping do not fit: a column that is not there, a hook that fails."""


@dataclass(frozen=True)
class ChangeCount:
    """How many cells one cleaner changed, and the first few (before, after)."""

    count: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Mapped:
    """A partner's rows in our fields: `rows` has the table's fields in order and `_line`; one row for each row in.

    `unmapped` are the partner's columns that are neither mapped nor ignored; `changes` counts by cleaner ("terms" for
    terms that were translated, "lookup" for texts found in a table, "dates" for declared dates, "point" and "days" for
    points and weeks that were put in our form). `questions` are asked of the partner: what no table knows.
    """

    rows: pl.DataFrame
    rows_in: int
    blank: int
    unmapped: tuple[str, ...]
    changes: dict[str, ChangeCount]
    questions: tuple[Found, ...] = ()


def map_rows(source: Source, table: Table, reading: Reading, *, snapshot_date: str) -> Mapped:
    """Map every record of `reading` to the fields of `table`; `snapshot_date` is when its bytes were received.

    A cell that the mapping cannot make sense of stays as the partner wrote it, for validation to show. Raises
    MappingError naming the mapped columns that the file does not have, each with the nearest one it has.
    """
    source, reading = named(source, reading)
    mapper = Mapper(source, table, snapshot_date)
    columns: dict[str, list[str | int | None]] = {name: [] for name in (*table.fields, "_line")}
    schema = {name: pl.Int64() if name == "_line" else pl.String() for name in columns}
    frames = [pl.DataFrame(columns, schema=schema)]
    for number, record in enumerate(reading.records, start=1):
        row = mapper.row(number - 1, record)
        for name, column in columns.items():
            column.append(record.line if name == "_line" else row.get(name) or None)
        # Texts of a frame take a third of the memory that they take in Python.
        if number % _AT_ONCE == 0 or number == len(reading.records):
            frames.append(pl.DataFrame(columns, schema=schema))
            for column in columns.values():
                column.clear()
    return Mapped(
        rows=pl.concat(frames, rechunk=True),
        rows_in=len(reading.records),
        blank=reading.blank,
        unmapped=unmapped(source.line, reading.columns),
        changes=mapper.changes(),
        questions=tuple(mapper.questions),
    )


def named(source: Source, reading: Reading) -> tuple[Source, Reading]:
    """The source with its mapping in the names of the file's own columns, and the file with a record for each row.
    Raises MappingError as map_rows."""
    line = source.line
    if line.several is not None:
        reading = spread(reading, line.several)
    source = replace(source, line=line.model_copy(update={"map": _each_named(line.map, reading.columns)}))
    _check_columns(source.line, reading)
    return source, reading


def unmapped(line: SourceLine, columns: Iterable[str]) -> tuple[str, ...]:
    """The partner's columns that a source neither maps nor ignores.

    A name under `ignore:` may have `*` in it, and covers what is nested under it.
    """
    used = {collapse(name) for name in [*_columns_used(line), *((NUMBER,) if line.several else ())]}
    ignored = [collapse(name) for name in line.ignore]
    return tuple(
        column
        for column in columns
        if column not in used
        and not any(column == name or column.startswith(f"{name}.") or fnmatchcase(column, name) for name in ignored)
    )


def columns_read(line: SourceLine, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns of a file with these `columns` that each field is made from: those that "Tag *" and "site{n}_name"
    stand for, one by one."""
    numbered = columns_of(columns, line.several) if line.several is not None else {}
    return {
        name: tuple(column for read in mapping.taken for column in numbered.get(read, (read,)))
        for name, mapping in _each_named(line.map, columns).items()
        if mapping.taken
    }


def key_columns(line: SourceLine, table: Table) -> dict[str, tuple[str, ...]]:
    """The columns of the partner's own number, which the key of `table` is made of: none where it has no number."""
    columns = line.id.columns if line.id is not None else None
    return {table.primary_key[0]: tuple(columns)} if columns else {}


def _columns_used(line: SourceLine) -> list[str]:
    mapped = [column for mapping in line.map.values() for column in mapping.columns]
    return [*mapped, *((line.id.columns if line.id else None) or ())]


def _each_named(mappings: Mapping[str, FieldMapping], columns: Sequence[str]) -> dict[str, FieldMapping]:
    """The mappings with the columns of the file in place of "Tag *"; a name that none fits stays, to be missed."""

    def named(names: Sequence[str]) -> list[str]:
        fitting = [(name, re.compile(".*".join(map(re.escape, collapse(name).split("*"))))) for name in names]
        found = [[column for column in columns if one.fullmatch(column)] or [name] for name, one in fitting]
        return list(dict.fromkeys(column for fit in found for column in fit))

    made = dict(mappings)
    for field, mapping in mappings.items():
        if mapping.each is not None:
            made[field] = mapping.model_copy(update={"each": named(mapping.each)})
        elif mapping.lookup is not None and len(mapping.lookup.by) == 1:
            by = dict.fromkeys(mapping.lookup.by, named(mapping.lookup.columns))
            made[field] = mapping.model_copy(update={"lookup": mapping.lookup.model_copy(update={"by": by})})
    return made


def _check_columns(line: SourceLine, reading: Reading) -> None:
    # A file without rows has no columns either in JSON: nothing can be missing from nothing.
    if not reading.columns:
        return
    present = set(reading.columns)
    missing = [name for name in dict.fromkeys(map(collapse, _columns_used(line))) if name not in present]
    if not missing:
        return
    folded = {fold(column): column for column in reversed(reading.columns)}
    said = []
    for name in missing:
        near = difflib.get_close_matches(fold(name), folded, n=1, cutoff=0.6)
        said.append(
            repr(line.several.columns.get(name, name) if line.several else name)
            + (f" (the nearest is {folded[near[0]]!r})" if near else "")
        )
    what = f"The file has not got {'the column' if len(said) == 1 else 'the columns'} {', '.join(said)}."
    if len(reading.columns) == 1 and reading.delimiter is not None:
        only = f"It has only {reading.columns[0][:_SHOWN]!r}: if its cells are parted by another sign than "
        raise MappingError(what, f"{only}{reading.delimiter!r}, declare that (format: delimiter).")
    raise MappingError(
        what,
        "If the partner renamed it, correct the mapping in source.yaml; if it was left out, ask for it.",
    )


class Mapper:
    """One source's mapping, made ready once; gives rows and counts what it changed."""

    def __init__(self, source: Source, table: Table, snapshot_date: str) -> None:
        self._source = source
        self._table = table
        self._missing = frozenset(source.line.format.missing)
        self._fields = [_Field(name, mapping, table, source.folder) for name, mapping in source.line.map.items()]
        self._fields.sort(key=lambda field: field.rank)
        self._provided = _provided(source, table, snapshot_date)
        self._hook: Hook | None = load_hook(source, table)
        self._counts: dict[str, int] = {}
        self._examples: dict[str, dict[tuple[str, str], None]] = {}
        self._at = (0, 0)
        self.questions: list[Found] = []

    def row(self, number: int, record: Record) -> dict[str, str]:
        """The cells of a record by field; `number` counts the file's records from 0."""
        self._at = (number, record.line)
        row = Row(record.cells, self._missing, self._source.line.country)
        context = CleanContext(self._source.line.country, "", self._source.line.language)
        cells: dict[str, str] = {}
        for field in self._fields:
            cells[field.name] = text = field.text(row, context, self)
            if field.rank == 0 and text:
                context = CleanContext(alpha2(text), context.postcode, context.language)
                row = Row(record.cells, self._missing, context.country)
            elif field.rank == 1:
                context = CleanContext(context.country, text, context.language)
        return self.completed(row, cells, record.line)

    def completed(self, row: Row, cells: dict[str, str], line: int) -> dict[str, str]:
        """The mapped `cells` of a row with what else there is to its fields: the hook's, its id, what is provided."""
        if self._hook is not None:
            cells = self._hook(cells, line)
        if self._source.line.id is not None:
            key, declared = self._table.primary_key[0], self._source.line.id
            cells[key] = own_id(self._source.partner, declared, row.text, cells)
        origin = self._table.line.origin
        if origin is not None and cells.get(origin.of):
            cells[origin.field] = cells.get(origin.field) or origin.given
        elif origin is not None and origin.of in self._provided:
            # A mapping may say that dates are those of the file; a date that we filled is not, whatever it says.
            cells[origin.field] = origin.provided
        for name, text in self._provided.items():
            cells[name] = cells.get(name) or text
        return cells

    def count(self, field: str, name: str, before: str, after: str) -> None:
        """Note that the cleaner `name` changed a cell of `field`."""
        self._counts[name] = self._counts.get(name, 0) + 1
        examples = self._examples.setdefault(name, {})
        if len(examples) < _EXAMPLES:
            examples[(before[:_SHOWN], after[:_SHOWN])] = None

    def saw(self, field: str, what: str, before: str, after: str) -> None:
        """Hear of what a declaration does to a cell and nobody counts (`pattern`, `default`): for who traces a row."""

    def ask(self, field: str, text: str) -> None:
        """Ask the partner what `text` means, which no table has."""
        number, line = self._at
        said = say("mapping.unknown_key", key=text)
        self.questions.append((number, Problem(line, field, "lookup", "warning", text, said.wrong, remedy=said.write)))

    def changes(self) -> dict[str, ChangeCount]:
        """What each cleaner changed in the rows so far."""
        return {name: ChangeCount(self._counts[name], tuple(self._examples[name])) for name in sorted(self._counts)}


class _Field:
    """One field's mapping: split, then for each part pattern, cleaners and terms; joined again, and the default."""

    def __init__(self, name: str, mapping: FieldMapping, table: Table, folder: Path) -> None:
        self.name = name
        self.rank = 0 if _COUNTRY & set(mapping.clean) else 1 if _POSTCODE & set(mapping.clean) else 2
        self._mapping = mapping
        self._lookup = LookupTable(table_path(folder, mapping.lookup), mapping.lookup) if mapping.lookup else None
        self._pattern = re.compile(mapping.pattern) if mapping.pattern else None
        # Cleaners know nothing but cell and context, and partners repeat themselves: towns, brands, opening hours.
        self._cleaners = [(cleaner, lru_cache(_REMEMBERED)(CLEANERS[cleaner])) for cleaner in mapping.clean]
        listed = table.line.terms.get(name)
        self._terms = Terms(mapping.terms)
        self._accepted = Terms(
            {term: term for term in table.terms[listed.list]} | table.synonyms[listed.list] if listed else {}
        )
        self._translates = bool(mapping.terms) or listed is not None
        self._separator = listed.separator if listed and listed.separator else "|"

    def text(self, row: Row, context: CleanContext, mapper: Mapper) -> str:
        parts = parts_of(self._mapping, row)
        if self._mapping.point or self._mapping.days:
            whole = "".join(parts)
            changed = rewritten(self._mapping, row, whole)
            if changed is not None:
                mapper.count(self.name, *changed, whole)
        if self._mapping.split:
            parts = [piece.strip() for part in parts for piece in part.split(self._mapping.split)]
        made: dict[str, None] = {}
        for part in parts:
            if self._lookup is not None:
                part = self._looked_up(self._lookup, part, row, mapper)
            text = self._clean(self._dated(self._cut(part, mapper), mapper), context, mapper)
            for term in self._term(text, mapper):
                made[term] = None
        if not made and self._mapping.default:
            mapper.saw(self.name, "default", "", self._mapping.default)
        return self._separator.join(made) or self._mapping.default or ""

    def _looked_up(self, table: LookupTable, part: str, row: Row, mapper: Mapper) -> str:
        declared = self._mapping.lookup
        assert declared is not None
        found = table.find([part] if len(declared.by) == 1 else keys_of(declared, row))
        if found is None and part:
            mapper.ask(self.name, part)
        elif found and found != part:
            mapper.count(self.name, "lookup", part, found)
        return found or ""

    def _dated(self, text: str, mapper: Mapper) -> str:
        for pattern in self._mapping.dates if text else ():
            with suppress(ValueError):
                read = time.strptime(text, pattern)
                after = f"{read.tm_year:04}-{read.tm_mon:02}-{read.tm_mday:02}"
                if after != text:
                    mapper.count(self.name, "dates", text, after)
                return after
        return text

    def _cut(self, text: str, mapper: Mapper) -> str:
        if self._pattern is None:
            return text
        match = self._pattern.search(text)
        kept = "" if match is None else (match[1] if self._pattern.groups else match[0]) or ""
        if kept != text:
            mapper.saw(self.name, "pattern", text, kept)
        return kept

    def _clean(self, text: str, context: CleanContext, mapper: Mapper) -> str:
        for name, cleaner in self._cleaners:
            if not text:
                return ""
            after = (cleaner(text, context) or "").strip()
            if after != text:
                mapper.count(self.name, name, text, after)
            text = after
        return text

    def _term(self, text: str, mapper: Mapper) -> list[str]:
        if not text:
            return []
        if not self._translates:
            return [text]
        ours = self._terms.find(text)
        terms = ours.split(self._separator) if ours is not None else [text]
        accepted = [found if (found := self._accepted.find(term)) is not None else term for term in terms]
        written = self._separator.join(accepted)
        if written != text:
            mapper.count(self.name, "terms", text, written)
        return [term for term in accepted if term]


def _provided(source: Source, table: Table, snapshot_date: str) -> Mapping[str, str]:
    line = source.line
    values = {
        "partner": source.partner,
        # Published to all: in the dataset's languages, whatever the partner speaks.
        "partner_title": line.title.fr if line.language == "fr" else line.title.en,
        "attribution": line.attribution,
        "licence": line.licence,
        "snapshot_date": snapshot_date,
    }
    # The address for errors names the version: it is filled when one is made.
    return {name: values[what] for name, what in table.line.provided.items() if what in values}
