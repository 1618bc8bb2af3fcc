"""What the caller may rely on beyond the report's content."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from schemas.conform import NotATableError, SchemaError, validate
from tests.conform.comparing import Case, assert_same

SCHEMA = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "n", "type": "number", "constraints": {"minimum": 0}},
    ],
    "primaryKey": "id",
}


def test_a_plain_file_is_judged_by_columns(tmp_path: Path) -> None:
    report = assert_same(Case(b"id,n\na,1\nb,-2\na,3\n", SCHEMA), tmp_path)
    assert (report.engine, report.fallback, report.valid) == ("columnar", None, False)
    assert [(error.type, error.row_number, error.field_name) for error in report.errors] == [
        ("constraint-error", 3, "n"),
        ("primary-key", 4, None),
    ]


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (b'id,n\na"b",1\n', {}, "a cell has quotes that do not enclose it"),
        (b'id,n\n"a,1\n', {}, "a quoted cell is never closed"),
        (b"id,n\na\r,1\n", {}, "the file has carriage returns that end no line"),
        (b"id,n\na\0,1\n", {}, "the file has NUL characters"),
        ("id,n\né,1\n".encode("latin-1"), {"encoding": "latin-1"}, "the encoding is iso8859-1"),
        (b"id\na\n", {}, "the header has fewer than two labels"),
        (b"#\nid,n\na,1\n", {"dialect": {"headerRows": [2]}}, "the header is not row 1 but [2]"),
        (b"id,n\n#a,1\n", {"dialect": {"commentChar": "#"}}, "the dialect has comments"),
        (b"id, n\na, 1\nb, 2\n", {}, "spaces after the delimiter are skipped"),
    ],
)
def test_a_fallback_says_why(data: bytes, options: dict[str, object], reason: str, tmp_path: Path) -> None:
    report = assert_same(Case(data, SCHEMA, **options), tmp_path)  # type: ignore[arg-type]
    assert (report.engine, report.fallback) == ("frictionless", reason)


def test_where_frictionless_fails_the_cell_is_an_error_with_a_message(tmp_path: Path) -> None:
    report = assert_same(Case(b"id,n\na,sNaN\nb,1\n", SCHEMA), tmp_path)
    (error,) = report.errors
    assert (error.type, error.row_number, error.field_name, error.cell) == ("type-error", 2, "n", "sNaN")
    assert "it cannot be compared: InvalidOperation" in error.message


def test_the_limit_stops_where_frictionless_stops(tmp_path: Path) -> None:
    data = b"id,n\n" + b"".join(b"%d,x\n" % number for number in range(3000))
    report = assert_same(Case(data, SCHEMA, limit=7), tmp_path)
    assert (report.engine, len(report.errors), report.warnings) == ("columnar", 7, ("reached error limit: 7",))


def test_progress_ends_at_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,n\na,1\n" * 50)
    seen: list[tuple[int, int]] = []
    validate(path, SCHEMA, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert all(done <= total == path.stat().st_size for done, total in seen)


def test_a_schema_that_is_none_is_refused_with_its_reasons(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="unknown"):
        validate(tmp_path / "a.csv", {"fields": [{"name": "a", "type": "unknown"}]})
    with pytest.raises(SchemaError, match="pattern"):
        path = tmp_path / "b.csv"
        path.write_bytes(b"a,b\n1,2\n")
        validate(path, {"fields": [{"name": "a", "type": "string", "constraints": {"pattern": "("}}, {"name": "b"}]})


def test_a_file_of_no_tabular_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotATableError, match=r"\.csv"):
        validate(tmp_path / "a.txt", SCHEMA)


def test_a_missing_file_is_frictionless_scheme_error(tmp_path: Path) -> None:
    report = validate(tmp_path / "none.csv", SCHEMA)
    assert [error.type for error in report.errors] == ["scheme-error"]


def test_errors_are_read_by_index_slice_and_iteration_alike(tmp_path: Path) -> None:
    data = b"id,n\n" + b"".join(b"%d,x%d\n" % (number, number) for number in range(700))
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    errors = validate(path, SCHEMA).errors
    assert list(errors) == [errors[at] for at in range(700)] == list(errors[:])
    assert errors[-1].cells == ("699", "x699")
    json.dumps([error.to_frictionless() for error in errors[:3]])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.json", b'[{"id": "a", "n": 1' + b"0" * 5000 + b"}]", "a number of more than 4300 digits (byte 18)"),
        ("t.json", b"[" * 100_000 + b"]" * 100_000, "nested more than 200 deep (byte 200)"),
        ("t.csv", b",".join(b"c%d" % i for i in range(5000)) + b"\n", "Its first row has 5000 cells"),
    ],
)
def test_a_file_that_a_reader_would_not_survive_is_refused_before_it_is_opened(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NotATableError, match=re.escape(said)):
        validate(path, SCHEMA)


def test_long_digits_and_brackets_inside_texts_are_only_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(b'[{"id": "' + b"[" * 5000 + b'\\"' + b"7" * 5000 + b'", "n": 1}]')
    assert validate(path, SCHEMA).valid
