"""The whole file through frictionless' own validation: the reference, and the way out for all that is odd.

Belongs here: running frictionless and turning its report into ours. Does not belong here: any judgement of ours.
"""

from __future__ import annotations

from typing import Any

from frictionless import Report as FrictionlessReport

from schemas.conform.opening import Request, open_resource
from schemas.conform.report import ErrorRecord, Report, Stats

_COMMON = {"type", "title", "description", "message", "tags", "note", "cells", "rowNumber", "cell"}
_FIELD = {"fieldName", "fieldNumber"}


def judge_whole(request: Request, limit_errors: int | None, reason: str) -> Report:
    """Give frictionless' report on the request; `reason` says why the columnar way was not taken."""
    report = open_resource(request).validate(limit_errors=limit_errors or 0)
    return from_frictionless(report, str(request.path), reason)


def from_frictionless(report: FrictionlessReport, place: str, reason: str) -> Report:
    """Turn frictionless' one-task report into ours, losing nothing."""
    task = report.tasks[0]
    stats: dict[str, Any] = dict(task.stats)
    return Report(
        valid=task.valid,
        stats=Stats(
            errors=stats["errors"],
            bytes=stats.get("bytes", 0),
            rows=stats.get("rows", 0),
            fields=stats.get("fields", 0),
            md5=stats.get("md5"),
            sha256=stats.get("sha256"),
        ),
        errors=tuple(record(error.to_descriptor()) for error in task.errors),
        warnings=tuple(task.warnings),
        engine="frictionless",
        fallback=reason,
        name=task.name,
        place=place,
        labels=tuple(task.labels),
        seconds=stats["seconds"],
        type=task.type or "table",
    )


def record(error: dict[str, Any]) -> ErrorRecord:
    """Turn the descriptor of one frictionless error into a record."""
    return ErrorRecord(
        type=error["type"],
        title=error["title"],
        description=error["description"],
        message=error["message"],
        tags=tuple(error["tags"]),
        note=error["note"],
        row_number=error.get("rowNumber"),
        field_name=error.get("fieldName"),
        field_number=error.get("fieldNumber"),
        cell=error.get("cell"),
        cells=tuple(error["cells"]) if "cells" in error else None,
        details={key: value for key, value in error.items() if key not in _COMMON | _FIELD},
    )
