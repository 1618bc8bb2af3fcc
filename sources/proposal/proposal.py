"""Proposes a new source out of a partner's file: its whole folder, ready to be read by a person and run.

Belongs here: the steps from a file to a folder, and writing it whole or not at all. Does not belong here: any step of
its own (look.py, content.py, matching.py, writing.py, sampling.py), asking a person (the command line).
"""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glane.errors import CallError
from schemas.dataset import Dataset
from sources.check import check_against
from sources.declaration import Expected, FileFormat, Source, load_source
from sources.formats.reading import Reading
from sources.proposal.content import columns_of
from sources.proposal.look import look
from sources.proposal.matching import Custom, Matching, custom_of, match
from sources.proposal.sampling import write_sample
from sources.proposal.writing import Credit, declaration, identity_fields
from sources.testing import run_sample, write_expected

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,60}")


@dataclass(frozen=True)
class Proposal:
    """What a file seems to be: for which table, how it is written, which of its columns are for which fields."""

    dataset: Dataset
    found: Matching
    format: FileFormat
    reading: Reading
    custom: Custom

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns that are mapped, or tell the rows apart."""
        mapped = [one.column.name for one in self.found.matches.values()]
        by_day = [name for names in self.found.days.values() for name in names]
        return tuple(dict.fromkeys([*self.found.identity, *mapped, *by_day, *self.found.point]))


def propose(
    dataset: Dataset,
    known: Sequence[Source],
    path: Path,
    *,
    name: str,
    country: str,
    language: str,
    table: str | None = None,
    identity: Sequence[str] = (),
) -> Proposal:
    """Find out what the file at `path` (called `name`) is for `dataset`, learning from the `known` sources of it.

    `table` and `identity` (columns) are what a person says of it. Raises ReadError, and CallError where no column tells
    the rows apart, or one of `identity` is not there.
    """
    declared, reading = look(path, name=name)
    if missing := [column for column in identity if column not in reading.columns]:
        raise CallError(
            f"{name} has no column {missing[0]!r}.", f"Its columns: {', '.join(map(repr, reading.columns))}."
        )
    columns = columns_of(reading.columns, reading.records, frozenset(declared.missing), country)
    tables = [one for one in dataset.contributed if table in (None, one.name)]
    if not tables:
        raise CallError(
            f"{dataset.name} has no table {table!r} that partners feed.",
            f"It has: {', '.join(one.name for one in dataset.contributed)}.",
        )
    customs = {one.name: custom_of(one, known, dataset.main.name) for one in tables}
    found = max((match(one, columns, customs[one.name], language) for one in tables), key=lambda one: one.score)
    if identity:
        found = replace(found, identity=tuple(identity), rest=tuple(set_aside(found.rest, identity)))
    if not found.matches:
        raise CallError(
            f"No column of {name} is for a field of {dataset.name}.",
            f"Its columns: {', '.join(map(repr, reading.columns[:20]))}. Is it the right dataset?",
        )
    if len(found.table.primary_key) == 1 and not found.identity and not identity_fields(found):
        raise CallError(
            f"Nothing in {name} tells its rows apart.",
            f"Say with --id which columns do. There are: {', '.join(map(repr, reading.columns[:20]))}.",
        )
    return Proposal(dataset, found, declared, reading, customs[found.table.name])


def set_aside(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """`names` without those that are `taken`."""
    return [name for name in names if name not in taken]


def write_source(
    proposal: Proposal, folder: Path, credit: Credit, where: Mapping[str, Any], *, active: bool
) -> tuple[Path, ...]:
    """Write the folder of the new source: source.yaml, and its sample with what it becomes; gives the files.

    They are tried beside their place and moved there together, source.yaml last. Raises CallError where the folder is
    there already or its name is none, DeclarationError where what is proposed would not be valid.
    """
    if not _NAME.fullmatch(folder.name):
        raise CallError(f"{folder.name!r} is no name for a source.", "Use small letters, digits and hyphens: my-hub.")
    if folder.exists():
        raise CallError(f"{folder} is there already.", "Choose another name, or remove that folder first.")
    dataset, main = proposal.dataset, proposal.found.table.name == proposal.dataset.main.name
    text = declaration(credit, where, proposal.format, proposal.found, proposal.custom, main=main, active=active)
    with tempfile.TemporaryDirectory(prefix="glane-") as trial:
        draft = Path(trial) / folder.parent.name / folder.name
        draft.mkdir(parents=True)
        (draft / "source.yaml").write_text(text, encoding="utf-8")
        source = load_source(draft)
        check_against(source, dataset)
        if write_sample(draft, proposal.format, proposal.reading, proposal.wanted) is not None:
            write_expected(source, dataset)
            counts = run_sample(source, dataset).counts
            (draft / "source.yaml").write_text(f"{text}{_promise(counts)}", encoding="utf-8")
        folder.mkdir(parents=True)
        files = sorted(draft.iterdir(), key=lambda path: (path.name == "source.yaml", path.name))
        return tuple(Path(shutil.copyfile(path, folder / path.name)) for path in files)


def relative(file: Path, folder: Path) -> str:
    """The path of a local file as a source.yaml in `folder` names it."""
    return Path(os.path.relpath(file.absolute(), folder.absolute())).as_posix()


def _promise(counts: Expected) -> str:
    told = ", ".join(f"{name}: {count}" for name, count in counts.model_dump().items() if count or name != "on_hold")
    return f"expected: {{{told}}}\n"
