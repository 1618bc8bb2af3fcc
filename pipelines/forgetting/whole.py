"""Forgetting a person, from the decision that keeps them out to the portal: the order, so that a kill does no harm.

Belongs here: that order, the log, and what is told of what is beyond reach. Does not belong here: each step.

    log/forgotten/<dataset>.jsonl   when, by which role, why, what kinds of things and how many: never who
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

from glane.pseudonyms import salt_of
from glane.store import FolderStore, Store
from pipelines.catalogue import Entry
from pipelines.forgetting.keeping import Kept, forget_kept, places
from pipelines.forgetting.plan import Plan, keep_plan, plan_key
from pipelines.forgetting.runs import check_at_rest, elsewhere, forget_in_runs, telling_files
from pipelines.given_back import cleaned_key
from pipelines.release import usable
from pipelines.settings import PortalSettings
from publish.ckan.address import read_address
from publish.ckan.forgetting import Cleared, DepositFiles, clear_portal
from publish.forgetting.deciding import decide
from publish.forgetting.person import Person
from publish.forgetting.versions import Touched, forget_in_versions, touched
from schemas.report import annotated_key
from sources.declaration import Source
from sources.forgetting import kept_snapshots, mark_of

Step = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """Where a person is: in which versions, in how many things beside them, in how many files of Dagster's home."""

    versions: tuple[Touched, ...]
    kept: Mapping[str, int]
    runs: int
    beyond: tuple[str, ...]


@dataclass(frozen=True)
class Forgotten:
    """What was done; `beyond` is what others must clear, in sentences."""

    versions: tuple[str, ...]
    kept: Mapping[str, int]
    runs: int
    portal: Cleared | None
    beyond: tuple[str, ...]


def look(entry: Entry, store: Store, home: Path, instance: dg.DagsterInstance, person: Person) -> Found:
    """Where the person is; nothing is touched."""
    return Found(
        tuple(touched(store, person)),
        places(entry, store, person).counts,
        len(telling_files(home, person.telling)),
        beyond_reach(entry, store, instance, person, has_portal=True),
    )


def forget(
    entry: Entry,
    store: Store,
    home: Path,
    instance: dg.DagsterInstance,
    plan: Plan,
    *,
    portal: PortalSettings | None,
    say: Callable[[str], None],
    before: Step = lambda step: None,
) -> Forgotten:
    """Forget the person of `plan`: the decision first, so that no run brings them back; the portal last.

    `before` is called with the name of each step before it is taken. Killed anywhere and run again with the same plan,
    it ends the same. Raises CallError while a run is under way, what is wrong with a version, StoreError, PortalError.
    """
    dataset, person = usable(entry), plan.person
    check_at_rest(instance)
    before("plan")
    keep_plan(store, plan)
    before("decide")
    named = decide(entry.decisions, dataset.decided, person, salt_of(store), by=plan.by)
    say(f"{entry.decisions} keeps the person out by {len(person.ids)} pseudonyms: commit it")
    with store.writer():
        kept = forget_kept(entry, store, person, before)
        say(f"beside versions: {_told(kept.counts)}")
        done = forget_in_versions(dataset, store, person, before)
        say(f"versions written anew: {', '.join(done) or 'none'}")
        store.sweep()
    before("runs")
    runs = forget_in_runs(home, person.telling)
    before("log")
    if not plan.logged:
        _log(store, plan, kept, done, runs)
        plan = replace(plan, logged=True)
        keep_plan(store, plan)
    cleared = None
    if portal is not None:
        before("portal")
        address = read_address(portal.url, portal.token_file, portal.organisation, portal.public_store)
        cleared = clear_portal(dataset, store, address, deposits_of(entry, store, person), say, before)
    before("end")
    store.remove(plan_key(person.dataset))
    told = beyond_reach(entry, store, instance, person, has_portal=portal is not None, named=named)
    return Forgotten(tuple(done), kept.counts, runs, cleared, told)


def deposits_of(entry: Entry, store: Store, person: Person) -> list[DepositFiles]:
    """The deposits on our portal of the partners whose files held the person."""
    found = []
    for source in entry.sources:
        if not isinstance(source, Source) or source.line.where.deposit is None:
            continue
        if source.partner not in person.partners:
            continue
        folder = f"reports/{entry.name}/{source.partner}"
        answers = {
            "page": f"{folder}/latest.html",
            "data": f"{folder}/latest.json",
            "annotated": annotated_key(entry.name, source.partner),
            "cleaned": cleaned_key(entry.name, source.partner),
        }
        uploads: dict[str, str | None] = {}
        for sha256 in kept_snapshots(store, entry.name, source.partner):
            key = f"raw/{entry.name}/{source.partner}/{sha256}"
            if (mark := mark_of(store, key)) is not None:
                uploads[sha256] = None if mark.replaced else key
        found.append(DepositFiles(source.line.where.deposit.dataset, source.name, answers, uploads))
    return found


def beyond_reach(
    entry: Entry, store: Store, instance: dg.DagsterInstance, person: Person, *, has_portal: bool, named: int = 0
) -> tuple[str, ...]:
    """What no call of ours can clear, and who can."""
    said = []
    for partner in sorted(person.partners):
        for source in (one for one in entry.sources if one.partner == partner):
            said.append(f"{source.name}: its own file still holds the person. Its answer tells which line to delete.")
            beside = [path.name for path in sorted(source.folder.rglob("*")) if _tells(path, person)]
            if beside:
                said.append(f"{source.folder}: {', '.join(beside)} (in git). Replace them, and rewrite git's history.")
    marks = [mark_of(store, f"raw/{entry.name}/{partner}/{sha}") for partner, sha in person.lines if sha]
    if count := sum(mark is not None and mark.replaced for mark in marks):
        said.append(f"{count} files of a partner could not be kept without the person: no version is traced to them.")
    if named:
        said.append(f"git's history of {entry.decisions.name}: {named} lines of it named the row.")
    said += [
        f"Dagster's {name} keeps its events elsewhere: its administrator clears them." for name in elsewhere(instance)
    ]
    if not isinstance(store, FolderStore):
        said.append("The bucket's own old versions of objects, where it keeps them: its administrator.")
    said.append("Copies and backups of the store: those who keep them (docs/forgetting.md).")
    if has_portal:
        said.append(
            "The portal's administrator: files of resources that were deleted before, activities and revisions, "
            "backups of its database and search index, web caches, server logs."
        )
    said.append("Mails that were sent, and what reusers downloaded: the feed of withdrawals tells them what to erase.")
    return tuple(said)


def _tells(path: Path, person: Person) -> bool:
    return path.is_file() and path.stat().st_size < 64 * 1024**2 and person.telling.in_file(path.read_bytes())


def _log(store: Store, plan: Plan, kept: Kept, versions: list[str], runs: int) -> None:
    key = f"log/forgotten/{plan.person.dataset}.jsonl"
    seen = store.look(key)
    told = {
        "at": plan.person.at,
        "by": plan.by,
        "why": plan.why,
        "table": plan.person.table,
        "versions": versions,
        "kept": dict(kept.counts),
        "runs": runs,
    }
    store.replace(seen, (seen.data or b"") + json.dumps(told, ensure_ascii=False).encode() + b"\n")


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
