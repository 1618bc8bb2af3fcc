"""The laws the proofs rest on, each alone: far more cases a second than whole files allow."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow.compute as pc
from frictionless import Schema
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.conform.buffers import booleans, strings
from schemas.conform.columns import Column
from schemas.conform.kernels import kernels_of, matches
from schemas.conform.keys import Hasher, KeyIndex
from schemas.conform.patterns import to_re2
from schemas.conform.plan import guarded
from tests.conform.strategies import BLANKS, CELLS, PATTERNS, cells_of, fields

SHAPES = {
    "integer": st.from_regex(r"[ +-]?[0-9_]{1,20}[ €]?", fullmatch=True),
    "number": st.from_regex(r"[ +-]?[0-9]{0,18}[., ]?[0-9]{0,18}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    "date": st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True),
    "datetime": st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})?", fullmatch=True
    ),
    "email": st.from_regex(r"[a-z0-9.-]{1,70}@[a-z0-9.-]{1,50}\.[a-z]{1,12}", fullmatch=True),
    "uri": st.from_regex(
        r"https?://[a-z0-9.-]{1,20}(/[A-Za-z0-9._~%-]{0,9}){0,2}(\?[a-z=&%]{0,5})?(#[a-z]{0,3})?", fullmatch=True
    ),
    "uuid": st.from_regex(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fullmatch=True),
    "string": st.text("abcABC123é|\n .", max_size=6),
}
KERNELLED = ["string", "any", "integer", "number", "date", "datetime"]


def field_of(descriptor: dict[str, Any]) -> Any:
    return Schema.from_descriptor(
        {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fields": [descriptor]}
    ).fields[0]


def near(descriptor: dict[str, Any]) -> st.SearchStrategy[str]:
    """Cells of the field's type, and cells that look like them."""
    known = st.sampled_from(cells_of(descriptor))
    shape = SHAPES.get(descriptor.get("format", ""), SHAPES.get(descriptor["type"]))
    return known if shape is None else known | shape


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_what_a_kernel_proves_frictionless_accepts(data: st.DataObject) -> None:
    descriptor = data.draw(fields("f", KERNELLED))
    descriptor.get("constraints", {}).pop("required", None)
    descriptor["missingValues"] = []
    field = field_of(descriptor)
    try:
        kernels, reader = kernels_of(field), guarded(field.create_cell_reader(), field)
    except re.error:
        return
    assume(kernels)
    cells = data.draw(st.lists(near(descriptor), min_size=1, max_size=30))
    # A cell that cannot be cast makes the number kernel take its other way: try each alone, and all together.
    for group in [cells, *([cell] for cell in cells)]:
        answers = [booleans(kernel(strings(group))) for kernel in kernels or []]
        for cell, proven in zip(group, np.all(answers, axis=0), strict=True):
            assert not proven or reader(cell)[1] is None, cell


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_column_finds_exactly_the_cells_frictionless_finds(data: st.DataObject) -> None:
    descriptor = data.draw(fields("f", KERNELLED))
    field = field_of(descriptor)
    try:
        kernels, reader = kernels_of(field), guarded(field.create_cell_reader(), field)
    except re.error:
        return
    required = bool(field.constraints.get("required"))
    column = Column(1, "f", field.type, reader, frozenset(field.missing_values), required, kernels)
    column._by_value = data.draw(st.booleans()) or kernels is None
    cells = data.draw(st.lists(near(descriptor) | st.sampled_from(BLANKS), max_size=30))
    assert column.wrong(strings(cells)).tolist() == [at for at, cell in enumerate(cells) if reader(cell)[1]]


@settings(max_examples=600, deadline=None)
@given(pattern=st.sampled_from(PATTERNS), text=st.text("abcABCd123é|\n {,}٣_", max_size=8))
def test_what_re2_matches_python_matches(pattern: str, text: str) -> None:
    whole = f"^{pattern}$"
    try:
        compiled = re.compile(whole)
    except re.error:
        assert to_re2(whole) is None
        return
    expression = to_re2(whole)
    if expression is None:
        return
    assert matches(expression) is not None
    proven = pc.match_substring_regex(strings([text]), pattern=expression)[0].as_py()
    assert not proven or compiled.match(text)


@settings(max_examples=600, deadline=None)
@given(
    pattern=st.recursive(
        st.sampled_from(["a", "b", "é", ".", "[ab]", "[^a]", r"\d", "$", "^", r"\|", "a{,2}", "{", "x"]),
        lambda inner: (
            st.builds("(?:{}|{})".format, inner, inner)
            | st.builds("{}{}".format, inner, inner)
            | st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{1,2}", "*?", "{2}"]))
        ),
        max_leaves=6,
    ),
    text=st.text("abé1|\n{,}x2", max_size=6),
)
def test_any_small_expression_is_rewritten_soundly(pattern: str, text: str) -> None:
    whole = f"^{pattern}$"
    expression = to_re2(whole)
    if expression is None or matches(expression) is None:
        return
    proven = pc.match_substring_regex(strings([text]), pattern=expression)[0].as_py()
    assert not proven or re.match(whole, text)


@settings(max_examples=300, deadline=None)
@given(batches=st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=40))
def test_the_index_names_the_last_earlier_row_with_the_same_hash(batches: list[list[int]]) -> None:
    index, memory, row = KeyIndex(100), {}, 1
    spread = np.random.default_rng(7).integers(0, 1 << 64, 31, np.uint64)
    for batch in batches:
        rows = np.arange(row, row + len(batch), dtype=np.uint32)
        expected = []
        for number, key in zip(rows.tolist(), batch, strict=True):
            expected.append(memory.get(key, 0))
            memory[key] = number
        assert index.add(spread[batch].astype(np.uint64), rows).tolist() == expected
        row += len(batch)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_equal_values_have_equal_hashes_and_others_do_not(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["string", "integer", "number", "date", "boolean", "year"]))
    field = field_of({"name": "f", "type": kind})
    column = Column(1, "f", kind, field.create_cell_reader(), frozenset({""}), False, None)
    cells = data.draw(st.lists(st.sampled_from([*CELLS[kind], ""]) | st.text("ab0", max_size=150), max_size=20))
    values = [column.read(cell)[0] for cell in cells]
    hashes, null = Hasher(column).hashes(strings(cells), np.arange(len(cells)))
    assert null.tolist() == [value is None for value in values]
    for at, one in enumerate(values):
        for there, other in enumerate(values):
            if one is not None and other is not None and one == one:
                assert (hashes[at] == hashes[there]) == (one == other)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["string", "integer"]), cells=st.lists(st.text("ab01-", max_size=1500), min_size=1, max_size=5)
)
def test_a_cell_hashes_alike_in_any_company(kind: str, cells: list[str]) -> None:
    field = field_of({"name": "f", "type": kind})
    hasher = Hasher(Column(1, "f", kind, field.create_cell_reader(), frozenset({""}), False, None))
    together = hasher.hashes(strings(cells), np.arange(len(cells)))[0].tolist()
    alone = [hasher.hashes(strings([cell]), np.arange(1))[0][0] for cell in cells]
    assert together == alone
