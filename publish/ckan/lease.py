"""The lease: who is publishing a dataset now, written on its first CSV resource so that two never both win.

Belongs here: the lease as a value, and whether an existing one may be taken over. Does not belong here: the calls
(publication.py).
"""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from glane.store import Store
from publish.ckan.faults import BusyError

_IDENTITY = "store.json"
_LEASE = re.compile(
    r"(?P<before>\S+) -> (?P<after>\S+) since (?P<at>[-+:.T0-9]+) from store (?P<store>\S+) token (?P<token>\S+)"
)
DEAD_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Lease:
    """Who publishes: the `store` it publishes from, from which version to which, since when; `token` is drawn anew."""

    store: str
    before: str
    after: str
    at: str
    token: str

    def text(self) -> str:
        """As it stands on the portal; matching it whole is what makes the flip safe.

        No JSON: package_revise would decode a string that looks like it.
        """
        return f"{self.before} -> {self.after} since {self.at} from store {self.store} token {self.token}"


def read_lease(text: str) -> Lease | None:
    """The lease that stands in `text`, None if it is none."""
    found = _LEASE.fullmatch(text)
    return Lease(**found.groupdict()) if found else None


def new_lease(store: Store, before: str | None, after: str, now: datetime) -> Lease:
    """A lease for publishing `after` from this store, at the time that it is for the portal."""
    at = now.astimezone(UTC).isoformat(timespec="seconds")
    return Lease(store_identity(store), before or "nothing", after, at, uuid.uuid4().hex)


def check_free(text: str | None, store: Store, page: str, now: datetime) -> bool:
    """Whether there is no lease (False: there is a dead one that we may take over). Raises BusyError.

    The caller holds the store's writer lock: a lease of this very store belongs to a process that is dead. One of
    another store is believed for an hour by the portal's clock, which is `now`: publishers' own may be wrong. One
    that is further than that in the future was written before the portal's clock was set back.
    """
    if not text:
        return True
    lease = read_lease(text)
    if lease is None:
        return False
    if lease.store == store_identity(store) or _is_dead(lease, now):
        return False
    raise BusyError(
        f"Another publisher has been putting version {lease.after} on {page} since {lease.at}.",
        "Publish from one store only. If that publisher is dead, its lease ends an hour after it began.",
    )


def _is_dead(lease: Lease, now: datetime) -> bool:
    try:
        return abs(now - datetime.fromisoformat(lease.at)) > DEAD_AFTER
    except (ValueError, TypeError):
        # Somebody wrote this by hand: it is no moment, or one without a time zone.
        return True


def store_identity(store: Store) -> str:
    """The name of this store among publishers, drawn once and kept in it."""
    value = store.read_json(_IDENTITY)
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return str(value["id"])
    drawn = uuid.uuid4().hex
    store.write_json(_IDENTITY, {"id": drawn})
    return drawn
