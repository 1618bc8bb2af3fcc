"""What the quality page calls tables, fields, partners, countries and their parts, in one language.

Belongs here: names out of declarations and lists. Does not belong here: the words of the page (words.yaml).
"""

from collections.abc import Mapping
from typing import Any

import pycountry

from glane.text import Language
from publish.quality.report import QualityReport
from schemas.rules.countries import countries
from schemas.territory.departments import departments


class Names:
    """What tables, fields and partners are called, in one language."""

    def __init__(self, report: QualityReport, descriptor: Mapping[str, Any], language: Language) -> None:
        self._resources = {one["name"]: one for one in descriptor["resources"]}
        self._language = language
        self._partners = {one.partner: one.title[language] for one in report.sources}
        self._bases = report.bases
        self._several = len(report.duplicates) > 1

    def table(self, name: str) -> str:
        """The title of a table."""
        found = self._resources.get(name)
        return str(found["titles"][self._language]) if found else name

    def base(self, name: str) -> str | None:
        """The table that this one is derived from; None where partners feed it."""
        return self._bases.get(name)

    def partner(self, name: str) -> str:
        """The title of a partner; its name where it brings nothing to the version."""
        return self._partners.get(name, name)

    def whose(self, partner: str, table: str) -> str:
        """A partner's title, and that of the table that it feeds where partners feed several."""
        return f"{self.partner(partner)} ({self.table(table)})" if self._several else self.partner(partner)

    def field(self, table_name: str, name: str) -> str:
        """The title of a field."""
        fields = self._resources.get(table_name, {}).get("schema", {}).get("fields", ())
        return next((str(one.get("title") or name) for one in fields if one["name"] == name), name)

    def any_field(self, name: str) -> str:
        """The title of a field in the first table that has it."""
        return next((found for one in self._resources if (found := self.field(one, name)) != name), name)


def country_name(code: str, language: Language) -> str:
    """What a country is called; its code where nobody knows."""
    if code in countries():
        return countries()[code].name[language]
    found = pycountry.countries.get(alpha_2=code)
    return str(found.name) if found else code


def area_name(country: str, code: str) -> str:
    """What a département or a province is called, as those who live there write it."""
    if country == "FR":
        return departments().get(code, code)
    found = pycountry.subdivisions.get(code=f"{country}-{code}")  # type: ignore[no-untyped-call]
    if found is None:
        return code
    # "Bruxelles-Capitale, Région de", "A Coruña [La Coruña]": as a list sorts them, not as one says them.
    name, _, before = str(found.name).partition(" [")[0].partition(", ")
    return f"{before} {name}" if before else name
