"""A table whose fields changed: its resource stays a while, frozen, and another is filled before it takes its place.

Belongs here: how such resources are known on a page, which tables need them, until when they stay, every field of
theirs. Does not belong here: filling tables and flipping the page (publication.py).

A resource of the page is known by its glane_key. While the page shows 1.4.0 under "sites.csv" and 2.0.0 comes with
other fields, "sites.csv@next" is made and filled, without a link; the flip makes it "sites.csv", and the former one
"sites.csv@1.4.0": it keeps its id, its link and its DataStore table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from glane.store import Store
from glane.text import LANGUAGES, Text
from publish.ckan import words
from publish.ckan.background import History
from publish.ckan.columns import Loadable, content_of, loadable
from publish.ckan.layout import CONTENT, DATASTORE, LEASE, UPDATING
from publish.diff import csv_of, descriptor_of, schemas_of, whole_csv
from publish.formats.delimited import read_csv
from publish.number import Level, schema_changes
from publish.telling import day
from publish.version import Version, listed, load
from schemas.dataset import Dataset
from schemas.governance import Notice

UNTIL = "glane_until"
GRACE = timedelta(days=30)
"""How long a former table stays where no later day was announced."""

_NEXT = "next"
Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Former:
    """The table of an older version that stays on the page: the key it had, `fields` of its resource from now on."""

    key: str
    version: str
    fields: Mapping[str, Any]


def next_key(key: str) -> str:
    """The key of the resource that is filled to become `key`."""
    return f"{key}@{_NEXT}"


def frozen_key(key: str, version: str) -> str:
    """The key of the resource that was `key` until the fields changed after `version`."""
    return f"{key}@{version}"


def is_current(key: str) -> bool:
    """Whether a resource shows the page's own version: neither frozen nor in preparation."""
    return "@" not in key


def last_day(notice: Notice | None, created: str) -> date:
    """Until when a former table stays beside the version made at `created`: the announced day, if that is later."""
    made = date.fromisoformat(created[:10])
    return notice.date if notice is not None and notice.date > made else made + GRACE


def awaited(dataset: Dataset, key: str, table: str) -> dict[str, Any]:
    """The resource of a table that is not on the page yet: readers see that it is coming, and no link."""
    title = dataset.table(table).line.title
    texts = {one: words.say("next", one, title=title[one]) for one in LANGUAGES}
    return {
        "name": words.title(Text(**texts)),
        "description": "\n\n".join(words.say("next_note", one) for one in LANGUAGES),
        "url": "",
        "url_type": "datapusher",
        "format": "CSV",
        "glane_key": next_key(key),
        **({DATASTORE: UPDATING} if dataset.line.datastore == "glane" else {}),
    }


def find_formers(
    store: Store,
    dataset: Dataset,
    version: Version,
    loads: Mapping[str, Loadable],
    found: Mapping[str, Resource],
    history: History,
    today: date,
) -> dict[str, Former]:
    """The former tables that belong on the page beside `version`, by the key they have then.

    `found` are the resources of the page by their key, `loads` the tables that `version` has in the DataStore. Those
    that are frozen stay until their day; those whose fields `version` changes are frozen now. One that another store
    published is left as it is.
    """
    known = {line.version for line in listed(store, dataset.name)}
    addresses = {past.version: past.addresses for past in history.recent}
    formers: dict[str, Former] = {}
    for glane_key, resource in found.items():
        key, _, mark = glane_key.partition("@")
        shown, table = str(resource.get("glane_version") or ""), key.removesuffix(".csv")
        if mark == _NEXT or (mark and not _stays(resource, today)):
            continue
        if shown not in known:
            if mark:
                formers[glane_key] = Former(key, shown, {})
            continue
        if mark:
            until = date.fromisoformat(str(resource[UNTIL]))
        elif _breaks(store, dataset, version, loads, shown, table, resource):
            until = last_day(dataset.line.notice, version.created)
        else:
            continue
        fields = _fields(store, dataset, shown, table, until, addresses.get(shown, {}))
        formers[frozen_key(key, shown)] = Former(key, shown, fields)
    return formers


def load_former(store: Store, dataset: str, former: Former) -> Loadable:
    """The rows of a former table, typed as they were. Raises VersionError."""
    return _loaded(store, load(store, dataset, former.version), former.key.removesuffix(".csv"))


def _stays(resource: Resource, today: date) -> bool:
    try:
        return date.fromisoformat(str(resource.get(UNTIL) or "")) >= today
    except ValueError:
        return False


def _breaks(
    store: Store,
    dataset: Dataset,
    version: Version,
    loads: Mapping[str, Loadable],
    shown: str,
    table: str,
    resource: Resource,
) -> bool:
    """Whether `version` changes the fields of a table that we loaded: by the recipe, or in the DataStore's types."""
    if dataset.line.datastore != "glane" or not resource.get(CONTENT) or shown == version.version:
        return False
    old = load(store, dataset.name, shown)
    was = schemas_of(descriptor_of(store, old)).get(table)
    if was is None:
        return False
    if table not in loads:
        return True
    becomes = schemas_of(descriptor_of(store, version))[table]
    if any(change.level is Level.MAJOR for change in schema_changes(table, was, becomes)):
        return True
    now = loads[table]
    if resource[CONTENT] == content_of(now, csv_of(old, table).sha256):
        return False
    # Words of the dictionary changed, or a type that follows from the cells: only the old rows tell.
    return not _loaded(store, old, table).has_shape_of(now)


def _loaded(store: Store, version: Version, table: str) -> Loadable:
    schema = schemas_of(descriptor_of(store, version))[table]
    return loadable(schema, read_csv(whole_csv(store, version, table)))


def _fields(
    store: Store, dataset: Dataset, shown: str, table: str, until: date, addresses: Mapping[str, str]
) -> dict[str, Any]:
    """What is wanted of a frozen resource; its link is made good where the page tells where that version is now."""
    old = load(store, dataset.name, shown)
    (described,) = [one for one in descriptor_of(store, old)["resources"] if one["name"] == table]
    text = "frozen" if any(one.name == table for one in dataset.tables) else "frozen_gone"
    names = {
        one: words.say("frozen_title", one, title=described["titles"][one], number=shown, until=until.isoformat())
        for one in LANGUAGES
    }
    notes = [words.say(text, one, number=shown, until=day(until.isoformat(), one)) for one in LANGUAGES]
    url = addresses.get(csv_of(old, table).path)
    return {
        "name": words.title(Text(**names)),
        "description": "\n\n".join(notes),
        "glane_key": frozen_key(f"{table}.csv", shown),
        UNTIL: until.isoformat(),
        DATASTORE: shown,
        LEASE: "",
        **({"url": url, "download_url": url} if url else {}),
    }
