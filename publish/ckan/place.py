"""Where readers download a version's files from: pages of the portal, or the public store.

Belongs here: what the two have in common, the portal's side of it, and choosing. Does not belong here: uploading
(archive.py), the public store's side (public_store.py), the dataset's own page (publication.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from glane.store import Store
from publish.ckan import layout
from publish.ckan.api import Api
from publish.ckan.archive import Archive, Uploaded, Uploader, choose_archive, last_archives, served_now
from publish.ckan.background import History, Past
from publish.ckan.faults import TooLargeError
from publish.ckan.layout import Served
from publish.ckan.public_store import InStore
from publish.ckan.wanted import Page, Wanted
from publish.retention import with_derived
from publish.version import Listed, Version, VersionError, listed, load_line
from schemas.retention import ALWAYS

SHOWN = 5
"""Older versions that the page itself links to; the others are one step away."""


class Place(Protocol):
    """Where one version's files are for readers. `history` is what the page links to of the older ones."""

    history: History

    def served_now(self) -> Mapping[str, Served] | None:
        """The version's files as readers find them now, by path; None where not all are known to be there."""

    def bring(self, organisation: str) -> Uploaded:
        """Put there what is missing, and read every byte back. Raises PortalError."""


class OnPortal:
    """The pages `<dataset>-versions` of the portal."""

    def __init__(self, api: Api, store: Store, wanted: Wanted, page: Page | None, say: Callable[[str], None]) -> None:
        self._api, self._store, self._wanted, self._page, self._say = api, store, wanted, page or {}, say
        self._lines = listed(store, wanted.dataset.name)
        self._recent = older(self._lines, wanted)
        self._uploader = self._uploading(wanted.version)
        self._look()

    def _look(self) -> None:
        """See what the portal keeps now."""
        wanted, page, name = self._wanted, self._page, self._wanted.dataset.name
        self._shown = {str(page.get("version"))}
        named = _named(page, self._lines)
        archives = last_archives(self._api, name, named, [line.version for line in self._recent])
        self._archives, self._archive = archives, choose_archive(archives, wanted.version)
        addresses = [address_book(archive) for archive in archives]
        self.history = History(
            url=f"{wanted.site_url}/dataset/{layout.archive_name(name, self._archive.number)}",
            recent=tuple(
                Past(line.version, line.created, found)
                for line in self._recent
                if (found := next((book[line.version] for book in addresses if line.version in book), None))
            ),
            # The portal's own list of the pages that keep versions, once there are several.
            every=f"{wanted.site_url}/dataset/?glane_versions_of={name}" if self._archive.number > 1 else "",
        )
        there = {past.version for past in self.history.recent}
        self._missing = [line.version for line in self._recent if line.version not in there]

    def served_now(self) -> Mapping[str, Served] | None:
        """The version's files as the portal lists them; None unless every CSV and the descriptor are there, once."""
        return served_now(self._archive, self._wanted.version)

    def bring(self, organisation: str) -> Uploaded:
        """Upload what is missing, and read every byte back; older versions that are not there are told. Raises
        PortalError.

        Derived files of older versions go, but for those of the version that the page shows until it is flipped. An
        older version of which some files are not there, because a publisher was killed amid them and a newer version
        came, or because somebody deleted them, is made whole first.
        """
        self._make_whole(organisation)
        uploaded = self._uploader.bring(self._archive, organisation, self._wanted.page_url)
        if self._wanted.dataset.line.retention.formats != ALWAYS:
            self._uploader.sweep(self._archives, {*with_derived(self._lines), *self._shown})
        if self._missing:
            numbers, name = ", ".join(self._missing), self._wanted.dataset.name
            self._say(f"{numbers} is not on the portal: glane publish {name} --rebuild brings every older version")
        return uploaded

    def _make_whole(self, organisation: str) -> None:
        there = {past.version for past in self.history.recent}
        name = self._wanted.dataset.name
        versions = [load_line(self._store, name, line) for line in reversed(self._recent) if line.version in there]
        broken = [one for one in versions if served_now(choose_archive(self._archives, one), one) is None]
        for version in broken:
            self._say(f"version {version.version} is not whole on the portal: its files are brought first")
            archive = choose_archive(self._archives, version)
            try:
                self._uploading(version).bring(archive, organisation, self._wanted.page_url)
            except (TooLargeError, VersionError) as error:
                # It cannot be mended here and now; that holds back no newer version.
                self._say(f"version {version.version} stays as it is there: {error}")
        if broken:
            self._look()

    def _uploading(self, version: Version) -> Uploader:
        wanted = self._wanted
        return Uploader(self._api, self._store, wanted.dataset, version, wanted.site_url, self._say)


def place_of(api: Api, store: Store, wanted: Wanted, page: Page | None, say: Callable[[str], None]) -> Place:
    """The place that the dataset's declaration names (`files:`); `page` is the dataset's, as it stands.

    Raises PortalError where it cannot be looked at, CallError where the public store has no known address.
    """
    if wanted.dataset.line.files == "store":
        return InStore(api, store, wanted, older(listed(store, wanted.dataset.name), wanted), say)
    return OnPortal(api, store, wanted, page, say)


def older(lines: Sequence[Listed], wanted: Wanted) -> list[Listed]:
    """Of all listed versions, the last ones before the wanted one, the newest first, as many as the page shows."""
    (place,) = [place for place, line in enumerate(lines) if line.version == wanted.version.version]
    return list(reversed(lines[max(0, place - SHOWN) : place]))


def _named(page: Mapping[str, Any], lines: Sequence[Listed]) -> str | None:
    """The address of the versions that the dataset's page names; None where what it shows is not of this store."""
    if page.get("version") not in {line.version for line in lines}:
        return None
    named: str | None = layout.extras_of(page).get("glane_versions")
    return named


def address_book(archive: Archive) -> dict[str, dict[str, str]]:
    """The addresses of the files that a page keeps: {version: {path: address}}."""
    book: dict[str, dict[str, str]] = {}
    for resource in archive.resources:
        version, _, path = str(resource.get("name") or "").partition("/")
        if path:
            book.setdefault(version, {})[path] = str(resource["url"])
    return book
