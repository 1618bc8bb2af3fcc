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
from schemas.expectations.guards import guards_of
from schemas.expectations.judging import expected_of, judge_table
from schemas.expectations.measures import emptied, largest_move, lost_values, null_share, shares, values
from schemas.expectations.outcome import Outcome
from schemas.expectations.partners import Partners
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
    """The answers to the declared lines, without those that hold undeclared."""
    answers = zip(guards_of(table), judge_table(table, now, before), strict=True)
    return [outcome for guard, outcome in answers if any(guard.line is line for line in table.line.expectations)]


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
        (False, "values of the version before that are lost: at most 0", "lost: 72; 85 (2 of 4)"),
    ),
    (
        "{expect: values_kept, fields: [site], with: {lost: 1}}",
        ["a"],
        ["a", "b"],
        (True, "values of the version before that are lost: at most 1", "lost: b (1 of 2)"),
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
    table = expecting(tmp_path, "{expect: null_share, fields: [site], severity: show, with: {max: 0.125}}")
    (outcome,) = declared(table, frame(table, site=["a", None, "c"]))
    assert outcome == Outcome(
        table="places",
        expect="null_share",
        fields=("site",),
        severity="show",
        passed=False,
        expected=outcome.expected,
        observed=outcome.observed,
        figures={"share": 1 / 3, "empty": 1, "rows": 3},
    )
    assert outcome.expected.fr == "vide dans au plus 12,5 % des lignes"
    assert outcome.observed.fr == "vide dans 33,3 % des lignes (1 sur 3)"
    assert (outcome.stops, outcome.name) == (False, "places_null_share_site_show")
    assert Outcome.model_validate(json.loads(json.dumps(outcome.model_dump(mode="json")))) == outcome


def test_each_field_of_a_line_has_an_answer_of_its_own_and_its_name_is_told_beforehand(tmp_path: Path) -> None:
    table = expecting(
        tmp_path,
        "{expect: null_share, fields: [site, kind], with: {max: 0.5}}",
        "{expect: unique, fields: [name, site], severity: show}",
    )
    names = [outcome.name for outcome in judge_table(table, frame(table, 2), None)]
    assert (
        names
        == list(expected_of(table))
        == [
            "places_columns_kept_ask",
            "places_fill_kept_ask",
            "places_row_count_change_ask",
            "places_partners_kept_ask",
            "places_partner_rows_change_ask",
            "places_null_share_site_stop",
            "places_null_share_kind_stop",
            "places_unique_name_site_show",
        ]
    )


def asked(outcomes: Sequence[Outcome]) -> dict[str, tuple[str, dict[str, float]]]:
    """What a steward is asked: by guard, what was observed and how far what is beyond its bound."""
    return {one.expect: (one.observed.en, dict(one.excess)) for one in outcomes if one.asks}


def test_a_column_that_goes_empty_is_asked_about_though_nobody_declared_it(tmp_path: Path) -> None:
    table = expecting(tmp_path)
    now = frame(table, site=[None, None], kind=[None, "a"])
    assert asked(judge_table(table, now, frame(table, 2))) == {"columns_kept": ("empty: site", {"site": 1})}
    before = frame(table, 2).with_columns(pl.lit("x").alias("taken_out"))
    assert asked(judge_table(table, frame(table, 2), before)) == {}
    assert asked(judge_table(table, frame(table, site=[None]), frame(table, site=[None]))) == {}


def test_a_column_that_may_go_empty_is_shown_and_holds_nothing_back(tmp_path: Path) -> None:
    table = expecting(tmp_path, "{expect: columns_kept, fields: [site], severity: show}")
    outcomes = judge_table(table, frame(table, site=[None]), frame(table, 1))
    assert [(one.name, one.stops, one.asks) for one in outcomes if not one.passed] == [
        ("places_columns_kept_site_show", False, False)
    ]


def test_rows_fill_rates_and_partners_are_guarded_though_nobody_declared_it(tmp_path: Path) -> None:
    table = expecting(tmp_path)
    before = frame(table, 20)
    brought = Partners({"a": 12, "b": 5, "d": 4}, {"a": 30, "b": 6, "c": 3, "d": 9, "e": 0})
    now = frame(table, site=["x"] * 6 + [None] * 6)
    assert asked(judge_table(table, now, before, brought)) == {
        "fill_kept": ("share of rows that are empty: site (0.00 → 0.50)", {"site": 0.5}),
        "row_count_change": ("number of rows: 20 before, 12 now (-40%)", {"fall": 0.4}),
        "partners_kept": ("left: c", {"c": 1}),
        "partner_rows_change": ("rows: a (30 → 12)", {"a": 0.6}),
    }
    left = Partners(brought.now, brought.before, frozenset({"c"}))
    assert "partners_kept" not in asked(judge_table(table, now, before, left))


def test_a_small_table_may_lose_rows_that_nobody_bounded(tmp_path: Path) -> None:
    table = expecting(tmp_path)
    assert asked(judge_table(table, frame(table, 1), frame(table, 10))) == {}
    bound = expecting(tmp_path, "{expect: row_count_change, with: {fall: 0.5}}")
    assert list(asked(judge_table(bound, frame(bound, 1), frame(bound, 10)))) == ["row_count_change"]


def test_a_share_of_a_territory_may_vanish_and_no_more(tmp_path: Path) -> None:
    table = expecting(tmp_path, "{expect: values_kept, fields: [site], with: {first: 2, share: 0.25}}")
    before = frame(table, site=["49000", "49100", "85000", "72000", "44000"])
    assert asked(judge_table(table, frame(table, site=["49000", "85000", "72000", "72000", "72100"]), before)) == {}
    now = frame(table, site=["49000", "85000", "85001", "85002", "85003"])
    assert asked(judge_table(table, now, before)) == {"values_kept": ("lost: 44; 72 (2 of 4)", {"lost": 0.5})}


def test_the_shipped_datasets_guard_rows_columns_fill_rates_partners_and_territory() -> None:
    roots = sorted(path.parent for path in Path("schemas").glob("*/dataset.yaml"))
    assert len(roots) == 3
    for table in (table for root in roots for table in load_dataset(root).merged):
        guards = {(guard.line.expect, guard.line.severity) for guard in guards_of(table)}
        wanted = {"row_count_change", "columns_kept", "fill_kept", "partners_kept", "partner_rows_change"}
        assert {(expect, "ask") for expect in wanted} <= guards, table.name
        territory = {
            name for name in table.published_fields if name in ("pays", "country", "departement", "code_insee")
        }
        kept = {name for guard in guards_of(table) if guard.line.expect == "values_kept" for name in guard.fields}
        assert territory <= kept, table.name
        assert ("unique", "stop") in guards


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
    ("{expect: values_kept, fields: [site], with: {lost: 1, share: 0.1}}", "'lost' and 'share' are two bounds"),
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


def test_a_derived_table_has_no_partners_to_expect(tmp_path: Path) -> None:
    line = "{expect: partners_kept}"
    text = DECLARATION.replace("  - name: visits\n", f"    expectations:\n      - {line}\n  - name: visits\n")
    root = places(tmp_path).folder
    name = text.partition("- name: ")[2].partition("\n")[0]
    (root / "dataset.yaml").write_text(
        text.replace(f"- name: {name}\n", f"- name: {name}\n    derived_from: visits\n", 1)
    )
    with pytest.raises(DeclarationError, match="expect it of the one it derives from"):
        load_dataset(root)


def test_answers_that_were_kept_before_there_was_ask_are_still_read() -> None:
    text = {"fr": "x", "en": "x"}
    kept = {"table": "places", "expect": "null_share", "fields": ["site"], "severity": "warn", "passed": False}
    old = Outcome.model_validate({**kept, "expected": text, "observed": text, "figures": {}, "compared": True})
    assert (old.severity, old.asks, old.stops) == ("show", False, False)


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
