"""The quality report of a version as web pages that stand alone, one in each language.

Belongs here: which parts the page has, in which order, and what it says first: in short, what waits, where rows went.
Does not belong here: the other parts (parts.py, found.py), the words (words.yaml), the figures (report.py).
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from glane.text import LANGUAGES, Language
from publish.quality import QUALITY
from publish.quality.found import correct, double, expected, limits, sources, terms
from publish.quality.names import Names
from publish.quality.parts import complete, fresh, where
from publish.quality.report import QualityReport, read_quality
from publish.quality.tables import STYLE, folded, listing, paragraph, table
from publish.quality.words import Teller, words
from publish.telling import rows as rows_in
from publish.version import Version
from schemas.charts import share_bar
from schemas.page import page
from schemas.report import Counts


def page_path(language: Language) -> str:
    """The path of the page in a version's folder."""
    return f"quality.{language}.html"


PAGES = tuple(page_path(language) for language in LANGUAGES)


def quality_pages(data: bytes, version: Version, descriptor: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """The pages of `version`, each with its path, made of its quality.json (`data`) and its datapackage.json.

    None where another version of Glane wrote the report, as may be when an older version is brought back.
    """
    report = read_quality(data)
    if report is None:
        return []
    return [(page_path(one), to_page(report, version, descriptor, one).encode()) for one in LANGUAGES]


def to_page(report: QualityReport, version: Version, descriptor: Mapping[str, Any], language: Language) -> str:
    """The whole page (HTML 5) in `language`."""
    tell, names = Teller(language), Names(report, descriptor, language)
    parts = [
        ("head-short", "".join(_short(report, names, tell))),
        ("head-waits", "".join(_waiting(report, names, tell))),
        ("head-rows", "".join(_rows(report, names, tell))),
        ("head-complete", "".join(complete(report, names, tell))),
        ("head-fresh", "".join(fresh(report, names, tell))),
        ("head-where", "".join(where(report, names, tell))),
        ("head-double", "".join(double(report, names, tell))),
        ("head-correct", "".join(correct(report, names, tell))),
        ("head-terms", "".join(terms(report, names, tell))),
        ("head-expected", "".join(expected(report, tell))),
        ("head-sources", "".join(sources(report, names, tell))),
        ("head-limits", listing(limits(report, names, tell))),
    ]
    body = "".join(f"<h2>{escape(tell(word))}</h2>\n{part}" for word, part in parts if part)
    title = tell("title", title=str(descriptor["titles"][language]))
    return page(title, _header(title, report, version, descriptor, tell), body, tell.say, STYLE)


def _header(title: str, report: QualityReport, version: Version, descriptor: Mapping[str, Any], tell: Teller) -> str:
    say = tell.say
    told = [tell("version", day=say.date(version.created), number=version.version)]
    if report.version != version.version:
        told.append(tell("brought-back", number=report.version, day=say.date(report.created)))
    steward = next((one for one in descriptor["contributors"] if "steward" in one["roles"]), None)
    last = [tell("file", file=QUALITY)]
    if steward is not None:
        last.append(tell("steward", name=steward["title"], email=steward.get("email", "")))
    said = [" ".join(told), tell("intro"), " ".join([*last, tell("no-script")])]
    return f"<h1>{escape(title)}</h1>\n{''.join(map(paragraph, said))}"


def _short(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    told = []
    for name, count in report.rows.items():
        base = names.base(name)
        values = {"title": names.table(name), "rows": rows_in(count, tell.language)}
        told.append(tell("short-derived", base=names.table(base), **values) if base else tell("short-rows", **values))
    rows_in_all = sum(one.rows_in for one in report.partners)
    published = sum(one.published + one.merged for one in report.partners)
    number = tell.say.number
    told.append(tell("short-partners", n=number(len({one.partner for one in report.partners}))))
    told.append(tell("short-in", n=number(rows_in_all), share=tell.percent(published, rows_in_all)))
    if several := sum(one.rows_of_several for one in report.duplicates.values()):
        told.append(tell("short-several", n=number(several)))
    if countries := {country.code for one in report.places.values() for country in one.countries}:
        told.append(tell("short-countries", n=number(len(countries))))
    if report.expectations:
        met = sum(one.passed for one in report.expectations)
        told.append(tell("short-expected", met=number(met), all=number(len(report.expectations))))
    yield listing(told)


def _waiting(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    yield listing(_waits(report, names, tell)) or paragraph(tell("waits-nothing"))
    lines = [
        (
            f"{names.partner(one.partner_a)} · {names.partner(one.partner_b)}",
            names.table(name),
            tell.say.number(one.pairs),
        )
        for name, alike in report.likeness.items()
        for one in sorted(alike.waiting, key=lambda one: -one.pairs)
    ]
    if lines:
        heads = [tell("col-both"), tell("col-table"), tell("col-pairs")]
        label = tell("waits-pairs-by")
        yield folded(label, table(heads, lines, label, words=[1]))


def _waits(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """What waited for a person when the version was made: nobody is named but partners, and no row."""
    number, say = tell.say.number, tell.say
    for one in report.expectations:
        if not one.passed:
            values = {"expected": one.expected[tell.language], "observed": one.observed[tell.language]}
            yield tell("waits-expected", about=one.about, **values)
    for failed in report.failing:
        yield tell(f"waits-failing-{failed.step}", partner=names.partner(failed.partner), since=say.date(failed.since))
    for refused in report.refused:
        yield tell("waits-refused", partner=names.partner(refused.partner), why=refused.why[tell.language])
    for held in report.personal:
        values = {"partner": names.partner(held.partner), "field": names.field(held.table, held.field)}
        yield tell("waits-personal", n=number(held.cells), **values)
    for name, alike in report.likeness.items():
        title = names.table(name)
        if pairs := sum(pair.pairs for pair in alike.waiting):
            word = "waits-pairs-one" if pairs == 1 else "waits-pairs"
            yield tell(word, table=title, n=number(pairs))
        for repeated in alike.repeated_ids:
            yield tell("waits-repeated", table=title, partner=names.partner(repeated.partner), n=number(repeated.rows))
        for copy in alike.copies:
            a, b = map(names.partner, copy.partners)
            yield tell("waits-copies", table=title, a=a, b=b, n=number(copy.rows))
    for name, links in report.links.items():
        if links.waiting:
            yield tell("waits-links", table=names.table(name), n=number(links.waiting))
    for decision in report.decisions.waiting if report.decisions else ():
        known = f"waits-decision-{decision.why}"
        yield tell(known if known in words() else "waits-decision-other", line=str(decision.line))
    if unknown := len(report.terms.named) + report.terms.unnamed:
        yield tell("waits-terms", n=number(unknown))


def _rows(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    yield paragraph(tell("rows-intro"))
    counts = Counts(
        rows_in=sum(one.rows_in + one.absent for one in report.partners),
        passed=sum(one.published + one.merged + one.held for one in report.partners),
        to_correct=sum(one.to_correct for one in report.partners),
        on_hold=sum(one.on_hold for one in report.partners),
    )
    if counts.rows_in:
        yield share_bar(counts, tell.say)
    absent = sum(one.absent for one in report.partners)
    columns = ("rows_in", *(("absent",) if absent else ()), "published", "merged", "to_correct", "on_hold", "held")
    heads = [tell("col-partner")]
    heads += [tell(f"col-{name.replace('_', '-')}") for name in columns]
    lines = [
        [
            names.whose(one.partner, one.table),
            *(tell.say.number(getattr(one, name)) for name in columns),
        ]
        for one in report.partners
    ]
    yield table(heads, lines, tell("head-rows"))
    if absent:
        yield paragraph(tell("rows-absent"))
    for name, count in report.left_out.items():
        values = {"title": names.table(name), "base": names.table(names.base(name) or name)}
        yield paragraph(tell("rows-left-out", n=tell.say.number(count), **values))
