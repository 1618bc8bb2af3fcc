"""The quality report of a version: where every row of every partner went, and what was expected and observed.

Belongs here: counting, holding the law that no row vanishes, and the shape of quality.json. Does not belong here:
judging rows and tables (schemas/), holding a version back (holding.py) or merging rows (merge.py).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from pydantic import ValidationError

from publish.contribution import Contribution, Held
from publish.deciding import Applied
from publish.matching.engine import Matched
from publish.merge import Merged
from schemas.expectations.outcome import Outcome
from schemas.judgement import AccountingError

QUALITY = "quality.json"


@dataclass(frozen=True)
class Account:
    """One partner's rows of one table: rows_in = to_correct + on_hold + published + merged + held, always."""

    partner: str
    table: str
    rows_in: int
    to_correct: int
    on_hold: int
    published: int
    merged: int
    held: int


@dataclass(frozen=True)
class Accounts:
    """All partners' accounts, the rows of each contributed table, and what derived tables left out."""

    partners: tuple[Account, ...]
    rows: Mapping[str, int]
    left_out: Mapping[str, int]


def quality_report(
    accounts: Accounts, expectations: Sequence[Outcome], applied: Applied | None = None
) -> dict[str, Any]:
    """What quality.json holds; nothing of it names a row or says what is in one."""
    likenesses = {
        name: _likeness(part.matched)
        for name, part in (applied.merged if applied else {}).items()
        if part.matched is not None
    }
    return {
        "rows": dict(accounts.rows),
        "left_out": dict(accounts.left_out),
        "partners": [asdict(line) for line in accounts.partners],
        "expectations": [outcome.model_dump(mode="json") for outcome in expectations],
        **({"likeness": likenesses} if likenesses else {}),
        **({"decisions": _decisions(applied)} if applied and (applied.applied or applied.questions) else {}),
    }


def _decisions(applied: Applied) -> dict[str, Any]:
    """How many decisions of each kind hold, and what waits for a steward, by its line in the file."""
    waiting = [{"line": one.decision.line, "kind": one.decision.kind, "why": one.why} for one in applied.questions]
    return {"applied": dict(sorted(Counter(one.kind for one in applied.applied).items())), "waiting": waiting}


def _likeness(matched: Matched) -> dict[str, Any]:
    """Of the rows that are alike: how many pairs wait for a person, for each two partners; which partner gives one id
    to many rows, and which two say the same word for word."""
    waiting = matched.questions.group_by("partner_a", "partner_b").len("pairs").sort("partner_a", "partner_b")
    return {
        "waiting": waiting.to_dicts(),
        "repeated_ids": [{"partner": one.partner, "rows": one.rows} for one in matched.repeated],
        "copies": [{"partners": list(one.partners), "rows": one.rows} for one in matched.copied],
    }


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
    for contribution in contributions:
        verdict, part = contribution.verdict, merged[contribution.table]
        mine = part.provenance.filter(pl.col("partner") == contribution.partner)
        lines.append(
            Account(
                partner=contribution.partner,
                table=contribution.table,
                rows_in=verdict.rows_in,
                to_correct=verdict.to_correct,
                on_hold=verdict.on_hold,
                published=mine.filter(pl.col("stands")).height,
                merged=mine.filter(~pl.col("stands")).height,
                held=sum(1 for row in held if (row.partner, row.table) == (contribution.partner, contribution.table)),
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
    return Accounts(tuple(lines), {name: part.rows.height for name, part in merged.items()}, dict(left_out))


def _hold_law(line: Account) -> None:
    out = line.to_correct + line.on_hold + line.published + line.merged + line.held
    if line.rows_in != out:
        raise AccountingError(
            f"{line.partner}/{line.table}: {line.rows_in} rows came in, {out} are accounted for.",
            "Do not publish: report this to Glane's developers.",
        )
