"""Holds a source's declaration against its dataset: what can only be wrong once both are known.

Belongs here: unknown tables, fields, cleaners and terms, and ids that come from nowhere or twice; reading all sources
with the broken ones told apart. Does not belong here: the form of source.yaml (declaration.py), the data (mapping.py).
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from glane.declaration import DeclarationError, Fault, lines_of
from schemas.dataset import Dataset, Table
from schemas.personal.decisions import misfits
from sources.clean import CLEANERS
from sources.declaration import BrokenSource, Source, load_sources
from sources.fields import FieldMapping
from sources.identity.own import id_prefix
from sources.lookup import LookupTable, LookupTableError, table_path
from sources.several import NUMBER
from sources.terms import Terms

_At = tuple[str | int, ...]
_Found = Iterator[tuple[_At, str, str]]  # where it stands, what is wrong, what to do


def load_checked(
    root: Path, datasets: Mapping[str, Dataset], dataset: str | None = None
) -> list[Source | BrokenSource]:
    """Read every source under `root` (of one dataset, or of all), each held against its dataset; alphabetical.

    A source that fails its check is a BrokenSource, beside those whose declaration cannot even be read.
    """
    found: list[Source | BrokenSource] = []
    for source in kept_apart(load_sources(root, dataset)):
        if isinstance(source, Source):
            try:
                _check_in(source, datasets)
            except DeclarationError as error:
                source = BrokenSource(source.dataset, source.partner, source.folder, error)
        found.append(source)
    return found


def kept_apart(sources: Iterable[Source | BrokenSource]) -> list[Source | BrokenSource]:
    """The same sources in their order; of two whose ids would begin alike ("a.b" and "a-b") the second is broken: rows
    of both would be taken for one another."""
    found: list[Source | BrokenSource] = []
    first: dict[tuple[str, str], Path] = {}
    for source in sources:
        holder = first.setdefault((source.dataset, id_prefix(source.partner)), source.folder)
        if isinstance(source, Source) and holder != source.folder:
            what = f"Its ids would begin with {id_prefix(source.partner)!r}, like those of the folder {holder.name!r}."
            fault = Fault(1, "", what, "Rename one of the two folders by more than its signs.")
            error = DeclarationError(source.folder / "source.yaml", [fault])
            source = BrokenSource(source.dataset, source.partner, source.folder, error)
        found.append(source)
    return found


def _check_in(source: Source, datasets: Mapping[str, Dataset]) -> None:
    if source.dataset in datasets:
        return check_against(source, datasets[source.dataset])
    what = f"The folder says that this feeds {source.dataset!r}, which is no dataset."
    raise DeclarationError(source.folder / "source.yaml", [Fault(1, "", what, _nearest(source.dataset, datasets))])


def table_of(source: Source, dataset: Dataset) -> Table:
    """The table that `source` feeds. Raises DeclarationError where the declared one cannot be fed."""
    name = source.line.table
    if name is None:
        return dataset.main
    fed = {table.name: table for table in dataset.contributed}
    if name in fed:
        return fed[name]
    path = source.folder / "source.yaml"
    what = f"The dataset {dataset.name} has no table {name!r} that partners feed."
    raise DeclarationError(path, [Fault(lines_of(path)[("table",)], "table", what, _nearest(name, fed))])


def check_against(source: Source, dataset: Dataset) -> None:
    """Check that `source` can feed its table of `dataset`.

    Raises DeclarationError naming the line and key of every fault, with the nearest name that exists.
    """
    table = table_of(source, dataset)
    path = source.folder / "source.yaml"
    lines = lines_of(path)
    found = [*_fields(source, table), *_identity(source, table), *_geocode(source, table)]
    decided = misfits(source.line.personal, table.schema, table.rule_fields)
    found += [(("personal", *at), what, remedy) for at, what, remedy in decided]
    for name, mapping in source.line.map.items():
        found += [
            *_cleaners(name, mapping),
            *_lookup(name, mapping, source.folder),
            *(_terms(name, mapping, table) if name in table.fields else ()),
        ]
    if found:
        raise DeclarationError(path, [Fault(_line(lines, at), ".".join(map(str, at)), *said) for at, *said in found])


def _fields(source: Source, table: Table) -> _Found:
    # A required field that nothing fills is no fault here: the partner's file may not have it, and its report says so.
    for name in source.line.map:
        if name not in table.fields:
            yield ("map", name), f"The table {table.name} has no field {name!r}.", _nearest(name, table.fields)
        elif table.line.provided.get(name) == "error_address":
            yield ("map", name), f"Glane fills the field {name!r} when it makes a version.", "Take this line out."


def _geocode(source: Source, table: Table) -> _Found:
    declared = source.line.geocode
    if declared is not None and table.line.geometry is None:
        yield ("geocode",), f"The table {table.name} has no point to fill.", "Remove 'geocode'."
    for name in declared.fields if declared is not None else ():
        if name not in table.fields:
            yield ("geocode",), f"The table {table.name} has no field {name!r}.", _nearest(name, table.fields)


def _identity(source: Source, table: Table) -> _Found:
    identity, key = source.line.id, table.primary_key
    if identity is None:
        missing = [name for name in key if name not in source.line.map and name not in table.line.provided]
        if missing and not (source.folder / "hook.py").exists():
            what = f"Nothing gives the key of the table {table.name}: {', '.join(missing)}."
            yield ("map",), what, "Add 'id' with the partner's own number (columns) or with fields."
        return
    if len(key) != 1:
        yield ("id",), f"The key of the table {table.name} is not one field.", "Remove 'id' and map its fields."
    elif key[0] in source.line.map:
        yield ("map", key[0]), f"The field {key[0]!r} comes from 'id' already.", "Keep one of the two."
    several = source.line.several
    if several is not None and identity.columns is not None and not {*several.columns, NUMBER} & {*identity.columns}:
        what = "The id would be the same for all rows of one record (several:)."
        yield ("id", "columns"), what, f"Add {NUMBER!r} to its columns, or one of those under several."
    for number, name in enumerate(identity.fields or ()):
        if name not in source.line.map:
            what = f"The id is made of {name!r}, which is not mapped."
            yield ("id", "fields", number), what, _nearest(name, source.line.map)


def _cleaners(name: str, mapping: FieldMapping) -> _Found:
    for number, cleaner in enumerate(mapping.clean):
        if cleaner not in CLEANERS:
            yield ("map", name, "clean", number), f"There is no cleaner {cleaner!r}.", _nearest(cleaner, CLEANERS)


def _lookup(name: str, mapping: FieldMapping, folder: Path) -> _Found:
    if mapping.lookup is not None:
        try:
            LookupTable(table_path(folder, mapping.lookup), mapping.lookup)
        except LookupTableError as error:
            yield ("map", name, "lookup"), error.what, error.remedy


def _terms(name: str, mapping: FieldMapping, table: Table) -> _Found:
    listed = table.line.terms.get(name)
    if listed is None or listed.severity != "error":
        return
    accepted = Terms({term: term for term in table.terms[listed.list]} | table.synonyms[listed.list])
    written: list[tuple[_At, str | None]] = [(("map", name, "terms", key), ours) for key, ours in mapping.terms.items()]
    written += [(("map", name, way), getattr(mapping, way)) for way in ("constant", "default")]
    written += [(("map", name, "choices", n, "value"), c.value) for n, c in enumerate(mapping.choices or ())]
    for at, text in written:
        # A constant or a choice may be a partner's term, which the mapping translates.
        translated = mapping.terms if at[2] in ("constant", "choices") else {}
        parts = text.split(listed.separator) if text and listed.separator else [text or ""]
        for part in parts:
            if part and part not in translated and accepted.find(part) is None:
                what = f"{part!r} is not on the list {listed.list}."
                yield at, what, _nearest(part, table.terms[listed.list])


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(names[:40])}{', ...' if len(names) > 40 else ''}."


def _line(lines: Mapping[_At, int], at: _At) -> int:
    while at not in lines:
        at = at[:-1]
    return lines[at]
