"""Partners' real files and the published schemas: the same report, on what people really write."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from frictionless import Detector, Resource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conform.comparing import Case, assert_same
from tests.conform.strategies import tables, texts

HOME = Path(__file__).parents[2]
SHARED = HOME.parent / "shared"
SHIPPED = sorted((HOME / "schemas").glob("*/*.schema.json"))
ENOUGH = 0.3
"""The share of a schema's fields a file must have to be said to fit it."""


def table_schema(path: Path) -> dict[str, Any] | None:
    described = json.loads(path.read_text(encoding="utf-8"))
    fields = described.get("fields") if isinstance(described, dict) else None
    return described if isinstance(fields, list) and fields and all("name" in field for field in fields) else None


def labels_of(path: Path) -> set[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
    return set(max((next(csv.reader([line], delimiter=mark)) for mark in ",;\t"), key=len))


PUBLISHED = {path: found for path in sorted((SHARED / "schemas").rglob("*.json")) if (found := table_schema(path))}
FILES = sorted((SHARED / "data").rglob("*.csv"))
SCHEMAS = PUBLISHED | {path: found for path in SHIPPED if (found := table_schema(path))}


def fitting() -> list[tuple[Path, Path]]:
    pairs = []
    for schema, descriptor in SCHEMAS.items():
        names = {field["name"] for field in descriptor["fields"]}
        pairs += [(schema, file) for file in FILES if len(names & labels_of(file)) >= ENOUGH * len(names)]
    return pairs


def name_of(path: Any) -> str:
    return path.name if isinstance(path, Path) else str(path)


def without_other_tables(descriptor: dict[str, Any]) -> dict[str, Any]:
    keys = descriptor.get("foreignKeys", [])
    return descriptor | {"foreignKeys": [key for key in keys if not key["reference"]["resource"]]}


@pytest.mark.long
@pytest.mark.real
@pytest.mark.skipif(not FILES, reason="the partners' files are not here (../shared/data)")
@pytest.mark.parametrize(("schema", "file"), fitting() or [(None, None)], ids=name_of)
def test_a_real_file_under_the_schema_it_fits_gets_frictionless_report(
    schema: Path, file: Path, tmp_path: Path
) -> None:
    assert_same(Case(file.read_bytes(), without_other_tables(SCHEMAS[schema])), tmp_path)


@pytest.mark.long
@pytest.mark.real
@pytest.mark.skipif(not FILES, reason="the partners' files are not here (../shared/data)")
@pytest.mark.parametrize("file", FILES or [None], ids=name_of)
def test_a_real_file_under_the_schema_inferred_from_its_first_rows_gets_frictionless_report(
    file: Path, tmp_path: Path
) -> None:
    detector = Detector(sample_size=20, field_confidence=0.6)
    with Resource(path=file.name, basepath=str(file.parent), detector=detector).open() as resource:
        descriptor = resource.schema.to_descriptor()
    descriptor["fields"][0]["constraints"] = {"unique": True}
    descriptor["primaryKey"] = [field["name"] for field in descriptor["fields"][:2]]
    assert_same(Case(file.read_bytes(), descriptor), tmp_path)


@pytest.mark.skipif(not SCHEMAS, reason="no schema is here")
@pytest.mark.parametrize("schema", SCHEMAS or [None], ids=name_of)
def test_every_published_and_shipped_schema_gets_frictionless_report(schema: Path, tmp_path: Path) -> None:
    descriptor = without_other_tables(SCHEMAS[schema])
    names = [field["name"] for field in descriptor["fields"]]

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(data=st.data())
    def judge(data: st.DataObject) -> None:
        rows = data.draw(tables(descriptor, 8))
        enums = {
            at: field["constraints"]["enum"]
            for at, field in enumerate(descriptor["fields"])
            if field.get("constraints", {}).get("enum")
        }
        for row in rows:
            for at, enum in enums.items():
                if at < len(row) and data.draw(st.booleans()):
                    row[at] = str(data.draw(st.sampled_from(enum)))
        assert_same(Case(data.draw(texts(names, rows)), descriptor), tmp_path)

    judge()
