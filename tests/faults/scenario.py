"""The kinds of publication that every fault meets, and a bench to try them on: store, portal, proxy, children.

A dataset whose first version, an ordinary one, one that removes rows and a MAJOR one stand in four stores, each as
the store was when that version was its last.
"""

import json
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glane.store import FolderStore
from publish.build import build_version
from publish.ckan.address import PortalAddress
from publish.ckan.lease import store_identity
from tests.faults.ending import differences, ending, pages, purge, tables
from tests.faults.forker import Ended, Forker, forking
from tests.faults.proxy import Plan, Proxy, nothing, proxying
from tests.faults.reader import Reader, Truth, truth
from tests.fixtures_portal import Portal
from tests.publish.material import SITES, Cells, contribute, declare
from tests.publish.test_publication import ONE_TABLE

DAY = "2026-11-21T06:00:00+00:00"
KINDS = ("first", "ordinary", "removing", "major")

_FIRST: list[Cells] = [
    {"id": f"a--{n:02}", "nom": f"Lieu n° {n}", "places": str(n), "latitude": "48.850", "ouvert": "true"}
    for n in range(12)
]
_ORDINARY: list[Cells] = [{**_FIRST[0], "places": "99"}, *_FIRST[1:], {"id": "b--01", "nom": "=Neuf, « là »"}]
_REMOVING: list[Cells] = [{**_ORDINARY[0], "places": "7"}, *(_ORDINARY[n] for n in range(1, 13) if n not in (3, 7))]
_MAJOR: list[Cells] = [{**row, "places": f"{row.get('places') or 'des'} places"} for row in _REMOVING]
ROWS: Mapping[str, list[Cells]] = {"first": _FIRST, "ordinary": _ORDINARY, "removing": _REMOVING, "major": _MAJOR}


@dataclass(frozen=True)
class Kind:
    """One kind of publication: `version`, kept last in `store` and declared in `schemas`, where `before` stood."""

    name: str
    version: str
    before: str | None
    store: Path
    schemas: Path

    @property
    def job(self) -> dict[str, Any]:
        """What a child needs to know of it."""
        return {"store": str(self.store), "schemas": str(self.schemas), "version": self.version}


@dataclass(frozen=True)
class Scenario:
    """A dataset, its kinds of publication in their order, and all that its versions are."""

    dataset: str
    kinds: tuple[Kind, ...]
    known: Mapping[str, Truth]

    def kind(self, name: str) -> Kind:
        """The kind of that name."""
        return {kind.name: kind for kind in self.kinds}[name]


def write_scenario(folder: Path) -> Scenario:
    """Make the stores and the declarations under `folder`."""
    name = f"f-{uuid.uuid4().hex[:8]}"
    retyped = json.loads(json.dumps(SITES))
    next(field for field in retyped["fields"] if field["name"] == "places")["type"] = "string"
    before: str | None = None
    kinds, known = [], {}
    folder.mkdir(parents=True, exist_ok=True)
    store = FolderStore(folder / "store")
    store_identity(store)
    for kind in KINDS:
        sites = retyped if kind == "major" else SITES
        dataset = declare(folder / f"schemas-{kind}", declaration=ONE_TABLE, sites=sites, name=name)
        contributions = [contribute(dataset, "a", ROWS[kind])]
        version = build_version(dataset, contributions, store, created=DAY).version.version
        kept = folder / f"store-{kind}"
        shutil.copytree(store.root, kept)
        known |= truth(store, dataset)
        kinds.append(Kind(kind, version, before, kept, dataset.folder))
        before = version
    return Scenario(name, tuple(kinds), known)


class Trials:
    """The bench: publications of a scenario over a proxy that spoils them, with a reader who looks all the while.

    `endings` are how undisturbed publications end, `requests` how many each of them makes.
    """

    def __init__(
        self, portal: Portal, scenario: Scenario, folder: Path, proxy: Proxy, forkers: tuple[Forker, Forker]
    ) -> None:
        self.portal, self.scenario, self.proxy = portal, scenario, proxy
        self._folder, self._forkers = folder, forkers
        self.reader = Reader(portal.url, scenario.dataset, scenario.known)
        self.kills = self.publications = self.faults = 0
        self._stands: str | None = None
        self.endings: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, list[str]] = {}
        self._others: set[str] = set()
        self.look_around()

    def look_around(self) -> None:
        """Remember which DataStore tables are not the scenario's: tests of other files may have come between."""
        own = {str(one["id"]) for page in pages(self.portal, self.scenario.dataset) for one in page["resources"]}
        self._others = tables(self.portal) - own

    @property
    def address(self) -> PortalAddress:
        """The portal's own address."""
        return PortalAddress(self.portal.url, self.portal.token, self.portal.organisation)

    def figures(self) -> Counter[str]:
        """What was tried and looked at so far."""
        looked = {f"observations: {name}": count for name, count in self.reader.seen.items()}
        return Counter(
            {"kills": self.kills, "publications": self.publications, "faults injected": self.faults, **looked}
        )

    def rehearse(self) -> None:
        """Publish every kind undisturbed, and remember how that ends."""
        self.clear()
        for kind in self.scenario.kinds:
            self._catch_up(kind)
            self.requests[kind.name] = [seen.what for seen in self.proxy.seen]
            self.reader.expect(kind.version)
            self.reader.look()
            self.endings[kind.name] = self.ending()
        self.check_reader()

    def clear(self) -> None:
        """Take everything off the portal."""
        purge(self.portal, self.scenario.dataset)
        self._stands = None

    def ready(self, name: str) -> Kind:
        """The kind of that name, with the portal as it is before it."""
        kind = self.scenario.kind(name)
        if self._stands != kind.before:
            self.clear()
            for former in self.scenario.kinds[: self.scenario.kinds.index(kind)]:
                self._catch_up(former)
        return kind

    def ending(self) -> dict[str, Any]:
        """The portal as it is now, comparable."""
        return ending(self.portal, self.scenario.dataset, self._others)

    def job(self, kind: Kind, **more: Any) -> dict[str, Any]:
        """What a child needs to publish that kind over the proxy."""
        return {
            "do": "publish", "url": self.proxy.url, "token": self.portal.token,
            "organisation": self.portal.organisation, **kind.job, **more,
        }  # fmt: skip

    def publish(self, kind: Kind, plan: Plan = nothing, **job: Any) -> Ended:
        """One publication in a child of its own, over the proxy, while a reader looks; and a look at its end."""
        self.proxy.start(plan)
        self._stands = "disturbed"
        with self.reader.polling():
            ended = self._forkers[0].run(self.job(kind, **job), self._folder / "child.log", self._mark)
        self.reader.look()
        self.kills += ended.killed
        self.publications += 1
        self.faults += self.proxy.fired
        return ended

    def second(self, job: Mapping[str, Any]) -> Ended:
        """Run a job in another child, while the first one is at work."""
        return self._forkers[1].run(job, self._folder / "second.log")

    def both(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Ended, Ended]:
        """Run two jobs at the same time, while a reader looks."""
        self.proxy.start(nothing)
        self._stands = "disturbed"
        pairs = list(zip(self._forkers, (one, other), ("child.log", "second.log"), strict=True))
        for forker, job, log in pairs:
            forker.start(job, self._folder / log)
        with self.reader.polling():
            for forker, _, _ in pairs:
                forker.go()
            first, second = [forker.wait() for forker, _, _ in pairs]
        self.reader.look()
        self.publications += 2
        return first, second

    def disturb(self, name: str, plan: Plan = nothing, **job: Any) -> Ended:
        """Publish the kind of that name disturbed. It is for heal() to follow."""
        kind = self.ready(name)
        self.reader.expect(kind.before, kind.version)
        return self.publish(kind, plan, **job)

    def again(self, name: str, plan: Plan = nothing, **job: Any) -> Ended:
        """Publish it once more, disturbed, as the last one left it."""
        return self.publish(self.scenario.kind(name), plan, **job)

    def heal(self, name: str, *about: Ended) -> Ended:
        """Publish it undisturbed: every promise is checked."""
        kind = self.scenario.kind(name)
        healed = self.publish(kind)
        assert healed.error is None, (*about, healed)
        self.reader.read_again()
        self.reader.expect(kind.version)
        self.reader.look()
        self.check_reader(*about, healed)
        differing = differences(self.ending(), self.endings[kind.name])
        assert not differing, "\n".join([*differing, *map(str, (*about, healed))])
        self._stands = kind.version
        return healed

    def check_reader(self, *about: object) -> None:
        """No reader saw anything but whole versions."""
        wrong, self.reader.wrong = self.reader.wrong, []
        assert not wrong, "\n".join([*wrong, *map(str, about)])

    def _catch_up(self, kind: Kind) -> None:
        self.reader.expect(kind.before, kind.version)
        ended = self.publish(kind)
        assert ended.error is None, ended
        self._stands = kind.version

    def _mark(self, pid: int) -> None:
        self.proxy.pid = pid


@contextmanager
def trying(portal: Portal, folder: Path) -> Iterator[Trials]:
    """A bench, all of it stopped at the end."""
    with ExitStack() as stack:
        forkers = (stack.enter_context(forking()), stack.enter_context(forking()))
        proxy = stack.enter_context(proxying(portal.url))
        trials = Trials(portal, write_scenario(folder), folder, proxy, forkers)
        trials.rehearse()
        yield trials
        trials.clear()
