"""A file that comes after somebody was forgotten: its records of them are not read, and not kept.

Belongs here: looking a snapshot through for them. Does not belong here: who is forgotten
(publish/decisions.py), blanking a file (sources/forgetting.py).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from glane.erasing import telling
from glane.errors import DataError
from glane.store import Store
from publish.decisions import read_decisions
from publish.forgetting.person import only_theirs
from publish.revealing import forgotten_ids
from schemas.dataset import Dataset
from schemas.judgement import LINE
from sources.check import table_of
from sources.declaration import Source
from sources.forgetting import blank, blanked, checked, mark_of, note_checked, rows_in, texts_in
from sources.identity.ids import past_of
from sources.snapshot import Snapshot


@dataclass(frozen=True)
class Arriving:
    """The `lines` of a snapshot that are read as if they were not there, and what is left to do once it was read: the
    bytes of a format that cannot be written record by record are still needed until then."""

    lines: frozenset[int] = frozenset()
    afterwards: Callable[[], None] = lambda: None


def arrive(source: Source, dataset: Dataset, snapshot: Snapshot, store: Store, *, at: str) -> Arriving:
    """Look through a snapshot for people who are forgotten, and leave their records blank where that can be done.

    Costs nothing where nobody is. Raises DeclarationError where the pseudonyms cannot be read, StoreError.
    """
    path = source.folder.parent.parent / "decisions" / f"{dataset.name}.csv"
    decisions = read_decisions(path, dataset.decided)
    table = table_of(source, dataset)
    pseudonyms = sorted(one.id for one in decisions.all if (one.kind, one.table) == ("forgotten", table.name))
    if not pseudonyms:
        return Arriving()
    against = hashlib.sha256("\n".join(pseudonyms).encode()).hexdigest()[:16]
    if checked(store, snapshot.key, against):
        mark = mark_of(store, snapshot.key)
        return Arriving(frozenset(mark.lines if mark else ()))
    try:
        past = past_of(store, dataset.name, source.partner)
        sent, rows = rows_in(store.fetch(snapshot.key), snapshot.file_name, source, dataset, past, date=snapshot.date)
    except DataError:
        # Whoever reads it next says what is wrong with it.
        return Arriving()
    key = table.primary_key[0]
    ids = forgotten_ids(decisions, dataset.name, table.name, {str(one) for one in rows[key] if one}, store)
    lines = frozenset(rows.filter(rows[key].is_in(list(ids)))[LINE].to_list())
    if not lines:
        mark = mark_of(store, snapshot.key)
        note_checked(store, snapshot.key, against)
        return Arriving(frozenset(mark.lines if mark else ()))
    texts = only_theirs(*texts_in(sent.reading, lines))
    declared = sent.source.line.format

    def leave_blank() -> None:
        blank(store, snapshot.key, declared, lines, telling(texts), at=at)
        note_checked(store, snapshot.key, against)

    if blanked(store.fetch(snapshot.key), declared, lines, telling(texts)) is None:
        return Arriving(lines, leave_blank)
    leave_blank()
    return Arriving(lines)
