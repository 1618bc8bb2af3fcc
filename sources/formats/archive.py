"""ZIP archives: which files of one are meant, unfolded within bounds.

Belongs here: choosing the members and writing them out one by one. Does not belong here: reading them (the other
modules of this folder). Names in an archive are never used as paths, and archives within archives are not opened.
"""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from sources.declaration import FileFormat
from sources.formats.reading import ReadError

_UNFOLDED_MAX = 1024**3
_CHUNK = 1024**2


def is_archive(path: Path) -> bool:
    """Whether the file is a ZIP of files; a workbook (XLSX, ODS) is a ZIP too, and is no archive here."""
    with path.open("rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return not {"[Content_Types].xml", "mimetype"} & set(archive.namelist())
    except zipfile.BadZipFile:
        return path.suffix.lower() == ".zip"


@contextmanager
def unfolded(path: Path, declared: FileFormat) -> Iterator[list[tuple[str, Path]]]:
    """The files of the ZIP at `path` that are meant, by name, each with where it is: a folder that is gone afterwards.

    More than one only where they are read `together`, or the kind is JSON: the pages of an API. Raises ReadError: a
    damaged or protected archive, no such file in it or several, more than a gigabyte.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="glane-") as folder:
            members = _members(path, archive, declared)
            room = _UNFOLDED_MAX
            files = []
            for number, member in enumerate(members):
                target = Path(folder) / f"{number:04}" / f"{path.name} : {PurePosixPath(member.filename).name}"
                target.parent.mkdir()
                room -= _write(path, archive, member, target, room)
                files.append((member.filename, target))
            yield files
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        remedy = "Make the archive again (.zip, without a password), and send it whole."
        raise ReadError(path, f"this archive cannot be opened ({error}).", remedy) from error


def _members(path: Path, archive: zipfile.ZipFile, declared: FileFormat) -> list[zipfile.ZipInfo]:
    every = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    wanted = declared.member or f"*.{declared.kind}"
    found = [one for one in every if _fits(one.filename, wanted)]
    names = ", ".join(sorted(one.filename for one in every)[:20]) or "nothing"
    if not found:
        remedy = f"It holds: {names}. Say which file it is in source.yaml (format: member)."
        raise ReadError(path, f"no file in this archive fits {wanted!r}.", remedy)
    if len(found) > 1 and declared.kind != "json" and not declared.together:
        remedy = f"It holds: {names}. Name one in source.yaml (format: member), or read all as one (together: true)."
        raise ReadError(path, f"{len(found)} files in this archive fit {wanted!r}.", remedy)
    return sorted(found, key=lambda one: one.filename)


def _fits(name: str, wanted: str) -> bool:
    return any(fnmatchcase(text.casefold(), wanted.casefold()) for text in (name, PurePosixPath(name).name))


def _write(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, room: int) -> int:
    """Write one member out; what it says of its own size is not believed. Gives its bytes."""
    if member.flag_bits & 1:
        raise ReadError(path, "this archive is protected by a password.", "Send it without one.")
    size = 0
    with archive.open(member) as packed, target.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > room:
                raise ReadError(path, f"this archive unfolds to more than {_UNFOLDED_MAX} bytes.", "Send less of it.")
            file.write(chunk)
    return size
