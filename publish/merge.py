"""Rows of several partners that are the same thing become one row; nothing that only one of them says is lost.

Belongs here: which rows are the same, and where every published row comes from. Does not belong here: how alike rows
are (matching/), whose value stands (survival.py), which id stands (standing.py), whether rows may be published
(contribution.py), references between tables (references.py), files.

The outcome does not depend on the order of the contributions. The rules stand in dataset.yaml (`merge:`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from glane.errors import DataError
from publish.contribution import Contribution
from publish.matching.cluster import join
from publish.matching.engine import KEY, Decided, Matched, match
from publish.standing import chosen
from publish.survival import OWNS, PARTNER, SEPARATOR, TRUST, fold, owned, precedence, survivors
from schemas.dataset import Table
from schemas.judgement import LINE

_SNAPSHOT, _ID, _RANK, _GROUP, _HEAD = "_snapshot", "_id", "_rank", "_group", "_head"


class KeyMissingError(DataError):
    """A row without a filled primary key: it could be neither found again nor withdrawn."""


@dataclass(frozen=True)
class Merged:
    """One table after merging.

    `rows` has the table's fields in order, sorted by primary key. `provenance` has one line for each row that came
    in: table, id (of the published row), own (the id that it brought), partner, line, snapshot, and whether it `stands`
    (the published row counts as its; the others of its group went into it). `aliases` maps the id of a row that went
    into another to the id that stands. `matched` is what likeness found, None where none is declared.
    """

    table: str
    rows: pl.DataFrame
    provenance: pl.DataFrame
    aliases: Mapping[str, str]
    matched: Matched | None = None

    @property
    def merged(self) -> dict[str, int]:
        """For each partner, how many of its rows went into another row."""
        return dict(sorted(self.provenance.filter(~pl.col("stands")).group_by("partner").len().iter_rows()))


def merge(
    table: Table,
    contributions: Sequence[Contribution],
    before: Mapping[str, str] | None = None,
    decided: Decided | None = None,
) -> Merged:
    """Merge the contributions to one `table` (each: its fields + `_line`).

    Two rows are the same when their primary keys are equal, or all fields of one key of `merge.same` are filled and
    equal once folded (sameness carries over: a = b and b = c make one row), or `merge.likeness` finds them so; not
    where `decided` says that they are two. Within such a group rows are sorted by `merge.order`, then by the partner's
    name, and each field takes the first filled cell. A point is taken whole, never a latitude here and a longitude
    there. What says whom to credit (partner, attribution, licence) is the sorted union, as are the fields of
    `merge.unite`. The id is that of `before` (own id: published id, of the last version), else the first row's. Raises
    KeyMissingError.
    """
    rows = _in_precedence(table, contributions)
    groups, matched = _groups(table, rows, decided)
    rows = _owners_first(table, rows.with_columns(groups), contributions)
    heads = _heads(table, rows, before or {})
    traced = rows.select(_GROUP, _RANK, _ID, PARTNER, LINE, _SNAPSHOT).join(heads, on=_GROUP, maintain_order="left")
    # Under the same name again and again: of a wide table every copy that is kept alive counts.
    rows = _united(table, rows)
    if len(table.primary_key) == 1:
        rows = rows.with_columns(heads[_HEAD].gather(rows[_GROUP]).alias(table.primary_key[0]))
    rows = rows.select(table.fields).sort(*table.primary_key)
    aliases = traced.filter(pl.col(_ID) != pl.col(_HEAD)).select(_ID, _HEAD)
    return Merged(
        table=table.name,
        rows=rows,
        provenance=_provenance(table.name, traced),
        aliases=dict(aliases.iter_rows()),
        matched=matched,
    )


def in_order(table: Table, contributions: Sequence[Contribution]) -> pl.DataFrame:
    """The rows of contributions that are all one thing, in the order in which they are asked for their values: fields,
    `_line`, and what survival.precedence sorts by. Raises KeyMissingError."""
    rows = _in_precedence(table, contributions)
    return _owners_first(table, rows.with_columns(pl.lit(0).alias(_GROUP)), contributions)


def key_of(table: Table) -> pl.Expr:
    """The primary key of a row as one text, as provenance and problems write it."""
    return pl.concat_str([pl.col(name) for name in table.primary_key], separator=SEPARATOR)


def _united(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each group: its number, and its fields."""
    single = pl.len().over(_GROUP) == 1
    alone = rows.filter(single).select(_GROUP, *table.fields)
    united = rows.filter(~single).group_by(_GROUP, maintain_order=True).agg(*survivors(table))
    return pl.concat([alone, united.select(_GROUP, *table.fields)])


def _in_precedence(table: Table, contributions: Sequence[Contribution]) -> pl.DataFrame:
    rule, empty = table.line.merge, dict.fromkeys(table.fields, pl.String)
    frames = [
        contribution.rows.select(*table.fields, LINE).with_columns(
            pl.lit(contribution.partner).alias(PARTNER),
            pl.lit(contribution.verdict.snapshot).alias(_SNAPSHOT),
            pl.lit(_trust(rule.trust, contribution.partner)).alias(TRUST),
        )
        for contribution in contributions
    ]
    nothing = pl.DataFrame(schema={**empty, LINE: pl.Int64, PARTNER: pl.String, _SNAPSHOT: pl.String, TRUST: pl.Int32})
    rows = pl.concat([nothing, *frames]).with_columns(key_of(table).alias(_ID), pl.lit(value=False).alias(OWNS))
    missing = rows.filter(pl.col(_ID).is_null())
    if missing.height:
        partner, line = missing.select(PARTNER, LINE).row(0)
        raise KeyMissingError(
            f"{table.name}: {missing.height} rows have no {' + '.join(table.primary_key)}, the first on line {line} "
            f"of {partner}.",
            "Say in source.yaml (id:) where the id comes from, and make the key required in the Table Schema.",
        )
    keys, down = precedence(table, rule.order)
    # The fields last, so that even two rows of one line and one id have one order.
    rest = [PARTNER, _ID, LINE, *table.fields]
    ordered = rows.sort(*keys, *rest, descending=[*down, *([False] * len(rest))], nulls_last=True)
    return ordered.with_row_index(_RANK).with_columns(pl.col(_RANK).cast(pl.Int64))


def _trust(trusted: Sequence[str], partner: str) -> int:
    return trusted.index(partner) if partner in trusted else len(trusted)


def _groups(table: Table, rows: pl.DataFrame, decided: Decided | None) -> tuple[pl.Series, Matched | None]:
    """For each row (in order of rank) a number of the rows that are the same as it, and what likeness found."""
    likeness, known = table.line.merge.likeness, decided or Decided()
    told = {name for _, name in likeness.named()} if likeness else set()
    point = {table.line.geometry.latitude, table.line.geometry.longitude} if table.line.geometry else set()
    firsts = rows.select(_ID, PARTNER, *sorted(told | point)).unique(_ID, keep="first", maintain_order=True)
    certain = list(_certain(table, rows))
    if likeness is not None:
        matched = match(firsts.rename({_ID: KEY}), likeness, table.line.geometry, certain=certain, decided=known)
        named = matched.groups
    else:
        matched, ids = None, sorted(firsts[_ID])
        numbers = {name: number for number, name in enumerate(ids)}

        def numbered(pairs: Sequence[tuple[str, str]]) -> set[tuple[int, int]]:
            return {(numbers[a], numbers[b]) for a, b in pairs if a in numbers and b in numbers}

        different = numbered(sorted(known.different))
        same = numbered(sorted(known.same)) - different
        partners = [""] * len(ids)
        joined = join(partners, numbered(certain), {}, alike=(), ask_from=0, said_same=same, said_different=different)
        named = {name: ids[first] for name, first in zip(ids, joined, strict=True)}
    group = {name: number for number, name in enumerate(sorted(set(named.values())))}
    return pl.Series(_GROUP, [group[named[own]] for own in rows[_ID]], dtype=pl.Int64), matched


def _certain(table: Table, rows: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """The pairs of ids whose rows have a declared key in common, each with the first that has it."""
    for same in table.line.merge.same:
        names = [f"_{number}" for number in range(len(same))]
        parts = [fold(pl.col(field)).alias(name) for field, name in zip(same, names, strict=True)]
        keyed = rows.select(_ID, *parts).drop_nulls(names)
        pairs = keyed.select(_ID, pl.col(_ID).min().over(names).alias("_first")).unique()
        yield from pairs.filter(pl.col(_ID) != pl.col("_first")).select("_first", _ID).iter_rows()


def _owners_first(table: Table, grouped: pl.DataFrame, contributions: Sequence[Contribution]) -> pl.DataFrame:
    """The rows in order of precedence, now that it is known which partner runs which place."""
    owner = table.line.merge.owner
    if owner is None:
        return grouped
    names = {one.partner: (one.organisation, one.title.fr, one.title.en) for one in contributions}
    marked = grouped.with_columns(owned(grouped, owner, _GROUP, names).alias(OWNS))
    keys, down = precedence(table, table.line.merge.order)
    ordered = marked.sort(*keys, _RANK, descending=[*down, False], nulls_last=True)
    return ordered.drop(_RANK).with_row_index(_RANK).with_columns(pl.col(_RANK).cast(pl.Int64))


def _heads(table: Table, grouped: pl.DataFrame, before: Mapping[str, str]) -> pl.DataFrame:
    """The id of each group, under `_head`."""
    listed = grouped.group_by(_GROUP, maintain_order=True).agg(pl.col(_ID).unique(maintain_order=True)).sort(_GROUP)
    groups = listed[_ID].to_list()
    # Parts of a composite key are cells of their own: a row cannot have those of another one.
    ids = chosen(groups, before) if len(table.primary_key) == 1 else [group[0] for group in groups]
    return listed.select(_GROUP).with_columns(pl.Series(_HEAD, ids, dtype=pl.String))


def _provenance(table: str, traced: pl.DataFrame) -> pl.DataFrame:
    # The row that brought the id; where its partner left, the first one.
    first = pl.struct((pl.col(_ID) != pl.col(_HEAD)).alias("other"), pl.col(_RANK).alias("rank"))
    return traced.select(
        pl.lit(table, dtype=pl.String).alias("table"),
        pl.col(_HEAD).alias("id"),
        pl.col(_ID).alias("own"),
        pl.col(PARTNER).alias("partner"),
        pl.col(LINE).alias("line"),
        pl.col(_SNAPSHOT).alias("snapshot"),
        (pl.col(_RANK) == pl.col(_RANK).sort_by(first).first().over(_GROUP)).alias("stands"),
    ).sort("id", "partner", "line", "own", "snapshot", "stands")


__all__ = ["SEPARATOR", "KeyMissingError", "Merged", "in_order", "key_of", "merge"]
