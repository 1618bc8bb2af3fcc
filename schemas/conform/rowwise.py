"""Row by row with frictionless' readers: for the files that frictionless itself fails on.

Belongs here: frictionless' own loop over rows (resource/resource.py, resources/table.py), with readers that answer
where frictionless' fail. Does not belong here: any file frictionless can judge.

Frictionless 5.21 stops without a report at a number `sNaN` under a bound, at a bound it cannot compare with a cell (a
date-time with and one without a zone), and at lists and objects in a key. Here the first two are errors of the cell,
and lists and objects are compared as they are written. The differences are listed in docs/validation.md.
"""

from __future__ import annotations

import re
import time
from typing import Any

from frictionless import FrictionlessException, errors

from glane.errors import CallError
from schemas.conform.errors import ErrorLog
from schemas.conform.foreign import lookups
from schemas.conform.opening import Request, SchemaError, open_resource
from schemas.conform.plan import Plan, Unprovable, kinds, make_plan
from schemas.conform.report import Report, Stats
from schemas.conform.rows import Judge, comparable, self_equal
from schemas.conform.whole import record


def judge_rows(request: Request, limit: int | None, reason: str) -> Report:
    """Judge every row of the request's file, whatever its format. Raises SchemaError, CallError."""
    started = time.perf_counter()
    opened: Any = open_resource(request)
    try:
        opened.to_descriptor(validate=True)
        opened.schema.foreign_keys = []
        opened.open()
    except FrictionlessException as error:
        records = [record(one.to_descriptor()) for one in error.to_errors()]
        log = ErrorLog([], [])
        log.add_whole(records)
        return _report(request, opened, log, (), reason, time.perf_counter() - started)
    except re.error as error:
        raise SchemaError(f"A pattern of the schema is not one: {error}.", "Correct the pattern.") from error
    with opened:
        opened.schema.foreign_keys = request.schema.foreign_keys
        plan = make_plan(opened)
        log = ErrorLog(kinds(), plan.names)
        if not (opened.labels or opened.fragment):
            log.add_whole([record(errors.SourceError(note="the source is empty").to_descriptor())])
        log.add_whole(record(error.to_descriptor()) for error in opened.header.errors)
        try:
            judge = Judge(plan, log, lookups(open_resource(request), plan), typed=True)
        except Unprovable as unreadable:
            raise CallError(
                f"The file cannot be judged: {unreadable}.", "Give the table, or correct it."
            ) from unreadable
        warnings = _judge_all(opened, plan, judge, log, limit)
        return _report(request, opened, log, warnings, reason, time.perf_counter() - started)


def _judge_all(opened: Any, plan: Plan, judge: Judge, log: ErrorLog, limit: int | None) -> tuple[str, ...]:
    memory: list[dict[Any, int]] = [{} for _ in plan.keys]
    opened.stats.rows = 0
    try:
        for number, cells in opened.dialect.read_enumerated_content_stream(opened.cell_stream):
            opened.stats.rows += 1

            def previous(key: int, value: Any, number: int = number) -> int:
                values = value if plan.keys[key].primary else (value,)
                if not self_equal(values):
                    return 0
                seen, known = comparable(values), memory[key]
                earlier, known[seen] = known.get(seen, 0), number
                return earlier

            judge.judge(number, cells, None, previous)
            if limit and len(log) >= limit:
                log.truncate(limit)
                return (f"reached error limit: {limit}",)
    except FrictionlessException as error:
        log.add_whole([record(error.error.to_descriptor())])
    return ()


def _report(
    request: Request, opened: Any, log: ErrorLog, warnings: tuple[str, ...], reason: str, seconds: float
) -> Report:
    stats = opened.stats
    return Report(
        valid=not len(log),
        stats=Stats(len(log), stats.bytes or 0, stats.rows or 0, stats.fields or 0, stats.md5, stats.sha256),
        errors=log,
        warnings=warnings,
        engine="frictionless",
        fallback=reason,
        name=str(opened.name),
        place=str(request.path),
        labels=() if opened.closed else tuple(opened.labels),
        seconds=round(seconds, 3),
    )
