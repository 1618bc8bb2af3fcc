"""What the README tells reusers to type gives them what it says, on a real portal."""

import re
from pathlib import Path
from typing import Any

import pytest

from publish.build import build_version
from tests.fixtures_portal import Portal
from tests.publish.material import DECLARATION
from tests.publish.test_build import ANGERS, RENNES, parts
from tests.publish.test_publication import DAY, Bench

README = Path(__file__).parents[2] / "README.md"


def snippets(language: str) -> list[str]:
    """The blocks of the section "Read a version" in that language."""
    section = README.read_text(encoding="utf-8").split("## Read a version\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_each_tool_reads_a_version_and_a_delta_in_two_lines() -> None:
    blocks = snippets("python")
    for tool in ("frictionless", "pandas", "duckdb"):
        mine = [block for block in blocks if f"{tool}." in block]
        assert any("delta/" in block for block in mine), tool
        assert any("delta/" not in block for block in mine), tool
    read = [line for block in blocks[1:] for line in [block.splitlines()] if line]
    assert max(len([line for line in lines if not line.startswith("import ")]) for lines in read) <= 2
    assert [block.count("\n") for block in snippets("r")] == [3, 1]


@pytest.mark.portal
def test_a_reuser_who_types_them_gets_rows_and_changes(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(portal, tmp_path, DECLARATION)
    visits = ({**ANGERS, "nom": "Médiathèque Toussaint"}, {"id": "a--3", "nom": "Neuf", "code_postal": "49000"})
    for rows in ([ANGERS], visits):
        bench.publish(build_version(bench.dataset, parts(bench.dataset, *rows), bench.store, created=DAY).version)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in snippets("python"):
        here = block.replace("https://data.example.org", portal.url)
        exec(here.replace("inclusion_sites", bench.dataset.name).replace("complete", "sites"), names)
    typed = [(row["id"], row["code_postal"], row["ouvert"], row["places"]) for row in names["rows"]]
    assert typed == [("a--1", "01000", True, 12), ("a--3", "49000", None, None), ("b--1", "35000", None, None)]
    assert names["sites"]["code_postal"].tolist() == ["01000", RENNES["code_postal"]]
    assert sorted(names["counts"]) == [("01000", 1), ("35000", 1), ("49000", 1)]
    change = [("a--1", "nom", "Médiathèque", "Médiathèque Toussaint")]
    assert list(names["changed"].itertuples(index=False, name=None)) == change
    assert [tuple(row.to_dict().values()) for row in names["fields"]] == change
    assert [row[:2] for row in names["new"]] == [("a--3", "Neuf")]
    assert names["header"]["rows"] == {"added": 1, "changed": 1, "removed": 0}
