"""What people read of a dataset's resources on the portal, French first, then English.

Belongs here: the names and descriptions of resources and of the pages that keep versions. Does not belong here: which
resources there are (layout.py), the description of the dataset's own page (notes.py).
"""

from glane.text import LANGUAGES, Language, Text
from publish.citation import credits_of
from publish.ckan.background import Background, Quality
from publish.ckan.notes import about, quality_line
from publish.coverage_files import BY_COMMUNE
from publish.formats import DERIVED, FORMATS, formats_of
from publish.telling import day
from publish.telling import rows as rows_in
from publish.version import Version, VersionFile
from schemas.dataset import Dataset, Table
from schemas.retention import ALWAYS

_WORDS: dict[str, tuple[str, str]] = {
    "version": ("version du {day} ({number})", "version of {day} ({number})"),
    "table": (
        "**{title}** ({rows}, {version}) : {description}{quality}",
        "**{title}** ({rows}, {version}): {description}{quality}",
    ),
    "credits": ("Crédits : {credits}", "Credits: {credits}"),
    "page": (
        "[Ce qui a changé, et chaque version plus ancienne]({page})",
        "[What changed, and every older version]({page})",
    ),
    "archive": (
        "Chaque version de [{title}]({page}), telle qu'elle a été publiée ; ces fichiers ne changent jamais.",
        "Every version of [{title}]({page}), as it was published; these files never change.",
    ),
    "derived": (
        "{formats} : pour les deux dernières versions et la dernière de chaque mois ; le CSV de toutes reste.",
        "{formats}: for the last two versions and the last of each month; the CSV of every one stays.",
    ),
    "feed": ("Fil Atom des versions", "Atom feed of versions"),
    "quality": ("Qualité en chiffres, pour les programmes", "Quality in figures, for programs"),
    "departments_page": ("{title} : un fichier par département", "{title}: a file for each département"),
    "departments": (
        "Les fiches de [{title}]({page}), un CSV par département, {version}.",
        "The rows of [{title}]({page}), a CSV for each département, {version}.",
    ),
    "departments_stable": (
        "L'adresse de téléchargement d'un fichier ne change jamais ; il garde ses octets tant que rien n'y change.",
        "A file's download address never changes; it keeps its bytes as long as nothing in it changes.",
    ),
    "departments_files": (
        "Les fichiers auxquels mène la page [{page}]({page}) : prenez-les là, leur adresse y est stable.",
        "The files that the page [{page}]({page}) leads to: take them there, where their address is stable.",
    ),
    "no_department": ("hors département", "in no département"),
    "each_departement": ("{title} (un CSV par département, ZIP)", "{title} (a CSV for each département, ZIP)"),
    "departements": ("{title} : couverture par département (CSV)", "{title}: coverage by département (CSV)"),
    "communes": (
        "{title} : couverture par commune, communes sans fiche et leur population (CSV)",
        "{title}: coverage by commune, communes without a row and their population (CSV)",
    ),
    "quality_page": ("Page de qualité : ce que valent ces données", "Quality page: what this data is worth"),
    "provenance": (
        "Origine de chaque ligne : partenaire, ligne de son fichier, instantané, licence (Parquet)",
        "Where each row comes from: partner, line of its file, snapshot, licence (Parquet)",
    ),
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


def titled(word: str, told: Text) -> str:
    """One of the texts above around the title of a dataset or a table, on one line for both languages."""
    return title(Text(**{one: say(word, one, title=told[one]) for one in LANGUAGES}))


def archive_notes(dataset: Dataset, page_url: str) -> str:
    """The description of the page that keeps every version."""
    derived = {name for table in dataset.tables for name in formats_of(table)} & DERIVED
    formats = ", ".join(sorted(FORMATS[name].label for name in derived))
    texts = []
    for one in LANGUAGES:
        told = [say("archive", one, title=dataset.line.title[one], page=page_url)]
        if formats and dataset.line.retention.formats != ALWAYS:
            told.append(say("derived", one, formats=formats))
        texts.append(" ".join(told))
    return "\n\n".join(texts)


def table_notes(dataset: Dataset, table: Table, version: Version, background: Background, page_url: str) -> str:
    """The description of a table's resources, in both languages: what it holds, of which version, how good it is, and
    what the dataset's page says of all."""
    line, quality, told = table.line, background.quality.get(table.name, Quality()), []
    for one in LANGUAGES:
        figures = quality_line(quality, one)
        first = say(
            "table",
            one,
            title=line.title[one],
            rows=rows_in(version.rows[table.name], one),
            description=line.description[one],
            version=say("version", one, day=day(version.created, one), number=version.version),
            quality=f" {figures[0].upper()}{figures[1:]}." if figures else "",
        )
        credited = say("credits", one, credits=credits_of(version, one))
        rest = [credited, *about(dataset, background, one, table), say("page", one, page=page_url)]
        told += [first, "\n".join(f"- {item}" for item in rest)]
    return "\n\n".join(told)


def table(dataset: Dataset, file: VersionFile) -> str:
    """The name of a table's resource in one of its formats."""
    told, form = dataset.table(str(file.table)).line.title, FORMATS[file.format or "csv"]
    if file.format == "departements":
        return titled("each_departement", told)
    return f"{title(told)} ({form.label})"


def departments_notes(dataset: Dataset, version: Version, page_url: str) -> str:
    """The description of the page that has a file for each département, in both languages."""
    told = []
    for one in LANGUAGES:
        told_version = say("version", one, day=day(version.created, one), number=version.version)
        first = say("departments", one, title=dataset.line.title[one], page=page_url, version=told_version)
        credited = say("credits", one, credits=credits_of(version, one))
        told.append(f"{first} {say('departments_stable', one)} {credited}")
    return "\n\n".join(told)


def departments_files_notes(page_url: str) -> str:
    """The description of the page of the files themselves."""
    return "\n\n".join(say("departments_files", one, page=page_url) for one in LANGUAGES)


def department(told: Text, code: str, name: str | None) -> str:
    """The name of a département's file: its code first, as people look for it."""
    where = f"{code} {name}" if name else title(Text(**{one: say("no_department", one) for one in LANGUAGES}))
    return f"{where} – {title(told)} (CSV)"


def coverage(dataset: Dataset, file: VersionFile) -> str:
    """The name of a file that tells which territory a table covers, in both languages."""
    word = "communes" if file.path.endswith(BY_COMMUNE) else "departements"
    return titled(word, dataset.table(str(file.table)).line.title)


def version_of(version: Version) -> str:
    """The version by its date first and its number second, in both languages."""
    return title(
        Text(**{one: say("version", one, day=day(version.created, one), number=version.version) for one in LANGUAGES})
    )


def say(word: str, language: Language, **values: object) -> str:
    """One of the texts above, filled in."""
    return _WORDS[word][LANGUAGES.index(language)].format(**values)
