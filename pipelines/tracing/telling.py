"""A trace as people read it, line by line, and as programs do.

Belongs here: which part is told, in which order. Does not belong here: the words (words.py, links.py), printing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from glane.text import Language, Text
from pipelines.tracing import words
from pipelines.tracing.links import Missing
from pipelines.tracing.origin import Origin
from pipelines.tracing.trace import FieldTrace, Trace
from publish.decisions import Decision
from publish.telling import day
from publish.tracing.choosing import Candidate, Chosen
from publish.tracing.ties import Tie
from schemas.tracing import Step

_CREDITS = ("title", "organisation", "licence", "attribution", "snapshot_date", "stale_since")


def lines(found: Trace, language: Language, *, every: bool) -> Iterator[str]:
    """The trace in words; of a whole row only the filled fields, unless `every`."""
    version, row = found.version, found.row
    yield words.text(
        "version",
        language,
        dataset=version.dataset,
        day=day(version.created, language),
        number=version.version,
        table=row.table,
    )
    if row.base != row.table:
        yield "  " + words.text("derived", language, base=row.base)
    yield "  " + words.text("row", language, id=row.id)
    if found.asked != row.id:
        yield "  " + words.text("went_into", language, asked=found.asked, id=row.id)
    yield ""
    yield words.text("origins", language)
    for origin in found.origins:
        yield from _origin(origin, language)
    if found.ties:
        yield ""
        yield words.text("ties", language)
        for tie in found.ties:
            yield from _tie(tie, language)
    told = [one for one in found.fields if every or one.published is not None]
    for field in told:
        yield ""
        yield from _field(found, field, language)
    if len(told) < len(found.fields):
        yield ""
        yield words.text("left_out", language, count=len(found.fields) - len(told))


def to_dict(found: Trace) -> dict[str, Any]:
    """The trace for programs: every text in every language."""
    version, row = found.version, found.row
    return {
        "dataset": version.dataset,
        "version": version.version,
        "created": version.created,
        "table": row.table,
        "derived_from": row.base if row.base != row.table else None,
        "id": row.id,
        "asked": found.asked,
        "agrees": found.agrees,
        "origins": [_origin_dict(one) for one in found.origins],
        "ties": [{**asdict(one), "said": _texts(one.said)} for one in found.ties],
        "fields": [_field_dict(found, one) for one in found.fields],
    }


def _origin(origin: Origin, language: Language) -> Iterator[str]:
    told, line = origin.input, origin.line
    yield "  " + words.text(
        "origin",
        language,
        partner=told.partner,
        organisation=told.organisation,
        licence=told.licence,
        attribution=told.attribution,
    )
    yield "    " + words.text(
        "line",
        language,
        line=origin.place,
        file=origin.file or told.partner,
        day=day(told.snapshot_date, language),
        sha256=line.snapshot,
    )
    own = words.text("own", language, own=line.own)
    yield "    " + own + (words.text("stands", language) if line.stands else "")
    yield from _links(origin.missing, language, "    ")


def _links(links: Sequence[Missing], language: Language, indent: str) -> Iterator[str]:
    for link in links:
        yield f"{indent}[{words.text('missing', language)}] {link.said[language]}"


def _tie(tie: Tie, language: Language) -> Iterator[str]:
    values = {"a": tie.a, "b": tie.b, "line": tie.line, "fields": ", ".join(tie.fields), "score": tie.score}
    yield "  " + words.text(f"tie_{tie.why}", language, **values)
    yield from (f"    {said[language]}" for said in tie.said)


def _field(found: Trace, field: FieldTrace, language: Language) -> Iterator[str]:
    yield field.field
    for origin in found.origins:
        if field.field in origin.fields:
            yield from _brought(origin, field.field, language, alone=len(found.origins) == 1)
    if field.chosen is not None and field.chosen.how != "only":
        yield from _chosen(field.chosen, language)
    for step in field.then:
        yield "  " + _step(step, language)
    for one in field.decided:
        said = words.text("correction", language, line=one.line, by=one.by, on=one.on, why=one.why)
        yield f"    {said}"
    yield from _links(field.missing, language, "  ")
    cell, made = quoted(field.published, language), quoted(field.worked_out, language)
    if field.agrees is None:
        yield "  " + words.text("lost", language, cell=cell)
    elif not field.agrees:
        yield "  " + words.text("other", language, cell=cell, worked_out=made)
    else:
        yield "  " + words.text("same" if field.whole else "same_but", language, cell=cell)


def _brought(origin: Origin, name: str, language: Language, *, alone: bool) -> Iterator[str]:
    field, indent = origin.fields[name], "  "
    if not alone:
        yield f"  {origin.input.partner} ({origin.line.own})"
        indent = "    "
    for column, cell in field.read.items():
        yield indent + words.text("column", language, column=column, cell=quoted(cell or None, language))
    for step in field.steps:
        if not (step.what == "column" and "".join(field.read.values()) == (step.after or "")):
            yield indent + _step(step, language)
    if not origin.traced:
        yield indent + words.text("from_kept", language, cell=quoted(field.kept, language))


def _step(step: Step, language: Language) -> str:
    before = f"{quoted(step.before, language)} -> " if step.before is not None else ""
    because = f" ({words.because(step.because, language)})" if step.because else ""
    return f"{words.step(step.what, language)}{because}: {before}{quoted(step.after, language)}"


def _chosen(chosen: Chosen, language: Language) -> Iterator[str]:
    if chosen.how == "united":
        yield "  " + words.text("how_united", language)
    else:
        order = ", ".join(chosen.order)
        yield "  " + words.text("order", language, count=len(chosen.candidates), order=order)
        if chosen.how in ("point", "id"):
            yield "  " + words.text(f"how_{chosen.how}", language)
    for one in chosen.candidates:
        yield "    " + _candidate(one, language)


def _candidate(one: Candidate, language: Language) -> str:
    by = f" ({words.text(f'by_{one.by}', language)})" if one.by is not None and one.cell is not None else ""
    sign, cell = "*" if one.stood else "-", quoted(one.cell, language)
    return words.text("candidate", language, sign=sign, partner=one.partner, own=one.own, cell=cell, by=by)


def quoted(cell: str | None, language: Language) -> str:
    """A cell as it is shown: between quotes, whole; or that it says nothing."""
    return words.text("empty", language) if cell is None else f'"{cell}"'


def _texts(texts: Sequence[Text]) -> list[dict[str, str]]:
    return [text.model_dump() for text in texts]


def _missing(links: Sequence[Missing]) -> list[dict[str, Any]]:
    return [{"link": one.link, "said": one.said.model_dump()} for one in links]


def _origin_dict(origin: Origin) -> dict[str, Any]:
    credits_ = {name: value for name, value in origin.input.model_dump(mode="json").items() if name in _CREDITS}
    return {
        "partner": origin.input.partner,
        **credits_,
        **asdict(origin.line),
        "file": origin.file,
        "line": origin.place,
        "traced": origin.traced,
        "missing": _missing(origin.missing),
    }


def _decision_dict(one: Decision) -> dict[str, Any]:
    return {**asdict(one), "on": one.on.isoformat(), "until": one.until.isoformat() if one.until else None}


def _field_dict(found: Trace, field: FieldTrace) -> dict[str, Any]:
    rows: list[Mapping[str, Any]] = [
        {"partner": one.input.partner, "own": one.line.own, **asdict(one.fields[field.field])}
        for one in found.origins
        if field.field in one.fields
    ]
    return {
        "field": field.field,
        "published": field.published,
        "rows": rows,
        "chosen": asdict(field.chosen) if field.chosen is not None else None,
        "then": [asdict(step) for step in field.then],
        "decisions": [_decision_dict(one) for one in field.decided],
        "worked_out": field.worked_out,
        "agrees": field.agrees,
        "whole": field.whole,
        "missing": _missing(field.missing),
    }
