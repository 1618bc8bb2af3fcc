"""Which rows are the same place: how right, how fast, and what other matchers make of the same rows.

    python -m bench.merge [--rows 100000] [--no-peers] [--uv uv]

1. Silver truth, on partners' real files (merge_data.py): precision and recall for each pair of sources, the ids hidden.
   `precision`: of the pairs merged where both rows give a valid SIRET, those that give the same one. `recall`: of the
   pairs that share SIRET and commune, those merged; a row is merged with one row of a source at most, so `places`
   counts each SIRET of a commune once. `asked`: found, be it as a question. `unlike`: pairs of silver whose names and
   streets both differ, which one SIRET for several bodies or places explains. Sources without SIRET have no silver.
2. Typos: half of the rows again under another partner, each with one kind of mistake: `merged` with their twin, or
   `found`, be it as a question.
3. A file beside itself, and two hubs that deliver the same file.
4. Time and memory of matching alone, each in a process of its own.
5. Peers, on the rows of 1 and in an environment of their own (merge_peers.py).

Weights and thresholds were set on typos, on pairs that share a telephone number, and by reading pairs of sources
without silver. The last line is the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl

from bench.merge_data import (
    LIKENESS,
    POINT,
    SOURCES,
    TYPOS,
    all_rows,
    many_rows,
    real_rows,
    silver,
    with_siret,
    with_typos,
)
from publish.matching.engine import match
from publish.matching.score import scored
from publish.matching.told import KEY, PARTNER, ROW, told

PEERS = ("splink", "recordlinkage", "dedupe")
_PATIENCE = 300
Figures = dict[str, Any]


def measured(rows: pl.DataFrame, groups: Mapping[str, Any], asked: set[tuple[str, str]]) -> list[Figures]:
    """Precision and recall for each pair of sources; `groups` says which group each key is in."""
    truth, ids = unlike(rows, silver(rows)), with_siret(rows)
    partner = dict(rows.select(KEY, PARTNER).iter_rows())
    merged: dict[tuple[str, str], list[tuple[str, str]]] = {}
    members: dict[Any, list[str]] = {}
    for key, group in groups.items():
        members.setdefault(group, []).append(key)
    for keys in members.values():
        for a, b in combinations(sorted(keys), 2):
            if partner[a] != partner[b]:
                merged.setdefault(tuple(sorted((partner[a], partner[b]))), []).append((a, b))  # type: ignore[arg-type]
    lines = []
    for one, other in combinations(sorted(SOURCES), 2):
        pairs = merged.get((one, other), [])
        judged = [(ids[a], ids[b]) for a, b in pairs if a in ids and b in ids]
        mine = truth.filter(pl.col("partner_a").is_in([one, other]), pl.col("partner_b").is_in([one, other]))
        shared = [(a, b, p) for a, b, p in mine.select("a", "b", "pivot").iter_rows()]
        hits = [(a, b, p) for a, b, p in shared if groups[a] == groups[b]]
        found = [(a, b) for a, b, _ in shared if groups[a] == groups[b] or (a, b) in asked]
        lines.append(
            {
                "sources": f"{one} x {other}",
                "merged": len(pairs),
                "judged": len(judged),
                "precision": _share(sum(a == b for a, b in judged), len(judged)),
                "precision_organisation": _share(sum(a[:9] == b[:9] for a, b in judged), len(judged)),
                "silver": len(shared),
                "recall": _share(len(hits), len(shared)),
                "asked": _share(len(found), len(shared)),
                "unlike": _share(mine["unlike"].sum(), len(shared)),
                "places": len({p for _, _, p in shared}),
                "recall_places": _share(len({p for _, _, p in hits}), len({p for _, _, p in shared})),
            }
        )
    return lines


def unlike(rows: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """The pairs of `truth`, and whether neither their names nor their streets are alike."""
    known = told(rows, LIKENESS, POINT)
    numbers = known.select(KEY, ROW)
    pairs = truth.join(numbers.rename({KEY: "a", ROW: "_a"}), on="a").join(
        numbers.rename({KEY: "b", ROW: "_b"}), on="b"
    )
    points = scored(known, pairs.select(a="_a", b="_b"))
    return pairs.with_columns(points.select(((pl.col("alike") < 0.6) & (pl.col("address") <= 0)).alias("unlike")))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def glane_on(rows: pl.DataFrame) -> tuple[dict[str, str], set[tuple[str, str]]]:
    found = match(rows, LIKENESS, POINT)
    return dict(found.groups), set(found.pairs.select("a", "b").iter_rows())


_COLUMNS = {
    "merged": "merged",
    "judged": "judged",
    "precision": "precis.",
    "precision_organisation": "organ.",
    "silver": "silver",
    "recall": "recall",
    "asked": "asked",
    "unlike": "unlike",
    "places": "places",
    "recall_places": "recall",
}


def show_silver(name: str, lines: list[Figures]) -> None:
    print(f"\n{name}: pairs of sources, ids hidden")
    print(f"{'':34}" + "".join(f"{title:>8}" for title in _COLUMNS.values()))
    for line in lines:
        cells = ["-" if line[key] is None else f"{line[key]}" for key in _COLUMNS]
        print(f"{line['sources']:34}" + "".join(f"{cell:>8}" for cell in cells), flush=True)


def typos(rows: pl.DataFrame) -> list[Figures]:
    lines = []
    base = rows.filter(pl.col(PARTNER).is_in(["data-inclusion", "france-services"])).sort(KEY).gather_every(4)
    for kind in TYPOS:
        twins = with_typos(base, kind)
        groups, asked = glane_on(pl.concat([base, twins.select(base.columns)]))
        pairs = list(twins.select(KEY, "_twin").iter_rows())
        merged = [groups[a] == groups[b] for a, b in pairs]
        found = [one or (min(pair), max(pair)) in asked for one, pair in zip(merged, pairs, strict=True)]
        lines.append(
            {
                "typo": kind,
                "rows": len(pairs),
                "merged": _share(sum(merged), len(pairs)),
                "found": _share(sum(found), len(pairs)),
            }
        )
    return lines


def themselves() -> Figures:
    """A file beside itself; and two hubs that deliver the same file."""
    out: Figures = {}
    for one, other in (("angers", "conumm"), *((source, source) for source in ("france-services", "region-sud"))):
        first = real_rows(one)
        second = real_rows(other).with_columns(pl.lit(f"{other}'").alias(PARTNER), ("'" + pl.col(KEY)).alias(KEY))
        groups, _ = glane_on(pl.concat([first, second]))
        out[f"{one} x {other}"] = [sum(count == 2 for count in _sizes(groups).values()), first.height]
    return out


def _sizes(groups: Mapping[str, str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for group in groups.values():
        sizes[group] = sizes.get(group, 0) + 1
    return sizes


def speed(count: int, folder: Path) -> Figures:
    """Match `count` rows in a process of its own."""
    path = folder / f"merge-{count}.parquet"
    if not path.exists():
        many_rows(count).write_parquet(path)
    done = subprocess.run(
        [sys.executable, "-m", "bench.merge", "--one", str(path)], capture_output=True, text=True, check=True
    )
    return {"rows": count, **json.loads(done.stdout.splitlines()[-1])}


def run_one(path: Path) -> None:
    rows = pl.read_parquet(path)
    started = time.perf_counter()
    found = match(rows, LIKENESS, POINT)
    wall = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "seconds": round(wall, 1),
        "cpu": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "groups": len(set(found.groups.values())),
        "questions": found.questions.height,
    }
    print(json.dumps(figures))


def peer(tool: str, rows: pl.DataFrame, folder: Path, uv: str) -> Figures:
    """What another matcher makes of the real rows; its environment is uv's."""
    path, out = folder / "real.parquet", folder / f"{tool}.json"
    twins = [
        with_typos(rows.gather_every(12), kind)
        for kind in ("a letter of the name is another", "name, street and telephone")
    ]
    rows.write_parquet(path)
    pl.concat(twins).write_parquet(folder / "twins.parquet")
    command = [
        uv,
        "run",
        "--quiet",
        "--script",
        str(Path(__file__).with_name("merge_peers.py")),
        tool,
        str(folder),
        str(out),
    ]
    left_out = ("VIRTUAL_ENV",)
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        try:
            _, said = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            # uv's child would go on without it.
            os.killpg(process.pid, signal.SIGKILL)
            return {"tool": tool, "failed": f"not done after {_PATIENCE} s"}
    if process.returncode:
        return {"tool": tool, "failed": (said.strip().splitlines() or ["?"])[-1]}
    figures = json.loads(out.read_text("utf-8"))
    groups = figures.pop("groups")
    return {"tool": tool, **figures, "silver": measured(rows, groups, set())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--uv", default="uv", help="the uv to run the peers with")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one)
        return
    figures: Figures = {"bench": "merge", "load": round(os.getloadavg()[0], 1)}
    rows = all_rows()
    figures["silver"] = measured(rows, *glane_on(rows))
    show_silver("glane", figures["silver"])
    figures["typos"] = typos(rows)
    print("\nhalf of the rows again, with typos")
    for line in figures["typos"]:
        print(f"  {line['typo']:40}{line['rows']:6} rows  merged {line['merged']:.3f}  found {line['found']:.3f}")
    figures["themselves"] = themselves()
    print("\na file beside itself:", ", ".join(f"{name} {a} of {b}" for name, (a, b) in figures["themselves"].items()))
    with tempfile.TemporaryDirectory() as home:
        figures["speed"] = [speed(count, Path(home)) for count in options.rows]
        for line in figures["speed"]:
            took = f"{line['seconds']} s, {line['cpu']} s of processor, {line['peak_mb']} MB"
            print(
                f"{line['rows']:>10,} rows: {took}, {line['groups']:,} groups, {line['questions']:,} questions",
                flush=True,
            )
        figures["peers"] = [] if options.no_peers else [peer(tool, rows, Path(home), options.uv) for tool in PEERS]
    for line in figures["peers"]:
        if "failed" in line:
            print(f"\n{line['tool']}: {line['failed']}")
        else:
            show_silver(f"{line['tool']} ({line['seconds']} s, {line['peak_mb']} MB; {line['note']})", line["silver"])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
