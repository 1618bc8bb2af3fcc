"""Where the files stay in a public store (`files: store`): the portal holds links only, and keeps no versions.

Belongs here: the addresses of versions there, reading every byte back through them, and refusing an address that
serves more than versions. Does not belong here: the pages of the portal that keep versions (archive.py).

Any web server, or a bucket, shows the store's folder versions/, read-only, under GLANE_STORE_PUBLIC_URL. A version's
own files are right there as they are: its datapackage.json names its files by relative paths. But who comes through
the portal's download address is sent on by a redirect, from where relative paths lead nowhere, and a feed should lead
to the portal's page: so both files stand once more under versions/<dataset>/projected/, with whole addresses in them,
each under the hash of its bytes, so that no address ever serves other bytes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256

import requests

from glane.errors import CallError
from glane.removals import removed
from glane.store import Store, to_json
from publish import feed
from publish.ckan import layout
from publish.ckan.api import Api
from publish.ckan.archive import IN_FLIGHT, Uploaded
from publish.ckan.background import History, Past
from publish.ckan.faults import AGAIN, PortalError
from publish.ckan.layout import Served
from publish.ckan.wanted import Wanted
from publish.package import project
from publish.public_index import INDEX, index_page
from publish.retention import was_removed
from publish.version import Listed, Version, VersionFile, listed, load_line, path_of, version_key

_PRIVATE = ("raw", "rows", "reports")
_SECONDS = 30.0
_SHOW = "Have it show the folder versions/ of the store, and set GLANE_STORE_PUBLIC_URL to the address of its parent."


class PublicStoreError(PortalError):
    """The public store does not serve what it should. The portal still shows the last version."""


class ExposedError(PortalError):
    """The public store serves what partners sent."""


class InStore:
    """A version's files as the public store serves them."""

    def __init__(self, api: Api, store: Store, wanted: Wanted, lines: list[Listed], say: Callable[[str], None]) -> None:
        self._api, self._store, self._wanted, self._say = api, store, wanted, say
        self._base = public_address(api, wanted.dataset.name)
        check_private(store, wanted.dataset.name, self._base)
        self.history = History(
            url=f"{self._base}/versions/{wanted.dataset.name}/{INDEX}",
            recent=tuple(
                Past(line.version, line.created, addresses(self._base, load_line(store, wanted.dataset.name, line)))
                for line in lines
            ),
        )

    def served_now(self) -> Mapping[str, Served]:
        """The version's files at their addresses; that they are there was read before the portal led to them."""
        return self._plain | {path: served for path, (served, _, _) in self._projected.items()}

    def bring(self, organisation: str) -> Uploaded:
        """Put the files that name addresses and the list of versions beside the version, and read every byte back.

        Raises PublicStoreError.
        """
        name, served = self._wanted.dataset.name, dict(self.served_now())
        for _, key, data in self._projected.values():
            _keep(self._store, key, data)
        index = index_page(self._wanted.dataset, listed(self._store, name))
        _keep(self._store, f"versions/{name}/{INDEX}", index)
        listing = Served(self.history.url, sha256(index).hexdigest(), len(index))
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            for _ in pool.map(lambda one: check_served(self._api, one), [*served.values(), listing]):
                pass
        self._say(f"{len(served)} files read back from {self._base}")
        return Uploaded(served, 0, 0, ())

    @cached_property
    def _plain(self) -> dict[str, Served]:
        found = addresses(self._base, self._wanted.version)
        return {
            file.path: Served(found[file.path], file.sha256, file.bytes)
            for file in layout.public_files(self._wanted.version)
            if file.kind not in layout.PROJECTED
        }

    @cached_property
    def _projected(self) -> dict[str, tuple[Served, str, bytes]]:
        """The files that name addresses: how each is served, its key in the store, its bytes."""
        found: dict[str, tuple[Served, str, bytes]] = {}
        for file in layout.public_files(self._wanted.version):
            if file.kind in layout.PROJECTED:
                data = self._with_addresses(file)
                digest = sha256(data).hexdigest()
                key = f"versions/{self._wanted.dataset.name}/projected/{digest[:16]}/{file.path}"
                found[file.path] = (Served(f"{self._base}/{key}", digest, len(data)), key, data)
        return found

    def _with_addresses(self, file: VersionFile) -> bytes:
        data = path_of(self._store, self._wanted.version, file).read_bytes()
        if file.kind == "package":
            return to_json(project(json.loads(data), {path: served.url for path, served in self._plain.items()}))
        return feed.at(data, self._wanted.page_url)


def public_address(api: Api, dataset: str) -> str:
    """The address under which readers find the store's versions/. Raises CallError where none is known."""
    if not (found := api.address.public_store):
        raise CallError(
            f"{dataset} is declared `files: store`, and no address of the public store is known.",
            "Set GLANE_STORE_PUBLIC_URL to the address under which a web server shows the store's folder versions/: "
            "https://data.example.org where that is https://data.example.org/versions/.",
        )
    return found


def addresses(base: str, version: Version) -> dict[str, str]:
    """The address of each file of a version that leaves the house, by its path."""
    home = f"{base}/{version_key(version.dataset, version.version)}"
    return {file.path: f"{home}/{file.path}" for file in layout.public_files(version)}


def check_served(api: Api, served: Served) -> None:
    """Read a file back through its public address. Raises PublicStoreError where it is not there, or other bytes."""
    try:
        digest, _ = api.digest(served.url)
    except PortalError as error:
        raise PublicStoreError(f"The public store: {error.what}", f"{_SHOW} {AGAIN}") from error
    if digest != served.sha256:
        raise PublicStoreError(
            f"{served.url} serves other bytes than the store keeps.",
            f"See that it shows this very store, whole, and that no cache before it keeps older answers. {AGAIN}",
        )


def leads_to(api: Api, dataset: str, base: str) -> bool:
    """Whether the page of `dataset` leads its readers to the public store. Raises PortalError."""
    page = api.find("package_show", id=dataset) or {}
    named = layout.extras_of(page).get("glane_versions", "")
    return str(named).startswith(f"{base}/versions/")


def misserved(
    api: Api, store: Store, dataset: str, versions: Iterable[Version], base: str
) -> Iterator[tuple[Served, str]]:
    """Every file of the dataset's `versions` that the public store does not serve as it should, and what is wrong.

    Those that the page leads to beside them (the files with addresses in them) are read too.
    """
    page = api.read("package_show", id=dataset)
    wanted = [Served(one["url"], one["sha256"], 0) for one in page["resources"] if "/projected/" in str(one["url"])]
    gone = removed(store, dataset)
    for version in versions:
        found = addresses(base, version)
        standing = [file for file in version.files if file.path in found and not was_removed(gone, version, file)]
        wanted += [Served(found[file.path], file.sha256, file.bytes) for file in standing]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for served, wrong in zip(wanted, pool.map(lambda one: _wrong(api, one), wanted), strict=True):
            if wrong is not None:
                yield served, wrong


def _wrong(api: Api, served: Served) -> str | None:
    try:
        check_served(api, served)
    except PublicStoreError as error:
        return error.what
    return None


def check_private(store: Store, dataset: str, base: str) -> None:
    """Raise ExposedError where the public address also serves what partners sent: it may be about persons.

    One file of each private folder is asked for, as anybody on the network could.
    """
    for key in _private_keys(store, dataset):
        try:
            with requests.get(f"{base}/{key}", stream=True, timeout=_SECONDS) as answer:
                if answer.status_code != 200:
                    continue
                digest = sha256()
                for chunk in answer.iter_content(1 << 20):
                    digest.update(chunk)
        except requests.RequestException:
            # Whether it serves anything at all is seen when the version is read back.
            continue
        if digest.hexdigest() == store.digest(key):
            raise ExposedError(
                f"{base} serves {key} to anybody: what partners sent is not for the public.",
                "Close it at once: let the web server or the bucket show versions/ and nothing else of the store. "
                "Nothing was published.",
            )


def _private_keys(store: Store, dataset: str) -> Iterator[str]:
    """The smallest file of each private folder: of the first partner that has one, and of the log."""
    partners = [f"{room}/{dataset}/{one}" for room in _PRIVATE for one in store.list(f"{room}/{dataset}")[:1]]
    for folder in (*partners, f"log/removed/{dataset}"):
        sizes = {path: size for path, size in store.files(folder).items() if size}
        if sizes:
            yield f"{folder}/{min(sizes, key=lambda path: sizes[path])}"


def _keep(store: Store, key: str, data: bytes) -> None:
    if store.look(key).data != data:
        store.write(key, data)
