"""The answer to a partner: what arrived, what is published, what is to be corrected and how.

Belongs here: the report of one source's run as a value, how it is made from a judgement or a failure, and where it is
kept. Does not belong here: its layout and words (report_text.py), nor finding problems (judge.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from glane.declaration import Declared
from glane.errors import GlaneError
from glane.store import Store
from glane.text import Text
from schemas.absence import Leaving
from schemas.dataset import Severity
from schemas.expectations.outcome import Outcome
from schemas.judgement import Judgement, Problem, Verdict, check_accounts
from schemas.personal.decisions import PersonalCount
from schemas.report_sites import Sites
from schemas.report_values import Given, Published

Step = Literal["fetch", "read", "map", "judge"]
State = Literal["judged", "unchanged", "failed", "paused", "retired"]
TheirCell = Callable[[int, str], str | None]
"""The cell of the partner's own file that a field was made from: (line, field) -> its text, None if unknown."""
Place = Callable[[int], tuple[str | None, int]]
"""Where a line stands: in which of several files read as one (None where there is one), and its number there."""

MOST_GROUPS = 200
MOST_OF_A_KIND = 25
_EXAMPLES = 3
_LONGEST_EXAMPLE = 500
_LINES = 50
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


class About(Declared):
    """Whose report it is, and on which terms the rows are published (`licence`: SPDX id; `attribution`: the credit),
    and who answers for the dataset (`steward`, with a role's address); these are None for a file that is only checked.
    """

    dataset: str
    table: str
    partner: str
    title: Text
    organisation: str
    licence: str | None = None
    attribution: str | None = None
    dataset_title: Text | None = None
    steward: str | None = None
    steward_email: str | None = None


class Arrival(Declared):
    """The file that was read: from where, when its bytes first came, and how it is written: `detected` by us or
    declared, and then how `sure` that is (0 to 1); `header` is the row of the names, `decimal` the sign before the
    decimals where one was seen."""

    address: str
    sha256: str
    bytes: int
    fetched_at: str
    encoding: str | None = None
    delimiter: str | None = None
    detected: bool = False
    sure: float | None = None
    header: int | None = None
    decimal: str | None = None


class Counts(Declared):
    """Rows in, and what became of them: rows_in == passed + to_correct + on_hold, always."""

    rows_in: int
    passed: int
    to_correct: int
    on_hold: int

    @model_validator(mode="after")
    def _law(self) -> "Counts":
        check_accounts(self.rows_in, self.passed, self.to_correct, self.on_hold)
        return self


class Example(Declared):
    """Where a problem stands in the partner's file: line, cell, which of the cell's values (from 1), and the earlier
    line that it repeats; `file` and `repeats_file` say in which of several files that are read as one."""

    file: str | None = None
    line: int
    cell: str | None
    position: int | None = None
    suggestion: str | None = None
    repeats: int | None = None
    repeats_file: str | None = None


class Earlier(Declared):
    """The counts of one judgement of the past, and when it was made."""

    at: str
    counts: Counts


class ProblemGroup(Declared):
    """All occurrences of one distinct problem. `column` is the partner's own column, where the field has one.

    `lines` lists the first of them, but for those of several files, of which the examples tell; `suggestion` is the
    text to write where it is the same for all.
    """

    rule: str
    field: str | None
    column: str | None
    severity: Severity
    message: Text
    remedy: Text | None
    suggestion: str | None
    count: int
    lines: tuple[int, ...]
    examples: tuple[Example, ...]


class Cleaned(Declared):
    """What a cleaner changed: how many cells, with examples (before, after)."""

    cleaner: str
    count: int
    examples: tuple[tuple[str, str], ...] = ()


class Failure(Declared):
    """Why the file could not be judged: the step that failed, and the error's own words (English)."""

    step: Step
    what: str
    remedy: str


class SourceReport(Declared):
    """The answer of one source's run.

    `judged` is the key of the judgement (rows.judged_key), in a failed run that of the answer before. The same rows
    under the same rules get the same answer again: `unchanged_since` is when it was given first.

    `counts` is None where nothing could be judged; then `failure` says why, `stale_since` since when the last good
    rows are the ones published, and `last_good` how many they are; `failing_runs` counts the runs that failed one after
    the other, this one included, and `failing_since` is when the first of them was. `unmapped` lists the partner's
    columns that no field uses. `history` has the judgements before this one and itself, oldest first, and `sites` the
    points of the rows. `absent` are rows that are no longer in the file and stay published for a while. `given` tells
    of the values that are Glane's, `published` what a version holds of this partner, others' values in it too.
    `more_problems` counts the occurrences of the distinct problems that are not told one by one (grouped).
    """

    about: About
    run_at: str
    state: State
    judged: str | None = None
    unchanged_since: str | None = None
    arrival: Arrival | None = None
    counts: Counts | None = None
    previous: Counts | None = None
    problems: tuple[ProblemGroup, ...] = ()
    more_problems: int = 0
    unmapped: tuple[str, ...] = ()
    cleaned: tuple[Cleaned, ...] = ()
    notes: tuple[Text, ...] = ()
    guards: tuple[Outcome, ...] = ()
    personal: tuple[PersonalCount, ...] = ()
    history: tuple[Earlier, ...] = ()
    sites: Sites | None = None
    absent: tuple[Leaving, ...] = ()
    given: tuple[Given, ...] = ()
    published: Published | None = None
    failure: Failure | None = None
    stale_since: str | None = None
    last_good: int | None = Field(default=None, ge=0)
    failing_runs: int = Field(default=0, ge=0)
    failing_since: str | None = None

    def of_severity(self, severity: Severity) -> list[ProblemGroup]:
        """The distinct problems of one severity, most frequent first."""
        return [group for group in self.problems if group.severity == severity]

    @property
    def warnings(self) -> int:
        """How many warnings there are, all together."""
        return sum(group.count for group in self.of_severity("warning"))


def counts_of(judged: Judgement | Verdict) -> Counts:
    """The counts of a judgement or of its verdict."""
    return Counts(rows_in=judged.rows_in, passed=judged.passed, to_correct=judged.to_correct, on_hold=judged.on_hold)


def _alone(line: int) -> tuple[str | None, int]:
    return None, line


def judged_report(
    about: About,
    run_at: str,
    judgement: Judgement,
    *,
    arrival: Arrival | None = None,
    judged: str | None = None,
    previous: Counts | None = None,
    columns: Mapping[str, str] | None = None,
    their_cell: TheirCell | None = None,
    place: Place = _alone,
    unmapped: Iterable[str] = (),
    cleaned: Iterable[Cleaned] = (),
    notes: Iterable[Text] = (),
    guards: Iterable[Outcome] = (),
    personal: Iterable[PersonalCount] = (),
    sites: Sites | None = None,
    given: Iterable[Given] = (),
) -> SourceReport:
    """The report of a file that was judged.

    `judged` is its key (rows.judged_key), `columns` gives the partner's column of a field, `their_cell` the cell of
    their file; without it the examples show the cell as it was judged. `place` says where a line of several files
    stands. `notes` are said as they are. `guards` are the bounds of the source that the file does not meet, for the
    steward. `personal` counts what the gate found (schemas/personal).
    """
    groups, more = grouped(judgement.problems, columns or {}, their_cell, place)
    return SourceReport(
        about=about,
        run_at=run_at,
        state="judged",
        judged=judged,
        arrival=arrival,
        counts=counts_of(judgement),
        previous=previous,
        problems=groups,
        more_problems=more,
        unmapped=tuple(unmapped),
        cleaned=tuple(cleaned),
        notes=tuple(notes),
        guards=tuple(guards),
        personal=tuple(personal),
        sites=sites,
        given=tuple(given),
    )


def unchanged_report(report: SourceReport, run_at: str, arrival: Arrival | None = None) -> SourceReport:
    """The same answer again, for the same rows under the same rules."""
    again = {"run_at": run_at, "state": "unchanged", "arrival": arrival or report.arrival, "previous": None}
    return report.model_copy(update={**again, "unchanged_since": report.unchanged_since or report.run_at})


def says_the_same(before: SourceReport | None, report: SourceReport) -> bool:
    """Whether the answer kept last says all that `report` says: then it stands, and none is made again."""
    if before is None or before.state == "failed" or report.state != "unchanged":
        return False
    apart = dict.fromkeys(("run_at", "state", "arrival", "previous", "unchanged_since"))
    return before.model_copy(update=apart) == report.model_copy(update=apart)


def failed_report(
    about: About,
    run_at: str,
    step: Step,
    error: GlaneError,
    last_good: Verdict | None,
    *,
    arrival: Arrival | None = None,
    before: SourceReport | None = None,
    guards: Iterable[Outcome] = (),
) -> SourceReport:
    """The report of a file that could not be judged, or is held back by one of its `guards`: the last good rows stay.
    `before` is the run's before."""
    failing = before if before is not None and before.state == "failed" else None
    return SourceReport(
        about=about,
        run_at=run_at,
        state="failed",
        judged=before.judged if before is not None else None,
        published=before.published if before is not None else None,
        arrival=arrival,
        failure=Failure(step=step, what=error.what, remedy=error.remedy),
        guards=tuple(guards),
        stale_since=last_good.judged_at if last_good else None,
        last_good=last_good.passed if last_good else None,
        failing_runs=1 + (failing.failing_runs if failing else 0),
        failing_since=(failing.failing_since if failing else None) or run_at,
    )


def grouped(
    problems: Iterable[Problem],
    columns: Mapping[str, str],
    their_cell: TheirCell | None = None,
    place: Place = _alone,
) -> tuple[tuple[ProblemGroup, ...], int]:
    """Group problems by what is wrong: errors first, then most frequent first; and how many occurrences were left out.

    At most MOST_GROUPS distinct problems are told, and MOST_OF_A_KIND of one rule in one column: the thousand wrong
    terms of a column must not hide what is wrong in the others.
    """
    by_kind: dict[tuple[str, str | None, Severity, str], list[Problem]] = {}
    for problem in problems:
        kind = (problem.rule, problem.field, problem.severity, problem.message.en)
        by_kind.setdefault(kind, []).append(problem)
    ordered = sorted(by_kind.values(), key=lambda same: (_RANK[same[0].severity], -len(same), same[0].line))
    told: list[list[Problem]] = []
    of_a_kind: Counter[tuple[str, str | None, Severity]] = Counter()
    for same in ordered:
        kind_of = (same[0].rule, same[0].field, same[0].severity)
        of_a_kind[kind_of] += 1
        if of_a_kind[kind_of] <= MOST_OF_A_KIND and len(told) < MOST_GROUPS:
            told.append(same)
    more = sum(map(len, ordered)) - sum(map(len, told))
    return tuple(_group(same, columns, their_cell, place) for same in told), more


def _group(same: list[Problem], columns: Mapping[str, str], their_cell: TheirCell | None, place: Place) -> ProblemGroup:
    first = same[0]
    alone = place(first.line)[0] is None
    suggestions = {problem.suggestion for problem in same}
    return ProblemGroup(
        rule=first.rule,
        field=first.field,
        column=columns.get(first.field or ""),
        severity=first.severity,
        message=first.message,
        remedy=first.remedy,
        suggestion=first.suggestion if len(suggestions) == 1 else None,
        count=len(same),
        lines=tuple(dict.fromkeys(problem.line for problem in same[:_LINES])) if alone else (),
        examples=tuple(_example(problem, their_cell, place) for problem in same[:_EXAMPLES]),
    )


def _example(problem: Problem, their_cell: TheirCell | None, place: Place) -> Example:
    cell = problem.cell
    # What a rule covered (a serial number) stays covered: the partner's own cell would show it again.
    if their_cell is not None and problem.field is not None and problem.rule != "forbidden_content":
        cell = their_cell(problem.line, problem.field) or cell
    if cell is not None and len(cell) > _LONGEST_EXAMPLE:
        cell = f"{cell[:_LONGEST_EXAMPLE]}…"
    file, line = place(problem.line)
    repeats_file, repeats = place(problem.repeats) if problem.repeats is not None else (None, None)
    return Example(
        file=file,
        line=line,
        cell=cell,
        position=problem.position,
        suggestion=problem.suggestion,
        repeats=repeats,
        repeats_file=repeats_file if repeats_file != file else None,
    )


def keep_report(store: Store, report: SourceReport, markdown: str, page: str) -> None:
    """Keep the report as the source's last one, as text and as a web page too, and under the key of its judgement where
    it has one."""
    folder = f"reports/{report.about.dataset}/{report.about.partner}"
    value = report.model_dump(mode="json")
    if report.judged is not None and report.state == "judged":
        store.write_json(f"{folder}/{report.judged}.json", value)
    store.write(f"{folder}/latest.md", markdown.encode())
    store.write(f"{folder}/latest.html", page.encode())
    store.write_json(f"{folder}/latest.json", value)


def annotated_key(dataset: str, partner: str) -> str:
    """Where the store keeps a partner's own file back, its wrong cells marked."""
    return f"reports/{dataset}/{partner}/annotated.xlsx"


def last_report(store: Store, dataset: str, partner: str, judged: str | None = None) -> SourceReport | None:
    """The last report kept for a source, or the one of the judgement `judged`; None where there is none."""
    value = store.read_json(f"reports/{dataset}/{partner}/{judged or 'latest'}.json")
    try:
        return None if value is None else SourceReport.model_validate(value)
    except ValidationError:
        # Written by another version of Glane: as good as none, for the next run writes it again.
        return None
