"""Does this file conform to this Table Schema? Frictionless' answer, exactly, found faster.

Belongs here: the face of the validation engine. Does not belong here: what a dataset asks beyond its schema, and
how a verdict is told to people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from schemas.conform.opening import ForeignTable, NotATableError, Request, SchemaError, SchemaLike, read_schema
from schemas.conform.report import ErrorRecord, Report, Stats
from schemas.conform.whole import judge_whole

__all__ = ["ErrorRecord", "NotATableError", "Report", "SchemaError", "Stats", "validate"]

Progress = Callable[[int, int], None]


def validate(
    path: Path,
    schema: SchemaLike,
    *,
    encoding: str | None = None,
    dialect: dict[str, Any] | None = None,
    limit_errors: int | None = None,
    foreign: Mapping[str, ForeignTable] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge a file under a Table Schema, and give the report that frictionless 5.21 gives.

    `encoding` and `dialect` (a Table Dialect descriptor) pin what is otherwise detected. `limit_errors` stops where
    frictionless stops when asked to; None finds every error. `foreign` names the tables that foreign keys refer to
    (a file, or a file and its schema). `progress` is called with (bytes judged, bytes in all).
    Raises SchemaError and NotATableError, both CallErrors.
    """
    request = Request(Path(path), read_schema(schema), encoding, dialect, foreign or {})
    report = judge_whole(request, limit_errors, "the columnar engine is not built yet")
    if progress and report.stats.bytes:
        progress(report.stats.bytes, report.stats.bytes)
    return report
