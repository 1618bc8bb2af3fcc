"""Asks a geocoding service, as its documentation says: a file of addresses, or one address at a time.

Belongs here: the two forms of request and of answer. Does not belong here: retries, limits and which hosts may be asked
(fetch/), whether an answer is believed (points.py).

By csv: a form with the file as `data`, `columns` and `citycode` naming its columns; the file comes back with latitude,
longitude, result_label, result_score, result_type and result_status (ok, not-found, skipped, error) added.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from sources.clean.coordinates import as_number
from sources.fetch.failures import ContentError
from sources.fetch.http import Client
from sources.geocoding.declared import Service
from sources.geocoding.points import Address, Answer

_RESULTS = ("latitude", "longitude", "result_label", "result_score", "result_type", "result_status")

Answers = Iterator[dict[Address, Answer]]
"""Answers as they come, so that a service that fails on the way has not worked in vain."""


def ask(service: Service, addresses: Sequence[Address], client: Client, day: str) -> Answers:
    """Ask for all `addresses`; `day` is the day of the answers. Raises HarvestError, ContentError."""
    return (
        _by_file(service, addresses, client, day)
        if service.by == "csv"
        else _one_by_one(service, addresses, client, day)
    )


def _by_file(service: Service, addresses: Sequence[Address], client: Client, day: str) -> Answers:
    # An empty code might be taken for a filter that nothing fits: addresses with and without one go apart.
    for coded in (True, False):
        group = [address for address in addresses if bool(address.insee) == coded]
        for start in range(0, len(group), service.batch):
            yield _file(service, group[start : start + service.batch], coded, client, day)


def _file(service: Service, group: Sequence[Address], coded: bool, client: Client, day: str) -> dict[Address, Answer]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["n", "address", "citycode"] if coded else ["n", "address"])
    for number, address in enumerate(group):
        writer.writerow([number, address.text, address.insee] if coded else [number, address.text])
    form = [("columns", "address"), *([("citycode", "citycode")] if coded else [])]
    form += [("result_columns", name) for name in _RESULTS]
    answer = client.post(service.url, form, ("data", "addresses.csv", text.getvalue().encode(), "text/csv"))
    found: dict[Address, Answer] = {}
    try:
        rows = {int(row["n"]): row for row in csv.DictReader(io.StringIO(answer.decode("utf-8-sig"), newline=""))}
        for number, address in enumerate(group):
            row = rows[number]
            if (row.get("result_status") or "ok") != "error":
                point = (row["latitude"], row["longitude"], row["result_score"])
                found[address] = _answer(day, *point, row.get("result_type"), row.get("result_label"))
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise ContentError(
            f"{service.url} gave no file of points (it begins with {answer[:40]!r}).",
            "Correct 'service' (geocode:) in source.yaml, or try again later.",
        ) from error
    return found


def _one_by_one(service: Service, addresses: Sequence[Address], client: Client, day: str) -> Answers:
    for address in addresses:
        url = service.url.replace("{address}", quote(address.text, safe="")).replace("{insee}", quote(address.insee))
        value, _, _ = client.json(url)
        told = [_at(value, path) for path in (service.latitude, service.longitude, service.score)]
        words = [_at(value, path) for path in (service.precision, service.label)]
        yield {address: _answer(day, *told, *words)}


def _answer(day: str, latitude: Any, longitude: Any, score: Any, precision: Any, label: Any) -> Answer:
    north, east, sure = (
        as_number(str(value)) if value not in (None, "") else None for value in (latitude, longitude, score)
    )
    if north is None or east is None or abs(north) > 90 or abs(east) > 180:
        return Answer(day)
    return Answer(day, north, east, sure, str(precision or ""), str(label or ""))


def _at(value: Any, path: str | None) -> Any:
    for step in path.split(".") if path else ():
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value if path else None
