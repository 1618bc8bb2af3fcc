"""What people read on a dataset's page on the portal: one stock CKAN page, French first, then English.

Belongs here: the texts of pages and resources. Does not belong here: which resources there are (layout.py).
"""

from collections.abc import Sequence

from glane.text import LANGUAGES, Language, Text
from publish.citation import sentence
from publish.telling import day
from publish.telling import rows as rows_in
from publish.version import Input, Version
from schemas.dataset import Dataset, Table
from schemas.licences import LICENCES

_WORDS: dict[str, tuple[str, str]] = {
    "version": ("**Version du {day}** ({number})", "**Version of {day}** ({number})"),
    "versions": (
        "[Toutes les versions, avec ce que chacune change]({versions})",
        "[Every version, with what each one changed]({versions})",
    ),
    "tables": ("Tables", "Tables"),
    "table": ("**{title}** ({rows}) : {description}", "**{title}** ({rows}): {description}"),
    "sources": ("Sources", "Sources"),
    "source": ("{whom}, sous {licence}, données du {day}", "{whom}, under {licence}, data of {day}"),
    "stale": (", sans nouvelles depuis le {since}", ", nothing new since {since}"),
    "contribution": ("Contribuer", "Contribute"),
    "reuse": ("Réutiliser", "Reuse"),
    "objection": ("Signaler, s'opposer", "Report, object"),
    "archive": (
        "Chaque version de [{title}]({page}), telle qu'elle a été publiée ; ces fichiers ne changent jamais.",
        "Every version of [{title}]({page}), as it was published; these files never change.",
    ),
    "cite": ("Citer", "Cite as"),
    "feed": ("Fil Atom des versions", "Atom feed of versions"),
    "withdrawn": ("Identifiants retirés, à effacer de vos copies", "Withdrawn ids, to be erased from your copies"),
    "next": ("{title} (CSV), en préparation", "{title} (CSV), in preparation"),
    "next_note": (
        "Cette table se remplit : elle arrivera entière, avec la prochaine version.",
        "This table is being filled: it will come whole, with the next version.",
    ),
    "frozen_title": (
        "{title} (CSV), anciens champs ({number}), figés, jusqu'au {until}",
        "{title} (CSV), former fields ({number}), frozen, until {until}",
    ),
    "frozen": (
        "Table de la version {number}, dont les champs ont changé. Retirée après le {until} ; son fichier reste.",
        "The table of version {number}, whose fields have changed. It goes after {until}; its file stays.",
    ),
    "frozen_gone": (
        "Table de la version {number}, plus publiée depuis. Retirée après le {until} ; son fichier reste.",
        "The table of version {number}, no longer published. It goes after {until}; its file stays.",
    ),
    "package": ("Description du jeu de données (Data Package)", "Description of the dataset (Data Package)"),
}


def title(text: Text) -> str:
    """One line for both languages; once where they are the same."""
    return text.fr if text.fr == text.en else f"{text.fr} · {text.en}"


def page_notes(dataset: Dataset, version: Version, versions_url: str) -> str:
    """The description of the dataset's page, in Markdown: what it is, its version, tables, sources and rules."""
    return "\n\n---\n\n".join(_page_in(dataset, version, versions_url, language) for language in LANGUAGES)


def archive_notes(dataset: Dataset, page_url: str) -> str:
    """The description of the page that keeps every version."""
    texts = [say("archive", one, title=dataset.line.title[one], page=page_url) for one in LANGUAGES]
    return "\n\n".join(texts)


def table_notes(table: Table, rows: int) -> str:
    """The description of a table's resources, in both languages."""
    line = table.line
    told = [
        say("table", one, title=line.title[one], rows=rows_in(rows, one), description=line.description[one])
        for one in LANGUAGES
    ]
    return "\n\n".join(told)


def say(word: str, language: Language, **values: object) -> str:
    """One of the texts above, filled in."""
    return _WORDS[word][LANGUAGES.index(language)].format(**values)


def _page_in(dataset: Dataset, version: Version, versions_url: str, language: Language) -> str:
    line, rules = dataset.line, dataset.line.governance
    tables = [
        say(
            "table",
            language,
            title=table.line.title[language],
            rows=rows_in(version.rows[table.name], language),
            description=table.line.description[language],
        )
        for table in dataset.tables
    ]
    parts = [
        line.description[language],
        f"{say('version', language, day=day(version.created, language), number=version.version)}  \n"
        + say("versions", language, versions=versions_url),
        _listing("tables", tables, language),
        _listing("sources", [_source(source, language) for source in version.inputs], language),
        *(
            f"**{say(name, language)}.** {text[language]}"
            for name, text in (
                ("contribution", rules.contribution),
                ("reuse", rules.reuse),
                ("objection", rules.objection),
            )
        ),
        f"**{say('cite', language)}.** {_citation(dataset, version, language)}",
    ]
    return "\n\n".join(parts)


def _citation(dataset: Dataset, version: Version, language: Language) -> str:
    licence = LICENCES[dataset.line.licence.publish].title
    return sentence(version, dataset.line.title[language], dataset.line.steward.name, licence, language)


def _source(source: Input, language: Language) -> str:
    told = say(
        "source",
        language,
        # A partner often gives one name to all three: it is said once.
        whom=", ".join(dict.fromkeys((source.title[language], source.organisation, source.attribution))),
        licence=LICENCES[source.licence].title,
        day=day(source.snapshot_date, language),
    )
    if source.stale_since:
        told += say("stale", language, since=day(source.stale_since, language))
    return told


def _listing(word: str, items: Sequence[str], language: Language) -> str:
    return f"### {say(word, language)}\n\n" + "\n".join(f"- {item}" for item in items)
