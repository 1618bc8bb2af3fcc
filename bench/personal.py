"""How well personal data is found: precision and recall on labelled cells, by kind, plain and hard; and how fast.

The cells (tests/personal/cells.csv) are made up by hand: no person's, no partner's. Run: make bench-personal
"""

import argparse
import csv
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from schemas.personal.finding import KINDS, Context
from schemas.personal.search import search_column, search_text
from schemas.personal.vocabulary import first_names, is_about_people

CELLS = Path(__file__).parent.parent / "tests" / "personal" / "cells.csv"


@dataclass(frozen=True)
class Cell:
    """One labelled cell: the kind of personal data in it (empty: none), and whether it is a plain or a hard case."""

    kind: str
    how: str
    country: str
    column: str
    cell: str

    @property
    def found(self) -> frozenset[str]:
        """The kinds that are found in it."""
        context = Context(self.country, self.column, is_about_people(self.column))
        return frozenset(one.kind for one in search_text(self.cell, context))


@dataclass(frozen=True)
class Score:
    """Cells of one kind: right (found and there), wrong (found, not there), missed (there, not found)."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Of the cells in which it was found, the share in which it is."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Of the cells in which it is, the share in which it was found."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def labelled() -> list[Cell]:
    """The labelled cells."""
    with CELLS.open(encoding="utf-8", newline="") as file:
        return [Cell(**row) for row in csv.DictReader(file)]


def scores(cells: Sequence[Cell]) -> dict[str, Score]:
    """The score of each kind. A kind found beside the one that a cell is labelled with counts for neither: "appeler
    Jeanne au 06 ..." holds both."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for cell in cells:
        found = cell.found
        if cell.kind in found:
            right[cell.kind] += 1
        elif cell.kind:
            missed[cell.kind] += 1
        else:
            wrong.update(found)
    return {kind: Score(right[kind], wrong[kind], missed[kind]) for kind in KINDS}


def speed(rows: int, columns: int) -> tuple[float, float]:
    """Seconds, and seconds of processors, for a table of distinct made-up cells; half of them may hold a name."""
    chance = random.Random(1)
    names = first_names()
    makers = (
        lambda: f"{chance.randint(1, 300)} rue {chance.choice(names)} Martin {chance.randint(1, 99999)}",
        lambda: f"Atelier du {chance.randint(1, 10**9)} ouvert à tous, ordinateurs et tablettes, aide aux démarches",
        lambda: f"contact@lieu-{chance.randint(1, 10**9)}.example",
        lambda: f"+3326191{chance.randint(10**4, 10**5 - 1)}",
        lambda: f"Médiathèque {chance.choice(names)} {chance.randint(1, 10**9)}",
        lambda: f"x--{chance.randint(1, 10**12)}",
    )
    table = [pl.Series([makers[place % len(makers)]() for _ in range(rows)]) for place in range(columns)]
    start, busy = time.perf_counter(), time.process_time()
    for column in table:
        search_column(column, Context())
    return time.perf_counter() - start, time.process_time() - busy


def lines(cells: Sequence[Cell]) -> Iterator[str]:
    """The table that is printed."""
    yield f"{'kind':14}{'cells':>7}{'':>4}{'precision':>10}{'recall':>8}{'plain recall':>14}"
    plain = scores([cell for cell in cells if cell.how == "plain"])
    for kind, score in scores(cells).items():
        count = sum(cell.kind == kind for cell in cells)
        yield f"{kind:14}{count:>7}{'':>4}{score.precision:>10.3f}{score.recall:>8.3f}{plain[kind].recall:>14.3f}"
    innocent = [cell for cell in cells if not cell.kind]
    yield f"{'innocent':14}{len(innocent):>7}    {sum(bool(cell.found) for cell in innocent)} taken for personal"


def main() -> None:
    """Print the tables; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=30)
    asked = parser.parse_args()
    cells = labelled()
    print("\n".join(lines(cells)))
    for cell in cells:
        if cell.kind and cell.kind not in cell.found:
            print(f"  missed ({cell.how}): {cell.kind}: {cell.cell}")
        elif not cell.kind and cell.found:
            print(f"  wrong ({cell.how}): {', '.join(sorted(cell.found))}: {cell.cell}")
    seconds, busy = speed(asked.rows, asked.columns)
    print(f"{asked.rows} rows of {asked.columns} columns, all distinct: {seconds:.1f} s, {busy:.1f} s of processors")
    told = {
        kind: {"precision": round(s.precision, 3), "recall": round(s.recall, 3)} for kind, s in scores(cells).items()
    }
    plain = scores([cell for cell in cells if cell.how == "plain"])
    missed = sum(score.missed for score in plain.values())
    print(
        json.dumps(
            {
                "cells": len(cells),
                "kinds": told,
                "plain_missed": missed,
                "seconds": round(seconds, 1),
                "processor_seconds": round(busy, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
