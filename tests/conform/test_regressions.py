"""Files on which the engine once differed from frictionless, as small as they could be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.conform import SchemaError, validate
from tests.conform.comparing import Case, assert_same

TWO: list[dict[str, Any]] = [{"name": "a", "type": "string"}, {"name": "b", "type": "year"}]

CASES = {
    "a row whose primary key is empty and which has no other error": Case(
        b"a,b\nx,2024\ny,\nz,2023\n", {"fields": TWO, "primaryKey": ["b"]}
    ),
    "a header that ends at a lone carriage return": Case(
        b"\xef\xbb\xbfa,b\rc\n", {"fields": TWO, "primaryKey": ["b", "a"]}
    ),
    "an empty line where the empty text is a value like another": Case(
        b"a,b\nx,2024\n\n,2023\n", {"fields": TWO, "missingValues": ["NA"], "primaryKey": ["a"]}
    ),
    "nothing but empty lines": Case(b"a,b\n\n\n\n", {"fields": TWO}),
    "a key error before the errors of the other fields are noted": Case(
        b"a,b\nx,2024\nx,nope\n",
        {"fields": [{**TWO[0], "constraints": {"unique": True}}, {**TWO[1], "constraints": {"unique": True}}]},
    ),
    "a primary key and a unique field of the same field": Case(
        b"a,b\nx,2024\nx,2024\ny,\nx,1\n",
        {"fields": [TWO[0], {**TWO[1], "constraints": {"unique": True}}], "primaryKey": ["b"]},
    ),
    "not a number is never the same as another": Case(
        b"a,b\nNaN,2024\nNaN,2023\nsNaN,1\nsNaN,2\n",
        {"fields": [{"name": "a", "type": "number"}, TWO[1]], "primaryKey": ["a"]},
    ),
    "a short key hashed beside a long one, and alone": Case(
        b"a,b\nx,2024\n" + b"y" * 70 + b",2023\nx,2022\n", {"fields": TWO, "primaryKey": ["a"]}
    ),
    "an empty line in a table referred to, where the empty text is a value": Case(
        b"a,b\n,2024\nx,x\n\n",
        {
            "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "any", "missingValues": []}],
            "missingValues": ["-"],
            "foreignKeys": [{"fields": ["a"], "reference": {"resource": "", "fields": ["b"]}}],
        },
    ),
    "as many header errors as the limit": Case(b"a,c,d\nx,2024,1\ny,1,1\n", {"fields": TWO}, limit=2),
    "a limit reached by the last row": Case(b"a,b\nx,nope\n", {"fields": TWO}, limit=1),
    "a foreign key into a short row": Case(
        b"a,b\nx,2024\ny,2023\n,\n",
        {
            "fields": TWO,
            "foreignKeys": [{"fields": ["a", "b"], "reference": {"resource": "other", "fields": ["k", "v"]}}],
        },
        foreign={
            "other": (
                b"k,v\nx,2024\ny\n",
                {"fields": [{"name": "k", "type": "string"}, {"name": "v", "type": "integer"}]},
            )
        },
    ),
    "a foreign table that was not given": Case(
        b"a,b\nx,2024\n",
        {"fields": TWO, "foreignKeys": [{"fields": ["a"], "reference": {"resource": "other", "fields": ["k"]}}]},
    ),
}


@pytest.mark.parametrize("chunk", [32, 1 << 23])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_once_differed_stays_the_same(
    case: Case, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schemas.conform.columnar.CHUNK", chunk)
    assert_same(case, tmp_path)


def test_a_bad_pattern_in_the_schema_of_a_table_referred_to_names_that_table(tmp_path: Path) -> None:
    (tmp_path / "case.csv").write_bytes(b"a,b\nx,2024\n")
    (tmp_path / "other.csv").write_bytes(b"a\nx\n")
    schema = {"fields": TWO, "foreignKeys": [{"fields": "a", "reference": {"resource": "other", "fields": "a"}}]}
    other = {"fields": [{"name": "a", "type": "string", "constraints": {"pattern": "x(?i)"}}]}
    with pytest.raises(SchemaError, match="A pattern in the schema of the table other is not one"):
        validate(tmp_path / "case.csv", schema, foreign={"other": (tmp_path / "other.csv", other)})
