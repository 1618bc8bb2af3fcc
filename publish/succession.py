"""What leads from the version that stands to the next one: structure, words, rows, and the number that follows.

Belongs here: finding all that changed between a listed version and one whose data files are written. Does not belong
here: how a change of structure weighs (number.py), comparing rows (streaming.py), telling it (changelog.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glane.store import Store
from glane.text import Text
from publish.delta import Difference
from publish.diff import descriptor_of, key_of, schemas_of, whole_csv
from publish.notice import notice_changes
from publish.number import Change, Level, next_number, table_changes
from publish.package import words_changed
from publish.streaming import compare_files
from publish.version import Version

LevelName = Literal["first", "major", "minor", "patch"]
_NAMES: dict[Level, LevelName] = {Level.MAJOR: "major", Level.MINOR: "minor", Level.PATCH: "patch"}


@dataclass(frozen=True)
class Succession:
    """What changes after `last` (None: there is no version yet): structure and words in `changes`, rows by table."""

    last: Version | None
    changes: tuple[Change, ...]
    differences: Mapping[str, Difference]

    @property
    def level(self) -> Level:
        """What all changes together ask of reusers."""
        levels = [change.level for change in self.changes]
        if any(found.added.height or found.removed.height for found in self.differences.values()):
            levels.append(Level.MINOR)
        # Something makes the content another one; where it is neither rows nor structure, it is values or words.
        return max([*levels, Level.PATCH])

    @property
    def name(self) -> LevelName:
        """The level as a manifest names it."""
        return _NAMES[self.level] if self.last else "first"

    @property
    def number(self) -> str:
        """The number of the next version."""
        return next_number(self.last.version if self.last else None, self.level)


def succession(store: Store, last: Version | None, descriptor: Mapping[str, Any], folder: Path) -> Succession:
    """What leads from `last` to the version that `descriptor` describes and whose files are in `folder`.

    Rows are compared in each table that both versions have under the same key. Raises VersionError.
    """
    if last is None:
        return Succession(None, (), {})
    former = descriptor_of(store, last)
    was, becomes = schemas_of(former), schemas_of(descriptor)
    changes = table_changes(was, becomes)
    if words_changed(former, descriptor):
        what = Text(fr="titres, licences, sources ou règles modifiés", en="titles, licences, sources or rules changed")
        changes.append(Change(Level.PATCH, what))
    changes += notice_changes(former, descriptor, max((change.level for change in changes), default=Level.NONE))
    paths = {resource["name"]: folder / resource["path"] for resource in descriptor["resources"]}
    differences = {
        name: compare_files(key_of(schema), whole_csv(store, last, name), paths[name])
        for name, schema in becomes.items()
        if name in was and key_of(was[name]) == key_of(schema)
    }
    return Succession(last, tuple(changes), differences)
