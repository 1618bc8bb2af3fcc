"""Rules on dates: not in the future, one after the other, not past.

Belongs here: comparing dates with each other and with the day. Does not belong here: whether a cell is a date, which
the Table Schema says; a cell that is none is left to it.
"""

import datetime
import re
from collections.abc import Iterator

from schemas.rules.rule import ByDay, Cells, Finding, Rule, Settings

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:[T ].*)?")
_DAY = datetime.timedelta(days=1)


def _first_day(cell: str | None) -> datetime.date | None:
    """The day that an ISO date, date and time, month or year begins with; None where it is none of these."""
    match = _DATE.fullmatch(cell or "")
    if match is None:
        return None
    try:
        return datetime.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None


def _date_not_future(cells: Cells, settings: ByDay) -> Iterator[Finding]:
    for name, cell in cells.items():
        day = _first_day(cell)
        if day is not None and day > settings.today:
            yield Finding(name, "date_not_future")


def _future_turn(cells: Cells, settings: ByDay) -> datetime.date | None:
    days = [day for day in map(_first_day, cells.values()) if day is not None and day > settings.today]
    return min(days, default=None)


def _after(cells: Cells, _: Settings) -> Iterator[Finding]:
    (start, first), (end, last) = cells.items()
    begins, ends = _first_day(first), _first_day(last)
    if begins is not None and ends is not None and len(first or "") == len(last or "") and ends < begins:
        yield Finding(end, "after", {"start": start})


def _expired(cells: Cells, settings: ByDay) -> Iterator[Finding]:
    for name, cell in cells.items():
        day = _first_day(cell)
        if day is not None and day < settings.today:
            yield Finding(name, "expired")


def _expired_turn(cells: Cells, settings: ByDay) -> datetime.date | None:
    days = [day for day in map(_first_day, cells.values()) if day is not None and day >= settings.today]
    return min(days) + _DAY if days and min(days) < datetime.date.max else None


RULES = (
    Rule("date_not_future", _date_not_future, 1, None, settings=ByDay, turn=_future_turn),
    Rule("after", _after, 2, 2),
    Rule("expired", _expired, 1, None, settings=ByDay, turn=_expired_turn),
)
