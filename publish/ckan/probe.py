"""What will and will not work on a portal, found out before anything is written there.

Belongs here: looking, and saying what it means. Does not belong here: publishing (publication.py). What only a write
could tell (the upload limit) is not tried: it is said how much is known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from glane.errors import CallError
from glane.store import Store
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from publish.ckan.archive import find_archives
from publish.ckan.faults import PortalError
from publish.ckan.layout import LEASE, Served
from publish.ckan.public_store import addresses, check_private, check_served, public_address
from publish.ckan.tables import LOADERS
from publish.ckan.wanted import keyed, leased
from publish.version import Version
from schemas.dataset import Dataset

State = Literal["ok", "look", "no"]
STOCK_LIMIT = 10 * 1024 * 1024
"""ckan.max_resource_size of a stock CKAN: 10 MB."""

_VERSIONS = ((2, 10), (2, 12))
_MODES = {
    "glane": "Glane fills the tables and keeps the loader off them",
    "portal": "the loader fills the tables and chooses the types of columns",
    "off": "there are no tables",
}
"""What `datastore:` in dataset.yaml means for the tables of a portal that has a loader."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: "ok", "look" (it works, and somebody should know), or "no" (publishing fails)."""

    subject: str
    state: State
    what: str
    remedy: str = ""


def probe(
    dataset: Dataset,
    version: Version | None,
    portal: PortalAddress,
    *,
    patience: Patience | None = None,
    store: Store | None = None,
) -> tuple[Finding, ...]:
    """What publishing `version` (None: there is none yet) of `dataset` on `portal` would meet. Writes nothing.

    With the `store` that `version` is in, it is seen that a public store does not show what partners sent.
    """
    with Api(portal, patience) as api:
        try:
            status = api.read("status_show")
        except PortalError as error:
            return (Finding("address", "no", error.what, error.remedy),)
        return (
            *_software(status),
            _site_url(portal, status),
            *_extensions(status, dataset),
            *_rights(api, dataset),
            _limit(api, dataset, version) if dataset.line.files == "portal" else _public(api, dataset, version, store),
        )


def _software(status: Mapping[str, Any]) -> Iterator[Finding]:
    said = str(status.get("ckan_version") or "")
    parts = said.split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1][:2].strip("ab").isdigit()):
        yield Finding("CKAN", "look", "The portal does not tell its version.", "Glane is made for CKAN 2.10 to 2.12.")
        return
    number = (int(parts[0]), int(parts[1][:2].strip("ab")))
    if _VERSIONS[0] <= number <= _VERSIONS[1]:
        yield Finding("CKAN", "ok", f"CKAN {said}.")
    else:
        yield Finding("CKAN", "look", f"CKAN {said}: Glane is tried on 2.10 to 2.12.", "Publish a small dataset first.")


def _site_url(portal: PortalAddress, status: Mapping[str, Any]) -> Finding:
    site_url = str(status.get("site_url") or "").rstrip("/")
    if site_url == portal.url:
        return Finding("site_url", "ok", f"The portal calls itself {site_url}, as we do.")
    what = f"The portal calls itself {site_url or 'nothing'}; we reach it at {portal.url}."
    remedy = "Readers are sent to the former: see that it works for them. Files are read back through the latter."
    if urlsplit(portal.url).scheme == "https" and site_url.startswith("http://"):
        remedy += " It sends readers from https to http: have its administrator correct ckan.site_url."
    return Finding("site_url", "look", what, remedy)


def _extensions(status: Mapping[str, Any], dataset: Dataset) -> Iterator[Finding]:
    if not isinstance(status.get("extensions"), list):
        yield Finding("extensions", "look", "The portal does not tell its extensions.", "Ask for the DataStore.")
        return
    found = {str(name) for name in status["extensions"]}
    mode = dataset.line.datastore
    if "datastore" in found:
        yield Finding("DataStore", "ok", "There is a DataStore: tables can be searched, filtered and asked by API.")
    elif mode == "off":
        yield Finding("DataStore", "ok", "The portal has no DataStore, and `datastore: off` wants none.")
    else:
        remedy = "Ask its administrator for the datastore extension, or set `datastore: off` in dataset.yaml."
        yield Finding("DataStore", "no", "The portal has no DataStore.", remedy)
    loader = next((name for name in LOADERS if name in found), None)
    if loader is not None:
        what = f"The portal's loader is {loader}. As declared (`datastore: {mode}`), {_MODES[mode]}."
        others = [f"with `{other}`, {means}" for other, means in _MODES.items() if other != mode]
        yield Finding("loader", "ok", what, f"In dataset.yaml, {'; '.join(others)}.")
    elif mode == "portal":
        what = "`datastore: portal` leaves the tables to the portal's loader, and the portal tells of none."
        remedy = "Ask its administrator for ckanext-xloader, or set `datastore: glane` in dataset.yaml."
        yield Finding("loader", "look", what, remedy)
    if "datatables_view" not in found:
        remedy = "Ask its administrator for datatables_view."
        yield Finding("preview", "look", "The portal has no preview of tables.", remedy)
    if any(name.startswith("scheming") for name in found):
        what = "The portal has a schema of its own (ckanext-scheming): it may drop fields."
        yield Finding("fields", "look", what, "Allow the fields glane_*, or publishing stops before anything is seen.")
    if "dcat" in found:
        yield Finding("DCAT", "ok", "ckanext-dcat tells of the dataset to other portals.")


def _rights(api: Api, dataset: Dataset) -> Iterator[Finding]:
    try:
        mine = sorted(str(o["name"]) for o in api.read("organization_list_for_user", permission="create_dataset"))
        page = api.find("package_show", id=dataset.name)
    except PortalError as error:
        yield Finding("rights", "no", error.what, error.remedy)
        return
    asked = api.address.organisation
    owner = str((page.get("organization") or {}).get("name")) if page else asked
    if not mine:
        what = "The token may not create datasets in any organisation: it is wrong, has expired, or is no editor's."
        yield Finding("rights", "no", what, "Make its user an editor of the organisation that publishes.")
    elif owner is None and len(mine) > 1:
        what = f"The token may publish in several organisations: {', '.join(mine)}."
        yield Finding("rights", "no", what, "Say which with GLANE_PORTAL_ORGANISATION.")
    elif owner is not None and owner not in mine:
        what = f"The token may not publish in {owner}; it may in: {', '.join(mine)}."
        yield Finding("rights", "no", what, "Make its user an editor there.")
    else:
        yield Finding("rights", "ok", f"The token may publish in {owner or mine[0]}.")
    yield _page(dataset, page)


def _page(dataset: Dataset, page: Mapping[str, Any] | None) -> Finding:
    if page is None:
        return Finding("page", "ok", f"There is no {dataset.name} yet: it will be made.")
    if page.get("state") == "deleted":
        remedy = "Restore or purge it there."
        return Finding("page", "no", f"The dataset {dataset.name} was deleted on the portal.", remedy)
    if not keyed(page):
        what = f"There is a {dataset.name} that Glane did not make."
        return Finding("page", "no", what, "Rename or purge that dataset on the portal.")
    if (lead := leased(page)) is not None:
        what = f"A publisher has been at work on it: {lead[LEASE]}."
        return Finding("page", "look", what, "If it is dead, its store may take over at once, another after an hour.")
    return Finding("page", "ok", f"It shows version {page.get('version') or 'none yet'}.")


def _limit(api: Api, dataset: Dataset, version: Version | None) -> Finding:
    """What can be known of the upload limit without uploading: what was taken before, and what a stock CKAN takes."""
    if version is None:
        return Finding("uploads", "look", "There is no version yet: nothing to upload.", f"glane run {dataset.name}")
    largest = max(layout.public_files(version), key=lambda file: file.bytes)
    need = f"The largest file, {largest.path}, has {largest.bytes / 1e6:.1f} MB"
    try:
        taken = max(
            (int(r.get("size") or 0) for one in find_archives(api, dataset.name) for r in one.resources), default=0
        )
    except PortalError as error:
        return Finding("uploads", "no", error.what, error.remedy)
    if largest.bytes <= taken:
        return Finding("uploads", "ok", f"{need}; the portal has taken {taken / 1e6:.1f} MB before.")
    if largest.bytes <= STOCK_LIMIT:
        return Finding("uploads", "ok", f"{need}; a stock CKAN takes 10 MB. The portal does not tell its own limit.")
    remedy = (
        "Ask its administrator for ckan.max_resource_size. A format that is too large is left out, never the CSV; with "
        "`files: store` in dataset.yaml nothing is uploaded."
    )
    return Finding("uploads", "look", f"{need}; a stock CKAN takes 10 MB. The portal does not tell its limit.", remedy)


def _public(api: Api, dataset: Dataset, version: Version | None, store: Store | None) -> Finding:
    """Whether readers can download from the public store, and nothing but versions."""
    try:
        base = public_address(api, dataset.name)
        if store is not None:
            check_private(store, dataset.name, base)
        if version is None:
            what = f"There is no version yet to look for under {base}/versions/."
            return Finding("files", "look", what, f"glane run {dataset.name}")
        smallest = min(layout.public_files(version), key=lambda file: file.bytes)
        check_served(api, Served(addresses(base, version)[smallest.path], smallest.sha256, smallest.bytes))
    except (CallError, PortalError) as error:
        return Finding("files", "no", error.what, error.remedy)
    return Finding("files", "ok", f"Files stay in the public store, {base}, which serves {smallest.path}: no limit.")
