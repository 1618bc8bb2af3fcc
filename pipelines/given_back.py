"""What a partner gets back beside the words of its answer: its own file, marked, and a cleaned copy of its rows.

Belongs here: making both of a file that was judged, and where the store keeps them. Does not belong here: the workbooks
(sources/annotation.py, schemas/template.py), the answer itself (schemas/report.py).
"""

from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from glane.errors import CallError
from glane.store import Store
from pipelines.judging import Judged, has_copy
from schemas.dataset import Dataset, Table
from schemas.filling import Filling, Note
from schemas.judgement import LINE, Judgement, Problem
from schemas.phrases import words_in
from schemas.report import annotated_key
from schemas.rows import last_good
from schemas.template import template
from schemas.terms import apply_terms
from sources.annotation import annotate
from sources.declaration import Source
from sources.identity.brought import NO_NUMBER, WRONG_IDS
from sources.identity.ids import gives_ids

_WORST = ("error", "warning", "info")


def annotated(source: Source, dataset: Dataset, found: Judged) -> bytes | None:
    """The partner's own file back, with what is to be corrected in it; None where there is nothing to tell. A workbook
    of ours comes back as one, with its ids protected: as the cleaned copy, that is."""
    problems = found.judgement.problems
    if not problems:
        return None
    if found.sent.brings is not None:
        return cleaned_copy(source, dataset, found)
    return annotate(found.sent.reading, problems, source.line.map, source.line.answered_in)


def published_rows(store: Store, source: Source, table: Table) -> Filling:
    """What we publish for a partner, to stand in the spreadsheet that it fills. Raises CallError where that is nothing,
    VerdictError where it cannot be trusted."""
    found = last_good(store, source.dataset, source.partner)
    if found is None or found[1].table != table.name or not set(table.fields) <= set(found[0].columns):
        run = f"glane run {source.dataset} --source {source.partner}"
        raise CallError(f"Nothing of {source.name} is fit to publish yet.", f"Take its file in first: {run}")
    rows, verdict = found
    return Filling(source.partner, rows.select(table.fields).to_dicts(), verdict.judged_at, _more(source, table))


def cleaned_copy(source: Source, dataset: Dataset, found: Judged) -> bytes | None:
    """The partner's rows as they would be published, in our columns, with notes at what is to be corrected; None where
    a workbook is no way to work with them (has_copy)."""
    table = found.table
    if not has_copy(found.mapped.rows):
        return None
    rows, _ = apply_terms(table, found.mapped.rows)
    more = _more(source, table)
    shown = [name for name in table.fields if name in table.asked or name in more]
    filling = Filling(
        source.partner,
        _as_sent_back(source, table, rows, found.judgement),
        found.report.arrival.fetched_at if found.report.arrival else "",
        more=more,
        notes=_notes(found.judgement.problems, rows[LINE].to_list(), shown, table, source.line.answered_in),
        cleaned=True,
    )
    return template(dataset, table, source.line.answered_in, filling)


def _more(source: Source, table: Table) -> list[str]:
    """The fields that this partner's file fills, also those that others are not asked for."""
    return [name for name in source.line.map if name in table.fields]


def _as_sent_back(
    source: Source, table: Table, rows: pl.DataFrame, judgement: Judgement
) -> list[dict[str, str | None]]:
    """The rows as they must come back to be the same: a number that the partner forgot is still forgotten, and a date
    that Glane would fill is still to be filled where no published row has it."""
    told: list[dict[str, str | None]] = rows.select(table.fields).to_dicts()
    key, origin = table.primary_key[0] if len(table.primary_key) == 1 else None, table.line.origin
    if key is None:
        return told
    published = set(judgement.rows[key].to_list())
    typed = {p.line: p.cell for p in judgement.problems if p.rule in WRONG_IDS}
    for line, row in zip(rows[LINE].to_list(), told, strict=True):
        if line in typed:
            row[key] = typed[line]
        elif row[key] is None and not gives_ids(source):
            row[key] = NO_NUMBER
        if origin is not None and row[origin.field] == origin.provided and row[key] not in published:
            row[origin.of] = None
    return told


def _notes(
    problems: Sequence[Problem], lines: Sequence[int], shown: Sequence[str], table: Table, language: str
) -> dict[tuple[int, str], Note]:
    at = {line: number for number, line in reversed(list(enumerate(lines)))}
    whole = next((name for name in shown if name not in table.primary_key), shown[0])
    told: dict[tuple[int, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.line in at:
            name = problem.field if problem.field is not None and problem.field in shown else whole
            told[at[problem.line], name].append(problem)
    return {
        place: Note(min((p.severity for p in same), key=_WORST.index), "\n".join(_said(p, language) for p in same))
        for place, same in told.items()
    }


def _said(problem: Problem, language: str) -> str:
    remedy = problem.remedy[language] if problem.remedy is not None else ""
    if problem.suggestion:
        remedy = words_in("workbook", language)["write"].format(problem.suggestion)
    return "\n".join(filter(None, (problem.message[language], remedy)))


def cleaned_key(dataset: str, partner: str) -> str:
    """Where the store keeps the cleaned copy of a partner's file."""
    return f"reports/{dataset}/{partner}/cleaned.xlsx"


def give_back(store: Store, source: Source, marked: bytes | None, cleaned: bytes | None) -> None:
    """Keep both as the partner's last ones; one that is not there any more is taken away."""
    keys = (annotated_key(source.dataset, source.partner), cleaned_key(source.dataset, source.partner))
    for key, data in zip(keys, (marked, cleaned), strict=True):
        if data is not None:
            store.write(key, data)
        elif store.exists(key):
            store.remove(key)
