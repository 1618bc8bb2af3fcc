"""Which files of versions stay in the store, and which inputs versions still need.

Belongs here: deciding that. Does not belong here: taking things out (glane/removals.py), making a derived file again
(remaking.py), what partners sent that no version was made of (sources/past.py).

A version's canonical files are for ever. Its derived files (XLSX, GeoJSON, ...) stay while it is current, one version
longer (for whoever has the former page open), and for the last version of each month.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath

from glane.removals import Removal
from glane.store import Store
from publish.coverage_files import BY_COMMUNE
from publish.formats import DERIVED, FORMATS
from publish.remaking import derived_files, is_same_again
from publish.version import Listed, Version, VersionFile, current, listed, load_line

_GRACE = 2
"""The last versions that keep all their formats: the current one, and the one before it."""
_SUFFIXES = (*(f".{FORMATS[name].extension}" for name in DERIVED), BY_COMMUNE)


def with_derived(lines: Sequence[Listed]) -> frozenset[str]:
    """The versions, of all that are listed (oldest first), that keep their derived formats."""
    last_of_month = {line.created[:7]: line.version for line in lines}
    return frozenset({*last_of_month.values(), *(line.version for line in lines[-_GRACE:])})


def derived_path(path: str) -> bool:
    """Whether a file of a version, by its path, is one that is made of canonical ones."""
    return PurePosixPath(path).parent == PurePosixPath() and path.endswith(_SUFFIXES)


def surplus(store: Store, dataset: str, *, at: str) -> Iterator[Removal]:
    """The derived files that need not stay, each proven to come out the same when it is made again.

    One that would not (another release writes it now) stays. `at` is the moment of the removal. Raises VersionError.
    """
    lines = listed(store, dataset)
    there = store.files(f"versions/{dataset}")
    having = {path.partition("/")[0] for path in there if path.endswith(_SUFFIXES)} - with_derived(lines)
    with tempfile.TemporaryDirectory(prefix="glane-") as folder:
        for line in lines:
            if line.version not in having:
                continue
            version = load_line(store, dataset, line)
            for file in derived_files(version):
                if f"{line.version}/{file.path}" in there and is_same_again(store, version, file, Path(folder)):
                    why = "a derived format of an older version: glane derive makes it again"
                    yield Removal(f"{version.key}/{file.path}", file.sha256, file.bytes, at, why)


def was_removed(gone: Mapping[str, Removal], version: Version, file: VersionFile) -> bool:
    """Whether the log says that this derived file went as declared; what is canonical never does."""
    line = gone.get(f"{version.key}/{file.path}")
    return line is not None and line.sha256 == file.sha256 and file in derived_files(version)


def inputs_of(store: Store, dataset: str) -> dict[tuple[str, str], str | None]:
    """The snapshots that listed versions were made of: (partner, SHA-256), and when the last of these versions was
    followed by another one; None for those of the current version.

    Raises VersionError where a version is damaged: then nobody can say what it needs.
    """
    lines = listed(store, dataset)
    until: dict[tuple[str, str], str | None] = {}
    for line, after in zip_longest(lines, lines[1:]):
        version = load_line(store, dataset, line)
        for source in (*version.inputs, *version.absent):
            until[source.partner, source.snapshot] = after.created if after is not None else None
    return until


def current_rows(store: Store, dataset: str) -> set[tuple[str, str]]:
    """The rows that the current version was made of: (partner, their SHA-256)."""
    version = current(store, dataset)
    return {(source.partner, source.rows_sha256) for source in version.inputs} if version is not None else set()
