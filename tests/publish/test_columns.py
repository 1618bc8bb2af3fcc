"""What PostgreSQL can hold travels with its type, what it cannot as text; what no DataStore holds is told before."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import requests

from publish.ckan import columns, datastore
from publish.ckan.address import PortalAddress
from publish.ckan.api import Api
from publish.ckan.columns import UnholdableError, check_holdable, loadable
from publish.ckan.publication import publish
from tests.fixtures_portal import Portal
from tests.publish.material import SITES
from tests.publish.test_build import ANGERS
from tests.publish.test_major import Changing

NINES = "9" * 300
CELLS: list[tuple[str, str, Sequence[str], str]] = [
    ("day", "date", ["2026-02-28", "0001-01-01", "9999-12-31"], "date"),
    ("day_before_the_calendar", "date", ["0000-01-01"], "text"),
    ("day_of_caesar", "date", ["-0044-03-15"], "text"),
    ("day_far_off", "date", ["12026-01-01"], "text"),
    ("moment", "datetime", ["2026-01-01T00:30:00+02:00", "2026-01-01T00:30:00.25Z"], "timestamp"),
    ("moment_before_the_calendar", "datetime", ["0001-01-01T00:30:00+02:00"], "text"),
    ("number", "number", ["48.850", "-1e3", NINES], "numeric"),
    ("number_too_long", "number", ["0." + "1" * 1_000], "text"),
    ("number_too_large", "number", ["1e99999999999999999999"], "text"),
    ("number_too_small", "number", ["1e-200000"], "text"),
    ("no_number", "number", ["NaN"], "text"),
    ("count", "integer", [str(2**63 - 1), str(-(2**63))], "int8"),
    ("count_too_large", "integer", [str(2**63)], "text"),
    ("words", "string", ["a\0b", "é" * 100_000], "text"),
    ("é" * 31, "string", ["63 bytes are left for a name, and this has 62"], "text"),
]


def schema_of(*names: str) -> dict[str, Any]:
    return {"fields": [{"name": name, "type": "string"} for name in names], "primaryKey": names[0]}


@pytest.mark.parametrize(("name", "kind", "cells", "column"), CELLS, ids=[line[0] for line in CELLS])
def test_a_column_is_typed_only_if_postgresql_holds_all_of_it(
    name: str, kind: str, cells: Sequence[str], column: str
) -> None:
    schema = {"fields": [{"name": name, "type": kind}], "primaryKey": name}
    assert loadable(schema, pl.DataFrame({name: cells})).types == {name: column}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a" * 64], "has 64 bytes; the DataStore holds 63"),
        (["é" * 32], "has 64 bytes; the DataStore holds 63"),
        (["_id"], "may not begin with _"),
        (['the "best"'], "double quote"),
        ([f"c{number}" for number in range(1_599)], "has 1,599 columns; a DataStore table holds 1,598"),
    ],
)
def test_what_no_datastore_can_hold_is_told_with_what_to_do(names: list[str], told: str) -> None:
    load = loadable(schema_of(*names), pl.DataFrame({name: ["x"] for name in names}))
    with pytest.raises(UnholdableError, match=told) as refused:
        check_holdable("sites", load)
    assert "datastore: off" in refused.value.remedy


@pytest.mark.portal
def test_everything_at_the_edge_is_really_held(portal: Portal) -> None:
    """Against PostgreSQL itself: each column at the edge of its type, and 1,598 of them."""
    address = PortalAddress(portal.url, portal.token)
    fields = [{"name": name, "type": kind} for name, kind, _, _ in CELLS]
    cells = {name: [*values, None, None][:3] for name, _, values, _ in CELLS}
    wide = [f"c{number}" for number in range(columns.MOST_COLUMNS - len(fields))]
    cells |= {name: [None, None, "end"] for name in wide}
    cells["day"] = ["2026-02-28", "0001-01-01", "9999-12-31"]
    schema = {"fields": [*fields, *schema_of(*wide)["fields"]], "primaryKey": "day"}
    load = loadable(schema, pl.DataFrame(cells))
    check_holdable("edge", load)
    with Api(address) as api:
        page = {"name": f"t-{uuid.uuid4().hex[:8]}", "owner_org": portal.organisation, "resources": [{"url": ""}]}
        identifier = api.write("package_create", page)["resources"][0]["id"]
        datastore.reload(api, identifier, load)
        query = {"resource_id": identifier, "sort": "day desc"}
        found = requests.get(f"{portal.url}/api/3/action/datastore_search", params=query, timeout=60).json()["result"]
        datastore.remove_table(api, identifier)
        datastore.remove_table(api, identifier)
    assert {field["id"]: field["type"] for field in found["fields"][1:]} == load.types
    last, first = found["records"][0], found["records"][1]
    assert (last["number"], last[wide[-1]], first["words"][:3]) == (int(NINES), "end", "a\ufffdb")
    moments = [row["moment"] for row in found["records"]]
    assert moments == [None, "2025-12-31T22:30:00.000", "2026-01-01T00:30:00.250"]


@pytest.mark.portal
def test_a_name_that_is_too_long_stops_before_anything_is_sent_and_without_a_datastore_it_does_not_matter(
    portal: Portal, tmp_path: Path
) -> None:
    bench = Changing(portal, tmp_path)
    long = "nom_" + "très_" * 12
    schema = {**SITES, "fields": [*SITES["fields"], {"name": long, "type": "string"}]}
    bench.redeclare(schema)
    version = bench.version({**ANGERS, long: "x"})
    with pytest.raises(UnholdableError, match="has 64 bytes|bytes; the DataStore holds 63"):
        bench.publish(version)
    assert bench.show() is None
    bench.redeclare(schema, datastore="off")
    receipt = publish(version, bench.dataset, bench.store, bench.address, bench.said.append)
    assert (receipt.datastore, bench.read()) == ({}, "1.0.0")
    assert bench.table(bench.resources()["sites.csv"]["id"]) is None
