"""A portal once a person was forgotten in the store: its files of versions and of deposits, and its tables.

Belongs here: what is overwritten, and what then goes. Does not belong here: showing versions (publication.py,
rebuild.py), the store (publish/forgetting).

A file that a resource loses stays on the portal's disk. So this is the one place where a resource's file is exchanged
under its own id: the new bytes, or a mark where nothing takes their place, are written over it, read back, and only
then does the resource go that is not wanted. DataStore tables are dropped and loaded anew.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glane.store import Store, to_json
from publish import feed
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.archive import find_archives
from publish.ckan.departments import department_files, files_page_name, publish_departments
from publish.ckan.faults import AGAIN, ReadBackError
from publish.ckan.place import address_book
from publish.ckan.publication import Receipt
from publish.ckan.rebuild import rebuild
from publish.package import project
from publish.version import Version, current, listed, load_line
from schemas.dataset import Dataset
from schemas.deposit import ANSWER_FIELD

_MARK = b"A person's data stood here and was taken out.\n"
_PREFIX = 18


@dataclass(frozen=True)
class DepositFiles:
    """A partner's deposit: the source (dataset/partner) whose answers are in it, where the store keeps each kind of
    these now, and what stands instead of an upload with these bytes (by SHA-256; None: nothing that can be written)."""

    deposit: str
    source: str
    answers: Mapping[str, str]
    uploads: Mapping[str, str | None]


@dataclass(frozen=True)
class Cleared:
    """What was done on a portal: how many files were overwritten and how many resources then went; `receipt` tells of
    the page. `left` are the uploads that only their partner can replace."""

    overwritten: int
    dropped: int
    receipt: Receipt
    left: tuple[str, ...] = ()


def clear_portal(
    dataset: Dataset,
    store: Store,
    portal: PortalAddress,
    deposits: Sequence[DepositFiles],
    say: Callable[[str], None],
    before: Callable[[str], None] = lambda step: None,
) -> Cleared:
    """Let `portal` keep of every version and deposit what the store has of it now, and nothing of what it had.

    Killed anywhere and run again, it ends the same. Raises PortalError, CallError before the first version.
    """
    with store.writer(), Api(portal) as api:
        clearing = _Clearing(api, store, dataset, say)
        if dataset.line.files != "store":
            before("archives")
            clearing.archives()
        before("deposits")
        for deposit in deposits:
            clearing.deposit(deposit)
    before("rebuild")
    receipt = rebuild(dataset, store, portal, say).receipt
    before("departments")
    version = current(store, dataset.name)
    if version is not None:
        publish_departments(version, dataset, store, portal, say)
        with store.writer(), Api(portal) as api:
            clearing.renew(api)
            clearing.departments(version)
    return Cleared(clearing.overwritten, clearing.dropped, receipt, tuple(clearing.left))


class _Clearing:
    """The files of one dataset on one portal."""

    def __init__(self, api: Api, store: Store, dataset: Dataset, say: Callable[[str], None]) -> None:
        self._api, self._store, self._dataset, self._say = api, store, dataset, say
        self._site_url = str(api.read("status_show").get("site_url") or api.address.url)
        self.overwritten = self.dropped = 0
        self.left: list[str] = []

    def archives(self) -> None:
        """The pages that keep versions."""
        name = self._dataset.name
        versions = {line.version: load_line(self._store, name, line) for line in listed(self._store, name)}
        for archive in find_archives(self._api, name):
            page, book = layout.archive_name(name, archive.number), address_book(archive)
            gone = []
            # What names addresses and hashes goes last.
            for resource in sorted(archive.resources, key=lambda one: _is_projected(str(one["name"]))):
                number, _, path = str(resource["name"]).partition("/")
                version = versions.get(number)
                if not path or (version is not None and not version.forgotten):
                    continue
                data = self._wanted(version, path, book.get(number, {})) if version is not None else None
                if self._overwrite(page, resource, data):
                    gone.append(resource)
            self._drop(page, gone)

    def renew(self, api: Api) -> None:
        """Go on with another caller."""
        self._api = api

    def departments(self, version: Version) -> None:
        """The files of départements that `version` does not have: the page leads to none of them any more."""
        name = files_page_name(self._dataset.name)
        page = self._api.find("package_show", id=name)
        if page is None or page.get("state") == "deleted":
            return
        with tempfile.TemporaryDirectory(prefix="glane-") as folder:
            found = department_files(self._store, self._dataset, version, Path(folder))
        stay = {file.upload_name for file in found}
        gone = [one for one in page["resources"] if str(one["name"]) not in stay]
        for resource in gone:
            self._overwrite(name, resource, None)
        self._drop(name, gone)

    def _wanted(self, version: Version, path: str, addresses: Mapping[str, str]) -> bytes | None:
        """The bytes that a file of a version has on the portal; None where it has no such file any more."""
        file = next((one for one in layout.public_files(version) if one.path == path), None)
        key = f"{version.key}/{path}"
        if file is None or not self._store.exists(key):
            return None
        data = self._store.read(key)
        if file.kind not in layout.PROJECTED:
            return data
        if file.kind != "package":
            return feed.at(data, f"{self._site_url.rstrip('/')}/dataset/{self._dataset.name}")
        stay = {one: url for one, url in addresses.items() if self._stays(version, one)}
        return to_json(project(json.loads(data), stay))

    def _stays(self, version: Version, path: str) -> bool:
        return any(one.path == path for one in version.files) and self._store.exists(f"{version.key}/{path}")

    def deposit(self, one: DepositFiles) -> None:
        """The answers in a deposit, and what its partner uploaded."""
        page = self._api.find("package_show", id=one.deposit)
        if page is None or page.get("state") != "active":
            return
        gone = []
        for resource in page["resources"]:
            said = str(resource.get(ANSWER_FIELD) or "")
            if said.startswith(f"{one.source} "):
                key = one.answers.get(said.rpartition(" ")[2], "")
                data = self._store.read(key) if key and self._store.exists(key) else None
                if self._overwrite(one.deposit, resource, data, private=True):
                    gone.append(resource)
            elif resource.get("url_type") == "upload":
                self._upload(one, resource)
        self._drop(one.deposit, gone)

    def _upload(self, one: DepositFiles, resource: Mapping[str, Any]) -> None:
        there = hashlib.sha256(self._api.fetch_own(self._ours(str(resource["url"])))).hexdigest()
        if there not in one.uploads:
            return
        key = one.uploads[there]
        if key is None:
            self.left.append(f"{one.deposit}: {resource.get('name') or resource['id']}")
        else:
            self._overwrite(one.deposit, resource, self._store.read(key), private=True)

    def _overwrite(self, page: str, resource: Mapping[str, Any], data: bytes | None, *, private: bool = False) -> bool:
        """Write `data`, or a mark where there is none, over a resource's file; whether the resource is to go."""
        fresh = _MARK if data is None else data
        digest = hashlib.sha256(fresh).hexdigest()
        url = str(resource["url"])
        if self._digest(url, private=private) != digest:
            identifier = str(resource["id"])
            fields = {"size": len(fresh), **({} if private else {"sha256": digest, "hash": digest})}
            with tempfile.TemporaryDirectory(prefix="glane-") as folder:
                path = Path(folder) / (url.rpartition("/")[2] or "file")
                path.write_bytes(fresh)
                self._api.write(
                    "package_revise",
                    {"match__name": page, f"update__resources__{identifier}": json.dumps(fields)},
                    files=[(f"update__resources__{identifier[:_PREFIX]}__upload", path.name, path)],
                    done=lambda: {} if self._digest(url, private=private) == digest else None,
                )
            if self._digest(url, private=private) != digest:
                raise ReadBackError(f"{url} does not serve the bytes that were written over it.", AGAIN)
            self.overwritten += 1
            self._say(f"overwrote {resource.get('name') or resource['id']}")
        return data is None

    def _digest(self, url: str, *, private: bool) -> str:
        if private:
            return hashlib.sha256(self._api.fetch_own(self._ours(url))).hexdigest()
        return self._api.digest(self._ours(url))[0]

    def _ours(self, url: str) -> str:
        return self._api.address.ours(url, self._site_url)

    def _drop(self, page: str, gone: Sequence[Mapping[str, Any]]) -> None:
        if gone:
            patterns = [f"-resources__{one['id']}" for one in gone]
            self._api.write("package_revise", {"match": {"name": page}, "filter": patterns}, done=lambda: None)
            self.dropped += len(gone)
            self._say(f"dropped {len(gone)} files of {page} that no version has any more")


def _is_projected(name: str) -> int:
    """The order in which files are overwritten: data, feeds, descriptors."""
    return 2 if name.endswith("/datapackage.json") else 1 if name.endswith(f"/{feed.FEED}") else 0
