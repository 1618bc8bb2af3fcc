"""Rows in, what is the same out: candidates, scores and groups put together.

Belongs here: the order of these steps, and what is handed out. Does not belong here: each step's own rules.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import polars as pl

from publish.matching.candidates import candidates
from publish.matching.cluster import Pair, components, join
from publish.matching.score import scored
from publish.matching.told import KEY, PARTNER, told
from schemas.dataset import Geometry
from schemas.merging import Likeness

_LARGEST = 40
"""Rows of a chain that are all compared with each other; of a longer one, only those that met in a block."""

SENTINEL = 20
"""What one partner gives to more rows than that says of none of them which place it is."""

_COPY_LEAST, _COPY_SHARE = 20, 0.9
_COLUMNS = {"national_id": "national", "point": "point"}
What = Literal["national_id", "point", "row"]
_WORD_FOR_WORD = ("name", "address", "postcode", "phone", "email", "host")


@dataclass(frozen=True)
class Decided:
    """What somebody decided of pairs of rows, by their keys. What is both is different."""

    same: frozenset[tuple[str, str]] = frozenset()
    different: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Repeated:
    """What one partner gives to so many of its rows that it cannot say which place they are: a national id, a point,
    or all that is compared (`row`)."""

    partner: str
    value: str
    rows: int
    what: What = "national_id"


@dataclass(frozen=True)
class Copied:
    """Two partners of which one repeats the other: `rows` of the smaller one word for word."""

    partners: tuple[str, str]
    rows: int


@dataclass(frozen=True)
class Matched:
    """What is the same, what may be, and what a steward should know.

    `groups`: for each key the first key of those that are one with it. `pairs`: one line a pair of rows that are alike
    (`a` and `b`, their keys; `partner_a`, `partner_b`; the points of each part; `score`, `alike`, `metres`, `against`),
    and whether they are `merged`; those that are not are questions for a person. `repeated`: the ids that a partner
    gives to many rows; `vague`: the points, and the rows that say one thing.
    """

    groups: Mapping[str, str]
    pairs: pl.DataFrame
    repeated: tuple[Repeated, ...]
    vague: tuple[Repeated, ...]
    copied: tuple[Copied, ...]

    @property
    def questions(self) -> pl.DataFrame:
        """The pairs that a person may decide, most alike first."""
        return self.pairs.filter(~pl.col("merged")).sort("score", "a", "b", descending=[True, False, False])


def match(
    rows: pl.DataFrame,
    likeness: Likeness,
    point: Geometry | None = None,
    *,
    certain: Collection[tuple[str, str]] = (),
    decided: Decided | None = None,
) -> Matched:
    """Find which `rows` (text columns; `_key`, unique, and `_partner`) are the same.

    `certain` are the pairs that a declared key makes the same. The order of the rows and of the partners changes
    nothing, and neither do rows that share nothing with the others.
    """
    known = told(rows, likeness, point)
    keys, partners = known[KEY].to_list(), known[PARTNER].to_list()
    numbers = {key: number for number, key in enumerate(keys)}

    def numbered(pairs: Iterable[tuple[str, str]]) -> set[Pair]:
        met = ((numbers[a], numbers[b]) for a, b in pairs if a != b and a in numbers and b in numbers)
        return {(min(pair), max(pair)) for pair in met}

    decided = decided or Decided()
    fixed, same, different = numbered(certain), numbered(decided.same), numbered(decided.different)
    alike = _alike(known, candidates(known), likeness)
    linked = [*fixed, *same, *_sure(alike, partners)]
    alike = pl.concat([alike, _alike(known, _within_chains(linked, alike), likeness)])
    joined = join(
        partners,
        fixed,
        {(a, b): score for a, b, score in alike.select("a", "b", "score").iter_rows()},
        alike=_sure(alike, partners),
        ask_from=likeness.ask_from,
        said_same=same - different,
        said_different=different,
    )
    return Matched(
        groups={key: keys[first] for key, first in zip(keys, joined, strict=True)},
        pairs=_pairs(alike, known, joined, different),
        repeated=tuple(_repeated(known, "national_id")),
        vague=(*_repeated(known, "point"), *_repeated(known, "row")),
        copied=_copied(known),
    )


def _alike(known: pl.DataFrame, pairs: pl.DataFrame, likeness: Likeness) -> pl.DataFrame:
    """Those of `pairs` that may be the same, and whether they are by their score (`sure`). Of one partner's own rows,
    which it lists as two, only those that would be the same if they were not its own."""
    own = pl.col("_own")
    partner = known[PARTNER]
    found = scored(known, pairs, least=likeness.ask_from)
    found = found.with_columns((partner[found["a"]] == partner[found["b"]]).alias("_own"))
    sure = (pl.col("score") >= likeness.same_from) & ~pl.col("against")
    return found.with_columns(sure.alias("sure")).filter(pl.col("sure") | ~own).drop("_own")


def _sure(alike: pl.DataFrame, partners: Sequence[str]) -> list[Pair]:
    sure = alike.filter("sure").select("a", "b").iter_rows()
    return [(a, b) for a, b in sure if partners[a] != partners[b]]


def _within_chains(linked: Collection[Pair], alike: pl.DataFrame) -> pl.DataFrame:
    """The pairs that were not compared, of rows that links lead from one to the other."""
    met = set(alike.select("a", "b").iter_rows())
    chains = (chain for chain in components(linked) if 2 < len(chain) <= _LARGEST)
    missing = sorted({pair for chain in chains for pair in combinations(sorted(chain), 2)} - met)
    return pl.DataFrame(missing, schema={"a": pl.UInt32, "b": pl.UInt32}, orient="row")


def _pairs(alike: pl.DataFrame, known: pl.DataFrame, group: Sequence[int], different: Collection[Pair]) -> pl.DataFrame:
    of = pl.Series(group, dtype=pl.UInt32)
    keys, partners = known[KEY], known[PARTNER]
    a, b = alike["a"], alike["b"]
    decided = pl.DataFrame(sorted(different), schema={"a": pl.UInt32, "b": pl.UInt32}, orient="row")
    named = alike.with_columns(
        (of[a] == of[b]).alias("merged"), partners[a].alias("partner_a"), partners[b].alias("partner_b")
    ).join(decided, on=["a", "b"], how="anti", maintain_order="left")
    a, b = named["a"], named["b"]
    return named.drop("sure").with_columns(keys[a].alias("a"), keys[b].alias("b")).sort("a", "b")


def _repeated(known: pl.DataFrame, what: What) -> Iterator[Repeated]:
    """What a partner gives too often; of whole rows their hash, for they may say what is nobody's business."""
    value = pl.struct(_WORD_FOR_WORD).hash().cast(pl.String) if what == "row" else pl.col(_COLUMNS[what])
    said = known.select(PARTNER, value.alias("_value")).drop_nulls("_value")
    often = said.group_by(PARTNER, "_value").len().filter(pl.col("len") > SENTINEL).sort(PARTNER, "_value")
    for partner, found, rows in often.iter_rows():
        yield Repeated(partner, found, rows, what)


def _copied(known: pl.DataFrame) -> tuple[Copied, ...]:
    told_ = known.select(PARTNER, pl.struct(_WORD_FOR_WORD).hash().alias("_said")).unique()
    sizes = dict(told_.group_by(PARTNER).len().iter_rows())
    often = told_.filter(pl.len().over("_said") > 1)
    met: dict[tuple[str, str], int] = defaultdict(int)
    for partners in often.group_by("_said").agg(pl.col(PARTNER).sort())[PARTNER]:
        for pair in combinations(partners, 2):
            met[pair] += 1
    return tuple(
        Copied(pair, rows)
        for pair, rows in sorted(met.items())
        if rows >= max(_COPY_LEAST, _COPY_SHARE * min(sizes[pair[0]], sizes[pair[1]]))
    )


__all__ = ["KEY", "PARTNER", "SENTINEL", "Copied", "Decided", "Matched", "Repeated", "match"]
