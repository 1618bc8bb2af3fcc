"""What a partner brings to a version, and the gates that it passes before anything is merged.

Belongs here: the Contribution, the licence gate, and the check that rows are the very rows that were judged
(design, 3: whoever publishes checks the verdict again). Does not belong here: judging (schemas/) or merging
(merge.py).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from glane.errors import DataError
from glane.store import Store
from glane.text import Text
from schemas.dataset import Dataset
from schemas.judgement import LINE, Verdict
from schemas.licences import LICENCES
from schemas.rows import last_good, parquet_bytes


class UnjudgedError(DataError):
    """Rows that no verdict lets through: nothing is published with them, the last version stands."""


@dataclass(frozen=True)
class Contribution:
    """One partner's last good rows of one table (fields + `_line`), the verdict on them, and whom to credit.

    `snapshot_date` is the ISO day on which the partner's bytes were first received; `stale_since` the ISO day since
    which newer ones could not be read, None when the last read was good.
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


@dataclass(frozen=True)
class Refusal:
    """A contribution that is left out of the version, and why."""

    partner: str
    reason: Text


def admit(
    dataset: Dataset, contributions: Sequence[Contribution], store: Store
) -> tuple[tuple[Contribution, ...], tuple[Refusal, ...]]:
    """Part `contributions` (in any order) into those that `dataset` may publish, by partner, and those refused.

    Raises UnjudgedError where rows and verdict do not belong together: that is no affair of one partner's, and a
    version without their rows would tell reusers that those places are gone.
    """
    admitted: list[Contribution] = []
    refused: list[Refusal] = []
    for contribution in sorted(contributions, key=lambda c: (c.partner, c.verdict.table)):
        check_verdict(dataset, contribution, store)
        reason = _licence_refusal(dataset, contribution)
        if reason is None:
            admitted.append(contribution)
        else:
            refused.append(Refusal(contribution.partner, reason))
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
    kept = last_good(store, dataset.name, contribution.partner)
    return kept is not None and kept[1] == verdict and kept[0].equals(rows)


def _licence_refusal(dataset: Dataset, contribution: Contribution) -> Text | None:
    accepted = dataset.line.licence.accept
    if contribution.licence in accepted:
        return None
    known = LICENCES.get(contribution.licence)
    name = f"{contribution.licence} ({known.title})" if known else contribution.licence
    return Text(
        fr=f"La licence {name} n'est pas de celles que ce jeu de données accepte ({', '.join(accepted)}). "
        "Demandez au partenaire une licence acceptée, ou faites décider la communauté de l'accepter.",
        en=f"The licence {name} is not one that this dataset accepts ({', '.join(accepted)}). "
        "Ask the partner for an accepted licence, or have the community decide to accept it.",
    )
