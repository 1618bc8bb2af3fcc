"""What readers write about single rows, brought together with the rows: read, shown to a steward and to the partners,
closed.

Belongs here: which published row a message is about, whose it is, and what became of it. Does not belong here: reading
mails and keeping messages (sources/inbox), the steward's screen (cli/review_messages.py), an answer's words
(schemas/report_published_text.py).
"""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import polars as pl

from glane.errors import GlaneError
from glane.store import OvertakenError, Store
from publish.about import ids_that_stood
from publish.addressing import has_addresses, row_numbers
from publish.build import Built
from publish.diff import whole_csv
from publish.merge import SEPARATOR, key_of
from publish.version import Version, current
from schemas.dataset import Dataset, Table
from schemas.error_address import Named, error_field
from schemas.judgement import LINE
from schemas.personal.finding import Context, masked
from schemas.personal.search import search_text
from schemas.report_values import Said
from sources.inbox.messages import End, KeptMessages, Message, MessagesError, ended, kept_messages, passed, told
from sources.inbox.readers import Row, read_messages


@dataclass(frozen=True)
class Asked:
    """A message that waits for a steward: the published row that it is about, and who gave it."""

    message: Message
    name: str
    cells: Mapping[str, str]
    partners: tuple[str, ...]


class _Rows:
    """The published rows of a version, looked up once they are asked for."""

    def __init__(self, dataset: Dataset, store: Store, version: Version | None) -> None:
        self._dataset, self._store, self._version = dataset, store, version

    @cached_property
    def numbers(self) -> Mapping[str, Mapping[str, str]]:
        """The version that each row's address names, by table and id."""
        return row_numbers(self._store, self._dataset, self._version)

    @cached_property
    def _published_as(self) -> Mapping[str, Mapping[str, str]]:
        return ids_that_stood(self._store, self._dataset.name)

    def find(self, named: Named) -> Row | None:
        """The row that a mail names; also by the id of a row that became one with another. None where there is none."""
        table = self._dataset.table(named.table) if named.table else self._dataset.main
        name = table.line.derived_from or table.name
        for identifier in (named.id, self._published_as.get(name, {}).get(named.id)):
            if identifier is not None and identifier in self.numbers.get(name, {}):
                return name, identifier, self.numbers[name][identifier]
        return None


def gather(dataset: Dataset, store: Store) -> str | None:
    """Read what readers wrote since the last time, where a mailbox is set; why that was not possible, if it was not."""
    if not os.environ.get("GLANE_IMAP_HOST") or not has_addresses(dataset):
        return None
    try:
        rows = _Rows(dataset, store, current(store, dataset.name))
        read_messages(dataset, kept_messages(store, dataset.name), rows.find, covered)
    except OvertakenError:
        # Another run reads them.
        return None
    except GlaneError as error:
        return f"What readers wrote about {dataset.name} was not read: {error.what} {error.remedy}"
    return None


def covered(text: str) -> str:
    """A reader's words without what is personal in them: nobody decided that it may be kept, let alone shown."""
    return masked(text, search_text(text, Context()))


def settle(dataset: Dataset, store: Store, version: Version) -> None:
    """Close the messages about rows that changed in `version`, or are not in it. Raises StoreError, VersionError."""
    kept = _kept(dataset, store)
    if kept is None or not kept.messages.messages:
        return
    numbers = row_numbers(store, dataset, version)

    def why(message: Message) -> End | None:
        now = numbers.get(message.table, {}).get(message.id)
        return "gone" if now is None else "changed" if now != message.row else None

    # Where somebody else changed them meanwhile, the next run closes what is to be closed.
    with contextlib.suppress(OvertakenError):
        kept.keep(ended(kept.messages, why))


def waiting(dataset: Dataset, store: Store) -> list[Asked]:
    """The messages that a steward should look at, the oldest first. Raises MessagesError, VersionError."""
    now = datetime.now(UTC)
    found = [one for one in kept_messages(store, dataset.name).messages.messages if one.waits(now)]
    version = current(store, dataset.name)
    if not found or version is None:
        return []
    asked = []
    for table in dataset.merged:
        mine = [one for one in found if one.table == table.name]
        cells = _cells(store, version, table, {one.id for one in mine})
        for one in mine:
            row = cells.get(one.id, {})
            asked.append(Asked(one, _name(table, row), row, _partners(table, row)))
    return sorted(asked, key=lambda one: one.message.at)


def pass_on(dataset: Dataset, store: Store, key: str) -> None:
    """Have the partner told of a message, in its next answer. Raises MessagesError, OvertakenError."""
    kept = kept_messages(store, dataset.name)
    kept.keep(passed(kept.messages, key, datetime.now(UTC)))


def close(dataset: Dataset, store: Store, key: str, why: End) -> None:
    """Close a message. Raises MessagesError, OvertakenError."""
    kept = kept_messages(store, dataset.name)
    kept.keep(ended(kept.messages, lambda one: why if one.key == key else None))


def looked_through(dataset: Dataset, store: Store) -> int:
    """How many mails were left out since a steward was told the last time. Raises MessagesError, OvertakenError."""
    kept = kept_messages(store, dataset.name)
    count = sum(kept.messages.left_out.values())
    kept.keep(told(kept.messages))
    return count


def said_of(dataset: Dataset, built: Built, store: Store) -> dict[str, list[Said]]:
    """For each partner what readers said of the rows that it brought, as far as a steward passed it on."""
    remarks: dict[str, list[Said]] = {}
    kept = _kept(dataset, store)
    messages = [one for one in kept.messages.messages if one.state == "passed"] if kept else []
    for table in dataset.merged:
        mine = [one for one in messages if one.table == table.name]
        if not mine:
            continue
        part = built.merged[table.name]
        cells = _by_id(table, part.rows, {one.id for one in mine})
        for one in mine:
            traces = part.provenance.filter(pl.col("id") == one.id).sort("partner", "line")
            for partner, line in traces.select("partner", LINE.removeprefix("_")).iter_rows():
                said = Said(
                    id=one.id, line=line, name=_name(table, cells.get(one.id, {})), on=one.at[:10], text=one.text
                )
                remarks.setdefault(partner, []).append(said)
    return remarks


def _kept(dataset: Dataset, store: Store) -> KeptMessages | None:
    """The messages, None where they cannot be read: that stops no version, and the steward's list says it."""
    try:
        return kept_messages(store, dataset.name)
    except MessagesError:
        return None


def _cells(store: Store, version: Version, table: Table, ids: set[str]) -> dict[str, dict[str, str]]:
    if not ids or table.name not in version.rows:
        return {}
    rows = pl.scan_csv(whole_csv(store, version, table.name), infer_schema=False, null_values=[""])
    return _by_id(table, rows, ids)


def _by_id(table: Table, rows: pl.DataFrame | pl.LazyFrame, ids: set[str]) -> dict[str, dict[str, str]]:
    found = rows.lazy().with_columns(key_of(table).alias("_id")).filter(pl.col("_id").is_in(sorted(ids))).collect()
    return {
        str(row["_id"]): {name: str(cell) for name, cell in row.items() if cell is not None and name != "_id"}
        for row in found.iter_rows(named=True)
    }


def _name(table: Table, cells: Mapping[str, str]) -> str:
    """What the row says of what it is called."""
    likeness, point = table.line.merge.likeness, table.line.geometry
    field = likeness.name if likeness else point.name if point else None
    return cells.get(field or "", "")


def _partners(table: Table, cells: Mapping[str, str]) -> tuple[str, ...]:
    fields = [name for name, what in table.line.provided.items() if what == "partner"]
    return tuple(cells.get(fields[0], "").split(SEPARATOR)) if fields else ()


def shown(table: Table, cells: Mapping[str, str]) -> list[tuple[str, str]]:
    """The cells of a row that a steward reads, in their order: not its id, nor its address."""
    hidden = {*table.primary_key, error_field(table)}
    return [(name, cells[name]) for name in table.published_fields if name in cells and name not in hidden]
