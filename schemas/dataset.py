"""What a dataset is: `schemas/<name>/dataset.yaml`, its Table Schemas and its term lists.

Belongs here: the models of dataset.yaml and how a dataset's folder is read. Does not belong here: judging rows
(judge.py, rules/), nor any partner's affair (sources/).

A Table Schema stays a plain Frictionless one that any tool reads; severities, term lists and what is never
published stand in dataset.yaml beside it (design, 2).
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from glane.declaration import DeclarationError, Declared, Fault, load_declaration
from glane.text import Text
from schemas.licences import LICENCES

Severity = Literal["error", "warning", "info"]
Format = Literal["csv", "parquet", "geojson", "xlsx"]
Provided = Literal["partner", "partner_title", "attribution", "licence", "snapshot_date"]


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


class Merge(Declared):
    """When rows of several partners are the same thing, and whose value stands.

    `same` lists keys; two rows are the same when all fields of one key are filled and equal once folded (case,
    accents, punctuation). `newest` names the date field that decides whose value stands; ties go to `trust` (partners
    in order), then to the partner's name. A value that only one partner has is never lost.
    """

    same: list[list[str]] = Field(default_factory=list)
    newest: str | None = None
    trust: list[str] = Field(default_factory=list)


class Geometry(Declared):
    """The fields that hold a point, in WGS 84 degrees."""

    latitude: str
    longitude: str


class TableLine(Declared):
    """One table of a dataset. Its Table Schema stands beside dataset.yaml as `<name>.schema.json`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Text
    description: Text
    derived_from: str | None = None
    formats: list[Format] = Field(default=["csv", "parquet", "xlsx"])
    geometry: Geometry | None = None
    provided: dict[str, Provided] = Field(default_factory=dict)
    unpublished: list[str] = Field(default_factory=list)
    published_when: dict[str, str] = Field(default_factory=dict)
    terms: dict[str, TermLine] = Field(default_factory=dict)
    rules: list[RuleLine] = Field(default_factory=list)
    merge: Merge = Field(default_factory=Merge)


class Steward(Declared):
    """Who answers for the dataset; `email` is a role's address, never a person's."""

    name: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class LicencePolicy(Declared):
    """Under which licence the dataset is published, and which licences of partners it accepts (SPDX ids)."""

    publish: str
    accept: list[str] = Field(min_length=1)

    @field_validator("publish", "accept")
    @classmethod
    def _known(cls, value: str | list[str]) -> str | list[str]:
        for spdx in [value] if isinstance(value, str) else value:
            if spdx not in LICENCES:
                raise ValueError(f"{spdx!r} is not on the list of licences: {', '.join(LICENCES)}")
        return value


class Governance(Declared):
    """The community's rules: how to contribute, how to reuse, how to object."""

    contribution: Text
    reuse: Text
    objection: Text


class DatasetLine(Declared):
    """The whole of dataset.yaml."""

    title: Text
    description: Text
    keywords: list[Text] = Field(default_factory=list)
    language: Literal["fr", "en"]
    frequency: Literal["daily", "weekly", "monthly", "irregular"]
    steward: Steward
    licence: LicencePolicy
    governance: Governance
    tables: list[TableLine] = Field(min_length=1)

    @model_validator(mode="after")
    def _tables_hang_together(self) -> "DatasetLine":
        names = [table.name for table in self.tables]
        for name in {n for n in names if names.count(n) > 1}:
            raise ValueError(f"the table {name!r} is declared twice")
        for table in self.tables:
            if table.derived_from is not None and table.derived_from not in names:
                raise ValueError(
                    f"the table {table.name!r} is derived from {table.derived_from!r}, which is not declared"
                )
        return self


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
    def main(self) -> Table:
        """The first declared table: the one that a source feeds unless it says otherwise."""
        return self.tables[0]

    def table(self, name: str) -> Table:
        """The table called `name`; KeyError if there is none."""
        return {table.name: table for table in self.tables}[name]

    @property
    def contributed(self) -> tuple[Table, ...]:
        """The tables that partners feed (not derived ones), in order."""
        return tuple(table for table in self.tables if table.line.derived_from is None)


def load_dataset(folder: Path) -> Dataset:
    """Read the dataset declared in `folder`. Raises DeclarationError naming file, line and key."""
    path = folder / "dataset.yaml"
    line = load_declaration(path, DatasetLine)
    tables = tuple(_load_table(folder, table, path) for table in line.tables)
    judged_by = sorted([path, *folder.glob("*.schema.json"), *folder.glob("terms/*.csv")])
    digest = hashlib.sha256()
    for file in judged_by:
        digest.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return Dataset(folder.name, folder, line, tables, digest.hexdigest())


def load_datasets(root: Path) -> dict[str, Dataset]:
    """Read every dataset declared under `root` (one folder each), by name in alphabetical order."""
    return {path.parent.name: load_dataset(path.parent) for path in sorted(root.glob("*/dataset.yaml"))}


def _load_table(folder: Path, line: TableLine, declared_in: Path) -> Table:
    path = folder / f"{line.name}.schema.json"
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        fault = Fault(1, "tables", f"The Table Schema {path.name} is missing.", "Put it beside dataset.yaml.")
        raise DeclarationError(declared_in, [fault]) from error
    except json.JSONDecodeError as error:
        fault = Fault(error.lineno, "", f"This is not JSON: {error.msg}.", "Correct the Table Schema.")
        raise DeclarationError(path, [fault]) from error
    terms: dict[str, tuple[str, ...]] = {}
    synonyms: dict[str, dict[str, str]] = {}
    for name in sorted({term.list for term in line.terms.values()}):
        terms[name], synonyms[name] = load_terms(folder / "terms" / f"{name}.csv")
    table = Table(line, schema, path, terms, synonyms)
    unknown = [name for name in _named_fields(line) if name not in table.fields]
    if unknown:
        faults = [
            Fault(1, f"tables.{line.name}", f"The field {n!r} is not in {path.name}.", "Correct its name.")
            for n in unknown
        ]
        raise DeclarationError(declared_in, faults)
    return table


def load_terms(path: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Read a term list: CSV with the columns term, synonyms (separated by `|`), fr, en.

    Gives the accepted terms in order, and {synonym: term}. Raises DeclarationError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        fault = Fault(1, "", "The term list is missing.", "Create it with the columns term,synonyms,fr,en.")
        raise DeclarationError(path, [fault]) from error
    faults = [
        Fault(number, "term", "The line has no term.", "Fill it or remove the line.")
        for number, row in enumerate(rows, start=2)
        if not row.get("term")
    ]
    if faults or not rows:
        raise DeclarationError(path, faults or [Fault(1, "term", "The list is empty.", "Add a term.")])
    synonyms = {s.strip(): row["term"] for row in rows for s in (row.get("synonyms") or "").split("|") if s.strip()}
    return tuple(row["term"] for row in rows), synonyms


def _named_fields(line: TableLine) -> list[str]:
    named = [*line.provided, *line.unpublished, *line.published_when, *line.terms]
    named += [name for rule in line.rules for name in rule.fields]
    named += [name for key in line.merge.same for name in key] + ([line.merge.newest] if line.merge.newest else [])
    return named + ([line.geometry.latitude, line.geometry.longitude] if line.geometry else [])
