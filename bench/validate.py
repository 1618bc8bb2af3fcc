"""Validation beside its peers: frictionless, pandera on polars, and bare column readers as the floor.

    python bench/validate.py [--rows 10000 100000 1000000] [--wrong 0.001 0.05] [--tools ...] [--repeat 1]

Each run is a process of its own: `wall` and `cpu` count its start-up, `call` the validation alone. The tools take
turns on each file, so that a machine that is busy with something else is busy for all of them. Compare the ratios, not
the seconds. `same` says whether Glane's report is frictionless', error for error. The last line is the figures as
JSON. 1,000,000 rows take frictionless some 3 minutes, and 10,000,000 are meant for `--tools glane floor-arrow` alone.
"""

from __future__ import annotations

import argparse
import hashlib
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

TOOLS = ("glane", "frictionless", "pandera", "floor-arrow", "floor-polars", "floor-duckdb")


def run_glane(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    from schemas.conform import validate

    begun = time.perf_counter()
    report = validate(path, schema)
    called = {"call": time.perf_counter() - begun, "report": report.to_frictionless}
    done = {"rows": report.stats.rows, "errors": report.stats.errors, "engine": report.engine, "why": report.fallback}
    return done | called


def run_frictionless(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    from frictionless import Resource, Schema

    begun = time.perf_counter()
    resource_ = Resource(path=path.name, basepath=str(path.parent), schema=Schema.from_descriptor(schema))
    report = resource_.validate(limit_errors=0)
    called = {"call": time.perf_counter() - begun, "report": report.to_descriptor}
    return {"rows": report.tasks[0].stats["rows"], "errors": report.stats["errors"]} | called


def run_pandera(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    import pandera.polars as pa
    import polars as pl

    checks: dict[str, Any] = {}
    for field in schema["fields"]:
        limits, rules = field.get("constraints", {}), []
        if "pattern" in limits:
            rules.append(pa.Check.str_matches(f"^(?:{limits['pattern']})"))
        if "enum" in limits:
            rules.append(pa.Check.isin(limits["enum"]))
        if "maxLength" in limits:
            rules.append(pa.Check.str_length(max_value=limits["maxLength"]))
        nullable, unique = not limits.get("required", False), limits.get("unique", False)
        checks[field["name"]] = pa.Column(pl.String, rules, nullable=nullable, unique=unique)
    frame = pl.read_csv(path, infer_schema=False, null_values=[""], truncate_ragged_lines=True)
    try:
        pa.DataFrameSchema(checks).validate(frame, lazy=True)
        found = 0
    except pa.errors.SchemaErrors as error:
        found = len(error.failure_cases)
    return {"rows": frame.height, "errors": found}


def run_floor_arrow(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    reader = arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=8 << 20),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda row: "skip"),
        convert_options=arrow_csv.ConvertOptions(
            column_types={field["name"]: pa.string() for field in schema["fields"]}
        ),
    )
    return {"rows": sum(batch.num_rows for batch in reader)}


def run_floor_polars(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    import polars as pl

    lines = pl.scan_csv(path, infer_schema=False, truncate_ragged_lines=True)
    lengths = lines.select(pl.len(), *(pl.col(field["name"]).str.len_bytes().sum() for field in schema["fields"]))
    return {"rows": lengths.collect(engine="streaming")["len"][0]}


def run_floor_duckdb(path: Path, schema: dict[str, Any]) -> dict[str, Any]:
    import duckdb

    sums = ", ".join(f'sum(strlen("{field["name"]}"))' for field in schema["fields"])
    read = f"read_csv('{path}', all_varchar=true, null_padding=true, ignore_errors=true, parallel=false)"
    rows = duckdb.sql(f"select count(*), {sums} from {read}").fetchall()
    return {"rows": rows[0][0]}


def run_one(tool: str, path: Path, started: float) -> None:
    """Run one tool on one file in this process, started at that time, and print what it did."""
    from validate_data import schema

    done = globals()[f"run_{tool.replace('-', '_')}"](path, schema())
    wall, usage = time.time() - started, resource.getrusage(resource.RUSAGE_SELF)
    report = done.pop("report", None)
    done |= {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}
    if report:
        done["digest"] = digest(report())
    print(json.dumps(done))


def digest(report: dict[str, Any]) -> str:
    """Give the fingerprint of a report, without its times and the place it was asked from."""
    for task in report["tasks"]:
        task.pop("place")
        task["stats"].pop("seconds")
    report["stats"].pop("seconds")
    return hashlib.sha256(json.dumps(report, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def measure(tool: str, path: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run one tool in a process of its own. Its wall time ends when its work does, before the report is rendered."""
    command = [sys.executable, __file__, "--one", tool, "--file", str(path), "--started", str(time.time())]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        return {"tool": tool, "failed": process.stderr.strip().splitlines()[-1:]}
    return {"tool": tool, **json.loads(process.stdout.splitlines()[-1])}


def made(folder: Path, rows: int, wrong: float) -> Path:
    """Give the file of so many rows, made if it is not there yet."""
    path = folder / f"sites-{rows}-{wrong}.csv"
    if not path.exists():
        # In a process of its own: what this one has in memory would count as its children's peak.
        command = [sys.executable, str(HERE / "validate_data.py"), str(path), str(rows), str(wrong)]
        subprocess.run(command, check=True)
    return path


def compare(path: Path, tools: list[str], repeat: int, environment: dict[str, str]) -> dict[str, Any]:
    """Let the tools take turns on one file; keep each tool's best run."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(repeat):
        for tool in tools:
            run = measure(tool, path, environment)
            if tool not in best or run.get("wall", 1e9) < best[tool].get("wall", 1e9):
                best[tool] = run
    base = best.get("frictionless", {})
    for run in best.values():
        if "wall" in run:
            run["rows_per_second"] = round(run["rows"] / run["wall"])
            if "wall" in base:
                run["wall_ratio"], run["cpu_ratio"] = base["wall"] / run["wall"], base["cpu"] / run["cpu"]
            if "call" in run and "call" in base:
                run["call_ratio"] = base["call"] / run["call"]
    if "digest" in base and "digest" in best.get("glane", {}):
        best["glane"]["same"] = base["digest"] == best["glane"]["digest"]
    return best


def show(rows: int, wrong: float, size: int, best: dict[str, dict[str, Any]]) -> None:
    print(f"\n{rows:,} rows, {wrong:.1%} wrong, {size / 1e6:,.0f} MB")
    print(f"{'':14}{'wall s':>9}{'cpu s':>9}{'rows/s':>11}{'peak MB':>9}{'x wall':>8}{'x cpu':>8}{'x call':>8}  errors")
    for tool, run in best.items():
        if "wall" not in run:
            print(f"{tool:14} failed: {run['failed']}")
            continue
        ratios = f"{run['wall_ratio']:8.1f}{run['cpu_ratio']:8.1f}" if "wall_ratio" in run else f"{'':16}"
        ratios += f"{run['call_ratio']:8.1f}" if "call_ratio" in run else f"{'':8}"
        said = f"{run.get('errors', ''):>8} {'same report' if run.get('same') else ''}"
        figures = f"{run['wall']:9.2f}{run['cpu']:9.2f}{run['rows_per_second']:11,}{run['peak_mb']:9.0f}"
        print(f"{tool:14}{figures}{ratios}{said}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--wrong", type=float, nargs="+", default=[0.0, 0.001, 0.05])
    parser.add_argument("--tools", nargs="+", default=list(TOOLS), choices=TOOLS)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "glane-bench")
    parser.add_argument("--one", choices=TOOLS, help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one, options.file, options.started)
        return
    options.data.mkdir(parents=True, exist_ok=True)
    # Compiled modules are cached for all tools alike: nobody validates with a Python that compiles at each start.
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(options.data / "pycache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    compare(made(options.data, 100, 0.05), options.tools, 1, environment)
    figures = []
    for rows in options.rows:
        for wrong in options.wrong:
            path = made(options.data, rows, wrong)
            best = compare(path, options.tools, options.repeat, environment)
            show(rows, wrong, path.stat().st_size, best)
            figures.append({"rows": rows, "wrong": wrong, "tools": best})
    print(json.dumps({"bench": "validate", "figures": figures}))


if __name__ == "__main__":
    main()
