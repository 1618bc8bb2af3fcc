"""Whose value stands where several rows are one: the order of rows, and how each field becomes one cell.

Belongs here: the rules of `merge:` on order, owner, unity and wholeness. Does not belong here: which rows are one
(merge.py, matching/) and which id they have (standing.py).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from schemas.dataset import Table
from schemas.merging import Choice

SEPARATOR = "|"
"""Between the values of a cell that holds several, and between the parts of a composite key in provenance."""

OWNS, TRUST, PARTNER = "_owns", "_trust", "_partner"
_UNITED = {"partner", "partner_title", "attribution", "licence"}
_LIGATURES = {"œ": "oe", "æ": "ae", "ß": "ss"}


def fold(column: pl.Expr) -> pl.Expr:
    """Text without case, accents, punctuation and spaces, for comparing only; null where nothing is left."""
    folded = column.str.normalize("NFKD").str.to_lowercase()
    folded = folded.str.replace_many(list(_LIGATURES), list(_LIGATURES.values()))
    folded = folded.str.replace_all(r"[^\p{L}\p{N}]", "")
    return pl.when(folded != "").then(folded)


def precedence(table: Table, choices: Sequence[Choice], field: str | None = None) -> tuple[list[pl.Expr], list[bool]]:
    """What rows (fields, OWNS, TRUST, PARTNER) are sorted by, and which of it downwards: the first row stands. `field`
    is the one whose value is chosen; without it `complete` counts a row's filled fields."""
    keys: list[tuple[pl.Expr, bool]] = []
    for choice in choices:
        if choice == "owner":
            keys.append((pl.col(OWNS), True))
        elif choice == "newest":
            keys += _newest(table)
        elif choice == "trust":
            keys.append((pl.col(TRUST), False))
        elif field is not None:
            keys.append((pl.col(field).str.len_chars(), True))
        else:
            keys.append((pl.sum_horizontal(pl.col(name).is_not_null() for name in table.fields), True))
    return [key for key, _ in keys], [down for _, down in keys]


def _newest(table: Table) -> list[tuple[pl.Expr, bool]]:
    rule, origin = table.line.merge, table.line.origin
    # A date that Glane filled is the day of our reading and no claim of the partner's: it wins over none.
    filled = [] if origin is None else [(pl.col(origin.field).eq_missing(pl.lit(origin.provided)), False)]
    return filled + ([(pl.col(rule.newest), True)] if rule.newest else [])


def owned(rows: pl.DataFrame, field: str, group: str, organisations: Mapping[str, Sequence[str]]) -> pl.Series:
    """Whether each row is of the partner that runs the place: any row of its `group` names it in `field`.
    `organisations` are the names that each partner goes by."""
    names = pl.DataFrame(
        [(partner, name) for partner, known in organisations.items() for name in known],
        schema={PARTNER: pl.String, "_name": pl.String},
        orient="row",
    ).select(PARTNER, fold(pl.col("_name")).alias("_name"))
    said = rows.select(group, fold(pl.col(field)).alias("_name")).drop_nulls().unique()
    owners = said.join(names, on="_name").select(group, PARTNER, pl.lit(value=True).alias(OWNS)).unique()
    marked = rows.select(group, PARTNER).join(owners, on=[group, PARTNER], how="left", maintain_order="left")
    return marked[OWNS].fill_null(value=False)


def survivors(table: Table) -> list[pl.Expr]:
    """How each field of a group, whose rows come in their order, becomes one cell."""
    rule, point = table.line.merge, table.line.geometry
    united = {name for name, kind in table.line.provided.items() if kind in _UNITED} | set(rule.unite)
    placed = None if point is None else (pl.col(point.latitude).is_not_null() & pl.col(point.longitude).is_not_null())
    cells = []
    for name in table.fields:
        value = pl.col(name)
        if name in rule.fields:
            keys, down = precedence(table, rule.fields[name], name)
            value = value.sort_by(keys, descending=down, nulls_last=True, maintain_order=True)
        filled = value.drop_nulls()
        if name in table.primary_key:
            cell = pl.col(name).first()
        elif name in united:
            parts = filled.str.split(SEPARATOR).explode(empty_as_null=True, keep_nulls=True).unique().sort()
            cell = pl.when(filled.len() > 0).then(parts.str.join(SEPARATOR))
        elif placed is not None and point is not None and name in (point.latitude, point.longitude):
            cell = pl.coalesce(pl.col(name).filter(placed).first(), filled.first())
        else:
            cell = filled.first()
        cells.append(cell.alias(name))
    return cells
