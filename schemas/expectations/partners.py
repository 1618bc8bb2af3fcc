"""What is expected of the partners of a table against the version before: nobody leaves, or shrinks, unnoticed.

Belongs here: judging their rows now and before. Does not belong here: who may leave as declared (the caller says it).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.expectations.answer import Answer, bilingual, listed, named
from schemas.expectations.changes import nothing_before
from schemas.expectations.declaration import PartnerRowsChange, PartnersKept


@dataclass(frozen=True)
class Partners:
    """How many rows each partner brings to a table `now` and brought `before` (None: no version before); and those
    that `left` as declared, or bring `fewer` as a steward approved, about whom nobody needs to be asked."""

    now: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] | None = None
    left: frozenset[str] = frozenset()
    fewer: frozenset[str] = frozenset()


def partners_kept(line: PartnersKept, partners: Partners) -> Answer:
    """At most so many partners of the version before bring nothing any more."""
    most = line.bound.lost
    expected = bilingual(
        "partenaires qui disparaissent sans que ce soit déclaré : au plus {most}",
        "partners that leave without its being declared: at most {most}",
        most=most,
    )
    if partners.before is None:
        return nothing_before(expected)
    gone = sorted(name for name, rows in partners.before.items() if rows and not partners.now.get(name))
    lost = [name for name in gone if name not in partners.left]
    observed = listed("disparus : {list}", "left: {list}", lost) if lost else bilingual("aucun", "none does")
    return Answer(len(lost) <= most, expected, observed, {"lost": len(lost)}, excess=named(lost))


def partner_rows_change(line: PartnerRowsChange, partners: Partners) -> Answer:
    """No partner that still brings rows brings fewer by more than a share of what it brought."""
    bound = line.bound
    expected = bilingual(
        "les lignes d'aucun partenaire ne baissent de plus de {most}",
        "the rows of no partner fall by more than {most}",
        most=float(bound.fall),
    )
    if partners.before is None:
        return nothing_before(expected)
    fell = {
        name: round(1 - partners.now[name] / rows, 9)
        for name, rows in sorted(partners.before.items())
        if rows > bound.small and partners.now.get(name) and name not in partners.fewer
    }
    beyond = {name: fall for name, fall in fell.items() if fall > bound.fall}
    told = [f"{name} ({partners.before[name]} → {partners.now[name]})" for name in beyond]
    observed = listed("lignes : {list}", "rows: {list}", told) if told else bilingual("aucun", "none does")
    return Answer(not beyond, expected, observed, {"partners": len(beyond)}, excess=beyond)


JUDGES: Mapping[str, Callable[[Any, Partners], Answer]] = {
    "partners_kept": partners_kept,
    "partner_rows_change": partner_rows_change,
}
