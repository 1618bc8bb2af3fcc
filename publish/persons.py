"""The gate for personal data once more, on what merging and decisions by hand write: nothing undecided leaves.

Belongs here: looking at those texts, and what a steward is told. Does not belong here: the gate itself
(schemas/personal/), rows that passed an older gate (contribution.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from glane.declaration import DeclarationError, Fault
from glane.errors import DataError
from glane.text import Text
from publish.contribution import Contribution
from publish.deciding import Applied, Question, in_words
from publish.decisions import Decision, Decisions
from publish.merge import Merged, key_of
from publish.survival import SEPARATOR
from schemas.dataset import Dataset, Table
from schemas.personal.finding import Kind
from schemas.personal.gate import Personal, coverer, looked_at, personal_of
from schemas.personal.search import search_text

_UNDECIDED = ("hold-field", "hold-rows")


class UndecidedError(DataError):
    """Something of persons would be published that nobody decided about: no version is made, the last one stands."""


def question_in_words(dataset: Dataset, question: Question) -> Text:
    """What a steward is told of a decision that has become a question; the partner's own value now is published."""
    return in_words(replace(question, decision=covered(dataset, question.decision)))


def undecided_in(contributions: Sequence[Contribution]) -> tuple[str, ...]:
    """What a steward is told of personal data that is held back, contribution by contribution. It quotes nothing."""
    return tuple(_held_back(one) for one in contributions if any(c.outcome in _UNDECIDED for c in one.found))


def _held_back(contribution: Contribution) -> str:
    held = [count for count in contribution.found if count.outcome in _UNDECIDED]
    told = ", ".join(f"{one.kind} in {one.field}, cells: {one.cells}" for one in held)
    fields = sorted({one.field for one in held if one.outcome == "hold-field"})
    what = [f"the field {name} is held back" for name in fields]
    if contribution.withheld:
        what.append(f"rows on hold: {contribution.withheld}")
    return (
        f"{contribution.partner}: personal data that nobody decided about was found in rows that were judged before "
        f"({told}): {', '.join(what)}. Decide under 'personal:' in source.yaml, or in dataset.yaml for all partners."
    )


def covered(dataset: Dataset, decision: Decision) -> Decision:
    """A decision as it may be told to everybody: what it saw and wrote, and why, without anything of persons that the
    dataset does not publish in that field."""
    table = dataset.table(decision.table)
    cover = coverer(table, personal_of(table))
    seen, value = (cover(text, decision.field or None) for text in (decision.seen, decision.value))
    return replace(decision, seen=seen, value=value, why=cover(decision.why, None))


def check_persons(
    dataset: Dataset, contributions: Sequence[Contribution], applied: Applied, decisions: Decisions
) -> None:
    """Look at every published text that no partner brought as it stands: what was corrected by hand, what merging made.

    Raises DeclarationError with the line of each correction that would publish what nobody decided to publish, and
    UndecidedError for anything else of that kind. Neither quotes it.
    """
    faults: list[Fault] = []
    for table in dataset.merged:
        mine = [one for one in contributions if one.table == table.name]
        part = applied.merged[table.name]
        corrections = _corrections(table, part, applied.applied)
        personal = {one.partner: one.personal or personal_of(table) for one in mine}
        for (identifier, field), lines in corrections.items():
            kinds = _unpublishable(table, part, identifier, field, personal)
            faults += [_fault(dataset, field, kind, lines[-1].line) for kind in kinds]
        for field in looked_at(table):
            said = {identifier for identifier, name in corrections if name == field}
            for identifier in _made(table, part, field, mine, but=said):
                if kinds := _unpublishable(table, part, identifier, field, personal):
                    raise UndecidedError(
                        f"{dataset.name}: {field} of {identifier} in {table.name} holds personal data ({kinds[0]}) "
                        "that nobody decided about, once rows were merged.",
                        f"Decide under 'personal:' in schemas/{dataset.name}/dataset.yaml, with the reason.",
                    )
    if faults:
        raise DeclarationError(decisions.path, sorted(faults, key=lambda fault: fault.line))


def _corrections(table: Table, part: Merged, applied: Sequence[Decision]) -> dict[tuple[str, str], list[Decision]]:
    looked = set(looked_at(table))
    found: dict[tuple[str, str], list[Decision]] = {}
    for one in applied:
        if (one.kind, one.table) == ("correction", table.name) and one.field in looked:
            found.setdefault((part.aliases.get(one.id, one.id), one.field), []).append(one)
    return found


def _made(table: Table, part: Merged, field: str, mine: Sequence[Contribution], *, but: set[str]) -> Iterator[str]:
    """The rows whose `field` says what no partner's row does, as a whole or part by part, and something of persons."""
    brought = pl.concat([pl.Series([], dtype=pl.String), *(one.rows[field] for one in mine)]).drop_nulls().unique()
    rows = part.rows.select(key_of(table).alias("_id"), field).drop_nulls(field)
    made = rows.filter(~pl.col(field).is_in(brought.implode()) & ~pl.col("_id").is_in(sorted(but)))
    if not made.height:
        return
    parts = set(brought.str.split(SEPARATOR).explode().to_list())
    for identifier, text in made.iter_rows():
        if not parts.issuperset(text.split(SEPARATOR)):
            yield identifier


def _unpublishable(
    table: Table, part: Merged, identifier: str, field: str, personal: Mapping[str, Personal]
) -> list[Kind]:
    """The kinds of personal data in a cell that none of the row's sources, nor the dataset, decided to publish."""
    cells = part.rows.filter(key_of(table) == identifier)[field]
    text = cells[0] if cells.len() else None
    if text is None:
        return []
    partners = part.provenance.filter(pl.col("id") == identifier)["partner"].unique().sort()
    deciding = [personal[partner] for partner in partners if partner in personal] or [personal_of(table)]
    found: dict[Kind, None] = {}
    for one in deciding:
        found |= dict.fromkeys(finding.kind for finding in search_text(text, one.context(field)))
    return [kind for kind in found if all(one.outcome(table, field, kind)[0] != "publish" for one in deciding)]


def _fault(dataset: Dataset, field: str, kind: Kind, line: int) -> Fault:
    what = f"The value for {field} is personal data ({kind}), and nobody decided that it is published."
    remedy = (
        "Write a role's or the organisation's own, or nothing; or decide under 'personal:' in "
        f"schemas/{dataset.name}/dataset.yaml, with the reason."
    )
    return Fault(line, "value", what, remedy)
