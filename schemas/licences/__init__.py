"""The closed list of licences, by SPDX id, and what each asks (licences.yaml).

Belongs here: which licences a source may declare (facts: complaints 9 and 10). Does not belong here: what may be done
with data under them (rights.py); which licences a dataset takes together is its own word (policy.py).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, RootModel, WithJsonSchema

from glane.declaration import Declared, load_declaration

Ask = Literal["attribution", "share-alike", "non-commercial", "no-derivatives", "permission"]


class Licence(Declared):
    """One licence: title, address of its text, CKAN's own id for it, and what it asks of a reuser."""

    title: str
    url: str
    ckan: str
    asks: list[Ask] = Field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether anyone may use, alter and share the data for any purpose (opendefinition.org, 2.1)."""
        return {"attribution", "share-alike"}.issuperset(self.asks)


class _Licences(RootModel[dict[str, Licence]]):
    pass


LICENCES: dict[str, Licence] = load_declaration(Path(__file__).with_name("licences.yaml"), _Licences).root
OPEN = tuple(spdx for spdx, licence in LICENCES.items() if licence.is_open)
"""The licences that a dataset can be published under."""


def _known(spdx: str) -> str:
    if spdx not in LICENCES:
        raise ValueError(f"{spdx!r} is not on the list of licences: {', '.join(LICENCES)}")
    return spdx


def _open(spdx: str) -> str:
    if _known(spdx) not in OPEN:
        raise ValueError(f"{spdx!r} is no open licence; a dataset is published under one of {', '.join(OPEN)}")
    return spdx


Spdx = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(LICENCES)})]
"""The SPDX id of a licence on the list, as declarations write it."""
OpenSpdx = Annotated[str, AfterValidator(_open), WithJsonSchema({"type": "string", "enum": list(OPEN)})]
"""The SPDX id of a licence that a dataset can be published under."""
