"""Whether every byte of the versions is still the one that was listed: in the store, and on a portal.

Belongs here: re-hashing and naming what differs. Does not belong here: putting it right (a backup for the store,
`glane publish --rebuild` for a portal).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glane.store import Store, sha256_of
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.archive import Archive, choose_archive, find_archives, served_now
from publish.ckan.faults import PortalError
from publish.version import MANIFEST, Version, VersionError, list_key, listed, load, path_of


@dataclass(frozen=True)
class Fault:
    """One file that is not what it should be: `where` (a path or an address), and `what` is wrong with it."""

    where: str
    what: str


def verify_store(store: Store, dataset: str) -> list[Fault]:
    """Every fault of the listed versions of `dataset` in the store; reads every byte."""
    try:
        numbers = [line.version for line in listed(store, dataset)]
    except VersionError as error:
        return [Fault(str(store.local(list_key(dataset))), error.what)]
    faults: list[Fault] = []
    for number in numbers:
        try:
            version = load(store, dataset, number)
        except VersionError as error:
            faults.append(Fault(str(store.local(f"versions/{dataset}/{number}/{MANIFEST}")), error.what))
        else:
            faults += _of_files(store, version)
    return faults


def verify_portal(store: Store, dataset: str, portal: PortalAddress) -> list[Fault]:
    """Every fault of the versions that a portal keeps, held against the store, and the versions that it lacks;
    downloads every byte.

    Raises PortalError where the portal cannot be read at all.
    """
    with Api(portal) as api:
        site_url = str(api.read("status_show").get("site_url") or portal.url)
        versions = {line.version: load(store, dataset, line.version) for line in listed(store, dataset)}
        archives = find_archives(api, dataset)
        faults = [
            Fault(f"{site_url.rstrip('/')}/dataset/{dataset}-versions", f"Version {number} is not there whole.")
            for number, version in versions.items()
            if served_now(choose_archive(archives, version), version) is None
        ]
        for name, address, expected in _kept(versions, archives):
            try:
                digest, _ = api.digest(portal.ours(address, site_url))
            except PortalError as error:
                faults.append(Fault(address, error.what))
            else:
                if digest != expected:
                    faults.append(Fault(address, f"{name} is not the file that was published."))
        return faults


def _of_files(store: Store, version: Version) -> Iterator[Fault]:
    folder = store.local(version.key)
    for file in version.files:
        path = path_of(store, version, file)
        if not path.is_file():
            yield Fault(str(path), "The file is missing.")
        elif sha256_of(path) != file.sha256:
            yield Fault(str(path), "The file is not the one that was listed.")
    known = {file.path for file in version.files} | {MANIFEST}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in known:
            yield Fault(str(path), "The file is not of this version.")


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
