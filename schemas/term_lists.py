"""A term list as a file: where it stands, and reading it.

Belongs here: `terms/*.csv` of a dataset, or of several; writing a synonym that a person accepted. Does not belong here:
judging cells by a list (terms.py).
"""

import csv
import io
from pathlib import Path

from glane.declaration import DeclarationError, Fault
from glane.errors import CallError


def terms_path(folder: Path, name: str) -> Path:
    """Where the term list `name` of the dataset in `folder` stands: its own, or the one that several share."""
    shared = folder.parent / "terms" / f"{name}.csv"
    own = folder / "terms" / f"{name}.csv"
    return shared if shared.exists() and not own.exists() else own


def load_terms(path: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Read a term list: CSV with the columns term, synonyms (separated by `|`), fr, en.

    Gives the accepted terms in order, and {synonym: term}. Raises DeclarationError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError as error:
        fault = Fault(1, "", "The term list is missing.", "Create it with the columns term,synonyms,fr,en.")
        raise DeclarationError(path, [fault]) from error
    if not rows:
        raise DeclarationError(path, [Fault(1, "term", "The list is empty.", "Add a term.")])
    meant: dict[str, str] = {}
    faults: list[Fault] = []
    for number, row in enumerate(rows, start=2):
        term = row.get("term") or ""
        empty = [column for column in ("term", "fr", "en") if not row.get(column)]
        faults += [Fault(number, column, "The cell is empty.", "Fill it or remove the line.") for column in empty]
        for written in filter(None, (term, *_parts(row.get("synonyms")))):
            if written in meant:
                faults += [Fault(number, "synonyms", f"{written!r} stands on the list already.", "Keep one.")]
            meant[written] = term
    if faults:
        raise DeclarationError(path, faults)
    terms = tuple(row["term"] for row in rows)
    return terms, {written: term for written, term in meant.items() if written != term}


def add_synonym(path: Path, term: str, written: str) -> None:
    """Write into the list at `path` that `written` is understood as `term`, which is on it.

    Raises CallError for a text that stands on the list already, or that cannot stand there.
    """
    accepted, synonyms = load_terms(path)
    if written in accepted or written in synonyms:
        what = f"{written!r} is on the list {path.stem} already, as {synonyms.get(written, written)!r}."
        raise CallError(what, f"Correct {path.name} by hand if that is wrong.")
    if "|" in written or term not in accepted:
        what = f"{written!r} cannot be understood as {term!r} on the list {path.stem}."
        raise CallError(what, f"Its terms: {', '.join(accepted)}. '|' parts synonyms and cannot stand in one.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or ()), list(reader)
    for row in rows:
        if row["term"] == term:
            row["synonyms"] = "|".join([*_parts(row["synonyms"]), written])
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    staged = path.with_name(f".{path.name}.new")
    staged.write_text(text.getvalue(), "utf-8")
    staged.replace(path)


def _parts(cell: str | None) -> list[str]:
    return [part for text in (cell or "").split("|") if (part := text.strip())]
