"""The ids that the rows of one partner were ever given, and what last time's rows said.

Belongs here: that register as a value, and its place in the store:

    rows/<dataset>/<partner>/ids.parquet    one line an id; the same register gives the same bytes

Does not belong here: deciding which row has which id (identify.py). The register keeps the telling cells of last time's
rows alone: of a row that is gone it keeps its id and the keys (hashes) under which it was known.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
from polars.exceptions import PolarsError

from glane.errors import DataError
from glane.store import Store

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "keys": pl.List(pl.String),
    "current": pl.String,
    "cells": pl.String,
}


class RegisterError(DataError):
    """A partner's register of ids cannot be read: without it ids would be given anew."""


@dataclass(frozen=True)
class Known:
    """An id: the `keys` under which its row came, the first of them first; the `current` one and the telling `cells`
    where the row was in the last file, None where it was not."""

    keys: tuple[str, ...] = ()
    current: str | None = None
    cells: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Register:
    """All ids ever given to the rows of one partner."""

    ids: Mapping[str, Known] = field(default_factory=dict)


def register_key(dataset: str, partner: str) -> str:
    """Where the store keeps the register."""
    return f"rows/{dataset}/{partner}/ids.parquet"


def load_register(store: Store, dataset: str, partner: str) -> Register:
    """The register of a partner; an empty one where no id was given yet. Raises RegisterError."""
    key = register_key(dataset, partner)
    if not store.exists(key):
        return Register()
    try:
        rows = pl.read_parquet(io.BytesIO(store.read(key))).select(list(_SCHEMA)).rows()
        return Register(
            {
                name: Known(tuple(keys), current, json.loads(cells) if cells else None)
                for name, keys, current, cells in rows
            }
        )
    except (PolarsError, ValueError) as error:
        raise _unreadable(dataset, partner, error) from error


def keys_known(store: Store, dataset: str, partner: str, own: str) -> tuple[str, ...]:
    """The keys under which the row `own` of a partner came, read without the other rows; none where it never did.
    Raises RegisterError."""
    key = register_key(dataset, partner)
    if not store.exists(key):
        return ()
    try:
        found = pl.scan_parquet(store.fetch(key)).filter(pl.col("id") == own).select("keys").collect()
    except PolarsError as error:
        raise _unreadable(dataset, partner, error) from error
    return tuple(found["keys"][0]) if found.height else ()


def keep_register(store: Store, dataset: str, partner: str, register: Register) -> None:
    """Keep the register; nothing is written where it is the one that the store has. Raises StoreError."""
    key = register_key(dataset, partner)
    data = register_bytes(register)
    if not store.exists(key) or store.read(key) != data:
        store.write(key, data)


def register_bytes(register: Register) -> bytes:
    """The register as Parquet, one line an id in their order."""
    lines = [
        (name, list(known.keys), known.current, _json(known.cells)) for name, known in sorted(register.ids.items())
    ]
    buffer = io.BytesIO()
    pl.DataFrame(lines, schema=_SCHEMA, orient="row").write_parquet(buffer, compression="zstd", compression_level=3)
    return buffer.getvalue()


def _unreadable(dataset: str, partner: str, error: Exception) -> RegisterError:
    return RegisterError(
        f"The register of ids of {dataset}/{partner} ({register_key(dataset, partner)}) cannot be read: {error}.",
        "Bring that file back from a copy of the store; without it rows would get new ids.",
    )


def _json(cells: Mapping[str, str] | None) -> str | None:
    return None if cells is None else json.dumps(cells, ensure_ascii=False, sort_keys=True)
