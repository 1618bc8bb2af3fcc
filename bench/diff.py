"""`glane diff` beside csv-diff, daff and datacompy: two versions of a table of 36 columns, 4 % of its rows changed.

    python bench/diff.py [--rows 100000 1000000] [--tools ...] [--repeat 1] [--uv uv]

Each run is a process of its own (start-up counts), and the tools take turns, so that a machine that is busy with
something else is busy for all of them. Compare the ratios (how many times what `glane diff` takes), not the seconds.
`same` says whether a tool counts the same rows. The peers run in an environment of their own (diff_peers.py); csv-diff
and daff run up to 100,000 rows unless --tools names them: beyond, they take minutes and several GB. The last line is
the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

TOOLS = ("glane", "csv-diff", "daff", "datacompy")
_SMALL = 100_000
_SLOW = ("csv-diff", "daff")
_KEY = "id"


def run_glane(old: Path, new: Path) -> dict[str, int]:
    from publish.streaming import compare_files

    found = compare_files([_KEY], old, new)
    return {"added": found.added.height, "changed": found.rows_changed, "removed": found.removed.height}


def run_one(old: Path, new: Path) -> None:
    """Compare in this process, and print what it counts and takes."""
    found = run_glane(old, new)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**found, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}))


def environment_of(data: Path) -> dict[str, str]:
    """Compiled modules are cached for all tools alike; uv must not take the bench's environment for the script's."""
    left_out = ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"PYTHONPYCACHEPREFIX": str(data / "pycache")}


def measure(tool: str, old: Path, new: Path, uv: str, environment: dict[str, str]) -> dict[str, Any]:
    """Run one tool in a process of its own."""
    command = [sys.executable, __file__, "--one", str(old), str(new)]
    if tool != "glane":
        command = [uv, "run", "--quiet", "--script", str(HERE / "diff_peers.py"), tool, str(old), str(new), _KEY]
    started = time.perf_counter()
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    wall = time.perf_counter() - started
    if process.returncode:
        return {"tool": tool, "failed": process.stderr.strip().splitlines()[-1:]}
    return {"tool": tool, "wall": wall, **json.loads(process.stdout.splitlines()[-1])}


def compare(
    old: Path, new: Path, tools: list[str], repeat: int, uv: str, environment: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Let the tools take turns; keep each tool's best run, with its ratios to Glane's."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(repeat):
        for tool in tools:
            run = measure(tool, old, new, uv, environment)
            if tool not in best or run.get("wall", 1e9) < best[tool].get("wall", 1e9):
                best[tool] = run
    base = best.get("glane", {})
    for run in best.values():
        if "wall" in run and "wall" in base:
            run["times"] = {name: round(run[name] / base[name], 1) for name in ("wall", "cpu", "peak_mb")}
            run["same"] = all(run[name] == base[name] for name in ("added", "changed", "removed"))
    return best


def _warm(tools: list[str], data: Path, uv: str, environment: dict[str, str]) -> None:
    data.mkdir(parents=True, exist_ok=True)
    tiny = data / "tiny.csv"
    tiny.write_text(f"{_KEY},a\n1,x\n", encoding="utf-8")
    for tool in tools:
        measure(tool, tiny, tiny, uv, environment)


def show(rows: int, size: int, best: dict[str, dict[str, Any]]) -> None:
    print(f"\n{rows:,} rows, twice {size / 1e6:,.0f} MB")
    print(
        f"{'':11}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}{'x wall':>8}{'x cpu':>8}{'x MB':>7}  added, changed, removed"
    )
    for tool, run in best.items():
        if "wall" not in run:
            print(f"{tool:11} failed: {run['failed']}")
            continue
        times = run.get("times", {})
        ratios = "".join(
            f"{times.get(name, 0):{width}.1f}" for name, width in (("wall", 8), ("cpu", 8), ("peak_mb", 7))
        )
        counts = (
            f"{run['added']:,}, {run['changed']:,}, {run['removed']:,}{'' if run.get('same') else '  NOT THE SAME'}"
        )
        print(f"{tool:11}{run['wall']:9.2f}{run['cpu']:9.2f}{run['peak_mb']:9.0f}{ratios}  {counts}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[_SMALL])
    parser.add_argument("--tools", nargs="+", choices=TOOLS)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--uv", default="uv", help="the uv to run the peers with")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "glane-bench")
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(*options.one)
        return
    environment, figures = environment_of(options.data), []
    for rows in options.rows:
        folder = options.data / f"diff-{rows}"
        old, new = folder / "old.csv", folder / "new.csv"
        if not new.exists():
            # In a process of its own: what this one has in memory would count as its children's peak.
            subprocess.run([sys.executable, str(HERE / "diff_data.py"), str(folder), str(rows)], check=True)
        if not figures:  # fill the cache of compiled modules
            _warm(options.tools or list(TOOLS), options.data, options.uv, environment)
        tools = options.tools or [tool for tool in TOOLS if rows <= _SMALL or tool not in _SLOW]
        best = compare(old, new, tools, options.repeat, options.uv, environment)
        show(rows, old.stat().st_size, best)
        figures.append({"rows": rows, "tools": best})
    print(json.dumps({"bench": "diff", "figures": figures}))


if __name__ == "__main__":
    main()
