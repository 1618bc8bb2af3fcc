"""Every version's files on the portal, as uploads that are written once: `<dataset>-versions`.

Belongs here: bringing one version's files there, reading them back, sweeping what a killed publisher left. Does not
belong here: the dataset's own page (publication.py), what resources look like (layout.py).
"""

import json
import tempfile
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glane.removals import removed
from glane.store import Store, sha256_of, to_json
from publish import feed
from publish.ckan import layout
from publish.ckan.api import Api
from publish.ckan.faults import AGAIN, ReadBackError, TooLargeError
from publish.ckan.layout import Served
from publish.ckan.page import find_page
from publish.package import leads_alike, project
from publish.remaking import derived_files
from publish.retention import derived_path, was_removed, with_derived
from publish.version import Version, VersionFile, listed, path_of
from schemas.dataset import Dataset
from schemas.licences import LICENCES
from schemas.retention import ALWAYS

BATCH = 10 * 1024 * 1024
"""Bytes in one upload: the size that a stock CKAN takes (ckan.max_resource_size)."""

IN_FLIGHT = 4
"""Files read back at once: a portal has readers to serve too."""

_PACKAGE = "datapackage.json"


@dataclass(frozen=True)
class Archive:
    """One page that keeps versions: its number and what the portal says of it (None: it is not there yet)."""

    number: int
    page: Mapping[str, Any] | None

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Its resources as the portal gives them."""
        return list(self.page["resources"]) if self.page else []


@dataclass(frozen=True)
class Uploaded:
    """A version's files on the portal by path, how many and how much was sent for it, what the portal did not take."""

    served: Mapping[str, Served]
    sent: int
    sent_bytes: int
    omitted: tuple[str, ...]


def find_archives(api: Api, dataset: str, first: int = 1) -> list[Archive]:
    """The pages that keep versions of `dataset`, in order, from number `first` on (if it is not there: all).

    Raises PortalError where one was deleted.
    """
    found: list[Archive] = []
    while (page := _look(api, dataset, first + len(found))) is not None:
        found.append(Archive(first + len(found), page))
    return found if found or first == 1 else find_archives(api, dataset)


def last_archives(api: Api, dataset: str, named: str | None, recent: Collection[str]) -> list[Archive]:
    """The last pages that keep versions: from the address `named` on, and as far before it as the versions `recent` go.

    After a thousand versions there are a hundred pages; a publication needs two or three. Raises PortalError where one
    was deleted.
    """
    found = find_archives(api, dataset, layout.archive_number(dataset, named or ""))
    missing = set(recent) - {_version_of(resource) for archive in found for resource in archive.resources}
    while missing and found and (number := found[0].number - 1):
        former = Archive(number, _look(api, dataset, number))
        found.insert(0, former)
        missing -= {_version_of(resource) for resource in former.resources}
    return found


def _look(api: Api, dataset: str, number: int) -> Mapping[str, Any] | None:
    return find_page(api, layout.archive_name(dataset, number))


def choose_archive(archives: Sequence[Archive], version: Version) -> Archive:
    """The page that keeps `version`: the one that has files of it, else the last one with room, else a new one."""
    for archive in archives:
        if any(_version_of(resource) == version.version for resource in archive.resources):
            return archive
    last = archives[-1] if archives else Archive(1, None)
    room = layout.ROLL_OVER - len(last.resources)
    return last if len(layout.public_files(version)) <= room else Archive(last.number + 1, None)


def served_now(archive: Archive, version: Version) -> dict[str, Served] | None:
    """The version's files as the portal lists them; None unless every CSV and the descriptor are there, once."""
    found: dict[str, Served] = {}
    for resource in archive.resources:
        if _version_of(resource) == version.version:
            path = resource["name"].split("/", 1)[1]
            if path in found:
                return None
            found[path] = _served(resource)
    for file in layout.public_files(version):
        if file.path not in found:
            if _needed(file):
                return None
        elif file.kind not in layout.PROJECTED and found[file.path].sha256 != file.sha256:
            return None
    return found


class Uploader:
    """Brings one version's files into its archive; made anew for each publication."""

    def __init__(
        self, api: Api, store: Store, dataset: Dataset, version: Version, site_url: str, say: Callable[[str], None]
    ) -> None:
        self._api, self._store, self._dataset, self._version = api, store, dataset, version
        self._site_url, self._say = site_url, say
        self._sent = self._sent_bytes = 0
        self._omitted: list[str] = []

    def bring(self, archive: Archive, organisation: str, page_url: str) -> Uploaded:
        """Upload what is missing, read everything back, drop what does not belong. Raises PortalError.

        What names addresses goes last, the descriptor at the end: a version without it is incomplete.
        """
        name = layout.archive_name(self._dataset.name, archive.number)
        archive = self._open(archive, organisation, page_url)
        kept, stray = self._sort_out(archive)
        files = self._files()
        plain = [file for file in files if file.kind not in layout.PROJECTED]
        sources = {file.path: (path_of(self._store, self._version, file), file.sha256, file.bytes) for file in plain}
        kept |= self._send(name, [file for file in plain if file.path not in kept], sources)
        with tempfile.TemporaryDirectory(prefix="glane-") as folder:
            projected = [file for file in files if file.kind in layout.PROJECTED]
            sources = {file.path: self._projected(Path(folder), file, kept, page_url) for file in projected}
            former = {f.path: kept[f.path] for f in projected if self._outdated(f, kept.get(f.path), sources[f.path])}
            stray += [r["id"] for r in archive.resources if r["url"] in {old.url for old in former.values()}]
            kept |= self._send(name, [f for f in projected if f.path in former or f.path not in kept], sources)
        self._drop(name, stray, "that a killed run had left")
        return Uploaded(kept, self._sent, self._sent_bytes, tuple(self._omitted))

    def sweep(self, archives: Sequence[Archive], with_derived: Collection[str]) -> None:
        """Take away the derived files (XLSX, GeoJSON) of all versions but those `with_derived`. Raises PortalError."""
        for archive in archives:
            surplus = [r["id"] for r in archive.resources if _is_derived(r) and _version_of(r) not in with_derived]
            name = layout.archive_name(self._dataset.name, archive.number)
            self._drop(name, surplus, "in derived formats: glane derive makes them again")

    def _files(self) -> list[VersionFile]:
        """The files that readers should find: all that leave the house but those that go, or went, as declared."""
        files = layout.public_files(self._version)
        derived = {file.path for file in derived_files(self._version)}
        if self._dataset.line.retention.formats != ALWAYS:
            # What the next publication would sweep is not brought: a rebuilding brings every older version.
            keep = with_derived(listed(self._store, self._dataset.name))
            if self._version.version not in keep:
                return [file for file in files if file.path not in derived]
        absent = {path for path in derived if not self._store.exists(f"{self._version.key}/{path}")}
        gone = removed(self._store, self._dataset.name) if absent else {}
        return [f for f in files if f.path not in absent or not was_removed(gone, self._version, f)]

    def _open(self, archive: Archive, organisation: str, page_url: str) -> Archive:
        """The page, made if it is not there, and saying of itself what it should."""
        fields = layout.archive(self._dataset, archive.number, page_url)
        if archive.page is not None and not layout.differs(fields, archive.page):
            return archive
        fields["extras"] = layout.with_theirs(fields["extras"], archive.page)
        if archive.page is None:
            made = {**fields, "owner_org": organisation}
            shown = self._api.write(
                "package_create", made, done=lambda: _look(self._api, self._dataset.name, archive.number)
            )
            return Archive(archive.number, shown)
        data = {"match": {"name": fields["name"]}, "filter": ["-extras", "-tags"], "update": fields}
        self._api.write("package_revise", data, done=lambda: None)
        return archive

    def _outdated(self, file: VersionFile, served: Served | None, source: tuple[Path, str, int]) -> bool:
        """Whether a file that names addresses stands on the portal and leads elsewhere than it should.

        A descriptor is not made anew because derived files went: its address is for ever too.
        """
        if served is None or served.sha256 == source[1]:
            return False
        if file.kind != "package":
            return True
        stands = json.loads(self._api.fetch(self._api.address.ours(served.url, self._site_url)))
        return not leads_alike(stands, json.loads(source[0].read_bytes()))

    def _projected(
        self, folder: Path, file: VersionFile, kept: Mapping[str, Served], page_url: str
    ) -> tuple[Path, str, int]:
        """A file that names addresses, written for this portal: (where, SHA-256, bytes)."""
        data = path_of(self._store, self._version, file).read_bytes()
        if file.kind == "package":
            data = to_json(project(json.loads(data), {path: served.url for path, served in kept.items()}))
        else:
            data = feed.at(data, page_url)
        target = folder / file.path
        target.write_bytes(data)
        return target, sha256_of(target), len(data)

    def _sort_out(self, archive: Archive) -> tuple[dict[str, Served], list[str]]:
        """The files of this version that are there and read back right, and the ids of all that a kill left."""
        wanted = {file.path: file for file in layout.public_files(self._version)}
        # What the store lists is never swept for being incomplete: somebody may have deleted its descriptor by hand.
        complete = {_version_of(r) for r in archive.resources if str(r["name"]).endswith(f"/{_PACKAGE}")}
        complete |= {line.version for line in listed(self._store, self._dataset.name)}
        kept: dict[str, Served] = {}
        stray: list[str] = []
        for resource in archive.resources:
            number, served = _version_of(resource), _served(resource)
            if number is None or (number != self._version.version and number in complete):
                continue
            path = resource["name"].split("/", 1)[1]
            file = wanted.get(path) if number == self._version.version else None
            right = file is not None and (file.kind in layout.PROJECTED or served.sha256 == file.sha256)
            whole = right and path not in kept
            if whole and self._reads_back(served):
                kept[path] = served
            else:
                stray.append(resource["id"])
        return kept, stray

    def _send(
        self, name: str, files: Sequence[VersionFile], sources: Mapping[str, tuple[Path, str, int]]
    ) -> dict[str, Served]:
        by_path = {file.path: file for file in files}
        waiting = layout.batches([(path, sources[path][2]) for path in by_path], BATCH)
        served: dict[str, Served] = {}
        while waiting:
            paths = waiting.pop(0)
            try:
                served |= self._send_batch(name, [by_path[path] for path in paths], sources)
            except TooLargeError:
                if len(paths) > 1:
                    waiting = [[path] for path in paths] + waiting
                elif _needed(by_path[paths[0]]):
                    raise
                else:
                    self._omitted.append(paths[0])
                    self._say(f"{paths[0]} is larger than the portal takes: left out, the CSV has it all")
        return served

    def _send_batch(
        self, name: str, files: Sequence[VersionFile], sources: Mapping[str, tuple[Path, str, int]]
    ) -> dict[str, Served]:
        made = [
            layout.archived(
                self._version,
                file,
                LICENCES[self._dataset.line.licence.publish].url,
                sha256=sources[file.path][1],
                size=sources[file.path][2],
                identifier=str(uuid.uuid4()),
            )
            for file in files
        ]
        parts = [(layout.file_name(file.path), sources[file.path][0]) for file in files]
        sent = upload(self._api, name, made, parts, self._site_url)
        served = dict(zip((file.path for file in files), sent, strict=True))
        self._sent += len(files)
        self._sent_bytes += sum(one.bytes for one in served.values())
        self._say(f"uploaded {', '.join(served)}")
        return served

    def _reads_back(self, served: Served) -> bool:
        return _reads_back(self._api, served, self._site_url)

    def _drop(self, name: str, stray: Sequence[str], which: str) -> None:
        if stray:
            patterns = [f"-resources__{identifier}" for identifier in stray]
            self._api.write("package_revise", {"match": {"name": name}, "filter": patterns}, done=lambda: None)
            self._say(f"swept {len(stray)} files {which}")


def upload(
    api: Api, page: str, made: Sequence[Mapping[str, Any]], files: Sequence[tuple[str, Path]], site_url: str
) -> list[Served]:
    """Add the resources `made` to a page in one request, each with its file (name, path), and read every byte back.

    Each has an `id` of ours, so that an answer that was lost is found again. Raises PortalError.
    """
    ids = [str(resource["id"]) for resource in made]

    def arrived() -> dict[str, Any] | None:
        shown = api.read("package_show", id=page)
        return {"package": shown} if {resource["id"] for resource in shown["resources"]} >= set(ids) else None

    answer = api.write(
        "package_revise",
        {"match__name": page, "update__resources__extend": json.dumps(made)},
        files=[
            (f"update__resources__{number - len(files)}__upload", name, path)
            for number, (name, path) in enumerate(files)
        ],
        done=arrived,
    )
    found = {resource["id"]: _served(resource) for resource in answer["package"]["resources"]}
    served = [found[identifier] for identifier in ids]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        whole = pool.map(lambda one: _reads_back(api, one, site_url), served)
        for one, good, (name, _) in zip(served, whole, files, strict=True):
            if not good:
                raise ReadBackError(f"{one.url} does not serve the bytes that were sent ({name}).", AGAIN)
    return served


def _reads_back(api: Api, served: Served, site_url: str) -> bool:
    try:
        digest, _ = api.digest(api.address.ours(served.url, site_url))
    except ReadBackError:
        return False
    return digest == served.sha256


def _served(resource: Mapping[str, Any]) -> Served:
    # A portal's loader that somebody asked by hand puts a hash of its own kind into `hash`.
    digest = str(resource.get("sha256") or resource.get("hash") or "")
    return Served(str(resource["url"]), digest, int(resource.get("size") or 0))


def _version_of(resource: Mapping[str, Any]) -> str | None:
    name = str(resource.get("name") or "")
    return name.split("/", 1)[0] if "/" in name else None


def _is_derived(resource: Mapping[str, Any]) -> bool:
    _, _, path = str(resource.get("name") or "").partition("/")
    return derived_path(path)


def _needed(file: VersionFile) -> bool:
    return file.kind == "package" or file.format == "csv"
