"""The number of a version follows from what changed: computed, never typed.

Belongs here: how a change of fields, constraints, rows or words weighs, by the Data Package recipe "Data Package
Version", and the number that comes after another. Does not belong here: finding which rows changed (delta.py).

Where the recipe is silent or too wide: removed rows are MINOR, as added ones (design, 3), also where another table
refers to them, since the tables of one package move together and no reference of theirs is left dangling.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from glane.errors import DataError
from glane.text import Text

FIRST = "1.0.0"
_LOWER = ("minimum", "exclusiveMinimum", "minLength")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength")
_MEANING = ("type", "format", "decimalChar", "groupChar", "bareNumber", "trueValues", "falseValues", "delimiter")


class Level(IntEnum):
    """How much a change asks of reusers."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


class NumberError(DataError):
    """A version number that is not MAJOR.MINOR.PATCH."""


@dataclass(frozen=True)
class Change:
    """One change, in words, and its weight."""

    level: Level
    what: Text


def next_number(previous: str | None, level: Level) -> str:
    """The number after `previous` for a change of `level`; the first is 1.0.0. Raises NumberError."""
    if previous is None:
        return FIRST
    major, minor, patch = parse(previous)
    if level is Level.MAJOR:
        return f"{major + 1}.0.0"
    if level is Level.MINOR:
        return f"{major}.{minor + 1}.0"
    if level is Level.PATCH:
        return f"{major}.{minor}.{patch + 1}"
    raise NumberError(f"Nothing changed since {previous}.", "No change makes no version.")


def parse(number: str) -> tuple[int, int, int]:
    """MAJOR, MINOR and PATCH of a version number. Raises NumberError."""
    parts = number.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise NumberError(f"{number!r} is no version number.", "Write MAJOR.MINOR.PATCH, as in 1.42.0.")
    return int(parts[0]), int(parts[1]), int(parts[2])


def table_changes(old: Mapping[str, dict[str, Any]], new: Mapping[str, dict[str, Any]]) -> list[Change]:
    """What changed between two sets of published Table Schemas, {table: schema}."""
    changes = [
        _change(Level.MAJOR, f"table {name} retirée", f"table {name} removed") for name in old if name not in new
    ]
    changes += [_change(Level.MINOR, f"table {name} ajoutée", f"table {name} added") for name in new if name not in old]
    for name in old:
        if name in new:
            changes += schema_changes(name, old[name], new[name])
    return changes


def schema_changes(table: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What changed between two published Table Schemas of `table`, weighed by the recipe."""
    before = {field["name"]: field for field in old["fields"]}
    after = {field["name"]: field for field in new["fields"]}
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    changes = [_change(Level.MAJOR, f"{table}.{n} : champ retiré", f"{table}.{n}: field removed") for n in gone]
    changes += [_change(Level.MAJOR, f"{table}.{n} : champ ajouté", f"{table}.{n}: field added") for n in come]
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before]:
        changes.append(_change(Level.MAJOR, f"{table} : ordre des champs changé", f"{table}: order of fields changed"))
    for name in kept:
        changes += _field_changes(f"{table}.{name}", before[name], after[name])
    return changes + _table_wide(table, old, new)


def _table_wide(table: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    changes = []
    if _listed(old.get("primaryKey")) != _listed(new.get("primaryKey")):
        changes.append(_change(Level.MAJOR, f"{table} : clé primaire changée", f"{table}: primary key changed"))
    if old.get("missingValues", [""]) != new.get("missingValues", [""]):
        changes.append(_change(Level.MAJOR, f"{table} : valeurs vides changées", f"{table}: missing values changed"))
    keys_before, keys_after = old.get("foreignKeys", []), new.get("foreignKeys", [])
    if any(key not in keys_before for key in keys_after):
        changes.append(_change(Level.MAJOR, f"{table} : clé étrangère ajoutée", f"{table}: foreign key added"))
    elif keys_before != keys_after:
        changes.append(_change(Level.MINOR, f"{table} : clé étrangère retirée", f"{table}: foreign key removed"))
    return changes


def _field_changes(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    changes = []
    if any(old.get(key) != new.get(key) for key in _MEANING):
        changes.append(_change(Level.MAJOR, f"{name} : type ou format changé", f"{name}: type or format changed"))
    before, after = old.get("constraints", {}), new.get("constraints", {})
    if any(_stricter(key, before.get(key), after.get(key)) for key in {*before, *after}):
        changes.append(_change(Level.MAJOR, f"{name} : contrainte plus stricte", f"{name}: constraint stricter"))
    elif before != after:
        changes.append(_change(Level.MINOR, f"{name} : contrainte relâchée", f"{name}: constraint relaxed"))
    judged = {*_MEANING, "constraints"}
    if {k: v for k, v in old.items() if k not in judged} != {k: v for k, v in new.items() if k not in judged}:
        changes.append(_change(Level.PATCH, f"{name} : description changée", f"{name}: description changed"))
    return changes


def _stricter(key: str, old: Any, new: Any) -> bool:
    """Whether a constraint asks more than it did; what cannot be compared (a pattern) counts as stricter."""
    if old == new or new is None or new is False:
        return False
    if old is None or old is False:
        return True
    if key == "enum":
        return not set(map(str, old)) <= set(map(str, new))
    if key in (*_LOWER, *_UPPER):
        if type(old) is not type(new):
            return True
        return bool(new > old) if key in _LOWER else bool(new < old)
    return True


def _change(level: Level, fr: str, en: str) -> Change:
    return Change(level, Text(fr=fr, en=en))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
