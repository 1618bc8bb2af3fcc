"""Several rows in one record: a partner's site1_name, site1_town, site2_name, site2_town ... become a row each.

Belongs here: the model of `several:` of source.yaml, and spreading the records of a file. Does not belong here: several
values of one field (`each`, `split`), reading files (formats/).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field, field_validator

from glane.declaration import Declared
from sources.formats.reading import Reading, Record, as_text, collapse

NUMBER = "{n}"
"""What stands for the number in the names of columns, and the name of the column that gives a row its number."""


class Several(Declared):
    """One record of the file holds several rows of ours: {name: "site{n}_name"} gives a row for every number that
    stands for {n} in the names of the file's columns, nested ones too ("sites.{n}.name").

    The mapping reads these columns under their new names; the other columns are the same in every row, and the column
    "{n}" is the number. A number without any filled cell gives no row, a record without any gives one.
    """

    columns: dict[str, str] = Field(min_length=1)

    @field_validator("columns")
    @classmethod
    def _numbered(cls, value: dict[str, str]) -> dict[str, str]:
        for pattern in value.values():
            if pattern.count(NUMBER) != 1:
                raise ValueError(f"{pattern!r} has to hold {NUMBER} once, where the names of columns have a number")
        return value


def spread(reading: Reading, several: Several) -> Reading:
    """The file with a record for every row; each keeps the line of the record that it comes from.

    A new name whose pattern no column fits is no column of the result; one that is a column already stands for it.
    """
    places = _places(reading.columns, several)
    taken = {column for names in places.values() for column in names.values()}
    kept = [column for column in reading.columns if column not in taken]
    named = list(dict.fromkeys(name for names in places.values() for name in names))
    records = [part for record in reading.records for part in _parts(record, places, taken)]
    columns = tuple(dict.fromkeys([*kept, *named, NUMBER]))
    return replace(reading, columns=columns, records=records)


def columns_of(columns: Sequence[str], several: Several) -> dict[str, tuple[str, ...]]:
    """{new name: the columns of the file that it stands for, in the order of their numbers}."""
    places = _places(columns, several)
    return {name: tuple(names[name] for names in places.values() if name in names) for name in several.columns}


def _places(columns: Sequence[str], several: Several) -> dict[int, dict[str, str]]:
    """{number: {new name: the partner's column}}, in the order of numbers."""
    found: dict[int, dict[str, str]] = {}
    for name, pattern in several.columns.items():
        before, after = collapse(pattern).split(NUMBER)
        expression = re.compile(f"{re.escape(before)}(\\d+){re.escape(after)}")
        for column in columns:
            if match := expression.fullmatch(column):
                found.setdefault(int(match[1]), {}).setdefault(name, column)
    return dict(sorted(found.items()))


def _parts(record: Record, places: dict[int, dict[str, str]], taken: set[str]) -> list[Record]:
    same = {column: cell for column, cell in record.cells.items() if column not in taken}
    parts = [
        Record(record.line, {**same, **{name: record.cells.get(column) for name, column in names.items()}, NUMBER: n})
        for n, names in places.items()
        if any(as_text(record.cells.get(column)) for column in names.values())
    ]
    return parts or [Record(record.line, {**same, NUMBER: next(iter(places), 1)})]
