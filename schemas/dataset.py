"""What a dataset is: `schemas/<name>/dataset.yaml`, its Table Schemas and its term lists.

Belongs here: the models of dataset.yaml and how a dataset's folder is read. Does not belong here: judging rows
(judge.py, rules/), nor any partner's affair (sources/).

A Table Schema stays a plain Frictionless one that any tool reads; severities, term lists and what is never
published stand in dataset.yaml beside it (design, 2).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from glane.declaration import DeclarationError, Declared, Fault, lines_of, load_declaration
from glane.text import Language, Text
from schemas.expectations.declaration import ExpectationLine, check_name, fields_of, misplaced, subjects
from schemas.governance import Errors, Governance, Notice, Steward
from schemas.licences import OpenSpdx
from schemas.licences.policy import LicencePolicy
from schemas.linking import Link
from schemas.merging import Merge
from schemas.personal.decisions import Decision
from schemas.retention import Retention
from schemas.table_faults import faults_of
from schemas.term_lists import load_terms, terms_path
from schemas.territory.declaration import Territory
from schemas.wikidata import Wikidata

Severity = Literal["error", "warning", "info"]
Format = Literal["csv", "parquet", "geojson", "xlsx", "departements"]
GraceDays = Annotated[int, Field(ge=0, le=366)]
Provided = Literal["partner", "partner_title", "attribution", "licence", "snapshot_date", "error_address"]

_GLANES = ("partner", "attribution", "licence", "error_address")


class RuleLine(Declared):
    """One rule of a table: the name of a rule of the registry (schemas/rules), its fields, settings and severity."""

    rule: str
    fields: list[str] = Field(min_length=1)
    severity: Severity = "error"
    settings: dict[str, Any] = Field(default_factory=dict, alias="with")


class TermLine(Declared):
    """A field whose cell (or each part of it, where `separator` is given) must be on the list `terms/<list>.csv`."""

    list: str
    separator: str | None = None
    severity: Severity = "error"


class Origin(Declared):
    """How a row says where its date comes from, so that nobody takes the day of our reading for the partner's word.

    `field` holds `given` where the partner gave the date `of` (unless the mapping says otherwise: the date of the
    whole file, say), and `provided` where Glane filled it.
    """

    field: str
    of: str
    given: str
    provided: str


class Geometry(Declared):
    """The fields that hold a point, in WGS 84 degrees; on a map, `name` says what stands there and `town` where."""

    latitude: str
    longitude: str
    name: str | None = None
    town: str | None = None


_OF_A_TABLE_APART = {"name", "title", "description", "formats", "apart_from", "licence"}


class TableLine(Declared):
    """One table of a dataset. Its Table Schema stands beside dataset.yaml as `<name>.schema.json`.

    A table `apart_from` another holds the rows of those partners whose licence does not go into the dataset's but goes
    into its own, `licence`. It has the other's schema and all that is declared of it, expectations apart.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Text
    description: Text
    derived_from: str | None = None
    apart_from: str | None = None
    licence: OpenSpdx | None = None
    formats: list[Format] = Field(default=["csv", "parquet", "xlsx"])
    geometry: Geometry | None = None
    territory: Territory | None = None
    provided: dict[str, Provided] = Field(default_factory=dict)
    origin: Origin | None = None
    unpublished: list[str] = Field(default_factory=list)
    published_when: dict[str, str] = Field(default_factory=dict)
    terms: dict[str, TermLine] = Field(default_factory=dict)
    rules: list[RuleLine] = Field(default_factory=list)
    merge: Merge = Field(default_factory=Merge)
    links: list[Link] = Field(default_factory=list)
    wikidata: Wikidata | None = None
    personal: list[Decision] = Field(default_factory=list)
    expectations: list[ExpectationLine] = Field(default_factory=list)

    @model_validator(mode="after")
    def _apart_under_its_licence(self) -> "TableLine":
        if (self.apart_from is None) != (self.licence is None):
            raise ValueError("'apart_from' and 'licence' go together: rows stand apart because of their licence")
        if self.apart_from is not None and self.model_fields_set - _OF_A_TABLE_APART:
            extra = ", ".join(sorted(self.model_fields_set - _OF_A_TABLE_APART))
            raise ValueError(f"a table apart takes {extra} from the other table; remove it here")
        return self

    @model_validator(mode="after")
    def _expects_each_thing_once(self) -> "TableLine":
        named = [
            check_name(self.name, line.expect, of, line.severity) for line in self.expectations for of in subjects(line)
        ]
        for name in sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"the expectation {name!r} is declared twice")
        if wrong := misplaced(self.expectations, derived=self.derived_from is not None):
            raise ValueError(wrong)
        for name in sorted({name for line in self.expectations for name in fields_of(line)} & set(self.unpublished)):
            raise ValueError(f"something is expected of the field {name!r}, which is never published")
        return self


class DatasetLine(Declared):
    """The whole of dataset.yaml.

    `files` says where readers download: from the portal, or from the public store, where the portal only holds links.
    `datastore` says who fills the portal's tables: Glane, the portal's own loader, or nobody. `grace` is for how many
    days a row stays published that is no longer in its partner's file, unless the source says otherwise.
    """

    title: Text
    description: Text
    keywords: list[Text] = Field(default_factory=list)
    language: Language
    frequency: Literal["daily", "weekly", "monthly", "irregular"]
    steward: Steward
    errors: Errors = Errors()
    licence: LicencePolicy
    governance: Governance
    notice: Notice | None = None
    files: Literal["portal", "store"] = "portal"
    datastore: Literal["glane", "portal", "off"] = "glane"
    retention: Retention = Retention()
    grace: GraceDays = 7
    tables: list[TableLine] = Field(min_length=1)

    @model_validator(mode="after")
    def _tables_hang_together(self) -> "DatasetLine":
        names = [table.name for table in self.tables]
        compared = {table.name for table in self.tables if table.merge.likeness is not None}
        for name in {n for n in names if names.count(n) > 1}:
            raise ValueError(f"the table {name!r} is declared twice")
        for table in self.tables:
            if table.derived_from is not None and table.derived_from not in names:
                raise ValueError(
                    f"the table {table.name!r} is derived from {table.derived_from!r}, which is not declared"
                )
            if table.links and table.derived_from not in compared:
                raise ValueError(f"the table {table.name!r} has links: derive it from one with merge.likeness")
        _check_apart(self.tables, self.licence)
        return self


def _check_apart(tables: Sequence[TableLine], policy: LicencePolicy) -> None:
    fed = {table.name for table in tables if table.derived_from is None and table.apart_from is None}
    seen: set[tuple[str, str]] = set()
    for table in tables:
        if table.apart_from is None or table.licence is None:
            continue
        if table.apart_from not in fed:
            raise ValueError(
                f"the table {table.name!r} stands apart from {table.apart_from!r}, which is no table that partners feed"
            )
        if table.licence == policy.publish or (table.apart_from, table.licence) in seen:
            raise ValueError(f"the table {table.name!r} stands apart under {table.licence}, as another one does")
        seen.add((table.apart_from, table.licence))


@dataclass(frozen=True)
class Table:
    """A table ready for use: its declaration, its Table Schema (parsed JSON) and its term lists.

    `terms` maps the name of a list to its accepted terms; `synonyms` maps a list to {written: accepted}.
    """

    line: TableLine
    schema: dict[str, Any]
    schema_path: Path
    terms: dict[str, tuple[str, ...]]
    synonyms: dict[str, dict[str, str]]

    @property
    def name(self) -> str:
        """The table's name, which is also its resource's."""
        return self.line.name

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, in the order of the schema."""
        return tuple(field["name"] for field in self.schema["fields"])

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the fields of the primary key."""
        key = self.schema.get("primaryKey", [])
        return (key,) if isinstance(key, str) else tuple(key)

    @cached_property
    def published_fields(self) -> tuple[str, ...]:
        """The fields that leave the house, in order."""
        return tuple(name for name in self.fields if name not in self.line.unpublished)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The fields that a partner may fill, in order: not whose row it is, on which terms and whom to tell of an
        error, which Glane knows, nor where its date comes from. Those of them that are `provided` may stay empty."""
        known = {name for name, what in self.line.provided.items() if what in _GLANES}
        origin = {self.line.origin.field} if self.line.origin else set()
        return tuple(name for name in self.fields if name not in known | origin)

    @property
    def rule_fields(self) -> list[tuple[str, str]]:
        """Each rule's name with each of its fields."""
        return [(rule.rule, name) for rule in self.line.rules for name in rule.fields]

    def terms_of(self, name: str) -> tuple[str, ...] | None:
        """The terms that the field `name` takes; None where any text may stand there."""
        return self.terms[self.line.terms[name].list] if name in self.line.terms else None

    def published_schema(self) -> dict[str, Any]:
        """The Table Schema of what is published: the declared one without the fields that never leave."""
        fields = [field for field in self.schema["fields"] if field["name"] in self.published_fields]
        return {**self.schema, "fields": fields}

    def field(self, name: str) -> dict[str, Any]:
        """The Table Schema descriptor of the field `name`."""
        return next(field for field in self.schema["fields"] if field["name"] == name)


@dataclass(frozen=True)
class Dataset:
    """A dataset ready for use. `fingerprint` is the SHA-256 of everything that judges its rows."""

    name: str
    folder: Path
    line: DatasetLine
    tables: tuple[Table, ...]
    fingerprint: str

    @property
    def errors_to(self) -> str:
        """The address that readers write to where a row is wrong."""
        return self.line.errors.address or self.line.steward.email

    @property
    def main(self) -> Table:
        """The first declared table: the one that a source feeds unless it says otherwise."""
        return self.tables[0]

    def table(self, name: str) -> Table:
        """The table called `name`; KeyError if there is none."""
        return {table.name: table for table in self.tables}[name]

    @property
    def merged(self) -> tuple[Table, ...]:
        """The tables that partners' rows go to (not derived ones), in order."""
        return tuple(table for table in self.tables if table.line.derived_from is None)

    @property
    def contributed(self) -> tuple[Table, ...]:
        """The tables that partners feed: those, without the ones that stand apart because of a licence."""
        return tuple(table for table in self.merged if table.line.apart_from is None)

    @property
    def linked(self) -> tuple[Table, ...]:
        """The tables of links to other datasets."""
        return tuple(table for table in self.tables if table.line.links)

    @property
    def decided(self) -> tuple[str, ...]:
        """The names of the tables whose rows stewards decide about: those that partners feed, and the links."""
        return tuple(table.name for table in (*self.contributed, *self.linked))

    def licence_of(self, table: str) -> str:
        """The licence (SPDX id) that the table called `table` is published under."""
        return self.table(table).line.licence or self.line.licence.publish


def load_dataset(folder: Path) -> Dataset:
    """Read the dataset declared in `folder`. Raises DeclarationError naming file, line and key.

    A term list stands in the dataset's own `terms/`, or in the `terms/` beside the datasets where several share it.
    """
    path = folder / "dataset.yaml"
    line = load_declaration(path, DatasetLine)
    by_name = {table.name: table for table in line.tables}
    tables = tuple(
        _load_table(folder, number, _like(by_name[table.apart_from], table) if table.apart_from else table)
        for number, table in enumerate(line.tables)
    )
    digest = hashlib.sha256()
    lists = {terms_path(folder, name) for table in tables for name in table.terms}
    for file in [path, *sorted({table.schema_path for table in tables}), *sorted(lists)]:
        digest.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return Dataset(folder.name, folder, line, tables, digest.hexdigest())


def load_datasets(root: Path) -> dict[str, Dataset]:
    """Read every dataset declared under `root` (one folder each), by name in alphabetical order."""
    return {path.parent.name: load_dataset(path.parent) for path in sorted(root.glob("*/dataset.yaml"))}


def _like(other: TableLine, line: TableLine) -> TableLine:
    """A table apart, with all that is declared of the one that it stands apart from."""
    own = {name: getattr(line, name) for name in line.model_fields_set}
    return other.model_copy(update={"expectations": [], **own})


def _load_table(folder: Path, number: int, line: TableLine) -> Table:
    declared_in = folder / "dataset.yaml"
    path = folder / f"{line.apart_from or line.name}.schema.json"
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        at = lines_of(declared_in).get(("tables", number, "name"), 1)
        fault = Fault(
            at, f"tables.{number}.name", f"The Table Schema {path.name} is missing.", "Put it beside dataset.yaml."
        )
        raise DeclarationError(declared_in, [fault]) from error
    except json.JSONDecodeError as error:
        fault = Fault(error.lineno, "", f"This is not JSON: {error.msg}.", "Correct the Table Schema.")
        raise DeclarationError(path, [fault]) from error
    terms: dict[str, tuple[str, ...]] = {}
    synonyms: dict[str, dict[str, str]] = {}
    for name in sorted({term.list for term in line.terms.values()}):
        terms[name], synonyms[name] = load_terms(terms_path(folder, name))
    table = Table(line, schema, path, terms, synonyms)
    if faults := faults_of(declared_in, number, table):
        raise DeclarationError(declared_in, faults)
    return table
