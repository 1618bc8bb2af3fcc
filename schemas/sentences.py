"""What to say of one error of the engine: which phrase, with which words, and what to write instead.

Belongs here: the way from a frictionless error type and a field's descriptor to a sentence that a person without a
developer understands. Does not belong here: the phrases themselves (phrases/conformity.yaml).
"""

import datetime
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz, process

from glane.text import Text
from schemas.conform import ErrorRecord
from schemas.patterns import describe, list_values
from schemas.phrases import Phrase, Value, exists, in_each, listing, say, word, words

_CONSTRAINT = re.compile(r'constraint "(?P<name>\w+)" is "(?P<limit>.*)"', re.DOTALL)
_MOMENT = datetime.datetime(2026, 11, 21, 14, 30, tzinfo=datetime.UTC)
_ISO = {"date": "%Y-%m-%d", "time": "%H:%M:%S", "datetime": "%Y-%m-%dT%H:%M:%S"}
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_DATE_LIKE = re.compile(r"\d{4}[/. -]\d{1,2}[/. -]\d{1,2}|\d{1,2}[/. -]\d{1,2}[/. -]\d{4}")
_DAY_FIRST = re.compile(r"(\d{1,2})[/. -](\d{1,2})[/. -](\d{4})")
_YES = {"oui", "vrai", "yes", "y", "o", "x", "1", "true", "ja", "si", "sí", "sim"}
_NO = {"non", "faux", "no", "n", "0", "false", "nee", "não"}


@dataclass(frozen=True)
class Sentence:
    """What is said of one error: the rule it breaks, the field, what is wrong, what to write, the very text."""

    rule: str
    field: str | None
    message: Text
    remedy: Text
    suggestion: str | None = None


def sentence_for(error: ErrorRecord, schema: Mapping[str, Any], cell: str | None) -> Sentence:
    """What to say of `error`, found under the Table Schema `schema` in a cell that was written as `cell`."""
    fields = {field["name"]: field for field in schema.get("fields", [])}
    field = fields.get(error.field_name or "")
    if error.type == "type-error" and field is not None:
        return _type_sentence(error, field, cell)
    if error.type == "constraint-error" and field is not None:
        return _constraint_sentence(error, field, cell)
    if error.type == "primary-key":
        return _primary_key_sentence(error, schema)
    if error.type == "foreign-key":
        return _foreign_key_sentence(error)
    columns = listing(list(fields), most=60)
    label = str(error.details.get("label") or error.field_name or "")
    values: dict[str, Value] = {"columns": columns, "label": label, "number": str(error.field_number or "")}
    values |= {"expected": error.field_name or "", "type": error.type, "note": error.note or error.message}
    name = error.type if exists(f"conformity.{error.type}") else "other"
    phrase = say(f"conformity.{name}", **values)
    suggestion = _near(label, list(fields), 75) if error.type == "extra-label" else None
    return _sentence(error.type, error.field_name, phrase, suggestion)


def _sentence(rule: str, field: str | None, phrase: Phrase, suggestion: str | None = None) -> Sentence:
    return Sentence(rule, field, phrase.wrong, phrase.write, suggestion)


def _type_sentence(error: ErrorRecord, field: Mapping[str, Any], cell: str | None) -> Sentence:
    kind, form = field.get("type", "string"), field.get("format", "default")
    values: dict[str, Value] = {}
    if kind in _ISO:
        pattern = form if "%" in form else _ISO[kind]
        values = {"shape": _shape(pattern), "example": _MOMENT.strftime(pattern)}
    elif kind == "boolean":
        yes, no = field.get("trueValues", ["true"]), field.get("falseValues", ["false"])
        values = {"yes": str(yes[0]), "no": str(no[0])}
    elif kind == "list":
        values = {"separator": field.get("delimiter", ",")}
    elif kind == "geojson":
        values = {"point": '{"type": "Point", "coordinates": [2.35, 48.85]}'}
    name = f"conformity.type-{kind}-{form}" if kind == "string" else f"conformity.type-{kind}"
    if kind == "date" and _is_no_day(cell or ""):
        # Its form may well be one that the partner's mapping takes: the day is what is wrong.
        name = "conformity.type-date-impossible"
    phrase = say(name if exists(name) else "conformity.type-string", **values)
    return _sentence("type-error", error.field_name, phrase, _readable(field, cell or ""))


def _shape(pattern: str) -> Text:
    """The shape of a date as people write it: `%d/%m/%Y` -> DD/MM/YYYY."""
    return in_each(lambda one: re.sub("%([YymdHMS])", lambda code: words("general")[f"shape-{code[1]}"][one], pattern))


def _is_no_day(cell: str) -> bool:
    """Whether a cell has the form of a date and names no day, in whatever order: 31/02/2025."""
    numbers = [int(part) for part in re.split(r"[/. -]", cell.strip()) if part.isascii() and part.isdigit()]
    if len(numbers) != 3 or not _DATE_LIKE.fullmatch(cell.strip()):
        return False
    for year, month, day in (numbers, numbers[::-1], (numbers[2], numbers[0], numbers[1])):
        with suppress(ValueError):
            datetime.date(year, month, day)
            return False
    return True


def _readable(field: Mapping[str, Any], cell: str) -> str | None:
    """What the cell plainly means, written as the field's type asks; None where it could mean several things."""
    kind, text = field.get("type"), cell.strip().casefold()
    if kind in ("number", "integer"):
        numbers = list(_NUMBER.finditer(re.sub(r"\s", "", text)))
        if len(numbers) != 1:
            return None
        number = numbers[0].group().replace(",", ".")
        if not _within(float(number), field.get("constraints", {})):
            return None
        whole, _, decimals = number.partition(".")
        return number if kind == "number" else whole if not decimals.strip("0") else None
    if kind == "boolean":
        yes, no = field.get("trueValues", ["true"]), field.get("falseValues", ["false"])
        return str(yes[0]) if text in _YES else str(no[0]) if text in _NO else None
    if kind == "date" and (match := _DAY_FIRST.fullmatch(text)):
        try:
            day = datetime.date(int(match[3]), int(match[2]), int(match[1]))
        except ValueError:
            return None
        form = field.get("format", "default")
        return day.strftime(form if "%" in form else _ISO["date"])
    return None


def _within(number: float, constraints: Mapping[str, Any]) -> bool:
    """Whether a number may be proposed: one that the field does not take either would be no help."""
    least, most = constraints.get("minimum"), constraints.get("maximum")
    return (least is None or number >= float(least)) and (most is None or number <= float(most))


def _constraint_sentence(error: ErrorRecord, field: Mapping[str, Any], cell: str | None) -> Sentence:
    match = _CONSTRAINT.search(error.note)
    name, limit = (match["name"], match["limit"]) if match else ("unknown", error.note)
    example = _example(field)
    suggestion: str | None = None
    if name == "enum":
        values = [str(value) for value in field["constraints"]["enum"]]
        suggestion = _near(cell or "", values, 60)
        phrase = say("conformity.enum", cell=cell or "", values=listing(values))
    elif name == "pattern":
        phrase, suggestion = _pattern_phrase(str(field["constraints"]["pattern"]), example, cell)
    elif exists(f"conformity.{name}"):
        phrase = say(f"conformity.{name}", limit=limit, example=example)
    else:
        phrase = say("conformity.constraint", name=name, limit=limit, example=example)
    return _sentence(f"constraint-{name}", error.field_name, phrase, suggestion)


def _pattern_phrase(pattern: str, example: Value, cell: str | None) -> tuple[Phrase, str | None]:
    if values := list_values(pattern):
        parts = [_near(part, values, 60) or part for part in (cell or "").split("|") if part.strip()]
        right = "|".join(parts) if parts and all(part in values for part in parts) else None
        return say("conformity.pattern-list", values=listing(values)), right
    shape = describe(pattern)
    if shape is None:
        return say("conformity.pattern" if example else "conformity.pattern-unsaid", example=example), None
    return say("conformity.pattern-described", shape=shape, example=example), None


def _example(field: Mapping[str, Any]) -> Value:
    """The field's own example, as the end of a sentence; nothing where the example breaks the field's pattern."""
    example = field.get("example")
    pattern = field.get("constraints", {}).get("pattern")
    if example in (None, "") or (pattern and not re.match(f"^(?:{pattern})$", str(example))):
        return ""
    return word("general.for-example", example=str(example))


def _primary_key_sentence(error: ErrorRecord, schema: Mapping[str, Any]) -> Sentence:
    key = schema.get("primaryKey", [])
    names = [key] if isinstance(key, str) else list(key)
    empty = "None" in error.note and "row at position" not in error.note
    phrase = say(f"conformity.primary-key{'-empty' if empty else ''}", fields=", ".join(names))
    return _sentence("primary-key", names[0] if len(names) == 1 else None, phrase)


def _foreign_key_sentence(error: ErrorRecord) -> Sentence:
    names = list(error.details.get("fieldNames", []))
    phrase = say(
        "conformity.foreign-key",
        cell=", ".join(error.details.get("fieldCells", [])),
        table=str(error.details.get("referenceName", "")),
        column=", ".join(error.details.get("referenceFieldNames", [])),
    )
    return _sentence("foreign-key", names[0] if len(names) == 1 else None, phrase)


def _near(text: str, values: list[str] | tuple[str, ...], cutoff: int) -> str | None:
    found = process.extractOne(text.strip(), values, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=cutoff)
    return found[0] if found else None
