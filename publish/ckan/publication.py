"""Bringing a portal to a version, in the order that lets readers see the old one or the new one and never a mix.

Belongs here: that order (design, 4), and what is said of it. Does not belong here: single calls (api.py), what should
be there (wanted.py, layout.py), files (archive.py), the DataStore (datastore.py).

Killed anywhere and run again, it converges: every step looks at what is there before it does anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from glane.errors import CallError
from glane.store import Store
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience, Tell
from publish.ckan.archive import Uploaded
from publish.ckan.background import History
from publish.ckan.faults import AGAIN, BusyError, PortalError, RightsError
from publish.ckan.frozen import find_formers
from publish.ckan.layout import DATASTORE, LEASE, UPDATING
from publish.ckan.lease import check_free, new_lease
from publish.ckan.page import find_page, revise_page
from publish.ckan.place import place_of
from publish.ckan.tables import Tables
from publish.ckan.wanted import Page, Wanted, keyed, leased, want
from publish.version import Version, listed
from schemas.dataset import Dataset

STEPS = ("create", "lease", "upload", "datastore", "views", "flip", "order")


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
    tell: Tell = lambda what, done, total: None,
    today: date | None = None,
) -> Receipt:
    """Make `portal` show `version` of `dataset`, which is listed in `store`. Takes the store's writer lock.

    `say` is told what happens, `tell` how far an upload or a table is; `before` is called with the name of each step
    of STEPS before it is taken. `afresh` believes nothing that the portal says of itself: files are read back,
    DataStore tables loaded whole. `today` (the day in UTC) decides which frozen tables have had their time. Raises
    PortalError (each of its kinds says what to do), CallError where the organisation is not clear or the version has
    other tables than are declared, UnholdableError where no DataStore could hold them.
    """
    with store.writer(), Api(portal, patience, tell) as api:
        site_url = str(api.read("status_show").get("site_url") or portal.url)
        wanted = want(store, dataset, version, site_url)
        day = today or datetime.now(UTC).date()
        return _Publication(api, store, wanted, say, tell, before, afresh).run(day)


class _Publication:
    """One publication under way."""

    def __init__(
        self,
        api: Api,
        store: Store,
        wanted: Wanted,
        say: Callable[[str], None],
        tell: Tell,
        before: Callable[[str], None],
        afresh: bool,
    ) -> None:
        self._api, self._store, self._wanted = api, store, wanted
        self._say, self._tell, self._before, self._afresh = say, tell, before, afresh
        self._name = wanted.dataset.name

    def run(self, today: date) -> Receipt:
        """Take every step that is needed; see STEPS."""
        page = self._look()
        place = place_of(self._api, self._store, self._wanted, page, self._say)
        wanted = self._wanted = self._beside_formers(page, place.history, today)
        there = None if self._afresh else place.served_now()
        if page is not None and there is not None and wanted.reached(page, there, place.history):
            self._check_token(page)
            self._say(f"{wanted.page_url} shows version {wanted.version.version} already: nothing sent")
            return self._receipt(page, Uploaded(there, 0, 0, ()), {}, (), unchanged=True)
        if page is None:
            self._before("create")
            page = self._create()
        self._tell_of_strangers(page)
        self._before("lease")
        former, (page, lease) = page, self._take_lease(page)
        self._before("upload")
        uploaded = place.bring(str(page["organization"]["name"]))
        self._before("datastore")
        tables = Tables(self._api, self._store, wanted, self._say, self._while_held(lease), self._afresh)
        self._check_held(lease)
        try:
            tables.bring(former, page)
            self._before("views")
            tables.make_views(self._look)
            self._before("flip")
            page, dropped = self._flip(page, lease, uploaded, place.history)
        except BusyError:
            self._doubt(wanted.moving(page, afresh=self._afresh).values())
            raise
        self._before("order")
        page = self._put_in_order(page, wanted.resources(uploaded.served))
        self._say(f"{wanted.page_url} shows version {wanted.version.version}")
        return self._receipt(page, uploaded, tables.moved, dropped, unchanged=False)

    def _beside_formers(self, page: Page | None, history: History, today: date) -> Wanted:
        """What is wanted, with the former tables that stay on the page beside it."""
        wanted = self._wanted
        if page is None:
            return wanted
        formers = find_formers(self._store, wanted.dataset, wanted.version, wanted.loads, keyed(page), history, today)
        return replace(wanted, formers=formers)

    def _look(self) -> dict[str, Any] | None:
        return find_page(self._api, self._name)

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

    def _organisations(self) -> list[str]:
        """Where the token may create datasets."""
        mine = self._api.read("organization_list_for_user", permission="create_dataset")
        return sorted(str(one["name"]) for one in mine)

    def _organisation(self) -> str:
        names = self._organisations()
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

    def _tell_of_strangers(self, page: Page) -> None:
        """Say where the page shows a version that is not this store's: its number may stand for other content."""
        shown = layout.extras_of(page).get(layout.MANIFEST)
        known = {line.manifest_sha256 for line in listed(self._store, self._name)}
        if shown is not None and shown not in known:
            self._say(
                f"{self._wanted.page_url} showed a version {page.get('version')} that this store does not know: "
                "another store publishes there, or this one was brought back from an older copy (docs/backup.md)"
            )

    def _check_token(self, page: Page) -> None:
        """Raise RightsError for a token that could not publish, though there is nothing to publish now."""
        if str(page["organization"]["name"]) not in self._organisations():
            raise RightsError(
                f"{self._wanted.page_url} shows version {self._wanted.version.version} already, but the token may not "
                f"publish there: it is wrong, has expired, or is no editor's of {page['organization']['name']}.",
                "Put a valid token in its place (GLANE_PORTAL_TOKEN_FILE) before the next version.",
            )

    def _lead(self, page: Page) -> dict[str, Any]:
        """The resource that carries the lease, or would: a table's if there is one. Raises PortalError."""
        found = keyed(page)
        held = leased(page) or next((found[key] for key in (*self._wanted.tables, *found) if key in found), None)
        if held is None:
            raise PortalError(
                f"{self._wanted.page_url} was not made by Glane: no resource of it has a glane_key.",
                "Rename or purge that dataset on the portal, then run again.",
            )
        return held

    def _take_lease(self, page: Page) -> tuple[dict[str, Any], str]:
        """Write our lease where nobody else's stands, and `updating` on every table that will move.

        The resources of tables that have no place on the page are made here, to be filled before anybody is led there.
        """
        lead, wanted = self._lead(page), self._wanted
        if not check_free(lead.get(LEASE), self._store, wanted.page_url, self._api.now()):
            self._say("taking over the lease of a publisher that is dead")
        lease = new_lease(self._store, page.get("version") or None, wanted.version.version, self._api.now()).text()
        resources: dict[str, dict[str, str]] = {
            # So marked, a loader that takes links leaves the table to us from here on.
            str(one["id"]): {DATASTORE: UPDATING, "url_type": "datapusher"}
            for one in wanted.moving(page, afresh=self._afresh).values()
        }
        resources |= {str(one["id"]): {DATASTORE: UPDATING} for one in wanted.unloading(page)}
        resources.setdefault(str(lead["id"]), {})[LEASE] = lease
        awaited = wanted.awaited(page)
        taken = self._revise(
            {
                "match": {"name": self._name, "metadata_modified": page["metadata_modified"]},
                **_of_resources(resources),
                **({"update__resources__extend": awaited} if awaited else {}),
            },
            lambda now: (leased(now) or {}).get(LEASE) == lease,
        )
        if self._lead(taken).get(LEASE) != lease:
            raise PortalError(
                f"{self._api.address.url} does not keep fields of our own on resources.",
                f"Allow the fields glane_*, {LEASE} among them, in its schema (ckanext-scheming), then run again.",
            )
        return taken, lease

    def _while_held(self, lease: str) -> Tell:
        """As the caller's `tell`; each time it is told of written rows, it looks whether the lease is still ours."""

        def tell(what: str, done: int, total: int) -> None:
            self._check_held(lease)
            self._tell(what, done, total)

        return tell

    def _check_held(self, lease: str) -> None:
        """Raise BusyError where another publisher took us for dead: tables know no lease, so we must."""
        if (leased(self._look() or {"resources": []}) or {}).get(LEASE) != lease:
            raise BusyError(
                f"Another publisher took {self._wanted.page_url} over from us, or somebody edited the lease.", AGAIN
            )

    def _doubt(self, touched: Iterable[Mapping[str, Any]]) -> None:
        """Say on the page that tables may hold rows of ours beside another publisher's: the next run loads them."""
        there = {one["id"] for one in keyed(self._look() or {"resources": []}).values()}
        doubtful = {str(one["id"]): {DATASTORE: UPDATING} for one in touched if one["id"] in there}
        if doubtful:
            data = {"match": {"name": self._name}, **_of_resources(doubtful)}
            self._api.write("package_revise", data, done=lambda: None)
            self._say("lost the lease amid the DataStore: its tables are marked to be loaded again")

    def _flip(
        self, page: Page, lease: str, uploaded: Uploaded, history: History
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """In one step: every link, the version, every text; tables that were filled come, former ones are frozen, and
        the lease goes."""
        wanted, found = self._wanted, keyed(page)
        resources = wanted.resources(uploaded.served)
        places = {key: one for key, one in wanted.places(page).items() if key in resources}
        fields = wanted.page(history)
        fields["extras"] = layout.with_theirs(fields["extras"], page)
        changed = {one["id"]: dict(resources[key]) for key, one in places.items()}
        made = [resources[key] for key in resources if key not in places]
        gone = [f"-resources__{one['id']}" for one in found.values() if one["id"] not in changed]
        lead = self._lead(page)["id"]
        if lead in changed:
            changed[lead][LEASE] = ""
        after = self._revise(
            {
                **self._matching(page, lease),
                "filter": ["-extras", "-tags", *gone],
                "update": fields,
                **({"update__resources__extend": made} if made else {}),
                **_of_resources(changed),
            },
            lambda now: set(keyed(now)) == set(resources) and leased(now) is None,
        )
        return after, self._dropped(after, history, resources)

    def _put_in_order(self, page: Page, resources: Mapping[str, Any]) -> dict[str, Any]:
        """Show our resources in the order in which a reader looks for them; what was made last stands last else."""
        found = keyed(page)
        order = [key for key in resources if key in found]
        if list(found) != order:
            data = {"id": self._name, "order": [found[key]["id"] for key in order]}
            self._api.write("package_resource_reorder", data, done=lambda: None)
        return {**page, "resources": [found[key] for key in order]}

    def _matching(self, page: Page, lease: str) -> dict[str, str]:
        return {"match__name": self._name, f"match__resources__{self._lead(page)['id']}__{LEASE}": lease}

    def _revise(self, data: Mapping[str, Any], arrived: Callable[[Page], bool]) -> dict[str, Any]:
        return revise_page(self._api, self._name, data, arrived, self._wanted.page_url)

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

    def _receipt(
        self, page: Page, uploaded: Uploaded, moved: Mapping[str, str], dropped: tuple[str, ...], *, unchanged: bool
    ) -> Receipt:
        return Receipt(
            dataset=self._name,
            version=self._wanted.version.version,
            url=self._wanted.page_url,
            unchanged=unchanged,
            sent=uploaded.sent,
            sent_bytes=uploaded.sent_bytes,
            sent_in_all=self._api.sent_bytes,
            resources={key: str(resource["url"]) for key, resource in keyed(page).items()},
            datastore=dict(moved),
            omitted=uploaded.omitted,
            dropped=dropped,
        )


def _of_resources(changed: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Resources by id as package_revise takes them: a list would merge by position, a bare string be read as JSON."""
    return {f"update__resources__{identifier}": fields for identifier, fields in changed.items()}
