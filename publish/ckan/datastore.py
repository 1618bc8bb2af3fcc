"""The DataStore table of a CSV resource: typed from the schema, brought forward by delta or loaded whole.

Belongs here: moving a table from one version to the next, and taking it away. Does not belong here: what a table's
columns and records are (columns.py), when this happens, and what the resource says meanwhile (publication.py).

No call asks CKAN to count the rows anew: a count that a job of the portal makes while we still write would stay for
good (2.12 keeps it until the next write). The first search counts.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from publish.ckan.api import Api
from publish.ckan.columns import CHUNK, Loadable
from publish.ckan.faults import NoAnswerError, NotThereError, PortalError, RefusedError, UntouchedError
from publish.delta import Difference

SMALL = 10_000
"""Up to so many changed rows, a delta is cheaper than a reload (design, 4)."""

_VIEWS = ("datatables_view", "recline_view", "recline_grid_view", "recline_graph_view", "recline_map_view")
"""The previews of CKAN that show a DataStore table, and nothing without one."""

TellRows = Callable[[int, int], None]
"""Told how many rows have gone, and how many there are."""


def reload(api: Api, resource: str, load: Loadable, tell: TellRows = lambda done, total: None) -> None:
    """Make the table anew with all rows. Raises PortalError."""
    remove_table(api, resource)
    fields = {"fields": list(load.columns), "primary_key": list(load.key)}
    _write(api, "datastore_create", resource, fields)
    done = 0
    for records in load.records(load.rows):
        _insert(api, resource, records)
        done += len(records)
        tell(done, load.rows.height)
    _check(api, resource, load)


def move(
    api: Api, resource: str, load: Loadable, difference: Difference, tell: TellRows = lambda done, total: None
) -> None:
    """Bring the table forward over `difference`, whose new end is `load`.

    Rows that changed are updated, not upserted: the upsert of 2.12 leaves their full-text index as it was, so that a
    search finds the old words and not the new ones. Raises PortalError; RefusedError where a row is not there.
    """
    (key,) = load.key
    ways = {"update": difference.changed.select(key).unique(), "upsert": difference.added.select(key)}
    rows = {how: load.rows.join(keys, on=key, how="semi") for how, keys in ways.items()}
    gone = difference.removed[key].to_list()
    done, total = 0, sum(frame.height for frame in rows.values()) + len(gone)
    for how, frame in rows.items():
        for records in load.records(frame):
            _write(api, "datastore_upsert", resource, {"method": how, "records": records})
            done += len(records)
            tell(done, total)
    for start in range(0, len(gone), CHUNK):
        _write(api, "datastore_delete", resource, {"filters": {key: gone[start : start + CHUNK]}})
        tell(done := min(total, done + CHUNK), total)
    _check(api, resource, load)


def movable(load: Loadable, difference: Difference | None) -> bool:
    """Whether a delta is the cheaper way: few rows, and one key field that the table holds as it is written."""
    if difference is None or len(load.key) != 1:
        return False
    (key,) = load.key
    if load.types[key] in ("bool", "timestamp"):
        return False
    sides = (difference.added, difference.changed, difference.removed)
    if any(side[key].str.contains("\0", literal=True).any() for side in sides):
        return False
    return difference.added.height + difference.rows_changed + difference.removed.height <= SMALL


def remove_table(api: Api, resource: str) -> None:
    """Take the whole table away; one that is not there is fine. Raises PortalError."""
    data = {"resource_id": resource, "force": True}
    with contextlib.suppress(NotThereError):
        api.write("datastore_delete", data, done=lambda: _gone(api, resource))


def remove_views(api: Api, resource: str) -> None:
    """Take away the previews that show a DataStore table. Raises PortalError."""
    for view in api.read("resource_view_list", id=resource):
        if view["view_type"] in _VIEWS:
            with contextlib.suppress(NotThereError):
                api.write("resource_view_delete", {"id": view["id"]}, done=_never)


def _insert(api: Api, resource: str, records: list[dict[str, Any]]) -> None:
    """Add rows to a table that has none of them: a third faster than an upsert, which heals a call done twice."""
    data = {"resource_id": resource, "force": True, "calculate_record_count": False, "records": records}
    try:
        api.write("datastore_upsert", {**data, "method": "insert"})
    except UntouchedError:
        raise
    except (NoAnswerError, RefusedError):
        _write(api, "datastore_upsert", resource, {"method": "upsert", "records": records})


def _write(api: Api, action: str, resource: str, data: dict[str, Any]) -> None:
    whole = {"resource_id": resource, "force": True, "calculate_record_count": False, **data}
    api.write(action, whole, done=_never)


def _never() -> None:
    """These calls give the same outcome when made twice: a lost answer is made good by calling again."""


def _gone(api: Api, resource: str) -> bool | None:
    return True if api.find("datastore_search", resource_id=resource, limit=0) is None else None


def _check(api: Api, resource: str, load: Loadable) -> None:
    total = api.read("datastore_search", resource_id=resource, limit=0)["total"]
    if total != load.rows.height:
        # A reader who asked while we wrote may have left CKAN its count of then; a write of no rows makes CKAN forget.
        _write(api, "datastore_upsert", resource, {"method": "upsert", "records": []})
        total = api.read("datastore_search", resource_id=resource, limit=0)["total"]
    if total != load.rows.height:
        raise PortalError(
            f"The DataStore table {resource} has {total} rows instead of {load.rows.height}.",
            "Run again: it will be loaded whole. If it stays so, a loader of the portal fights over the table.",
        )
