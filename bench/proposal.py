"""What `glane source new` maps right without help, on partners' real files, held against their declarations.

    python bench/proposal.py

For each file: of the columns that its declaration maps, how many the proposal gives the same field (right), another one
(wrong), none (missed); and how many columns it maps that the declaration leaves alone (more: right or wrong, nobody
said). It learns from the sample partners under sources/ only. Aim (issue "Harvest and contribution", 4): 80 %. There is
no peer to hold it against. The last line is the figures as JSON.
"""

from __future__ import annotations

import fnmatch
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from schemas.dataset import load_dataset  # noqa: E402 (the checkout's own modules)
from sources.declaration import Source, load_sources  # noqa: E402
from sources.proposal.proposal import propose  # noqa: E402
from sources.read import read  # noqa: E402


@dataclass(frozen=True)
class Figures:
    """One file: columns mapped right, wrong and not at all, more than was asked, and whether the table is right."""

    source: str
    columns: int
    right: int
    wrong: int
    missed: int
    more: int
    table_right: bool


def measure_all() -> list[Figures]:
    """Propose a declaration for every real file, knowing the sample partners alone."""
    found = []
    for source in load_sources(ROOT / "tests" / "real"):
        assert isinstance(source, Source)
        known = [one for one in load_sources(ROOT / "sources", source.dataset) if isinstance(one, Source)]
        found.append(measure(source, known))
    return found


def measure(source: Source, known: list[Source]) -> Figures:
    """Hold what is proposed for the file of `source` against what it declares."""
    dataset = load_dataset(ROOT / "schemas" / source.dataset)
    file = source.folder / str(source.line.where.file)
    line = source.line
    ids = line.id.columns if line.id and line.id.columns else ()
    said = {"name": file.name, "country": line.country, "language": line.language, "identity": ids}
    table = line.table or dataset.main.name
    found = propose(dataset, known, file, **said).found
    unaided = found.table.name
    if unaided != table:
        found = propose(dataset, known, file, table=table, **said).found
    truth: dict[str, set[str]] = {}
    patterns = any("*" in column for mapping in line.map.values() for column in mapping.taken)
    held = read(file, line.format).columns if patterns else ()
    for field, mapping in line.map.items():
        for written in mapping.taken:
            # "Tag *" is as many columns as the file has.
            name = " ".join(written.split())
            for column in fnmatch.filter(held, name) if "*" in name else [name]:
                truth.setdefault(column, set()).add(field)
    told: dict[str, set[str]] = {}
    for field, match in found.matches.items():
        told.setdefault(match.column.name, set()).add(field)
    hours = next((field for field, mapping in line.map.items() if mapping.days), "")
    for column in (name for names in found.days.values() for name in names):
        told.setdefault(column, set()).add(hours)
    for column in found.point:
        told.setdefault(column, set()).update(("latitude", "longitude"))
    right = [column for column in truth if truth[column] & told.get(column, set())]
    wrong = [column for column in truth if column in told and column not in right]
    more = [column for column in told if column not in truth]
    missed = len(truth) - len(right) - len(wrong)
    return Figures(source.name, len(truth), len(right), len(wrong), missed, len(more), unaided == table)


def main() -> None:
    """Measure, print the table and the line of figures."""
    figures = measure_all()
    print(f"{'':42}{'columns':>8}{'right':>7}{'wrong':>7}{'missed':>8}{'more':>6}  table")
    for one in figures:
        table = "right" if one.table_right else "wrong"
        print(f"{one.source:42}{one.columns:8}{one.right:7}{one.wrong:7}{one.missed:8}{one.more:6}  {table}")
    columns, right = sum(one.columns for one in figures), sum(one.right for one in figures)
    print(f"{right} of {columns} columns right: {right / columns:.1%}")
    whole = {"bench": "proposal", "share": round(right / columns, 4), "files": [asdict(one) for one in figures]}
    print(json.dumps(whole))


if __name__ == "__main__":
    main()
