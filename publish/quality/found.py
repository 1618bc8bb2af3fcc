"""The parts of the quality page that tell what was found: duplicates, what is to be corrected, terms, expectations, and
whom to credit.

Belongs here: each part out of the report's figures, as HTML. Does not belong here: how the rows are (parts.py), the
page around them (page.py), the words (words.yaml).
"""

from collections import defaultdict
from collections.abc import Iterator

from publish.quality.names import Names
from publish.quality.report import QualityReport, Wrong
from publish.quality.tables import folded, listing, paragraph, table
from publish.quality.words import Teller, words
from publish.quality.wrong import SAID_OFTEN
from schemas.expectations.outcome import Outcome
from schemas.licences import LICENCES

MOST_CASES = 40
MOST_LINES = 60


def double(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """What merging found, and what people decided of it."""
    number = tell.say.number
    yield paragraph(tell("double-intro"))
    told = []
    for name, one in report.duplicates.items():
        values = {"merged": number(one.merged), "several": number(one.rows_of_several), "most": number(one.most_in_one)}
        word = "double-counts" if one.merged else "double-none"
        told.append(tell(word, title=names.table(name), **values))
    yield listing(told)
    lines = [
        (f"{names.partner(pair.partners[0])} · {names.partner(pair.partners[1])}", names.table(name), number(pair.rows))
        for name, one in report.duplicates.items()
        for pair in sorted(one.shared, key=lambda pair: (-pair.rows, pair.partners))
    ][:MOST_LINES]
    if lines:
        heads = [tell("col-both"), tell("col-table"), tell("col-rows")]
        shared = tell("double-shared")
        yield folded(shared, table(heads, lines, shared, words=[1]))
    if report.decisions and report.decisions.applied:
        kinds = [
            tell(f"kind-{kind}" if f"kind-{kind}" in words() else "kind-other", n=number(n))
            for kind, n in report.decisions.applied.items()
        ]
        yield paragraph(tell("double-applied", list=tell.say.general("between").join(kinds)))


def correct(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """What the rules found, the most frequent cases first, and by partner."""
    if not report.to_correct:
        yield paragraph(tell("correct-nothing"))
        return
    yield paragraph(tell("correct-intro"))
    cases: dict[tuple[str, str, str | None], list[Wrong]] = defaultdict(list)
    for one in report.to_correct:
        cases[one.severity, one.rule, one.field].append(one)
    ordered = sorted(
        cases.items(), key=lambda case: (case[0][0] != "error", -sum(w.count for w in case[1]), str(case[0]))
    )
    label = tell("head-correct")
    heads = [tell(f"col-{word}") for word in ("what", "field", "effect", "times", "both")]
    lines = [
        (
            report.rules[rule][tell.language],
            _field(name, names, tell),
            tell(f"correct-{severity}"),
            tell.say.number(sum(w.count for w in wrong)),
            tell.say.number(len({w.partner for w in wrong})),
        )
        for (severity, rule, name), wrong in ordered[:MOST_CASES]
    ]
    yield table(heads, lines, label, words=[1, 2])
    if len(ordered) > MOST_CASES:
        yield paragraph(tell("correct-more", n=tell.say.number(MOST_CASES)))
    heads = [tell(f"col-{word}") for word in ("partner", "what", "field", "times")]
    by = [
        (
            names.partner(one.partner),
            report.rules[one.rule][tell.language],
            _field(one.field, names, tell),
            tell.say.number(one.count),
        )
        for one in report.to_correct[:MOST_LINES]
    ]
    yield folded(tell("correct-by"), table(heads, by, tell("correct-by"), words=[1, 2]))


def _field(name: str | None, names: Names, tell: Teller) -> str:
    return names.any_field(name) if name else tell("correct-whole")


def terms(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """The terms that no list knows."""
    found = report.terms
    if not found.named and not found.unnamed:
        return
    yield paragraph(tell("terms-intro", least=str(SAID_OFTEN)))
    lines = [
        (one.term, names.any_field(one.field), one.nearest or "", tell.say.number(one.count))
        for one in found.named[:MOST_LINES]
    ]
    if lines:
        heads = [tell(f"col-{word}") for word in ("term", "field", "nearest", "times")]
        yield table(heads, lines, tell("head-terms"), words=[1, 2])
    if found.unnamed:
        yield paragraph(tell("terms-more", n=tell.say.number(found.unnamed)))


def expected(report: QualityReport, tell: Teller) -> Iterator[str]:
    """What was expected of the tables as wholes, what is not met first."""
    if not report.expectations:
        yield paragraph(tell("expected-none"))
        return
    yield paragraph(tell("expected-intro"))
    unmet = [one for one in report.expectations if not one.passed]
    met = [one for one in report.expectations if one.passed]
    if unmet:
        yield _outcomes(unmet, tell("head-expected"), tell)
    if met:
        yield folded(tell("expected-met"), _outcomes(met, tell("expected-met"), tell))


def _outcomes(outcomes: list[Outcome], label: str, tell: Teller) -> str:
    lines = []
    for one in outcomes:
        answer = "answer-first" if not one.compared else "answer-yes" if one.passed else "answer-no"
        effect = f"effect-{one.severity}" if f"effect-{one.severity}" in words() else "effect-show"
        said = (one.expected[tell.language], one.observed[tell.language], tell(effect), tell(answer))
        lines.append((one.about, *said))
    heads = [tell(f"col-{word}") for word in ("about", "expected", "observed", "effect", "answer")]
    return table(heads, lines, label, words=[1, 2, 3, 4])


def sources(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """Whom to credit, and under which licence each partner gives its rows."""
    lines = []
    for one in report.sources:
        licence = LICENCES[one.licence].title if one.licence in LICENCES else one.licence
        lines.append((names.whose(one.partner, one.table), licence, one.attribution))
    heads = [tell(f"col-{word}") for word in ("partner", "licence", "credit")]
    yield table(heads, lines, tell("head-sources"), words=[1, 2])


def limits(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """What a reader may take for known, and is not."""
    for word in ("true", "missing", "double", "file"):
        yield tell(f"limit-{word}")
    if report.uncounted:
        partners = tell.say.general("between").join(map(names.partner, report.uncounted))
        yield tell("limit-unjudged", partners=partners)
