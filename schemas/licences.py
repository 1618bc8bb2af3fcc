"""The closed list of licences, by SPDX id, and what each asks.

Belongs here: which licences a source may declare and which of them let us publish (facts: complaints 9 and 10).
Does not belong here: which licences may be merged into one dataset; that decision is publish/'s.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema


@dataclass(frozen=True)
class Licence:
    """One licence: SPDX id, title, address, CKAN's own id for it, and what it asks of a reuser."""

    spdx: str
    title: str
    url: str
    ckan: str
    publishable: bool = True
    attribution: bool = True
    share_alike: bool = False


LICENCES: dict[str, Licence] = {
    licence.spdx: licence
    for licence in (
        Licence(
            "etalab-2.0",
            "Licence Ouverte / Open Licence 2.0",
            "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
            "etalab-2.0",
        ),
        Licence(
            "CC0-1.0",
            "Creative Commons Zero 1.0",
            "https://creativecommons.org/publicdomain/zero/1.0/",
            "cc-zero",
            attribution=False,
        ),
        Licence(
            "CC-BY-4.0", "Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/", "cc-by"
        ),
        Licence(
            "CC-BY-SA-4.0",
            "Creative Commons Attribution Share-Alike 4.0",
            "https://creativecommons.org/licenses/by-sa/4.0/",
            "cc-by-sa",
            share_alike=True,
        ),
        Licence(
            "ODbL-1.0",
            "Open Data Commons Open Database License 1.0",
            "https://opendatacommons.org/licenses/odbl/1-0/",
            "odc-odbl",
            share_alike=True,
        ),
        Licence(
            "CC-BY-NC-4.0",
            "Creative Commons Attribution Non-Commercial 4.0",
            "https://creativecommons.org/licenses/by-nc/4.0/",
            "cc-nc",
            publishable=False,
        ),
    )
}


def _known(spdx: str) -> str:
    if spdx not in LICENCES:
        raise ValueError(f"{spdx!r} is not on the list of licences: {', '.join(LICENCES)}")
    return spdx


Spdx = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(LICENCES)})]
"""The SPDX id of a licence on the list, as declarations write it."""
