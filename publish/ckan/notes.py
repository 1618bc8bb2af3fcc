"""What people read on a dataset's page: one stock CKAN page, in Markdown, French first, then English.

Belongs here: the description of the page, part by part. Does not belong here: the texts of resources (words.py), other
fields (layout.py).
"""

from collections.abc import Iterator, Sequence

from glane.text import LANGUAGES, Language
from publish import changelog
from publish.citation import sentence
from publish.ckan.background import Background, History, Past, Quality
from publish.notice import in_words
from publish.telling import day, number
from publish.telling import rows as rows_in
from publish.version import Input, Version
from schemas.dataset import Dataset, Table
from schemas.error_address import error_field
from schemas.licences import LICENCES
from schemas.licences.rights import right_to, uses

MOST_SOURCES = 100
"""Sources that a page names; beyond, it says where all of them are named. Every row names its own in any case."""

_WORDS: dict[str, tuple[str, str]] = {
    "version": ("**Version du {day}** ({number}).", "**Version of {day}** ({number})."),
    "notice": ("**Préavis.** {said}", "**Notice.** {said}"),
    "tables": ("Tables", "Tables"),
    "table": ("**{title}** ({rows}) : {description}", "**{title}** ({rows}): {description}"),
    "sources": ("Sources", "Sources"),
    "source": ("{whom}, sous {licence}, données du {day}", "{whom}, under {licence}, data of {day}"),
    "stale": (", sans nouvelles depuis le {since}", ", nothing new since {since}"),
    "more_sources": (
        "et {count} de plus : la description (Data Package) les nomme toutes, et chaque ligne des tables la sienne",
        "and {count} more: the description (Data Package) names them all, and each row of the tables its own",
    ),
    "about": ("Repères", "At a glance"),
    "frequency": ("Mise à jour : {text}", "Updated: {text}"),
    "language": ("Langue des données : {text}", "Language of the data: {text}"),
    "licence": ("Licence : [{title}]({url})", "Licence: [{title}]({url})"),
    "contact": ("Contact : {name}, {email}", "Contact: {name}, {email}"),
    "one_day": ("Période : données reçues le {first}", "Period: data received on {first}"),
    "days": (
        "Période : données reçues du {first} au {last}",
        "Period: data received from {first} to {last}",
    ),
    "box": (
        "Étendue : latitude de {south} à {north}, longitude de {west} à {east}",
        "Extent: latitude {south} to {north}, longitude {west} to {east}",
    ),
    "quality": ("Qualité", "Quality"),
    "accounts": ("{title} : {counts}", "{title}: {counts}"),
    "expectations": ("Attentes satisfaites : {met} sur {all}", "Expectations met: {met} of {all}"),
    "history": ("Versions", "Versions"),
    "past": ("[{day} ({number})]({url})", "[{day} ({number})]({url})"),
    "versions": (
        "[Toutes les versions, avec ce que chacune change]({versions})",
        "[Every version, with what each one changed]({versions})",
    ),
    "contribution": ("Contribuer", "Contribute"),
    "apart": (", sous {licence}", ", under {licence}"),
    "reuse": ("Réutiliser", "Reuse"),
    "may": ("Puis-je", "May I"),
    "use": ("{use} : {answers}", "{use}: {answers}"),
    "yes": ("oui ({licences})", "yes ({licences})"),
    "conditions": ("oui, sous conditions ({licences})", "yes, on conditions ({licences})"),
    "no": ("non ({licences})", "no ({licences})"),
    "objection": ("Signaler, s'opposer", "Report, object"),
    "errors": (
        "Ligne fausse ? L'adresse dans sa colonne « {field} » ouvre un courriel qui la nomme ; ou écrivez à {email}.",
        'A row is wrong? The address in its column "{field}" opens a mail that names it; or write to {email}.',
    ),
    "cite": ("Citer", "Cite as"),
}
_COUNTS: dict[str, tuple[tuple[str, str], str]] = {
    "rows_in": (("{count} ligne reçue", "{count} lignes reçues"), "{count} received"),
    "published": (("{count} publiée", "{count} publiées"), "{count} published"),
    "to_correct": (("{count} à corriger", "{count} à corriger"), "{count} to be corrected"),
    "on_hold": (("{count} en attente", "{count} en attente"), "{count} on hold"),
    "merged": (("{count} fusionnée", "{count} fusionnées"), "{count} merged"),
    "held": (("{count} sans la ligne à laquelle elle renvoie", "{count} sans la ligne à laquelle elles renvoient"),
             "{count} without the row they refer to"),
    "left_out": (("{count} ligne laissée de côté, faute de remplir ce format",
                  "{count} lignes laissées de côté, faute de remplir ce format"),
                 "{count} left out, as they do not fill this format"),
}  # fmt: skip
_FREQUENCIES = {
    "daily": ("chaque jour", "daily"),
    "weekly": ("chaque semaine", "weekly"),
    "monthly": ("chaque mois", "monthly"),
    "irregular": ("sans rythme fixe", "at no fixed interval"),
}
_LANGUAGES = {"fr": ("français", "French"), "en": ("anglais", "English")}


def page_notes(dataset: Dataset, version: Version, history: History, background: Background) -> str:
    """The description of the dataset's page: what it is, its version, tables, sources, quality, history and rules."""
    return "\n\n---\n\n".join(
        "\n\n".join(_parts(dataset, version, history, background, language)) for language in LANGUAGES
    )


def quality_line(quality: Quality, language: Language) -> str | None:
    """Where the rows of a table went, in one line; only what there is is named. None where nothing is known."""
    told = []
    for name, (french, english) in _COUNTS.items():
        if count := getattr(quality, name):
            text = french[count > 1] if language == "fr" else english
            told.append(text.format(count=number(count, language)))
    return ", ".join(told) or None


def _parts(
    dataset: Dataset, version: Version, history: History, background: Background, language: Language
) -> Iterator[str]:
    line, rules = dataset.line, dataset.line.governance
    yield line.description[language]
    yield _say("version", language, day=day(version.created, language), number=version.version)
    if background.notice is not None:
        said = in_words(background.notice, language)
        yield "> " + _say("notice", language, said=said[0].upper() + said[1:])
    yield from _changes(background, language)
    tables = [
        _say(
            "table",
            language,
            title=table.line.title[language],
            rows=rows_in(version.rows[table.name], language),
            description=table.line.description[language],
        )
        + (_say("apart", language, licence=LICENCES[table.line.licence].title) if table.line.licence else "")
        for table in dataset.tables
    ]
    yield _listing("tables", tables, language)
    yield _listing("sources", list(_sources(version.inputs, language)), language)
    yield _listing("about", list(about(dataset, background, language)), language)
    if figures := list(_quality(dataset, background, language)):
        yield _listing("quality", figures, language)
    yield _listing("history", list(_history(history, language)), language)
    for name, text in (("contribution", rules.contribution), ("reuse", rules.reuse), ("objection", rules.objection)):
        yield f"**{_say(name, language)}.** {text[language]}"
    if field := error_field(dataset.main):
        yield _say("errors", language, field=field, email=dataset.errors_to)
    yield _listing("may", list(_rights(version.inputs, language)), language)
    licence = LICENCES[line.licence.publish].title
    cited = sentence(version, line.title[language], line.steward.name, licence, language)
    yield f"**{_say('cite', language)}.** {cited}"


def _changes(background: Background, language: Language) -> Iterator[str]:
    if background.changes:
        said = changelog.summary(background.changes, language)
        if background.changes.get("restores"):
            yield said.pop(0)
        yield "\n".join([said[0], "", *(f"- {line}" for line in said[1:])])


def _sources(inputs: Sequence[Input], language: Language) -> Iterator[str]:
    for source in inputs[:MOST_SOURCES]:
        told = _say(
            "source",
            language,
            # A partner often gives one name to all three: it is said once.
            whom=", ".join(dict.fromkeys((source.title[language], source.organisation, source.attribution))),
            licence=LICENCES[source.licence].title,
            day=day(source.snapshot_date, language),
        )
        yield told + (_say("stale", language, since=day(source.stale_since, language)) if source.stale_since else "")
    if len(inputs) > MOST_SOURCES:
        yield _say("more_sources", language, count=number(len(inputs) - MOST_SOURCES, language))


def _rights(inputs: Sequence[Input], language: Language) -> Iterator[str]:
    """For each use that people ask about, which partners' licences allow it."""
    licences = sorted({one.licence for one in inputs})
    for name, use in uses().items():
        answers: dict[str, list[str]] = {}
        for licence in licences:
            answers.setdefault(right_to(name, licence).answer, []).append(licence)
        told = [_say(word, language, licences=", ".join(under)) for word, under in answers.items()]
        between = " ; " if language == "fr" else "; "
        yield _say("use", language, use=use.title[language], answers=between.join(told))


def about(dataset: Dataset, background: Background, language: Language, table: Table | None = None) -> Iterator[str]:
    """Licence (of one table, or of the dataset), rhythm, period, extent, language and contact, a line each."""
    line, place = dataset.line, LANGUAGES.index(language)
    licence = LICENCES[dataset.licence_of(table.name) if table else line.licence.publish]
    first, last = (day(moment, language) for moment in background.period)
    yield _say("licence", language, title=licence.title, url=licence.url)
    yield _say("frequency", language, text=_FREQUENCIES[line.frequency][place])
    yield _say("one_day" if first == last else "days", language, first=first, last=last)
    if box := background.box:
        ends = {name: _degrees(getattr(box, name), language) for name in ("south", "north", "west", "east")}
        yield _say("box", language, **ends)
    yield _say("language", language, text=_LANGUAGES[line.language][place])
    yield _say("contact", language, name=line.steward.name, email=line.steward.email)


def _quality(dataset: Dataset, background: Background, language: Language) -> Iterator[str]:
    for table in dataset.tables:
        if counts := quality_line(background.quality.get(table.name, Quality()), language):
            yield _say("accounts", language, title=table.line.title[language], counts=counts)
    met, of = background.expectations
    if of:
        yield _say("expectations", language, met=met, all=of)


def _history(history: History, language: Language) -> Iterator[str]:
    for past in history.recent:
        if url := _changelog(past, language):
            yield _say("past", language, day=day(past.created, language), number=past.version, url=url)
    yield _say("versions", language, versions=history.every or history.url)


def _changelog(past: Past, language: Language) -> str | None:
    return past.addresses.get(f"changelog.{language}.md") or past.addresses.get("datapackage.json")


def _degrees(value: float, language: Language) -> str:
    text = f"{value:.1f}°"
    return text.replace(".", ",").replace("-", "\u2212") if language == "fr" else text.replace("-", "\u2212")


def _listing(word: str, items: Sequence[str], language: Language) -> str:
    return f"### {_say(word, language)}\n\n" + "\n".join(f"- {item}" for item in items)


def _say(word: str, language: Language, **values: object) -> str:
    return _WORDS[word][LANGUAGES.index(language)].format(**values)
