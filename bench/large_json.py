"""A JSON of a gigabyte, from the partner's file to judged rows: how long, and how much memory at most.

    python -m bench.large_json [--megabytes 1024]

The file is made first, in a temporary folder: records of some two kilobytes, of which a source maps a few columns, as
partners' exports have them. `read and mapped` is Glane's reader and mapping, `whole intake` all that a run does with a
source, reports included; `json.load` is Python's reader alone, which holds the whole document. Each is a process of its
own. The last line is the figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.pipelines.material import Commons, make_commons

GLANE = """
import resource
from pipelines.catalogue import load_catalogue
from pipelines.intake import take_in
from pipelines.settings import load_settings
from glane.store import open_store
settings = load_settings()
entry = load_catalogue(settings)["lieux"]
intake = take_in(entry.source("grand"), entry.dataset, open_store(settings.store))
assert intake.error is None, str(intake.error)
print(intake.report.counts.rows_in, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
MAPPED = """
import resource, sys
from pathlib import Path
from pipelines.catalogue import load_catalogue
from pipelines.settings import load_settings
from sources.mapping import map_rows
from sources.read import read
entry = load_catalogue(load_settings())["lieux"]
source = entry.source("grand")
reading = read(Path(sys.argv[1]), source.line.format)
mapped = map_rows(source, entry.dataset.main, reading, snapshot_date="2026-11-22")
print(mapped.rows_in, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
PYTHON = """
import json, resource, sys
with open(sys.argv[1], encoding="utf-8") as file:
    print(len(json.load(file)["data"]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def make(path: Path, megabytes: int) -> None:
    """Write a document of that size."""
    number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{"meta": {"source": "export"}, "data": [\n')
        while file.tell() < megabytes * 1024 * 1024:
            for _ in range(1000):
                record = {
                    "numero": number,
                    "nom": f"Médiathèque n° {number}",
                    "cp": f"{1000 + number % 95000:05}",
                    "texte": "Un lieu ouvert à tous, " * 60,
                    "horaires": dict.fromkeys(("lundi", "mardi", "jeudi"), "09:00-12:00"),
                    "contacts": [{"role": "accueil", "telephone": f"02{number:08}"}],
                    "services": ["impression", "ordinateurs", "ateliers"],
                }
                file.write((",\n" if number else "") + json.dumps(record, ensure_ascii=False))
                number += 1
        file.write("]}")


def measured(commons: Commons, path: Path) -> dict[str, dict[str, Any]]:
    """Both ways, one after the other."""
    environment = os.environ | commons.environment() | {"PYTHONPATH": str(Path(__file__).parents[1])}
    figures = {}
    for name, code in (("read and mapped", MAPPED), ("json.load", PYTHON), ("whole intake", GLANE)):
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        records, megabytes = map(int, done.stdout.split())
        print(f"{name}: {seconds:.1f} s, {records} records, {megabytes} MB at most", flush=True)
        figures[name] = {"seconds": round(seconds, 1), "records": records, "peak_mb": megabytes}
    return figures


def main() -> None:
    """Make, measure, print a table, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="glane-bench-") as folder:
        commons = make_commons(Path(folder))
        commons.dataset()
        declared = commons.source("grand") / "source.yaml"
        text = declared.read_text(encoding="utf-8").replace("lieux.csv", "lieux.json")
        kind = '{kind: csv, encoding: utf-8, delimiter: ","}'
        declared.write_text(text.replace(kind, "{kind: json, records: data}"), encoding="utf-8")
        path = declared.with_name("lieux.json")
        make(path, given.megabytes)
        figures = measured(commons, path)
        size = path.stat().st_size
    print(f"{size / 1024**2:.0f} MB of JSON")
    print(json.dumps({"megabytes": round(size / 1024**2), "figures": figures}))


if __name__ == "__main__":
    main()
