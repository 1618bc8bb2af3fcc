"""Making a portal whole again: one that was emptied, or brought back from an old backup.

Belongs here: bringing every version that the store has to the portal, believing nothing that it says of itself. Does
not belong here: one publication's steps (publication.py), one version's files (archive.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

from glane.errors import CallError, DataError
from glane.store import Store
from publish.ckan import layout
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api, Patience
from publish.ckan.archive import Archive, Uploader, choose_archive, find_archives
from publish.ckan.publication import Receipt, publish
from publish.verify import verify_store
from publish.version import current, listed, load_line
from schemas.dataset import Dataset


class StoreDamagedError(DataError):
    """The store itself is not whole: nothing is rebuilt from it."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuilding did: the `receipt` for the current version, the older `versions` of which files were sent,
    how many files, and how many bytes; the current version's among them. `sent_in_all` counts every byte."""

    receipt: Receipt
    versions: tuple[str, ...]
    sent: int
    sent_bytes: int
    sent_in_all: int


def rebuild(
    dataset: Dataset,
    store: Store,
    portal: PortalAddress,
    say: Callable[[str], None],
    *,
    patience: Patience | None = None,
) -> Rebuilt:
    """Make `portal` show the current version and keep every older one, as the store has them.

    The current version comes first, so that readers wait no longer than they must. Every file is read back and sent
    again where it is missing or other bytes; DataStore tables are loaded whole. A portal that was emptied gives its
    files new addresses. Run again after a failure, it goes on. Raises CallError before the first version,
    StoreDamagedError, PortalError.
    """
    version = current(store, dataset.name)
    if version is None:
        raise CallError(f"{dataset.name} has no version yet.", f"Make one first: glane run {dataset.name}.")
    if faults := verify_store(store, dataset.name):
        raise StoreDamagedError(
            f"The store itself is not whole. {faults[0].where}: {faults[0].what}",
            f"Bring them back from a backup (glane verify {dataset.name} names each), then rebuild.",
        )
    receipt = publish(version, dataset, store, portal, say, patience=patience, afresh=True)
    sent, sent_bytes, brought = receipt.sent, receipt.sent_bytes, []
    if dataset.line.files == "store":
        # What readers download is the store itself.
        return Rebuilt(receipt, (), sent, sent_bytes, receipt.sent_in_all)
    with store.writer(), Api(portal, patience) as api:
        site_url = str(api.read("status_show").get("site_url") or portal.url).rstrip("/")
        organisation = str(api.read("package_show", id=dataset.name)["organization"]["name"])
        archives = find_archives(api, dataset.name)
        for line in listed(store, dataset.name)[:-1]:
            older = load_line(store, dataset.name, line)
            uploader = Uploader(api, store, dataset, older, site_url, say)
            archive = choose_archive(archives, older)
            done = uploader.bring(archive, organisation, f"{site_url}/dataset/{dataset.name}")
            page = api.read("package_show", id=layout.archive_name(dataset.name, archive.number))
            archives[archive.number - 1 :] = [Archive(archive.number, page), *archives[archive.number :]]
            if done.sent:
                brought.append(older.version)
            sent, sent_bytes = sent + done.sent, sent_bytes + done.sent_bytes
        sent_in_all = receipt.sent_in_all + api.sent_bytes
    return Rebuilt(receipt, tuple(brought), sent, sent_bytes, sent_in_all)
