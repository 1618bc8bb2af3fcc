"""Decisions that name nobody: what their pseudonyms stand for, among the rows that are there.

Belongs here: giving each decision the id that it means, and refusing those that nobody here can read. Does not belong
here: making pseudonyms (glane/pseudonyms.py), applying decisions (deciding.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from glane.declaration import DeclarationError, Fault
from glane.pseudonyms import Salt, is_pseudonym, known_salt
from glane.store import Store
from publish.contribution import Contribution
from publish.decisions import Decision, Decisions
from publish.merge import key_of
from schemas.dataset import Dataset


def revealed(
    decisions: Decisions,
    dataset: Dataset,
    contributions: Sequence[Contribution],
    before: Mapping[str, Mapping[str, str]],
    store: Store,
) -> Decisions:
    """`decisions` with the ids that their pseudonyms stand for, where such rows are there: `contributions` bring them,
    or they were published `before`.

    Raises DeclarationError where one was made with another salt: a row that was withdrawn would come back.
    """
    hidden = [one for one in decisions.all if is_pseudonym(one.id) or is_pseudonym(one.other)]
    if not hidden:
        return decisions
    salt = salt_for(decisions, store)
    ids: dict[str, dict[str, str]] = {}
    for table in {one.table for one in hidden}:
        mine = [
            one.rows.select(key_of(dataset.table(table)).alias("id"))["id"]
            for one in contributions
            if one.table == table
        ]
        known = {str(name) for column in mine for name in column if name} | set(before.get(table, {}).values())
        ids[table] = {salt.of(dataset.name, table, name): name for name in known}
    return replace(decisions, all=tuple(_named(one, ids.get(one.table, {})) for one in decisions.all))


def salt_for(decisions: Decisions, store: Store) -> Salt:
    """The salt that the pseudonyms of `decisions` were made with. Raises DeclarationError where it is not here."""
    salt = known_salt(store)
    faults = [
        Fault(
            one.line,
            name,
            "This pseudonym was made with a salt that is not here: nobody can tell whom it means.",
            "Bring the salt back (docs/backup.md), or name its file in GLANE_SALT_FILE.",
        )
        for one in decisions.all
        for name, text in (("id", one.id), ("other", one.other))
        if is_pseudonym(text) and (salt is None or not salt.made(text))
    ]
    if faults or salt is None:
        raise DeclarationError(decisions.path, faults)
    return salt


def forgotten_ids(decisions: Decisions, dataset: str, table: str, ids: Iterable[str], store: Store) -> frozenset[str]:
    """Those of `ids` whose rows are forgotten. Raises DeclarationError."""
    pseudonyms = {one.id for one in decisions.all if (one.kind, one.table) == ("forgotten", table)}
    if not pseudonyms:
        return frozenset()
    salt = salt_for(decisions, store)
    return frozenset(name for name in ids if salt.of(dataset, table, name) in pseudonyms)


def _named(one: Decision, ids: Mapping[str, str]) -> Decision:
    return replace(one, id=ids.get(one.id, one.id), other=ids.get(one.other, one.other))
