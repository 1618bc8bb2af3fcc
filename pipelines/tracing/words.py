"""The words that `glane trace` tells a chain in, in French and English.

Belongs here: the words. Does not belong here: their order (telling.py), what is said of a missing link (links.py).
"""

from collections.abc import Mapping

from glane.text import LANGUAGES, Language

_WORDS: Mapping[str, tuple[str, str]] = {
    "version": (
        "{dataset}, version du {day} ({number}), table {table}",
        "{dataset}, version of {day} ({number}), table {table}",
    ),
    "row": ("ligne {id}", "row {id}"),
    "went_into": ("{asked} a été fusionnée dans {id}", "{asked} went into {id}"),
    "derived": ("table faite de {base}", "a table made of {base}"),
    "origins": ("D'où vient la ligne", "Where the row comes from"),
    "origin": (
        "{partner} ({organisation}), {licence}, à créditer « {attribution} »",
        "{partner} ({organisation}), {licence}, to be credited as “{attribution}”",
    ),
    "line": (
        "ligne {line} de {file}, instantané du {day}, sha256 {sha256}",
        "line {line} of {file}, snapshot of {day}, sha256 {sha256}",
    ),
    "own": ("son identifiant : {own}", "its own id: {own}"),
    "stands": (", celui qui est publié", ", the one that is published"),
    "missing": ("manque", "missing"),
    "ties": ("Pourquoi c'est une seule chose", "Why this is one thing"),
    "tie_decision": ("{a} et {b} : décision, ligne {line}", "{a} and {b}: a decision, line {line}"),
    "tie_key": ("{a} et {b} : même {fields}", "{a} and {b}: same {fields}"),
    "tie_likeness": ("{a} et {b} : {score} points", "{a} and {b}: {score} points"),
    "from_kept": ("ligne gardée : {cell}", "the row that was kept: {cell}"),
    "column": ("colonne {column} : {cell}", "column {column}: {cell}"),
    "order": ("choix entre {count} lignes, dans l'ordre {order}", "a choice of {count} rows, in the order {order}"),
    "how_united": ("les valeurs de toutes sont réunies", "the values of all are united"),
    "how_point": ("un point se prend entier", "a point is taken whole"),
    "how_id": ("l'identifiant sous lequel la ligne est publiée", "the id that the row is published under"),
    "candidate": ("{sign} {partner} ({own}) : {cell}{by}", "{sign} {partner} ({own}): {cell}{by}"),
    "empty": ("rien", "nothing"),
    "by_owner": ("l'autre est celle du gestionnaire du lieu", "the other is of the partner that runs the place"),
    "by_newest": ("l'autre est plus récente", "the other is newer"),
    "by_trust": ("l'autre source passe avant (trust)", "the other source comes first (trust)"),
    "by_complete": ("l'autre est plus complète", "the other is more complete"),
    "by_partner": ("à égalité, par ordre du nom du partenaire", "all else alike, by the name of the partner"),
    "correction": (
        "décision, ligne {line}, {by}, le {on} : {why}",
        "decision, line {line}, {by}, on {on}: {why}",
    ),
    "same": ("= {cell}, retracé : identique à l'octet près", "= {cell}, worked out again: the same, byte for byte"),
    "same_but": (
        "= {cell}, retracé : identique à l'octet près, avec ce qui manque ci-dessus",
        "= {cell}, worked out again: the same, byte for byte, with what is missing above",
    ),
    "other": (
        "≠ publié {cell}, mais retracé {worked_out}",
        "≠ published {cell}, but worked out {worked_out}",
    ),
    "lost": ("? publié {cell}, ne peut pas être retracé", "? published {cell}, cannot be worked out"),
    "left_out": (
        "{count} champs vides ne sont pas montrés ; nommez-en un pour le voir",
        "{count} empty fields are not shown; name one to see it",
    ),
}
_STEPS: Mapping[str, tuple[str, str]] = {
    "column": ("pris tel quel", "taken as it is"),
    "join": ("colonnes réunies", "columns joined"),
    "first": ("première remplie", "the first that is filled"),
    "each": ("chaque colonne une valeur", "each column a value"),
    "constant": ("constante de la déclaration", "a constant of the declaration"),
    "choices": ("choisi selon les colonnes", "chosen by the columns"),
    "lookup": ("cherché dans une table", "looked up in a table"),
    "days": ("horaires réunis", "opening hours put together"),
    "point": ("point lu", "point read"),
    "split": ("séparé", "split"),
    "pattern": ("extrait par un motif", "cut out by a pattern"),
    "dates": ("date déclarée", "declared date"),
    "terms": ("terme traduit", "term translated"),
    "together": ("valeurs réunies", "values together"),
    "default": ("valeur par défaut", "default"),
    "hook": ("hook.py", "hook.py"),
    "id": ("identifiant fait", "id made"),
    "brought": ("identifiant apporté par le classeur", "id that the workbook brings"),
    "register": ("identifiant retrouvé dans le registre", "id found in the register"),
    "provided": ("donné par la déclaration", "given by the declaration"),
    "origin": ("provenance de la date", "where the date is from"),
    "kept-date": ("date gardée de la fois d'avant", "date kept from the time before"),
    "geocode": ("géocodé", "geocoded"),
    "personal": ("données personnelles", "personal data"),
    "synonyms": ("synonyme de la liste", "synonym of the list"),
    "correction": ("correction", "correction"),
    "derived": ("table dérivée", "derived table"),
    "address": (
        "adresse pour signaler une erreur, avec la version où la ligne a changé pour la dernière fois",
        "address for errors, with the version in which the row last changed",
    ),
}
_CLEANER = ("nettoyeur {name}", "cleaner {name}")
_BECAUSE: Mapping[str, tuple[str, str]] = {
    "held": ("champ retenu pour tout le fichier", "held back in the whole file"),
    "unseen": ("par ressemblance", "by likeness"),
}


def text(key: str, language: Language, /, **values: object) -> str:
    """The words `key` in one language, filled in."""
    return _WORDS[key][LANGUAGES.index(language)].format(**values)


def step(what: str, language: Language) -> str:
    """What a step is called; what has no words of its own is a cleaner, called by its name."""
    return _STEPS.get(what, _CLEANER)[LANGUAGES.index(language)].format(name=what)


def because(why: str, language: Language) -> str:
    """Why a step was taken."""
    return _BECAUSE[why][LANGUAGES.index(language)] if why in _BECAUSE else why
