"""What dataset.yaml may expect of a table as a whole (`expectations:`), one model for each expectation.

Belongs here: their names, fields, settings and severities. Does not belong here: how they are judged (judging.py), nor
what is asked of single rows (rules, term lists, the Table Schema).

    expectations:
      - {expect: row_count_change, severity: stop, with: {fall: 0.2}}
      - {expect: null_share, fields: [horaires], severity: warn, with: {max: 0.5}}

Shares go from 0 to 1. What is expected against the version before passes where there is none.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from glane.declaration import Declared

Effect = Literal["stop", "warn"]
"""What an expectation that is not met does: hold the version back, or be shown."""

Share = Annotated[float, Field(ge=0, le=1)]
Fields = Annotated[list[str], Field(min_length=1)]


class Values(Declared):
    """Which values of a cell are meant: `separator` parts a cell that holds several, `first` keeps the first
    characters of each (2 of a French postcode are its department)."""

    separator: str | None = Field(default=None, min_length=1)
    first: int | None = Field(default=None, ge=1)


class Between(Declared):
    """At least `min` and at most `max`; one of them may be left out."""

    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> "Between":
        if self.min is None and self.max is None:
            raise ValueError("neither 'min' nor 'max' is given: nothing is expected")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"'min' ({self.min}) is above 'max' ({self.max})")
        return self


class DistinctBetween(Between, Values):
    """How many distinct values."""


class Listed(Values):
    """The values of a list."""

    values: list[str] = Field(min_length=1)


class AtMost(Declared):
    """At most this share of the rows."""

    max: Share


class AtMostOfValues(AtMost, Values):
    """At most this share, of the rows that say anything."""


class Lost(Values):
    """At most this many values lost."""

    lost: int = Field(default=0, ge=0)


class Change(Declared):
    """By how much a figure may `fall` or `rise`; what is left out is free."""

    fall: Share | None = None
    rise: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> "Change":
        if self.fall is None and self.rise is None:
            raise ValueError("neither 'fall' nor 'rise' is given: nothing is expected")
        return self


class _Line(Declared):
    severity: Effect = "stop"


class RowCount(_Line):
    """The number of rows."""

    expect: Literal["row_count"]
    bound: Between = Field(alias="with")


class NullShare(_Line):
    """The share of rows in which a field says nothing; each field by itself."""

    expect: Literal["null_share"]
    fields: Fields
    bound: AtMost = Field(alias="with")


class DistinctCount(_Line):
    """How many distinct values a field has (departments, countries); each field by itself."""

    expect: Literal["distinct_count"]
    fields: Fields
    bound: DistinctBetween = Field(alias="with")


class Contains(_Line):
    """Values that must occur in a field (the countries that the dataset covers, say)."""

    expect: Literal["contains"]
    fields: Annotated[list[str], Field(min_length=1, max_length=1)]
    bound: Listed = Field(alias="with")


class Within(_Line):
    """The only values that may occur in a field."""

    expect: Literal["within"]
    fields: Annotated[list[str], Field(min_length=1, max_length=1)]
    bound: Listed = Field(alias="with")


class Unique(_Line):
    """No two rows have the same values in all of these fields together; rows that lack one of them do not count."""

    expect: Literal["unique"]
    fields: Fields


class LargestShare(_Line):
    """No single value (one partner, one country) stands in more than a share of the rows that say anything."""

    expect: Literal["largest_share"]
    fields: Fields
    bound: AtMostOfValues = Field(alias="with")


class RowCountChange(_Line):
    """By which share the number of rows may fall or rise from the version before."""

    expect: Literal["row_count_change"]
    bound: Change = Field(alias="with")


class NullShareChange(_Line):
    """By how much a field's share of nulls may fall or rise (0.1: ten points); each field by itself."""

    expect: Literal["null_share_change"]
    fields: Fields
    bound: Change = Field(alias="with")


class ValuesKept(_Line):
    """Values of the version before that are still there (no department vanishes); each field by itself."""

    expect: Literal["values_kept"]
    fields: Fields
    bound: Lost = Field(default_factory=Lost, alias="with")


class DistributionChange(_Line):
    """By how much the share of any one value may move (0.1: ten points); each field by itself."""

    expect: Literal["distribution_change"]
    fields: Fields
    bound: AtMostOfValues = Field(alias="with")


class ColumnsKept(_Line):
    """What holds without being declared: no column of the version before disappears or goes empty. A line of its own
    is for the fields that may: `severity: warn` shows it, and lets the version through."""

    expect: Literal["columns_kept"]
    fields: Fields


ExpectationLine = Annotated[
    RowCount
    | NullShare
    | DistinctCount
    | Contains
    | Within
    | Unique
    | LargestShare
    | RowCountChange
    | NullShareChange
    | ValuesKept
    | DistributionChange
    | ColumnsKept,
    Field(discriminator="expect"),
]
"""One line of `expectations:`."""


def fields_of(line: ExpectationLine) -> tuple[str, ...]:
    """The fields that a line names, none for what is expected of the rows."""
    return tuple(getattr(line, "fields", ()))


def subjects(line: ExpectationLine) -> list[tuple[str, ...]]:
    """What a line is judged on, one answer each: every field by itself, or all of them together."""
    fields = fields_of(line)
    return [fields] if line.expect == "unique" or not fields else [(name,) for name in fields]


def check_name(table: str, expect: str, fields: tuple[str, ...], severity: Effect) -> str:
    """The name of one answer, distinct within a dataset: `complete_null_share_horaires_warn`."""
    return "_".join((table, expect, *fields, severity))
