"""How a publication ended, in a form that two of them can be compared by: pages, archive, files, DataStore, leftovers.

Ids and times are left out; addresses are told by what they lead to.
"""

import re
from collections.abc import Collection
from typing import Any

import requests

from publish.ckan.layout import LEASE, archive_name
from tests.fixtures_portal import Portal, call

_PASSING = frozenset(
    {
        *("metadata_created", "metadata_modified", "created", "last_modified", "metadata_last_modified"),
        *("id", "package_id", "creator_user_id", "position", "_id", "revision_id", "state", "datastore_active"),
    }
)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What is left of an address whose file went as declared (derived formats of older versions)."""

_NAMES_ADDRESSES = ("datapackage.json", "feed.xml")


def pages(portal: Portal, dataset: str) -> list[dict[str, Any]]:
    """The dataset's page and the pages that keep its versions, as far as they are there."""
    found = [call(portal, "package_show", id=dataset)]
    while (archive := call(portal, "package_show", id=archive_name(dataset, len(found)))) is not None:
        found.append(archive)
    return [page for page in found if page is not None]


def tables(portal: Portal) -> set[str]:
    """The ids of all DataStore tables of the portal."""
    found = call(portal, "datastore_search", resource_id="_table_metadata", limit=32_000, fields=["name"])
    return {str(record["name"]) for record in found["records"] if not str(record["name"]).startswith("_")}


def ending(portal: Portal, dataset: str, tables_before: Collection[str] = ()) -> dict[str, Any]:
    """The whole state of `dataset` on the portal, comparable. `tables_before`: DataStore tables of others."""
    found = pages(portal, dataset)
    labels = {
        str(resource["id"]): str(resource.get("glane_key") or resource["name"])
        for page in found
        for resource in page["resources"]
    } | {str(page["id"]): str(page["name"]) for page in found}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(part) for name, part in value.items() if name not in _PASSING}
        if isinstance(value, list):
            return [plain(part) for part in value]
        return _labelled(value, labels) if isinstance(value, str) else value

    ended: dict[str, Any] = {}
    for number, page in enumerate(found):
        resources = [_described(portal, plain(one), one, labels) for one in page["resources"]]
        if number:
            resources.sort(key=lambda one: str(one["name"]))
        extras = {one["key"]: plain(one["value"]) for one in page["extras"]}
        fields = {**plain(page), "extras": extras, "resources": resources, "num_resources": len(resources)}
        ended[page["name"]] = fields
    ended["DataStore"] = {
        str(one.get("glane_key")): _table(portal, one["id"])
        for one in found[0]["resources"]
        if one.get("datastore_active")
    }
    ended["leases"] = [one[LEASE] for page in found for one in page["resources"] if one.get(LEASE)]
    ended["tables"] = sorted(labels.get(name, "an orphan") for name in tables(portal) - set(tables_before))
    return ended


def _described(portal: Portal, plain: dict[str, Any], resource: dict[str, Any], labels: dict[str, str]) -> Any:
    """A resource; where its file names addresses, by what it says instead of by its hash."""
    if str(resource["name"]).endswith(_NAMES_ADDRESSES) or resource.get("glane_key") in _NAMES_ADDRESSES:
        text = requests.get(resource["url"], timeout=60).text
        plain = {name: part for name, part in plain.items() if name not in ("hash", "sha256", "size")}
        plain["says"] = _labelled(text, labels)
    return {name: part for name, part in plain.items() if name != LEASE}


def _labelled(text: str, labels: dict[str, str]) -> str:
    for identifier, label in labels.items():
        text = text.replace(identifier, f"<{label}>")
    return _ID.sub("<gone>", text)


def _table(portal: Portal, identifier: str) -> Any:
    found = call(portal, "datastore_search", resource_id=identifier, limit=32_000, sort="id")
    if found is None:
        return "no table"
    return {
        "fields": [field for field in found["fields"] if field["id"] != "_id"],
        "rows": [{name: cell for name, cell in row.items() if name != "_id"} for row in found["records"]],
        "total": found["total"],
    }


def purge(portal: Portal, dataset: str) -> None:
    """Take the dataset off the portal, its DataStore tables too."""
    for page in pages(portal, dataset):
        for resource in page["resources"]:
            if resource.get("glane_datastore"):
                call(portal, "datastore_delete", resource_id=resource["id"], force=True)
        call(portal, "dataset_purge", id=page["id"])


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two endings differ, each place with what stands there."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        parts = [differences(one.get(name), other.get(name), f"{where}/{name}") for name in names]
        return [line for part in parts for line in part]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for n, (a, b) in pairs for line in differences(a, b, f"{where}/{n}")]
    if isinstance(one, str) and isinstance(other, str) and max(len(one), len(other)) > 200:
        pairs = zip(one.splitlines(), other.splitlines(), strict=False)
        return [f"{where}, line {n}: {a!r} instead of {b!r}" for n, (a, b) in enumerate(pairs, 1) if a != b] or (
            [] if one == other else [f"{where}: cut"]
        )
    return [] if one == other else [f"{where}: {one!r} instead of {other!r}"]
