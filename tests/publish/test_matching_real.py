"""Matching on partners' real files, with the ids hidden (see bench/merge_data.py)."""

from itertools import pairwise

import polars as pl
import pytest

from bench.merge_data import LIKENESS, POINT, TYPOS, real_rows, silver, with_siret, with_typos
from publish.matching.engine import KEY, PARTNER, match
from tests.sources.material import REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="partners' real files are not here: ../shared/data"),
]


def test_two_hubs_that_deliver_the_same_file_are_63_places() -> None:
    found = match(pl.concat([real_rows("angers"), real_rows("conumm")]), LIKENESS, POINT)
    assert len(found.groups) == 126
    assert len(set(found.groups.values())) == 63
    assert [(one.partners, one.rows) for one in found.copied] == [(("angers", "conumm"), 63)]


def test_what_is_merged_between_two_real_sources_has_one_siret() -> None:
    rows = pl.concat([real_rows("data-inclusion"), real_rows("numi")])
    groups, ids = match(rows, LIKENESS, POINT).groups, with_siret(rows)
    together: dict[str, list[str]] = {}
    for key, first in groups.items():
        together.setdefault(first, []).append(key)
    judged = [ids[a] == ids[b] for keys in together.values() for a, b in pairwise(keys) if a in ids and b in ids]
    assert sum(judged) / len(judged) >= 0.98
    places = dict.fromkeys(silver(rows)["pivot"], False)
    for a, b, pivot in silver(rows).select("a", "b", "pivot").iter_rows():
        places[pivot] |= groups[a] == groups[b]
    assert sum(places.values()) / len(places) >= 0.92


def test_half_the_rows_with_a_typo_find_their_twin() -> None:
    rows = real_rows("france-services").sort(KEY).filter(pl.col("adresse").is_not_null())
    # The kinds of mistakes in turn, all in one match; `make bench-merge` has figures for each kind.
    parts = [rows.gather_every(len(TYPOS), number) for number in range(len(TYPOS))]
    twins = {kind: with_typos(part, kind) for kind, part in zip(TYPOS, parts, strict=True)}
    told = pl.concat([rows, *(part.select(KEY, PARTNER, *rows.columns[2:]) for part in twins.values())])
    found = match(told, LIKENESS, POINT)
    asked = set(found.pairs.select("a", "b").iter_rows())
    missed = {
        kind: [
            a
            for a, b in part[[KEY, "_twin"]].rows()
            if found.groups[a] != found.groups[b] and (min(a, b), max(a, b)) not in asked
        ]
        for kind, part in twins.items()
    }
    assert {kind: len(keys) for kind, keys in missed.items() if len(keys) > 0.05 * twins[kind].height} == {}
    assert sum(map(len, missed.values())) <= 0.01 * sum(part.height for part in twins.values())
