"""The partner's report as text: Markdown, one line, and the list of all problems as CSV, in any language of ours.

Belongs here: layout and order (what failed comes first). Does not belong here: the words (phrases/report.yaml), nor
what is reported (report.py).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from schemas.absence import Leaving
from schemas.dataset import Severity
from schemas.judgement import Problem
from schemas.markdown import LONGEST_CELL, code, plain
from schemas.report import Arrival, Cleaned, Counts, Example, Failure, ProblemGroup, SourceReport
from schemas.report_published_text import given_text, published_text, said_text
from schemas.report_values import Value, inert, values_table
from schemas.speaker import Speaker

_MOST_LINES = 15
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

Part = Literal["head", "counts", "problems", "rest"]


def to_markdown(report: SourceReport, language: str) -> str:
    """The report as a partner reads it. What failed stands first, with what to do."""
    return "\n\n".join(filter(None, parts(report, language).values())) + "\n"


def parts(report: SourceReport, language: str) -> dict[Part, str]:
    """The same, part by part in their order; one that has nothing to say is empty."""
    say = Speaker(language)
    head = [f"# {say('title', title=report.about.title[language], date=say.date(report.run_at))}", *_state(report, say)]
    counts = list(_counts(report.counts, report.previous, say)) if report.counts is not None else []
    problems = [note[language] for note in report.notes] + list(_absent(report, say))
    for severity in _SEVERITIES:
        problems += _problems(report, severity, say)
    if report.more_problems:
        problems.append(say("more-problems", n=say.number(report.more_problems)))
    found: dict[Part, Iterable[str]] = {
        "head": head,
        "counts": counts,
        "problems": problems,
        "rest": _rest(report, say),
    }
    return {part: "\n\n".join(blocks) for part, blocks in found.items()}


def summary_line(report: SourceReport, language: str) -> str:
    """One source in one line: rows in, to publish, to be corrected, on hold; or why it failed."""
    say = Speaker(language)
    name = f"{report.about.dataset}/{report.about.partner}"
    if report.failure is not None:
        stale = ""
        if report.stale_since is not None:
            rows = say.count("row", report.last_good or 0)
            stale = say("line-stale", rows=rows, date=say.date(report.stale_since))
        why = report.failure.what if language == "en" else say(f"failed-{report.failure.step}")
        return say("line-failed", name=name, why=why, stale=stale)
    if report.counts is None:
        return say("line-failed", name=name, why=say(report.state), stale="")
    counts = report.counts
    line = say(
        "line-counts",
        name=name,
        rows=say.count("row", counts.rows_in),
        passed=say.number(counts.passed),
        to_correct=say.number(counts.to_correct),
        on_hold=say.number(counts.on_hold),
        warnings=say("line-warnings", n=say.number(report.warnings)) if report.warnings else "",
    )
    return line + (_unchanged(report, say))


def _unchanged(report: SourceReport, say: Speaker) -> str:
    since = report.unchanged_since or report.run_at
    return say("line-unchanged", date=say.date(since)) if report.state == "unchanged" else ""


def problems_csv(problems: Iterable[Problem], language: str, columns: Mapping[str, str] | None = None) -> bytes:
    """Every problem, one a line, as a CSV for a spreadsheet program: line, column, cell, what is wrong, what to write.

    `columns` gives the partner's column of a field. Nothing in it runs as a formula.
    """
    say = Speaker(language)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    titles = ("line", "column", "cell", "severity", "message", "remedy", "suggestion")
    writer.writerow([say(f"csv-{title}") for title in titles])
    for problem in problems:
        column = (columns or {}).get(problem.field or "", problem.field or "")
        severity, message = say(f"head-{problem.severity}"), problem.message[language]
        remedy = problem.remedy[language] if problem.remedy else ""
        cells = (column, problem.cell, severity, message, remedy, problem.suggestion)
        writer.writerow([problem.line, *(inert(cell or "") for cell in cells)])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def values_of(values: Sequence[Value], language: str) -> bytes | None:
    """All published values that are not the partner's own text, as a CSV; None where there are none."""
    say = Speaker(language)
    heads = [say(f"csv-{title}") for title in ("line", "record", "field", "cell", "published", "why")]
    return values_table(values, heads, lambda why: say(f"csv-why-{why}")) if values else None


def _state(report: SourceReport, say: Speaker) -> Iterator[str]:
    if report.failure is not None:
        yield from _failure(report, report.failure, say)
    elif report.state != "judged":
        yield say(report.state, date=say.date(report.unchanged_since or report.run_at))


def _failure(report: SourceReport, failure: Failure, say: Speaker) -> Iterator[str]:
    yield f"**{say(f'failed-{failure.step}')}** {say(f'todo-{failure.step}')}"
    if report.stale_since is not None:
        rows = say.count("row", report.last_good or 0)
        yield say("stale", rows=rows, date=say.date(report.stale_since))
    else:
        yield say("never")
    yield f"> {say('detail', what=plain(failure.what), remedy=plain(failure.remedy))}"


def _counts(counts: Counts, previous: Counts | None, say: Speaker) -> Iterator[str]:
    rows = say.count("row", counts.rows_in)
    clean = counts.rows_in > 0 and counts.passed == counts.rows_in
    praise = say("all-passed-one" if counts.rows_in == 1 else "all-passed")
    yield say("in", rows=rows) + (f" {praise}" if clean else "")
    table = [say("head-counts", before=say("before") if previous else ""), "|---|---:|" + ("---:|" if previous else "")]
    for word, name in (
        ("rows-in", "rows_in"),
        ("passed", "passed"),
        ("to-correct", "to_correct"),
        ("on-hold", "on_hold"),
    ):
        before = f" {say.number(getattr(previous, name))} |" if previous else ""
        table.append(f"| {say(word)} | {say.number(getattr(counts, name))} |{before}")
    yield "\n".join(table)


def _absent(report: SourceReport, say: Speaker) -> Iterator[str]:
    """The rows that are no longer in the file, in the order in which they leave."""
    if not report.absent:
        return
    yield f"## {say('head-absent')}"
    yield from (absent_text(one, say) for one in report.absent)
    yield say("absent-todo")


def absent_text(one: Leaving, say: Speaker) -> str:
    """Which rows are no longer in the file since when, and when they leave."""
    named, more = say.general("between").join(map(plain, one.named)), one.rows - len(one.named)
    return say(
        f"absent-{'one' if one.rows == 1 else 'many'}",
        rows=say.count("row", one.rows),
        since=say.date(one.since),
        date=say.date(one.leave_on),
        named=say("absent-more", named=named, n=say.number(more)) if more else named,
    )


def _problems(report: SourceReport, severity: Severity, say: Speaker) -> Iterator[str]:
    groups = report.of_severity(severity)
    if not groups:
        return
    yield f"## {say(f'head-{severity}')}"
    held = report.counts.on_hold if report.counts else 0
    if severity == "info" and held:
        yield say("intro-held", rows=say.count("row", held))
    else:
        yield say(f"intro-{severity}", rows=say.count("row", report.counts.to_correct if report.counts else 0))
    told: dict[str, int] = {}
    for number, group in enumerate(groups, start=1):
        yield "\n".join(_group(number, group, say, _remedy(number, group, say, told)))


def _remedy(number: int, group: ProblemGroup, say: Speaker, told: dict[str, int]) -> str | None:
    """What to write instead; a remedy longer than a line is told once, and afterwards by the point that told it."""
    if group.remedy is None:
        return None
    text = plain(group.remedy[say.language])
    first = told.setdefault(text, number)
    return say("as-above", number=str(first)) if first != number and len(text) > LONGEST_CELL else text


def _group(number: int, group: ProblemGroup, say: Speaker, remedy: str | None) -> Iterator[str]:
    where = say("whole-row")
    if group.column is not None:
        where = say("column", name=plain(group.column))
        if group.column != group.field and group.field is not None:
            where += f", {say('becomes', field=group.field)}"
    elif group.field is not None:
        where = say("column", name=group.field)
    language = say.language
    yield f"{number}. **{plain(group.message[language])}** ({where}, {say.count('times', group.count)})"
    if remedy is not None:
        yield f"    {remedy}"
    told = group.remedy is not None and f"« {group.suggestion} »" in group.remedy.fr
    shared = group.suggestion is not None and group.count > 1
    if shared and not told:
        yield f"    {say('suggest-all', suggestion=code(group.suggestion or ''))}"
    empty = all(one.cell is None and one.suggestion is None and one.file is None for one in group.examples)
    shown = [] if empty else group.examples
    for example in shown:
        yield f"    - {_example(example, say, suggest=not (shared or told))}"
    others = [line for line in group.lines if line not in {example.line for example in shown}]
    if others:
        lines = ", ".join(map(str, others[:_MOST_LINES]))
        more = len(others) > _MOST_LINES or group.count > len(group.lines)
        word = f"{'on' if empty else 'also'}-lines-{'one' if len(others) == 1 and not more else 'many'}"
        yield f"    - {say(word, lines=say('and-more', lines=lines) if more else lines)}"


def _example(example: Example, say: Speaker, *, suggest: bool) -> str:
    line, cell = _place(example.line, example.file), say("empty-cell") if example.cell is None else code(example.cell)
    if example.repeats is not None:
        text = say("example-repeats", line=line, cell=cell, repeats=_place(example.repeats, example.repeats_file))
    elif example.position is None:
        text = say("example", line=line, cell=cell)
    else:
        # The message names the value already: a long cell around it, cut short, would hide it.
        word = "example-long" if len(example.cell or "") > LONGEST_CELL else "example-part"
        text = say(word, line=line, position=str(example.position), cell=cell)
    if suggest and example.suggestion is not None:
        text += say("suggest", suggestion=code(example.suggestion))
    return text


def _place(line: int, file: str | None) -> str:
    """A line, and in which of several files it is."""
    return str(line) if file is None else f"{line} ({code(file)})"


def _rest(report: SourceReport, say: Speaker) -> Iterator[str]:
    yield from said_text(report, say)
    if report.unmapped:
        yield f"## {say('head-unmapped')}"
        yield say("intro-unmapped", columns=", ".join(code(column) for column in report.unmapped))
    if report.cleaned:
        yield f"## {say('head-cleaned')}"
        yield "\n".join(_cleaned(cleaned, say) for cleaned in report.cleaned)
    yield from given_text(report, say)
    if report.arrival is not None:
        arrival = report.arrival
        yield f"## {say('head-file')}"
        date, size = say.date(arrival.fetched_at), say.count("byte", arrival.bytes)
        lines = [say("file-address", address=plain(arrival.address))]
        lines.append(say("file-received", date=date, size=size, sha=f"`{arrival.sha256}`"))
        lines += _written(arrival, say)
        yield "\n".join(f"- {line}" for line in lines)
    yield from published_text(report, say)
    words = _words_used(report)
    if words:
        yield f"## {say('head-words')}"
        yield "\n".join(f"- {say(f'word-{word}')}" for word in words)


def _written(arrival: Arrival, say: Speaker) -> Iterator[str]:
    """How the file is written, as far as that was to be found out: by whom, and how sure."""
    parts = []
    if arrival.encoding is not None:
        parts.append(say("written-encoding", encoding=arrival.encoding))
    if arrival.delimiter is not None:
        parts.append(say("written-delimiter", delimiter=arrival.delimiter.replace("\t", "\\t")))
    if arrival.header is not None:
        parts.append(say("written-header", line=str(arrival.header)))
    if arrival.decimal is not None:
        parts.append(say("written-decimal", decimal=arrival.decimal))
    if not parts:
        return
    how = say("how-detected" if arrival.detected else "how-declared")
    if arrival.detected and arrival.sure is not None:
        how = say("how-sure", how=how, share=say.percent(arrival.sure))
    yield say("file-written", written=", ".join(parts), how=how)


def _words_used(report: SourceReport) -> list[str]:
    """The words of the glossary that this report uses and that a newcomer might not know."""
    counts = report.counts
    if counts is None:
        return []
    used = {
        "source": report.about.licence is not None,
        "passed": counts.passed > 0,
        "to-correct": counts.to_correct > 0,
        "on-hold": counts.on_hold > 0,
        "version": counts.passed > 0,
        "snapshot": report.arrival is not None,
    }
    return [word for word, is_used in used.items() if is_used]


def _cleaned(cleaned: Cleaned, say: Speaker) -> str:
    examples = [say("cleaned-example", before=code(b), after=code(a)) for b, a in cleaned.examples]
    what = say(f"cleaner-{cleaned.cleaner}")
    line = f"- {say('cleaned', cleaner=what, cells=say.count('cell', cleaned.count))}"
    return f"{line} ({say.general('between').join(examples)})" if examples else line
