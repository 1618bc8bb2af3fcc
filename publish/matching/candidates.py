"""Which rows are compared at all: those that have something telling in common.

Belongs here: the blocks (one for each thing that two rows may share), their bounds, and the pairs that meet in one.
Does not belong here: how alike a pair is (score.py).

What decides over a pair is in its own blocks alone: a row that shares nothing with them changes nothing for it.
"""

from collections.abc import Iterator

import polars as pl

from publish.matching.told import ROW

MOST = 24
"""Rows of one block that are compared with each other. Of a larger one, those that share more (a word of the name, the
street) are; where these are too many as well, nothing tells them apart, and they are left alone."""

_NORTH, _EAST = 0.002, 0.003  # degrees: about 220 metres
_BLOCK = "_block"


def candidates(told: pl.DataFrame) -> pl.DataFrame:
    """The pairs of rows to compare: `a` < `b`, each once, in order. Linear in rows, since blocks are bounded."""
    # One sort of block after the other: all of them at once are a third of the memory that matching takes.
    return pl.concat([_meeting(told, keyed) for keyed in _blocks(told)]).unique().sort("a", "b")


def _meeting(told: pl.DataFrame, keyed: pl.DataFrame) -> pl.DataFrame:
    sized = keyed.unique().with_columns(pl.len().over(_BLOCK).alias("_size")).filter(pl.col("_size") > 1)
    small = sized.filter(pl.col("_size") <= MOST).select(ROW, _BLOCK)
    finer = _finer(told, sized.filter(pl.col("_size") > MOST).select(ROW, _BLOCK))
    return pl.concat([_met(small), _met(finer)])


def _blocks(told: pl.DataFrame) -> Iterator[pl.DataFrame]:
    tokens = pl.coalesce("rare", "core").fill_null("").str.split(" ").list.filter(pl.element().str.len_chars() > 2)
    words = pl.concat_list(tokens, "labels")
    # The words of a street are sorted; its longest one is the surest.
    longest = pl.col("street").str.split(" ").list.eval(pl.element().sort_by(pl.element().str.len_chars())).list.last()
    number = pl.col("number").fill_null("")
    by_word = told.select(ROW, "country", "postcode", "town", words.alias("word")).explode("word", empty_as_null=True)
    yield _block("word", by_word, "country", "postcode", "word")
    yield _block("town", by_word, "country", "town", "word")
    yield _block("address", told, "country", "postcode", number, longest)
    yield _block("street", told, "country", "town", number, longest)
    for value in ("phone", "email", "national"):
        yield _block(value, told, value)
    yield _block("host", told, "host", "postcode")
    yield _block("name", told, "country", pl.col("postcode").str.head(2), "rare")
    for shift in (0, 0.5):
        north, east = (pl.col("y") / _NORTH + shift).floor(), (pl.col("x") / _EAST + shift).floor()
        yield _block(f"cell {shift}", told, north.cast(pl.Int64), east.cast(pl.Int64))


def _block(kind: str, rows: pl.DataFrame, *shared: str | pl.Expr) -> pl.DataFrame:
    """One line for each row that says all of `shared`, under a hash of it."""
    asked = rows.select(ROW, *(part if isinstance(part, str) else part.alias(f"_{n}") for n, part in enumerate(shared)))
    names = asked.columns[1:]
    key = pl.concat_str([pl.lit(kind), *(pl.col(name).cast(pl.String) for name in names)], separator="\x1f")
    return asked.drop_nulls().select(ROW, key.hash().alias(_BLOCK))


def _finer(told: pl.DataFrame, large: pl.DataFrame) -> pl.DataFrame:
    words = pl.concat_list("labels", *(pl.col(name).fill_null("").str.split(" ") for name in ("core", "street")))
    said = told.filter(pl.col(ROW).is_in(large[ROW].unique().implode())).select(
        ROW, words.list.unique().list.filter(pl.element().str.len_chars() > 2).alias("word")
    )
    parted = large.join(said, on=ROW).explode("word", empty_as_null=True).drop_nulls()
    keyed = parted.select(ROW, pl.struct(_BLOCK, "word").hash().alias(_BLOCK)).unique()
    return keyed.filter(pl.len().over(_BLOCK).is_between(2, MOST))


def _met(blocks: pl.DataFrame) -> pl.DataFrame:
    pairs = blocks.select(_BLOCK, a=ROW).join(blocks.select(_BLOCK, b=ROW), on=_BLOCK)
    return pairs.filter(pl.col("a") < pl.col("b")).select("a", "b").unique()
