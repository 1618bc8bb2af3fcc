# /// script
# requires-python = ">=3.11"
# dependencies = ["csv-diff==1.2", "daff==1.4.2", "datacompy==1.1.0"]
# ///
"""The peers of bench/diff.py on two CSV files: diff_peers.py TOOL OLD NEW KEY; prints counts, CPU and memory as JSON.

They have an environment of their own: datacompy takes neither pandas 3 nor polars 2, and csv-diff installs a module
called `tests` that would hide ours.
"""

import csv
import json
import resource
import sys


def run_csv_diff(old: str, new: str, key: str) -> dict[str, int]:
    from csv_diff import compare, load_csv

    with open(old, encoding="utf-8", newline="") as before, open(new, encoding="utf-8", newline="") as after:  # noqa: PTH123
        found = compare(load_csv(before, key=key), load_csv(after, key=key))
    return {name: len(found[name]) for name in ("added", "changed", "removed")}


def run_daff(old: str, new: str, key: str) -> dict[str, int]:
    import daff

    tables = []
    for path in (old, new):
        with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123
            tables.append(daff.PythonTableView(list(csv.reader(file))))
    flags = daff.CompareFlags()
    flags.ordered = False
    flags.ids = [key]
    output = daff.PythonTableView([])
    daff.TableDiff(daff.Coopy.compareTables(*tables, flags).align(), flags).hilite(output)
    marks = [str(output.getCell(0, row)) for row in range(1, output.get_height())]
    changed = sum(mark.endswith("->") for mark in marks)
    return {"added": marks.count("+++"), "changed": changed, "removed": marks.count("---")}


def run_datacompy(old: str, new: str, key: str) -> dict[str, int]:
    import datacompy
    import polars as pl

    frames = [pl.read_csv(path, infer_schema=False) for path in (old, new)]
    found = datacompy.PolarsCompare(*frames, join_columns=[key])
    changed = found.intersect_rows.height - found.count_matching_rows()
    return {"added": found.df2_unq_rows.height, "changed": changed, "removed": found.df1_unq_rows.height}


if __name__ == "__main__":
    tool, *files_and_key = sys.argv[1:]
    counts = globals()[f"run_{tool.replace('-', '_')}"](*files_and_key)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**counts, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}))
