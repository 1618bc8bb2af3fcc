"""What a source is: `sources/<dataset>/<partner>/source.yaml`, one partner's file and how it becomes our fields.

Belongs here: the models of source.yaml, and reading all declarations under a root so that one invalid declaration
never hides the others. Does not belong here: where data comes from (where.py), how one field is made (fields.py),
fetching (harvest.py), reading formats (read.py), mapping (mapping.py).
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from glane.declaration import DeclarationError, Declared, load_declaration
from glane.text import Text
from schemas.dataset import GraceDays
from schemas.licences import Spdx
from schemas.personal.decisions import Decision
from schemas.phrases import languages
from sources import term_table
from sources.fields import MappedField
from sources.geocoding.declared import Geocode
from sources.lookup import table_paths
from sources.several import Several
from sources.where import Where

Cadence = Literal["hourly", "daily", "weekly", "monthly", "yearly", "once"]
Kind = Literal["csv", "tsv", "xlsx", "xls", "ods", "json", "jsonl", "geojson", "parquet"]


class Contact(Declared):
    """Whom to ask at the partner's: a role, and a role's address if there is one; never a person."""

    role: str
    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class FileFormat(Declared):
    """How the file is written. `detect` lets Glane find out; what it found stands in the report.

    `encoding` is a Python codec name; `delimiter` one sign or `tab`; `records` the path to the list of records in a
    JSON file ("data.items"; empty for a list at the top); `sheet` the name of a sheet (the first where absent);
    `header` the row, from 1, that holds the names of the columns, or the last of `header_rows` rows over which they
    stand; `decimal` the sign before the decimals, of which the report warns where the file writes another; `missing`
    the cells that mean nothing was said; `member` which file of a ZIP it is ("sites-*.csv"; not needed where there is
    one of this kind); with `together` all that fit are read as one table, as those of a CKAN's organisation are.
    """

    kind: Kind
    encoding: str = "detect"
    delimiter: str = "detect"
    header: Annotated[int, Field(ge=1)] | Literal["detect"] = 1
    header_rows: int = Field(default=1, ge=1, le=5)
    decimal: Literal["detect", ",", "."] = "detect"
    sheet: str | None = None
    records: str = ""
    member: str | None = None
    together: bool = False
    missing: list[str] = Field(
        default_factory=lambda: ["", "-", "N/A", "NA", "n/a", "null", "NULL", "None", "#N/D", "NC"]
    )

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            # Python calls codecs what is no encoding of text (hex, zip): those refuse this line.
            if value != "detect":
                ";a\n".encode(value).decode(value)
        except (LookupError, ValueError) as error:
            known = "utf-8, cp1252, mac_roman, utf-16"
            raise ValueError(f"{value!r} is no encoding; write 'detect' or a name such as {known}") from error
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_sign(cls, value: str) -> str:
        if value not in ("detect", "tab") and (len(value) != 1 or value in '"\r\n\0'):
            raise ValueError(f"{value!r} is no delimiter; write 'detect', 'tab' or one sign")
        return value


class Identity(Declared):
    """Where a row's id comes from: the partner's own number in `columns`, or a short hash of mapped `fields`.

    The published id is `<partner>--<own number>`, so ids of two partners never meet. A row whose `fields` changed keeps
    the id of the row of last time that it is most like. `apart` lists ids that must not be kept so: what looked like
    their row was another one.
    """

    columns: list[str] | None = Field(default=None, min_length=1)
    fields: list[str] | None = Field(default=None, min_length=1)
    apart: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_of(self) -> "Identity":
        if (self.columns is None) == (self.fields is None):
            raise ValueError("say with either 'columns' or 'fields' where the id comes from")
        return self


class Bounds(Declared):
    """What the partner's file must hold to be believed: below `rows_min` the read has failed, and so it has where more
    than the share `shrink_max` of last time's rows is gone (of ten rows or fewer any may go); above `rows_max` and
    above `to_correct_max` (share of rows, 0 to 1) the steward is warned."""

    rows_min: int = Field(default=1, ge=0)
    shrink_max: float = Field(default=0.5, ge=0, le=1)
    rows_max: int | None = None
    to_correct_max: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> "Bounds":
        if self.rows_max is not None and self.rows_max < self.rows_min:
            raise ValueError(f"rows_max ({self.rows_max}) is less than rows_min ({self.rows_min}); exchange them")
        return self


class Expected(Declared):
    """The acceptance test: what the sample must become (`glane source test`), beside expected.csv."""

    rows: int
    published: int
    to_correct: int = 0
    on_hold: int = 0


class SourceLine(Declared):
    """The whole of source.yaml.

    `ignore` names the columns that are left out on purpose; `*` stands for any letters ("QUALIF*"), and a name covers
    what is nested under it. `country` is the partner's, for the cells (phones, postcodes) of rows that name none.
    `language` (ISO 639-1: fr, nl) is the one in which the partner is answered, where Glane speaks it; `mail: off` keeps
    its answers from being mailed to the contact, where a mail server is configured. `cadence` is how often the source
    is asked while it changes; one that has long not changed is asked more seldom, but at least as often as `slowest`
    says (weekly; sources/revisits.py). `grace` is for how many days a row that is no longer in the file stays published
    (0: it leaves at once); where absent, the dataset's.
    """

    title: Text
    organisation: str = Field(min_length=2)
    contact: Contact
    licence: Spdx
    attribution: str = Field(min_length=2)
    state: Literal["active", "paused", "retired"] = "active"
    cadence: Cadence = "daily"
    slowest: Cadence | None = None
    language: str = Field(default="fr", pattern=r"^[a-z]{2}$")
    country: str = Field(default="FR", pattern=r"^[A-Z]{2}$")
    table: str | None = None
    where: Where
    format: FileFormat
    mail: Literal["on", "off"] = "on"
    id: Identity | None = None
    several: Several | None = None
    map: dict[str, MappedField] = Field(min_length=1)
    ignore: list[str] = Field(default_factory=list)
    geocode: Geocode | None = None
    personal: list[Decision] = Field(default_factory=list)
    bounds: Bounds = Field(default_factory=Bounds)
    stale_after_days: int = Field(default=90, ge=1)
    grace: GraceDays | None = None
    expected: Expected | None = None

    @model_validator(mode="after")
    def _organisation_together(self) -> "SourceLine":
        if self.where.ckan is None or self.where.ckan.organisation is None or self.format.together:
            return self
        return self.model_copy(update={"format": self.format.model_copy(update={"together": True})})

    @property
    def asked_at_least(self) -> Cadence | None:
        """`slowest`, or the cadence itself where a person waits for the answer."""
        return self.slowest or (self.cadence if self.where.is_awaited else None)

    @property
    def read_from(self) -> dict[str, tuple[str, ...]]:
        """The partner's columns that each field is made from, as the file names them; no field made from none."""
        named = self.several.columns if self.several is not None else {}
        read = {name: tuple(named.get(column, column) for column in made.taken) for name, made in self.map.items()}
        return {name: columns for name, columns in read.items() if columns}

    @property
    def answered_in(self) -> str:
        """The language in which this partner is answered: its own, or English where Glane does not speak it."""
        return self.language if self.language in languages() else "en"


@dataclass(frozen=True)
class Source:
    """A source ready for use: where its folder is, its declaration, and the SHA-256 of it, its hook and its tables."""

    dataset: str
    partner: str
    folder: Path
    line: SourceLine
    fingerprint: str

    @property
    def name(self) -> str:
        """`<dataset>/<partner>`, as written on the command line."""
        return f"{self.dataset}/{self.partner}"


@dataclass(frozen=True)
class BrokenSource:
    """A source whose declaration cannot be used: the others go on, and this one shows why (design, 5)."""

    dataset: str
    partner: str
    folder: Path
    error: DeclarationError

    @property
    def name(self) -> str:
        """`<dataset>/<partner>`, as written on the command line."""
        return f"{self.dataset}/{self.partner}"


def load_source(folder: Path) -> Source:
    """Read the source declared in `folder` (`.../<dataset>/<partner>`). Raises DeclarationError.

    A lookup table that is not there is no fault here: it is told of when the source is held against its dataset.
    """
    path = folder / "source.yaml"
    line = load_declaration(path, SourceLine)
    digest = hashlib.sha256(path.read_bytes())
    for beside in (folder / "hook.py", folder / term_table.NAME, *table_paths(folder, line.map.values())):
        if beside.exists():
            digest.update(beside.read_bytes())
    return Source(folder.parent.name, folder.name, folder, _with_terms(line, folder), digest.hexdigest())


def _with_terms(line: SourceLine, folder: Path) -> SourceLine:
    """The declaration with the partner's own table of terms; what source.yaml says itself goes before it."""
    own = term_table.read_terms(folder, line.map)
    made = {
        name: mapping.model_copy(update={"terms": {**mapping.terms, **own[name], **mapping.terms}})
        for name, mapping in line.map.items()
        if name in own
    }
    return line.model_copy(update={"map": {**line.map, **made}}) if made else line


def load_sources(root: Path, dataset: str | None = None) -> list[Source | BrokenSource]:
    """Read every source under `root`, of one dataset or of all, in alphabetical order; broken ones are told apart."""
    found: list[Source | BrokenSource] = []
    for path in sorted(root.glob(f"{dataset or '*'}/*/source.yaml")):
        folder = path.parent
        try:
            found.append(load_source(folder))
        except DeclarationError as error:
            found.append(BrokenSource(folder.parent.name, folder.name, folder, error))
    return found
