"""The answer to one expectation: met or not, what was expected, what was observed.

Belongs here: the value, as quality.json keeps it and Dagit shows it. Does not belong here: finding it (judging.py).
"""

from collections.abc import Mapping

from pydantic import Field, field_validator

from glane.declaration import Declared
from glane.text import Text
from schemas.expectations.declaration import Effect, check_name


class Outcome(Declared):
    """What became of one expectation on a table, or on `fields` of it.

    `figures` holds the numbers behind `observed`. `compared` is False where the version before is missing, or has no
    such field: there is nothing to be worse than, and `passed` is True. `excess` says how far each thing is beyond its
    bound. Of what a source declares of its file, `table` is the partner.
    """

    table: str
    expect: str
    fields: tuple[str, ...]
    severity: Effect
    passed: bool
    expected: Text
    observed: Text
    figures: Mapping[str, float] = Field(default_factory=dict)
    compared: bool = True
    excess: Mapping[str, float] = Field(default_factory=dict, exclude_if=lambda excess: not excess)

    @field_validator("severity", mode="before")
    @classmethod
    def _of_before(cls, value: object) -> object:
        # Versions made before there was `ask` say so.
        return "show" if value == "warn" else value

    @property
    def name(self) -> str:
        """Its name, distinct within a dataset."""
        return check_name(self.table, self.expect, self.fields, self.severity)

    @property
    def about(self) -> str:
        """What it speaks of: the table, and its fields where it names any."""
        return f"{self.table}.{'+'.join(self.fields)}" if self.fields else self.table

    @property
    def stops(self) -> bool:
        """Whether it holds back what it speaks of, and nobody may let it pass."""
        return not self.passed and self.severity == "stop"

    @property
    def asks(self) -> bool:
        """Whether it holds back what it speaks of until a steward approves."""
        return not self.passed and self.severity == "ask"

    @property
    def said(self) -> str:
        """What was expected and observed, in one English sentence."""
        return f"{self.expect} of {self.about}: expected {self.expected.en}; observed {self.observed.en}."
