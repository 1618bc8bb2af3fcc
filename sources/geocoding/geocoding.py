"""The step between mapping and judging: points for the rows that have none, where the source declares it.

Belongs here: the order of it (what is known already, what is asked, what is kept) and what becomes of a service that
fails: the rows go without points, and the report says so. Does not belong here: deciding (points.py), asking
(services.py).

    geocoded/<dataset>/<partner>.json    what the service said of each address of the partner's last file, by a hash of
                                         it, and of which row (by its key) it is: score and precision beside the point

Once a row or its address is gone, so is its answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from glane.errors import GlaneError
from glane.store import Store
from glane.text import Text
from schemas.dataset import Table
from schemas.phrases import say
from sources.declaration import Source
from sources.fetch.http import Client, Patience
from sources.fetch.manners import manners
from sources.geocoding.declared import Geocode
from sources.geocoding.points import Address, Answer, placed, wanted
from sources.geocoding.services import ask
from sources.mapping import Mapped
from sources.where import Where


@dataclass(frozen=True)
class Geocoded:
    """The mapped rows with points, what the partner is told of the whole, and the day from which to try again (None:
    all was answered, for good)."""

    mapped: Mapped
    notes: tuple[Text, ...] = ()
    again: date | None = None


def geocoded(
    source: Source,
    table: Table,
    mapped: Mapped,
    store: Store | None,
    *,
    patience: Patience | None = None,
    today: date | None = None,
) -> Geocoded:
    """Find points for the rows of `mapped` that have none, as the source declares; without a `store` (a file that is
    only checked) nobody is asked.

    Never raises for what the service does. Raises StoreError.
    """
    declared, geometry = source.line.geocode, table.line.geometry
    if declared is None or geometry is None or store is None:
        return Geocoded(mapped)
    day = today or datetime.now(UTC).date()
    asked = wanted(mapped.rows, declared, geometry)
    key = f"geocoded/{source.dataset}/{source.partner}.json"
    service = declared.asked.url
    known = _fresh(_kept(store.read_json(key)), declared, day)
    addresses = dict.fromkeys(asked.values())
    answers = {address: known[address.key(service)] for address in addresses if address.key(service) in known}
    missing = [address for address in addresses if address not in answers]
    notes: list[Text] = []
    try:
        for some in _asked(declared, missing[: declared.at_most], patience or Patience(), day):
            answers |= some
    except GlaneError as error:
        notes.append(say("geocoding.failed", why=error.what).wrong)
    left = sum(address not in answers for address in asked.values())
    if left:
        notes.append(say("geocoding.left", count=str(left)).wrong)
    rows, said = placed(mapped.rows, asked, answers, declared, geometry)
    _keep(store, key, rows_of(table, mapped, asked), answers, service)
    changed = replace(mapped, rows=rows, questions=(*mapped.questions, *said))
    return Geocoded(changed, tuple(notes), _again(answers.values(), declared, day, left=left > 0))


def recalled(source: Source, table: Table, rows: pl.DataFrame, store: Store) -> tuple[pl.DataFrame, bool]:
    """The mapped `rows` with the points that the store remembers for their addresses, whenever they were asked, and
    whether it remembers all that were wanted; nobody is asked."""
    declared, geometry = source.line.geocode, table.line.geometry
    if declared is None or geometry is None:
        return rows, True
    asked = wanted(rows, declared, geometry)
    known = _kept(store.read_json(f"geocoded/{source.dataset}/{source.partner}.json"))
    answers = {one: known[key] for one in asked.values() if (key := one.key(declared.asked.url)) in known}
    return placed(rows, asked, answers, declared, geometry)[0], all(one in answers for one in asked.values())


def earliest(*days: date | None) -> date | None:
    """The first of the days that there are."""
    return min((day for day in days if day is not None), default=None)


def rows_of(table: Table, mapped: Mapped, asked: Mapping[int, Address]) -> dict[str, Address]:
    """{the row's key, or its line where it has none: the address that it was asked for}."""
    keys = [mapped.rows[name].to_list() for name in table.primary_key]
    lines = mapped.rows["_line"].to_list()
    named = {number: " ".join(str(column[number] or "") for column in keys).strip() for number in asked}
    return {named[number] or f"line {lines[number]}": address for number, address in asked.items()}


def _asked(declared: Geocode, missing: list[Address], patience: Patience, day: date) -> Iterable[dict[Address, Answer]]:
    if not missing:
        return
    service = declared.asked
    where = Where(url=service.url, headers=service.headers, private=service.private)
    known = manners()
    behaviour = replace(known, at_once=1, gap=max(known.gap, service.gap))
    with Client(where, patience, behaviour) as client:
        yield from ask(service, missing, client, day.isoformat())


def _kept(value: Any) -> dict[str, Answer]:
    """What was kept, or nothing where another version of Glane wrote it otherwise."""
    try:
        return {key: Answer(**answer) for key, answer in value["answers"].items()}
    except (TypeError, KeyError, AttributeError):
        return {}


def _fresh(kept: Mapping[str, Answer], declared: Geocode, day: date) -> dict[str, Answer]:
    if declared.refresh_days is None:
        return dict(kept)
    return {key: answer for key, answer in kept.items() if _until(answer, declared.refresh_days) > day}


def _until(answer: Answer, refresh_days: int) -> date:
    return date.fromisoformat(answer.at) + timedelta(days=refresh_days)


def _again(answers: Iterable[Answer], declared: Geocode, day: date, *, left: bool) -> date | None:
    expiring = [_until(answer, declared.refresh_days) for answer in answers] if declared.refresh_days else []
    return earliest(day + timedelta(days=1) if left else None, *expiring)


def _keep(store: Store, key: str, rows: Mapping[str, Address], answers: Mapping[Address, Answer], service: str) -> None:
    value = {
        "answers": {address.key(service): asdict(answer) for address, answer in answers.items()},
        "rows": {row: address.key(service) for row, address in rows.items() if address in answers},
    }
    if value["answers"]:
        if store.read_json(key) != value:
            store.write_json(key, value)
    elif store.exists(key):
        store.remove(key)
