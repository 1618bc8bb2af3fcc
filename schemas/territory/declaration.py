"""Where in France a table's rows are: the key `territory:` of a table in dataset.yaml.

Belongs here: the model. Does not belong here: the list of communes (reference.py), counting (publish/coverage.py).
"""

from collections.abc import Iterator

from pydantic import Field, model_validator

from glane.declaration import Declared


class Territory(Declared):
    """The fields that say in which commune a row is, and the `reference` that lists all communes: with it the coverage
    is worked out, the communes without any row among it.

    `code` holds the INSEE code of the commune; `country` an ISO 3166-1 code (without it, all rows are in France). Only
    rows in France are placed.
    """

    postcode: str
    commune: str | None = None
    code: str | None = None
    country: str | None = None
    reference: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")

    @model_validator(mode="after")
    def _can_be_placed(self) -> "Territory":
        if self.reference is not None and self.commune is None and self.code is None:
            raise ValueError("a 'reference' of communes needs 'commune' or 'code': a postcode is several communes'")
        return self

    def named(self) -> Iterator[tuple[str, str]]:
        """The fields that it names, each with its key."""
        yield from self.columns.items()

    @property
    def columns(self) -> dict[str, str]:
        """The fields that it names, by key."""
        found = {key: getattr(self, key) for key in ("country", "code", "postcode", "commune")}
        return {key: name for key, name in found.items() if name is not None}
