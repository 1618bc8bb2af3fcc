"""Approvals of versions: what people allow beforehand, how a version tells of it, and which approval does nothing.

Belongs here: these three. Does not belong here: the file (schemas/expectations/approvals.py), what waits (waiting.py).
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from glane.text import LANGUAGES, Text
from publish.telling import day
from schemas.expectations.approvals import NONE, Approval, Approvals, excess_of
from schemas.expectations.outcome import Outcome


@dataclass(frozen=True)
class Permits:
    """What may pass although it is not as expected: the `approvals` of stewards, and the partners that have `left` as
    they declare it."""

    approvals: Approvals = NONE
    left: frozenset[str] = frozenset()


NO_PERMITS = Permits()
"""Nothing may."""


_TOLD = {
    "what": Text(fr="{about} : {observed}.", en="{about}: {observed}."),
    "file": Text(
        fr="{partner} : un fichier plus court que ses bornes ne le permettent.",
        en="{partner}: a file shorter than its bounds allow.",
    ),
    "approved": Text(
        fr="{what} Approuvé par {by} le {on}{until}. Motif : {why}",
        en="{what} Approved by {by} on {on}{until}. Reason: {why}",
    ),
    "until": Text(fr=", valable jusqu'au {until}", en=", holds until {until}"),
}

_IDLE = {
    "another": Text(
        fr="L'approbation {hash} ({by}) ne porte pas sur ce qui attend. Regardez ce qui attend, ou retirez la ligne.",
        en="The approval {hash} ({by}) is not of what waits. Look at what waits, or take the line out.",
    ),
    "ended": Text(
        fr="L'approbation {hash} ({by}) a pris fin le {until}. Renouvelez-la, ou retirez la ligne.",
        en="The approval {hash} ({by}) ended on {until}. Renew it, or take the line out.",
    ),
    "nothing": Text(
        fr="L'approbation {hash} ({by}) porte sur ce qui n'attend pas ici. Si cela n'arrive plus, retirez la ligne.",
        en="The approval {hash} ({by}) is of what does not wait here. If it will not come any more, take the line out.",
    ),
}


def approval_of(hash_: str, asked: Sequence[Outcome], **said: Any) -> Approval:
    """The approval of what has that hash and is `asked` about; `said`: by, on, until, why, and the partner if any."""
    return Approval(hash=hash_, lets=excess_of(asked), **said)


def told_of(approval: Approval, asked: Sequence[Outcome] = ()) -> dict[str, Any]:
    """How a changelog tells of an approval that let pass what was `asked` of a version, or a partner's file: as values,
    and in words in each language."""
    words: dict[str, Any] = {}
    for one in LANGUAGES:
        what = (
            _TOLD["file"][one].format(partner=approval.partner)
            if approval.partner
            else " ".join(_TOLD["what"][one].format(about=each.about, observed=each.observed[one]) for each in asked)
        )
        until = _TOLD["until"][one].format(until=day(str(approval.until), one)) if approval.until else ""
        values = {"by": approval.by, "on": day(approval.on.isoformat(), one), "why": approval.why, "until": until}
        words[one] = _TOLD["approved"][one].format(what=what, **values)
    return {
        "hash": approval.hash,
        **({"partner": approval.partner} if approval.partner else {}),
        "by": approval.by,
        "on": approval.on.isoformat(),
        "until": approval.until.isoformat() if approval.until else None,
        "why": approval.why,
        "guards": [outcome.name for outcome in asked],
        **words,
    }


@dataclass(frozen=True)
class IdleApproval:
    """An approval that lets nothing pass, for a steward to look at, and why."""

    approval: Approval
    why: Text


def files_let_in(approvals: Approvals, files: Mapping[str, str]) -> tuple[Approval, ...]:
    """The approvals of the partners' files that stand; `files` gives each partner's by its SHA-256."""
    return tuple(one for one in approvals.all if one.partner and files.get(one.partner, "").startswith(one.hash))


def idle(
    approvals: Approvals, used: Collection[str], waits: str | None, today: datetime.date
) -> tuple[IdleApproval, ...]:
    """The approvals of versions that let nothing pass, where no version was made by them (`used`: the hashes of those
    that changelogs tell of). `waits` is the hash of what waits, if anything does."""
    found = []
    for one in approvals.all:
        if one.partner or one.hash in used:
            continue
        reason = "ended" if one.ended(today) else "another" if waits else "nothing"
        values = {"hash": one.hash, "by": one.by, "until": one.until}
        found.append(
            IdleApproval(one, Text(fr=_IDLE[reason].fr.format(**values), en=_IDLE[reason].en.format(**values)))
        )
    return tuple(found)


def used_in(changelogs: Sequence[Mapping[str, Any]]) -> set[str]:
    """The hashes of the approvals that these changelogs tell of."""
    return {str(one["hash"]) for told in changelogs for one in told.get("approvals", ())}
