"""What the merge made of the rows that are one, worked out again over these rows alone, and why each value stood.

Belongs here: putting the rows of one group together as merge.py does, and saying of each field in which order they
were asked and what decided; what stewards and derived tables did to the cell then. Does not belong here: why the rows
are one (ties.py), the rules themselves (survival.py, standing.py, deciding.py).
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from publish.contribution import Contribution
from publish.deciding import corrections_of
from publish.decisions import Decision, Decisions
from publish.matching.engine import Decided
from publish.merge import in_order, key_of, merge
from publish.references import followed
from publish.survival import PARTNER, precedence
from publish.tracing.found import Row
from schemas.dataset import Dataset, Table
from schemas.judgement import LINE
from schemas.merging import Choice
from schemas.terms import apply_terms
from schemas.tracing import Cells, Step, cells_of, frame_of

How = Literal["only", "first", "united", "point", "id"]
By = Choice | Literal["partner"]


@dataclass(frozen=True)
class Candidate:
    """What one partner's row says of a field (`cell`), and whether that stood; of one that did not, what decided
    against it (`by`)."""

    partner: str
    own: str
    cell: str | None
    stood: bool
    by: By | None = None


@dataclass(frozen=True)
class Chosen:
    """How a field of several rows became one cell: the candidates in the order in which they were asked, what that
    order goes by, and what came of it."""

    how: How
    order: tuple[Choice, ...]
    candidates: tuple[Candidate, ...]
    cell: str | None


def merged_again(
    table: Table,
    row: Row,
    contributions: Sequence[Contribution],
    aliases: Mapping[str, Mapping[str, str]],
) -> tuple[Cells, dict[str, Chosen]]:
    """The cells that merging the rows of `contributions`, which are those of one published `row`, gives; and how each
    field came to its value. `aliases` are those of the whole version."""
    brought = [replace(one, rows=followed(table, one.rows, aliases)) for one in contributions]
    ids = [str(own) for one in brought for own in one.rows.select(key_of(table).alias("own"))["own"]]
    bare = replace(table, line=table.line.model_copy(update={"merge": _without_likeness(table)}))
    same = Decided(same=frozenset((ids[0], other) for other in ids[1:] if other != ids[0]))
    merged = merge(bare, brought, dict.fromkeys(ids, row.id), same)
    cells = cells_of(table, followed(table, merged.rows.head(1), {table.name: aliases.get(table.name, {})}))
    ordered = in_order(table, brought).with_columns(key_of(table).alias("_own"))
    return cells, {name: _chosen(table, ordered, name, cells[name]) for name in table.fields}


def corrected(
    table: Table, row: Row, name: str, cell: str | None, decisions: Decisions, day: datetime.date
) -> tuple[str | None, list[Decision]]:
    """A merged cell after what stewards decided of it that held on `day`, and those decisions."""
    ids = {row.id, *(line.own for line in row.lines)}
    said = [one for one in decisions.standing(table.name, "correction", day) if one.id in ids and one.field == name]
    applied = corrections_of(cell or "", said)
    return (applied[-1].value or None if applied else cell), applied


def derived_again(dataset: Dataset, table: Table, cells: Cells) -> Cells:
    """The row of a derived table that the row `cells` of its base gives."""
    row = frame_of(table, {name: cells.get(name) for name in table.fields}, 1)
    return cells_of(table, apply_terms(table, row)[0])


def changed(what: str, before: str | None, after: str | None) -> list[Step]:
    """The step from one cell to another; none where they say the same."""
    return [] if before == after else [Step(what, before, after)]


def _without_likeness(table: Table) -> object:
    return table.line.merge.model_copy(update={"likeness": None, "same": []})


def _chosen(table: Table, ordered: pl.DataFrame, name: str, cell: str | None) -> Chosen:
    rule, point = table.line.merge, table.line.geometry
    order, field = (rule.fields[name], name) if name in rule.fields else (rule.order, None)
    rows = ordered
    if field is not None:
        keys, down = precedence(table, order, name)
        rows = ordered.sort(*keys, descending=down, nulls_last=True, maintain_order=True)
    how: How = "first" if ordered.height > 1 else "only"
    first = rows.filter(pl.col(name).is_not_null()).head(1)
    if ordered.height > 1 and name in table.primary_key:
        how, first = "id", rows.filter(pl.col(name) == cell).head(1)
    elif ordered.height > 1 and _is_united(table, name):
        how = "united"
    elif ordered.height > 1 and point is not None and name in (point.latitude, point.longitude):
        placed = rows.filter(pl.col(point.latitude).is_not_null() & pl.col(point.longitude).is_not_null())
        how, first = "point", placed.head(1) if placed.height else first
    stood = set(zip(first["_own"], first[LINE], strict=True))
    candidates = [
        Candidate(
            partner=row[PARTNER],
            own=row["_own"],
            cell=row[name],
            stood=row[name] is not None if how == "united" else (row["_own"], row[LINE]) in stood,
            by=None if not first.height or how == "united" else _by(table, order, field, first, rows[number]),
        )
        for number, row in enumerate(rows.iter_rows(named=True))
    ]
    return Chosen(how, tuple(order), tuple(candidates), cell)


def _is_united(table: Table, name: str) -> bool:
    return name in table.line.merge.unite or table.line.provided.get(name) in (
        *("partner", "partner_title", "attribution", "licence"),
    )


def _by(
    table: Table, order: Sequence[Choice], field: str | None, stood: pl.DataFrame, other: pl.DataFrame
) -> By | None:
    """What decided between the row that stood and another; None for itself."""
    if stood.select("_own", LINE, PARTNER).equals(other.select("_own", LINE, PARTNER)):
        return None
    for choice in order:
        keys, _ = precedence(table, [choice], field)
        if keys and not stood.select(pl.struct(keys).alias("k")).equals(other.select(pl.struct(keys).alias("k"))):
            return choice
    return "partner"
