"""The quality of a version: measured (making.py), as a value (report.py, quality.json) and as pages (page.py).

Belongs here: the accounts: where every row of every partner went, and the law that none vanishes. Does not belong here:
judging rows and tables (schemas/), holding a version back (holding.py) or merging rows (merge.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from pydantic import ValidationError

from publish.contribution import Contribution, Held
from publish.merge import Merged
from schemas.expectations.outcome import Outcome
from schemas.judgement import AccountingError
from schemas.personal.decisions import PersonalCount

QUALITY = "quality.json"


@dataclass(frozen=True)
class Account:
    """One partner's rows of one table: rows_in + absent = to_correct + on_hold + published + merged + held, always.

    `absent` counts the rows that are no longer in the partner's file and in their grace period.
    """

    partner: str
    table: str
    rows_in: int
    to_correct: int
    on_hold: int
    published: int
    merged: int
    held: int
    absent: int = 0


@dataclass(frozen=True)
class Accounts:
    """All partners' accounts, the rows of each contributed table, and what derived tables left out.

    `personal` counts, for each partner and table, what the gate for personal data found at the last moment and did not
    let through.
    """

    partners: tuple[Account, ...]
    rows: Mapping[str, int]
    left_out: Mapping[str, int]
    personal: tuple[tuple[str, str, PersonalCount], ...] = ()


def kept_expectations(data: bytes) -> tuple[Outcome, ...]:
    """The expectations of a quality.json; none where another version of Glane wrote them, or wrote none."""
    try:
        return tuple(Outcome.model_validate(line) for line in json.loads(data).get("expectations", ()))
    except ValidationError:
        return ()


def account(
    contributions: Sequence[Contribution],
    merged: Mapping[str, Merged],
    held: Sequence[Held],
    left_out: Mapping[str, int],
) -> Accounts:
    """Count where every row went. Raises AccountingError if a row vanished or came out of nothing."""
    lines = []
    of_older = [one for one in contributions if one.absent_since is not None]
    for contribution in contributions:
        if contribution.absent_since is not None:
            continue
        whose = (contribution.partner, contribution.table)
        absent = [one for one in of_older if (one.partner, one.table) == whose]
        verdict, part = contribution.verdict, merged[contribution.table]
        mine = part.provenance.filter(pl.col("partner") == contribution.partner)
        lines.append(
            Account(
                partner=contribution.partner,
                table=contribution.table,
                rows_in=verdict.rows_in,
                to_correct=verdict.to_correct,
                on_hold=verdict.on_hold + sum(one.withheld for one in (contribution, *absent)),
                published=mine.filter(pl.col("stands")).height,
                merged=mine.filter(~pl.col("stands")).height,
                held=sum(1 for row in held if (row.partner, row.table) == whose),
                absent=sum(one.verdict.passed for one in absent),
            )
        )
    for line in lines:
        _hold_law(line)
    for name, part in merged.items():
        published = sum(line.published for line in lines if line.table == name)
        if published != part.rows.height:
            raise AccountingError(
                f"{name}: partners account for {published} rows, the table has {part.rows.height}.",
                "Do not publish: report this to Glane's developers.",
            )
    return Accounts(
        tuple(lines),
        {name: part.rows.height for name, part in merged.items()},
        dict(left_out),
        tuple((one.partner, one.table, count) for one in contributions for count in one.found),
    )


def _hold_law(line: Account) -> None:
    out = line.to_correct + line.on_hold + line.published + line.merged + line.held
    if line.rows_in + line.absent != out:
        came = f"{line.rows_in} rows came in and {line.absent} are absent"
        raise AccountingError(
            f"{line.partner}/{line.table}: {came}, {out} are accounted for.",
            "Do not publish: report this to Glane's developers.",
        )
