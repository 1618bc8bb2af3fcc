"""The file of decisions once somebody is forgotten: nothing in it names them, and one line for each id keeps them out.

Belongs here: those lines. Does not belong here: what they do (publish/deciding.py, pipelines/forgetting/arriving.py).
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from glane.csv_lines import put
from glane.erasing import telling
from glane.errors import WorldError
from glane.pseudonyms import Salt
from publish.decisions import COLUMNS, add, read_decisions
from publish.forgetting.person import Person


def decide(path: Path, tables: Sequence[str], person: Person, salt: Salt, *, by: str) -> int:
    """Write what keeps `person` out into the file of decisions at `path`, and give how many lines of it named them.

    The file is there whole at each moment; the same again changes nothing. Raises DeclarationError, WorldError where it
    cannot be written.
    """
    pseudonyms = {salt.of(person.dataset, table, one) for one in person.ids for table in person.tables}
    decisions, texts = read_decisions(path, tables), telling(person.texts)
    named = {
        one.line
        for one in decisions.all
        if one.kind != "forgotten"
        and ({one.id, one.other} & (person.ids | pseudonyms) or texts.in_text(f"{one.seen}\n{one.value}"))
    }
    there = {one.id for one in decisions.all if one.kind == "forgotten"}
    fresh = sorted(salt.of(person.dataset, person.table, one) for one in person.ids)
    try:
        if named:
            _leave_out(path, named)
        for pseudonym in fresh:
            if pseudonym not in there:
                table = "" if person.table == tables[0] else person.table
                row = {"kind": "forgotten", "table": table, "id": pseudonym, "by": by, "on": person.at[:10]}
                add(path, tables, row)
    except OSError as error:
        raise WorldError(
            f"The decisions in {path} cannot be written: {error.strerror or error}.",
            "Nothing was forgotten. Let this process write there, or call glane forget where it can.",
        ) from error
    return len(named)


def _leave_out(path: Path, lines: set[int]) -> None:
    kept, text = io.StringIO(), path.read_text(encoding="utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    writer = csv.DictWriter(kept, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in reader:
        if reader.line_num not in lines:
            writer.writerow(row)
    put(path, kept.getvalue().encode())
