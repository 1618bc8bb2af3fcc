"""What a version is, and how versions stand in the store: listed, read, checked; never changed.

Belongs here: the manifest's model, the list of a dataset's versions, reading them back. Does not belong here: making
a version (build.py) or showing it on a portal (ckan/).

    versions/<dataset>/<version>/      the files and, last, manifest.json with the SHA-256 of each
    versions/<dataset>/versions.json   the list, with the SHA-256 of each manifest; flipped last
"""

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glane.errors import CallError, DataError
from glane.store import MissingError, OvertakenError, Stamp, Store, sha256_of, to_json
from glane.text import Text
from schemas.dataset import Format

MANIFEST = "manifest.json"
Kind = Literal[
    "data", "package", "changelog", "delta", "quality", "provenance", "citation", "feed", "withdrawn", "coverage"
]


class VersionError(DataError):
    """A version in the store is not what was listed: edited, damaged or missing."""


class UnknownVersionError(CallError):
    """No such version is listed."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionFile(_Kept):
    """One file of a version; `path` is relative to the version's folder.

    `made_by` names the releases that wrote a derived format: with others, its bytes may come out otherwise.
    """

    path: str
    sha256: str
    bytes: int
    kind: Kind
    table: str | None = None
    format: Format | None = None
    made_by: str | None = None


class Input(_Kept):
    """What one partner brought to a version: whose, under which licence, which bytes, judged and mapped by what.

    `absent_since` is the ISO day since which rows are no longer in the partner's file, for those in their grace period.
    """

    partner: str
    table: str
    title: Text
    organisation: str
    licence: str
    attribution: str
    snapshot: str
    snapshot_date: str
    rows_sha256: str
    judged_by: str
    mapped_by: str
    rows_in: int
    passed: int
    to_correct: int
    on_hold: int
    stale_since: str | None = None
    absent_since: str | None = Field(default=None, exclude_if=lambda since: since is None)


class Restored(_Kept):
    """The older version that a version brings back, and why."""

    version: str
    reason: str


class Forgotten(_Kept):
    """That a person's data was taken out of a version: when (UTC), and the SHA-256 that each file had before."""

    at: str
    was: Mapping[str, str]


class Version(_Kept):
    """One version of a dataset: the whole of its manifest.json.

    `content` is the identity of what it says (package.identity): the same content never makes a second version.
    `rows` counts the rows of each table. `absent` are rows of older snapshots that are no longer in their partner's
    file and in their grace period. `restores` is set on a version that brings an older one back, `forgotten` on one
    that a person's data was taken out of (docs/forgetting.md).
    """

    dataset: str
    version: str
    created: str
    previous: str | None
    level: Literal["first", "major", "minor", "patch"]
    content: str
    rows: Mapping[str, int]
    files: tuple[VersionFile, ...]
    inputs: tuple[Input, ...]
    absent: tuple[Input, ...] = Field(default=(), exclude_if=lambda absent: not absent)
    restores: Restored | None = None
    forgotten: tuple[Forgotten, ...] = Field(default=(), exclude_if=lambda marks: not marks)

    @property
    def key(self) -> str:
        """The store's key of the version's folder."""
        return version_key(self.dataset, self.version)

    def file(self, path: str) -> VersionFile:
        """The file at `path`; KeyError if there is none."""
        return {file.path: file for file in self.files}[path]


class Rewritten(_Kept):
    """That a version was written anew without a person's data: when (UTC), and its manifest's SHA-256 before."""

    at: str
    was: str


class Listed(_Kept):
    """One line of versions.json. `becoming` is the SHA-256 of the manifest that is just taking its place, while a
    person's data is taken out."""

    version: str
    created: str
    previous: str | None
    rows: Mapping[str, int]
    manifest_sha256: str
    becoming: str | None = Field(default=None, exclude_if=lambda digest: digest is None)
    forgotten: tuple[Rewritten, ...] = Field(default=(), exclude_if=lambda marks: not marks)


class _Making(_Kept):
    """The version that a writer began to put in its place; `token` is drawn anew each time."""

    version: str
    token: str


class _List(_Kept):
    dataset: str
    versions: tuple[Listed, ...] = Field(default=())
    making: _Making | None = Field(default=None, exclude_if=lambda making: making is None)


def version_key(dataset: str, version: str) -> str:
    """The store's key of a version's folder."""
    return f"versions/{dataset}/{version}"


def list_key(dataset: str) -> str:
    """The store's key of a dataset's list of versions."""
    return f"versions/{dataset}/versions.json"


def listed(store: Store, dataset: str) -> tuple[Listed, ...]:
    """The versions of `dataset`, oldest first. Raises VersionError if the list is damaged or names one twice."""
    return _read(store, store.look(list_key(dataset)), dataset).versions


def current(store: Store, dataset: str) -> Version | None:
    """The last listed version of `dataset`, None before the first. Raises VersionError."""
    lines = listed(store, dataset)
    return load_line(store, dataset, lines[-1]) if lines else None


def load(store: Store, dataset: str, number: str) -> Version:
    """Version `number` of `dataset`. Raises UnknownVersionError, or VersionError if its manifest is not as listed."""
    lines = {line.version: line for line in listed(store, dataset)}
    if number not in lines:
        known = ", ".join(lines) or "none yet"
        raise UnknownVersionError(f"{dataset} has no version {number}.", f"Its versions: {known}.")
    return load_line(store, dataset, lines[number])


def load_line(store: Store, dataset: str, line: Listed) -> Version:
    """The version that a `line` of the list names. Raises VersionError if its manifest is not as listed."""
    key = f"{version_key(dataset, line.version)}/{MANIFEST}"
    data = store.look(key).data
    if data is None:
        raise _damaged(store, key, "is missing")
    if hashlib.sha256(data).hexdigest() not in (line.manifest_sha256, line.becoming):
        raise _damaged(store, key, "is not the one that was listed")
    return Version.model_validate_json(data)


def path_of(store: Store, version: Version, file: VersionFile) -> Path:
    """A file of this machine with the bytes of a version's file. Raises VersionError if it is missing or cut short."""
    key = f"{version.key}/{file.path}"
    try:
        path = store.fetch(key)
    except MissingError as error:
        raise _damaged(store, key, "is missing") from error
    if path.stat().st_size != file.bytes:
        raise _damaged(store, key, "is not the file that was listed")
    return path


def begin(store: Store, version: Version) -> Stamp:
    """Say in the dataset's list that `version` is being put in its place, before anything of it is.

    Whoever began before is overtaken by this: what the list was then does not stand any more, so only the last one to
    begin can adopt the version's folder and list it, even where the writer's lock failed. Raises OvertakenError where
    `version` does not follow the last listed one any more, VersionError.
    """
    seen = store.look(list_key(version.dataset))
    found = _read(store, seen, version.dataset)
    if (found.versions[-1].version if found.versions else None) != version.previous:
        raise OvertakenError(store.where(seen.key))
    making = _Making(version=version.version, token=uuid.uuid4().hex)
    return store.replace(seen, _written(found.model_copy(update={"making": making})))


def whole_path_of(store: Store, version: Version, file: VersionFile) -> Path:
    """As path_of, every byte hashed. Raises VersionError if it is missing or not as it was listed."""
    path = path_of(store, version, file)
    if sha256_of(path) != file.sha256:
        raise _damaged(store, f"{version.key}/{file.path}", "is not the file that was listed")
    return path


def list_version(store: Store, version: Version, manifest: bytes, begun: Stamp) -> None:
    """Append `version`, whole in its place with this `manifest`, to the dataset's list, if nobody began another one
    since: the one step that makes it exist for readers. Raises OvertakenError."""
    line = Listed(
        version=version.version,
        created=version.created,
        previous=version.previous,
        rows=version.rows,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
    )
    found = _read(store, begun, version.dataset)
    store.replace(begun, _written(_List(dataset=version.dataset, versions=(*found.versions, line))))


def relist(store: Store, dataset: str, line: Listed) -> None:
    """Put `line` in the place of the one of the same version: what `glane forget` does, and nobody else. The caller
    holds the writer's lock. Raises OvertakenError."""
    seen = store.look(list_key(dataset))
    found = _read(store, seen, dataset)
    lines = tuple(line if one.version == line.version else one for one in found.versions)
    if lines != found.versions:
        store.replace(seen, _written(found.model_copy(update={"versions": lines})))


def _read(store: Store, seen: Stamp, dataset: str) -> _List:
    if seen.data is None:
        return _List(dataset=dataset)
    try:
        found = _List.model_validate_json(seen.data)
    except ValidationError as error:
        raise _damaged(store, seen.key, "is not a list of versions") from error
    numbers = [line.version for line in found.versions]
    if len(set(numbers)) != len(numbers):
        raise _damaged(store, seen.key, "names a version twice")
    return found


def _written(found: _List) -> bytes:
    return to_json(found.model_dump(mode="json"))


def _damaged(store: Store, key: str, what: str) -> VersionError:
    return VersionError(
        f"{store.where(key)} {what}.",
        "Nothing was changed. Bring this file back from a backup; `glane verify` names every file that differs.",
    )
