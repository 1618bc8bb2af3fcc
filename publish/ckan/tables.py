"""The DataStore tables of a page, brought to what is wanted of them: ours, the portal's loader's, or none.

Belongs here: which way each table goes, and what is said of it. Does not belong here: the calls (datastore.py), what
is wanted (wanted.py), when this happens (publication.py).
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from glane.store import Store
from publish.ckan import datastore
from publish.ckan.api import Api, Tell
from publish.ckan.columns import Loadable, content_of
from publish.ckan.faults import PortalError, RefusedError
from publish.ckan.frozen import load_former
from publish.ckan.layout import CONTENT, DATASTORE
from publish.ckan.wanted import Page, Wanted, keyed
from publish.delta import Difference
from publish.diff import csv_of, whole_csv
from publish.streaming import compare_files
from publish.version import listed, load

LOADERS = ("xloader", "datapusher")
"""The extensions of CKAN that fill DataStore tables from links, in the order in which they are asked."""


class Tables:
    """The tables of one publication; `moved` says of each that moved whether by "delta" or "reload"."""

    def __init__(
        self, api: Api, store: Store, wanted: Wanted, say: Callable[[str], None], tell: Tell, afresh: bool
    ) -> None:
        self._api, self._store, self._wanted = api, store, wanted
        self._say, self._tell, self._afresh = say, tell, afresh
        self.moved: dict[str, str] = {}

    def bring(self, former: Page, page: Page) -> None:
        """Bring every table forward; `former` is the page as it was before the lease. Raises PortalError."""
        for key, resource in self._wanted.moving(page, afresh=self._afresh).items():
            self._move(key, resource, keyed(former).get(resource["glane_key"], {}))
        off = self._wanted.dataset.line.datastore == "off"
        for resource in self._wanted.unloading(page):
            datastore.remove_table(self._api, resource["id"])
            if off:
                datastore.remove_views(self._api, resource["id"])
            self._say(f"DataStore table of {resource['glane_key']}: removed")
        if self._wanted.dataset.line.datastore == "portal":
            self._hand_over(page)

    def make_views(self, look: Callable[[], Page | None]) -> None:
        """Give every resource its preview; CKAN shows none without, and makes no second one of a kind."""
        if "reload" in self.moved.values():
            data = {"package": look(), "create_datastore_views": True}
            self._api.write("package_create_default_resource_views", data, done=lambda: None)

    def _move(self, key: str, resource: Mapping[str, Any], former: Mapping[str, Any]) -> None:
        """Bring one table to its version: by the delta if it surely holds the one shown, else whole."""
        wanted, identifier = self._wanted, str(resource["id"])
        table = wanted.tables.get(key, key)
        name = f"DataStore table {table}"

        def tell(done: int, total: int) -> None:
            self._tell(name, done, total)

        if key in wanted.formers:
            rows = load_former(self._store, wanted.dataset.name, wanted.formers[key])
        else:
            rows = wanted.loads[table]
        difference = self._difference(table, rows, former) if key in wanted.tables else None
        self.moved[table] = "reload"
        if difference is not None and datastore.movable(rows, difference):
            # Rows that somebody took out of the table by hand cannot be updated: it is made anew.
            with contextlib.suppress(RefusedError):
                datastore.move(self._api, identifier, rows, difference, tell)
                self.moved[table] = "delta"
        if self.moved[table] == "reload":
            datastore.reload(self._api, identifier, rows, tell)
        self._say(f"{name}: {rows.rows.height} rows ({self.moved[table]})")

    def _difference(self, table: str, now: Loadable, former: Mapping[str, Any]) -> Difference | None:
        """What changes from the version that the table holds; None where that is not sure."""
        dataset = self._wanted.dataset.name
        shown = None if self._afresh else former.get("glane_version")
        known = {line.version for line in listed(self._store, dataset)}
        if shown not in known or former.get(DATASTORE) != shown:
            return None
        held = load(self._store, dataset, str(shown))
        if table not in held.rows:
            return None
        if former.get(CONTENT) != content_of(now, csv_of(held, table).sha256):
            return None
        ends = [whole_csv(self._store, version, table) for version in (held, self._wanted.version)]
        return compare_files(now.key, *ends)

    def _hand_over(self, page: Page) -> None:
        """Ask the portal's loader for the tables that it does not have yet; a link that changes it takes by itself."""
        places = self._wanted.places(page)
        mine = [places[key] for key in self._wanted.tables if key in places]
        self._say("DataStore tables are left to the portal's own loader, which chooses the types of columns")
        asked = [resource for resource in mine if resource.get("url_type") == "datapusher" and resource.get("url")]
        if not asked:
            return
        there = self._api.read("status_show").get("extensions") or []
        loader = next((name for name in LOADERS if name in there), None)
        for resource in asked if loader else ():
            try:
                self._api.write(f"{loader}_submit", {"resource_id": resource["id"]}, done=lambda: True)
            except PortalError as error:
                self._say(f"{loader} was asked for {resource['glane_key']} and did not take it: {error.what}")
