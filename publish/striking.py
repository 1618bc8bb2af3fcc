"""What is striking about merged rows, in sentences for a steward: values that a partner repeats, partners that repeat
one another.

Belongs here: the sentences. Does not belong here: finding it (matching/engine.py, links.py), counting it for everybody
(quality.py).

Nothing of this stops a version: it merges nothing by itself, and whoever knows the partner knows what it means.
"""

from collections.abc import Iterator, Mapping

from glane.text import Text
from publish.links import Linked
from publish.matching.engine import Copied, Repeated
from publish.merge import Merged

_REPEATED = {
    "national_id": Text(
        fr="{table} : {partner} donne le même identifiant {value} à {rows} lignes. Il ne dit pas quel lieu c'est, et "
        "n'en réunit aucune. Demandez l'identifiant de chaque lieu, ou une case vide.",
        en="{table}: {partner} gives one identifier, {value}, to {rows} rows. It does not say which place they are, "
        "and merges none of them. Ask for the identifier of each place, or an empty cell.",
    ),
    "point": Text(
        fr="{table} : {partner} met {rows} lignes au même point ({value}), celui de la mairie peut-être. Il ne dit pas "
        "où est chacune. Demandez le point de chaque lieu, ou une case vide.",
        en="{table}: {partner} puts {rows} rows at one point ({value}), the town hall's perhaps. It does not say where "
        "each of them is. Ask for the point of each place, or an empty cell.",
    ),
    "row": Text(
        fr="{table} : {partner} donne {rows} lignes qui disent mot pour mot la même chose. Demandez ce qui les "
        "distingue.",
        en="{table}: {partner} gives {rows} rows that say the same, word for word. Ask what tells them apart.",
    ),
}
_COPIED = Text(
    fr="{table} : {partners} disent mot pour mot la même chose pour {rows} lignes : l'un recopie l'autre sans doute. "
    "Leur accord ne prouve rien. Demandez qui tient ces lignes, et retirez-les de l'autre source.",
    en="{table}: {partners} say the same word for word in {rows} rows: one of them copies the other, it seems. That "
    "they agree proves nothing. Ask who keeps these rows, and take them out of the other source.",
)


def striking(merged: Mapping[str, Merged], linked: Mapping[str, Linked]) -> Iterator[Text]:
    """What a steward should know of the rows of each table, and of the links."""
    for name, part in merged.items():
        if part.matched is not None:
            yield from (_repeated(name, one) for one in (*part.matched.repeated, *part.matched.vague))
            yield from (_copied(name, one) for one in part.matched.copied)
    for links in linked.values():
        yield from links.warnings


def _repeated(table: str, one: Repeated) -> Text:
    said = _REPEATED[one.what]
    values = {"table": table, "partner": one.partner, "value": one.value, "rows": one.rows}
    return Text(fr=said.fr.format(**values), en=said.en.format(**values))


def _copied(table: str, one: Copied) -> Text:
    return Text(
        fr=_COPIED.fr.format(table=table, partners=" et ".join(one.partners), rows=one.rows),
        en=_COPIED.en.format(table=table, partners=" and ".join(one.partners), rows=one.rows),
    )
