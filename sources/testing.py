"""The acceptance test of a source: its sample must become the rows and counts that it promises.

Belongs here: running a sample through read, map and judge, comparing with expected.csv and `expected:`, and writing
expected.csv. Does not belong here: showing the outcome (the command line), the steps themselves.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from glane.errors import CallError
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE, Judgement
from schemas.personal.gate import judge_gated, personal_of
from sources.check import check_against, table_of
from sources.declaration import Expected, Source
from sources.mapping import map_rows
from sources.read import read

EXPECTED = "expected.csv"
# The day that samples are taken to be received on, so that a test gives the same rows whenever it is run.
SAMPLE_DATE = "2026-11-01"
_SHOWN = 20


@dataclass(frozen=True)
class SampleResult:
    """What became of a sample: `ok`, or the `differences` from what was promised, each a line to read."""

    ok: bool
    counts: Expected
    differences: tuple[str, ...]


def run_sample(source: Source, dataset: Dataset) -> SampleResult:
    """Run the sample of `source` through reading, mapping and judging, and compare it with what was promised.

    Raises CallError where there is no sample or no expected.csv, and whatever reading and mapping raise.
    """
    table, judgement = _judged(source, dataset)
    counts = Expected(
        rows=judgement.rows_in,
        published=judgement.rows.height,
        to_correct=judgement.to_correct,
        on_hold=judgement.on_hold,
    )
    promised = _expected_rows(source, table)
    differences = [*_counts(source.line.expected, counts), *_rows(judgement.rows, promised, table)]
    return SampleResult(not differences, counts, tuple(differences))


def write_expected(source: Source, dataset: Dataset) -> Path:
    """Write what the sample becomes today to expected.csv (fields that are filled somewhere), to be read and kept.

    Raises CallError where there is no sample, and whatever reading and mapping raise.
    """
    table, judgement = _judged(source, dataset)
    rows = judgement.rows
    filled = [name for name in table.fields if rows.get_column(name).null_count() < rows.height]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(filled)
    writer.writerows([cell or "" for cell in row] for row in rows.select(filled).iter_rows())
    path = source.folder / EXPECTED
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def sample_of(source: Source) -> Path:
    """The sample beside source.yaml: `sample.*`, or the file that the source declares. Raises CallError."""
    found = sorted(source.folder.glob("sample.*"))
    declared = source.folder / source.line.where.file if source.line.where.file else None
    if len(found) == 1:
        return found[0]
    if not found and declared is not None and declared.is_file():
        return declared
    what = f"{source.name} has {len(found) or 'no'} sample{'s' if len(found) > 1 else ''} to test."
    raise CallError(what, f"Put one small file, shaped like the partner's, at {source.folder}/sample.*.")


def _judged(source: Source, dataset: Dataset) -> tuple[Table, Judgement]:
    check_against(source, dataset)
    table = table_of(source, dataset)
    mapped = map_rows(source, table, read(sample_of(source), source.line.format), snapshot_date=SAMPLE_DATE)
    personal = personal_of(table, source.line.personal, source.line.country, source.line.read_from)
    day = date.fromisoformat(SAMPLE_DATE)
    return table, judge_gated(dataset, table, mapped.rows, personal, questions=mapped.questions, today=day)[0]


def _expected_rows(source: Source, table: Table) -> pl.DataFrame:
    path = source.folder / EXPECTED
    if not path.is_file():
        what = f"{source.name} promises no rows: {EXPECTED} is missing."
        raise CallError(what, f"Write it with 'glane source test {source.name} --write', read it, and keep it.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = csv.reader(file)
    unknown = [name for name in header if name not in table.fields]
    if unknown:
        what = f"{path.name} has columns that the table {table.name} has not: {', '.join(unknown)}."
        raise CallError(what, "Correct its header.")
    cells = {name: [line[at] or None for line in lines] for at, name in enumerate(header)}
    blank = {name: [None] * len(lines) for name in table.fields}
    return pl.DataFrame(blank | cells, schema=dict.fromkeys(table.fields, pl.String))


def _counts(promised: Expected | None, counts: Expected) -> list[str]:
    if promised is None:
        return []
    pairs = [(name, getattr(promised, name), getattr(counts, name)) for name in Expected.model_fields]
    return [f"{name}: {want} promised, {got} found" for name, want, got in pairs if want != got]


def _rows(rows: pl.DataFrame, promised: pl.DataFrame, table: Table) -> list[str]:
    """The differences by row (told by key where there is one, else by place), then by field."""
    found, wanted = _by_key(rows.select(*table.fields, LINE), table), _by_key(promised, table)
    said = [f"{name}: promised, and not there" for name in wanted if name not in found]
    for name, row in found.items():
        if name not in wanted:
            said.append(f"{name} (line {row[LINE]}): there, and not promised")
            continue
        said += [
            f"{name} (line {row[LINE]}), {field}: {wanted[name][field]!r} promised, {row[field]!r} found"
            for field in table.fields
            if row[field] != wanted[name][field]
        ]
    if not said and list(found) != list(wanted):
        said.append("the rows are in another order than promised")
    more = len(said) - _SHOWN
    return said if more <= 0 else [*said[:_SHOWN], f"and {more} more differences"]


def _by_key(rows: pl.DataFrame, table: Table) -> dict[str, dict[str, Any]]:
    """The rows by the text of their key, or by their place where the table has none."""
    named = {}
    for place, row in enumerate(rows.to_dicts(), start=1):
        key = ", ".join(str(row[name]) for name in table.primary_key)
        named[key or f"row {place}"] = row
    return named
