"""The parts of the quality page that tell how the rows are: how filled, how old, and where.

Belongs here: each part out of the report's figures, as HTML. Does not belong here: what was found (found.py), the page
around them (page.py), the map (map.py), the words (words.yaml).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from publish.quality.map import Named, maps
from publish.quality.names import Names, area_name, country_name
from publish.quality.report import Ages, Area, Completeness, Dates, Places, QualityReport
from publish.quality.tables import Bar, Cell, folded, heading, paragraph, table
from publish.quality.words import Teller
from schemas.svg import WIDTH, drawing, line, rectangle, text
from schemas.territory.departments import departments

MOST_PARTNERS = 12
_HIGH, _ABOVE = 110, 18
_MANY_DEPARTMENTS = 20
"""Départements with rows from which on those that have none are worth naming."""


def complete(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """How filled each table is, and by partner."""
    yield paragraph(tell("complete-intro"))
    for name, filled in report.completeness.items():
        if not filled.rows:
            continue
        title = names.table(name)
        yield heading(title)
        lines = [
            (
                names.field(name, one.field),
                Bar(one.filled / filled.rows, tell.percent(one.filled, filled.rows)),
                tell.change(one.change),
            )
            for one in filled.fields
        ]
        changed = any(one.change is not None for one in filled.fields)
        heads = [tell("col-field"), tell("col-filled"), *([tell("col-change")] if changed else [])]
        yield table(heads, [one if changed else one[:2] for one in lines], title)
        if filled.partners:
            yield folded(tell("complete-by", title=title), _by_partner(name, filled, names, tell))


def _by_partner(name: str, filled: Completeness, names: Names, tell: Teller) -> str:
    shown = sorted(filled.partners, key=lambda one: (-one.rows, one.partner))[:MOST_PARTNERS]
    heads = [tell("col-field"), *(f"{names.partner(one.partner)} ({tell.say.number(one.rows)})" for one in shown)]
    lines: list[list[Cell]] = [
        [
            names.field(name, one.field),
            *(_share(partner.filled.get(one.field, 0), partner.rows, tell) for partner in shown),
        ]
        for one in filled.fields
    ]
    told = paragraph(tell("complete-by-intro"))
    if len(filled.partners) > len(shown):
        told += paragraph(tell("complete-more", n=tell.say.number(len(shown))))
    return told + table(heads, lines, tell("complete-by", title=names.table(name)))


def _share(part: int, whole: int, tell: Teller) -> Bar:
    return Bar(part / whole if whole else 0, tell.percent(part, whole))


def fresh(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """How old partners' files are, and rows by their own date."""
    yield paragraph(tell("fresh-intro"))
    medians = {(name, one.partner): one.median for name, told in report.dates.items() for one in told.partners}
    heads = [tell(f"col-{word}") for word in ("received", "age", "stale", "median")]
    lines = [
        [
            names.whose(one.partner, one.table),
            tell.say.date(one.received),
            tell.age(one.age_in_days),
            tell.say.date(one.stale_since) if one.stale_since else "",
            tell.age(medians.get((one.table, one.partner))),
        ]
        for one in report.sources
    ]
    yield table([tell("col-partner"), *heads], lines, tell("head-fresh"))
    for name, told in report.dates.items():
        whole = sum(told.rows) + told.undated
        if whole:
            yield heading(tell("fresh-rows", title=names.table(name), field=names.field(name, told.field)))
            yield _ages(name, told, whole, tell)


def _ages(name: str, told: Dates, whole: int, tell: Teller) -> str:
    drawn = f"<figure>{_age_chart(name, told, tell)}</figure>\n"
    if told.median is not None:
        drawn += paragraph(tell("fresh-median", age=tell.age(told.median)))
    if told.undated:
        share = tell.percent(told.undated, whole)
        drawn += paragraph(tell("fresh-undated", n=tell.say.number(told.undated), share=share))
    kinds = [*map(str, range(len(told.rows))), "none"]
    counts = [*told.rows, told.undated]
    lines = [(tell(f"age-{kind}"), tell.say.number(n)) for kind, n in zip(kinds, counts, strict=True)]
    chart = tell("fresh-chart")
    return drawn + folded(chart, table([tell("col-age-of"), tell("col-rows")], lines, chart))


def _age_chart(name: str, told: Ages, tell: Teller) -> str:
    """A column for each age, and one with dots for the rows that give none."""
    bars = [(f"tick-{number}", f"age-{number}", n, "passed") for number, n in enumerate(told.rows)]
    bars.append(("tick-none", "age-none", told.undated, "on_hold"))
    highest, step = max(n for _, _, n, _ in bars) or 1, WIDTH / len(bars)
    drawn = [line(0, _ABOVE + _HIGH, WIDTH, _ABOVE + _HIGH, "axis")]
    for number, (tick, _, rows, fill) in enumerate(bars):
        high = _HIGH * rows / highest
        x, y = number * step, _ABOVE + _HIGH - high
        if rows:
            drawn.append(rectangle(x + step * 0.15, y, step * 0.7, max(high, 2), fill))
        drawn.append(text(x + step / 2, y - 5, tell.say.number(rows), "middle"))
        drawn.append(text(x + step / 2, _ABOVE + _HIGH + 15, tell(tick), "middle"))
    said = tell.say.general("between").join(
        f"{tell(word)}{tell.say.general('colon')} {tell.say.number(rows)}" for _, word, rows, _ in bars
    )
    return drawing(f"ages-{name}", _ABOVE + _HIGH + 22, tell("fresh-chart"), said, drawn)


def where(report: QualityReport, names: Names, tell: Teller) -> Iterator[str]:
    """Where the rows of each table are: a map, countries, départements and provinces."""
    for name, placed in report.places.items():
        if not sum(one.rows for one in placed.countries) and placed.grid is None:
            continue
        title = names.table(name)
        yield heading(title)
        if placed.grid is not None:
            named = [
                Named(area_name(country.code, area.code), area.rows, area.latitude, area.longitude)
                for country, area in _areas(placed)
                if area.latitude is not None and area.longitude is not None
            ]
            yield maps(name, tell("where-map", title=title), placed.grid, named, tell)
            step = f"{placed.grid.step:g}".replace(".", tell.say.general("decimal"))
            yield paragraph(tell("where-cells", step=step))
        yield "".join(_places(placed, title, tell))
        yield "".join(_communes(report.coverage.get(name), tell) or _bare(placed, tell))
    if report.places:
        yield paragraph(tell("where-how"))


def _places(placed: Places, title: str, tell: Teller) -> Iterator[str]:
    number = tell.say.number
    lines = [(country_name(one.code, tell.language), number(one.rows)) for one in placed.countries]
    if lines:
        yield table([tell("col-country"), tell("col-rows")], lines, title)
    areas = [
        (area_name(country.code, area.code), country_name(country.code, tell.language), number(area.rows))
        for country, area in _areas(placed)
    ]
    rest = [
        (tell("where-elsewhere", country=country_name(one.code, tell.language)), "", number(one.elsewhere))
        for one in placed.countries
        if one.areas and one.elsewhere
    ]
    if areas:
        heads = [tell("col-area"), tell("col-country"), tell("col-rows")]
        yield folded(tell("where-areas"), table(heads, [*areas, *rest], tell("where-areas"), words=[1]))
    if placed.without_point:
        yield paragraph(tell("where-without", n=number(placed.without_point)))
    if placed.unknown:
        yield paragraph(tell("where-unknown", n=number(placed.unknown)))


def _communes(covered: Mapping[str, Any] | None, tell: Teller) -> list[str]:
    """The municipalities of France that have no row, and who lives there; nothing where they are not known."""
    if not covered:
        return []
    if covered.get("reference_unread_since"):
        return [paragraph(tell("where-unread", day=tell.say.date(covered["reference_unread_since"])))]
    france = covered["france"]
    if not france.get("communes") or not france["rows"]:
        return []
    number, reference = tell.say.number, covered["reference"]
    values = {name: number(france[name] or 0) for name in ("communes", "communes_without", "population_without")}
    share = tell.percent(france["population_without"] or 0, france["population"] or 0)
    told = paragraph(tell("where-communes", share=share, **values))
    largest = [f"{one['name']} ({number(one['population'] or 0)})" for one in covered.get("largest_without", ())]
    if largest:
        told += paragraph(tell("where-largest", list=tell.say.general("between").join(largest)))
    if france["rows_not_placed"]:
        told += paragraph(tell("where-not-placed", n=number(france["rows_not_placed"])))
    lines = [
        (
            str(one["name"] or tell("not-known")),
            number(one["rows"]),
            tell("of", part=number(one["communes_without"]), whole=number(one["communes"])),
            number(one["population_without"]),
        )
        for one in covered["departments"]
        if one["country"] == "FR" and one["communes"]
    ]
    heads = [tell(f"col-{word}") for word in ("department", "rows", "communes", "people")]
    label = tell("where-departments")
    credit = tell("where-reference", title=reference["title"][tell.language], credit=reference["attribution"])
    return [told, folded(label, table(heads, lines, label, words=[2])), paragraph(credit)]


def _bare(placed: Places, tell: Teller) -> Iterator[str]:
    """The départements without any row, where the table means to cover France."""
    met = {area.code for country, area in _areas(placed) if country.code == "FR"}
    bare = [name for code, name in departments().items() if code not in met]
    if len(met) >= _MANY_DEPARTMENTS and bare:
        told = tell.say.general("between").join(bare)
        yield paragraph(tell("where-none", n=tell.say.number(len(bare)), list=told))


def _areas(placed: Places) -> list[tuple[Any, Area]]:
    """Each area with its country, the most rows first."""
    found = [(country, area) for country in placed.countries for area in country.areas]
    return sorted(found, key=lambda one: (-one[1].rows, one[0].code, one[1].code))
