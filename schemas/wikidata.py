"""What a table's rows say in Wikidata: the key `wikidata:` of a table in dataset.yaml, and what may be said there.

Belongs here: the model, and the list of properties, kinds and countries (wikidata.yaml). Does not belong here: which
rows may go there (licences/, publish/reuse.py), writing them (publish/wikidata.py).
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from glane.declaration import Declared, load_declaration

Written = Literal["fr", "en", "nl", "de", "es", "it", "pt"]
"""The languages of names and addresses, as Wikidata codes them."""

Form = Literal["country", "text", "day", "point", "url", "phone", "siren", "siret", "monolingual"]


class _Property(Declared):
    says: str
    value: Form


class _Known(Declared):
    properties: dict[str, _Property]
    kinds: dict[str, str]
    countries: dict[str, str]


@cache
def known() -> _Known:
    """The properties, kinds and countries of wikidata.yaml. Raises DeclarationError."""
    return load_declaration(Path(__file__).with_suffix(".yaml"), _Known)


class Wikidata(Declared):
    """What a row is there.

    `kind` is the item that it is an instance of (P31), `labels` gives the field of its name in each language,
    `descriptions` a text with fields in braces, `item` the field that may hold the address of an item that is there
    already, `statements` the field of each property (of P625 the latitude and the longitude). Street addresses are in
    `language`.
    """

    kind: str
    language: Written
    labels: dict[Written, str] = Field(min_length=1)
    descriptions: dict[Written, str] = Field(default_factory=dict)
    item: str | None = None
    statements: dict[str, str | list[str]] = Field(default_factory=dict)

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in known().kinds:
            raise ValueError(
                f"{kind} is not on the list of kinds ({', '.join(known().kinds)}): read its page, then add it"
            )
        return kind

    @field_validator("statements")
    @classmethod
    def _known_properties(cls, statements: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, fields in statements.items():
            if name not in known().properties:
                listed = ", ".join(known().properties)
                raise ValueError(f"{name} is not on the list of properties ({listed}): read its page, then add it")
            if (known().properties[name].value == "point") != (isinstance(fields, list) and len(fields) == 2):
                raise ValueError(f"{name} takes {'two fields' if isinstance(fields, str) else 'one field'}")
        return statements

    def named_fields(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every field that it names, and the path of keys where it does."""
        yield from ((("labels", language), name) for language, name in self.labels.items())
        if self.item:
            yield ("item",), self.item
        for key, fields in self.statements.items():
            names = [fields] if isinstance(fields, str) else fields
            yield from ((("statements", key), name) for name in names)
