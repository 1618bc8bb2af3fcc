"""Rows of several partners that are the same thing become one row; nothing that only one of them says is lost.

Belongs here: which rows are the same, whose value stands, and where every published row comes from. Does not belong
here: whether rows may be published (contribution.py), references between tables (references.py), files.

The outcome does not depend on the order of the contributions. The rules stand in dataset.yaml (`merge:`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from glane.errors import DataError
from publish.contribution import Contribution
from schemas.dataset import Table
from schemas.judgement import LINE

SEPARATOR = "|"
"""Between the values of a cell that holds several, and between the parts of a composite key in provenance."""

_PARTNER, _SNAPSHOT, _ID, _RANK, _GROUP = "_partner", "_snapshot", "_id", "_rank", "_group"
_UNITED = {"partner", "partner_title", "attribution", "licence"}
_LIGATURES = {"œ": "oe", "æ": "ae", "ß": "ss"}


class KeyMissingError(DataError):
    """A row without a filled primary key: it could be neither found again nor withdrawn."""


@dataclass(frozen=True)
class Merged:
    """One table after merging.

    `rows` has the table's fields in order, sorted by primary key. `provenance` has one line for each row that came
    in: table, id (of the published row), partner, line, snapshot, and whether it `stands` (its id is the published
    one; the others of its group went into it). `aliases` maps the id of a row that went into another to the id that
    stands.
    """

    table: str
    rows: pl.DataFrame
    provenance: pl.DataFrame
    aliases: Mapping[str, str]

    @property
    def merged(self) -> dict[str, int]:
        """For each partner, how many of its rows went into another row."""
        return dict(sorted(self.provenance.filter(~pl.col("stands")).group_by("partner").len().iter_rows()))


def merge(table: Table, contributions: Sequence[Contribution]) -> Merged:
    """Merge the contributions to one `table` (each: its fields + `_line`).

    Two rows are the same when their primary keys are equal, or all fields of one key of `merge.same` are filled and
    equal once folded; sameness carries over (a = b and b = c make one row). Within such a group the newest row by
    `merge.newest` stands, those whose date we filled ourselves last; ties go to `merge.trust`, then to the partner's
    name. It gives the id, and each field takes the first filled cell in that order. A point is taken whole, never a
    latitude here and a longitude there. What says whom to credit (partner, attribution, licence) is the sorted union.
    Raises KeyMissingError.
    """
    rows = _in_precedence(table, contributions)
    grouped = rows.with_columns(pl.Series(_GROUP, _groups(table, rows), dtype=pl.Int64))
    heads = grouped.filter(pl.col(_GROUP) == pl.col(_RANK)).select(_GROUP, pl.col(_ID).alias("_head"))
    traced = grouped.select(_GROUP, _RANK, _ID, _PARTNER, LINE, _SNAPSHOT).join(heads, on=_GROUP)
    absorbed = traced.filter(pl.col(_GROUP) != pl.col(_RANK))
    single = pl.len().over(_GROUP) == 1
    alone = grouped.filter(single).select(table.fields)
    united = grouped.filter(~single).group_by(_GROUP, maintain_order=True).agg(*_survivors(table)).select(table.fields)
    return Merged(
        table=table.name,
        rows=pl.concat([alone, united]).sort(*table.primary_key),
        provenance=_provenance(table.name, traced),
        aliases={own: head for own, head in absorbed.select(_ID, "_head").iter_rows() if own != head},
    )


def key_of(table: Table) -> pl.Expr:
    """The primary key of a row as one text, as provenance and problems write it."""
    return pl.concat_str([pl.col(name) for name in table.primary_key], separator=SEPARATOR)


def fold(column: pl.Expr) -> pl.Expr:
    """Text without case, accents, punctuation and spaces, for comparing only; null where nothing is left."""
    folded = column.str.normalize("NFKD").str.to_lowercase()
    folded = folded.str.replace_many(list(_LIGATURES), list(_LIGATURES.values()))
    folded = folded.str.replace_all(r"[^\p{L}\p{N}]", "")
    return pl.when(folded != "").then(folded)


def _in_precedence(table: Table, contributions: Sequence[Contribution]) -> pl.DataFrame:
    rule, empty = table.line.merge, dict.fromkeys(table.fields, pl.String)
    frames = [
        contribution.rows.select(*table.fields, LINE).with_columns(
            pl.lit(contribution.partner).alias(_PARTNER),
            pl.lit(contribution.verdict.snapshot).alias(_SNAPSHOT),
            pl.lit(_trust(rule.trust, contribution.partner)).alias("_trust"),
        )
        for contribution in contributions
    ]
    nothing = pl.DataFrame(
        schema={**empty, LINE: pl.Int64, _PARTNER: pl.String, _SNAPSHOT: pl.String, "_trust": pl.Int32}
    )
    rows = pl.concat([nothing, *frames]).with_columns(key_of(table).alias(_ID))
    missing = rows.filter(pl.col(_ID).is_null())
    if missing.height:
        partner, line = missing.select(_PARTNER, LINE).row(0)
        raise KeyMissingError(
            f"{table.name}: {missing.height} rows have no {' + '.join(table.primary_key)}, the first on line {line} "
            f"of {partner}.",
            "Say in source.yaml (id:) where the id comes from, and make the key required in the Table Schema.",
        )
    # A date that Glane filled is the day of our reading and no claim of the partner's: it wins over none.
    origin = table.line.origin
    filled = [] if origin is None else [pl.col(origin.field).eq_missing(pl.lit(origin.provided))]
    newest = [rule.newest] if rule.newest else []
    rest = ["_trust", _PARTNER, _ID, LINE]
    descending = [True] * len(newest) + [False] * len(rest)
    # The remaining fields last, so that even two rows of one line and one id have one order.
    others = [name for name in table.fields if name not in newest]
    ordered = rows.sort(
        *filled,
        *newest,
        *rest,
        *others,
        descending=[False] * len(filled) + descending + [False] * len(others),
        nulls_last=True,
        maintain_order=False,
    )
    return ordered.with_row_index(_RANK).with_columns(pl.col(_RANK).cast(pl.Int64))


def _trust(trusted: Sequence[str], partner: str) -> int:
    return trusted.index(partner) if partner in trusted else len(trusted)


def _groups(table: Table, rows: pl.DataFrame) -> list[int]:
    """For each row (in order of rank) the lowest rank of the rows that are the same as it."""
    parent = list(range(rows.height))

    def root(rank: int) -> int:
        while parent[rank] != rank:
            parent[rank] = parent[parent[rank]]
            rank = parent[rank]
        return rank

    for first, other in _pairs(table, rows):
        low, high = sorted((root(first), root(other)))
        parent[high] = low
    return [root(rank) for rank in range(rows.height)]


def _pairs(table: Table, rows: pl.DataFrame) -> Iterable[tuple[int, int]]:
    keys = [[pl.col(name) for name in table.primary_key]]
    keys += [[fold(pl.col(name)) for name in same] for same in table.line.merge.same]
    for key in keys:
        parts = [part.alias(f"_{number}") for number, part in enumerate(key)]
        names = [f"_{number}" for number in range(len(parts))]
        keyed = rows.select(_RANK, *parts).drop_nulls(names)
        pairs = keyed.select(_RANK, pl.col(_RANK).min().over(names).alias("_first"))
        yield from pairs.filter(pl.col(_RANK) != pl.col("_first")).select("_first", _RANK).iter_rows()


def _survivors(table: Table) -> list[pl.Expr]:
    """How each field of a group (rows in order of precedence) becomes one cell."""
    united = {name for name, kind in table.line.provided.items() if kind in _UNITED}
    point = table.line.geometry
    placed = None if point is None else (pl.col(point.latitude).is_not_null() & pl.col(point.longitude).is_not_null())
    cells = []
    for name in table.fields:
        filled = pl.col(name).drop_nulls()
        if name in table.primary_key:
            cell = pl.col(name).first()
        elif name in united:
            parts = filled.str.split(SEPARATOR).explode().unique().sort()
            cell = pl.when(filled.len() > 0).then(parts.str.join(SEPARATOR))
        elif placed is not None and point is not None and name in (point.latitude, point.longitude):
            cell = pl.coalesce(pl.col(name).filter(placed).first(), filled.first())
        else:
            cell = filled.first()
        cells.append(cell.alias(name))
    return cells


def _provenance(table: str, traced: pl.DataFrame) -> pl.DataFrame:
    return traced.select(
        pl.lit(table, dtype=pl.String).alias("table"),
        pl.col("_head").alias("id"),
        pl.col(_PARTNER).alias("partner"),
        pl.col(LINE).alias("line"),
        pl.col(_SNAPSHOT).alias("snapshot"),
        (pl.col(_GROUP) == pl.col(_RANK)).alias("stands"),
    ).sort("id", "partner", "line", "snapshot", "stands")
