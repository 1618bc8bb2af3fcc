"""The links of the chain from a published cell to a raw snapshot that are missing, and why.

Belongs here: which links there are, what is said of each. Does not belong here: finding them missing (origin.py,
trace.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from glane.removals import Removal
from glane.text import Text

Link = Literal[
    "snapshot-gone",
    "snapshot-damaged",
    "snapshot-forgotten",
    "source-gone",
    "source-broken",
    "mapping-changed",
    "rules-changed",
    "unreadable",
    "line-gone",
    "rows-gone",
    "dates-gone",
    "point-gone",
    "id-unseen",
    "on-hold",
    "other-cell",
    "field-gone",
    "no-rows",
    "decided-since",
    "unexplained",
    "link",
]

_SAID: Mapping[Link, Text] = {
    "snapshot-gone": Text(
        fr="L'instantané n'est plus dans le dépôt{removed} : on part des lignes qui en ont été gardées.",
        en="The snapshot is not in the store any more{removed}: what follows begins at the rows that were kept of it.",
    ),
    "snapshot-damaged": Text(
        fr="L'instantané du dépôt n'est plus celui qui a été reçu : `glane verify` le nomme.",
        en="The snapshot in the store is not the one that was received: `glane verify` names it.",
    ),
    "snapshot-forgotten": Text(
        fr="Une personne a été oubliée dans cet instantané : ses octets ont changé, ses lignes sont en place.",
        en="A person was forgotten in this snapshot: its bytes are others, its lines stand where they stood.",
    ),
    "source-gone": Text(
        fr="La source n'est plus déclarée : rien ne dit comment son fichier était lu.",
        en="The source is not declared any more: nothing says how its file was read.",
    ),
    "source-broken": Text(
        fr="La déclaration de la source ne peut pas être lue : {why}",
        en="The declaration of the source cannot be read: {why}",
    ),
    "mapping-changed": Text(
        fr="La déclaration de la source, ou Glane, a changé depuis : retracé selon la déclaration d'aujourd'hui.",
        en="The source's declaration, or Glane, has changed since: worked out under the declaration of today.",
    ),
    "rules-changed": Text(
        fr="La déclaration du jeu de données a changé depuis : retracé selon les règles d'aujourd'hui.",
        en="The dataset's declaration has changed since: worked out under the rules of today.",
    ),
    "unreadable": Text(
        fr="Le fichier ne se lit plus selon la déclaration d'aujourd'hui : {why}",
        en="The file cannot be read under the declaration of today: {why}",
    ),
    "line-gone": Text(
        fr="Le fichier, lu selon la déclaration d'aujourd'hui, n'a pas d'enregistrement à cette ligne.",
        en="The file, read under the declaration of today, has no record on this line.",
    ),
    "rows-gone": Text(
        fr="Les lignes jugées ce jour-là ne sont plus dans le dépôt{removed} : retracé depuis l'instantané.",
        en="The rows that were judged then are not in the store any more{removed}: worked out from the snapshot.",
    ),
    "dates-gone": Text(
        fr="Le fichier est un classeur de Glane : les lignes d'avant, dont il gardait des dates, ne sont plus là.",
        en="The file is a workbook of Glane's: the rows of the time before, of which it kept dates, are gone.",
    ),
    "point-gone": Text(
        fr="La réponse du service de géocodage n'est plus gardée pour cette adresse.",
        en="What the geocoding service said of this address is not kept any more.",
    ),
    "id-unseen": Text(
        fr="L'identifiant a été reconnu par ressemblance avec une ligne antérieure, qui n'est plus là.",
        en="The id was recognised by likeness to an earlier row, which is gone.",
    ),
    "on-hold": Text(
        fr="Selon les déclarations d'aujourd'hui, la ligne serait en attente (données personnelles).",
        en="Under the declarations of today the row would be on hold (personal data).",
    ),
    "other-cell": Text(
        fr="L'instantané donne aujourd'hui {now} ; la ligne gardée disait {kept}, et c'est elle qui a été publiée.",
        en="The snapshot gives {now} today; the row that was kept said {kept}, and that is what was published.",
    ),
    "field-gone": Text(
        fr="Ce champ n'est plus déclaré : rien ne dit comment il était fait.",
        en="This field is not declared any more: nothing says how it was made.",
    ),
    "no-rows": Text(
        fr="Ni l'instantané ni la ligne gardée de {partners} ne sont là : la fusion ne peut pas être refaite.",
        en="Neither the snapshot nor the kept row of {partners} is there: the merge cannot be made again.",
    ),
    "decided-since": Text(
        fr="La décision de la ligne {lines} est venue après cette version : elle vaudra pour la suivante.",
        en="The decision on line {lines} came after this version: it will hold in the next one.",
    ),
    "unexplained": Text(
        fr="Retracé, le champ dit {made} : une décision a pu être ôtée depuis (voir l'historique de {path}), ou des "
        "données personnelles trouvées dans une autre ligne ont fait retenir le champ à la publication.",
        en="Worked out again it says {made}: a decision may have been taken out since (see the history of {path}), or "
        "personal data in another row had the field held back when it was published.",
    ),
    "link": Text(
        fr="Un lien entre jeux de données ({how}) : retracez ses bouts, glane trace {here} et glane trace {there}.",
        en="A link across datasets ({how}): trace its two ends, glane trace {here} and glane trace {there}.",
    ),
}
_REMOVED = Text(fr=" (élagué le {day} : {why})", en=" (pruned on {day}: {why})")


@dataclass(frozen=True)
class Missing:
    """A link that is missing, or is another one today, and what is said of it."""

    link: Link
    said: Text


def missing(link: Link, **values: str) -> Missing:
    """The link with what is said of it."""
    said = _SAID[link]
    return Missing(link, Text(fr=said.fr.format(**values), en=said.en.format(**values)))


def gone(link: Link, removal: Removal | None) -> Missing:
    """Something of the store that is gone, with what its log says of that."""
    said = _SAID[link]
    told = (
        (
            _REMOVED.fr.format(day=removal.at[:10], why=removal.why),
            _REMOVED.en.format(day=removal.at[:10], why=removal.why),
        )
        if removal is not None
        else ("", "")
    )
    return Missing(link, Text(fr=said.fr.format(removed=told[0]), en=said.en.format(removed=told[1])))
