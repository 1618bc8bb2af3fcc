"""Where in France a table's rows are: the key `territory:` of a table in dataset.yaml.

Belongs here: the model. Does not belong here: the list of communes (reference.py), counting (publish/coverage.py).
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from glane.declaration import Declared, Fault, lines_of

PLACE = ("country", "code", "postcode", "commune")
"""What a row may say of where it is: the keys of Territory.columns."""


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

    @property
    def columns(self) -> dict[str, str]:
        """The fields that it names, by key."""
        found = {key: getattr(self, key) for key in PLACE}
        return {key: name for key, name in found.items() if name is not None}


def reference_path(dataset_folder: Path, name: str) -> Path:
    """Where the reference `name` of the dataset declared in `dataset_folder` is declared."""
    return dataset_folder.parent / "references" / f"{name}.yaml"


def unlisted(declared_in: Path, number: int, territory: Territory | None) -> Iterator[Fault]:
    """What is wrong where the table of this `number` names a reference that nobody declared."""
    if territory is None or territory.reference is None:
        return
    path = reference_path(declared_in.parent, territory.reference)
    if not path.is_file():
        at = ("tables", number, "territory", "reference")
        what = f"No reference {territory.reference!r} is declared."
        yield Fault(lines_of(declared_in)[at], ".".join(map(str, at)), what, f"Declare it in {path}.")
