"""What is wrong with a table's declaration once it is held against its Table Schema.

Belongs here: fields that are not there, rules, decisions and links that do not fit. Does not belong here: the models,
how they are read (dataset.py).
"""

import datetime
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from glane.declaration import Fault, lines_of
from schemas.expectations.declaration import fields_of
from schemas.linking import wrong_table
from schemas.personal.decisions import misfits
from schemas.rules.prepare import RuleError, prepared
from schemas.territory.declaration import unlisted

if TYPE_CHECKING:
    from schemas.dataset import Table, TableLine


def faults_of(declared_in: Path, number: int, table: "Table") -> list[Fault]:
    """All that is wrong with the table that stands at `number` in the dataset.yaml `declared_in`."""
    return [
        *_unknown_fields(declared_in, number, table),
        *_wrong_rules(declared_in, number, table.line),
        *_wrong_decisions(declared_in, number, table),
        *_wrong_links(declared_in, number, table),
        *unlisted(declared_in, number, table.line.territory),
    ]


def _unknown_fields(declared_in: Path, number: int, table: "Table") -> list[Fault]:
    faults = []
    lines = lines_of(declared_in)
    for at, name in _named_fields(table.line):
        if name in table.fields:
            continue
        path = ("tables", number, *at)
        near = difflib.get_close_matches(name, table.fields, n=1, cutoff=0.6)
        remedy = f"Did you mean {near[0]!r}?" if near else "Correct its name."
        known = next(path[:size] for size in range(len(path), -1, -1) if path[:size] in lines)
        what = f"The field {name!r} is not in {table.schema_path.name}."
        faults.append(Fault(lines[known], ".".join(map(str, path)), what, remedy))
    return faults


def _wrong_rules(declared_in: Path, number: int, line: "TableLine") -> Iterator[Fault]:
    for place, rule in enumerate(line.rules):
        try:
            prepared(rule.rule, rule.fields, rule.settings, datetime.date.max)
        except RuleError as error:
            at = ("tables", number, "rules", place)
            yield Fault(lines_of(declared_in)[at], ".".join(map(str, at)), error.what, error.remedy)


def _wrong_decisions(declared_in: Path, number: int, table: "Table") -> Iterator[Fault]:
    for place, what, remedy in misfits(table.line.personal, table.schema, table.rule_fields):
        at = ("tables", number, "personal", *place)
        yield Fault(lines_of(declared_in)[at], ".".join(map(str, at)), what, remedy)


def _wrong_links(declared_in: Path, number: int, table: "Table") -> Iterator[Fault]:
    for at, what, remedy in wrong_table(table.line.links, table.fields, table.terms_of("relation")):
        path = ("tables", number, "links", *at)
        yield Fault(lines_of(declared_in)[path], ".".join(map(str, path)), what, remedy)


def _named_fields(line: "TableLine") -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every field that a table's declaration names, and the path of keys where it does."""
    for key in ("provided", "published_when", "terms"):
        yield from (((key, name), name) for name in getattr(line, key))
    yield from ((("unpublished", number), name) for number, name in enumerate(line.unpublished))
    for number, rule in enumerate(line.rules):
        yield from ((("rules", number, "fields", place), name) for place, name in enumerate(rule.fields))
    yield from ((("merge", *at), name) for at, name in line.merge.named_fields())
    for number, expectation in enumerate(line.expectations):
        for place, name in enumerate(fields_of(expectation)):
            yield ("expectations", number, "fields", place), name
    if line.wikidata:
        yield from ((("wikidata", *at), name) for at, name in line.wikidata.named_fields())
    if line.territory:
        yield from ((("territory", key), name) for key, name in line.territory.columns.items())
    if line.geometry:
        yield from ((("geometry", key), name) for key, name in line.geometry if name is not None)
    if line.origin:
        yield ("origin", "field"), line.origin.field
        yield ("origin", "of"), line.origin.of
