"""The address of one published row for whoever finds something wrong with it: a mail ready to be sent.

Belongs here: how the address is written, and which row the subject of a mail names. Does not belong here: which version
a row's address names (publish/addressing.py), nor the mails that come (sources/inbox/messages.py).

    mailto:commons@commons.example?subject=inclusion_sites%201.4.0%20epn--12

The first table of a dataset goes without its name; a row of another one says `dataset/table`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import polars as pl

from schemas.dataset import Dataset, Table

_SUBJECT = re.compile(
    r"(?<![\w/.-])(?P<dataset>[a-z][a-z0-9_]*)(?:/(?P<table>[a-z][a-z0-9_]*))?"
    r"\s+(?P<version>\d{1,6}\.\d{1,6}\.\d{1,6})\s+(?P<id>\S{1,200})"
)
_PLAIN = r"^[A-Za-z0-9._~-]+$"
_VERSION = r"%20(\d+\.\d+\.\d+)%20"


@dataclass(frozen=True)
class Named:
    """The row that a mail's subject names, in the version that its writer read; `table` as it stands there, or None."""

    dataset: str
    table: str | None
    version: str
    id: str


def error_field(table: Table) -> str | None:
    """The field of `table` that holds each row's address; None where it has none."""
    return next((name for name, what in table.line.provided.items() if what == "error_address"), None)


def template(dataset: Dataset, table: Table | None = None) -> str:
    """The address of any row as a URI template (RFC 6570) of `version` and `id`."""
    return f"{_before(dataset, table or dataset.main)}{{version}}%20{{id}}"


def addresses(dataset: Dataset, table: Table, version: pl.Expr, key: pl.Expr) -> pl.Expr:
    """The addresses of rows of `table`, given the version that each names; null where that is null."""
    safe = pl.when(key.str.contains(_PLAIN)).then(key)
    quoted = safe.otherwise(key.map_elements(lambda text: quote(text, safe=""), return_dtype=pl.String))
    return pl.concat_str([pl.lit(_before(dataset, table)), version, pl.lit("%20"), quoted])


def version_in(address: pl.Expr) -> pl.Expr:
    """The version that an address names; null where it names none."""
    return address.str.extract(_VERSION)


def named_in(subject: str, tables: Mapping[str, tuple[str, ...]]) -> Named | None:
    """The row that a subject names, whatever a mail program put around it ("Re: ..."), where there is such a dataset
    and table. `tables` gives the names of each dataset's tables."""
    for found in _SUBJECT.finditer(subject):
        known = tables.get(found["dataset"])
        if known is not None and found["table"] in (None, *known):
            return Named(found["dataset"], found["table"], found["version"], found["id"])
    return None


def _before(dataset: Dataset, table: Table) -> str:
    # The rows of a derived table are those of its base.
    name = table.line.derived_from or table.name
    what = dataset.name if name == dataset.main.name else f"{dataset.name}/{name}"
    return f"mailto:{dataset.errors_to}?subject={quote(what, safe='')}%20"
