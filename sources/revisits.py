"""How often a source is asked: at its cadence while it changes, more seldom the longer it has not.

Belongs here: the decision, pure, from when its bytes last changed and when it was last asked. Does not belong here:
who asks (pipelines/automation.py), nor how a server says that nothing changed (fetch/ladder.py).

The next question comes after a tenth of the time for which the bytes have stood, as caches reckon where a server names
no term (RFC 9111, 4.2.2); never sooner than the declared cadence, never later than the declared `slowest` (a week, or a
longer cadence). So no change is found later than a tenth of the time that it took to come, and nothing has to be
remembered but two dates. One change brings the source back to its cadence. A source that fails is asked at its cadence.
"""

from datetime import datetime, timedelta

from sources.declaration import Cadence

_SHARE = 10
_PERIODS: dict[Cadence, timedelta] = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "yearly": timedelta(days=366),
}
# A schedule's tick is never exactly a period after the last: a run takes its time, clocks change twice a year.
_EARLY = 0.2


def next_check(cadence: Cadence, slowest: Cadence | None, *, checked: datetime, changed: datetime) -> datetime | None:
    """When a source whose bytes `changed` and were last `checked` then is to be asked again; None: never (`once`)."""
    if cadence == "once":
        return None
    most = longest(cadence, slowest)
    assert most is not None
    return checked + min(most, max(_PERIODS[cadence], (checked - changed) / _SHARE))


def longest(cadence: Cadence, slowest: Cadence | None) -> timedelta | None:
    """The longest time between two questions; None for a source that is asked once."""
    if cadence == "once":
        return None
    return max(_PERIODS[cadence], _PERIODS["weekly" if slowest is None or slowest == "once" else slowest])


def is_due(next_at: datetime | None, cadence: Cadence, now: datetime) -> bool:
    """Whether a tick of the schedule at `now` asks a source whose next check is at `next_at` (None: never asked)."""
    if cadence == "once":
        return False
    return next_at is None or now >= next_at - _PERIODS[cadence] * _EARLY
