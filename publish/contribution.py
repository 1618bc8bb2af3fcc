"""What a partner brings to a version, and the gates that it passes before anything is merged.

Belongs here: the Contribution, the licence gate, and the check that rows are the very rows that were judged
(design, 3: whoever publishes checks the verdict again). Does not belong here: judging (schemas/) or merging
(merge.py).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from glane.errors import DataError
from glane.store import Store
from glane.text import Text
from publish.version import Input
from schemas.absence import kept_absent
from schemas.dataset import Dataset
from schemas.judgement import LINE, Problem, Verdict
from schemas.licences import LICENCES
from schemas.licences.rights import right_into
from schemas.personal.decisions import PersonalCount
from schemas.personal.gate import Personal, finders_key, gate, gate_key, personal_of
from schemas.rows import last_good, parquet_bytes


class UnjudgedError(DataError):
    """Rows that no verdict lets through: nothing is published with them, the last version stands."""


@dataclass(frozen=True)
class Contribution:
    """One partner's last good rows of one table (fields + `_line`), the verdict on them, and whom to credit.

    `snapshot_date` is the ISO day on which the partner's bytes were first received; `stale_since` the ISO day since
    which newer ones could not be read, None when the last read was good. `apart` is the table that the rows go to where
    their licence keeps them out of the one that they were judged for.

    `absent_since` is set on rows that are no longer in the partner's file since that ISO day, and in their grace
    period; they are a contribution of their own beside the others of the partner. `personal` is what the source decides
    about personal data (None where its declaration cannot be read); `found` what the gate found in these rows at the
    last moment, and `withheld` how many rows it holds back (persons.py).
    """

    partner: str
    title: Text
    organisation: str
    licence: str
    attribution: str
    verdict: Verdict
    rows: pl.DataFrame
    snapshot_date: str
    stale_since: str | None = None
    apart: str | None = None
    absent_since: str | None = None
    personal: Personal | None = None
    found: tuple[PersonalCount, ...] = ()
    withheld: int = 0

    @property
    def table(self) -> str:
        """The table of the version that the rows go to."""
        return self.apart or self.verdict.table


def by_partner(contributions: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """One contribution for each partner and table: its rows in their grace period are among its others."""
    whole = []
    for one in contributions:
        if one.absent_since is None:
            mine = [
                other.rows
                for other in contributions
                if other.absent_since is not None and (other.partner, other.table) == (one.partner, one.table)
            ]
            whole.append(replace(one, rows=pl.concat([one.rows, *mine])) if mine else one)
    return tuple(whole)


@dataclass(frozen=True)
class Held:
    """A row of a partner's that is held out of the version, and why."""

    table: str
    partner: str
    problem: Problem


@dataclass(frozen=True)
class Refusal:
    """A contribution that is left out of the version, and why."""

    partner: str
    reason: Text


def admit(
    dataset: Dataset, contributions: Sequence[Contribution], store: Store
) -> tuple[tuple[Contribution, ...], tuple[Refusal, ...]]:
    """Part `contributions` (in any order) into those that `dataset` may publish, by partner, each bound for the table
    that its licence lets it into, and those refused.

    Raises UnjudgedError where rows and verdict do not belong together: that is no affair of one partner's, and a
    version without their rows would tell reusers that those places are gone.
    """
    admitted: list[Contribution] = []
    refused: list[Refusal] = []
    for contribution in sorted(contributions, key=lambda c: (c.partner, c.verdict.table, c.absent_since or "")):
        check_verdict(dataset, contribution, store)
        found = _by_licence(dataset, _gated_again(dataset, contribution))
        if isinstance(found, Text):
            refusal = Refusal(contribution.partner, found)
            refused += [refusal] if refusal not in refused else []
        else:
            admitted.append(found)
    return tuple(admitted), tuple(refused)


def check_verdict(dataset: Dataset, contribution: Contribution, store: Store) -> None:
    """Raise UnjudgedError unless the verdict speaks of this dataset as it is declared now, and of these very rows.

    The rows are bound to their verdict by the SHA-256 of their Parquet bytes. Another release of the Parquet writer
    gives other bytes for the same rows: then they must be, cell by cell, the ones that `store` keeps under it.
    """
    verdict, rows = contribution.verdict, contribution.rows
    wrong = None
    if verdict.dataset != dataset.name or verdict.partner != contribution.partner:
        wrong = f"speaks of {verdict.dataset}/{verdict.partner}"
    elif verdict.judged_by != dataset.fingerprint:
        wrong = "was given under an older declaration of the dataset"
    elif verdict.table not in {table.name for table in dataset.contributed}:
        wrong = f"speaks of the table {verdict.table!r}, which partners do not feed"
    elif verdict.passed != rows.height:
        wrong = f"lets {verdict.passed} rows through, not {rows.height}"
    elif tuple(rows.columns) != (*dataset.table(verdict.table).fields, LINE):
        wrong = f"speaks of other columns than {', '.join(rows.columns)}"
    elif not _bound(dataset, contribution, store):
        wrong = "was given on other rows"
    if wrong is not None:
        raise UnjudgedError(
            f"{dataset.name}/{contribution.partner}: the verdict on these rows {wrong}.",
            "Judge the source again: glane run.",
        )


def _bound(dataset: Dataset, contribution: Contribution, store: Store) -> bool:
    verdict, rows = contribution.verdict, contribution.rows
    data = parquet_bytes(rows, dataset.table(verdict.table))
    if hashlib.sha256(data).hexdigest() == verdict.rows_sha256:
        return True
    kept = [last_good(store, dataset.name, contribution.partner)]
    kept += [(one.rows, one.verdict) for one in kept_absent(store, dataset.name, contribution.partner)]
    return any(one is not None and one[1] == verdict and one[0].equals(rows) for one in kept)


def _gated_again(dataset: Dataset, contribution: Contribution) -> Contribution:
    """The contribution as today's gate for personal data lets it through: as it is where its rows passed that one.

    A verdict says which gate that was. Another one is met by the rows of a source that is down or paused, or in their
    grace period: then words were learnt, or a decision became stricter, since they were judged.
    """
    table, known = dataset.table(contribution.verdict.table), contribution.verdict.gated_by or ""
    personal = contribution.personal or personal_of(table)
    # Where a declaration cannot be read now, what it said when its rows were judged holds.
    if known == gate_key(personal) or (contribution.personal is None and known.startswith(finders_key())):
        return contribution
    found = gate(table, contribution.rows, personal)
    told = tuple(count for count in found.counts if count.outcome != "publish")
    return replace(contribution, rows=found.rows, withheld=len(found.on_hold), found=told) if told else contribution


def _by_licence(dataset: Dataset, contribution: Contribution) -> Contribution | Text:
    """The contribution, bound for the table that may hold it; or why none may."""
    licence, policy = contribution.licence, dataset.line.licence
    if licence in policy.accept:
        return contribution
    for table in dataset.merged:
        line = table.line
        fits = line.licence is not None and right_into(licence, line.licence).answer != "no"
        if fits and line.apart_from == contribution.verdict.table:
            return replace(contribution, apart=table.name)
    right = right_into(licence, policy.publish)
    name = f"{licence} ({LICENCES[licence].title})" if licence in LICENCES else licence
    if right.answer == "no":
        return Text(
            fr=f"La licence {name} ne permet pas de publier ces lignes sous {policy.publish}. {right.clause.fr} "
            f"({right.source}) Demandez au partenaire une licence compatible ({', '.join(policy.accept)}), ou déclarez "
            "une table à part (apart_from).",
            en=f"The licence {name} does not let these rows be published under {policy.publish}. {right.clause.en} "
            f"({right.source}) Ask the partner for a compatible licence ({', '.join(policy.accept)}), or declare a "
            "table apart (apart_from).",
        )
    return Text(
        fr=f"La licence {name} n'est pas de celles que ce jeu de données accepte ({', '.join(policy.accept)}). "
        "Demandez au partenaire une licence acceptée, ou faites décider la communauté de l'accepter.",
        en=f"The licence {name} is not one that this dataset accepts ({', '.join(policy.accept)}). "
        "Ask the partner for an accepted licence, or have the community decide to accept it.",
    )


def input_of(contribution: Contribution) -> Input:
    """What a version's manifest says of a contribution."""
    verdict = contribution.verdict
    return Input(
        partner=contribution.partner,
        table=contribution.table,
        title=contribution.title,
        organisation=contribution.organisation,
        licence=contribution.licence,
        attribution=contribution.attribution,
        snapshot=verdict.snapshot,
        snapshot_date=contribution.snapshot_date,
        rows_sha256=verdict.rows_sha256,
        judged_by=verdict.judged_by,
        mapped_by=verdict.mapped_by,
        rows_in=verdict.rows_in,
        passed=verdict.passed,
        to_correct=verdict.to_correct,
        on_hold=verdict.on_hold,
        stale_since=contribution.stale_since,
        absent_since=contribution.absent_since,
    )
