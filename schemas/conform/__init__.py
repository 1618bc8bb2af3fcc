"""Does this file conform to this Table Schema? Frictionless' answer, exactly, found faster.

Belongs here: the face of the validation engine, and the choice between the columnar engine and frictionless' own.
Does not belong here: what a dataset asks beyond its schema, and how a verdict is told to people.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frictionless import FrictionlessException

from schemas.conform.columnar import ColumnarEngine, Judged, LimitReached, Progress
from schemas.conform.errors import ErrorLog
from schemas.conform.foreign import lookups
from schemas.conform.opening import (
    ForeignTable,
    NotATableError,
    Request,
    SchemaError,
    SchemaLike,
    open_resource,
    read_schema,
)
from schemas.conform.plan import CRASHES, Unprovable, check_provable, kinds, make_plan
from schemas.conform.report import ErrorRecord, Report, Stats
from schemas.conform.rowwise import judge_rows
from schemas.conform.whole import judge_whole, record

__all__ = ["ErrorRecord", "NotATableError", "Progress", "Report", "SchemaError", "Stats", "validate"]


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
    try:
        return _judge_by_columns(request, limit_errors, progress)
    except Unprovable as reason:
        report = _judge_whole(request, limit_errors, str(reason))
    if progress and report.stats.bytes:
        progress(report.stats.bytes, report.stats.bytes)
    return report


def _judge_whole(request: Request, limit: int | None, reason: str) -> Report:
    try:
        return judge_whole(request, limit, reason)
    except CRASHES as crash:
        return judge_rows(request, limit, f"{reason}; frictionless itself fails ({type(crash).__name__})")


def _judge_by_columns(request: Request, limit: int | None, progress: Progress | None) -> Report:
    started = time.perf_counter()
    resource: Any = open_resource(request)
    try:
        resource.to_descriptor(validate=True)
        # Frictionless reads the tables referred to as it opens the resource, row by row: we read them ourselves.
        resource.schema.foreign_keys = []
        resource.open()
    except FrictionlessException as error:
        raise Unprovable(f"frictionless cannot open it: {error.error.note}") from error
    except CRASHES as crash:
        raise Unprovable("frictionless cannot open it") from crash
    with resource:
        resource.schema.foreign_keys = request.schema.foreign_keys
        plan = make_plan(resource)
        check_provable(resource, plan)
        log = ErrorLog(kinds(), plan.names)
        log.add_whole(record(error.to_descriptor()) for error in resource.header.errors)
        try:
            found = lookups(open_resource(request), plan) if plan.references else []
            engine = ColumnarEngine(request.path, plan, log, found, limit)
            judged = engine.run(progress)
            warnings: tuple[str, ...] = ()
        except LimitReached as stop:
            log.truncate(limit or 0)
            warnings = (f"reached error limit: {limit}",)
            judged = _read_so_far(resource, stop.rows)
        return Report(
            valid=not len(log),
            stats=Stats(len(log), judged.bytes, judged.rows, len(resource.schema.fields), judged.md5, judged.sha256),
            errors=log,
            warnings=warnings,
            engine="columnar",
            fallback=None,
            name=str(resource.name),
            place=str(request.path),
            labels=tuple(resource.labels),
            seconds=round(time.perf_counter() - started, 3),
        )


def _read_so_far(resource: Any, rows: int) -> Judged:
    """Count what frictionless has read of the file when it stops after so many rows (it reads ahead, by blocks)."""
    content = resource.dialect.read_enumerated_content_stream(resource.cell_stream)
    for _, _row in zip(range(rows), content, strict=False):
        pass
    stats = resource.stats
    return Judged(rows, stats.bytes, stats.md5, stats.sha256)
