"""The data of bench/diff.py: two versions of a table of 36 columns, sorted by its key as Glane publishes it.

    python bench/diff_data.py FOLDER ROWS

Of the rows of `old.csv`, 1 % are gone from `new.csv`, 2 % have a changed cell or two, and 1 % came.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

_CHANGED = ("telephone", "horaires")


def write(folder: Path, rows: int) -> None:
    """Write `old.csv` and `new.csv`. The same number of rows gives the same bytes."""
    from validate_data import write as write_sites

    from publish.formats.delimited import read_csv, to_csv

    folder.mkdir(parents=True, exist_ok=True)
    come = rows // 100
    raw = folder / "sites.csv"
    write_sites(raw, rows + come, 0.0)
    sites = read_csv(raw).unique("id", maintain_order=True)
    random = np.random.default_rng(1)
    numbers = random.permutation(sites.height)
    fresh, gone, changed = (set(part.tolist()) for part in np.split(numbers, [come, 2 * come, 4 * come])[:3])
    (folder / "old.csv").write_bytes(to_csv(_without(sites, fresh).sort("id")))
    told = pl.Series("told", [number in changed for number in range(sites.height)])
    second = pl.Series("second", random.random(sites.height) < 0.3)
    cells = [
        pl.when(told if position == 0 else told & second)
        .then(pl.lit("changed ") + pl.col(name).fill_null(""))
        .otherwise(pl.col(name))
        .alias(name)
        for position, name in enumerate(_CHANGED)
    ]
    (folder / "new.csv").write_bytes(to_csv(_without(sites.with_columns(cells), gone).sort("id")))
    raw.unlink()


def _without(sites: pl.DataFrame, numbers: set[int]) -> pl.DataFrame:
    return sites.filter(pl.Series([number not in numbers for number in range(sites.height)]))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
