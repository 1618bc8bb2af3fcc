"""The reference: frictionless' own report on a file, and the comparison with ours."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from frictionless import Dialect, FrictionlessException, Package, Resource, Schema

from schemas.conform import Report, validate
from schemas.conform.opening import Request
from schemas.conform.rowwise import judge_rows


@dataclass(frozen=True)
class Case:
    """A small file, what it is judged by, and how."""

    data: bytes
    schema: dict[str, Any]
    name: str = "case.csv"
    encoding: str | None = None
    dialect: dict[str, Any] | None = None
    limit: int | None = None
    foreign: dict[str, tuple[bytes, dict[str, Any] | None]] = field(default_factory=dict)


def reference(case: Case, folder: Path) -> dict[str, Any] | Exception:
    """What `frictionless validate FILE --schema S.json --json` reports, or the exception it fails with."""
    options: dict[str, Any] = {"path": case.name, "schema": _schema_file(case.schema, folder, "case")}
    if case.encoding:
        options["encoding"] = case.encoding
    if case.dialect:
        options["dialect"] = Dialect.from_descriptor(case.dialect)
    resource = Resource(**options, basepath=str(folder))
    if case.foreign:
        others = []
        for name, (_, schema) in case.foreign.items():
            known = {} if schema is None else {"schema": _schema_file(schema, folder, name)}
            others.append(Resource(name=name, path=f"{name}.csv", basepath=str(folder), **known))
        Package(resources=[resource, *others])
    try:
        return resource.validate(limit_errors=case.limit or 0).to_descriptor()
    except FrictionlessException:
        raise
    except Exception as error:  # noqa: BLE001 - that frictionless fails is what the caller wants to know
        return error


def ours(case: Case, folder: Path) -> Report:
    """Our report."""
    return validate(
        folder / case.name,
        case.schema,
        encoding=case.encoding,
        dialect=case.dialect,
        limit_errors=case.limit,
        foreign=_foreign(case, folder),
    )


def _foreign(case: Case, folder: Path) -> dict[str, Any]:
    return {
        name: (folder / f"{name}.csv", schema) if schema is not None else folder / f"{name}.csv"
        for name, (_, schema) in case.foreign.items()
    }


def by_rows(case: Case, folder: Path) -> Report:
    """Our report, row by row (what is left to a file on which frictionless fails)."""
    request = Request(folder / case.name, _schema(case.schema), case.encoding, case.dialect, _foreign(case, folder))
    return judge_rows(request, case.limit, "row by row")


def write(case: Case, folder: Path) -> None:
    (folder / case.name).write_bytes(case.data)
    for name, (data, _) in case.foreign.items():
        (folder / f"{name}.csv").write_bytes(data)


def assert_same(case: Case, folder: Path) -> Report:
    """Write the case, judge it twice, and hold the two reports against each other."""
    write(case, folder)
    expected, report = reference(case, folder), ours(case, folder)
    if isinstance(expected, Exception):
        # Where frictionless fails, our two ways must still agree.
        slow = by_rows(case, folder)
        assert comparable(report.to_frictionless()) == comparable(slow.to_frictionless())
        return report
    assert first_difference(report.to_frictionless(), expected) is None
    assert comparable(report.to_frictionless()) == comparable(expected)
    rows = {error["rowNumber"] for error in expected["tasks"][0]["errors"] if "rowNumber" in error}
    assert report.wrong_rows() == rows
    json.dumps(report.to_frictionless())
    return report


def first_difference(one: dict[str, Any], other: dict[str, Any]) -> Any:
    """The first error that is not the same, for the message of a failing test."""
    found, expected = one["tasks"][0]["errors"], other["tasks"][0]["errors"]
    return next((pair for pair in zip_longest(found, expected) if pair[0] != pair[1]), None)


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """The report without what differs between two runs (time) or two callers (the place as it was given)."""
    task = report["tasks"][0]
    return report | {
        "stats": {key: value for key, value in report["stats"].items() if key != "seconds"},
        "tasks": [
            {key: value for key, value in task.items() if key not in ("stats", "place")}
            | {"stats": {key: value for key, value in task["stats"].items() if key != "seconds"}}
        ],
    }


def _schema_file(descriptor: dict[str, Any], folder: Path, name: str) -> str:
    (folder / f"{name}.schema.json").write_text(json.dumps(descriptor), encoding="utf-8")
    return f"{name}.schema.json"


def _schema(descriptor: dict[str, Any]) -> Schema:
    return Schema.from_descriptor(descriptor)
