"""Whether every byte of the versions is still the one that was listed: in the store, and on a portal.

Belongs here: re-hashing and naming what differs. Does not belong here: putting it right (a backup for the store,
`glane publish --rebuild` for a portal).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from glane.removals import Removal, removed
from glane.store import Store
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.archive import Archive, choose_archive, find_archives, served_now
from publish.ckan.faults import PortalError
from publish.ckan.public_store import leads_to, misserved
from publish.retention import was_removed
from publish.version import MANIFEST, Version, VersionError, VersionFile, list_key, listed, load_line, version_key

_SAFE = "Every other file is as it was listed, unless it is named here."
_LIST_REMEDY = (
    "The files of the versions are untouched, and no version is made or published until the list is right. Bring it "
    "back from a backup that is no older than the last version."
)
_KEPT_REMEDY = (
    "No version is touched, and nothing is made of it. Bring it back from a backup; without one, remove it, and the "
    "next run fetches and judges what the partner offers now."
)
_PORTAL_REMEDY = "The store is not touched. Put the portal right from it: glane publish DATASET --rebuild"


@dataclass(frozen=True)
class Fault:
    """One file that is not what it should be: `where` (a path or an address), `what` is wrong with it, and the
    `remedy`: what is safe, and what to do."""

    where: str
    what: str
    remedy: str


def verify_store(store: Store, dataset: str) -> list[Fault]:
    """Every fault of the listed versions of `dataset` in the store; reads every byte."""
    try:
        lines = listed(store, dataset)
    except VersionError as error:
        return [Fault(store.where(list_key(dataset)), error.what, _LIST_REMEDY)]
    faults: list[Fault] = []
    gone = removed(store, dataset)
    for line in lines:
        try:
            version = load_line(store, dataset, line)
        except VersionError as error:
            key = f"{version_key(dataset, line.version)}/{MANIFEST}"
            remedy = f"{_SAFE} Bring it back from a backup: its SHA-256 is {line.manifest_sha256}."
            faults.append(Fault(store.where(key), error.what, remedy))
        else:
            faults += _of_files(store, version, gone)
    return faults


def verify_kept(store: Store, damaged: Iterable[str]) -> list[Fault]:
    """What is said of `damaged` keys beside the versions: snapshots, and rows that passed."""
    wrong = "The file is not the one that was kept."
    return [Fault(store.where(key), wrong, _KEPT_REMEDY) for key in damaged]


def verify_portal(store: Store, dataset: str, portal: PortalAddress) -> list[Fault]:
    """Every fault of the versions that a portal keeps, held against the store, and the versions that it lacks;
    downloads every byte. Where the page leads to the public store, the versions are read there.

    Raises PortalError where the portal cannot be read at all.
    """
    remedy = _PORTAL_REMEDY.replace("DATASET", dataset)
    with Api(portal) as api:
        site_url = str(api.read("status_show").get("site_url") or portal.url)
        versions = {line.version: load_line(store, dataset, line) for line in listed(store, dataset)}
        archives = find_archives(api, dataset)
        if portal.public_store and leads_to(api, dataset, portal.public_store):
            served = misserved(api, store, dataset, versions.values(), portal.public_store)
            faults = [Fault(one.url, what, remedy) for one, what in served]
        else:
            page = f"{site_url.rstrip('/')}/dataset/{dataset}-versions"
            faults = [
                Fault(page, f"Version {number} is not there whole.", remedy)
                for number, version in versions.items()
                if served_now(choose_archive(archives, version), version) is None
            ]
        for name, address, expected in _kept(versions, archives):
            try:
                digest, _ = api.digest(portal.ours(address, site_url))
            except PortalError as error:
                faults.append(Fault(address, error.what, remedy))
            else:
                if digest != expected:
                    faults.append(Fault(address, f"{name} is not the file that was published.", remedy))
        return faults


def _of_files(store: Store, version: Version, gone: Mapping[str, Removal]) -> Iterator[Fault]:
    found = store.files(version.key)
    for file in version.files:
        where = store.where(f"{version.key}/{file.path}")
        if file.path not in found and was_removed(gone, version, file):
            continue
        if file.path not in found:
            wrong = "The file is missing."
        elif found[file.path] != file.bytes:
            wrong = f"The file has {found[file.path]} bytes, and {file.bytes} were listed."
        elif store.digest(f"{version.key}/{file.path}") != file.sha256:
            wrong = "The file is not the one that was listed."
        else:
            continue
        yield Fault(where, wrong, f"{_SAFE} {_back(file)}")
    for path in found.keys() - {file.path for file in version.files} - {MANIFEST}:
        where = store.where(f"{version.key}/{path}")
        yield Fault(where, "The file is not of this version.", "No reader is led to it. Remove it.")


def _back(file: VersionFile) -> str:
    return (
        "Bring it back from a backup, or from the pages of the portal that keep every version: "
        f"its SHA-256 is {file.sha256}."
    )


def _kept(versions: Mapping[str, Version], archives: Sequence[Archive]) -> Iterator[tuple[str, str, str]]:
    """(name, address, expected SHA-256) of each file that the portal keeps of listed versions."""
    for resource in (resource for archive in archives for resource in archive.resources):
        version, _, path = str(resource["name"]).partition("/")
        if version not in versions:
            continue
        file = {one.path: one for one in versions[version].files}.get(path)
        # What names the portal's own addresses has a hash of its own there.
        own = file is None or file.kind in layout.PROJECTED
        published = str(resource["hash"]) if own or file is None else file.sha256
        yield str(resource["name"]), str(resource["url"]), published
