"""Reads a declaration (YAML) into a pydantic model, and says exactly where it is wrong.

Belongs here: YAML with line numbers, and the translation of pydantic's errors into sentences that name the file,
the line, the key, what was expected and what to do (design, 1). Does not belong here: what a dataset or a source
declares; those models stand in their rooms.

YAML is read with plain scalars only: `true` and `false` are booleans, decimal integers and floats are numbers,
everything else is text. So `NO` stays Norway, `01000` stays a postcode and `2026-11-21` stays what was written.
"""

import difflib
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from glane.errors import CallError


class Declared(BaseModel):
    """Base of every declaration: unknown keys are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a declaration: where (`line` from 1, `key` as a dotted path) and what to do."""

    line: int
    key: str
    what: str
    remedy: str


class DeclarationError(CallError):
    """A declaration that cannot be used; `faults` lists everything wrong with it, in the order of the file."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self.path = path
        self.faults = sorted(faults, key=lambda fault: fault.line)
        lines = [f"{path}:{f.line}: {f.key}: {f.what} {f.remedy}".replace(": : ", ": ") for f in self.faults]
        super().__init__("\n".join(lines), "")

    def __str__(self) -> str:
        return self.what


# Where there is libyaml it reads the same ten times faster: a run reads every declaration.
class _PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """SafeLoader whose plain scalars are only what the module's docstring says."""


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", "~n\0"),
    ("tag:yaml.org,2002:int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("tag:yaml.org,2002:float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
    ("tag:yaml.org,2002:merge", r"^<<$", "<"),
):
    _PlainLoader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
_PlainLoader.yaml_implicit_resolvers[""] = _PlainLoader.yaml_implicit_resolvers.pop("\0")

# Far beyond what any declaration needs.
_DEPTH_MAX = 50
_VALUES_MAX = 200_000

Where = dict[tuple[str | int, ...], int]
Model = TypeVar("Model", bound=BaseModel)


def load_declaration(path: Path, model: type[Model]) -> Model:
    """Read the YAML file `path` (UTF-8) into `model`.

    Raises DeclarationError naming every fault with its line: a file that is missing or is no YAML, a key that is
    doubled, unknown (with the nearest known one) or missing, a value of the wrong type or outside its list.
    """
    data, where = _read(path)
    if not isinstance(data, dict):
        fault = Fault(1, "", "The file holds no keys.", f"Write at least: {', '.join(_required(model))}.")
        raise DeclarationError(path, [fault])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise DeclarationError(path, list(_faults(error, where, model))) from error


def lines_of(path: Path) -> Where:
    """The line (from 1) where each key or item of the YAML file `path` stands, by its path of keys and positions.

    For faults that only show once the declaration is held against other files. Raises DeclarationError.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[object, Where]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        fault = Fault(1, "", "The file is missing.", f"Create {path.name}.")
        raise DeclarationError(path, [fault]) from error
    except UnicodeDecodeError as error:
        fault = Fault(1, "", f"Byte {error.start} is not UTF-8.", "Save the file as UTF-8.")
        raise DeclarationError(path, [fault]) from error
    except OSError as error:
        fault = Fault(1, "", f"The file cannot be read: {error.strerror}.", "Make it a plain file that Glane may read.")
        raise DeclarationError(path, [fault]) from error
    where: Where = {(): 1}
    faults: list[Fault] = []
    try:
        unbounded = _unbounded(text)
        if unbounded is not None:
            raise DeclarationError(path, [unbounded])
        loader = _PlainLoader(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        fault = Fault(line, "", f"This is not YAML: {problem}.", "Check indentation, quotes and colons.")
        raise DeclarationError(path, [fault]) from error
    except ValueError as error:
        # Python refuses to read numbers of thousands of digits.
        raise DeclarationError(path, [Fault(1, "", f"A value cannot be read: {error}.", "Correct it.")]) from error
    if node is not None:
        _walk(node, (), where, faults)
    if faults:
        raise DeclarationError(path, faults)
    return data, where


def _unbounded(text: str) -> Fault | None:
    """What makes a declaration too deep or too large to hold in memory, if anything does. Raises yaml.YAMLError.

    Looked for in the stream of events, before anything is built: libyaml ends the whole process on brackets nested
    deeply enough, and a few lines of aliases to aliases unfold into billions of values.
    """
    open_nodes: list[tuple[str | None, int, int]] = [(None, 0, 0)]  # anchor, values so far, depth below
    anchors: dict[str, tuple[int, int] | None] = {}
    for event in yaml.parse(text, Loader=_PlainLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if tag not in (None, "!"):
            return Fault(line, "", f"The tag {tag!r} has no meaning here.", "Leave it out.")
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((anchor, 1, 1))
            if anchor:
                anchors[anchor] = None
        elif isinstance(event, yaml.CollectionEndEvent | yaml.ScalarEvent | yaml.AliasEvent):
            size, depth = 1, 0
            if isinstance(event, yaml.CollectionEndEvent):
                anchor, size, depth = open_nodes.pop()
            elif isinstance(event, yaml.AliasEvent):
                known = anchors.get(anchor or "", (1, 0))
                if known is None:
                    return Fault(line, "", f"The value that &{anchor} names holds itself.", "Write it out.")
                size, depth = known
            if anchor and not isinstance(event, yaml.AliasEvent):
                anchors[anchor] = (size, depth)
            holder, so_far, below = open_nodes[-1]
            open_nodes[-1] = (holder, so_far + size, max(below, depth + 1))
        if len(open_nodes) + open_nodes[-1][2] > _DEPTH_MAX:
            return Fault(line, "", f"Values are nested more than {_DEPTH_MAX} deep.", "Close the brackets before.")
        if open_nodes[-1][1] > _VALUES_MAX:
            return Fault(line, "", f"The file unfolds to more than {_VALUES_MAX} values.", "Write less, or no aliases.")
    return None


def _walk(node: yaml.Node, at: tuple[str | int, ...], where: Where, faults: list[Fault]) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[Hashable, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen and name != "<<":
                remedy = f"It stands on line {seen[name]} already: keep one of them."
                faults.append(Fault(line, ".".join(map(str, (*at, name))), "The key is doubled.", remedy))
            seen[name] = line
            where[(*at, name)] = line
            _walk(value, (*at, name), where, faults)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            where[(*at, number)] = item.start_mark.line + 1
            _walk(item, (*at, number), where, faults)


def _faults(error: ValidationError, where: Where, model: type[BaseModel]) -> Iterator[Fault]:
    for detail in error.errors(include_url=False):
        # pydantic puts the names of union branches into the path; only what stands in the file is kept.
        at: tuple[str | int, ...] = ()
        for part in detail["loc"]:
            if (*at, part) in where:
                at = (*at, part)
        missing = detail["type"] == "missing"
        # What is wrong with the declaration as a whole has no path at all.
        named = detail["loc"] if missing or not at else at
        name = str(named[-1]) if named else ""
        key = ".".join(map(str, (*at, name) if missing else at))
        inside = missing or detail["type"] == "model_type"
        what, remedy = _sentence(detail, name, known_keys(model, at if inside else at[:-1]))
        yield Fault(where.get(at, 1), key, what, remedy)


def _sentence(detail: Any, name: str, known: list[str]) -> tuple[str, str]:
    kind, given, context = detail["type"], detail.get("input"), detail.get("ctx") or {}
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known keys here: {', '.join(known) or 'none'}."
        return f"The key {name!r} is not known.", hint
    if kind == "missing":
        return f"The key {name!r} is missing.", "Add it."
    if kind == "union_tag_not_found":
        return f"The key {context['discriminator']} is missing.", "Add it."
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        expected = str(context.get("expected") or context.get("expected_tags", ""))
        given = context.get("tag", given)
        options = re.findall(r"'([^']*)'", expected)
        near = difflib.get_close_matches(str(given), options, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{given!r} is not on the list.", f"Expected one of: {expected}.{hint}"
    if kind in ("model_type", "dict_type"):
        keys = f": {', '.join(known)}" if kind == "model_type" else ""
        return f"Keys with values were expected here, but the file says {given!r}.", f"Write them under it{keys}."
    if kind in ("too_short", "string_too_short") or (given is None and kind == "string_type"):
        return "Nothing stands here.", "Write what the key is for, or leave an optional key out."
    if kind == "list_type":
        return f"A list was expected, but the file says {given!r}.", "Write it in brackets: [one, another]."
    if kind == "string_pattern_mismatch":
        return f"{given!r} is not written as expected.", f"Its pattern is {context['pattern']}."
    message = detail["msg"].removeprefix("Value error, ").rstrip(".")
    if kind == "value_error":
        return f"{message}.", ""
    return f"{message[0].upper()}{message[1:]}, but the file says {given!r}.", "Correct the value."


def known_keys(model: type[BaseModel], at: tuple[str | int, ...]) -> list[str]:
    """The keys that a declaration of `model` may have at the path `at`, for suggestions."""
    models = [model]
    for part in at:
        if isinstance(part, int):
            continue
        found = [m for current in models for m in _models_under(current, part)]
        if found:
            models = found
    return sorted({info.alias or name for m in models for name, info in m.model_fields.items()})


def _models_under(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    for name, info in model.model_fields.items():
        if key in (name, info.alias):
            return list(_models_in(info.annotation))
    return []


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _required(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items() if info.is_required()]
