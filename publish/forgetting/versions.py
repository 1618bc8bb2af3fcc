"""All versions of a dataset without a person, one after the other, so that a killed run does no harm.

Belongs here: that order and what the list says meanwhile. Does not belong here: one version (rewriting.py).

For each version, the oldest first: it is written anew beside its place; the list takes note of the manifest that is
coming; the folders change places; the list tells the new manifest and keeps the old one's hash as a mark. At each
moment readers find one version or the other, whole, and the list knows both. Run again, it goes on where it was.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from glane.removals import Removal, remove, removed
from glane.store import Store, StoreError, to_json
from publish.forgetting.leaving import Leaving, leaving
from publish.forgetting.person import Person
from publish.forgetting.rewriting import Rewriting, needs
from publish.version import MANIFEST, Listed, Rewritten, Version, listed, load_line, relist
from schemas.dataset import Dataset

Step = Callable[[str], None]


@dataclass(frozen=True)
class Touched:
    """A version that holds a person, or starts from one that does, and how many rows leave it."""

    version: str
    rows: int


def touched(store: Store, person: Person) -> Iterator[Touched]:
    """The versions that would be written anew for the person's rows; nothing is. Raises VersionError."""
    last: Version | None = None
    before = False
    lines = listed(store, person.dataset)
    for line in lines:
        version = load_line(store, person.dataset, line)
        out = leaving(store, version, person)
        # What follows a version that is written anew starts from other bytes.
        now = needs(store, version, last, person, out, newest=line is lines[-1])
        if now or before:
            yield Touched(version.version, out.count)
        before, last = bool(out.rows), version


def forget_in_versions(dataset: Dataset, store: Store, person: Person, before: Step = lambda step: None) -> list[str]:
    """Write anew every version that holds the person, and give their numbers. The caller holds the writer's lock;
    `before` is called with the name of each step before it is taken. Raises VersionError, StoreError.
    """
    bases = {table.name: table.line.derived_from or table.name for table in dataset.tables}
    done: list[str] = []
    last: Version | None = None
    lines = listed(store, dataset.name)
    for line in lines:
        version = _settled(store, dataset.name, line)
        out = leaving(store, version, person)
        if needs(store, version, last, person, out, newest=line is lines[-1]):
            before(f"write {version.version}")
            version = _replaced(store, version, last, person, out, bases, before, newest=line is lines[-1])
            done.append(version.version)
        last = version
    return done


def _settled(store: Store, dataset: str, line: Listed) -> Version:
    """The version of a line; one whose manifest was just taking its place when a run was killed is listed so now."""
    version = load_line(store, dataset, line)
    if line.becoming is not None:
        _list(store, dataset, line, version)
    return version


def _replaced(
    store: Store,
    version: Version,
    last: Version | None,
    person: Person,
    out: Leaving,
    bases: dict[str, str],
    before: Step,
    *,
    newest: bool,
) -> Version:
    with store.staged() as folder:
        fresh = Rewriting(store, version, last, person, out, bases, folder, newest=newest).whole()
        manifest = to_json(fresh.model_dump(mode="json"))
        (folder / MANIFEST).write_bytes(manifest)
        digest = hashlib.sha256(manifest).hexdigest()
        _note_absent(store, fresh, person.at)
        (line,) = [one for one in listed(store, version.dataset) if one.version == version.version]
        before(f"announce {version.version}")
        relist(store, version.dataset, line.model_copy(update={"becoming": digest}))
        before(f"replace {version.version}")
        store.supplant(folder, version.key)
    _read_back(store, fresh)
    before(f"list {version.version}")
    _list(store, version.dataset, line.model_copy(update={"becoming": digest}), fresh)
    return fresh


def _list(store: Store, dataset: str, line: Listed, version: Version) -> None:
    """The line of a version whose manifest is the one that was coming, or still the former one."""
    there = store.digest(f"{version.key}/{MANIFEST}")
    plain: dict[str, Any] = {"becoming": None}
    if there == line.becoming and there != line.manifest_sha256:
        mark = Rewritten(at=version.forgotten[-1].at, was=line.manifest_sha256)
        plain |= {"manifest_sha256": there, "rows": dict(version.rows), "forgotten": (*line.forgotten, mark)}
    relist(store, dataset, line.model_copy(update=plain))


def _note_absent(store: Store, version: Version, at: str) -> None:
    """Derived files that went as declared would have other bytes now: the log says so, or they would be missing."""
    gone = removed(store, version.dataset)
    lines = []
    for file in version.files:
        key = f"{version.key}/{file.path}"
        line = gone.get(key)
        if line is not None and line.sha256 != file.sha256 and not store.exists(key):
            lines.append(Removal(key, file.sha256, file.bytes, at, line.why))
    remove(store, version.dataset, lines)


def _read_back(store: Store, version: Version) -> None:
    for file in version.files:
        key = f"{version.key}/{file.path}"
        if store.exists(key) and store.digest(key) != file.sha256:
            raise StoreError(
                f"{store.where(key)} reads back otherwise than it was written.",
                "Check the disk under the store, then run glane forget again: it goes on.",
            )
