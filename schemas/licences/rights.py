"""What licences allow: publishing rows under another licence, and the uses that people ask about (rights.yaml).

Belongs here: the table and how it is asked. Does not belong here: the licences themselves (__init__.py), which rows of
a version a use is allowed for (publish/reuse.py).
"""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from glane.declaration import Declared, load_declaration
from glane.text import Text
from schemas.licences import LICENCES

Answer = Literal["yes", "conditions", "no"]
ANY = "*"


class Right(Declared):
    """The answer, the clause that gives it, and the address of the text where that stands."""

    answer: Answer
    clause: Text
    source: str = Field(pattern=r"^https://")


class _Rule(Right):
    of: list[str]
    to: list[str] = Field(default_factory=lambda: [ANY])

    @field_validator("of", "to")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = [name for name in names if name != ANY and name not in LICENCES]
        if unknown:
            raise ValueError(f"no licence on the list: {', '.join(unknown)}")
        return names

    def fits(self, licence: str, target: str) -> bool:
        return bool({licence, ANY} & {*self.of}) and bool({target, ANY} & {*self.to})


class Use(Declared):
    """A use that people ask about: what it is, and what each licence says of it."""

    title: Text
    rules: list[_Rule]


class _Table(Declared):
    into: list[_Rule]
    uses: dict[str, Use]


@cache
def _table() -> _Table:
    return load_declaration(Path(__file__).with_name("rights.yaml"), _Table)


def uses() -> dict[str, Use]:
    """The uses that can be asked about, by name."""
    return _table().uses


def right_into(licence: str, target: str) -> Right:
    """Whether rows under `licence` may be published, cleaned and merged, in a dataset under `target` (SPDX ids)."""
    return _first(_table().into, licence, target)


def right_to(use: str, licence: str) -> Right:
    """Whether rows under `licence` may be used so; KeyError for a use that is not on the table."""
    return _first(_table().uses[use].rules, licence, ANY)


def _first(rules: list[_Rule], licence: str, target: str) -> Right:
    found = next(rule for rule in rules if rule.fits(licence, target))
    return Right(answer=found.answer, clause=found.clause, source=found.source)
