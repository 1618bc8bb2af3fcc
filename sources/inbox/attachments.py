"""Which of the files that a mail brings is the partner's table, and why none is.

Belongs here: looking at names and bytes; nothing is executed, unpacked to a disk or shown. Does not belong here:
finding the files in the mail (message.py), reading tables (formats/).
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from sources.declaration import Kind

MEMBER_MAX = 64 * 1024 * 1024
"""A file in an archive is looked into as far as this."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_VBA = "_VBA_PROJECT".encode("utf-16-le")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MACRO_PARTS = re.compile(r"(^|/)(vbaproject\.bin|macrosheets/|activex/)", re.IGNORECASE)
_MACRO_NAMES = (".xlsm", ".xlsb", ".xltm", ".xlam", ".xla", ".docm", ".pptm", ".xll")
_SUFFIXES: dict[str, tuple[str, ...]] = {
    "csv": (".csv", ".txt"),
    "tsv": (".tsv", ".tab", ".txt"),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "geojson": (".geojson", ".json"),
}
# Pictures, signatures, cards and invitations come with any mail: nobody meant them as data.
_NO_DATA = ("image/", "audio/", "video/", "text/calendar", "text/vcard", "text/x-vcard", "application/pgp-", "message/")
_NO_DATA_NAMES = (
    ".p7s",
    ".p7m",
    ".asc",
    ".sig",
    ".ics",
    ".vcf",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".bmp",
    ".webp",
)


@dataclass(frozen=True)
class Attachment:
    """A file that came with a mail: its name as it is safe to use, what the mail calls it, its bytes."""

    name: str
    content_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Chosen:
    """The one file that is taken, or the reasons why none is: a word of mail.yaml (reason-...) and a file's name."""

    file: Attachment | None = None
    reasons: tuple[str, ...] = ()


def choose(attachments: Sequence[Attachment], kind: Kind, match: str = "*") -> Chosen:
    """Choose the partner's table among the files of a mail. Neither a file nor a reason: the mail brings no files.

    `kind` is the declared format; our own workbooks (XLSX: the template, their file back) are taken whatever it is, and
    so is an archive that holds one such file.
    """
    meant = [one for one in attachments if not _no_data(one)]
    fitting = [one for one in meant if fnmatchcase(one.name.casefold(), match.casefold())] or meant
    wrong = {one.name: reason for one in fitting if (reason := _wrong(one, kind)) is not None}
    tables = {one.sha256: one for one in fitting if one.name not in wrong}
    if len(tables) > 1:
        return Chosen(reasons=("several",))
    if tables and not any(reason.startswith(("macros", "winmail")) for reason in wrong.values()):
        # A letter or a picture beside the table needs no word.
        return Chosen(next(iter(tables.values())))
    return Chosen(reasons=tuple(dict.fromkeys(wrong.values())))


def safe_name(name: str) -> str:
    """The last part of a file's name, without signs that a path, a header or a terminal would take otherwise."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(sign if sign.isprintable() and sign not in '<>:"|?*' else "_" for sign in last).strip(". ")
    stem, dot, suffix = plain.rpartition(".")
    return f"{stem[:80]}{dot}{suffix[:12]}" if dot else plain[:80]


def _no_data(one: Attachment) -> bool:
    named = one.name.lower().endswith(_NO_DATA_NAMES)
    return named or (one.content_type.startswith(_NO_DATA) and not _suffix_is_table(one.name))


def _suffix_is_table(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".json", ".zip")


def _wrong(one: Attachment, kind: Kind, *, inside: bool = False) -> str | None:
    """Why a file is not taken; None where it is."""
    name = one.name.lower()
    if one.content_type == "application/ms-tnef" or name == "winmail.dat":
        return "winmail"
    if not one.data.strip():
        return f"empty:{one.name}"
    if name.endswith(_MACRO_NAMES):
        return f"macros:{one.name}"
    if one.data.startswith(_OLE):
        if _VBA in one.data:
            return f"macros:{one.name}"
        if _ENCRYPTED in one.data:
            return f"locked:{one.name}"
        return None if kind == "xls" and name.endswith(".xls") else f"kind:{one.name}"
    if one.data.startswith(_ZIP):
        return _wrong_zip(one, kind, inside=inside)
    return None if PurePosixPath(name).suffix in _accepted(kind, text=True) else f"kind:{one.name}"


def _wrong_zip(one: Attachment, kind: Kind, *, inside: bool) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(one.data)) as archive:
            names = archive.namelist()
            if any(_MACRO_PARTS.search(name) for name in names):
                return f"macros:{one.name}"
            if {"[Content_Types].xml", "mimetype"} & set(names):
                fits = PurePosixPath(one.name.lower()).suffix in _accepted(kind, text=False)
                return None if fits else f"kind:{one.name}"
            return f"archive:{one.name}" if inside else _wrong_archive(one, archive, kind)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return f"archive:{one.name}"


def _wrong_archive(one: Attachment, archive: zipfile.ZipFile, kind: Kind) -> str | None:
    """An archive is taken where exactly one file of it would be; RuntimeError: it wants a password."""
    suffixes = (f".{kind}",)
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and PurePosixPath(member.filename.lower()).suffix in (*suffixes, *_MACRO_NAMES)
    ]
    if len(members) != 1 or members[0].file_size > MEMBER_MAX:
        return f"archive:{one.name}"
    if members[0].flag_bits & 1:
        return f"locked:{one.name}"
    with archive.open(members[0]) as packed:
        # What it says of its own size is not believed.
        data = packed.read(MEMBER_MAX + 1)
    if len(data) > MEMBER_MAX:
        return f"archive:{one.name}"
    inner = Attachment(safe_name(members[0].filename), "", data)
    return _wrong(inner, kind, inside=True)


def _accepted(kind: Kind, *, text: bool) -> tuple[str, ...]:
    """The endings of the files of a kind; a text file is never a workbook, whatever its name."""
    if text:
        return () if kind in ("xlsx", "xls", "ods") else _SUFFIXES.get(kind, (f".{kind}",))
    return tuple({f".{kind}", ".xlsx"} - {".csv", ".tsv", ".json", ".jsonl", ".geojson", ".xls"})
