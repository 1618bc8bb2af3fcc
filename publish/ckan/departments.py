"""A page with a CSV for each département, for those who only care for theirs: `<dataset>-departements`.

Belongs here: the page, whose resources keep their ids and addresses for ever and are links, and the page of the files
that they lead to. Does not belong here: which row is in which département (publish/coverage.py), the dataset's own page
(publication.py).

A file is uploaded once for its bytes: its resource on `<dataset>-departements-files` is named by their hash, so that a
département in which nothing changed costs nothing. All links move in one step, once every new file was read back; what
no link leads to any more goes one publication later. Killed anywhere, the next publication goes on: the page tells its
version by the hash of the manifest.
"""

import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from glane.store import Store
from publish.ckan import layout, words
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from publish.ckan.archive import BATCH, upload
from publish.ckan.faults import AGAIN, PortalError, TooLargeError
from publish.ckan.layout import MANIFEST, Served
from publish.ckan.page import find_page, revise_page
from publish.ckan.wanted import Page, keyed
from publish.diff import csv_of, descriptor_of
from publish.formats import formats_of
from publish.formats.delimited import read_csv
from publish.formats.departments import csv_by_department, file_name
from publish.remaking import table_of
from publish.version import Version, listed, whole_path_of
from schemas.dataset import Dataset
from schemas.licences import LICENCES
from schemas.territory.departments import departments


@dataclass(frozen=True)
class DepartmentFile:
    """The CSV of one département: which table's, its bytes on this machine, and whether it has any row."""

    table: str
    code: str
    path: Path
    digest: str
    size: int
    filled: bool

    @property
    def key(self) -> str:
        """What its resource on the page is known by."""
        return file_name(self.table, self.code)

    @property
    def upload_name(self) -> str:
        """What its bytes are found by among the files."""
        return f"{self.digest[:16]}/{self.key}"


def page_name(dataset: str) -> str:
    """The name of the page that has a CSV for each département."""
    return f"{dataset}-departements"


def files_page_name(dataset: str) -> str:
    """The name of the page of the files themselves."""
    return f"{page_name(dataset)}-files"


def publish_departments(
    version: Version,
    dataset: Dataset,
    store: Store,
    portal: PortalAddress,
    say: Callable[[str], None],
    *,
    patience: Patience | None = None,
) -> int:
    """Make the page of départements show `version`, after the dataset's own page does; gives how many bytes were sent.

    Nothing where no table is declared in the format `departements`, or where files stay in a public store. Takes the
    store's writer lock. Raises PortalError.
    """
    if dataset.line.files == "store" or not _tables(dataset):
        return 0
    with store.writer(), Api(portal, patience) as api, tempfile.TemporaryDirectory(prefix="glane-") as folder:
        _Publication(api, store, dataset, version, say, Path(folder)).run()
        return api.sent_bytes


def _tables(dataset: Dataset) -> list[str]:
    return [table.name for table in dataset.tables if "departements" in formats_of(table)]


def department_files(store: Store, dataset: Dataset, version: Version, folder: Path) -> list[DepartmentFile]:
    """The CSV of each département of `version`, written into `folder`. Raises VersionError."""
    found = []
    for resource in descriptor_of(store, version)["resources"]:
        if resource["name"] not in _tables(dataset) or "territory" not in resource:
            continue
        table = table_of(resource)
        rows = read_csv(whole_path_of(store, version, csv_of(version, table.name)))
        for code, data in csv_by_department(table, rows):
            path = folder / file_name(table.name, code)
            path.write_bytes(data)
            filled = len(data) > data.index(b"\n") + 1
            found.append(DepartmentFile(table.name, code, path, sha256(data).hexdigest(), len(data), filled))
    return found


class _Publication:
    """One publication of the page under way."""

    def __init__(
        self, api: Api, store: Store, dataset: Dataset, version: Version, say: Callable[[str], None], folder: Path
    ) -> None:
        self._api, self._store, self._dataset, self._version = api, store, dataset, version
        self._say, self._folder = say, folder
        self._name = page_name(dataset.name)
        self._files_name = files_page_name(dataset.name)
        self._site_url = str(api.read("status_show").get("site_url") or api.address.url).rstrip("/")
        lines = {line.version: line.manifest_sha256 for line in listed(store, dataset.name)}
        self._manifest = lines[version.version]

    def run(self) -> None:
        """Take every step that is needed."""
        url = f"{self._site_url}/dataset/{self._name}"
        page = self._look(self._name)
        if page is not None and not page.get("private") and layout.extras_of(page).get(MANIFEST) == self._manifest:
            return
        own = self._look(self._dataset.name)
        if own is None:
            raise PortalError(f"{self._api.address.url} has no page {self._dataset.name}.", AGAIN)
        organisation = str(own["organization"]["name"])
        files = department_files(self._store, self._dataset, self._version, self._folder)
        page = page or self._create(self._name, organisation, private=True)
        # Once a département has an address, it keeps it, and an empty file tells that nothing is left there.
        wanted = [file for file in files if file.filled or file.key in keyed(page)]
        archive = self._look(self._files_name) or self._create(self._files_name, organisation, private=False)
        served = self._bring(archive, wanted)
        self._flip(page, [file for file in wanted if file.upload_name in served], served)
        self._sweep(archive, {*served, *(str(one.get("glane_file")) for one in keyed(page).values())})
        self._say(f"{url} has {len(served)} files, one a département, of version {self._version.version}")

    def _look(self, name: str) -> dict[str, Any] | None:
        return find_page(self._api, name)

    def _create(self, name: str, organisation: str, *, private: bool) -> dict[str, Any]:
        line = self._dataset.line
        fields = {
            "name": name,
            "title": f"{self._dataset.name} : départements",
            "notes": words.departments_files_notes(f"{self._site_url}/dataset/{self._name}"),
            "owner_org": organisation,
            "private": private,
            "license_id": LICENCES[line.licence.publish].ckan,
            "maintainer": line.steward.name,
            "maintainer_email": line.steward.email,
            "tags": [{"name": layout.ARCHIVE_TAG}],
        }
        made: dict[str, Any] = self._api.write("package_create", fields, done=lambda: self._look(name))
        return made

    def _bring(self, archive: Page, wanted: Sequence[DepartmentFile]) -> dict[str, Served]:
        """Upload what is not there, and read it back; gives all that are there, by the name of their bytes."""
        there = {str(one["name"]): Served(str(one["url"]), str(one["sha256"]), 0) for one in archive["resources"]}
        missing = {file.upload_name: file for file in wanted if file.upload_name not in there}
        waiting = layout.batches([(name, file.size) for name, file in missing.items()], BATCH)
        served = {file.upload_name: there[file.upload_name] for file in wanted if file.upload_name in there}
        while waiting:
            names = waiting.pop(0)
            try:
                served |= self._send([missing[name] for name in names])
            except TooLargeError:
                if len(names) > 1:
                    waiting = [[name] for name in names] + waiting
                else:
                    self._say(f"{names[0]} is larger than the portal takes: its département keeps its former file")
        return served

    def _send(self, files: Sequence[DepartmentFile]) -> dict[str, Served]:
        made = [
            {
                "id": str(uuid.uuid4()),
                "name": file.upload_name,
                "format": "CSV",
                "mimetype": "text/csv",
                "size": file.size,
                "hash": file.digest,
                "sha256": file.digest,
            }
            for file in files
        ]
        sent = upload(self._api, self._files_name, made, [(file.key, file.path) for file in files], self._site_url)
        self._say(f"uploaded {len(files)} files of départements")
        return {file.upload_name: served for file, served in zip(files, sent, strict=True)}

    def _flip(self, page: Page, files: Sequence[DepartmentFile], served: Mapping[str, Served]) -> None:
        """In one step: every link, the version, every text."""
        found = keyed(page)
        fields = {file.key: self._resource(file, served[file.upload_name]) for file in files}
        changed = {f"update__resources__{found[key]['id']}": one for key, one in fields.items() if key in found}
        made = [one for key, one in fields.items() if key not in found]
        ours = words_of_page(self._dataset, self._version, f"{self._site_url}/dataset/{self._dataset.name}")
        ours["extras"][MANIFEST] = self._manifest
        data: dict[str, Any] = {
            "match": {"name": self._name, "metadata_modified": page["metadata_modified"]},
            "filter": ["-extras", "-tags"],
            "update": {**ours, "extras": layout.with_theirs(ours["extras"], page)},
            **({"update__resources__extend": made} if made else {}),
            **changed,
        }

        revised = revise_page(
            self._api, self._name, data, lambda now: layout.extras_of(now).get(MANIFEST) == self._manifest, self._name
        )
        self._put_in_order(revised, [file.key for file in files])

    def _put_in_order(self, page: Page, keys: Sequence[str]) -> None:
        found = keyed(page)
        order = [found[key]["id"] for key in keys if key in found]
        if [one["id"] for one in found.values()][: len(order)] != order:
            data = {"id": self._name, "order": order}
            self._api.write("package_resource_reorder", data, done=lambda: None)

    def _resource(self, file: DepartmentFile, served: Served) -> dict[str, Any]:
        title = self._dataset.table(file.table).line.title
        return {
            "name": words.department(title, file.code, departments().get(file.code)),
            "description": words.version_of(self._version),
            "url": served.url,
            "access_url": served.url,
            "download_url": served.url,
            "url_type": "datapusher",
            "format": "CSV",
            "mimetype": "text/csv",
            "size": file.size,
            "hash": file.digest,
            "sha256": file.digest,
            "license": LICENCES[self._dataset.licence_of(file.table)].url,
            "glane_key": file.key,
            "glane_file": file.upload_name,
            "glane_version": self._version.version,
        }

    def _sweep(self, archive: Page, staying: set[str]) -> None:
        """Take away the files that no link led to, neither before this step nor after it."""
        gone = [str(one["id"]) for one in archive["resources"] if one["name"] not in staying]
        if gone:
            patterns = [f"-resources__{identifier}" for identifier in gone]
            data = {"match": {"name": self._files_name}, "filter": patterns}
            self._api.write("package_revise", data, done=lambda: None)


def words_of_page(dataset: Dataset, version: Version, page_url: str) -> dict[str, Any]:
    """What the page says of itself; `extras` as {key: value}."""
    line = dataset.line
    return {
        "title": words.titled("departments_page", line.title),
        "notes": words.departments_notes(dataset, version, page_url),
        "version": version.version,
        "license_id": LICENCES[line.licence.publish].ckan,
        "author": line.steward.name,
        "author_email": line.steward.email,
        "maintainer": line.steward.name,
        "maintainer_email": line.steward.email,
        "tags": [{"name": name} for name in layout.tags(dataset)],
        "private": False,
        "extras": {
            "modified": version.created,
            "is_version_of": page_url,
            "publisher_name": line.steward.name,
            "publisher_email": line.steward.email,
            "contact_name": line.steward.name,
            "contact_email": line.steward.email,
            "glane_departments_of": dataset.name,
        },
    }
