"""The record of processing (RGPD, article 30) and the notice to the people concerned (article 14), out of what is
declared.

Belongs here: which declarations say which part, and the layout. Does not belong here: deciding anything, printing
(cli/register.py). What the articles ask and no declaration says is told as missing: it is for the steward to write.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from glane.text import LANGUAGES, Language
from pipelines.catalogue import Entry
from pipelines.release import usable
from publish.addressing import has_addresses
from schemas.dataset import Dataset, Table
from schemas.licences import LICENCES
from schemas.retention import ALWAYS, Days
from sources.declaration import Source

_WORDS: dict[str, tuple[str, str]] = {
    "register": ("Registre des traitements", "Record of processing activities"),
    "notice": ("Vos données dans", "Your data in"),
    "controller": ("Responsable", "Controller"),
    "purpose": ("Finalité", "Purpose"),
    "publishes": (
        "Publier, sous {licence}, un bien commun : {description}",
        "To publish, under {licence}, a commons: {description}",
    ),
    "basis": ("Base légale", "Legal basis"),
    "no_basis": (
        "**À compléter** : écrivez governance: legal_basis dans dataset.yaml.",
        "**Missing**: write governance: legal_basis in dataset.yaml.",
    ),
    "data": ("Données de personnes, et ce qui en est fait", "Data of persons, and what is done with it"),
    "head": (
        "| table | champs | ce qui y est cherché | décision | motif |",
        "| table | fields | looked for | decision | reason |",
    ),
    "anything": ("tout", "anything"),
    "undecided": (
        "Ce qui est trouvé ailleurs n'est pas publié tant que personne n'a décidé (docs/personal-data.md).",
        "What is found anywhere else is not published until somebody has decided (docs/personal-data.md).",
    ),
    "unpublished": ("Champs jamais publiés : {fields}.", "Fields that are never published: {fields}."),
    "origin": ("D'où viennent les données", "Where the data comes from"),
    "origin_of": (
        "{organisation} ({source}), {where}, contact : {role}",
        "{organisation} ({source}), {where}, contact: {role}",
    ),
    "recipients": ("Destinataires", "Recipients"),
    "public": ("Le public, sur le portail de données.", "The public, on the data portal."),
    "geocoder": (
        "{host} reçoit des adresses de lieux, et rien d'autre, pour en donner les coordonnées ({source}).",
        "{host} is sent addresses of places, and nothing else, to give their coordinates ({source}).",
    ),
    "kept": ("Durées de conservation", "How long it is kept"),
    "kept_inputs": (
        "fichiers reçus dont une version a été faite : {days}",
        "files received that a version was made of: {days}",
    ),
    "kept_snapshots": ("autres fichiers reçus : {days}", "other files received: {days}"),
    "kept_rows": ("lignes de jugements antérieurs : {days}", "rows of earlier judgements: {days}"),
    "kept_reports": ("réponses antérieures aux partenaires : {days}", "earlier answers to partners: {days}"),
    "kept_versions": (
        "versions publiées : pour toujours ; une ligne retirée l'est des versions suivantes",
        "published versions: for ever; a row that is withdrawn is not in those that follow",
    ),
    "kept_messages": (
        "messages de lecteurs à {address} : sans leur auteur, jusqu'à ce que la ligne change ou que quelqu'un décide",
        "readers' messages to {address}: without who wrote them, until the row changes or somebody decides",
    ),
    "always": ("pour toujours", "for ever"),
    "days": ("{days} jours", "{days} days"),
    "measures": ("Mesures de protection", "Protection"),
    "measure_raw": (
        "Les fichiers reçus ne quittent jamais le magasin privé ; une colonne que rien n'utilise n'est pas publiée.",
        "Files received never leave the private store; a column that nothing uses is not published.",
    ),
    "measure_gate": (
        "Chaque ligne est examinée avant d'être jugée : adresses, mobiles, noms, identifiants nationaux.",
        "Each row is looked through before it is judged: addresses, mobiles, names, national ids.",
    ),
    "measure_tell": (
        "Ce qui est retenu n'apparaît ni dans les journaux, ni dans les réponses, ni dans Dagit.",
        "What is held back appears neither in logs nor in answers nor in Dagit.",
    ),
    "rights": (
        "Vos droits : accès, rectification, effacement, opposition",
        "Your rights: access, rectification, erasure, objection",
    ),
    "complaint": (
        "Vous pouvez aussi saisir l'autorité de contrôle de votre pays (en France, la CNIL).",
        "You may also turn to the supervisory authority of your country.",
    ),
}  # fmt: skip


def record_of(entry: Entry, language: Language) -> str:
    """The record of processing of one dataset, as Markdown. Raises the dataset's DeclarationError."""
    dataset = usable(entry)
    sources = [source for source in entry.sources if isinstance(source, Source)]
    parts = [f"# {_say('register', language)} : {dataset.line.title[language]}", *_shared(dataset, sources, language)]
    parts += [_listing("kept", list(_kept(dataset, language)), language)]
    parts += [_listing("measures", [_say(one, language) for one in _MEASURES], language)]
    return "\n\n".join(parts) + "\n"


def notice_of(entry: Entry, language: Language) -> str:
    """The notice to the people whose data may be in the dataset, as Markdown. Raises the dataset's DeclarationError."""
    dataset = usable(entry)
    sources = [source for source in entry.sources if isinstance(source, Source)]
    line = dataset.line
    parts = [f"# {_say('notice', language)} {line.title[language]}", *_shared(dataset, sources, language)]
    parts += [_listing("kept", list(_kept(dataset, language)), language)]
    parts += [f"## {_say('rights', language)}", line.governance.objection[language]]
    parts += [f"{line.steward.name} <{line.steward.email}>", _say("complaint", language)]
    return "\n\n".join(parts) + "\n"


_MEASURES = ("measure_raw", "measure_gate", "measure_tell")


def _shared(dataset: Dataset, sources: Sequence[Source], language: Language) -> Iterator[str]:
    line = dataset.line
    yield f"## {_say('controller', language)}\n\n{line.steward.name} <{line.steward.email}>"
    licence = LICENCES[line.licence.publish].title
    purpose = _say("publishes", language, licence=licence, description=line.description[language])
    yield f"## {_say('purpose', language)}\n\n{purpose}"
    basis = line.governance.legal_basis
    yield f"## {_say('basis', language)}\n\n{basis[language] if basis else _say('no_basis', language)}"
    rows = [row for table in dataset.contributed for row in _decided(table, sources, language)]
    table = "\n".join([_say("head", language), "|---|---|---|---|---|", *rows])
    yield f"## {_say('data', language)}\n\n{table}\n\n{_say('undecided', language)}"
    for one in dataset.contributed:
        if one.line.unpublished:
            yield _say("unpublished", language, fields=", ".join(one.line.unpublished))
    yield _listing("origin", [_origin(source, language) for source in sources], language)
    asked = [
        _say("geocoder", language, host=urlsplit(source.line.geocode.asked.url).hostname, source=source.partner)
        for source in sources
        if source.line.geocode is not None
    ]
    yield _listing("recipients", [_say("public", language), *asked], language)


def _decided(table: Table, sources: Sequence[Source], language: Language) -> Iterator[str]:
    own = [
        (f"{table.name} ({source.partner})", decision)
        for source in sources
        if (source.line.table or table.name) == table.name
        for decision in source.line.personal
    ]
    for name, decision in [*own, *((table.name, decision) for decision in table.line.personal)]:
        kinds = ", ".join(decision.found or [_say("anything", language)])
        fields = ", ".join(decision.fields)
        yield f"| {name} | {fields} | {kinds} | {decision.decision} | {decision.reason[language]} |"


def _origin(source: Source, language: Language) -> str:
    line = source.line
    return _say(
        "origin_of",
        language,
        organisation=line.organisation,
        source=source.partner,
        where=line.where.address,
        role=line.contact.role,
    )


def _kept(dataset: Dataset, language: Language) -> Iterator[str]:
    retention = dataset.line.retention
    for name in ("inputs", "snapshots", "rows", "reports"):
        yield _say(f"kept_{name}", language, days=_days(getattr(retention, name), language))
    yield _say("kept_versions", language)
    if has_addresses(dataset):
        yield _say("kept_messages", language, address=dataset.errors_to)


def _days(days: Days, language: Language) -> str:
    return _say("always", language) if days == ALWAYS else _say("days", language, days=days)


def _listing(word: str, items: Sequence[str], language: Language) -> str:
    return f"## {_say(word, language)}\n\n" + "\n".join(f"- {item}" for item in items)


def _say(word: str, language: Language, **values: object) -> str:
    return _WORDS[word][LANGUAGES.index(language)].format(**values)
