"""Judging: every row is accounted for, every problem stands at the partner's own line in words they understand."""

import datetime
import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import frictionless
import polars as pl
import pytest
from frictionless import errors as frictionless_errors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glane.errors import CallError
from schemas.check import check_against_dataset, check_against_schema
from schemas.conform import NotATableError, SchemaError
from schemas.conform.report import ErrorRecord
from schemas.dataset import Dataset
from schemas.derive import Reason, derive
from schemas.judge import judge
from schemas.judgement import LINE, AccountingError, Judgement, check_accounts
from schemas.patterns import describe, list_values
from schemas.sentences import sentence_for
from tests.schemas.material import PLACES, good, places, rows_of

TODAY = datetime.date(2026, 11, 21)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return places(tmp_path_factory.mktemp("schemas"))


def judged(dataset: Dataset, rows: list[dict[str, str | None]], lines: list[int] | None = None) -> Judgement:
    table = dataset.main
    return judge(dataset, table, rows_of(table.fields, rows, lines), today=TODAY)


def told(judgement: Judgement) -> list[tuple[int, str | None, str, str, str | None, str | None]]:
    return [(p.line, p.field, p.rule, p.severity, p.cell, p.suggestion) for p in judgement.problems]


def test_right_rows_pass_with_their_lines(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(), good(id="b")], [2, 7])
    assert judgement.rows.to_dicts() == [{**good(), LINE: 2}, {**good(id="b"), LINE: 7}]
    assert (judgement.problems, judgement.to_correct, judgement.on_hold) == ((), 0, 0)


def test_each_wrong_cell_is_told_at_the_partners_line_with_what_to_write(dataset: Dataset) -> None:
    rows = [
        good(latitude="46,2"),
        good(id="b", name=None),
        good(id="c", latitude="123"),
        good(id="d", kind="Fixd"),
        good(id="e", postcode="1000"),
        good(id="f", services="Learnin|Access"),
        good(id="g", site="www.example.org"),
        good(id="h", updated="31/01/2026"),
    ]
    assert told(judged(dataset, rows, [3, 4, 6, 8, 13, 14, 15, 16])) == [
        (3, "latitude", "type-error", "error", "46,2", "46.2"),
        (4, "name", "constraint-required", "error", None, None),
        (6, "latitude", "constraint-maximum", "error", "123", None),
        (8, "kind", "constraint-enum", "error", "Fixd", "fixed"),
        (13, "postcode", "postcode_of_country", "error", "1000", "01000"),
        (14, "services", "terms", "error", "Learnin|Access", "Learning"),
        (15, "site", "url", "error", "www.example.org", "https://www.example.org"),
        (16, "updated", "type-error", "error", "31/01/2026", "2026-01-31"),
    ]


def test_a_rule_or_a_term_list_says_better_what_a_pattern_refuses_too(dataset: Dataset) -> None:
    assert [p.rule for p in judged(dataset, [good(postcode="1000")]).problems] == ["postcode_of_country"]


def test_a_rule_that_only_warns_speaks_for_the_pattern_that_refuses(dataset: Dataset) -> None:
    line = dataset.main.line
    rules = [rule.model_copy(update={"severity": "warning"}) for rule in line.rules]
    table = replace(dataset.main, line=line.model_copy(update={"rules": rules}))
    rows = rows_of(table.fields, [good(postcode="1000"), good(id="b", postcode="00100")])
    judgement = judge(dataset, table, rows, today=TODAY)
    assert [(p.line, p.rule, p.severity) for p in judgement.problems] == [
        (2, "postcode_of_country", "error"),
        (3, "postcode_of_country", "warning"),
    ]
    assert (judgement.to_correct, judgement.passed) == (1, 1)


def test_the_first_of_two_rows_with_one_key_stands(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(name="first"), good(name="second"), good(name="third")])
    assert judgement.rows["name"].to_list() == ["first"]
    assert told(judgement) == [
        (3, "id", "primary-key", "error", "a", None),
        (4, "id", "primary-key", "error", "a", None),
    ]
    assert [problem.repeats for problem in judgement.problems] == [2, 3]


def test_a_warning_lets_the_row_through_and_is_counted(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(updated="2027-01-01")])
    assert (judgement.passed, judgement.warnings) == (1, 1)
    assert told(judgement) == [(2, "updated", "date_not_future", "warning", "2027-01-01", None)]


def test_a_verdict_holds_until_the_first_day_that_may_change_it(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(updated="2027-03-01"), good(id="b", updated="2027-01-15"), good(id="c")])
    assert judgement.valid_until == datetime.date(2027, 1, 15)
    assert judged(dataset, [good()]).valid_until is None


@pytest.mark.parametrize("consent", ["pending", None])
def test_a_right_row_without_consent_is_on_hold_and_says_so(dataset: Dataset, consent: str | None) -> None:
    judgement = judged(dataset, [good(consent=consent), good(id="b")])
    assert (judgement.passed, judgement.to_correct, judgement.on_hold) == (1, 0, 1)
    assert told(judgement) == [(2, "consent", "published_when", "info", consent, None)]


def test_a_synonym_is_published_as_its_term(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(services="Repair|lessons")])
    assert judgement.rows["services"].to_list() == ["Repair|Learning"]
    assert told(judgement) == [(2, "services", "terms", "info", "Repair|lessons", "Learning")]


@pytest.mark.parametrize(
    ("name", "risky"), [("=1+1", True), ("@SUM(A1)", True), ("-2+3 cmd|'/C'", True), ("+33 3 26", False)]
)
def test_a_cell_that_would_run_as_a_formula_is_told_as_information(dataset: Dataset, name: str, risky: bool) -> None:
    judgement = judged(dataset, [good(name=name)])
    assert told(judgement) == ([(2, "name", "formula", "info", name, None)] if risky else [])
    assert judgement.passed == 1


def test_a_text_that_lost_letters_is_published_with_a_warning(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(name="M\ufffddiath\ufffdque")])
    assert told(judgement) == [(2, "name", "lost_letters", "warning", "M\ufffddiath\ufffdque", None)]
    assert judgement.passed == 1


@pytest.mark.parametrize("name", ["M\0d", "M\x1bd", "M\x7fd", "M\uffffd"])
def test_a_sign_that_no_database_takes_is_to_be_corrected(dataset: Dataset, name: str) -> None:
    judgement = judged(dataset, [good(name=name), good(id="2")])
    assert told(judgement) == [(2, "name", "unseen_signs", "error", name, None)]
    assert judgement.passed == 1


def test_a_whole_file_pasted_into_a_cell_is_to_be_corrected(dataset: Dataset) -> None:
    judgement = judged(dataset, [good(name="x" * 100_001), good(id="2", name="x" * 100_000)])
    assert [(p.line, p.rule, p.severity) for p in judgement.problems] == [(2, "endless_text", "error")]


def test_cells_travel_to_the_engine_unharmed(dataset: Dataset) -> None:
    names = [
        '"quoted"',
        "two\nlines",
        "a,b;c",
        " spaces ",
        "'single'",
        "tab\there",
        "é\u2011ü\U0001f600",
        "\u200b",
        "None",
    ]
    judgement = judged(dataset, [good(id=str(n), name=name) for n, name in enumerate(names)])
    assert (judgement.rows["name"].to_list(), judgement.problems) == (names, ())


def test_no_rows_make_an_empty_judgement(dataset: Dataset) -> None:
    judgement = judged(dataset, [])
    assert (judgement.rows_in, judgement.rows.columns) == (0, [*dataset.main.fields, LINE])


def test_foreign_keys_wait_until_their_table_is_known(dataset: Dataset) -> None:
    table = dataset.table("visits")
    rows = rows_of(table.fields, [{"id": "1", "place": "a"}, {"id": "2", "place": "zz"}, {"id": "3", "place": None}])
    assert judge(dataset, table, rows).problems == ()
    known = rows_of(dataset.main.fields, [good()])
    (problem,) = judge(dataset, table, rows, known_keys={"places": known}).problems
    assert (problem.line, problem.field, problem.rule, problem.cell) == (3, "place", "foreign-key", "zz")
    assert problem.message.en == "“zz” is not in the table places (column id)."


def test_a_derived_table_takes_the_rows_that_satisfy_it_and_says_why_not_the_others(dataset: Dataset) -> None:
    rows = rows_of(dataset.main.fields, [good(), good(id="b", postcode=None), good(id="c", postcode="1060")])
    derived = derive(dataset, dataset.table("strict"), rows.drop(LINE))
    assert derived.rows.to_dicts() == [{"id": "a", "postcode": "01000", "note": None}]
    assert derived.left_out == 2
    assert derived.reasons == (
        Reason("postcode", "constraint-pattern", 1),
        Reason("postcode", "constraint-required", 1),
    )
    with pytest.raises(CallError):
        derive(dataset, dataset.main, rows)


_CELLS = st.one_of(
    st.none(), st.sampled_from(["a", "b", "1", "01000", "x,y", '"', "\n", "2026-01-01", "fixed", "given"])
)


@given(st.lists(st.fixed_dictionaries({field["name"]: _CELLS for field in PLACES["fields"]}), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_that_came_in_passed_is_to_be_corrected_or_is_on_hold(
    dataset: Dataset, rows: list[dict[str, str | None]]
) -> None:
    rows = [row | ({"consent": "given"} if n % 2 else {}) for n, row in enumerate(rows)]
    judgement = judged(dataset, rows)
    wrong = {p.line for p in judgement.problems if p.severity == "error"}
    held = {p.line for p in judgement.problems if p.rule == "published_when"}
    passed = set(judgement.rows[LINE].to_list())
    assert judgement.rows_in == len(rows) == judgement.passed + judgement.to_correct + judgement.on_hold
    assert (len(passed), len(wrong), len(held)) == (judgement.passed, judgement.to_correct, judgement.on_hold)
    assert passed | wrong | held == set(range(2, len(rows) + 2))
    assert [passed & wrong, passed & held, wrong & held] == [set(), set(), set()]


def test_accounts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(AccountingError, match="3 rows came in, but 1 passed, 1 are to be corrected and 0 are on hold"):
        check_accounts(3, 1, 1, 0)
    with pytest.raises(AccountingError):
        Judgement(pl.DataFrame({LINE: [2]}), (), rows_in=2, to_correct=0, on_hold=0, warnings=0)


# What is said of the engine's errors.


def _error_types() -> list[str]:
    kinds = [kind for _, kind in inspect.getmembers(frictionless_errors, inspect.isclass)]
    return sorted({kind.type for kind in kinds if issubclass(kind, frictionless.Error)})


def _record(kind: str, note: str = "", **more: Any) -> ErrorRecord:
    return ErrorRecord(kind, "t", "d", "m", (), note, row_number=2, **more)


def test_every_error_of_frictionless_has_a_sentence_in_both_languages() -> None:
    for kind in _error_types():
        said = sentence_for(_record(kind, field_name="name", field_number=2), PLACES, "x")
        assert all(text.fr and text.en and "{" not in text.fr for text in (said.message, said.remedy)), kind


_TYPES = (
    "any array boolean date datetime duration geojson geopoint integer list number object string time year yearmonth"
)


@pytest.mark.parametrize("kind", _TYPES.split())
def test_every_type_has_a_sentence_of_its_own(kind: str) -> None:
    schema = {"fields": [{"name": "f", "type": kind}]}
    said = sentence_for(_record("type-error", f'type is "{kind}/default"', field_name="f"), schema, "zz")
    assert said.message.fr != said.message.en
    assert "{" not in said.remedy.en.replace('{"type"', "")


@pytest.mark.parametrize(
    ("field", "cell", "suggestion"),
    [
        ({"type": "number"}, "1 234,5 €", "1234.5"),
        ({"type": "number"}, "10-12", None),
        ({"type": "integer"}, "12.0", "12"),
        ({"type": "integer"}, "12.5", None),
        ({"type": "boolean"}, "Oui", "true"),
        ({"type": "boolean", "falseValues": ["non"]}, "N", "non"),
        ({"type": "date"}, "3/5/2023", "2023-05-03"),
        ({"type": "date", "format": "%d/%m/%Y"}, "3-5-2023", "03/05/2023"),
        ({"type": "date"}, "31/02/2023", None),
        ({"type": "date"}, "hier", None),
    ],
)
def test_what_a_cell_plainly_means_is_offered(field: dict[str, Any], cell: str, suggestion: str | None) -> None:
    schema = {"fields": [{"name": "f", **field}]}
    assert sentence_for(_record("type-error", field_name="f"), schema, cell).suggestion == suggestion


def test_a_date_is_asked_for_in_its_own_format() -> None:
    schema = {"fields": [{"name": "f", "type": "date", "format": "%d/%m/%Y"}]}
    said = sentence_for(_record("type-error", field_name="f"), schema, "x")
    assert said.remedy.fr == "Écrivez la date sous la forme JJ/MM/AAAA, par exemple 21/11/2026."


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^\d{5}$", "5 digits"),
        (r"^W[0-9A-Z]\d{8}$", "“W”, then one digit or capital letter, then 8 digits"),
        ("^[a-z]+-[0-9]+$", "one or more lower-case letters, then “-”, then one or more digits"),
        ("^[a-zA-Z0-9]{9,14}$", "9 to 14 digits or letters"),
        (r"^\+[1-9]\d{5,14}$", None),
        (r"^(\+33|\+590)(\d){6,9}$", None),
    ],
)
def test_a_pattern_is_put_in_words_where_it_can_be(pattern: str, words: str | None) -> None:
    said = describe(pattern)
    assert (said.en if said else None) == words


def test_a_raw_regular_expression_is_never_shown() -> None:
    pattern = r"(?:(?:^|\|)(Gratuit|Langues \(anglais\)|ORDI 3.0))+$"
    assert list_values(pattern) == ("Gratuit", "Langues (anglais)", "ORDI 3.0")
    for written, cell in ((pattern, "gratuit|ORDI 3"), (r"^(\+33|\+590)(\d){6,9}$", "x"), (r"^\d{5}$", "1")):
        schema = {"fields": [{"name": "f", "type": "string", "constraints": {"pattern": written}}]}
        error = _record("constraint-error", f'constraint "pattern" is "{written}"', field_name="f")
        said = sentence_for(error, schema, cell)
        assert not any(mark in said.message.fr + said.remedy.fr + said.remedy.en for mark in ("\\", "(?:", "^", "$"))
        assert said.suggestion == ("Gratuit|ORDI 3.0" if "Gratuit" in written else None)


# Checking a file as it is.


def _file(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([",".join(field["name"] for field in PLACES["fields"]), *lines]) + "\n", encoding="utf-8")
    return path


def test_a_file_is_checked_as_it_is_with_the_lines_a_person_sees(dataset: Dataset, tmp_path: Path) -> None:
    path = _file(
        tmp_path / "places.csv",
        'a,"two\nlines",01000,46.2,Learning,https://a.fr,2026-01-01,fixed,given',
        "b,name,1000,46.2,Learnin,https://a.fr,2026-01-01,fixed,given",
        "",
        "c,name,01000,46.2,classes,https://a.fr,2026-01-01,fixed,given",
    )
    report, answer = check_against_dataset(path, dataset, dataset.main, today=TODAY)
    assert [(e.type, e.row_number) for e in report.errors] == [
        ("constraint-error", 3),
        ("blank-row", 4),
        ("primary-key", 4),
    ]
    assert [(g.rule, g.field, g.examples[0].line, g.suggestion) for g in answer.problems] == [
        ("postcode_of_country", "postcode", 4, "01000"),
        ("terms", "services", 4, "Learning"),
        ("blank-row", None, 5, None),
        ("terms", "services", 6, "Learning"),
    ]
    assert answer.counts is not None
    assert answer.counts.model_dump() == {"rows_in": 4, "passed": 2, "to_correct": 2, "on_hold": 0}


def test_a_spreadsheet_is_checked_by_the_rows_of_its_sheet(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "places.xlsx"
    names = [field["name"] for field in PLACES["fields"]]
    right = ["a", "n", "01000", 46.0, "Learning", "https://a.fr", datetime.date(2026, 1, 1), "fixed", "given"]
    pl.DataFrame([right, ["b", *right[1:5], "nowhere", *right[6:]]], names, orient="row").write_excel(path)
    _, answer = check_against_dataset(path, dataset, dataset.main, today=TODAY)
    assert [(g.rule, g.examples[0].line) for g in answer.problems] == [("url", 3)]


def test_columns_that_are_wrong_are_told_on_the_first_line(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text("id,nam,postcode\na,b,01000\n", encoding="utf-8")
    _, answer = check_against_dataset(path, dataset, dataset.main, today=TODAY)
    assert {(g.rule, g.examples[0].line) for g in answer.problems if "label" in g.rule} >= {("incorrect-label", 1)}
    assert answer.unmapped == ("nam",)


def test_columns_may_stand_in_any_order_with_others_among_them(dataset: Dataset, tmp_path: Path) -> None:
    names = [field["name"] for field in PLACES["fields"]]
    right = ["a", "n", "01000", "46.0", "Learning", "https://a.fr", "2026-01-01", "fixed", "given"]
    columns, cells = ["note", *reversed(names)], ["ours", *reversed(right)]
    path = tmp_path / "places.csv"
    path.write_text(f"{','.join(columns)}\n{','.join(cells)}\n", encoding="utf-8")
    report, answer = check_against_dataset(path, dataset, dataset.main, today=TODAY)
    assert (report.valid, answer.problems, answer.unmapped) == (True, (), ("note",))


def test_without_a_required_column_no_row_is_fit_to_publish(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("colour,size\nred,1\nblue,2\n", encoding="utf-8")
    _, answer = check_against_dataset(path, dataset, dataset.main, today=TODAY)
    assert {(g.rule, g.field, g.lines) for g in answer.problems} >= {
        ("missing-label", "id", (2, 3)),
        ("missing-label", "name", (2, 3)),
    }
    assert answer.counts is not None
    assert (answer.counts.passed, answer.counts.to_correct) == (0, 2)


def test_a_file_without_a_header_is_told_and_no_crash(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text("\n\n<HTML>x</HTML>\n", encoding="utf-8")
    report, _ = check_against_dataset(path, dataset, dataset.main)
    assert not report.valid


def test_a_file_that_cannot_be_opened_is_told_without_rows(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_bytes(b"")
    report, answer = check_against_dataset(path, dataset, dataset.main)
    assert not report.valid
    assert [g.rule for g in answer.problems] == [error.type for error in report.errors]
    path = tmp_path / "places.txt"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(NotATableError):
        check_against_dataset(path, dataset, dataset.main)


def test_a_pattern_that_is_none_is_the_schemas_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\nx\n", encoding="utf-8")
    with pytest.raises(SchemaError):
        check_against_schema(tmp_path / "a.csv", {"fields": [{"name": "a", "constraints": {"pattern": "("}}]})


def test_a_file_is_checked_under_a_schema_alone(tmp_path: Path) -> None:
    path = _file(tmp_path / "places.csv", "a,n,1000,46.2,anything,x,2026-01-01,fixed,given")
    report, answer = check_against_schema(path, PLACES)
    assert [g.rule for g in answer.problems] == ["constraint-pattern"]
    assert report.wrong_rows() == {2}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("31/02/2025", "There is no such date."),
        ("2026-02-30", "There is no such date."),
        ("31/01/2025", "This is not a date in the expected form."),
        ("bientôt", "This is not a date in the expected form."),
        ("1/2", "This is not a date in the expected form."),
    ],
)
def test_a_day_that_does_not_exist_is_not_blamed_on_its_form(cell: str, said: str) -> None:
    schema = {"fields": [{"name": "f", "type": "date"}]}
    assert sentence_for(_record("type-error", field_name="f"), schema, cell).message.en == said


def test_a_number_that_the_field_does_not_take_is_never_proposed() -> None:
    schema = {"fields": [{"name": "f", "type": "number", "constraints": {"minimum": -90, "maximum": 90}}]}
    told = [
        sentence_for(_record("type-error", field_name="f"), schema, cell).suggestion for cell in ("40,4", "404,243")
    ]
    assert told == ["40.4", None]
