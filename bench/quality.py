"""The quality report of a version and its pages: how long they take, and how many bytes they are.

    python -m bench.quality [--rows 20000] [--keep FOLDER]

The rows are partners' real files as bench/merge.py reads them, with all fields, over and over as other partners' rows
elsewhere until there are enough. Merging is not measured. The last line is the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from bench.merge_data import ROOT, SOURCES
from glane.store import FolderStore, to_json
from publish.contribution import Contribution, Refusal
from publish.deciding import Applied
from publish.package import describe
from publish.quality import Accounts, account
from publish.quality.making import report_quality
from publish.quality.page import quality_pages
from publish.references import merge_tables
from publish.version import Version, VersionFile
from schemas.dataset import Dataset, load_dataset
from schemas.judgement import LINE, Verdict
from sources.declaration import load_source
from sources.mapping import map_rows
from sources.read import read

CREATED = "2026-11-21T06:00:00+00:00"


@dataclass(frozen=True)
class _Made:
    dataset: Dataset
    contributions: tuple[Contribution, ...]
    refused: tuple[Refusal, ...]
    applied: Applied
    tables: dict[str, pl.DataFrame]
    accounts: Accounts
    partners: tuple[str, ...] = ()


def contributions(dataset: Dataset, count: int) -> list[Contribution]:
    """`count` rows of real files, by partner."""
    found: list[Contribution] = []
    turn, room = 0, count
    while room > 0:
        for source in SOURCES:
            one = _contribution(dataset, source, turn, room)
            found.append(one)
            room -= one.rows.height
            if room <= 0:
                return found
        turn += 1
    return found


def _contribution(dataset: Dataset, source: str, turn: int, most: int) -> Contribution:
    folder = ROOT / "tests" / "real" / "inclusion_sites" / source
    declared, table = load_source(folder), dataset.main
    path = (folder / str(declared.line.where.file)).resolve()
    mapped = map_rows(declared, table, read(path, declared.line.format), snapshot_date="2026-11-01").rows
    partner = f"{source}-{turn}" if turn else source
    named = mapped.filter(pl.col("nom").is_not_null()).head(most).with_row_index("_n")
    rows = named.with_columns(
        pl.format("{}--{}", pl.lit(partner), pl.col("_n")).alias("id"),
        pl.col("_n").cast(pl.Int64).alias(LINE),
        (pl.col("latitude").cast(pl.Float64, strict=False) - turn * 0.13).cast(pl.String).alias("latitude"),
        pl.lit(partner).alias("source"),
        *([] if not turn else [pl.format("{} {}", pl.col("nom"), pl.lit(f"n° {turn}")).alias("nom")]),
    ).select(*table.fields, LINE)
    verdict = Verdict(
        dataset.name,
        table.name,
        partner,
        "0" * 64,
        "",
        dataset.fingerprint,
        "",
        CREATED,
        rows.height,
        rows.height,
        0,
        0,
    )
    line = declared.line
    return Contribution(
        partner, line.title, line.organisation, line.licence, line.attribution, verdict, rows, "2026-11-01"
    )


def made_of(dataset: Dataset, parts: Sequence[Contribution]) -> _Made:
    """The merged rows, and where each went."""
    applied = merge_tables(dataset, parts)
    tables = {name: part.rows for name, part in applied.merged.items()}
    accounts = account(parts, applied.merged, applied.held, {})
    return _Made(dataset, tuple(parts), (), applied, tables, accounts)


def main() -> None:
    """Measure, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--keep", type=Path, help="a folder to put the pages into")
    chosen = options.parse_args()
    dataset = load_dataset(ROOT / "schemas" / "inclusion_sites")
    made = made_of(dataset, contributions(dataset, chosen.rows))
    rows = {name: frame.height for name, frame in made.tables.items()}
    files = [
        VersionFile(path=f"{name}.csv", sha256="", bytes=0, kind="data", table=name, format="csv")
        for name in (table.name for table in dataset.tables)
    ]
    descriptor = describe(dataset, made.contributions, files, number="1.0.0", created=CREATED)
    version = Version(
        dataset=dataset.name, version="1.0.0", created=CREATED, previous=None, level="first", content="", rows=rows,
        files=tuple(files), inputs=(),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        store = FolderStore(Path(folder))
        begun, worked = time.perf_counter(), time.process_time()
        data = to_json(report_quality(made, (), store, version, None))
        between = time.perf_counter()
        pages = dict(quality_pages(data, version, descriptor))
        done, worked = time.perf_counter(), time.process_time() - worked
    figures = {
        "rows_in": sum(one.rows.height for one in made.contributions),
        "rows": rows[dataset.main.name],
        "fields": len(dataset.main.fields),
        "report_seconds": round(between - begun, 2),
        "pages_seconds": round(done - between, 2),
        "processor_seconds": round(worked, 2),
        "bytes": {"quality.json": len(data), **{path: len(page) for path, page in pages.items()}},
    }
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
        for path, page in {"quality.json": data, **pages}.items():
            (chosen.keep / path).write_bytes(page)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
