"""What the portal should show for a version, held against what it shows: pure.

Belongs here: deciding what is to be done. Does not belong here: doing it (publication.py), single fields (layout.py,
frozen.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from glane.errors import CallError
from glane.store import Store
from publish.ckan import frozen, layout
from publish.ckan.background import Background, History, background
from publish.ckan.columns import Loadable, check_holdable, content_of, loadable
from publish.ckan.frozen import Former
from publish.ckan.layout import CONTENT, DATASTORE, LEASE, UPDATING, Served
from publish.diff import csv_of, descriptor_of, schemas_of, whole_csv
from publish.formats.delimited import read_csv
from publish.version import Version
from schemas.dataset import Dataset

Page = Mapping[str, Any]
"""A dataset as package_show gives it."""


@dataclass(frozen=True)
class Wanted:
    """What should be there: `page` and `resources` (by glane_key, in order), and each table's DataStore `contents`.

    `loads` are the tables ready for the DataStore, `site_url` the portal's own name for itself, `formers` the tables
    of older versions that stay beside this one.
    """

    dataset: Dataset
    version: Version
    site_url: str
    background: Background
    loads: Mapping[str, Loadable]
    formers: Mapping[str, Former] = field(default_factory=dict)

    @property
    def page_url(self) -> str:
        """The address of the dataset's page, as the portal writes it."""
        return f"{self.site_url}/dataset/{self.dataset.name}"

    @cached_property
    def tables(self) -> dict[str, str]:
        """The key of the resource that carries each table: {glane_key: table}."""
        return {f"{table.name}.csv": table.name for table in self.dataset.tables}

    @cached_property
    def contents(self) -> dict[str, str]:
        """What each DataStore table should hold: {glane_key: content}; nothing where they are not ours to fill."""
        if self.dataset.line.datastore != "glane":
            return {}
        return {
            key: content_of(self.loads[table], csv_of(self.version, table).sha256) for key, table in self.tables.items()
        }

    def page(self, history: History) -> dict[str, Any]:
        """The fields of the dataset's page, where `history` tells where every version is."""
        return layout.page(self.dataset, self.version, history, self.background, self.page_url)

    def resources(self, served: Mapping[str, Served]) -> dict[str, dict[str, Any]]:
        """The fields of each resource of the page, in order, for the files that readers are served; formers last."""
        current = {
            key: self._with_table(
                key,
                layout.page_resource(self.dataset, self.version, key, file, served, self.background, self.page_url),
            )
            for key, file in layout.page_keys(self.dataset, self.version)
            if file.path in served
        }
        return current | {key: dict(former.fields) for key, former in self.formers.items()}

    def _with_table(self, key: str, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of a resource, with what it says of its DataStore table."""
        if key not in self.tables:
            return fields
        if key in self.contents:
            return {**fields, DATASTORE: self.version.version, CONTENT: self.contents[key]}
        if self.dataset.line.datastore == "off":
            return {**fields, DATASTORE: "", CONTENT: ""}
        # A plain link is what a loader takes. It keeps a hash of its own, of another kind, in the field `hash`.
        loaders = {"url_type": "", "hash_algorithm": "", DATASTORE: "portal", CONTENT: ""}
        return {name: value for name, value in fields.items() if name != "hash"} | loaders

    def places(self, page: Page) -> dict[str, dict[str, Any]]:
        """The resource of `page` that is, or becomes with the flip, each wanted one: {glane_key of then: resource}."""
        found = keyed(page)
        becoming = {former.key: key for key, former in self.formers.items() if key not in found}
        stay = {becoming.get(key, key): one for key, one in found.items() if frozen.is_current(key)}
        stay |= {key: found[key] for key in self.formers if key in found}
        coming = {key: found[frozen.next_key(key)] for key in self.tables if frozen.next_key(key) in found}
        return coming | stay

    def awaited(self, page: Page) -> list[dict[str, Any]]:
        """The resources to be made before they are filled: those of tables that have no place on the page."""
        places = self.places(page)
        return [frozen.awaited(self.dataset, key, table) for key, table in self.tables.items() if key not in places]

    def moving(self, page: Page, *, afresh: bool = False) -> dict[str, dict[str, Any]]:
        """The resources of `page` whose DataStore table does not hold what it should, or may not; `afresh`: all.

        By the key they have after the flip. A former table that was caught half-way is among them.
        """
        places = self.places(page)
        known = {key: content for key, content in self.contents.items() if key in places}
        known |= {key: str(places[key].get(CONTENT)) for key, one in self.formers.items() if one.fields}
        return {
            key: places[key]
            for key, content in known.items()
            if afresh or places[key].get(CONTENT) != content or places[key].get(DATASTORE) == UPDATING
        }

    def unloading(self, page: Page) -> list[dict[str, Any]]:
        """The resources of `page` whose DataStore table must go: ours where nobody wants it, anyone's where none is."""
        keys = {resource["id"]: key for key, resource in self.places(page).items()}
        staying = {key for key, _ in layout.page_keys(self.dataset, self.version)}
        off = set(self.tables) if self.dataset.line.datastore == "off" else set()
        return [
            resource
            for resource in keyed(page).values()
            if (key := keys.get(resource["id"], "")) not in {*self.contents, *self.formers}
            and (
                resource.get(CONTENT)
                or resource.get(DATASTORE) == UPDATING
                or (resource.get("datastore_active") and (key not in staying or key in off))
            )
        ]

    def reached(self, page: Page, served: Mapping[str, Served], history: History) -> bool:
        """Whether the portal shows exactly this version, and nobody is at work on it."""
        found, resources = keyed(page), self.resources(served)
        return (
            list(found) == list(resources)
            and leased(page) is None
            and not self.moving(page)
            and not self.unloading(page)
            and not layout.differs(self.page(history), page)
            and not any(layout.differs(fields, found[key]) for key, fields in resources.items())
        )


def want(store: Store, dataset: Dataset, version: Version, site_url: str) -> Wanted:
    """What a portal that calls itself `site_url` should show for `version`, which is listed in `store`.

    Raises CallError where other tables are declared now, UnholdableError.
    """
    schemas = schemas_of(descriptor_of(store, version))
    if set(schemas) != {table.name for table in dataset.tables}:
        raise CallError(
            f"Other tables are declared for {dataset.name} than version {version.version} has.",
            f"Make a version of them first: glane run {dataset.name}.",
        )
    loads = {name: loadable(schema, read_csv(whole_csv(store, version, name))) for name, schema in schemas.items()}
    if dataset.line.datastore == "glane":
        for name, load in loads.items():
            check_holdable(name, load)
    told = background(store, dataset, version, {name: load.rows for name, load in loads.items()})
    return Wanted(dataset, version, site_url.rstrip("/"), told, loads)


def keyed(page: Page) -> dict[str, dict[str, Any]]:
    """The resources of a page that are ours, by their key."""
    return {resource["glane_key"]: resource for resource in page["resources"] if resource.get("glane_key")}


def leased(page: Page) -> dict[str, Any] | None:
    """The resource of a page that carries a lease, if one does."""
    return next((resource for resource in keyed(page).values() if resource.get(LEASE)), None)
