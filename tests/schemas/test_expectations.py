"""What dataset.yaml expects of a table as a whole: judged as declared, with expected and observed figures."""

import json
import socket
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glane.declaration import DeclarationError
from schemas.dataset import Table, load_dataset
from schemas.expectations.great import ExpectationError, judge
from schemas.expectations.judging import expected_of, judge_table
from schemas.expectations.measures import emptied, largest_move, lost_values, null_share, shares, values
from schemas.expectations.outcome import Outcome
from tests.schemas.material import DECLARATION, places

Cells = Sequence[str | None]
CELLS = st.lists(st.none() | st.sampled_from(["FR", "BE", "FR|BE", "", " ", "NL"]), max_size=12)


def expecting(folder: Path, *lines: str) -> Table:
    """The table `places` with `lines` under its expectations."""
    root = places(folder).folder
    block = "    expectations:\n" + "".join(f"      - {line}\n" for line in lines) if lines else ""
    text = DECLARATION.replace("  - name: visits\n", f"{block}  - name: visits\n")
    (root / "dataset.yaml").write_text(text, encoding="utf-8")
    return load_dataset(root).main


def frame(table: Table, rows: int = 0, **columns: Cells) -> pl.DataFrame:
    """A frame of the published fields; columns not given hold a text in every row."""
    height = len(next(iter(columns.values()))) if columns else rows
    known = {"id": [str(number) for number in range(height)]} | columns
    cells = {name: known.get(name, ["x"] * height) for name in table.published_fields}
    return pl.DataFrame(cells, schema=dict.fromkeys(table.published_fields, pl.String))


def declared(table: Table, now: pl.DataFrame, before: pl.DataFrame | None = None) -> list[Outcome]:
    """The answers to the declared lines, without the one that is always asked."""
    return list(judge_table(table, now, before)[1:])


def said(outcome: Outcome) -> tuple[bool, str, str]:
    return outcome.passed, outcome.expected.en, outcome.observed.en


ALONE = [
    (
        "{expect: row_count, with: {min: 3}}",
        {"name": ["a", "b"]},
        (False, "number of rows: at least 3", "number of rows: 2"),
    ),
    (
        "{expect: row_count, with: {max: 2}}",
        {"name": ["a", "b"]},
        (True, "number of rows: at most 2", "number of rows: 2"),
    ),
    (
        "{expect: row_count, with: {min: 1, max: 2}}",
        {"name": []},
        (False, "number of rows: 1 to 2", "number of rows: 0"),
    ),
    (
        "{expect: null_share, fields: [site], with: {max: 0.7}}",
        {"site": ["a", "b", "c", *[None] * 7]},
        (True, "empty in at most 70% of the rows", "empty in 70% of the rows (7 of 10)"),
    ),
    (
        "{expect: null_share, fields: [site], with: {max: 0.2}}",
        {"site": ["a", None, "c"]},
        (False, "empty in at most 20% of the rows", "empty in 33.3% of the rows (1 of 3)"),
    ),
    (
        "{expect: null_share, fields: [site], with: {max: 0}}",
        {"site": []},
        (True, "empty in at most 0% of the rows", "empty in 0% of the rows (0 of 0)"),
    ),
    (
        "{expect: distinct_count, fields: [postcode], with: {first: 2, min: 3}}",
        {"postcode": ["44000", "44100", "49000", None]},
        (False, "distinct values: at least 3", "distinct values: 2"),
    ),
    (
        '{expect: contains, fields: [services], with: {separator: "|", values: [Repair, Access]}}',
        {"services": ["Learning|Access", None]},
        (False, "all of these values: Repair; Access", "missing: Repair"),
    ),
    (
        '{expect: contains, fields: [services], with: {separator: "|", values: [Access]}}',
        {"services": ["Learning|Access", None]},
        (True, "all of these values: Access", "none is missing"),
    ),
    (
        "{expect: within, fields: [kind], with: {values: [fixed]}}",
        {"kind": ["fixed", "odd", "odd", None]},
        (False, "only these values: fixed", "other values: odd"),
    ),
    (
        "{expect: unique, fields: [site]}",
        {"site": ["a", "a", None, None]},
        (False, "no two rows alike", "rows that are alike: 2"),
    ),
    (
        "{expect: unique, fields: [name, site]}",
        {"name": ["a", "a", "a"], "site": ["a", "b", None]},
        (True, "no two rows alike", "rows that are alike: 0"),
    ),
    (
        '{expect: largest_share, fields: [site], with: {separator: "|", max: 0.6}}',
        {"site": ["p", "p|q", "p", "q", None]},
        (False, "no value in more than 60% of the rows", "“p” in 75% of the rows"),
    ),
    (
        "{expect: largest_share, fields: [site], with: {max: 0.6}}",
        {"site": []},
        (True, "no value in more than 60% of the rows", "“-” in 0% of the rows"),
    ),
]


@pytest.mark.parametrize(("line", "now", "answer"), ALONE, ids=[line for line, _, _ in ALONE])
def test_a_table_by_itself_is_judged_as_declared(
    tmp_path: Path, line: str, now: dict[str, Cells], answer: tuple[bool, str, str]
) -> None:
    table = expecting(tmp_path, line)
    (outcome,) = declared(table, frame(table, **now))
    assert said(outcome) == answer


CHANGES = [
    (
        "{expect: row_count_change, with: {fall: 0.2}}",
        ["a"] * 8,
        ["a"] * 10,
        (True, "falls by at most 20%", "number of rows: 10 before, 8 now (-20%)"),
    ),
    (
        "{expect: row_count_change, with: {fall: 0.2, rise: 0.5}}",
        ["a"] * 16,
        ["a"] * 10,
        (False, "falls by at most 20%, rises by at most 50%", "number of rows: 10 before, 16 now (60%)"),
    ),
    (
        "{expect: row_count_change, with: {fall: 0.2}}",
        ["a"],
        [],
        (True, "falls by at most 20%", "nothing to compare with: no version before"),
    ),
    (
        "{expect: null_share_change, fields: [site], with: {rise: 0.1}}",
        ["a", None],
        ["a", "a"],
        (False, "rises by at most 10%", "empty in 0% of the rows before, 50% now"),
    ),
    (
        "{expect: values_kept, fields: [site], with: {first: 2}}",
        ["44000", "49000"],
        ["44100", "49000", "85000", "72000"],
        (False, "values of the version before that are lost: at most 0", "lost: 72; 85"),
    ),
    (
        "{expect: values_kept, fields: [site], with: {lost: 1}}",
        ["a"],
        ["a", "b"],
        (True, "values of the version before that are lost: at most 1", "lost: b"),
    ),
    (
        "{expect: distribution_change, fields: [site], with: {max: 0.25}}",
        ["a", "b", "b", "b"],
        ["a", "a", "b", "b"],
        (True, "no value's share moves by more than 25%", "“a”: 50% before, 25% now"),
    ),
    (
        "{expect: distribution_change, fields: [site], with: {max: 0.2}}",
        ["a", "b", "b", "c"],
        ["a", "a", "b", "b"],
        (False, "no value's share moves by more than 20%", "“a”: 50% before, 25% now"),
    ),
]


@pytest.mark.parametrize(("line", "now", "before", "answer"), CHANGES, ids=[f"{c[0]} {c[3][2]}" for c in CHANGES])
def test_a_table_is_judged_against_the_version_before(
    tmp_path: Path, line: str, now: Cells, before: Cells, answer: tuple[bool, str, str]
) -> None:
    table = expecting(tmp_path, line)
    (outcome,) = declared(table, frame(table, site=now), frame(table, site=before))
    assert said(outcome) == answer


def test_without_a_version_before_what_is_expected_against_it_passes_with_a_note(tmp_path: Path) -> None:
    table = expecting(
        tmp_path,
        "{expect: row_count_change, with: {fall: 0.2}}",
        "{expect: null_share_change, fields: [site], with: {rise: 0.1}}",
        "{expect: values_kept, fields: [site]}",
        "{expect: distribution_change, fields: [site], with: {max: 0.2}}",
    )
    for outcome in judge_table(table, frame(table, site=["a"]), None):
        assert (outcome.passed, outcome.compared) == (True, False)
        assert outcome.observed.fr == "rien à quoi comparer : aucune version précédente"


def test_a_field_that_the_version_before_had_not_has_nothing_to_compare_with(tmp_path: Path) -> None:
    table = expecting(tmp_path, "{expect: values_kept, fields: [site]}")
    (outcome,) = declared(table, frame(table, site=["a"]), frame(table, site=["b"]).drop("site"))
    assert (outcome.passed, outcome.compared) == (True, False)


def test_figures_are_written_as_each_language_does(tmp_path: Path) -> None:
    table = expecting(tmp_path, "{expect: null_share, fields: [site], severity: warn, with: {max: 0.125}}")
    (outcome,) = declared(table, frame(table, site=["a", None, "c"]))
    assert outcome == Outcome(
        table="places",
        expect="null_share",
        fields=("site",),
        severity="warn",
        passed=False,
        expected=outcome.expected,
        observed=outcome.observed,
        figures={"share": 1 / 3, "empty": 1, "rows": 3},
    )
    assert outcome.expected.fr == "vide dans au plus 12,5 % des lignes"
    assert outcome.observed.fr == "vide dans 33,3 % des lignes (1 sur 3)"
    assert (outcome.stops, outcome.name) == (False, "places_null_share_site_warn")
    assert Outcome.model_validate(json.loads(json.dumps(outcome.model_dump(mode="json")))) == outcome


def test_each_field_of_a_line_has_an_answer_of_its_own_and_its_name_is_told_beforehand(tmp_path: Path) -> None:
    table = expecting(
        tmp_path,
        "{expect: null_share, fields: [site, kind], with: {max: 0.5}}",
        "{expect: unique, fields: [name, site], severity: warn}",
    )
    names = [outcome.name for outcome in judge_table(table, frame(table, 2), None)]
    assert (
        names
        == list(expected_of(table))
        == [
            "places_columns_kept_stop",
            "places_null_share_site_stop",
            "places_null_share_kind_stop",
            "places_unique_name_site_warn",
        ]
    )


def test_a_column_that_goes_empty_stops_though_nobody_declared_it(tmp_path: Path) -> None:
    table = expecting(tmp_path)
    (kept,) = judge_table(table, frame(table, site=[None, None], kind=[None, "a"]), frame(table, 2))
    assert (kept.stops, said(kept)) == (
        True,
        (False, "no column of the version before disappears or goes empty", "empty: site"),
    )
    (kept,) = judge_table(table, frame(table, 2), frame(table, 2).with_columns(pl.lit("x").alias("taken_out")))
    assert kept.passed
    (kept,) = judge_table(table, frame(table, site=[None]), frame(table, site=[None]))
    assert kept.passed


def test_a_column_that_may_go_empty_is_shown_and_stops_nothing(tmp_path: Path) -> None:
    table = expecting(tmp_path, "{expect: columns_kept, fields: [site], severity: warn}")
    always, its_own = judge_table(table, frame(table, site=[None]), frame(table, 1))
    assert (always.passed, its_own.passed, its_own.stops) == (True, False, False)


WRONG = [
    (
        "{expect: row_count_chang, with: {fall: 0.2}}",
        "'row_count_chang' is not on the list.*Did you mean 'row_count_change'",
    ),
    ("{expect: row_count_change, with: {fal: 0.2}}", "The key 'fal' is not known. Did you mean 'fall'"),
    ("{expect: row_count, with: {}}", "nothing is expected"),
    ("{expect: row_count, with: {min: 3, max: 2}}", r"'min' \(3\) is above 'max' \(2\)"),
    ("{expect: null_share, fields: [site], with: {max: 20}}", "less than or equal to 1"),
    ("{fields: [site]}", "The key 'expect' is missing"),
    ("{expect: unique, fields: [nam]}", "The field 'nam' is not in places.schema.json. Did you mean 'name'"),
]


@pytest.mark.parametrize(("line", "message"), WRONG, ids=[line for line, _ in WRONG])
def test_a_wrong_line_says_where_it_is_wrong_and_what_to_write(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        expecting(tmp_path, line)
    assert all(fault.line > 1 for fault in caught.value.faults)


def test_an_expectation_declared_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="'places_unique_site_stop' is declared twice"):
        expecting(tmp_path, "{expect: unique, fields: [site]}", "{expect: unique, fields: [site]}")


def test_what_great_expectations_cannot_judge_is_an_error_and_no_silent_pass() -> None:
    with pytest.raises(ExpectationError, match='The column "nope"'):
        judge(pl.DataFrame({"a": ["x"]}), "ExpectColumnValuesToNotBeNull", column="nope")


def test_judging_reaches_no_network_and_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("judging a table needs no network")

    table = expecting(tmp_path, "{expect: unique, fields: [site]}")
    empty = tmp_path / "here"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setattr(socket.socket, "connect", refused)
    assert declared(table, frame(table, site=["a", "b"]))[0].passed
    assert list(empty.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_great_expectations_is_imported_only_when_it_is_used(tmp_path: Path) -> None:
    table = expecting(tmp_path, "{expect: row_count_change, with: {fall: 0.2}}", "{expect: unique, fields: [site]}")
    script = f"""
        import sys
        from pathlib import Path
        import polars as pl
        import pipelines.cli.app, pipelines.definitions, publish.build
        from schemas.dataset import load_dataset
        from schemas.expectations.judging import judge_table
        table = load_dataset(Path({str(table.schema_path.parent)!r})).main
        frame = pl.DataFrame({{name: ["a"] for name in table.published_fields}})
        print("great_expectations" in sys.modules)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert run.stdout == "False\n"


@given(CELLS)
@settings(max_examples=60, deadline=None)
def test_shares_and_values_count_each_row_once(cells: list[str | None]) -> None:
    column = pl.Series("c", cells, dtype=pl.String)
    found = list(values(column))
    assert len(found) == sum(1 for cell in cells if cell is not None and cell.strip())
    assert all(0 < share <= 1 for share in shares(column).values())
    assert null_share(column) == (cells.count(None) / len(cells) if cells else 0)


@given(CELLS, CELLS)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_or_moved_against_oneself(now: list[str | None], before: list[str | None]) -> None:
    here, there = pl.Series("c", now, dtype=pl.String), pl.Series("c", before, dtype=pl.String)
    assert lost_values(here, here) == []
    assert lost_values(here, there) == sorted(set(values(there)) - set(values(here)))
    moved = largest_move(shares(here), shares(here))
    assert moved is None or moved[1] == moved[2]
    assert emptied(here.to_frame(), here.to_frame(), ("c",)) == []
    lost = there.null_count() < len(before) and here.null_count() == len(now)
    assert emptied(here.to_frame(), there.to_frame(), ("c",)) == (["c"] if lost else [])
