"""Which values of a partner's rows other partners gave, once rows that are the same thing became one.

Belongs here: holding a partner's row against the published one it went into. Does not belong here: merging (merge.py),
nor how an answer tells of it (schemas/report_values.py).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

import polars as pl

from publish.contribution import Contribution
from publish.decisions import Decision
from publish.merge import Merged, key_of
from schemas.dataset import Table
from schemas.judgement import LINE
from schemas.report_values import Others

_Row = dict[str, str | None]
_CREDITS = {"partner", "partner_title", "attribution", "licence"}


def values_of_others(
    table: Table, contributions: Sequence[Contribution], merged: Merged, decisions: Sequence[Decision] = ()
) -> tuple[dict[str, list[Others]], dict[str, int]]:
    """For each partner the published values that are not its own but other partners' or a steward's, by id and in the
    order of the fields; and how many of its rows are one with rows of others. `contributions` are those that were
    merged, `decisions` those that were applied.

    Credits are the union of all partners' by design, and are told as such elsewhere.
    """
    corrections = {
        (merged.aliases.get(one.id, one.id), one.field): one
        for one in decisions
        if (one.kind, one.table) == ("correction", table.name)
    }
    corrected = {head for head, _ in corrections}
    brought = _brought(table, contributions, merged, corrected)
    shared = {head for head, rows in brought.items() if len({partner for partner, _, _ in rows}) > 1}
    touched = {head: rows for head, rows in brought.items() if head in shared | corrected}
    told: dict[str, list[Others]] = defaultdict(list)
    counts: Counter[str] = Counter()
    if not touched:
        return {}, {}
    fields = [name for name in table.published_fields if table.line.provided.get(name) not in _CREDITS]
    names = {one.partner: one.organisation for one in contributions}
    published = merged.rows.with_columns(key_of(table).alias("_head")).filter(pl.col("_head").is_in(sorted(touched)))
    for row in published.sort("_head").iter_rows(named=True):
        group = touched[row["_head"]]
        for partner, line, own in group:
            counts[partner] += row["_head"] in shared
            others = [(names[other], cells) for other, _, cells in group if other != partner]
            told[partner] += [
                _value(row, line, field, own, others, corrections.get((row["_head"], field)))
                for field in fields
                if row[field] != own[field] and (field not in table.primary_key or len(table.primary_key) == 1)
            ]
    return dict(told), dict(counts)


def _brought(
    table: Table, contributions: Sequence[Contribution], merged: Merged, corrected: Set[str]
) -> Mapping[str, list[tuple[str, int, _Row]]]:
    """The rows of each published one that has several, or was corrected, by its key: partner, line, cells."""
    aliases = merged.aliases
    found: dict[str, list[tuple[str, int, _Row]]] = defaultdict(list)
    standing = Counter(merged.provenance["id"].to_list())
    several = corrected | {head for head, count in standing.items() if count > 1}
    for one in contributions:
        rows = one.rows.with_columns(key_of(table).alias("_own"))
        heads = rows["_own"].replace_strict(list(aliases), list(aliases.values()), default=rows["_own"])
        mine = rows.with_columns(heads.alias("_head")).filter(pl.col("_head").is_in(sorted(several)))
        for row in mine.iter_rows(named=True):
            found[row["_head"]].append((one.partner, row[LINE], {name: row[name] for name in table.fields}))
    return found


def _value(
    row: _Row, line: int, field: str, own: _Row, others: Sequence[tuple[str, _Row]], decision: Decision | None
) -> Others:
    if decision is not None:
        return Others(
            id=str(row["_head"]),
            line=line,
            field=field,
            theirs=own[field],
            published=row[field],
            by=(decision.by,),
            why="decided",
            on=decision.on.isoformat(),
            reason=decision.why,
        )
    giving = sorted({name for name, cells in others if cells[field] == row[field]})
    return Others(
        id=str(row["_head"]),
        line=line,
        field=field,
        theirs=own[field],
        published=row[field],
        by=tuple(giving),
        why="filled" if own[field] is None else "preferred",
    )
