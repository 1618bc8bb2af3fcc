"""What the portal should show for a version, held against what it shows: pure.

Belongs here: deciding what is to be done. Does not belong here: doing it (publication.py), single fields (layout.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glane.store import Store
from publish.ckan import datastore, layout
from publish.ckan.datastore import Loadable
from publish.ckan.layout import CONTENT, DATASTORE, LEASE, UPDATING, History, Served
from publish.diff import csv_of
from publish.formats.delimited import read_csv
from publish.version import Version, listed, path_of
from schemas.dataset import Dataset

Page = Mapping[str, Any]
"""A dataset as package_show gives it."""


@dataclass(frozen=True)
class Wanted:
    """What should be there: `page` and `resources` (by glane_key, in order), and each table's DataStore `contents`.

    `loads` are the tables ready for the DataStore, `site_url` the portal's own name for itself.
    """

    dataset: Dataset
    version: Version
    site_url: str
    issued: str
    manifest_sha256: str
    loads: Mapping[str, Loadable]

    @property
    def page_url(self) -> str:
        """The address of the dataset's page, as the portal writes it."""
        return f"{self.site_url}/dataset/{self.dataset.name}"

    @cached_property
    def tables(self) -> dict[str, str]:
        """The key of the resource that carries each DataStore table: {glane_key: table}."""
        return {f"{table.name}.csv": table.name for table in self.dataset.tables}

    @property
    def lead(self) -> str:
        """The key of the resource that carries the lease: the CSV of the first table."""
        return f"{self.dataset.main.name}.csv"

    @cached_property
    def contents(self) -> dict[str, str]:
        """What each DataStore table should hold: {glane_key: content}."""
        return {
            key: datastore.content_of(self.loads[table], csv_of(self.version, table).sha256)
            for key, table in self.tables.items()
        }

    def page(self, history: History) -> dict[str, Any]:
        """The fields of the dataset's page, where `history` tells where every version is."""
        return layout.page(
            self.dataset,
            self.version,
            history,
            issued=self.issued,
            manifest_sha256=self.manifest_sha256,
            spatial=layout.spatial(self.dataset, {name: load.rows for name, load in self.loads.items()}),
        )

    def resources(self, served: Mapping[str, Served]) -> dict[str, dict[str, Any]]:
        """The fields of each resource of the page, for the files that the portal serves, in order."""
        return {
            key: layout.page_resource(self.dataset, self.version, key, file, served[file.path])
            for key, file in layout.page_keys(self.dataset, self.version)
            if file.path in served
        }

    def moving(self, page: Page, *, afresh: bool = False) -> list[dict[str, Any]]:
        """The CSV resources of `page` whose DataStore table does not hold this version, or may not; `afresh`: all."""
        return [
            resource
            for key, resource in keyed(page).items()
            if key in self.contents
            and (afresh or resource.get(CONTENT) != self.contents[key] or resource.get(DATASTORE) == UPDATING)
        ]

    def reached(self, page: Page, served: Mapping[str, Served], history: History) -> bool:
        """Whether the portal shows exactly this version, and nobody is at work on it."""
        found, resources = keyed(page), self.resources(served)
        return (
            set(found) == set(resources)
            and not any(resource.get(LEASE) for resource in found.values())
            and not self.moving(page)
            and not layout.differs(self.page(history), page)
            and not any(layout.differs(fields, found[key]) for key, fields in resources.items())
        )


def want(store: Store, dataset: Dataset, version: Version, site_url: str) -> Wanted:
    """What a portal that calls itself `site_url` should show for `version`, which is listed in `store`."""
    lines = listed(store, dataset.name)
    (manifest,) = [line.manifest_sha256 for line in lines if line.version == version.version]
    loads = {
        table.name: datastore.loadable(table, read_csv(path_of(store, version, csv_of(version, table.name))))
        for table in dataset.tables
    }
    return Wanted(dataset, version, site_url.rstrip("/"), lines[0].created, manifest, loads)


def keyed(page: Page) -> dict[str, dict[str, Any]]:
    """The resources of a page that are ours, by their key."""
    return {resource["glane_key"]: resource for resource in page["resources"] if resource.get("glane_key")}
