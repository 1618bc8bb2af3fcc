"""Bringing a portal to a version, in the order that lets readers see the old one or the new one and never a mix.

Belongs here: that order (design, 4), and what is said of it. Does not belong here: single calls (api.py), what should
be there (wanted.py, layout.py), files (archive.py), the DataStore (datastore.py).

Killed anywhere and run again, it converges: every step looks at what is there before it does anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glane.errors import CallError
from glane.store import Store
from publish.ckan import datastore, layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from publish.ckan.archive import Uploaded
from publish.ckan.faults import AGAIN, BusyError, PortalError, RefusedError, RightsError, deleted
from publish.ckan.layout import CONTENT, DATASTORE, LEASE, UPDATING, History
from publish.ckan.lease import check_free, new_lease
from publish.ckan.place import place_of
from publish.ckan.wanted import Page, Wanted, keyed, want
from publish.delta import Difference
from publish.diff import csv_of, whole_csv
from publish.streaming import compare_files
from publish.version import Version, listed, load
from schemas.dataset import Dataset

STEPS = ("create", "lease", "upload", "datastore", "views", "flip", "new tables")


@dataclass(frozen=True)
class Receipt:
    """What a publication did. `unchanged`: the portal showed this version already, and nothing was sent.

    `resources` are the addresses of the page's files by key; `datastore` says for each table that moved whether by
    "delta" or "reload"; `omitted` names the files that the portal did not take, `dropped` the fields that it did not
    keep. `sent_bytes` counts the files alone, `sent_in_all` also the rows, texts and questions.
    """

    dataset: str
    version: str
    url: str
    unchanged: bool
    sent: int = 0
    sent_bytes: int = 0
    sent_in_all: int = 0
    resources: Mapping[str, str] = field(default_factory=dict)
    datastore: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def publish(
    version: Version,
    dataset: Dataset,
    store: Store,
    portal: PortalAddress,
    say: Callable[[str], None],
    *,
    patience: Patience | None = None,
    before: Callable[[str], None] = lambda step: None,
    afresh: bool = False,
) -> Receipt:
    """Make `portal` show `version` of `dataset`, which is listed in `store`. Takes the store's writer lock.

    `say` is told what happens; `before` is called with the name of each step of STEPS before it is taken. `afresh`
    believes nothing that the portal says of itself: files are read back, DataStore tables loaded whole. Raises
    PortalError (each of its kinds says what to do), or CallError where the organisation is not clear.
    """
    with store.writer(), Api(portal, patience) as api:
        site_url = str(api.read("status_show").get("site_url") or portal.url)
        return _Publication(api, store, want(store, dataset, version, site_url), say, before, afresh).run()


class _Publication:
    """One publication under way."""

    def __init__(
        self,
        api: Api,
        store: Store,
        wanted: Wanted,
        say: Callable[[str], None],
        before: Callable[[str], None],
        afresh: bool,
    ) -> None:
        self._api, self._store, self._wanted = api, store, wanted
        self._say, self._before, self._afresh = say, before, afresh
        self._name = wanted.dataset.name
        self._moved: dict[str, str] = {}

    def run(self) -> Receipt:
        """Take every step that is needed; see STEPS."""
        wanted, page = self._wanted, self._look()
        place = place_of(self._api, self._store, wanted, self._say)
        there = None if self._afresh else place.served_now()
        if page is not None and there is not None and wanted.reached(page, there, place.history):
            self._say(f"{wanted.page_url} shows version {wanted.version.version} already: nothing sent")
            return self._receipt(page, Uploaded(there, 0, 0, ()), (), unchanged=True)
        if page is None:
            self._before("create")
            page = self._create()
        self._before("lease")
        former, (page, lease) = page, self._take_lease(page)
        self._before("upload")
        uploaded = place.bring(str(page["organization"]["name"]))
        self._before("datastore")
        for resource in wanted.moving(page, afresh=self._afresh):
            self._move(resource, keyed(former)[resource["glane_key"]])
        self._before("views")
        if "reload" in self._moved.values():
            self._make_views()
        self._before("flip")
        page, dropped = self._flip(page, lease, uploaded, place.history)
        self._before("new tables")
        page = self._fill_new(page, lease)
        self._say(f"{wanted.page_url} shows version {wanted.version.version}")
        return self._receipt(page, uploaded, dropped, unchanged=False)

    def _look(self) -> dict[str, Any] | None:
        page: dict[str, Any] | None = self._api.find("package_show", id=self._name)
        if page is not None and page.get("state") == "deleted":
            raise deleted(self._name)
        return page

    def _create(self) -> dict[str, Any]:
        """Make the page, private until the flip: nobody sees a dataset without files."""
        files = layout.page_keys(self._wanted.dataset, self._wanted.version)
        fields = {
            "name": self._name,
            "title": self._wanted.dataset.line.title.fr,
            "owner_org": self._organisation(),
            "private": True,
            "resources": [layout.awaited(key, file) for key, file in files],
        }
        page: dict[str, Any] = self._api.write("package_create", fields, done=self._look)
        self._say(f"made the page {self._wanted.page_url}")
        return page

    def _organisation(self) -> str:
        mine = self._api.read("organization_list_for_user", permission="create_dataset")
        names = sorted(str(one["name"]) for one in mine)
        asked = self._api.address.organisation
        if asked in names:
            return asked
        if asked is not None or not names:
            raise RightsError(
                f"The token may not create datasets in {asked or 'any organisation'} on {self._api.address.url}.",
                f"Make its user an editor there. It may publish in: {', '.join(names) or 'none'}.",
            )
        if len(names) > 1:
            raise CallError(
                f"The token may publish in several organisations: {', '.join(names)}.",
                "Say which with GLANE_PORTAL_ORGANISATION.",
            )
        return names[0]

    def _lead(self, page: Page) -> dict[str, Any]:
        found = keyed(page).get(self._wanted.lead)
        if found is None:
            raise PortalError(
                f"{self._wanted.page_url} was not made by Glane: no resource of it has the glane_key "
                f"{self._wanted.lead}.",
                "Rename or purge that dataset on the portal, then run again.",
            )
        return found

    def _take_lease(self, page: Page) -> tuple[dict[str, Any], str]:
        """Write our lease where nobody else's stands, and `updating` on every table that will move."""
        lead, wanted = self._lead(page), self._wanted
        if not check_free(lead.get(LEASE), self._store, wanted.page_url):
            self._say("taking over the lease of a publisher that is dead")
        lease = new_lease(self._store, page.get("version") or None, wanted.version.version).text()
        resources: dict[str, dict[str, str]] = {
            str(one["id"]): {DATASTORE: UPDATING} for one in wanted.moving(page, afresh=self._afresh)
        }
        resources.setdefault(str(lead["id"]), {})[LEASE] = lease
        taken = self._revise(
            {
                "match": {"name": self._name, "metadata_modified": page["metadata_modified"]},
                **_of_resources(resources),
            },
            lambda now: self._lead(now).get(LEASE) == lease,
        )
        if self._lead(taken).get(LEASE) != lease:
            raise PortalError(
                f"{self._api.address.url} does not keep fields of our own on resources.",
                f"Allow the fields glane_*, {LEASE} among them, in its schema (ckanext-scheming), then run again.",
            )
        return taken, lease

    def _move(self, resource: Mapping[str, Any], former: Mapping[str, Any]) -> None:
        """Bring one DataStore table to this version: by the delta if it surely holds the former version."""
        table, identifier = self._wanted.tables[resource["glane_key"]], str(resource["id"])
        load = self._wanted.loads[table]
        difference = self._difference(table, former)
        if difference is not None and datastore.movable(load, difference):
            datastore.move(self._api, identifier, load, difference)
            self._moved[table] = "delta"
        else:
            datastore.reload(self._api, identifier, load)
            self._moved[table] = "reload"
        self._say(f"DataStore table {table}: {load.rows.height} rows ({self._moved[table]})")

    def _make_views(self) -> None:
        """Give every resource its preview; CKAN shows none without, and makes no second one of a kind."""
        views = {"package": self._look(), "create_datastore_views": True}
        self._api.write("package_create_default_resource_views", views, done=lambda: None)

    def _difference(self, table: str, former: Mapping[str, Any]) -> Difference | None:
        """What changes from the version that the table holds; None where that is not sure."""
        shown = None if self._afresh else former.get("glane_version")
        known = {line.version for line in listed(self._store, self._name)}
        if shown not in known or former.get(DATASTORE) != shown:
            return None
        held = load(self._store, self._name, str(shown))
        if table not in held.rows:
            return None
        now = self._wanted.loads[table]
        if former.get(CONTENT) != datastore.content_of(now, csv_of(held, table).sha256):
            return None
        ends = [whole_csv(self._store, version, table) for version in (held, self._wanted.version)]
        return compare_files(now.key, *ends)

    def _flip(
        self, page: Page, lease: str, uploaded: Uploaded, history: History
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """In one step: every link, the version, every text; and the lease goes, unless new tables are to be filled.

        A table that is new to the page gets its resource here, marked `updating`, and is filled afterwards.
        """
        wanted, found = self._wanted, keyed(page)
        resources = wanted.resources(uploaded.served)
        fresh = [key for key in resources if key not in found]
        fields = wanted.page(history)
        ours, theirs = fields.pop("extras"), {extra["key"]: extra["value"] for extra in page.get("extras", [])}
        both = {**theirs, **ours}
        fields["extras"] = [{"key": key, "value": value} for key, value in both.items()]
        changed: dict[str, dict[str, Any]] = {
            found[key]["id"]: {**resources[key], **self._held(key)} for key in resources if key in found
        }
        made = [resources[key] | ({DATASTORE: UPDATING} if key in wanted.tables else {}) for key in fresh]
        keeps_lease = any(key in wanted.tables for key in fresh)
        if not keeps_lease:
            changed[self._lead(page)["id"]][LEASE] = ""
        gone = [f"-resources__{found[key]['id']}" for key in found if key not in resources]
        after = self._revise(
            {
                **self._matching(page, lease),
                "filter": ["-extras", "-tags", *gone],
                "update": fields,
                **({"update__resources__extend": made} if made else {}),
                **_of_resources(changed),
            },
            lambda now: set(keyed(now)) == set(resources) and (keeps_lease or not self._lead(now).get(LEASE)),
        )
        return after, self._dropped(after, history, resources)

    def _held(self, key: str) -> dict[str, str]:
        if key not in self._wanted.tables:
            return {}
        return {DATASTORE: self._wanted.version.version, CONTENT: self._wanted.contents[key]}

    def _fill_new(self, page: Page, lease: str) -> dict[str, Any]:
        """Fill the DataStore tables that came with the flip, then drop the lease; nothing to do where none came."""
        if not self._lead(page).get(LEASE):
            return dict(page)
        changed: dict[str, dict[str, str]] = {}
        for resource in self._wanted.moving(page):
            self._move(resource, {})
            changed[str(resource["id"])] = self._held(resource["glane_key"])
        self._make_views()
        changed.setdefault(str(self._lead(page)["id"]), {})[LEASE] = ""
        data = {**self._matching(page, lease), **_of_resources(changed)}
        return self._revise(data, lambda now: not self._lead(now).get(LEASE))

    def _matching(self, page: Page, lease: str) -> dict[str, str]:
        return {"match__name": self._name, f"match__resources__{self._lead(page)['id']}__{LEASE}": lease}

    def _revise(self, data: Mapping[str, Any], arrived: Callable[[Page], bool]) -> dict[str, Any]:
        """One package_revise, all or nothing. Raises BusyError if the page is not as it was when we looked."""

        def done() -> dict[str, Any] | None:
            now = self._look()
            return {"package": now} if now is not None and arrived(now) else None

        try:
            answer: dict[str, Any] = self._api.write("package_revise", data, done=done)
        except RefusedError as error:
            if not error.unmatched:
                raise
            raise BusyError(f"Somebody changed {self._wanted.page_url} just now.", AGAIN) from error
        found: dict[str, Any] = answer["package"]
        return found

    def _dropped(self, page: Page, history: History, resources: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """The fields that the portal did not keep as they were written: said, so that nobody counts on them."""
        found = keyed(page)
        fields = self._wanted.page(history)
        lost = {name for name, value in fields.items() if layout.differs({name: value}, page)}
        for key, wanted in resources.items():
            lost |= {name for name in wanted if layout.differs({name: wanted[name]}, found.get(key, {}))}
        if lost:
            self._say(f"the portal did not keep: {', '.join(sorted(lost))}")
        return tuple(sorted(lost))

    def _receipt(self, page: Page, uploaded: Uploaded, dropped: tuple[str, ...], *, unchanged: bool) -> Receipt:
        return Receipt(
            dataset=self._name,
            version=self._wanted.version.version,
            url=self._wanted.page_url,
            unchanged=unchanged,
            sent=uploaded.sent,
            sent_bytes=uploaded.sent_bytes,
            sent_in_all=self._api.sent_bytes,
            resources={key: str(resource["url"]) for key, resource in keyed(page).items()},
            datastore=dict(self._moved),
            omitted=uploaded.omitted,
            dropped=dropped,
        )


def _of_resources(changed: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Resources by id as package_revise takes them: a list would merge by position, a bare string be read as JSON."""
    return {f"update__resources__{identifier}": fields for identifier, fields in changed.items()}
