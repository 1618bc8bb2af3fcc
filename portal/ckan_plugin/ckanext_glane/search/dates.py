"""Dates as Solr writes them: ISO 8601 in UTC, and date mathematics (NOW-1YEAR/DAY).

Belongs here: text to date to text. Does not belong here: comparing them (conditions).
"""

import datetime as dt
import re

import pysolr
from dateutil.relativedelta import relativedelta

_EXPRESSION = re.compile(r"(NOW|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?)((?:[+-]\d+[A-Z]+|/[A-Z]+)*)")
_STEP = re.compile(r"([+-]\d+|/)([A-Z]+)")
_UNITS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def stored_date(value):
    """Return a date in the one way it is stored, which sorts as text: UTC to the millisecond.

    Raises pysolr.SolrError if it is no date.
    """
    try:
        moment = dt.datetime.fromisoformat(str(value).removesuffix("Z"))
    except ValueError:
        raise pysolr.SolrError(f"Invalid Date String:'{value}'") from None
    if moment.tzinfo:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def asked_date(expression):
    """Return the date that a query's expression means, as it is stored. Raises pysolr.SolrError if it means none."""
    text = expression.strip('"')
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise pysolr.SolrError(f"Invalid Date String:'{text}'")
    start, steps = match.groups()
    moment = now() if start == "NOW" else dt.datetime.fromisoformat(start.removesuffix("Z"))
    for amount, name in _STEP.findall(steps):
        unit = name.removesuffix("S").lower()
        if unit not in _UNITS:
            raise pysolr.SolrError(f"Invalid Date Math String:'{text}'")
        moment = _floor(moment, unit) if amount == "/" else moment + relativedelta(**{f"{unit}s": int(amount)})
    return stored_date(moment.isoformat())


def now():
    """Return the present in UTC, without saying so, as Solr counts."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def _floor(moment, unit):
    smaller = _UNITS[_UNITS.index(unit) + 1 :]
    return moment.replace(**{name: 1 if name in ("month", "day") else 0 for name in smaller})
