"""What is published about a partner, in words: its rows, the values that are not its own, how to contest them, and what
readers say of them.

Belongs here: these parts of the report's text. Does not belong here: the rest of it (report_text.py), the words
(phrases/report.yaml), nor finding those values.
"""

from collections.abc import Iterator, Sequence

from schemas.markdown import code, in_table, letter, plain
from schemas.report import SourceReport
from schemas.report_values import Given, Others, Published, Said
from schemas.speaker import Speaker

_MOST_GIVEN = 20
_MOST_OTHERS = 20


def given_text(report: SourceReport, say: Speaker) -> Iterator[str]:
    """What Glane gave to the rows: field by field where their cells say nothing, in one sum what was put in form."""
    added = [one for one in report.given if one.why != "tidied"]
    tidied = sum(one.count for one in report.given if one.why == "tidied")
    if not report.given:
        return
    yield f"## {say('head-given')}"
    if added:
        yield say("intro-given")
        lines = [f"- {_given(one, say)}" for one in added[:_MOST_GIVEN]]
        if len(added) > _MOST_GIVEN:
            lines.append(f"- {say('given-more', n=say.number(len(added) - _MOST_GIVEN))}")
        yield "\n".join(lines)
    if tidied:
        yield say("given-tidied", cells=say.count("cell", tidied))
    yield say("given-all")


def _given(one: Given, say: Speaker) -> str:
    first = one.examples[0]
    return say(
        f"given-{one.why}",
        field=code(one.field),
        value=code(first.published),
        rows=say.count("row", one.count),
        line=str(first.line),
    )


def said_text(report: SourceReport, say: Speaker) -> Iterator[str]:
    """What readers wrote about the partner's rows, and what it can do."""
    if report.published is None or not report.published.said:
        return
    yield f"## {say('head-said')}"
    yield "\n".join(f"- {plain(said_in(one, say))}" for one in report.published.said)
    yield say("todo-said")


def said_in(one: Said, say: Speaker) -> str:
    """What a reader wrote, as a sentence to the partner."""
    named = f" ({one.name})" if one.name else ""
    row = say("said-row", line=str(one.line), name=named)
    return say("said" if one.text else "said-nothing", row=row, date=say.date(one.on), text=one.text)


def published_text(report: SourceReport, say: Speaker) -> Iterator[str]:
    """What the current version holds of the partner, on which terms, what others gave to it, and whom to write to."""
    about, published = report.about, report.published
    if about.licence is None:
        return
    yield f"## {say('head-terms')}"
    if published is not None:
        version = {"date": say.date(published.created), "version": published.version}
        yield say("published-rows", rows=say.count("row", published.rows), **version)
    yield say("terms", licence=about.licence, attribution=plain(about.attribution or ""))
    if published is not None and published.shared:
        yield say.count("published-shared", published.shared)
    if published is not None and published.values:
        yield say("intro-others")
        yield "\n".join(_table(report, published, say))
        more = len(published.values) - _MOST_OTHERS + published.more
        if more > 0:
            yield say("others-more", n=say.number(more))
    if about.steward_email is not None:
        link = _letter(report, say("contest-link", steward=plain(about.steward or about.steward_email)), "", say)
        yield say("contest", link=link, address=plain(about.steward_email))


def _table(report: SourceReport, published: Published, say: Speaker) -> Iterator[str]:
    heads = ("others-record", "others-field", "others-theirs", "others-published", "others-whose")
    yield f"| {' | '.join(say(head) for head in heads)} |"
    yield f"|{'---|' * len(heads)}"
    for one in published.values[:_MOST_OTHERS]:
        named = plain(one.id)
        record = _letter(report, named, one.id, say, one.field) if report.about.steward_email else named
        cells = [in_table(cell) if cell is not None else say("empty-cell") for cell in (one.theirs, one.published)]
        yield f"| {record} | {in_table(one.field)} | {' | '.join(cells)} | {_whose(one, say)} |"


def _whose(one: Others, say: Speaker) -> str:
    if one.why == "decided":
        date = say.date(one.on) if one.on else ""
        return say("why-decided", by=_listed(one.by, say), date=date, reason=plain(one.reason or ""))
    return say(f"why-{one.why}", by=_listed(one.by, say))


def _listed(names: Sequence[str], say: Speaker) -> str:
    return say.general("between").join(map(plain, names)) or say("others-several")


def _letter(report: SourceReport, text: str, record: str, say: Speaker, field: str = "") -> str:
    """The letter that contests a value: it names dataset, version (or the day of this answer), source and record."""
    about, published = report.about, report.published
    title = about.dataset_title[say.language] if about.dataset_title else about.dataset
    run = say("contest-answer", date=say.date(report.run_at))
    if published is not None:
        run = say("contest-version", version=published.version)
    subject = say("contest-subject", dataset=title, version=run, record=record).strip()
    body = say(
        "contest-body",
        dataset=f"{title} ({about.dataset}/{about.table})",
        version=f"{run} ({say.date(published.created)})" if published else run,
        source=f"{about.organisation} ({about.partner})",
        record=record,
        field=field,
    )
    return letter(text, about.steward_email or "", subject, body.replace(" / ", "\n"))
