"""Writes the declaration that is proposed for a partner: source.yaml as a person would, with marks where it is unsure.

Belongs here: the text of source.yaml. Does not belong here: what is in it (matching.py), the sample (sampling.py).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from rapidfuzz import fuzz, process

from glane.text import Text
from schemas.dataset import Table
from sources.declaration import FileFormat
from sources.proposal.matching import SURE, Custom, Match, Matching, split_of
from sources.terms import Terms, fold

_NEAR = 80
_TERMS_MAX = 40


@dataclass(frozen=True)
class Credit:
    """What only a person knows: whose data it is, and on which terms."""

    title: Text
    organisation: str
    licence: str
    attribution: str
    language: str
    country: str


def declaration(
    credit: Credit,
    where: Mapping[str, Any],
    written: FileFormat,
    found: Matching,
    custom: Custom,
    *,
    main: bool,
    active: bool,
) -> str:
    """The text of source.yaml. `main`: the table is the dataset's first, which need not be named. `active`: a person
    has said yes to what is proposed; otherwise nothing is harvested before somebody has read it."""
    lines = [
        f"title: {_flow({'fr': credit.title.fr, 'en': credit.title.en})}",
        f"organisation: {_flow(credit.organisation)}",
        "contact: {role: à compléter / to be filled in}",
        f"licence: {credit.licence}",
        f"attribution: {_flow(credit.attribution)}",
        *([] if active else ["state: paused  # ? read what follows, then write 'active'"]),
        "cadence: monthly",
        f"language: {credit.language}",
        f"country: {_flow(credit.country)}",
        *([] if main else [f"table: {found.table.name}"]),
        "",
        f"where: {_flow(dict(where))}",
        f"format: {_flow(written.model_dump(exclude_defaults=True))}",
        "",
        _identity(found),
        "map:",
        *_map(found, custom, credit),
    ]
    if found.rest:
        lines += ["", "# For no field that we know: never published. Map them above, or leave them here."]
        lines += ["ignore:", *(f"  - {_flow(name)}" for name in found.rest)]
    return "\n".join(lines) + "\n"


def _identity(found: Matching) -> str:
    if found.identity:
        return f"id: {_flow({'columns': list(found.identity)})}"
    fields = identity_fields(found)
    mark = "  # ? no column of the file has a number of its own for each row"
    return f"id: {_flow({'fields': fields})}{mark}" if fields else f"# id: ?{mark[4:]}"


def identity_fields(found: Matching) -> list[str]:
    """The mapped fields that tell rows apart where the file has no number of its own: the longest key on which rows of
    this table are merged, else the required ones."""
    mapped = set(found.matches)
    keys = [key for key in found.table.line.merge.same if set(key) <= mapped]
    required = [
        name
        for name in found.table.fields
        if name in mapped and found.table.field(name).get("constraints", {}).get("required")
    ]
    return max(keys, key=len, default=required)


def _map(found: Matching, custom: Custom, credit: Credit) -> Iterator[str]:
    table = found.table
    for name in table.fields:
        if name in found.matches:
            yield from _field(table, found.matches[name], custom)
        elif found.days and any(rule.rule == "opening_hours" and name in rule.fields for rule in table.line.rules):
            days = {day: names[0] if len(names) == 1 else list(names) for day, names in found.days.items()}
            yield f"  {name}: {_flow({'days': days})}"
        elif found.point and (axis := _axis(table, name)):
            metres = {"projection": "lambert93"} if len(found.point) == 2 else {}
            yield f"  {name}: {_flow({'point': list(found.point), 'axis': axis, **metres})}"
        elif name in table.line.terms and table.line.terms[name].list == "countries":
            yield f"  {name}: {_flow({'constant': credit.country})}"


def _axis(table: Table, name: str) -> str | None:
    geometry = table.line.geometry
    return None if geometry is None else {geometry.latitude: "latitude", geometry.longitude: "longitude"}.get(name)


def _field(table: Table, match: Match, custom: Custom) -> Iterator[str]:
    mapping: dict[str, Any] = {"column": match.column.name}
    if match.split is not None:
        mapping["split"] = match.split
    if cleaners := _cleaners(table, match, custom):
        mapping["clean"] = list(cleaners)
    written = match.column.name if list(mapping) == ["column"] else mapping
    mark = "" if match.score >= SURE else f"  # ? not sure ({match.score:.0%})"
    terms = list(_terms(table, match))
    if not terms:
        yield f"  {match.field}: {_flow(written)}{mark}"
        return
    yield f"  {match.field}:{mark}"
    yield from (f"    {key}: {_flow(value)}" for key, value in mapping.items())
    yield "    # Terms of the file that our list does not know: take the '#' away where the proposal is right."
    yield "    # terms:"
    yield from (f"    #   {_flow(theirs)}: {_flow(ours)}" for theirs, ours in terms)


def _cleaners(table: Table, match: Match, custom: Custom) -> tuple[str, ...]:
    """What other partners' columns of the field are cleaned with; dates by how this file writes them."""
    if table.field(match.field).get("type") == "date":
        return ("date_fr",) if match.column.looks["date_fr"] > 0.3 else ()
    return custom.cleaners.get(match.field, ())


def _terms(table: Table, match: Match) -> Iterator[tuple[str, str]]:
    """The file's terms that the field's list does not know, with the nearest of ours where one is near."""
    declared = table.line.terms.get(match.field)
    if declared is None:
        return
    ours = {term: term for term in table.terms[declared.list]} | table.synonyms[declared.list]
    known, folded = Terms(ours), {fold(text): text for text in ours}
    told: dict[str, str] = {}
    for value in match.column.values:
        for part in split_of(value, match.split):
            if known.find(part) is None and part not in told and len(told) < _TERMS_MAX:
                near = process.extractOne(fold(part), list(folded), scorer=fuzz.token_sort_ratio, score_cutoff=_NEAR)
                told[part] = ours[folded[near[0]]] if near else ""
    yield from told.items()


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000)
    text = text.removesuffix("\n").removesuffix("\n...")
    # Cells with line breaks: what JSON writes is YAML too, and stays on its line.
    return json.dumps(value, ensure_ascii=False) if "\n" in text else text
