"""A reference: a public list of all communes, declared in `schemas/references/<name>.yaml`, and as the store keeps it.

Belongs here: the declaration's model, the value, reading what the store keeps. Does not belong here: fetching the list
and understanding it (sources/references.py), what is made of it (publish/coverage.py).

    references/<name>/<sha256>.csv   code,name,population,postcodes,current: what was understood of the list, once for
                                     each time that it changed; versions name it by this hash, so it is for ever
    references/<name>/latest.json    which of them is the current one, what was asked, what failed
"""

import hashlib
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from glane.declaration import Declared, load_declaration
from glane.store import MissingError, Store
from glane.text import Text
from schemas.licences import OpenSpdx

COLUMNS = ("code", "name", "population", "postcodes", "current")
SEPARATOR = "|"
"""Between the postcodes of a commune."""


class Columns(Declared):
    """What the list calls each thing. `current` is empty for a commune of today, and else the code of the commune that
    it became part of."""

    code: str
    name: str
    population: str
    postcodes: str
    current: str | None = None


class ReferenceLine(Declared):
    """A list of communes that others keep: where it is (`url`, or a `file` beside the declaration), under which
    `licence`, whom to credit, and what its columns are.

    It is asked for again after `refresh_days`, and only what changed is read. `separator` stands between the postcodes
    of one cell of a CSV; in JSON they are a list. `only` keeps the lines that say one of these values, by column.
    """

    title: Text
    licence: OpenSpdx
    attribution: str
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    file: str | None = None
    format: Literal["json", "csv"] = "json"
    separator: str = SEPARATOR
    columns: Columns
    only: dict[str, list[str]] = Field(default_factory=dict)
    refresh_days: int = Field(default=30, ge=1)
    private: bool = False

    @model_validator(mode="after")
    def _is_somewhere(self) -> "ReferenceLine":
        if (self.url is None) == (self.file is None):
            raise ValueError("say with either 'url' or 'file' where the list is")
        return self


class Latest(BaseModel):
    """latest.json. `sha256` is None as long as the list was never read; `failed_on` and `failure` say since which day
    it cannot be, `tried_on` when that was last seen."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sha256: str | None = None
    title: Text | None = None
    licence: str = ""
    attribution: str = ""
    address: str = ""
    received: str = ""
    checked_on: str = ""
    declared: str = ""
    etag: str | None = None
    last_modified: str | None = None
    length: str | None = None
    failed_on: str | None = None
    failure: str | None = None
    tried_on: str | None = None


class Told(BaseModel):
    """What a version says of the list that it was held against: enough to find it again and to credit its keepers."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    title: Text
    licence: str
    attribution: str
    address: str
    sha256: str
    received: str


class Reference:
    """All communes of today and of yesterday: `told` of the list, and its lines with COLUMNS, all text."""

    def __init__(self, told: Told, communes: pl.DataFrame) -> None:
        self.told = told
        self.communes = communes

    @property
    def today(self) -> pl.DataFrame:
        """The communes that there are now: code, name, population (None where nobody counted)."""
        now = self.communes.filter(pl.col("current").is_null())
        return now.select("code", "name", pl.col("population").cast(pl.Int64, strict=False)).sort("code")


def load_reference(path: Path) -> ReferenceLine:
    """Read the declaration at `path`. Raises DeclarationError."""
    return load_declaration(path, ReferenceLine)


def latest_key(name: str) -> str:
    """The store's key of what is known of the reference `name` now."""
    return f"references/{name}/latest.json"


def table_key(name: str, sha256: str) -> str:
    """The store's key of one state of the reference `name`."""
    return f"references/{name}/{sha256}.csv"


def latest(store: Store, name: str) -> Latest:
    """What is known of the reference `name` now; nothing, where it was never asked for or cannot be read."""
    found = store.look(latest_key(name)).data
    try:
        return Latest.model_validate_json(found) if found is not None else Latest()
    except ValidationError:
        return Latest()


def current_reference(store: Store, name: str) -> Reference | None:
    """The reference as it was last understood; None where it never was, or the store's copy is not the one kept."""
    known = latest(store, name)
    if known.sha256 is None or known.title is None:
        return None
    told = Told(name=name, **known.model_dump(include=set(Told.model_fields) - {"name", "title"}), title=known.title)
    return kept_reference(store, told)


def kept_reference(store: Store, told: Told) -> Reference | None:
    """The very state of a reference that `told` names; None where the store has it no more, or it was edited."""
    try:
        data = store.read(table_key(told.name, told.sha256))
    except MissingError:
        return None
    if hashlib.sha256(data).hexdigest() != told.sha256:
        return None
    return Reference(told, pl.read_csv(data, infer_schema=False, null_values=[""]))


def damaged_references(store: Store) -> list[str]:
    """The keys of the kept states that are not the bytes that were kept; reads every byte."""
    return [
        key
        for name in store.list("references")
        for file in store.list(f"references/{name}")
        if file.endswith(".csv") and store.digest(key := f"references/{name}/{file}") != file.removesuffix(".csv")
    ]
