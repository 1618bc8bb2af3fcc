"""The quality report of a version as a value: the whole of quality.json.

Belongs here: its model, field by field, and reading one back. Does not belong here: measuring (measures.py,
places.py, wrong.py), the accounts that it holds (__init__.py), the page (page.py).

It holds counts, names of fields and partners, and words of declarations: no cell and no id of a row.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glane.text import Text
from publish.quality import Account
from schemas.dataset import Severity
from schemas.expectations.outcome import Outcome
from schemas.personal.decisions import Outcome as GateOutcome
from schemas.personal.finding import Kind
from schemas.report import Step

AGES = (30, 182, 365, 730, 1825)
"""The ages by which rows are counted, in days; beyond the last there is one more."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Kept):
    """What one partner brought to one table, and on which terms: the day on which its file was received, how many days
    before the version that was, and since when a newer one could not be read."""

    partner: str
    table: str
    title: Text
    organisation: str
    licence: str
    attribution: str
    received: str
    age_in_days: int
    stale_since: str | None = None


class Fill(_Kept):
    """In how many of a table's rows a field is filled; `change`: that share less the one of the version before (-0.02
    is two points fewer), None where the version before does not tell."""

    field: str
    filled: int
    change: float | None = None


class PartnerFill(_Kept):
    """In how many of the rows that a partner brought each field is filled; a field that is not named is never."""

    partner: str
    rows: int
    filled: Mapping[str, int]


class Completeness(_Kept):
    """How filled a published table is, in all and by partner; a derived table only in all."""

    rows: int
    fields: tuple[Fill, ...]
    partners: tuple[PartnerFill, ...] = ()


class Ages(_Kept):
    """How old rows say that they are, in days before the version: `rows` by age (AGES: at most so many days, the last
    more), `undated` give no date of their own. `median` is that of the rows that give one."""

    rows: tuple[int, ...]
    undated: int
    median: int | None = None


class PartnerAges(Ages):
    """The same of the rows that one partner brought."""

    partner: str


class Dates(Ages):
    """The rows of a table by the date in `field`, in all and by partner. A date that Glane filled in is none."""

    field: str
    partners: tuple[PartnerAges, ...]


class Area(_Kept):
    """A département or a province by its code of ISO 3166-2, its rows, and the middle of their points."""

    code: str
    rows: int
    latitude: float | None = None
    longitude: float | None = None


class Country(_Kept):
    """A country by its code of ISO 3166-1, its rows, and those whose département or province cannot be told."""

    code: str
    rows: int
    areas: tuple[Area, ...] = ()
    elsewhere: int = 0


class Grid(_Kept):
    """The rows that have a point, counted in cells of `step` degrees; each cell by its south-west corner."""

    step: float
    latitude: tuple[float, ...]
    longitude: tuple[float, ...]
    rows: tuple[int, ...]


class Places(_Kept):
    """Where a table's rows are. `unknown`: rows without a country; `without_point` is None where the table has none."""

    countries: tuple[Country, ...]
    unknown: int
    without_point: int | None = None
    grid: Grid | None = None


class SharedRows(_Kept):
    """The published rows that are made of rows of both partners."""

    partners: tuple[str, str]
    rows: int


class Duplicates(_Kept):
    """What merging found: how many published rows are made of several, how many rows went into them, the most rows
    that went into one, and which partners share rows."""

    rows_of_several: int
    merged: int
    most_in_one: int
    shared: tuple[SharedRows, ...]


class Waiting(_Kept):
    """Pairs of rows of two partners that may be one thing."""

    partner_a: str
    partner_b: str
    pairs: int


class RepeatedId(_Kept):
    """A national id that a partner gives to so many rows that it merges none."""

    partner: str
    rows: int


class Copies(_Kept):
    """Two partners of which one repeats the other word for word in so many rows."""

    partners: tuple[str, str]
    rows: int


class Likeness(_Kept):
    """Of the rows of a table that are alike: what waits for a person, and what a steward should know."""

    waiting: tuple[Waiting, ...]
    repeated_ids: tuple[RepeatedId, ...]
    copies: tuple[Copies, ...]


class Links(_Kept):
    """A table of links to other datasets: to each of their tables (`dataset/table`) how many, by what shows them; and
    how many pairs wait for a person."""

    counts: Mapping[str, Mapping[str, int]]
    waiting: int


class WaitingDecision(_Kept):
    """A decision that does nothing any more, by its line in the file."""

    line: int
    kind: str
    why: str


class Decided(_Kept):
    """How many decisions of each kind hold, and those that wait for a steward."""

    applied: Mapping[str, int]
    waiting: tuple[WaitingDecision, ...]


class Wrong(_Kept):
    """How often a rule spoke of a field of a partner's rows. `error`: the row is to be corrected and is not published;
    `warning`: it is published, and to be looked at. `field` is None where the row as a whole is meant."""

    partner: str
    rule: str
    field: str | None
    severity: Severity
    count: int


class Term(_Kept):
    """A term that partners write and no list knows."""

    field: str
    term: str
    count: int
    partners: tuple[str, ...]
    nearest: str | None = None


class Terms(_Kept):
    """The terms that no list knows: those that may be named, and how many more there are. A term is named where several
    rows say it and nothing of persons is found in it."""

    named: tuple[Term, ...] = ()
    unnamed: int = 0


class Failing(_Kept):
    """A partner whose file could not be taken the last time: which step failed, since when, in how many runs."""

    partner: str
    step: Step
    since: str
    runs: int


class HeldBack(_Kept):
    """In how many cells of rows that were judged before the gate found personal data that it does not let through any
    more, and what became of it."""

    partner: str
    table: str
    field: str
    kind: Kind
    outcome: GateOutcome
    cells: int


class Refused(_Kept):
    """A partner whose rows are left out, and why."""

    partner: str
    why: Text


class QualityReport(_Kept):
    """The whole of quality.json: what is known of a version's quality at the moment `created`, when it was made.

    `bases` gives for a derived table the one that its rows are taken from, and `left_out` how many of them are not in
    it. A version that brings an older one back has the report of that older one, `version` and `created` with it.
    """

    kind: Literal["glane-quality"] = "glane-quality"
    dataset: str
    version: str
    created: str
    rows: Mapping[str, int]
    bases: Mapping[str, str]
    left_out: Mapping[str, int]
    partners: tuple[Account, ...]
    sources: tuple[Source, ...]
    completeness: Mapping[str, Completeness]
    dates: Mapping[str, Dates]
    places: Mapping[str, Places]
    duplicates: Mapping[str, Duplicates]
    to_correct: tuple[Wrong, ...]
    uncounted: tuple[str, ...] = Field(description="Partners of whose rows it is not kept what is to be corrected.")
    rules: Mapping[str, Text] = Field(description="What each rule asks, in words.")
    terms: Terms
    failing: tuple[Failing, ...]
    refused: tuple[Refused, ...]
    personal: tuple[HeldBack, ...] = ()
    expectations: tuple[Outcome, ...]
    likeness: Mapping[str, Likeness] = Field(default_factory=dict)
    links: Mapping[str, Links] = Field(default_factory=dict)
    coverage: Mapping[str, Any] = Field(
        default_factory=dict, description="What publish/coverage_files.py tells of départements and communes."
    )
    decisions: Decided | None = None


def read_quality(data: bytes) -> QualityReport | None:
    """The report that quality.json holds; None where another version of Glane wrote it otherwise."""
    try:
        return QualityReport.model_validate_json(data)
    except ValidationError:
        return None
