"""Whom a forgetting under way is about, kept until it is done: a killed one goes on where it was.

Belongs here: that value and its place in the store. Does not belong here: the steps (whole.py).

    forgetting/<dataset>.json   who, why and by whom; it holds what tells of the person, and goes with the last step
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from glane.declaration import Declared
from glane.errors import DataError
from glane.store import Store
from publish.forgetting.person import Person


class _Lines(Declared):
    partner: str
    snapshot: str
    lines: tuple[int, ...]


class _Kept(Declared):
    dataset: str
    table: str
    tables: tuple[str, ...]
    ids: tuple[str, ...]
    published: tuple[str, ...]
    lines: tuple[_Lines, ...]
    texts: tuple[str, ...]
    at: str
    id_too: bool
    by: str
    why: str
    logged: bool = False


@dataclass(frozen=True)
class Plan:
    """A forgetting under way: the person, the role of who decided and why, and whether the log tells of it already."""

    person: Person
    by: str
    why: str
    logged: bool = False


class PlanError(DataError):
    """What is kept of a forgetting under way cannot be read."""


def plan_key(dataset: str) -> str:
    """Where the store keeps it."""
    return f"forgetting/{dataset}.json"


def pending(store: Store, dataset: str) -> Plan | None:
    """The forgetting that was cut off; None where there is none. Raises PlanError."""
    data = store.look(plan_key(dataset)).data
    if data is None:
        return None
    try:
        kept = _Kept.model_validate_json(data)
    except ValidationError as error:
        remedy = "Remove it, and call glane forget again with the same id."
        raise PlanError(f"{store.where(plan_key(dataset))} cannot be read.", remedy) from error
    lines: Mapping[tuple[str, str], frozenset[int]] = {
        (one.partner, one.snapshot): frozenset(one.lines) for one in kept.lines
    }
    person = Person(
        kept.dataset,
        kept.table,
        frozenset(kept.tables),
        frozenset(kept.ids),
        frozenset(kept.published),
        lines,
        frozenset(kept.texts),
        kept.at,
        kept.id_too,
    )
    return Plan(person, kept.by, kept.why, kept.logged)


def keep_plan(store: Store, plan: Plan) -> None:
    """Keep what a killed run would need to go on."""
    person = plan.person
    kept = _Kept(
        dataset=person.dataset,
        table=person.table,
        tables=tuple(sorted(person.tables)),
        ids=tuple(sorted(person.ids)),
        published=tuple(sorted(person.published)),
        lines=tuple(
            _Lines(partner=partner, snapshot=snapshot, lines=tuple(sorted(lines)))
            for (partner, snapshot), lines in sorted(person.lines.items())
        ),
        texts=tuple(sorted(person.texts)),
        at=person.at,
        id_too=person.id_too,
        by=plan.by,
        why=plan.why,
        logged=plan.logged,
    )
    store.write_json(plan_key(person.dataset), kept.model_dump(mode="json"))
