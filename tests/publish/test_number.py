"""The number of a version: one test for each scenario of the Data Package recipe, and for each kind of change."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from publish.number import Level, NumberError, next_number, schema_changes, table_changes

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "string", "constraints": {"required": True}},
        {"name": "n", "type": "integer", "title": "N", "constraints": {"minimum": 1, "maximum": 9, "enum": [1, 2]}},
        {"name": "d", "type": "date"},
    ],
    "primaryKey": "id",
}


def changed(edit: Callable[[dict[str, Any]], object]) -> Level:
    new = copy.deepcopy(SCHEMA)
    edit(new)
    return max((change.level for change in schema_changes("t", SCHEMA, new)), default=Level.NONE)


@pytest.mark.parametrize(
    ("level", "edit"),
    [
        # The recipe's MAJOR: names, fields, types, stricter constraints.
        (Level.MAJOR, lambda s: s["fields"].append({"name": "new", "type": "string"})),
        (Level.MAJOR, lambda s: s["fields"].pop()),
        (Level.MAJOR, lambda s: s["fields"][1].update(name="renamed")),
        (Level.MAJOR, lambda s: s["fields"].reverse()),
        (Level.MAJOR, lambda s: s["fields"][1].update(type="number")),
        (Level.MAJOR, lambda s: s["fields"][2].update(format="any")),
        (Level.MAJOR, lambda s: s["fields"][2].update(constraints={"required": True})),
        (Level.MAJOR, lambda s: s["fields"][1]["constraints"].update(minimum=2)),
        (Level.MAJOR, lambda s: s["fields"][1]["constraints"].update(maximum=8)),
        (Level.MAJOR, lambda s: s["fields"][1]["constraints"].update(enum=[1])),
        (Level.MAJOR, lambda s: s["fields"][0]["constraints"].update(pattern="^a")),
        (Level.MAJOR, lambda s: s.update(primaryKey=["id", "n"])),
        (Level.MAJOR, lambda s: s.update(missingValues=["", "-"])),
        (Level.MAJOR, lambda s: s.update(foreignKeys=[{"fields": "n"}])),
        # Its MINOR: relaxed constraints.
        (Level.MINOR, lambda s: s["fields"][1]["constraints"].update(minimum=0, maximum=10)),
        (Level.MINOR, lambda s: s["fields"][1]["constraints"].update(enum=[1, 2, 3])),
        (Level.MINOR, lambda s: s["fields"][1].pop("constraints")),
        (Level.MINOR, lambda s: s["fields"][0]["constraints"].update(required=False)),
        # Its PATCH: descriptive metadata.
        (Level.PATCH, lambda s: s["fields"][1].update(title="Number", description="How many.")),
        (Level.NONE, lambda s: s.update(primaryKey=["id"])),
    ],
)
def test_a_change_of_the_schema_weighs_what_the_recipe_says(
    level: Level, edit: Callable[[dict[str, Any]], object]
) -> None:
    assert changed(edit) is level


def test_a_stricter_constraint_outweighs_a_relaxed_one() -> None:
    assert changed(lambda s: s["fields"][1]["constraints"].update(minimum=0, maximum=8)) is Level.MAJOR


def test_a_table_that_comes_is_minor_and_one_that_goes_is_major() -> None:
    assert [change.level for change in table_changes({}, {"t": SCHEMA})] == [Level.MINOR]
    assert [change.level for change in table_changes({"t": SCHEMA}, {})] == [Level.MAJOR]


@pytest.mark.parametrize(
    ("previous", "level", "number"),
    [
        (None, Level.PATCH, "1.0.0"),  # "You release your data for the first time"
        ("1.0.0", Level.MINOR, "1.1.0"),  # "You append last month's data"
        ("1.4.2", Level.MAJOR, "2.0.0"),  # "You append a column"
        ("1.9.0", Level.PATCH, "1.9.1"),  # "You fix a data entry error", "You update the descriptions"
        ("1.9.9", Level.MINOR, "1.10.0"),
    ],
)
def test_the_next_number_follows_from_the_level(previous: str | None, level: Level, number: str) -> None:
    assert next_number(previous, level) == number


def test_no_change_makes_no_number() -> None:
    with pytest.raises(NumberError, match="No change makes no version"):
        next_number("1.0.0", Level.NONE)
    with pytest.raises(NumberError, match=r"MAJOR\.MINOR\.PATCH"):
        next_number("v1", Level.MINOR)
