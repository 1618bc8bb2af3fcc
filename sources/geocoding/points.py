"""Which rows want a point, and what is made of the answers: pure decisions.

Belongs here: the address of a row as it is sent, whether an answer is believed, the rows and questions that follow.
Does not belong here: asking (services.py), keeping answers (geocoding.py).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.dataset import Geometry
from schemas.judgement import LINE, Found, Problem
from schemas.phrases import say
from sources.clean.coordinates import written
from sources.geocoding.declared import Geocode


@dataclass(frozen=True)
class Address:
    """What is sent of a row: its address, and the code of its commune (empty: none)."""

    text: str
    insee: str = ""

    def key(self, service: str) -> str:
        """What the answer of `service` is kept under: nobody reads the address in it."""
        return hashlib.sha256("\x1f".join((service, self.text, self.insee)).encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What a service said of an address, on the day `at`: no point where it found none."""

    at: str
    latitude: float | None = None
    longitude: float | None = None
    score: float | None = None
    precision: str = ""
    label: str = ""

    def believed(self, declared: Geocode) -> bool:
        """Whether its point may be published."""
        if self.latitude is None or self.longitude is None:
            return False
        sure = self.score is None or self.score >= declared.threshold
        return sure and (not declared.accept or self.precision in declared.accept)


def wanted(rows: pl.DataFrame, declared: Geocode, geometry: Geometry) -> dict[int, Address]:
    """{number of the row: its address}, of the rows that have an address and neither coordinate."""
    found: dict[int, Address] = {}
    for number, row in enumerate(rows.iter_rows(named=True)):
        if row[geometry.latitude] or row[geometry.longitude]:
            continue
        if any((row[name] or "") not in values for name, values in declared.only.items()):
            continue
        text = " ".join(" ".join(row[name].split()) for name in declared.address if row[name])
        if text:
            found[number] = Address(text, (row[declared.insee] or "") if declared.insee else "")
    return found


def placed(
    rows: pl.DataFrame, asked: Mapping[int, Address], answers: Mapping[Address, Answer], declared: Geocode, at: Geometry
) -> tuple[pl.DataFrame, list[Found]]:
    """The rows with the points that are believed, and what is said of each answered row: where its point is from, or
    the question to its partner."""
    lines = rows[LINE].to_list()
    columns: dict[str, list[str | None]] = {
        name: rows[name].to_list()
        for name in (at.latitude, at.longitude, declared.score, declared.precision)
        if name is not None
    }
    said: list[Found] = []
    for number, address in asked.items():
        answer = answers.get(address)
        if answer is None:
            continue
        if answer.believed(declared):
            for name, value in _cells(answer, declared, at):
                columns[name][number] = value
        said.append((number, _said(lines[number], at.latitude, address, answer, declared)))
    return rows.with_columns(pl.Series(name, values, pl.String) for name, values in columns.items()), said


def _cells(answer: Answer, declared: Geocode, at: Geometry) -> Iterable[tuple[str, str]]:
    assert answer.latitude is not None
    assert answer.longitude is not None
    yield at.latitude, written(answer.latitude)
    yield at.longitude, written(answer.longitude)
    if declared.score is not None and answer.score is not None:
        yield declared.score, f"{answer.score:.2f}"
    if declared.precision is not None:
        yield declared.precision, answer.precision


def _said(line: int, field: str, address: Address, answer: Answer, declared: Geocode) -> Problem:
    if answer.believed(declared):
        phrase = say("geocoding.found", precision=answer.precision or "?")
        return Problem(line, field, "geocode", "info", address.text, phrase.wrong, remedy=phrase.write)
    if answer.latitude is None:
        phrase = say("geocoding.unknown")
    else:
        score = "?" if answer.score is None else f"{answer.score:.2f}"
        phrase = say("geocoding.doubtful", label=answer.label or "?", precision=answer.precision or "?", score=score)
    return Problem(line, field, "geocode", "warning", address.text, phrase.wrong, remedy=phrase.write)
