"""The row-level provenance table of a version: which lines of which partners' files each published row came of.

Belongs here: what stands in it beside what the merge says, and why. Does not belong here: merging (merge.py), working a
row out again (tracing/).

    table, id                  the published row; one of a derived table has its id in the table that it is made of
    partner, own, line         whose row came in, the id that it brought, its line in the partner's file
    stands                     whether the published row counts as its; the others of its group went into it
    snapshot, snapshot_date    the SHA-256 of the partner's file, and the day on which it first came
    licence, attribution       on which terms, and whom to credit

One line for each row that came in. What is the same in all rows of a partner takes a few bytes in Parquet.
"""

from collections.abc import Sequence

import polars as pl

from publish.version import Input

_TERMS = ("snapshot_date", "licence", "attribution")
_OF = ("table", "partner", "snapshot")


def credited(lines: pl.DataFrame, inputs: Sequence[Input]) -> pl.DataFrame:
    """The `lines` of the merge with the terms of what each partner brought; those that have them get them again."""
    known = pl.DataFrame(
        [{name: getattr(one, name) for name in (*_OF, *_TERMS)} for one in inputs],
        schema=dict.fromkeys((*_OF, *_TERMS), pl.String),
    ).unique(_OF, keep="first", maintain_order=True)
    return lines.drop(_TERMS, strict=False).join(known, on=_OF, how="left", maintain_order="left")
