"""How one field is made from a partner's columns: the mapping of one field, as `map:` of source.yaml declares it.

Belongs here: the models of one field's mapping and what they must hold by themselves. Does not belong here: the rest
of source.yaml (declaration.py), finding the text (ways.py), running the mapping (mapping.py).
"""

import re
import time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from glane.declaration import Declared

Day = Literal["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]


class Condition(Declared):
    """Holds when the cell of `column` is one of `values` (folded: case, accents and spaces do not count), when the
    regular expression `pattern` is found in it, or when it is `filled` (false: blank). Exactly one of the three."""

    column: str
    values: list[str] | None = Field(default=None, min_length=1)
    pattern: str | None = None
    filled: bool | None = None

    @model_validator(mode="after")
    def _one_test(self) -> "Condition":
        if sum(test is not None for test in (self.values, self.pattern, self.filled)) != 1:
            raise ValueError("say with exactly one of values, pattern, filled when the condition holds")
        return self

    @field_validator("pattern")
    @classmethod
    def _expression(cls, value: str | None) -> str | None:
        return _checked(value)


class Choice(Declared):
    """`value` where `when` holds. In a list of choices all that hold are taken, joined by the field's separator."""

    when: Condition
    value: str


class Lookup(Declared):
    """A text found in a table: the CSV file `table` (UTF-8, commas, a header) beside source.yaml, or by a relative
    path in a folder above it (shared: "../../tables/insee.csv").

    `by` says which column of the partner stands in which key column of the table ({key column: partner's column}; a
    list of columns, as under `each`, is a key each), `value` which column of the table is the field's text. Keys are
    compared folded. A key that the table does not have gives nothing, and is told to the partner.
    """

    table: str
    by: dict[str, str | Annotated[list[str], Field(min_length=1)]] = Field(min_length=1)
    value: str

    @model_validator(mode="after")
    def _one_list(self) -> "Lookup":
        if len(self.by) > 1 and any(isinstance(columns, list) for columns in self.by.values()):
            raise ValueError("a list of columns can only be the one key of a table")
        return self

    @property
    def columns(self) -> list[str]:
        """The partner's columns that the keys stand in."""
        return [name for columns in self.by.values() for name in ([columns] if isinstance(columns, str) else columns)]


class FieldMapping(Declared):
    """How one field is made from a partner's columns. Exactly one of the ways to get text, then what is done to it.

    column: the text of one column (written short as `field: Column`); a path with dots reaches into nested JSON.
    join: the filled cells of several columns, with `separator` (a space) between.
    first: the first filled of several columns.
    each: the filled cells of several columns, as several values; `*` stands for any letters ("Tag *").
    constant: the same text for every row.
    choices: texts chosen by conditions on columns.
    lookup: a text found in a table.
    days: opening hours by day of the week, {Mo: column, ...}; a list of columns is [opens, closes, opens, closes].
    point: two columns, or one that holds both: a point in `projection`; the field takes its `axis`.

    `when`: only in rows where this condition holds; elsewhere the way gives nothing.

    Then, in this order:
    split: the separator that the partner puts between several values; they come out joined by the field's separator.
    With a lookup it parts the key.
    pattern: a regular expression; of each value its first group (or whole match) is kept, nothing where none matches.
    dates: how the partner writes dates (Python's strptime: "%d/%m/%y"), tried in order; they come out as ISO dates. A
    text that fits none stays as it is, for the report to show.
    clean: cleaners by name (sources/clean), in order, on each value.
    terms: {partner's term: our term}, folded (case, accents, hyphens and spaces do not count); our term may be several
    joined by the separator, or empty. A term that is not there stays as it is, for the report to show. The terms and
    synonyms of the field's own list are known without being written here.
    default: the text where all of the above gave none.
    """

    column: str | None = None
    join: list[str] | None = Field(default=None, min_length=1)
    first: list[str] | None = Field(default=None, min_length=1)
    each: list[str] | None = Field(default=None, min_length=1)
    constant: str | None = None
    choices: list[Choice] | None = Field(default=None, min_length=1)
    lookup: Lookup | None = None
    days: dict[Day, str | Annotated[list[str], Field(min_length=2)]] | None = None
    point: list[str] | None = Field(default=None, min_length=1, max_length=2)
    axis: Literal["latitude", "longitude"] | None = None
    projection: Literal["wgs84", "lambert93"] = "wgs84"
    when: Condition | None = None
    separator: str = " "
    split: str | None = Field(default=None, min_length=1)
    terms: dict[str, str] = Field(default_factory=dict)
    pattern: str | None = None
    dates: list[str] = Field(default_factory=list)
    clean: list[str] = Field(default_factory=list)
    default: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "FieldMapping":
        ways = ("column", "join", "first", "each", "constant", "choices", "lookup", "days", "point")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            raise ValueError(f"say with exactly one of {', '.join(ways)} where the field comes from")
        if (self.point is None) != (self.axis is None):
            raise ValueError("'point' and 'axis' go together")
        if self.lookup is not None and self.split is not None and len(self.lookup.by) > 1:
            raise ValueError("'split' parts one key; this lookup has several")
        return self

    @field_validator("pattern")
    @classmethod
    def _expression(cls, value: str | None) -> str | None:
        return _checked(value)

    @field_validator("days")
    @classmethod
    def _in_pairs(cls, value: Any) -> Any:
        for columns in (value or {}).values():
            if isinstance(columns, list) and len(columns) % 2:
                raise ValueError("a list of columns is [opens, closes, opens, closes]: an even number of them")
        return value

    @field_validator("dates")
    @classmethod
    def _whole_dates(cls, value: list[str]) -> list[str]:
        day = time.strptime("2003-11-25", "%Y-%m-%d")
        for pattern in value:
            try:
                read = time.strptime(time.strftime(pattern, day), pattern)
            except ValueError as error:
                raise ValueError(f"{pattern!r} is no date that can be read: {error}") from error
            # Without a year Python would say 1900, and without a month January: dates are never made up.
            if read[:3] != day[:3]:
                raise ValueError(f"{pattern!r} has not got a year, a month and a day; write it like '%d/%m/%y'")
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the partner that this mapping reads; those of `each` and of a lookup may be patterns."""
        return tuple(dict.fromkeys([*self.taken, *([self.when.column] if self.when else [])]))

    @property
    def taken(self) -> tuple[str, ...]:
        """The columns that the field's text is taken from: those, without the one that only says when."""
        found = [
            *([self.column] if self.column else []),
            *(self.join or ()),
            *(self.first or ()),
            *(self.each or ()),
            *(choice.when.column for choice in self.choices or ()),
            *(self.lookup.columns if self.lookup else ()),
            *(name for day in (self.days or {}).values() for name in ([day] if isinstance(day, str) else day)),
            *(self.point or ()),
        ]
        return tuple(dict.fromkeys(found))


def _checked(pattern: str | None) -> str | None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from error
    return pattern


def _written_out(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


MappedField = Annotated[FieldMapping, BeforeValidator(_written_out, json_schema_input_type=str | FieldMapping)]
"""A field's mapping; a text alone is the name of one column."""
