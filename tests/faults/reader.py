"""A reader who looks all the while: page, links, datapackage.json, feed and API, straight at the portal, without a
token. Each look is held against what the store says; what is no whole version is written down.
"""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import polars as pl
import requests

from glane.store import Store
from publish.ckan import layout
from publish.ckan.frozen import is_current
from publish.diff import csv_of
from publish.formats.delimited import read_csv
from publish.version import Version, VersionFile, listed, load, path_of
from schemas.dataset import Dataset

_ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True)
class Truth:
    """One version as the store has it: its files by their key on the page, the rows of each table."""

    version: Version
    files: Mapping[str, VersionFile]
    rows: Mapping[str, pl.DataFrame]


def truth(store: Store, dataset: Dataset) -> dict[str, Truth]:
    """Every version that the store lists, by number."""
    found = {}
    for line in listed(store, dataset.name):
        version = load(store, dataset.name, line.version)
        rows = {name: read_csv(path_of(store, version, csv_of(version, name))) for name in version.rows}
        found[version.version] = Truth(version, dict(layout.page_keys(dataset, version)), rows)
    return found


def same_rows(csv: pl.DataFrame, records: Sequence[Mapping[str, Any]], key: str = "id") -> bool:
    """Whether the DataStore's `records` say what the CSV says, whatever their types and order."""
    there = {str(record[key]): record for record in records}
    if len(there) != len(records) or len(records) != csv.height:
        return False
    return all(
        row[key] in there
        and set(there[row[key]]) - {"_id"} == set(row)
        and all(_same(cell, there[row[key]][name]) for name, cell in row.items())
        for row in csv.to_dicts()
    )


def _same(cell: str | None, value: object) -> bool:
    if isinstance(value, bool):
        return cell == str(value).lower()
    if isinstance(value, (int, float)):
        return cell is not None and Decimal(cell) == Decimal(str(value))
    return cell == value


def _is_ours(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is of the page's own version: no frozen one, none in preparation, none of others."""
    return is_current(str(resource.get("glane_key") or "@"))


class Reader:
    """Who reads `dataset` on the portal at `url`. `seen` counts what was read, `wrong` says what must not be."""

    def __init__(self, url: str, dataset: str, known: Mapping[str, Truth]) -> None:
        self._url, self._dataset, self._known = url, dataset, known
        self.allowed: frozenset[str | None] = frozenset()
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.last: str | None = None
        self._pages: dict[str, dict[str, Any]] = {}
        self._session = requests.Session()
        self._lock = threading.Lock()

    def know(self, more: Mapping[str, Truth]) -> None:
        """Learn of versions of another store."""
        self._known = {**more, **self._known}

    def expect(self, *versions: str | None) -> None:
        """From now on, the page shows one of these (None: there is no page for readers)."""
        self.allowed = frozenset(versions)
        self._pages = {}

    def look(self) -> str | None:
        """Read everything once; gives the version that was seen."""
        with self._lock:
            page = self._show()
            if page is None:
                self._note(None)
                return None
            version = self._version_of(page)
            self._note(version)
            if version in self._known:
                self._pages[version] = page
                self._read_links(page, self._known[version])
                self._read_api(page)
            return version

    @contextmanager
    def polling(self, pause: float = 0.3) -> Iterator[None]:
        """Look all the while, from another thread."""
        stopped = threading.Event()

        def run() -> None:
            while not stopped.wait(pause):
                self.look()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def read_again(self) -> None:
        """Whoever still holds an older page gets that page's bytes, whatever is current now."""
        with self._lock:
            for version, page in self._pages.items():
                if version != self.last:
                    self._read_links(page, self._known[version])

    def _version_of(self, page: Mapping[str, Any]) -> str:
        """The version of a page's links, which CKAN reads by one question.

        It reads the page's own fields by another: an answer that is made while CKAN commits the flip can have the new
        links under the former version's texts. The next answer must not.
        """
        versions = {str(one["glane_version"]) for one in page["resources"] if _is_ours(one)}
        if len(versions) != 1:
            self._blame(f"the page of {page['version']} leads to {sorted(versions)}")
        (version, *_) = sorted(versions) or [""]
        if version != page["version"] or f"({version})" not in page["notes"]:
            again = self._show() or page
            if version != again["version"] or f"({version})" not in again["notes"]:
                self._blame(f"the page of {page['version']} leads to {version}, and goes on so")
            self.seen["page, while CKAN committed it"] += 1
        return version

    def _note(self, version: str | None) -> None:
        self.seen["page"] += 1
        if version not in self.allowed:
            self._blame(f"the page shows {version}, which is none of {sorted(map(str, self.allowed))}")
        self.last = version

    def _blame(self, what: str) -> None:
        self.wrong.append(what)

    def _show(self) -> dict[str, Any] | None:
        found = self._action("package_show", id=self._dataset)
        return found if isinstance(found, dict) else None

    def _action(self, name: str, **data: Any) -> Any:
        answer = self._session.get(f"{self._url}/api/3/action/{name}", params=data, timeout=60)
        if answer.status_code in (403, 404):
            return None
        if answer.status_code != 200:
            self._blame(f"{name} answers {answer.status_code}: {answer.text[:200]}")
            return None
        return answer.json()["result"]

    def _read_links(self, page: Mapping[str, Any], known: Truth) -> None:
        version = known.version.version
        found = {str(one["glane_key"]): one for one in page["resources"] if _is_ours(one)}
        for beside in page["resources"]:
            self._read_beside(beside)
        if set(found) != set(known.files):
            self._blame(f"the page of {version} has {sorted(found)} instead of {sorted(known.files)}")
        for key in set(found) & set(known.files):
            resource, file = found[key], known.files[key]
            if resource["glane_version"] != version:
                self._blame(f"{key} of {version} is of {resource['glane_version']}")
            body = self._download(resource["url"])
            digest = hashlib.sha256(body).hexdigest()
            if digest != resource["sha256"] or (file.kind not in layout.PROJECTED and digest != file.sha256):
                self._blame(f"{key} of {version} gives other bytes: {body[:60]!r}")
            elif file.kind == "package":
                self._read_package(json.loads(body), found, known)
            elif file.kind == "feed":
                self._read_feed(body, version)
        stable = found.get("datapackage.json")
        if stable is not None:
            address = f"{self._url}/dataset/{self._dataset}/resource/{stable['id']}/download"
            # Between the page and this, the version may have been flipped.
            shown = json.loads(self._download(address) or b"{}").get("version")
            if shown not in self.allowed:
                self._blame(f"the stable address of datapackage.json gives {shown}")

    def _read_beside(self, resource: Mapping[str, Any]) -> None:
        """A resource that is in preparation leads nowhere; a frozen one keeps leading to the version it is of."""
        key, _, mark = str(resource.get("glane_key") or "").partition("@")
        if mark in self._known:
            (file,) = [one for one in self._known[mark].version.files if key == f"{one.table}.{one.format}"]
            if hashlib.sha256(self._download(resource["url"])).hexdigest() != file.sha256:
                self._blame(f"the frozen {key} of {mark} gives other bytes")
        elif mark and resource["url"]:
            self._blame(f"{key}@{mark} leads to {resource['url']} before it is filled")

    def _download(self, address: str) -> bytes:
        got = self._session.get(address, timeout=60)
        self.seen["download"] += 1
        if got.status_code != 200:
            self._blame(f"{address} answers {got.status_code}")
            return b""
        return got.content

    def _read_package(self, package: Mapping[str, Any], found: Mapping[str, Any], known: Truth) -> None:
        self.seen["datapackage.json"] += 1
        links = {str(one["url"]): str(one["sha256"]) for one in found.values()}
        version = known.version.version
        if package["version"] != version:
            self._blame(f"datapackage.json of {version} is of {package['version']}")
        for resource in package["resources"]:
            for file in (resource, *resource["alternatives"]):
                if f"sha256:{links.get(file['path'])}" != file["hash"]:
                    self._blame(f"datapackage.json of {version} leads to {file['path']}")

    def _read_feed(self, feed: bytes, version: str) -> None:
        first = ElementTree.fromstring(feed).find(f"{_ATOM}entry/{_ATOM}title")
        if first is None or f"({version})" not in str(first.text):
            self._blame(f"the feed of {version} tells of another version")

    def _read_api(self, page: Mapping[str, Any]) -> None:
        for resource in page["resources"]:
            key = str(resource.get("glane_key"))
            if not resource.get(layout.DATASTORE):
                continue
            said = str(resource[layout.DATASTORE])
            answer = self._action("datastore_search", resource_id=resource["id"], limit=1000)
            after = {str(one["id"]): one for one in (self._show() or page)["resources"]}.get(str(resource["id"]), {})
            if said == layout.UPDATING:
                self.seen["API, updating"] += 1
            elif after.get(layout.DATASTORE) != said:
                self.seen["API, while it changed"] += 1
            elif answer is None or not same_rows(self._known[said].rows[key.split(".")[0]], answer["records"]):
                self._blame(f"the API of {key} says {said} and gives {answer and answer['records']}")
            else:
                self.seen["API"] += 1
