"""Rows as commands for Wikidata's QuickStatements (version 1), for people to look through before they send them.

Belongs here: the commands. Does not belong here: which rows may go there (reuse.py), what each field says there
(schemas/wikidata.py). Nothing is sent: https://www.wikidata.org/wiki/Help:QuickStatements says how it is.

An item that is there already keeps its names: only statements are added to it. Every statement has its reference (P854)
and the day of the version (P813). Personal data does not go there, though its partner publishes it: a row whose name is
a person's is left out, and so are mobile numbers.
"""

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import phonenumbers
from stdnum.fr import siren, siret

from schemas.personal.finding import Context
from schemas.personal.search import search_text
from schemas.wikidata import Form, Wikidata, known

Row = Mapping[str, str | None]

_ITEM = re.compile(r"^https?://(?:www\.|m\.)?wikidata\.org/(?:wiki|entity)/(Q[1-9][0-9]*)\b")
_PRECISIONS = {4: ("-00-00", 9), 7: ("-00", 10), 10: ("", 11)}
_SEPARATOR = "|"


@dataclass(frozen=True)
class Exported:
    """The commands as one text; how many items they make and how many they add to, and the ids of the rows that are
    left out since their names are persons', or there are none."""

    text: str
    new: int
    there: int
    left_out: tuple[str, ...]


def quickstatements(
    declared: Wikidata, rows: Iterable[Row], key: Sequence[str], *, reference: str, day: datetime.date
) -> Exported:
    """The commands that say in Wikidata what `rows` say; `reference` is the address where that is published."""
    lines, left_out, new, there = list[str](), list[str](), 0, 0
    sources = ["S854", _text(reference), "S813", f"+{day.isoformat()}T00:00:00Z/11"]
    for row in rows:
        context = Context(country=_country(declared, row))
        labels: dict[str, str | None] = {language: row.get(name) for language, name in declared.labels.items()}
        if not any(labels.values()) or any(search_text(text, context) for text in labels.values() if text):
            left_out.append(_SEPARATOR.join(row[name] or "" for name in key))
            continue
        item = _item(row.get(declared.item) if declared.item else None)
        new, there = new + (item is None), there + (item is not None)
        if item is None:
            lines += ["CREATE", *("\t".join(["LAST", *one]) for one in _names(declared, row, labels))]
        subject = item or "LAST"
        said = [("P31", declared.kind), *_statements(declared, row, context)]
        lines += ["\t".join([subject, name, value, *sources]) for name, value in said]
    return Exported("".join(f"{line}\n" for line in lines), new, there, tuple(left_out))


def _names(declared: Wikidata, row: Row, labels: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    yield from ((f"L{language}", _text(text)) for language, text in labels.items() if text)
    for language, sentence in declared.descriptions.items():
        told = {name: row.get(name) or "" for name in re.findall(r"{(\w+)}", sentence)}
        if all(told.values()):
            yield f"D{language}", _text(sentence.format(**told))


def _statements(declared: Wikidata, row: Row, context: Context) -> Iterator[tuple[str, str]]:
    for name, fields in declared.statements.items():
        form = known().properties[name].value
        if form == "point":
            latitude, longitude = (row.get(field) for field in fields)
            if latitude and longitude:
                yield name, f"@{latitude}/{longitude}"
            continue
        cell = row.get(str(fields))
        for value in (cell or "").split(_SEPARATOR) if form == "url" else [cell or ""]:
            if value.strip() and not search_text(value, context):
                said = _value(form, value.strip(), declared, context)
                if said:
                    yield name, said


def _value(form: Form, text: str, declared: Wikidata, context: Context) -> str | None:
    """The cell as a value there; None where it cannot be one."""
    if form == "country":
        return known().countries.get(text)
    if form == "day":
        after, precision = _PRECISIONS.get(len(text), ("", 0))
        return f"+{text}{after}T00:00:00Z/{precision}" if precision and re.fullmatch(r"[\d-]+", text) else None
    if form == "siren":
        return _text(text[:9]) if siret.is_valid(text) or siren.is_valid(text) else None
    if form == "siret":
        return _text(text) if siret.is_valid(text) else None
    if form == "phone":
        return _phone(text, context)
    return f"{declared.language}:{_text(text)}" if form == "monolingual" else _text(text)


def _phone(text: str, context: Context) -> str | None:
    try:
        number = phonenumbers.parse(text, context.country)
    except phonenumbers.NumberParseException:
        return None
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    if mobile or not phonenumbers.is_valid_number(number):
        return None
    return _text(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.RFC3966).removeprefix("tel:"))


def _country(declared: Wikidata, row: Row) -> str:
    return (row.get(str(declared.statements["P17"])) if "P17" in declared.statements else None) or "FR"


def _item(cell: str | None) -> str | None:
    met = (_ITEM.match(part.strip()) for part in (cell or "").split(_SEPARATOR))
    return next((found[1] for found in met if found), None)


def _text(text: str) -> str:
    """A text between double quotes: QuickStatements has no way to write one within."""
    return '"' + " ".join(text.replace('"', "'").split()) + '"'
