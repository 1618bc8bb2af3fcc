"""What dataset.yaml may expect of a table as a whole (`expectations:`), one model for each expectation.

Belongs here: their names, fields, settings and severities. Does not belong here: how they are judged (judging.py), nor
what is asked of single rows (rules, term lists, the Table Schema).

    expectations:
      - {expect: row_count_change, severity: ask, with: {fall: 0.2}}
      - {expect: null_share, fields: [horaires], severity: show, with: {max: 0.5}}

Shares go from 0 to 1. What is expected against the version before passes where there is none, and asks unless the line
says otherwise; what is expected of a table by itself stops.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from glane.declaration import Declared

Effect = Literal["stop", "ask", "show"]
"""What becomes of what is not as expected, of a version as of a partner's file: it never passes, and the data or the
declaration must change; it waits for a steward, who may approve it; it passes, and is shown."""

SMALL = 10
"""Rows up to which any share of them may go, where nobody declared a bound: of five places two may close in a month."""

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
    """At most so many values `lost`, or (communes, say) at most a `share` of those before."""

    lost: int = Field(default=0, ge=0)
    share: Share | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> "Lost":
        if self.share is not None and "lost" in self.model_fields_set:
            raise ValueError("'lost' and 'share' are two bounds of one thing; keep one of them")
        return self


class PartnersLost(Declared):
    """At most so many partners."""

    lost: int = Field(default=0, ge=0)


class Change(Declared):
    """By how much a figure may `fall` or `rise`; what is left out is free, and so is what had `small` rows or fewer."""

    fall: Share | None = None
    rise: float | None = Field(default=None, ge=0)
    small: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> "Change":
        if self.fall is None and self.rise is None:
            raise ValueError("neither 'fall' nor 'rise' is given: nothing is expected")
        return self


class Fall(Declared):
    """By how much a figure may `fall`; what had `small` rows or fewer is free."""

    fall: Share
    small: int = Field(default=SMALL, ge=0)


class _Line(Declared):
    severity: Effect = "stop"


class _Compared(_Line):
    severity: Effect = "ask"


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


class RowCountChange(_Compared):
    """By which share the number of rows may fall or rise from the version before."""

    expect: Literal["row_count_change"]
    bound: Change = Field(alias="with")


class NullShareChange(_Compared):
    """By how much a field's share of nulls may fall or rise (0.1: ten points); each field by itself."""

    expect: Literal["null_share_change"]
    fields: Fields
    bound: Change = Field(alias="with")


class ValuesKept(_Compared):
    """Values of the version before that are still there (no department vanishes); each field by itself."""

    expect: Literal["values_kept"]
    fields: Fields
    bound: Lost = Field(default_factory=Lost, alias="with")


class DistributionChange(_Compared):
    """By how much the share of any one value may move (0.1: ten points); each field by itself."""

    expect: Literal["distribution_change"]
    fields: Fields
    bound: AtMostOfValues = Field(alias="with")


class ColumnsKept(_Compared):
    """What holds without being declared: no column of the version before disappears or goes empty. A line of its own
    is for the fields that may: `severity: show` lets the version through."""

    expect: Literal["columns_kept"]
    fields: Fields


class FillKept(_Compared):
    """By how much the share of rows that say anything in a field may fall (0.3: thirty points). Holds without being
    declared of every field that has neither a line of its own nor a null_share_change."""

    expect: Literal["fill_kept"]
    fields: Fields
    bound: Fall = Field(alias="with")


class PartnersKept(_Compared):
    """No partner leaves but as declared: retired, too long without a good read, or under a licence that is not
    accepted. Holds without being declared."""

    expect: Literal["partners_kept"]
    bound: PartnersLost = Field(default_factory=PartnersLost, alias="with")


class PartnerRowsChange(_Compared):
    """By which share the rows of any one partner may fall. Holds without being declared."""

    expect: Literal["partner_rows_change"]
    bound: Fall = Field(alias="with")


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
    | ColumnsKept
    | FillKept
    | PartnersKept
    | PartnerRowsChange,
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


def misplaced(lines: Iterable[ExpectationLine], *, derived: bool) -> str | None:
    """What is wrong with expecting `lines` of a table: a derived one has no partners of its own. None if nothing is."""
    of_partners = [line.expect for line in lines if line.expect in ("partners_kept", "partner_rows_change")]
    if derived and of_partners:
        return f"{of_partners[0]!r} speaks of partners, and this table is derived; expect it of the one it derives from"
    return None


def check_name(table: str, expect: str, fields: tuple[str, ...], severity: Effect) -> str:
    """The name of one answer, distinct within a dataset: `complete_null_share_horaires_show`."""
    return "_".join((table, expect, *fields, severity))
