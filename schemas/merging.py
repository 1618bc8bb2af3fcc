"""How rows of several partners become one: the key `merge:` of a table in dataset.yaml.

Belongs here: the models. Does not belong here: merging (publish/merge.py) and comparing rows (publish/matching).
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from glane.declaration import Declared

Choice = Literal["owner", "newest", "trust", "complete"]
"""What decides between several values: the partner that runs the place, the newest row, the partners in the order of
`trust`, or the longest value."""


class Likeness(Declared):
    """Which fields tell whether two rows of different partners are the same thing though written differently.

    `name` is always compared; the others where they are declared, and the point where the table has a `geometry`.
    From `same_from` points on two rows are merged, from `ask_from` on a person is asked: docs/publishing.md says
    what gives points.
    """

    name: str
    address: str | None = None
    postcode: str | None = None
    town: str | None = None
    town_code: str | None = None
    country: str | None = None
    national_id: str | None = None
    phone: str | None = None
    email: str | None = None
    page: str | None = None
    kind: str | None = None
    same_from: float = Field(default=7.0, gt=0)
    ask_from: float = Field(default=4.5, gt=0)

    @model_validator(mode="after")
    def _asks_before_it_merges(self) -> "Likeness":
        if self.ask_from > self.same_from:
            raise ValueError(f"ask_from ({self.ask_from}) is above same_from ({self.same_from})")
        return self

    def named(self) -> Iterator[tuple[str, str]]:
        """The fields that it names, each with its key."""
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, str):
                yield key, value


class Merge(Declared):
    """When rows of several partners are the same thing, and whose value stands.

    `same` lists keys; two rows are the same when all fields of one key are filled and equal once folded (case,
    accents, punctuation). `likeness` finds those that are written differently too. Of several values the first in
    `order` stands; `newest` names the date field, `trust` the partners in order, `owner` the field that says who runs
    the place. `fields` gives a field an order of its own, `unite` names the fields that keep the values of all. A value
    that only one partner has is never lost.
    """

    same: list[list[str]] = Field(default_factory=list)
    newest: str | None = None
    trust: list[str] = Field(default_factory=list)
    owner: str | None = None
    order: list[Choice] = Field(default=["owner", "newest", "trust"], min_length=1)
    fields: dict[str, list[Choice]] = Field(default_factory=dict)
    unite: list[str] = Field(default_factory=list)
    likeness: Likeness | None = None

    def named_fields(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every field that it names, and the path of keys where it does."""
        for number, same in enumerate(self.same):
            yield from ((("same", number, place), name) for place, name in enumerate(same))
        yield from ((("fields", name), name) for name in self.fields)
        yield from ((("unite", number), name) for number, name in enumerate(self.unite))
        if self.newest:
            yield ("newest",), self.newest
        if self.owner:
            yield ("owner",), self.owner
        if self.likeness:
            yield from ((("likeness", key), name) for key, name in self.likeness.named())
